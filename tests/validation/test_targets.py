"""The targets of the package: the lot that parts them, tolerances that follow from rules, and files that are refused."""

import hashlib
import math
from collections.abc import Callable
from typing import Any

import pytest

from zerolimit import BadInput
from zerolimit.validation.targets import Targets, by_lot, read_targets, targets_of
from zerolimit.validation.tolerance import tolerance

KEY = "zerolimit targets 2026-11-27"


@pytest.fixture(scope="module")
def ours() -> Targets:
    return read_targets()


def test_there_are_85_rows_in_24_groups_of_which_84_count(ours: Targets) -> None:
    assert len(ours.rows) == 85
    assert len(ours.groups) == 24
    assert [row.id for row in ours.rows if not row.counted] == ["A5"]


def test_the_lot_holds_out_eight_groups_and_nobody_has_chosen_them(ours: Targets) -> None:
    """The first eight by the hash of key and name."""
    assert ours.key == KEY
    drawn = sorted(ours.groups, key=lambda group: hashlib.sha256(f"{KEY}:{group}".encode()).hexdigest())
    assert list(ours.held_out) == drawn[:8] == by_lot(KEY, ours.groups)[:8]
    assert sum(ours.part(group) == "fitted" for group in ours.groups) == 16


def test_another_choice_of_groups_is_refused() -> None:
    table = plain()
    table["lot"] = {"key": "any", "held_out": [by_lot("any", ["one", "two"])[1]]}
    with pytest.raises(BadInput, match=r"lot: held_out is not what the key gives, which is '(one|two)'"):
        targets_of(table, "mine.toml")


def in_digits(value: float, written: float) -> bool:
    """Whether a number is another as that is written, to its digits."""
    if math.isinf(written):
        return value == written
    text = f"{written:.4g}"
    places = len(text.partition("e")[0].replace("-", "").replace(".", "").lstrip("0"))
    return (
        abs(value - written) <= 0.5000001 * 10.0 ** (math.floor(math.log10(abs(written))) + 1 - min(places, 4))
        if written
        else value == 0
    )


def test_each_tolerance_is_what_its_rule_gives_to_the_digits_of_the_table(ours: Targets) -> None:
    """Where it is not, the row says why, and no other row does."""
    differ = []
    for row in ours.rows:
        assert row.rule is not None
        given = tolerance(row.rule, row.data, row.interval, row.null)
        if not all(map(in_digits, given, row.tolerance)):
            differ.append(row.id)
    assert differ == [row.id for row in ours.rows if row.departs] == ["B6b", "D9", "C31b"]


@pytest.mark.parametrize(
    ("rule", "data", "interval", "null", "expected"),
    [
        ("odds", None, (0.5, 0.6), None, (0.4, 9 / 13)),
        ("odds", None, (0.5, 1.0), None, (0.4, 1.0)),
        ("size", None, (3.0, 6.0), None, (2.0, 9.0)),
        ("size", None, (-0.6, -0.3), None, (-0.9, -0.2)),
        ("quantile", None, (1.35, 2.0), None, (1.0, 2.7)),
        ("hazard", None, (0.01, 0.02), None, (0.005, 0.04)),
        ("fisher", 0.0, (-0.1, 0.1), None, (-math.tanh(0.2), math.tanh(0.2))),
        ("none", None, (1.0, 2.0), None, (1.0, 2.0)),
        ("order", 2.0, (1.2, 4.0), 1.0, (1.0, 6.0)),
        ("order", None, None, 0.0, (0.0, math.inf)),
        ("order", -1.0, None, 0.0, (-math.inf, 0.0)),
    ],
)
def test_rules_widen_an_interval_by_hand(rule: str, data: Any, interval: Any, null: Any, expected: Any) -> None:
    assert tolerance(rule, data, interval, null) == pytest.approx(expected, abs=1e-12)


def test_rows_of_order_have_a_null_on_the_edge_of_their_tolerance(ours: Targets) -> None:
    for row in ours.rows:
        if row.rule == "order":
            assert row.null in row.tolerance
    named = "A8b A12a A14a A14b B9a B9b B9c B16a B16b C14 D1b D9"
    assert sorted(row.id for row in ours.rows if row.null is not None) == sorted(named.split())


def plain(**changed: Any) -> dict[str, Any]:
    """A small file of targets."""
    row = {
        "id": "A1",
        "group": "one",
        "what": "lines of zero",
        "data": 0.2,
        "interval": [0.1, 0.3],
        "tolerance": [0.05, 0.4],
        "quantity": "zero_line",
        "unit": "share",
        "kind": "share",
        "product": "instalments",
        "markets": ["here"],
    }
    other = {**row, "id": "A3", "group": "two"}
    market = {"scenario": "defaults", "product": "instalments", "months": 12}
    return {"markets": {"here": market}, "windows": {"calm": {"to": "2008-06"}}, "target": [other, row | changed]}


