"""What a window hides: months without a usable line from effect and decision, in worlds made by hand and in runs."""

import inspect
import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from typer.testing import CliRunner

from zerolimit import compare, rule
from zerolimit.basics.errors import BadInput
from zerolimit.commands import cli
from zerolimit.engine.base import Array
from zerolimit.parameters.declarations import about
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.rules.decision import is_announced
from zerolimit.run.simulation import Simulation
from zerolimit.study.accounts import DELAYING, OF_CUTS, Accounts, Cuts, Decisions, last_half, over_run
from zerolimit.study.comparison import HEADLINE, Comparison
from zerolimit.study.lived import live
from zerolimit.vocabulary.names import CLOSED, LEFT, OPEN, ZERO_LIMIT

MONTHS, LEAST, LINE = 20, 100, 1_000
NAMES = ("generation", "limit", "notice_left", "announced", "status", "standing", "late", "without_line")


@dataclass(frozen=True)
class Life:
    """What happens to one account: a cut to zero is decided, takes effect some months later, and the line comes back."""

    decided: int = 99
    wait: int = 0
    back: int = 99
    late: tuple[int, ...] = ()
    lifted: int = 99
    """The announcement is taken back in this month."""
    leaves: int = 99
    blocked: tuple[int, ...] = ()

    def month(self, t: int) -> dict[str, float]:
        """The columns at the end of a month; -1 is before the first."""
        effect = self.decided + self.wait
        over = min(self.lifted, *self.late, 99) if self.late else self.lifted
        waits = self.decided <= t < min(effect, over)
        zero = effect <= t < self.back and over > effect
        unusable = zero or t in self.blocked
        return {
            "generation": 0,
            "limit": 0 if zero or t >= self.leaves else LINE,
            "notice_left": effect - t if waits else 0,
            "announced": 0,
            "status": LEFT if t >= self.leaves else CLOSED if zero else OPEN,
            "standing": 2 if t in self.late else 1,
            "late": float(t in self.late),
            "without_line": float(unusable),
        }


class Script:
    """A world of scripted accounts, as far as Accounts and Decisions look at one."""

    def __init__(self, lives: list[Life]) -> None:
        self.lives, self.size, self.month = lives, len(lives), 0
        self.terms = {"minimum_loan": float(LEAST)}
        self.engine = SimpleNamespace(
            raw=lambda name, month: np.array([one.month(month - 1)[name] for one in lives], np.int64)
        )
        self.episodes = SimpleNamespace(starts=[])

    def step(self) -> None:
        t, self.month = self.month, self.month + 1
        lost = [one.month(t - 1)["limit"] >= LEAST > one.month(t)["limit"] and t < one.leaves for one in self.lives]
        if any(lost):
            rows = np.flatnonzero(lost)
            event = {"month": np.full(len(rows), t), "borrower": rows, "kind": np.full(len(rows), int(ZERO_LIMIT))}
            self.episodes.starts.append(event)


def cuts_of(lives: list[Life], months: int = MONTHS) -> Cuts:
    world = cast(Any, Script(lives))
    accounts = Accounts(world)
    decisions = Decisions(accounts)
    for _ in range(months):
        world.step()
        accounts.record()
        decisions.record()
    return decisions.cuts()


def outcomes(cuts: Cuts, unfollowed: int = 0) -> dict[str, float]:
    return {name: float(over_run(name, vars(cuts), 0, unfollowed)) for name in OF_CUTS}


def apart(a: list[Life], b: list[Life], months: int = MONTHS) -> dict[str, float]:
    """Parts of b - a in months an account."""
    one, other = outcomes(cuts_of(a, months)), outcomes(cuts_of(b, months))
    return {name: other[name] - one[name] for name in OF_CUTS}


TAKEN = (2, 4, 4, 9, 15)
"""Months in which a cut to zero is decided; five more accounts have none."""


def lives(wait: int, taken: tuple[int, ...] = TAKEN, back: int = 99) -> list[Life]:
    found = [Life(month, wait, min(99, month + wait + back)) for month in taken]
    return [*found, *[Life()] * (10 - len(taken))]


@pytest.mark.parametrize("n", [1, 3, 6])
@pytest.mark.parametrize("months", [3, 8, 17, 20])
def test_a_world_that_only_waits_differs_in_delay_alone(n: int, months: int) -> None:
    """At every horizon, whether what was put off takes effect before it or behind it."""
    found = apart(lives(0), lives(n), months)
    waits = sum(min(months, taken + n) - taken for taken in TAKEN if taken < months)
    assert found["months_put_off"] == pytest.approx(-waits / 10)
    assert found["months_decided"] == pytest.approx(0.0)
    assert found["months_without"] == pytest.approx(-waits / 10)
    assert found["months_without"] < 0.0


