"""Two worlds on the same draws: who was zeroed where, worked out by hand, and what holds of any pair."""

import re
from math import inf, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.known_answers.test_attribution import FREQUENT, LOW, SELDOM, TIGHT, Few
from typer.testing import CliRunner

from zerolimit import compare, rule
from zerolimit.basics.errors import BadInput, Cancelled
from zerolimit.commands import cli
from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation
from zerolimit.study.accounts import OF_CUTS
from zerolimit.study.comparison import HEADLINE, MONEY, RECOVERED, ZEROED, Comparison, difference, possible, unit_of
from zerolimit.study.intervals import interval
from zerolimit.vocabulary.outcomes import RATES


def test_who_was_zeroed_in_one_and_not_in_the_other_by_hand() -> None:
    """The trigger (a) catches the frequent ones, the raised cutoff (b) the low ones; the last is caught by both."""
    few = Few(({**FREQUENT}, {**SELDOM, **LOW}, {**SELDOM}, {**FREQUENT, **LOW}))
    found = compare(
        "defaults",
        months=4,
        seeds=1,
        portfolio=few,
        only_a={"off": ["tightening"]},
        only_b={"off": ["trigger"]},
        **TIGHT,
    )
    assert [ZEROED[code] for code in found.zeroed[0]] == ["only in a", "only in b", "neither", "in both"]
    assert found.who().loc["owner"].tolist() == found.who().loc["all"].tolist() == [1, 1, 1, 1]
    states = found.transitions()
    assert states.loc["unusable", "open"] == states.loc["open", "unusable"] == 1
    assert states.loc["open", "open"] == states.loc["unusable", "unusable"] == 1
    assert int(states.to_numpy().sum()) == 4
    people = found.borrowers()
    assert people.first_event_a.tolist() == [2, -1, -1, 2]
    assert people.months_unusable_b.tolist() == [0, 2, 0, 2]
    row = found.differences(["zero_limit"]).iloc[0]
    assert (row.a, row.b, row.difference) == (2 / 14, 2 / 14, 0.0)
    assert np.isnan(row.low)
    assert np.isnan(row.unpaired_runs)
    assert (found.single, found.unlike) == (0, 0)


CHANGE: dict[str, Any] = {"trigger_frequency": 0.6}


@pytest.fixture(scope="module")
def pair() -> Comparison:
    return compare("defaults", borrowers=1_200, months=10, seed=5, seeds=4, only_b=CHANGE)


def test_differences_are_those_of_two_runs_seed_by_seed(pair: Comparison) -> None:
    rates = []
    for seed in pair.seeds:
        both = []
        for change in ({}, CHANGE):
            run = Simulation(load_scenario("defaults", borrowers=1_200, **change), seed, engine="compiled").run(10)
            over, under = (
                sum(int(one.counts[name].sum()) for one in run.history) for name in ("zero_limit", "line_on_time")
            )
            both.append(over / under)
        rates.append(both)
    one, other = np.array(rates).T
    difference = other - one
    row = pair.differences(["zero_limit"]).iloc[0]
    half = 3.182446305284263 * difference.std(ddof=1) / sqrt(4)
    assert row.difference == pytest.approx(difference.mean())
    assert (row.low, row.high) == (pytest.approx(difference.mean() - half), pytest.approx(difference.mean() + half))
    ratio = (one.var(ddof=1) + other.var(ddof=1)) / difference.var(ddof=1)
    assert row.variance_ratio == pytest.approx(ratio)
    assert row.unpaired_runs == np.ceil(4 * ratio)
    assert difference.mean() > 0.0