def test_a_file_of_ones_own_needs_neither_lot_nor_rules() -> None:
    found = targets_of(plain(), "mine.toml")
    assert [row.id for row in found.rows] == ["A3", "A1"]
    assert found.held_out == ()
    assert found.rows[1].tolerance == (0.05, 0.4)


def test_a_rule_gives_the_tolerance_that_is_not_written() -> None:
    table = plain(rule="size")
    del table["target"][1]["tolerance"]
    assert targets_of(table).rows[1].tolerance == pytest.approx((0.1 / 1.5, 0.45))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t["target"][1].update(id="late"), r"target 2 \(late\): id: 'late' is no fact, as in A1"),
        (lambda t: t["target"][1].update(id="A99"), r"target 2 \(A99\): id: 'A99' is no fact, .*did you mean 'A9'"),
        (lambda t: t["target"][1].update(id="A3"), r"target 2 \(A3\): id is there twice"),
        (lambda t: t["target"][1].update(unit="percent"), r"target 2 \(A1\): unit: 'percent' is not one of share"),
        (lambda t: t["target"][1].update(kind="men"), r"target 2 \(A1\): kind: 'men' is not one of .*did you mean 'mean'"),
        (lambda t: t["target"][1].update(markets=["her"]), r"target 2 \(A1\): markets: 'her' is not one of here; did you"),
        (lambda t: t["target"][1].update(markets=[]), r"markets: at least one of here is needed"),
        (lambda t: t["target"][1].update(window="clam"), r"window: 'clam' is not one of calm; did you mean 'calm'"),
        (lambda t: t["target"][1].update(interval=[0.3, 0.1]), r"target 2 \(A1\): interval: \[0.3, 0.1\] is empty"),
        (lambda t: t["target"][1].update(interval=[0.3, 0.4]), r"interval: \[0.3, 0.4\] is without the data, 0.2"),
        (lambda t: t["target"][1].update(tolerance=[0.4, 0.05]), r"tolerance: \[0.4, 0.05\] is empty"),
        (lambda t: t["target"][1].update(tolerance=[0.15, 0.4]), r"tolerance: \[0.15, 0.4\] is inside out"),
        (lambda t: t["target"][1].update(tolerance="wide"), r"tolerance: a list is needed, not 'wide'"),
        (lambda t: t["target"][1].update(tolerance=[1, "x"]), r"tolerance: two numbers are needed"),
        (lambda t: t["target"][1].pop("tolerance"), r"a tolerance is needed, or a rule that gives it"),
        (lambda t: t["target"][1].update(rule="odd"), r"rule: 'odd' is not one of .*did you mean 'odds'"),
        (lambda t: t["target"][1].update(data=math.nan), r"data: a number is needed"),
        (lambda t: t["target"][1].update(counted=1), r"counted: true or false is needed, not 1"),
        (lambda t: t["target"][1].update(grup="x"), r"unknown key 'grup'; did you mean 'group'"),
        (lambda t: t["target"][1].pop("group"), r"target 2 \(A1\): group is needed"),
        (lambda t: t.update(target=[]), r"no \[\[target\]\] is in it"),
        (lambda t: t.update(target=[1]), r"target 1: a table is needed, not 1"),
        (lambda t: t["windows"].update(x={"from": "2008-13"}), r"windows.x: '2008-13' is no month"),
        (lambda t: t["windows"].update(x={"from": "2009-01", "to": "2008-01"}), r"windows.x: it is empty"),
        (lambda t: t["markets"]["here"].update(product="loan"), r"markets.here: product: 'loan' is not one of"),
        (lambda t: t["markets"]["here"].pop("months"), r"markets.here: either months"),
        (lambda t: t["markets"]["here"].update(burn_in=12), r"markets.here: burn_in: at least 0, and fewer than months"),
    ],
)
def test_a_file_that_does_not_fit_together_is_refused_by_row(spoil: Callable[[Any], object], says: str) -> None:
    table = plain()
    spoil(table)
    with pytest.raises(BadInput, match=rf"^targets mine.toml: .*{says}"):
        targets_of(table, "mine.toml")


def test_a_file_that_is_none_is_refused(tmp_path: Any) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_targets(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("[[target]\n")
    with pytest.raises(BadInput, match=r"targets bad.toml: not valid TOML"):
        read_targets(bad)