@pytest.mark.parametrize("n", [1, 3, 6])
@pytest.mark.parametrize("back", [1, 2, 5])
def test_a_world_that_waits_and_whose_lines_come_back_later_differs_in_nothing(n: int, back: int) -> None:
    """All of it, from first to last, n months later: as many months without a line, decided and served."""
    found = apart(lives(0, back=back), lives(n, back=back), 40)
    assert {name: round(value, 12) for name, value in found.items() if name.startswith("months_")} == dict.fromkeys(
        [name for name in OF_CUTS if name.startswith("months_")], 0.0
    )
    # before the end, what has not yet been served is what is put off; what comes back behind the end cannot be known
    for months in range(3, 30):
        found = apart(lives(0, back=back), lives(n, back=back), months)
        ends = [taken + back for taken in TAKEN]
        unknown = sum(months - end for end in ends if end < months <= end + n)
        assert found["months_decided"] == pytest.approx(unknown / 10)


def test_who_leaves_without_a_line_leaves_no_later_for_the_wait() -> None:
    """Gone in month 9 in both worlds: three months that were put off, and none fewer."""
    found = apart([Life(4, 0, leaves=9), Life()], [Life(4, 3, leaves=9), Life()])
    assert (found["months_put_off"], found["months_decided"]) == (-1.5, 0.0)


def test_a_world_without_some_of_the_episodes_differs_in_fewer_alone() -> None:
    """Without the cuts of months 4 (one of two) and 9: 16 + 11 months in 20, over ten accounts."""
    found = apart(lives(0), lives(0, (2, 4, 15)))
    assert found["months_decided"] == found["months_without"] == pytest.approx(-2.7)
    assert found["months_put_off"] == found["months_blocked"] == 0.0
    one, other = cuts_of(lives(0)), cuts_of(lives(0, (2, 4, 15)))
    assert (int(one.decided.sum()), int(other.decided.sum())) == (5, 3)


def test_both_at_once_are_told_apart() -> None:
    """Three months' notice and two cuts fewer: 9 months of waiting, 27 months that were never decided."""
    found = apart(lives(0), lives(3, (2, 4, 15)))
    assert found["months_put_off"] == pytest.approx(-0.9)
    assert found["months_decided"] == pytest.approx(-2.7)
    assert found["months_without"] == pytest.approx(-3.6)


def test_decisions_are_counted_by_the_month_taken_and_followed_to_their_end() -> None:
    """Of four announced in months 2 and 5, one takes effect, one is overtaken by arrears, one is lifted, one leaves."""
    few = [Life(2, 3), Life(2, 3, late=(4,)), Life(5, 3, lifted=7), Life(5, 3, leaves=7), Life(6), Life()]
    found = cuts_of(few)
    assert np.flatnonzero(found.decided).tolist() == [2, 5, 6]
    assert found.decided[[2, 5, 6]].tolist() == [2, 2, 1]
    assert found.took_effect[[2, 5, 6]].tolist() == [1, 0, 1]
    assert found.withdrawn[[2, 5, 6]].tolist() == [1, 2, 0]
    told = outcomes(found)
    assert told["zero_withdrawn"] == 3 / 5
    # who waits is not open to a decision, nor who has no line, is late, or is gone; months 0 to 8 of the six
    assert found.open_lines[:9].tolist() == [6, 6, 6, 4, 4, 5, 3, 2, 3]
    # of what waits, only the decision that took effect is put off: months 2, 3, 4
    assert np.flatnonzero(found.waiting).tolist() == [2, 3, 4]
    assert told["months_put_off"] == pytest.approx(-3 / 6)


def test_a_decision_that_is_still_announced_waits_and_is_not_followed() -> None:
    found = cuts_of([Life(5, 6), Life()], 8)
    assert (found.decided.sum(), found.took_effect.sum(), found.withdrawn.sum()) == (1, 0, 0)
    assert found.waiting.tolist() == [0] * 5 + [1] * 3
    told = outcomes(found, unfollowed=6)
    assert np.isnan(told["zero_withdrawn"])
    assert told["months_decided"] == 1.5


def test_months_with_a_line_and_nothing_of_it_stand_apart() -> None:
    """Blocked in three months, two of them on notice: these are waited for too, so that the parts sum."""
    found = cuts_of([Life(4, 3, blocked=(3, 4, 5)), Life()], 10)
    assert found.blocked.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0]
    assert found.at_zero.tolist() == [0] * 7 + [1] * 3
    assert found.waiting.tolist() == [0] * 4 + [1] * 3 + [0] * 3
    told = outcomes(found)
    assert told["months_without"] == told["months_at_zero"] + told["months_blocked"] == 3.0
    assert told["months_at_zero"] == told["months_put_off"] + told["months_decided"]