def test_money_is_that_of_the_runs_themselves(pair: Comparison) -> None:
    """Fen a month over ten months, from each run's own history; the interval is Student's over the four pairs."""
    found: dict[str, list[list[float]]] = {name: [] for name in MONEY}
    for seed in pair.seeds:
        both: dict[str, list[float]] = {name: [] for name in MONEY}
        for change in ({}, CHANGE):
            run = Simulation(load_scenario("defaults", borrowers=1_200, **change), seed, engine="compiled").run(10)
            sums = {name: sum(int(one.counts[name].sum()) for one in run.history) for name in run.history[0].counts}
            row = {name: sum(one.platform[name] for one in run.history) for name in ("net_income", "cash", "planned")}
            both["lent"].append(sums["sum_drawn"] / 10)
            both["losses"].append((sums["sum_written_off"] - sums["sum_recovered"]) / 10)
            for name, column in (("net_income", "net_income"), ("idle_cash", "cash"), ("exposure", "planned")):
                both[name].append(row[column] / 10)
        for name in MONEY:
            found[name].append(both[name])
    table = pair.differences(MONEY).set_index("outcome")
    for name, values in found.items():
        one, other = np.array(values).T
        half = 3.182446305284263 * (other - one).std(ddof=1) / sqrt(4)
        assert table.loc[name, ["a", "b", "difference"]].tolist() == pytest.approx(
            [one.mean(), other.mean(), (other - one).mean()]
        )
        assert table.loc[name, ["low", "high"]].tolist() == pytest.approx([(other - one).mean() + k * half for k in (-1, 1)])
    assert abs(table.loc["net_income", "difference"]) > 0.0
    monthly = pair.differences(["idle_cash"], ["month"])
    assert monthly.a.mean() == pytest.approx(table.loc["idle_cash", "a"])
    with pytest.raises(BadInput, match="by: lent is the platform's, by month and not by segment"):
        pair.differences(["lent"], ["segment"])


def test_months_before_since_are_kept_by_month_and_left_out_of_all_else(pair: Comparison) -> None:
    late = compare("defaults", borrowers=1_200, months=10, since=4, seed=5, seeds=4, only_b=CHANGE)
    for outcome in ("zero_limit", "complaints", "idle_cash"):
        assert np.array_equal(late.values(outcome, ["month"]), pair.values(outcome, ["month"]), equal_nan=True)
    monthly = pair.values("zero_arrears", ["month"])
    assert monthly[:, :, :4].sum() > 0
    assert (late.values("zero_arrears") == monthly[:, :, 4:].sum(axis=2)).all()
    events, risk = (pair.counts[name][:, :, 4:].sum(axis=(2, 3, 4)) for name in ("zero_limit", "line_on_time"))
    assert late.values("zero_limit") == pytest.approx(events / risk)
    assert late.values("exposure") == pytest.approx(pair.values("exposure", ["month"])[:, :, 4:].mean(axis=2))
    assert (late.transitions() == pair.transitions()).all(axis=None)
    assert late.who().loc["all", "neither"] > pair.who().loc["all", "neither"]
    assert (late.first_event == pair.first_event).all()


def test_a_zero_before_since_does_not_count_and_one_behind_it_does() -> None:
    """The trigger acts in month 2: counted from month 2 on, not from month 3 on."""
    few = Few(({**FREQUENT}, {**SELDOM}))
    for since, zeroed in ((2, ["only in a", "neither"]), (3, ["neither", "neither"])):
        found = compare(months=5, since=since, seeds=1, portfolio=few, a="defaults", only_b={"off": ["trigger"]}, **TIGHT)
        assert [ZEROED[code] for code in found.zeroed[0]] == zeroed
        assert found.borrowers().last_event_a.tolist() == [2, -1]


def test_a_seed_without_a_number_is_left_out() -> None:
    """Pairs (1, 3), (2, 5) and one with nothing to divide by: mean difference 2.5 over two seeds."""
    found = difference(np.array([1.0, np.nan, 2.0]), np.array([3.0, 1.0, 5.0]))
    assert (found["a"], found["b"], found["difference"], found["seeds"]) == (1.5, 4.0, 2.5, 2)
    assert np.isnan(difference(np.array([np.nan]), np.array([1.0]))["difference"])


