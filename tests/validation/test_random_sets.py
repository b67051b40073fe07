"""Random parameter sets: the share within tolerance is what a count says; rows that most sets pass are only shown."""

import math
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zerolimit import BadInput
from zerolimit.commands.cli import app
from zerolimit.study.definition import read_study
from zerolimit.validation import random_sets
from zerolimit.validation.places import Place, Wanted
from zerolimit.validation.random_sets import MOST, Share, laid_over, ours, random_shares, share_in, share_of
from zerolimit.validation.targets import Market, Target, read_targets, targets_of
from zerolimit.validation.validate import Row, Validation

VARY = {"pool_share": {"from": 0.2, "to": 0.5}, "review_months": {"from": 3, "to": 6}}


def target(name: str = "A1", **changed: Any) -> dict[str, Any]:
    given = {"id": name, "group": "one", "what": "zero lines", "interval": [0.1, 0.3], "tolerance": [0.05, 0.4]}
    given |= {"quantity": "zero_line", "unit": "share", "kind": "share", "product": "instalments", "markets": ["here"]}
    return given | changed


def table(*rows: dict[str, Any]) -> dict[str, Any]:
    here = {"scenario": "defaults", "product": "instalments", "burn_in": 1, "months": 4}
    there = {"scenario": "to-come", "product": "card", "months": 4}
    return {"markets": {"here": here, "there": there}, "windows": {}, "target": list(rows)}


def one(**changed: Any) -> Target:
    return targets_of(table(target(**changed))).rows[0]


def test_a_share_counts_sets_within_tolerance_and_those_that_could_be_measured() -> None:
    wanted = Wanted(
        one(), Place("here", Market("here", "baseline", "instalments", 0, 4), None), True, ("zero_line", 1, 4, None)
    )
    found = share_in(wanted, [0.05, 0.2, 0.5, math.nan])
    assert (found.within, found.measured) == (2 / 4, 3 / 4)
    assert found.row == ("here", "zero_line", None, 0.05, 0.4)


def known(monkeypatch: pytest.MonkeyPatch, **within: float) -> None:
    """The package's shares, by market."""
    shares = [Share("A1", market, "zero_line", (0.05, 0.4), 1.0, share) for market, share in within.items()]
    monkeypatch.setattr(random_sets, "ours", lambda: {share.row: share for share in shares})


def test_a_target_has_the_fewest_of_its_markets_and_none_where_one_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, here=0.9, there=0.4)
    assert share_of(one()) == 0.9
    assert share_of(one(markets=["here", "there"])) == 0.4
    assert share_of(one(tolerance=[0.05, 0.5])) is None
    known(monkeypatch, here=0.9)
    assert share_of(one(markets=["here", "there"])) is None


@pytest.mark.parametrize(("share", "counts"), [(None, True), (MOST, True), (0.7, False)])
def test_what_most_random_sets_pass_is_shown_and_not_counted(
    monkeypatch: pytest.MonkeyPatch, share: float | None, counts: bool
) -> None:
    import zerolimit

    known(monkeypatch, **({} if share is None else {"here": share}))
    found = zerolimit.validate(targets=table(target()), seeds=1, borrowers=30, engine="objects", progress=False)
    row = found.rows[0]
    assert (row.counted, row.random) == (counts, share)
    assert ("70% of random parameter sets pass: shown, not counted" in row.remark) == (not counts)
    assert found.score().of_rows == int(counts)


def test_sets_are_those_of_a_hypercube_with_a_seed_each() -> None:
    from zerolimit import load_scenario

    drawn = read_study({"vary": VARY}, design="latin", samples=4, seed=3)
    worlds = list(laid_over(load_scenario("defaults", borrowers=20), drawn, 3))
    assert [seed for _, seed in worlds] == [3, 4, 5, 6]
    quarters = sorted(int((scenario.pool_share - 0.2) / 0.075) for scenario, _ in worlds)  # type: ignore[operator]
    assert quarters == [0, 1, 2, 3]
    assert sorted(scenario.review_months for scenario, _ in worlds) == [3, 4, 5, 6]


def test_sets_that_do_not_go_with_a_market_and_markets_that_are_not_there_are_left_out() -> None:
    vary = {"planned_use_low": {"from": 0.2, "to": 0.5}}
    some = {**table(target(), target("A2", markets=["there"]))}
    some["markets"]["here"]["scenario"] = "baseline"
    found = random_shares({"vary": vary}, targets=some, sets=4, borrowers=25, planned_use_high=0.35, progress=False)
    assert [share.market for share in found.shares] == ["here"]
    assert dict(found.of["runs"]) == {"here": 2}
    assert found.shares[0].measured == 1.0


def test_the_file_says_what_it_is_of_and_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = tmp_path / "mine.toml"
    study.write_text("[vary]\npool_share = { from = 0.2, to = 0.5 }\n")
    targets = tmp_path / "targets.toml"
    targets.write_text(
        '[markets]\nhere = { scenario = "defaults", product = "instalments", months = 3 }\n'
        '[[target]]\nid = "A1"\ngroup = "zero lines"\nwhat = "lines of zero"\n'
        "interval = [0.1, 0.3]\ntolerance = [0.0, inf]\n"
        'quantity = "zero_line"\nunit = "share"\nkind = "share"\nproduct = "instalments"\nmarkets = ["here"]\n'
    )
    out = tmp_path / "out"
    words = ["validate", "--random", str(study), "--targets", str(targets), "--sets", "2", "--borrowers", "20"]
    done = CliRunner().invoke(app, [*words, "--out", str(out), "--quiet"])
    assert done.exit_code == 0, done.output
    assert "A1" in done.output
    assert "100%" in done.output
    text = (out / "random.toml").read_text()
    monkeypatch.setattr(random_sets, "resources", type("R", (), {"files": staticmethod(lambda _: out)}))
    read = ours.__wrapped__()
    assert read == {("here", "zero_line", None, 0.0, math.inf): Share("A1", "here", "zero_line", (0.0, math.inf), 1.0, 1.0)}
    assert 'study = "mine"' in text
    assert "pool_share = [0.2, 0.5]" in text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"study": {"vary": {"pool_share@2": [0.2, 0.4]}}}, "random: pool_share@2: a set holds from the start"),
        ({"study": {"vary": {"pool_shar": [0.2]}}}, "unknown parameter 'pool_shar'; did you mean 'pool_share'"),
        ({"study": "none.toml"}, "no such"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        random_shares(given["study"], sets=2, progress=False)


def test_sets_alone_are_refused_by_the_command() -> None:
    done = CliRunner().invoke(app, ["validate", "--sets", "4"])
    assert done.exit_code == 2
    assert "sets: they are drawn with --random STUDY" in done.output


def test_our_shares_are_of_the_rows_as_they_are() -> None:
    """A row whose tolerance, measure or window has changed since has no share; `make random-sets` gives it one."""
    rows = {
        (market, row.quantity, row.window, *row.tolerance): row.id
        for row in read_targets().rows
        for market in (*row.markets, *row.proxies)
    }
    assert {share.row: share.id for share in ours().values()}.items() <= rows.items()


def test_a_validation_of_rows_without_a_share_counts_them() -> None:
    targets = targets_of(table(target()))
    assert Validation(targets, (Row(targets.rows[0], "here", "fitted", True, (0.2,)),), (1,)).passed == {"A1": True}