# in runs


@pytest.fixture(scope="module")
def pair() -> Comparison:
    return compare("defaults", borrowers=1_500, months=14, seeds=3, base_tightness=0.4, only_b={"notice_months": 3})


def test_the_parts_sum_in_every_seed_and_month(pair: Comparison) -> None:
    one = {name: pair.values(name, ["month"]) for name in OF_CUTS}
    assert one["months_without"] == pytest.approx(one["months_at_zero"] + one["months_blocked"])
    assert one["months_at_zero"] == pytest.approx(one["months_put_off"] + one["months_decided"])
    assert one["months_without"].sum(axis=2) == pytest.approx(pair.values("months_without"))
    unusable = np.where(pair.here[:, None], pair.unusable, 0).sum(axis=2)
    assert pair.values("months_without") == pytest.approx(unusable / pair.here.sum(axis=1)[:, None])
    assert (one["months_put_off"][:, 0] == 0.0).all()
    assert (pair.values("months_put_off")[:, 1] < 0.0).all()


def test_without_notice_a_decision_is_an_event_and_every_line_is_open(pair: Comparison) -> None:
    events, lines = (pair.values(name, ["month"])[:, 0] for name in ("zero_limit", "line_on_time"))
    assert (pair.cuts["open_lines"][:, 0] == lines).all()
    assert pair.values("zero_decided", ["month"])[:, 0] == pytest.approx(events)
    assert (pair.cuts["took_effect"][:, 0] == pair.cuts["decided"][:, 0]).all()
    assert (pair.values("zero_withdrawn")[:, 0] == 0.0).all()


def test_notice_is_a_moratorium_and_its_decisions_begin_as_the_others(pair: Comparison) -> None:
    """In the first month both worlds decide alike; then those on notice are not reviewed. All are followed to an end."""
    decided, lines = pair.cuts["decided"], pair.cuts["open_lines"]
    assert (decided[:, 0, 0] == decided[:, 1, 0]).all()
    assert decided[:, 1, 0].min() > 0
    assert (lines[:, 1, 3] < pair.values("line_on_time", ["month"])[:, 1, 3]).all()
    ended = pair.cuts["took_effect"] + pair.cuts["withdrawn"]
    assert (ended[:, :, :-3] == decided[:, :, :-3]).all()
    assert 0.0 < pair.values("zero_withdrawn")[:, 1].mean() < 0.5


def test_the_settled_rate_is_that_of_the_last_half(pair: Comparison) -> None:
    events, lines = (pair.counts[name][:, :, 7:].sum(axis=(2, 3, 4)) for name in ("zero_limit", "line_on_time"))
    assert pair.values("zero_limit_last_half") == pytest.approx(events / lines)
    assert [last_half(months) for months in (1, 2, 5, 18)] == [1, 1, 3, 9]


def test_a_beginning_left_out_leaves_out_decisions_and_no_month_without_a_line(pair: Comparison) -> None:
    late = compare("defaults", borrowers=1_500, months=14, since=5, seeds=3, base_tightness=0.4, only_b={"notice_months": 3})
    for name in OF_CUTS:
        same = late.values(name) == pytest.approx(pair.values(name))
        assert same == name.startswith("months_")


def test_adaptation_ends_a_line_on_its_way_and_counts_as_an_effect() -> None:
    found = compare("defaults", borrowers=1_500, months=10, seeds=1, only_b={"adaptation_months": 4}, base_tightness=0.4)
    assert found.delays
    assert found.cuts["took_effect"][0, 1].sum() > 0
    ended = found.cuts["took_effect"] + found.cuts["withdrawn"]
    assert (ended[:, :, :-4] == found.cuts["decided"][:, :, :-4]).all()


def test_what_delays_is_what_the_rule_reads() -> None:
    read = set(re.findall(r"terms\.(\w+)", inspect.getsource(is_announced)))
    assert read == set(DELAYING)
    months = {name for name in Scenario.model_fields if about(name)["unit"] == "months"}
    assert set(DELAYING) <= months


@rule("notice_left", after="set_line")
def longer(notice_left):
    """A user-defined rule that puts off cuts."""
    return notice_left


@pytest.mark.parametrize(
    ("options", "delays"),
    [
        ({"only_b": {"notice_months": 2}}, True),
        ({"only_a": {"notice_months": 2}, "only_b": {"adaptation_months": 2}}, True),
        pytest.param({"rules_b": [longer]}, True, marks=pytest.mark.slow),  # a month to compile
        ({"notice_months": 2, "only_b": {"cutoff": 600.0}}, False),
    ],
)
def test_when_worlds_put_off_cuts_otherwise(options: dict[str, Any], delays: bool) -> None:
    assert compare("defaults", borrowers=50, months=1, seeds=1, **options).delays == delays


