"""Verdicts, groups and counts; what cannot be measured says why; the command, its files and its figure."""

import math
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from docs import score
from typer.testing import CliRunner

import zerolimit
from zerolimit import BadInput, load_scenario
from zerolimit.commands.cli import app
from zerolimit.commands.validation import print_table
from zerolimit.validation.measures import MEASURES
from zerolimit.validation.places import places_of
from zerolimit.validation.targets import Targets, by_lot, read_targets, targets_of
from zerolimit.validation.validate import Row, Validation

SMALL: dict[str, Any] = {"borrowers": 60, "engine": "objects", "progress": False}


def row(**changed: Any) -> dict[str, Any]:
    given = {"id": "A1", "group": "one", "what": "zero lines", "interval": [0.1, 0.3], "tolerance": [0.0, 1.0]}
    given |= {"quantity": "zero_line", "unit": "share", "kind": "share", "product": "instalments", "markets": ["here"]}
    return given | changed


def table(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    markets = {
        "here": {"scenario": "defaults", "product": "instalments", "burn_in": 2, "months": 5},
        "cards": {"scenario": "cards-to-come", "product": "card", "months": 5},
    }
    return {"markets": markets, "windows": {"calm": {"to": "2008-06", "says": "calm years"}}, "target": list(rows), **more}


def judged(values: list[float], **changed: Any) -> Row:
    target = targets_of(table(row(**changed))).rows[0]
    return Row(target, "here", "fitted", True, tuple(values))


@pytest.mark.parametrize(
    ("values", "changed", "verdict"),
    [
        ([0.2, 0.3], {"tolerance": [0.05, 0.4]}, "within"),
        ([0.2, 0.8], {"tolerance": [0.05, 0.4]}, "outside"),
        ([0.4, 0.4], {"tolerance": [0.05, 0.4]}, "within"),
        ([1.4, 1.5, 1.6], {"interval": [1.2, 2], "tolerance": [1.0, 3.0], "null": 1.0}, "within"),
        ([0.9, 1.5, 1.6], {"interval": [1.2, 2], "tolerance": [1.0, 3.0], "null": 1.0}, "wrong order"),
        ([0.8, 0.9], {"interval": [1.2, 2], "tolerance": [1.0, 3.0], "null": 1.0}, "wrong order"),
        ([4.0, 4.1], {"interval": [1.2, 2], "tolerance": [1.0, 3.0], "null": 1.0}, "outside"),
        ([-0.4, -0.41], {"interval": [-0.5, -0.3], "tolerance": [-0.6, -0.2], "null": 0.0}, "within"),
        ([0.1, 0.11], {"interval": [-0.5, -0.3], "tolerance": [-0.6, -0.2], "null": 0.0}, "wrong order"),
        ([1.5], {"interval": [1.2, 2], "tolerance": [1.0, 3.0], "null": 1.0}, "no interval"),
        ([1.5, math.nan], {"interval": [1.2, 2], "tolerance": [1.0, 3.0], "null": 1.0}, "no interval"),
        ([0.9], {"interval": [1.2, 2], "tolerance": [1.0, 3.0], "null": 1.0}, "wrong order"),
        ([4.0], {"interval": [1.2, 2], "tolerance": [1.0, 3.0], "null": 1.0}, "outside"),
        ([0.2], {"tolerance": [0.05, 0.4]}, "within"),
        ([0.2, math.nan], {"tolerance": [0.05, 0.4]}, "within"),
        ([0.2, math.nan, math.nan], {"tolerance": [0.05, 0.4]}, "not measured"),
        ([math.nan, math.nan], {}, "not measured"),
        ([], {}, "not measured"),
    ],
)
def test_the_verdict_is_of_the_mean_and_of_order_of_its_interval(
    values: list[float], changed: dict[str, Any], verdict: str
) -> None:
    assert judged(values, **changed).verdict == verdict


def test_the_pass_rate_counts_seeds_that_could_not_be_measured_as_failed() -> None:
    assert judged([0.2, 0.5, math.nan, 0.3], tolerance=[0.05, 0.4]).passes == 0.5


ORDER = {"interval": [1.2, 2], "tolerance": [1.0, 3.0], "null": 1.0}


@pytest.mark.parametrize(
    ("values", "changed", "says"),
    [
        ([1.5], ORDER, "one seed: no interval, so the order is not known"),
        ([1.5, math.nan], ORDER, "measured in 1 of 2 seeds: no interval, so the order is not known"),
        ([0.2, 0.3, math.nan], {}, "measured in 2 of 3 seeds"),
        ([0.2, math.nan, math.nan], {}, "measured in 1 of 3 seeds, fewer than half"),
        ([math.nan], {}, "nothing to measure it on: no such borrowers, or too few months"),
        ([0.2, 0.3], {}, ""),
    ],
)
def test_a_verdict_of_fewer_seeds_than_asked_says_so(values: list[float], changed: dict[str, Any], says: str) -> None:
    assert judged(values, **changed).remark == says


def test_an_order_of_one_seed_is_measured_and_does_not_pass() -> None:
    one = judged([1.5], **ORDER)
    found = Validation(targets_of(table(row(**ORDER))), (one,), (1,))
    assert found.passed == {"A1": False}
    assert (found.score().rows, found.score().measured) == (0, 1)
    frame = found.to_frame().iloc[0]
    assert (frame["verdict"], frame["why"]) == ("no interval", one.remark)


def validation(passing: dict[str, list[bool]]) -> Validation:
    """Groups whose rows pass or not, one group held out."""
    rows = [
        row(id=f"{fact}{'abcde'[k]}", group=group, tolerance=[0.05, 0.4])
        for fact, (group, some) in zip(("A1", "A2", "A3"), passing.items(), strict=True)
        for k in range(len(some))
    ]
    held = by_lot("key", passing)[:1]
    targets = targets_of(table(*rows, lot={"key": "key", "held_out": held}))
    good = [one for some in passing.values() for one in some]
    values = [(0.2,) if one else (0.9,) for one in good]
    made = tuple(
        Row(target, "here", targets.part(target.group), True, value)
        for target, value in zip(targets.rows, values, strict=True)
    )
    return Validation(targets, made, (1,))


def test_a_group_passes_with_two_thirds_of_its_rows() -> None:
    found = validation(
        {"two of three": [True, True, False], "one of two": [True, False], "three of five": [True] * 3 + [False] * 2}
    )
    assert found.groups == {"two of three": True, "one of two": False, "three of five": False}
    all_of = found.score()
    assert (all_of.rows, all_of.of_rows, all_of.groups, all_of.of_groups) == (6, 10, 1, 3)
    parts = [found.score("fitted"), found.score("held out")]
    assert sum(one.rows for one in parts) == 6
    assert [one.of_groups for one in parts] == [2, 1]


def test_a_row_of_two_markets_passes_only_in_both() -> None:
    targets = targets_of(table(row(markets=["here", "cards"], tolerance=[0.05, 0.4])))
    rows = tuple(
        Row(targets.rows[0], place, "fitted", True, values) for place, values in (("here", (0.2,)), ("cards", (0.9,)))
    )
    found = Validation(targets, rows, (1,))
    assert found.passed == {"A1": False}
    assert (found.score().rows, found.score().of_rows, found.score().measured) == (0, 1, 1)


@pytest.fixture(scope="module")
def found() -> Validation:
    rows = [
        row(),
        row(id="A2", markets=["cards"], proxies=["here"]),
        row(id="A3a", quantity="line_lost", unit="a month", window="calm"),
        row(id="D1", quantity="debt_per_line", unit="ratio"),
        row(id="B1", group="two", lacks="nobody has it"),
        row(id="B2", group="two", counted=False),
    ]
    return zerolimit.validate(targets=table(*rows), seeds=2, **SMALL)


def test_what_cannot_be_measured_says_why_and_never_passes(found: Validation) -> None:
    frame = found.to_frame().set_index(["id", "place"])
    assert frame.loc[("A2", "cards"), "why"] == "no such preset yet: cards-to-come"
    assert "no calendar: calm years" in frame.loc[("A3a", "here"), "why"]
    assert "too few months" in frame.loc[("D1", "here"), "why"]
    assert frame.loc[("B1", "here"), "why"] == "nobody has it"
    assert frame.loc[("A2", "here"), ["verdict", "counted"]].tolist() == ["within", False]
    assert frame.loc[("A1", "here"), "verdict"] == "within"
    assert found.passed == {"A1": True, "A2": False, "A3a": False, "D1": False, "B1": False}
    assert found.score().measured == 1


def test_a_value_is_that_of_the_run_with_its_seed(found: Validation) -> None:
    again = zerolimit.worlds(
        [load_scenario("defaults", borrowers=60)],
        keep="zero_line",
        months=5,
        burn_in=2,
        seeds=2,
        engine="objects",
        progress=False,
    )
    values = found.seeds_frame().query("id == 'A1'")["value"].tolist()
    assert values == again["zero_line"].tolist()


def test_a_scenario_of_ones_own_is_measured_where_its_product_allows() -> None:
    own = load_scenario("defaults", borrowers=40, name="mine")
    rows = table(row(), row(id="A2", product="card", markets=["cards"]))
    found = zerolimit.validate(own, targets=rows, seeds=1, engine="objects", progress=False)
    frame = found.to_frame().set_index("id")
    assert frame.loc["A1", "place"] == "mine"
    assert frame.loc["A2", "why"] == "wrong product: the target is of card, the scenario lends instalments"


@pytest.mark.parametrize(("last", "months"), [(None, 60), (20, 60), (47, 60), (70, 83)])
def test_a_scenario_of_ones_own_is_run_until_a_year_after_its_calendar(last: int | None, months: int) -> None:
    calendar = [] if last is None else [{"month": last, "kind": "macro", "value": -0.1}]
    [place] = places_of(targets_of(table(row())), [{"name": "mine", "calendar": calendar}], {})
    assert place.months == months


@pytest.mark.parametrize("columns", [80, 130])
def test_the_table_fits_the_terminal_and_cuts_no_number_off(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    wide = row(what="a target that takes many words to say, more than a terminal has", tolerance=[0.000375, 0.999172])
    found = Validation((read := targets_of(table(wide))), (Row(read.rows[0], "here", "fitted", True, (0.2, 0.3)),), (1, 2))
    paper = StringIO()
    monkeypatch.setattr(sys, "stdout", paper)
    print_table(found)
    lines = paper.getvalue().splitlines()
    assert max(map(len, lines[:4])) <= columns
    assert "0.000375 to 0.999" in paper.getvalue()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"targets": table(row(quantity="zero_lin"))},
            r"target 1 \(A1\): unknown measure 'zero_lin'; did you mean 'zero_line'",
        ),
        ({"targets": table(row(unit="yuan"))}, r"target 1 \(A1\): unit: zero_line is measured in share, not in yuan"),
        ({"targets": "none.toml"}, "no such file"),
        ({"workers": 0}, "workers: a whole number of at least 1"),
        ({"seeds": 0}, "seeds"),
        ({"borowers": 5}, "borowers"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_runs(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        zerolimit.validate(**given)


def test_an_unknown_scenario_offers_markets_too() -> None:
    with pytest.raises(BadInput, match=r"scenario 'cards-208': neither.*did you mean 'cards-2008'"):
        zerolimit.validate("cards-208")


def test_ours_name_measures_with_their_units() -> None:
    ours: Targets = read_targets()
    assert {one.quantity: one.unit for one in ours.rows} == {one.quantity: MEASURES[one.quantity].unit for one in ours.rows}
    assert {one.quantity for one in ours.rows} >= set(MEASURES) - {"zero_line"}


def test_the_command_prints_the_table_and_leaves_files_and_a_figure(tmp_path: Path) -> None:
    targets = tmp_path / "mine.toml"
    targets.write_text(
        '[markets]\nhere = { scenario = "defaults", product = "instalments", burn_in = 2, months = 5 }\n'
        '[[target]]\nid = "A1"\ngroup = "zero lines"\nwhat = "lines of zero"\ndata = 0.2\ninterval = [0.1, 0.3]\n'
        'tolerance = [0.0, 1.0]\nquantity = "zero_line"\nunit = "share"\nkind = "share"\nproduct = "instalments"\n'
        'markets = ["here"]\n'
    )
    out = tmp_path / "out"
    words = ["validate", "--targets", str(targets), "--borrowers", "60", "--seeds", "2", "--out", str(out), "--quiet"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "zero lines (fitted): passes" in done.output
    assert "all: 1 of 1 counted row and 1 of 1 group within tolerance; 1 could be measured" in done.output
    assert pd.read_parquet(out / "targets.parquet")["verdict"].tolist() == ["within"]
    assert len(pd.read_parquet(out / "seeds.parquet")) == 2
    assert (out / "targets.png").stat().st_size > 5_000
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2


def test_a_plot_of_nothing_measured_is_refused() -> None:
    targets = targets_of(table(row()))
    with pytest.raises(BadInput, match="no target could be measured"):
        Validation(targets, (Row(targets.rows[0], "here", "fitted", True),), (1,)).plot()


def test_what_documents_record_is_judged_as_the_run_was(
    found: Validation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score, "RECORD", tmp_path / "targets.csv")
    monkeypatch.setattr(score, "FIGURE", tmp_path / "targets.png")
    monkeypatch.setattr(score, "read_targets", lambda: found.targets)
    monkeypatch.setattr(score, "recorded", score.recorded.__wrapped__)
    score.record(found.save(tmp_path / "out"))
    again = score.recorded()
    now, then = (
        {(one.target.id, one.place): (one.values, one.verdict, one.remark, one.counted) for one in some.rows}
        for some in (again, found)
    )
    assert {name: told[1:] for name, told in now.items()} == {name: told[1:] for name, told in then.items()}
    assert all(told[0] == pytest.approx(then[name][0], rel=1e-5, nan_ok=True) for name, told in now.items())
    assert (again.seeds, again.score(), again.groups) == (found.seeds, found.score(), found.groups)
    assert "| A1: zero lines | here |  | 0 to 1 |" in score.targets()
    assert "not measured: no such preset yet: cards-to-come" in score.targets()
    assert "| all | 1 of 5 | 0 of 2 | 1 |" in score.score()


def test_documents_record_every_target() -> None:
    assert [row.target.id for row in score.recorded().rows if "not recorded" in row.remark] == []