def test_an_interval_has_no_end_at_which_a_rate_could_not_be() -> None:
    """a is 0, 0, 0.09: 0.03 -+ 0.129. Student's interval of b - a = -a ends at -0.159 and 0.099; but b is 0."""
    rare, never = np.array([0.0, 0.0, 0.09]), np.zeros(3)
    half = 4.302652729911275 * np.std(rare, ddof=1) / sqrt(3)
    plain, cut = difference(rare, never), difference(rare, never, 0.0, 1.0)
    assert (plain["low"], plain["high"]) == (pytest.approx(-0.03 - half), pytest.approx(half - 0.03))
    assert (cut["low"], cut["high"]) == (pytest.approx(-0.03 - half), 0.0)
    other_way = difference(never, rare, 0.0, 1.0)
    assert (other_way["low"], other_way["high"]) == (0.0, pytest.approx(0.03 + half))
    split = difference(np.array([0.0, 1.0]), np.array([1.0, 0.5]), 0.0, 1.0)
    assert (split["difference"], split["low"], split["high"]) == (0.25, -1.0, 1.0)
    assert np.isnan(difference(rare[:1], never[:1], 0.0, 1.0)["low"])


@given(some.lists(some.tuples(some.floats(0.4, 0.45), some.floats(0.5, 0.55)), min_size=2, max_size=6))
def test_an_interval_within_what_can_be_is_left_as_it_is(pairs: list[tuple[float, float]]) -> None:
    one, other = np.array(pairs).T
    student = [difference(one, other)[name] for name in ("low", "high")]
    if interval(one).low > 0.0 and interval(other).high < 1.0:
        assert [difference(one, other, 0.0, 1.0)[name] for name in ("low", "high")] == pytest.approx(student, abs=1e-12)


def test_a_share_is_at_most_one_and_a_rate_that_is_more_has_no_upper_end() -> None:
    values = np.array([[0.2, 0.4]])
    assert possible("blocked", values) == (0.0, 1.0)
    assert possible("zero_limit", values * 4) == (0.0, inf)
    assert possible("finding", values) == possible("complaints", values) == (0.0, inf)


def test_units_are_those_of_the_outcome() -> None:
    assert unit_of("zero_limit") == (100.0, "%")
    assert unit_of("appeal_wait") == (1.0, "months")
    assert unit_of("complaints") == (1.0, "borrowers")
    assert unit_of("lent") == (0.01, "yuan a month")
    assert unit_of("idle_cash") == (0.01, "yuan")


def test_tables_agree_with_each_other(pair: Comparison) -> None:
    people = pair.borrowers()
    assert (
        len(people) == int(pair.here.sum()) == int(pair.who().loc["all"].sum()) == int(pair.transitions().to_numpy().sum())
    )
    assert (people.zeroed == "only in b").sum() == pair.who().loc["all", "only in b"]
    assert ((people.first_event_b >= 0) == people.zeroed.isin(["only in b", "in both"])).all()
    monthly = pair.values("zero_limit", ["month"])
    assert monthly.shape == (4, 2, 10)
    counts = pair.values("zero_arrears", ["month", "segment"])
    assert counts.sum(axis=(2, 3)).tolist() == pair.values("zero_arrears").tolist()


def test_what_differs_from_a_month_on_differs_from_then_on_only() -> None:
    event = [{"month": 6, "kind": "tightness", "value": 0.5}]
    found = compare("defaults", borrowers=1_500, months=9, seeds=2, only_b={"calendar": event})
    monthly = found.values("decreases", ["month"])
    assert (monthly[:, 0, :6] == monthly[:, 1, :6]).all()
    assert (monthly[:, 0, 6] < monthly[:, 1, 6]).all()


def test_other_people_are_said_to_be_other() -> None:
    vacant = compare("defaults", borrowers=500, months=1, seeds=1, only_b={"vacant_share": 0.5})
    assert vacant.unlike == 0 < vacant.single
    drawn = compare("defaults", borrowers=500, months=1, seeds=1, only_b={"share_gig": 0.6, "share_owner": 0.2})
    assert drawn.unlike > 100
    people = f"over all seeds {int(vacant.here.sum())} borrowers there at the start"
    assert f"the same draws, but not the same borrowers: {people} on both sides;" in vacant.paired()
    assert f"both sides; {vacant.single} slots taken on one side only, and no pair." in vacant.paired()
    assert f"both sides, {drawn.unlike} of them with other traits at birth." in drawn.paired()