def test_the_engines_follow_decisions_alike() -> None:
    scenario = load_scenario("defaults", borrowers=300, base_tightness=0.5, notice_months=2)
    one, other = (live([Simulation(scenario, 3, engine=engine)], 8, cuts=True)[0] for engine in ("objects", "compiled"))
    assert one.cuts is not None
    assert other.cuts is not None
    assert one.cuts.decided.sum() > 0
    assert all(
        (mine == theirs).all() for mine, theirs in zip(vars(one.cuts).values(), vars(other.cuts).values(), strict=True)
    )
    assert np.array_equal(one.recovered, other.recovered, equal_nan=True)


def test_what_is_one_number_a_run_has_no_months(pair: Comparison) -> None:
    for name in ("zero_limit_last_half", "recovered_12"):
        with pytest.raises(BadInput, match=f"by: {name} is one number a run"):
            pair.values(name, ["month"])
    with pytest.raises(BadInput, match="by: months_without is counted by month and not by segment"):
        pair.values("months_without", ["segment"])


# what still moves


def straight(slope: float, noise: float, months: int = 24) -> Array:
    """Monthly differences of three seeds that change by `slope` a month, one more, one less, one as much."""
    return np.array([(slope + noise * k) * np.arange(months) for k in (-1, 0, 1)])


def moving(pair: Comparison, monthly: Array) -> dict[str, Any]:
    """What is said to move where accounts at zero differ so, by seed and month, in accounts of 1,000."""
    months = monthly.shape[1]
    none = np.zeros((3, 2, months))
    zero = np.stack([none[:, 0], 1_000.0 * monthly], axis=1)
    cuts = dict.fromkeys(vars(cuts_of([Life()], 1)), none)
    changed = cuts | {"accounts": np.full((3, 2, months), 1_000.0), "at_zero": zero}
    return Comparison(**{**vars(pair), "cuts": changed, "months": months}).still_moves()


def test_a_difference_that_goes_on_changing_is_said_to_move(pair: Comparison) -> None:
    """2 in 1,000 a month over the last 6 of 24 months: 12 in 1,000; with the slopes 1, 2, 3 the interval holds 0."""
    found = moving(pair, straight(0.002, 0.0001))
    assert set(found) == {"months_without", "months_at_zero"}
    assert found["months_at_zero"].mean == pytest.approx(0.012)
    assert found["months_at_zero"].low == pytest.approx(0.012 - 4.302652729749464 * 0.0006 / 3**0.5)
    assert moving(pair, straight(0.002, 0.001)) == {}
    assert moving(pair, straight(0.0, 0.0)) == {}


def test_too_few_months_tell_nothing(pair: Comparison) -> None:
    found = moving(pair, straight(0.002, 0.0, months=11))
    assert all(np.isnan(one.low) for one in found.values())
    assert len(found) == 2


def test_a_remedy_that_delays_has_its_headline_and_is_said_to_move() -> None:
    command = "compare defaults --b notice_months=2 --set base_tightness=0.4 --borrowers 600 --months 8 --seeds 2 --quiet"
    result = CliRunner().invoke(cli.app, command.split(), env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.stderr
    head = result.stdout[: result.stdout.index("Who had a zero limit")]
    assert "What a window hides: months 0 to 7, 2 seeds" in head
    for label in (
        "months without a usable line",
        "delay",
        "fewer or more",
        "cuts to zero decided",
        "zero limits, months 4 to 7",
    ):
        assert label in head
    text = " ".join(head.split())
    assert "No band for all rows at once below 10 seeds." in text
    assert "Whether months without a usable line have settled is unknown" in text
    other = CliRunner().invoke(cli.app, command.replace("notice_months=2", "cutoff=620").split())
    assert "What a window hides" not in other.stdout


def test_headline_rows_are_differences_like_any(pair: Comparison) -> None:
    rows = pair.headline()
    assert rows.outcome.tolist() == list(HEADLINE)
    values = pair.values("months_at_zero")
    assert rows.set_index("outcome").loc["months_at_zero", "difference"] == pytest.approx(
        (values[:, 1] - values[:, 0]).mean()
    )


def test_a_player_that_puts_cuts_off_is_said_to() -> None:
    command = "attribute defaults --set notice_months=2 --borrowers 300 --months 4 --quiet --players"
    for players, said in (("trigger,notice", True), ("trigger", False)):
        result = CliRunner().invoke(cli.app, [*command.split(), players])
        assert result.exit_code == 0, result.stderr
        text = " ".join(result.stdout.split())
        assert (
            "notice: a share of what was counted in these months; what comes only later looks prevented." in text
        ) == said
