"""Shares in markets of a few borrowers, worked out by hand; intervals over seeds; what a study keeps, and how it stops."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from tests.test_story import ACCOUNT, CALM, TRAITS
from typer.testing import CliRunner

from zerolimit import attribute, rule
from zerolimit.basics.errors import BadInput, Cancelled
from zerolimit.commands import cli
from zerolimit.portfolio.settlement import Columns, Drawn, FirstPopulation
from zerolimit.study.accounts import STATES
from zerolimit.study.attribution import Attribution
from zerolimit.study.intervals import as_seeds, half_width, interval, over_seeds, unpaired_runs
from zerolimit.vocabulary.mechanisms import PLAYERS


@dataclass(frozen=True)
class Few(FirstPopulation):
    """A first population of owners alike, but for what is given of each."""

    own: tuple[Mapping[str, float], ...]

    @property
    def size(self) -> int:  # type: ignore[override]
        return len(self.own)

    def traits(self, drawn: Drawn) -> Columns:
        return self.columns(TRAITS)

    def accounts(self, drawn: Drawn) -> Columns:
        return self.columns(ACCOUNT)

    def columns(self, values: Mapping[str, float]) -> Columns:
        return {name: np.array([own.get(name, value) for own in self.own]) for name, value in values.items()}


FREQUENT, SELDOM = {"frequency": 0.99}, {"frequency": 0.1}
"""0.99 falls by an eighth a month to 0.758 at the review in month 2, above a trigger of 0.7."""
LOW = {"signal": -60.0}
"""Seventy points below the others: beneath a cutoff raised by 100 x 0.6, which the others pass."""
TIGHT: dict[str, Any] = {
    **CALM,
    "base_tightness": 0.6,
    "cutoff_gain": 100.0,
    "multiplier_gain": 0.0,
    "trigger_frequency": 0.7,
    "appeals_capacity": 0.0,
}


def of_few(*own: Mapping[str, float], players: tuple[str, ...], **others: Any) -> Attribution:
    return attribute("defaults", months=4, seed=1, players=players, portfolio=Few(own), **{**TIGHT, **others})


def test_three_borrowers_two_mechanisms_by_hand() -> None:
    """One is caught by the trigger, one by the raised cutoff, one by both: v = 0, 2, 2, 3; each has 3/2."""
    found = of_few({**FREQUENT}, {**SELDOM, **LOW}, {**FREQUENT, **LOW}, players=("trigger", "tightening"))
    assert found.game("zero_limit").tolist() == [0, 2, 2, 3]
    assert found.exact() == {"trigger": Fraction(3, 2), "tightening": Fraction(3, 2)}
    assert found.pairs().loc["trigger", "tightening"] == -1.0
    months = [found.borrower(slot).months_unusable for slot in range(3)]
    assert [(one["trigger"], one["tightening"], one["all"]) for one in months] == [(2, 0, 2), (0, 2, 2), (1, 1, 2)]
    states = [found.borrower(slot).state_unusable for slot in range(3)]
    assert [(one["trigger"], one["tightening"]) for one in states] == [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)]
    assert found.shares("zero_limit", ("month",)).query("month == 2").shapley.tolist() == [1.5, 1.5]
    assert found.reached().tolist() == [[0] * 4, [0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 3, 3]]
    assert found.first_event.tolist() == [[-1, -1, -1], [2, -1, 2], [-1, 2, 2], [2, 2, 2]]
    by_month = found.first_events().query("month == 3").set_index("player")
    assert by_month.shapley.to_dict() == {"trigger": 1.5, "tightening": 1.5}


def test_switching_one_off_and_on_would_say_that_nothing_did_it() -> None:
    """Both catch all three: all less all without either is 0, none with either is 3; shares say 3/2 each."""
    found = of_few(*[{**FREQUENT, **LOW}] * 3, players=("trigger", "tightening"))
    table = found.shares().set_index("player")
    assert table.but_for.tolist() == [0, 0]
    assert table.alone.tolist() == [3, 3]
    assert found.exact() == {"trigger": Fraction(3, 2), "tightening": Fraction(3, 2)}


def test_a_mechanism_can_protect() -> None:
    """A pool too small blocks some; the trigger takes all their lines, so nobody is left to be blocked: v = 0, 0, n, 0."""
    pool = {"pool_yuan": 25_000.0, "pool_share": None, "planned_use": 1.0, "base_tightness": 0.0}
    found = of_few(*[FREQUENT] * 3, players=("trigger", "scarcity"), **pool)
    blocked = found.game("blocked").tolist()
    assert blocked[:2] == [0, 0]
    assert blocked[3] == 0 < blocked[2]
    assert found.exact("blocked") == {"trigger": Fraction(-blocked[2], 2), "scarcity": Fraction(blocked[2], 2)}


def test_rates_are_a_game_of_their_own() -> None:
    """Three at risk in months 0 to 2, the survivors in month 3: 0/12, 2/10, 2/10, 3/9."""
    found = of_few({**FREQUENT}, {**SELDOM, **LOW}, {**FREQUENT, **LOW}, players=("trigger", "tightening"))
    assert found.game("at_risk").tolist() == [12, 10, 10, 9]
    assert found.rate() == {"trigger": Fraction(1, 6), "tightening": Fraction(1, 6)}
    by_segment = found.rates("zero_limit", ("segment",)).query("segment == 'owner'")
    assert by_segment.shapley.tolist() == pytest.approx([1 / 6, 1 / 6])
    assert by_segment["all"].tolist() == pytest.approx([1 / 3, 1 / 3])


def test_habits_out_nobody_is_more_frequent_than_the_middle_of_the_segment() -> None:
    """The median frequency of five is 0.1, below the trigger: with habits out, it catches nobody."""
    found = of_few(FREQUENT, SELDOM, SELDOM, SELDOM, FREQUENT, players=("habits", "trigger"), base_tightness=0.0)
    assert found.game("zero_by_trigger").tolist() == [0, 0, 0, 2]
    assert found.exact("zero_by_trigger") == {"habits": Fraction(1), "trigger": Fraction(1)}


def test_a_common_past_is_common() -> None:
    whole = attribute("defaults", borrowers=600, months=3, since=5, seed=2, players=("trigger", "scarcity"))
    run = attribute("defaults", borrowers=600, months=8, seed=2, players=("trigger",))
    assert whole.game("zero_limit", ("month",))[-1].tolist() == run.game("zero_limit", ("month",))[-1][5:].tolist()
    assert whole.shares("zero_limit", ("month",)).month.unique().tolist() == [5, 6, 7]


@pytest.fixture(scope="module")
def seeds() -> Attribution:
    return attribute("defaults", borrowers=900, months=8, seed=3, seeds=3, players=("trigger", "scarcity"), follow=[7])


def test_ten_seeds_have_a_band_over_all_players() -> None:
    many = attribute("defaults", borrowers=200, months=3, seeds=10, players=("trigger", "scarcity"))
    values = np.array([one.shares().shapley for one in (many, *many.replications)])
    found = many.intervals().set_index("player")
    for p, name in enumerate(many.players):
        half = half_width(10, rows=2) * values[:, p].std(ddof=1)
        assert found.loc[name, "band_high"] == pytest.approx(values[:, p].mean() + half)
    assert found.rows.tolist() == [2, 2]


def test_seeds_repeat_the_study_and_give_students_intervals(seeds: Attribution) -> None:
    alone = [attribute("defaults", borrowers=900, months=8, seed=k, players=("trigger", "scarcity")) for k in (3, 4, 5)]
    assert seeds.seeds == (3, 4, 5)
    values = np.array([one.shares().shapley for one in alone])
    found = seeds.intervals().set_index("player")
    for p, name in enumerate(seeds.players):
        mean, half = values[:, p].mean(), 4.302652729749464 * values[:, p].std(ddof=1) / sqrt(3)
        assert found.loc[name, "shapley"] == pytest.approx(mean)
        assert found.loc[name, "low"] == pytest.approx(mean - half)
        assert found.loc[name, "high"] == pytest.approx(mean + half)
    assert alone[0].intervals().low.isna().all()
    assert found[["band_low", "band_high"]].isna().all(axis=None)
    assert (found.rows == 0).all()
    monthly = seeds.intervals("zero_limit", ("month",), rate=True)
    assert len(monthly) == 2 * 8


def test_a_followed_borrower_has_a_state_every_month(seeds: Attribution) -> None:
    last = seeds.borrower(7, month=7)
    assert last.equals(seeds.borrower(7).drop(columns="months_unusable"))
    states = last.filter(like="state_")
    assert len(states.columns) == len(STATES)
    assert np.allclose(states.loc[list(seeds.players)].sum(axis=1), 0.0)
    with pytest.raises(BadInput, match="borrower: 8 was not followed"):
        seeds.borrower(8, month=3)


def test_what_is_saved_is_tidy_and_sums_to_the_difference(seeds: Attribution, tmp_path: Path) -> None:
    seeds.save(tmp_path / "shares")
    cells = pd.read_parquet(tmp_path / "shares" / "cells.parquet")
    game = seeds.game("zero_limit")
    assert cells.shapley.sum() == pytest.approx(int(game[-1]) - int(game[0]))
    totals = pd.read_parquet(tmp_path / "shares" / "totals.parquet")
    assert set(totals.outcome) == set(seeds.counts)
    assert totals.seeds.unique().tolist() == [3]
    people = pd.read_parquet(tmp_path / "shares" / "borrowers.parquet")
    difference = people["all"].astype(int) - people["none"].astype(int)
    assert np.allclose(people[list(seeds.players)].sum(axis=1), difference)
    assert sorted(path.name for path in (tmp_path / "shares").iterdir()) == [
        *("borrowers.parquet", "cells.parquet", "manifest.json", "months.parquet", "pairs.parquet"),
        *("provenance.json", "scenario.toml", "shares.png", "totals.parquet"),
    ]


def test_every_month_of_the_figure_is_as_wide_as_the_others() -> None:
    three = attribute("defaults", months=3, players=("trigger", "tightening"), portfolio=Few((FREQUENT, LOW)), **TIGHT)
    axes = three.plot()
    assert axes.get_xlim() == (-0.5, 2.5)
    shares = three.shares("zero_limit", ("month",)).pivot(index="month", columns="player", values="shapley")
    heights = shares.clip(lower=0.0).sum(axis=1).to_numpy()
    top = np.concatenate([area.get_paths()[0].vertices for area in axes.collections])
    for month, height in zip(shares.index, heights, strict=True):
        for edge in (month - 0.5, month + 0.5):
            assert np.isclose(top[top[:, 0] == edge, 1], height).any()
    assert heights[0] == 0.0 < heights[-1]
    assert (axes.get_title("left"), axes.get_xlabel()) == (
        "Whose zero limit? Shapley shares by month (defaults, seed 1)",
        "month",
    )
    assert all(tick == round(tick) for tick in axes.get_xticks())
    plt.close("all")


def test_it_stops_when_asked_and_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []

    def stop() -> bool:
        return len(told) >= 2

    with pytest.raises(Cancelled):
        attribute(
            "defaults",
            borrowers=400,
            months=3,
            workers=1,
            players=("trigger", "scarcity"),
            progress=lambda done, every: told.append((done, every)),
            cancel=stop,
        )
    assert told == [(1, 4), (2, 4)]


@rule("frequency", after="receive")
def forgets(frequency):
    """The platform remembers nothing of how often one borrows."""
    return 0.0


@pytest.mark.slow
def test_a_rule_of_ones_own_is_in_every_world() -> None:
    found = of_few(FREQUENT, SELDOM, players=("trigger",), rules=[forgets], base_tightness=0.0, trigger_frequency=0.7)
    assert found.rules[0].name == "forgets"
    assert found.game("zero_limit").tolist() == [0, 0]
    assert of_few(FREQUENT, SELDOM, players=("trigger",), base_tightness=0.0).game("zero_limit").tolist() == [0, 1]


def test_shares_do_not_depend_on_how_many_worlds_run_at_once() -> None:
    one, other = (
        attribute("defaults", borrowers=700, months=5, players=("trigger", "scarcity"), workers=workers)
        for workers in (1, 3)
    )
    assert all((one.counts[name] == other.counts[name]).all() for name in one.counts)
    assert (one.state == other.state).all()
    assert (one.first_event == other.first_event).all()


ALL_ON: dict[str, Any] = {
    "reasons_sent": True,
    "early_warning": True,
    "notice_months": 1,
    "adaptation_months": 2,
    "appeals_capacity": 0.1,
    "fear_gain": 0.5,
}


@pytest.mark.parametrize("name", PLAYERS)
def test_every_player_makes_a_difference_where_it_is_on(name: str) -> None:
    scenario = {**ALL_ON, "pool_share": 0.25, "base_tightness": 0.2, "neighbour_weight": 0.5, "appeals_share": 0.05}
    found = attribute("defaults", borrowers=700, months=10, players=(name,), **scenario)
    assert any((game[0] != game[1]).any() for game in found.counts.values())


@pytest.mark.parametrize("name", ["reasons", "warning", "notice", "adaptation"])
def test_a_policy_that_is_off_has_no_share_to_ask_for(name: str) -> None:
    with pytest.raises(BadInput, match=f"players: {name} is off in defaults .*set it first"):
        attribute("defaults", borrowers=60, months=2, players=(name,))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"workers": 0}, "workers: a whole number of at least 1"),
        ({"months": 0}, "months: 1 to 10,000 after a past of 0 to 10,000 are needed, not 0 after 0"),
        ({"follow": [60]}, "follow: 60 is not from 0 to 59"),
        ({"players": ()}, "players: 1 to 10"),
        ({"seeds": []}, "seeds: at least one"),
        ({"borrower": 3}, "borrower"),
    ],
)
def test_bad_input_from_python_is_one_line_too(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        attribute("defaults", **{"borrowers": 60, "months": 1, "players": ("trigger",), **given})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--players triger", "'triger' is none of"),
        ("--seeds 0", "seeds: a whole number from 1"),
        ("--borrower 60 --borrowers 60", "borrower 60: slots are numbered 0 to 59"),
        ("--outcome zero", "outcome: 'zero' is no monthly count"),
        ("--out .", "already exists"),
    ],
)
def test_bad_input_ends_in_one_line(arguments: str, words: str) -> None:
    result = CliRunner().invoke(cli.app, ["attribute", "--months", "1", *arguments.split()])
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_shares_are_printed_with_what_is_due_beside_them() -> None:
    command = "attribute --borrowers 900 --months 6 --seeds 2 --players trigger,tightening --borrower 3 --quiet"
    result = CliRunner().invoke(cli.app, command.split())
    assert result.exit_code == 0, result.stderr
    for words in (
        "with all players on",
        "but for",
        "alone",
        "Interactions",
        "Over 2 seeds",
        "Borrower 3",
        "Everybody's world",
    ):
        assert words in result.stdout


def test_printed_shares_add_up_and_are_told_from_reasons() -> None:
    players = ("rescoring", "trigger", "scarcity")
    command = f"attribute --borrowers 1500 --months 12 --players {','.join(players)} --quiet"
    result = CliRunner().invoke(cli.app, command.split())
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    rows = [[float(cell) for cell in line[1:3]] for line in lines[2:5]]
    with_all, with_none = (int(lines[0][k]) for k in (3, 8))
    assert any(share != round(share) for share, _ in rows)
    for k in range(2):
        assert sum(row[k] for row in rows) == pytest.approx(with_all - with_none)
    assert "A reason names the cap that was lowest; a share (Shapley)" in " ".join(result.stdout.split())


# intervals and the runs that pairing saves


def test_an_interval_by_hand() -> None:
    """1, 2, 3: mean 2, s = 1, t(2) at 97.5 % = 4.3027: 2 -+ 4.3027 / sqrt(3)."""
    found = interval([1.0, 2.0, 3.0])
    assert (found.mean, found.low, found.high) == pytest.approx((2.0, 2.0 - 2.484138, 2.0 + 2.484138), abs=1e-6)
    assert np.isnan(over_seeds([4.0])[1])


def test_unpaired_runs_by_hand() -> None:
    """a = 0, 2, 4 and b = 1, 4, 4: variances 4 and 3; differences 1, 2, 0 have variance 1: 7 times, 21 runs for 3 pairs."""
    assert unpaired_runs([0, 2, 4], [1, 4, 4]) == (7.0, 21.0)
    assert unpaired_runs([0, 1], [5, 6]) == (np.inf, np.inf)
    assert np.isnan(unpaired_runs([1, 1], [2, 2])[0])


def test_a_difference_that_is_the_same_but_for_rounding_is_the_same() -> None:
    """0.1 more in every seed: its variance is 1e-34 in doubles. A millionth more in one of three is no rounding."""
    a = np.array([0.3, 0.7, 0.11, 1234.5])
    assert ((a + 0.1) - a).var(ddof=1) > 0.0
    assert unpaired_runs(a, a + 0.1) == (np.inf, np.inf)
    assert np.isnan(unpaired_runs([0.1, 0.1, 0.1], [0.1 + 0.2, 0.3, 0.3])[0])
    ratio, _ = unpaired_runs([0.0, 1.0, 2.0], [0.0, 1.0 + 1e-6, 2.0])
    assert ratio == pytest.approx(2.0 / (1e-12 / 3.0), rel=1e-6)


def test_without_common_draws_nothing_is_saved() -> None:
    generator = np.random.default_rng(5)
    ratio, runs = unpaired_runs(generator.normal(size=4_000), generator.normal(size=4_000))
    assert ratio == pytest.approx(1.0, abs=0.05)
    assert runs == pytest.approx(4_000, rel=0.05)


def test_seeds_are_counted_or_listed() -> None:
    assert as_seeds(None, 7) == (7,)
    assert as_seeds(3, 7) == (7, 8, 9)
    assert as_seeds([4, 2], 7) == (4, 2)
    assert as_seeds(np.int64(3), np.int64(7)) == (7, 8, 9)  # type: ignore[arg-type]
    assert as_seeds(np.array([4, 2]), 7) == (4, 2)  # type: ignore[arg-type]
    wrong: tuple[Any, ...] = (0, True, [], [1, 1], 2.5, "3", np.float64(2.0), np.int64(-1))
    for bad in wrong:
        with pytest.raises(BadInput, match="seed"):
            as_seeds(bad, 1)
    with pytest.raises(BadInput, match=r"2\^64"):
        as_seeds(2, 2**64 - 1)
    with pytest.raises(BadInput, match="seed"):
        as_seeds(2, -1)


def test_a_scenario_may_be_a_path_or_a_mapping(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text('base = "defaults"\nborrowers = 200\n')
    given = [attribute(one, months=2, players=("trigger",)) for one in (file, str(file), {"borrowers": 200})]
    assert [one.scenario.borrowers for one in given] == [200, 200, 200]
    assert given[0].game("zero_limit").tolist() == given[1].game("zero_limit").tolist()
    with pytest.raises(BadInput, match="neither a preset"):
        attribute(tmp_path / "none.toml", months=2)