def test_the_same_people_are_said_to_be_the_same(pair: Comparison) -> None:
    assert pair.paired().startswith("Both worlds of a seed have the same borrowers and draws;")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"start": "2020-09"}, "start: not set in a, 2020-09 in b"),
        ({"calendar": [{"month": 3, "kind": "tightness", "value": 0.5}]}, "calendar: none in a, 1 entry in b"),
        ({"off": ["trigger", "scarcity"]}, "off: none in a, trigger, scarcity in b"),
        ({"early_warning": True}, "early_warning: off in a, on in b"),
        ({"cutoff": 620.0}, "cutoff: 605.0 in a, 620.0 in b"),
    ],
)
def test_parameters_are_told_in_words(changed: dict[str, Any], words: str) -> None:
    assert compare("defaults", borrowers=50, months=1, seeds=1, only_b=changed).differing() == [words]


def test_what_is_saved(pair: Comparison, tmp_path: Path) -> None:
    pair.save(tmp_path / "pair", "zero_inactive")
    tables = {path.stem: pd.read_parquet(path) for path in (tmp_path / "pair").glob("*.parquet")}
    assert set(tables) == {"differences", "months", "segments", "borrowers", "transitions"}
    assert set(tables["differences"].outcome) == {*RATES, *MONEY, *HEADLINE, *RECOVERED, "zero_inactive"}
    assert len(tables["months"]) == 10 * (len(RATES) + len(MONEY) + len(OF_CUTS) + 1)
    assert len(tables["segments"]) == 3 * (len(RATES) + 1)
    assert (tmp_path / "pair" / "comparison.png").stat().st_size > 10_000
    assert load_scenario(str(tmp_path / "pair" / "b.toml")).trigger_frequency == CHANGE["trigger_frequency"]
    with pytest.raises(BadInput, match="already exists"):
        pair.save(tmp_path / "pair")


def test_a_rule_of_ones_own_against_the_allocation_that_says_the_same() -> None:
    """`need x level` is pro rata but for rounding: the two worlds share their pools alike to the yuan."""
    found = compare("defaults", borrowers=800, months=3, seeds=1, pool_share=0.33, allocation="pro_rata", rules_b=[alike])
    assert found.differing() == ["user-defined rules: none in a, alike in b"]
    lines = found.values("sum_limit", ["month"])[0]
    assert abs(lines[0] - lines[1]).max() < 1e-4 * lines[0].min()
    other = compare("defaults", borrowers=800, months=3, seeds=1, pool_share=0.33, rules_b=[alike])
    lines = other.values("sum_limit", ["month"])[0]
    assert abs(lines[0] - lines[1]).max() > 1e-3 * lines[0].min()


@rule("granted")
def alike(level, need):
    """The same share for all."""
    return need * level


def test_scenarios_may_be_paths(tmp_path: Path) -> None:
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text('base = "defaults"\nborrowers = 200\n')
    other.write_text('base = "defaults"\nborrowers = 200\ntrigger_frequency = 0.6\n')
    found = compare(one, other, months=2, seeds=np.int64(2))  # type: ignore[arg-type]
    assert (found.a.name, found.b.name, found.seeds) == ("one", "other", (1, 2))
    assert found.b.trigger_frequency == 0.6
    with pytest.raises(BadInput, match="a Scenario is needed, not 3"):
        compare(3, other, months=2)  # type: ignore[arg-type]


def test_it_stops_when_asked() -> None:
    with pytest.raises(Cancelled):
        compare("defaults", borrowers=300, months=2, seeds=2, only_b=CHANGE, cancel=lambda: True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("baseline", "both sides are the same scenario"),
        ("baseline no-mechanisms --b borrowers=50", "borrowers: the same number is needed on both sides"),
        ("defaults --b cutof=600", "cutof"),
        ("baseline nosuch", "nosuch"),
        ("defaults --b cutoff=600 --seeds 0", "seeds: a whole number from 1"),
        ("defaults --b cutoff=600 --outcome zero", "outcome: 'zero' is no rate, money or monthly count"),
        ("defaults --b cutoff=600 --outcome net_incom", "did you mean 'net_income'?"),
        ("defaults --b cutoff=600 --months 0", "months: 0 is not in 1 to 10,000"),
        ("defaults --b cutoff=600 --out .", "already exists"),
        ("defaults --b cutoff=600 --months 6 --since 6", "since: 6 is not one of 0 to 5, the months of the run"),
        ("defaults --b cutoff=600 --since -1", "since: -1 is not one of 0 to 35"),
    ],
)
def test_bad_input_ends_in_one_line(arguments: str, words: str) -> None:
    result = CliRunner().invoke(cli.app, ["compare", *arguments.split()])
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_comparison_is_printed_with_its_formula() -> None:
    command = "compare defaults --b trigger_frequency=0.5 --borrowers 600 --months 8 --seeds 2 --quiet"
    result = CliRunner().invoke(cli.app, command.split())
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "trigger_frequency: 0.77 in a, 0.5 in b" in text
    assert "only in b" in text
    assert "unpaired runs a side = pairs x (var a + var b) / var(b - a), rounded up" in text


def printed(command: str) -> dict[str, list[str]]:
    """The cells of the table of differences, by outcome."""
    result = CliRunner().invoke(cli.app, ["compare", *command.split(), "--quiet"])
    assert result.exit_code == 0, result.stderr
    below = result.stdout[result.stdout.index("Difference b less a") :].splitlines()
    return {line.partition(",")[0]: line.split()[2:] for line in below if ", " in line}


SMALL = "defaults --set pool_share=0.15 --set appeal_rate=1.0 --set reasons_sent=true --borrowers 300 --months 5 --seeds 2"


def test_where_nobody_waited_there_is_a_dash() -> None:
    """With a desk for all, appeals are heard at once; with reasons sent, every cut is known at once."""
    rows = printed(f"{SMALL} --b appeals_capacity=1.0")
    assert float(rows["appeal_wait"][0]) > 0.0 > float(rows["appeal_wait"][2])
    assert rows["appeal_wait"][1] == "-"
    assert rows["finding"] == ["-"] * 6
    assert rows["roll_1"][2:] == ["0.000", "0.000", "0.000", "-"]


def test_the_months_counted_are_said() -> None:
    command = "compare defaults --b cutoff=640 --borrowers 300 --months 5 --since 2 --seeds 2 --quiet"
    result = CliRunner().invoke(cli.app, command.split())
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "Who had a zero limit in months 2 to 4, of " in text
    assert "Difference b less a in months 2 to 4" in text
    assert "The first 2 months are left out of these tables, and kept by month" in text


def test_money_is_printed_in_yuan() -> None:
    command = "compare defaults --b pool_share=1.0 --borrowers 600 --months 6 --seeds 2 --quiet --outcome idle_cash"
    result = CliRunner().invoke(cli.app, command.split())
    assert result.exit_code == 0, result.stderr
    found = compare("defaults", borrowers=600, months=6, seeds=2, only_b={"pool_share": 1.0})
    said = "Money, yuan: lent, losses, net_income a month; idle_cash, exposure as the mean of the months"
    assert said in " ".join(result.stdout.split())
    rows = [line.split() for line in result.stdout.splitlines() if line.split(" ")[0] in MONEY]
    assert [row[0] for row in rows] == ["idle_cash", "lent", "losses", "net_income", "exposure"]
    for name, *told in rows:
        money = found.differences([name]).iloc[0][["a", "b", "difference", "low", "high"]] / 100
        signs = ("", "", "+", "+", "+")
        assert told == [f"{value:{sign},.0f}" for value, sign in zip(money, signs, strict=True)]


def test_where_there_was_no_case_there_is_a_dash() -> None:
    rows = printed(f"{SMALL} --set appeals_capacity=0.0 --b cutoff=640")
    assert rows["appeal_wait"] == rows["appeal_granted"] == ["-"] * 6
    assert "-" not in rows["zero_limit"]


def test_rates_from_fewer_seeds_are_said_to_be() -> None:
    """An appeal is heard in both worlds of some seeds only."""
    command = "compare defaults --b notice_months=3 --borrowers 2000 --months 12 --seeds 4 --quiet"
    result = CliRunner().invoke(cli.app, command.split())
    said = "From fewer seeds, those with a case on both sides: "
    assert re.search(rf"{said}appeal_wait \([123]\), appeal_granted \([123]\)\.", " ".join(result.stdout.split()))
