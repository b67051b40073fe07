"""What platforms and borrowers can do: each remedy and strategy acts in the direction that it is meant to, and costs."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import STATE
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import LEFT, OPEN, SEGMENTS, STRATEGIES

SEED, SIZE, MONTHS, CAMPAIGN = 1, 4_000, 24, 8
SMALLEST = 50_000
"""The minimum loan, fen."""
LETTER, HEARING = 37, 2_000
"""Prices of a letter and of an appeal heard, fen."""
PRICES: dict[str, Any] = {"notice_cost": LETTER / 100.0, "appeal_cost": HEARING / 100.0}
WAVE: dict[str, Any] = {"calendar": [{"month": CAMPAIGN, "kind": "tightness", "value": 0.6}]}
APPEALS: dict[str, Any] = {"adopt": "appealing", "appeals_capacity": 0.002, **WAVE}
"""Far more appeals than the desk hears."""
WORLDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no remedy": {"appeals_capacity": 0.0, **PRICES},
    "reasons": {"reasons_sent": True, **PRICES},
    "warning": {"early_warning": True, **PRICES},
    "wave": WAVE,
    "notice": {"notice_months": 2, "notice_rush": 0.0, **WAVE, **PRICES},
    "rush": {"notice_months": 2, "notice_rush": 0.9, **WAVE},
    "adaptation": {"adaptation_months": 4, "notice_rush": 0.0, **WAVE, **PRICES},
    "both": {"notice_months": 2, "adaptation_months": 3, **WAVE},
    "appeals": {**APPEALS, **PRICES},
    "more appeals": {**APPEALS, "appeals_capacity": 0.02},
    **{strategy: {"adopt": strategy} for strategy in STRATEGIES},
}


def market(**parameters: Any) -> Simulation:
    return Simulation(load_scenario("defaults", borrowers=SIZE, **parameters), SEED, engine="compiled", threads=1)


@cache
def world(name: str) -> Simulation:
    return market(**WORLDS[name]).run(MONTHS)


def by_month(simulation: Simulation, name: str) -> Array:
    """A count or sum over all cells."""
    return np.array([int(month.counts[name].sum()) for month in simulation.history])


def row(simulation: Simulation, name: str) -> Array:
    """A number of the platform's, by month."""
    return np.array([month.platform[name] for month in simulation.history])


def total(name: str, count: str, since: int = 0) -> int:
    return int(by_month(world(name), count)[since:].sum())


def follow(simulation: Simulation, months: int, *names: str) -> dict[str, Array]:
    """Columns at the start and after each month: month x borrower."""
    seen = {name: [simulation.column(name).astype(np.float64)] for name in names}
    for _ in range(months):
        simulation.step()
        for name in names:
            seen[name].append(simulation.column(name).astype(np.float64))
    return {name: np.array(rows) for name, rows in seen.items()}


# what remedies cost

COSTS = {
    "reasons": ("reason_costs", "decreases"),
    "warning": ("warning_costs", "warned"),
    "notice": ("notice_costs", "noticed"),
    "adaptation": ("notice_costs", "noticed"),
}
"""World -> its line in the accounts, and what is counted for it."""


@pytest.mark.parametrize("name", COSTS)
def test_a_remedy_costs_its_letters(name: str) -> None:
    line, count = COSTS[name]
    sent = by_month(world(name), count)
    assert sent.sum() > 100
    assert (row(world(name), line) == sent * LETTER).all()
    assert (row(world("no remedy"), line) == 0).all()


def test_appeals_cost_their_hearings() -> None:
    heard = row(world("appeals"), "appeals_heard")
    assert heard.sum() > 50
    assert (row(world("appeals"), "appeal_costs") == heard * HEARING).all()
    assert (row(world("no remedy"), "appeal_costs") == 0).all()
    assert total("no remedy", "appeals") == 0


def test_costs_are_the_sum_of_their_lines() -> None:
    lines = ("funding", "review", "reason", "warning", "notice", "appeal")
    for name in ("no remedy", *COSTS, "appeals"):
        assert (row(world(name), "costs") == sum(row(world(name), f"{line}_costs") for line in lines)).all()


# reasons and warnings


@pytest.mark.parametrize("sent", [False, True])
def test_with_reasons_a_cut_is_known_at_once(sent: bool) -> None:
    seen = follow(market(reasons_sent=sent), 12, "status", "event", "without_line", "known")
    in_spell = (seen["event"] > 0) & (seen["without_line"] > 0) & (seen["status"] != LEFT)
    assert in_spell.sum() > 100
    unknown = int((in_spell & (seen["known"] == 0)).sum())
    assert unknown == 0 if sent else unknown > 10


def test_with_reasons_nobody_finds_a_cut_at_need_and_trust_is_higher() -> None:
    assert total("reasons", "found_at_need") == 0
    assert total("plain", "found_at_need") > 20
    assert total("reasons", "sum_trust") > total("plain", "sum_trust")


def test_who_is_warned_takes_fewer_loans_by_habit() -> None:
    """In the first month, everybody within reach of the warning; before that the two worlds are one."""
    asked = [
        by_month(market(early_warning=warned, warning_points=300.0).run(1), "asked_count").sum() for warned in (False, True)
    ]
    assert asked[1] < 0.9 * asked[0]


def test_who_is_warned_of_the_trigger_is_cut_by_it_less_often() -> None:
    """One larger loan in place of small ones; where nothing but the trigger acts, whoever was never warned is as before."""
    assert total("warning", "zero_by_trigger") < 0.75 * total("plain", "zero_by_trigger")
    alone = [name for name in MECHANISMS if name != "trigger"]
    plain, warned = (market(early_warning=early, off=alone).run(MONTHS) for early in (False, True))
    cut = [by_month(simulation, "zero_by_trigger").sum() for simulation in (plain, warned)]
    assert 20 < cut[1] < 0.75 * cut[0]


# notice as an information event


def test_notice_can_protect() -> None:
    """Without a rush, in a campaign: fewer cuts are found at need, fewer bills go unpaid, fewer lines are lost."""
    for count, times in (("found_at_need", 0.5), ("shortfalls", 1.0), ("zero_limit", 0.95)):
        assert total("notice", count, CAMPAIGN) < times * total("wave", count, CAMPAIGN), count
        assert count == "found_at_need" or total("notice", count, CAMPAIGN) > 0, count


def test_notice_can_set_off_a_rush() -> None:
    """In the months between the notice and the cut lines are drawn, until the pool is used up."""
    between = slice(CAMPAIGN, CAMPAIGN + 2)
    rush, protected, without = (
        {count: int(by_month(world(name), count)[between].sum()) for count in ("sum_drawn", "asked_count", "used_up")}
        for name in ("rush", "notice", "wave")
    )
    assert rush["sum_drawn"] > 1.1 * without["sum_drawn"]
    for other in (protected, without):
        assert rush["asked_count"] > 1.3 * other["asked_count"]
        assert rush["used_up"] > 3.0 * max(100, other["used_up"])


@pytest.mark.parametrize("name", ["notice", "rush", "adaptation", "both"])
def test_planned_exposure_never_exceeds_the_pool_with_notice(name: str) -> None:
    assert (row(world(name), "planned") <= row(world(name), "pool"))[row(world(name), "granted") > 0].all()
    assert (row(world(name), "principal") <= row(world(name), "pool")).all()
    assert total(name, "sum_on_notice") > 0


def test_a_line_under_notice_frees_no_pool_before_its_cut() -> None:
    """Where nobody borrows or leaves, no less is planned than sum B + phi sum max(0, L - B), counted by hand."""
    never = {f"{what}_{whose}": 0.0 for what in ("habit", "spend") for whose in SEGMENTS}
    never |= dict.fromkeys(("need_rate", "project_rate", "fear_gain", "notice_rush", "leave_rate", "appeals_capacity"), 0.0)
    simulation = market(bill_rate=1e-9, planned_use=0.5, pool_share=0.6, notice_months=2, **never, **WAVE)
    noticed = 0
    for _ in range(CAMPAIGN + 4):
        month = simulation.step()
        if month.counts["asked_count"].sum() == 0:
            balance, line = (
                sum(simulation.column(name).astype(np.int64) for name in names)
                for names in (("scheduled", "overdue"), ("limit",))
            )
            undrawn = np.maximum(0, line - balance)[simulation.column("status") == OPEN].sum()
            planned = month.platform["planned"]
            assert balance.sum() + undrawn // 2 <= planned <= month.platform["pool"]
            noticed += month.counts["noticed"].sum()
    assert noticed > 1_000


@pytest.mark.parametrize("name", ["notice", "adaptation", "both"])
def test_an_announced_cut_is_made_in_equal_steps_after_its_notice(name: str) -> None:
    """Every borrower with an announced cut who stays out of arrears, month by month."""
    steps = max(1, WORLDS[name].get("adaptation_months", 0))
    length = WORLDS[name].get("notice_months", 0) + WORLDS[name].get("adaptation_months", 0)
    seen = follow(
        market(**{**WORLDS[name], "appeals_capacity": 0.0}),
        CAMPAIGN + 4 + length,
        *("limit", "announced", "notice_left", "late", "status", "generation"),
    )
    left = seen["notice_left"]
    starts = np.argwhere((left[1 : CAMPAIGN + 4] == length) & (left[: CAMPAIGN + 3] == 0.0)) + np.array([1, 0])
    followed = 0
    for month, who in starts:
        window = slice(month, month + length + 1)
        if seen["late"][window, who].any() or (seen["status"][window, who] == LEFT).any():
            continue
        followed += 1
        line, target = seen["limit"][month, who], seen["announced"][month, who]
        assert line == seen["limit"][month - 1, who]
        made = np.clip(np.arange(length + 1) - (length - steps), 0, None) / steps
        wanted = line - made * (line - target)
        wanted[wanted < SMALLEST] = 0.0
        assert np.abs(seen["limit"][window, who] - wanted).max() <= steps
        assert seen["notice_left"][window, who].tolist() == list(range(length, -1, -1))
    assert followed > 100


def test_with_an_adaptation_period_zero_limits_come_later() -> None:
    months = slice(CAMPAIGN, CAMPAIGN + 4)
    at_once, stepped = (by_month(world(name), "zero_limit") for name in ("wave", "adaptation"))
    assert stepped[months].sum() < at_once[months].sum() / 4
    assert stepped[CAMPAIGN + 4] > 10 * stepped[months].mean()


# the appeals desk


def desk(order: str) -> tuple[list[tuple[Array, Array]], dict[str, Array], Simulation]:
    """By month, who was heard and who waits on; with nothing set aside whoever was heard shows it after the month."""
    simulation = market(**APPEALS, appeal_order=order, appeals_share=0.0)
    seen = follow(simulation, MONTHS, "appealed", "waited", "risk", "status")
    heard = (seen["appealed"][1:] >= 2) & (seen["appealed"][:-1] < 2)
    waiting = (seen["appealed"][1:] == 1) & (seen["status"][1:] != LEFT)
    return list(zip(heard, waiting, strict=True)), seen, simulation


@pytest.mark.parametrize(("order", "by"), [("waiting", "waited"), ("score", "risk")])
def test_appeals_are_heard_in_their_order(order: str, by: str) -> None:
    """Nobody who filed later is heard before one who filed earlier; or the best scores are heard first."""
    months, seen, simulation = desk(order)
    compared = 0
    for month, (heard, waiting) in enumerate(months):
        assert heard.sum() == simulation.history[month].platform["appeals_heard"]
        if heard.any() and waiting.any():
            compared += 1
            rank = seen[by][month + 1]
            assert rank[heard].min() >= rank[waiting].max()
    assert compared > 8


def test_a_desk_by_score_lets_some_wait_longer() -> None:
    assert desk("score")[1]["waited"].max() > desk("waiting")[1]["waited"].max()


@pytest.mark.parametrize("order", ["waiting", "score", "lottery"])
def test_waits_are_recorded(order: str) -> None:
    """One month more each month at the desk, from 0 for a new spell; those of who is heard are summed in the month's row."""
    months, seen, simulation = desk(order)
    waits, went_on = 0, 0
    for month, (heard, waiting) in enumerate(months):
        waited = seen["waited"][month + 1]
        assert waited[heard].sum() == simulation.history[month].platform["appeal_months_waited"]
        filed_before = waiting & (seen["appealed"][month] == 1)
        one_more = waited == seen["waited"][month] + 1
        assert (one_more | (waited == 0))[filed_before].all()
        went_on += int(one_more[filed_before].sum())
        waits += int(filed_before.sum())
    assert went_on > 0.9 * waits > 50


def test_the_desk_hears_no_more_than_its_capacity() -> None:
    """0.002 of 4,000 slots are 8 a month, and there is a queue."""
    heard = row(world("appeals"), "appeals_heard")
    assert heard.max() == 0.002 * SIZE
    assert by_month(world("appeals"), "appeals_pending").max() > 3 * heard.max()


def test_more_capacity_restores_more_lines() -> None:
    granted = [int(row(world(name), "appeals_granted").sum()) for name in ("wave", "appeals", "more appeals")]
    assert granted[0] < granted[1] < granted[2]
    assert total("more appeals", "unusable_current") < total("appeals", "unusable_current")


# strategies


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_adopting_a_strategy_changes_nothing_at_birth_but_the_strategy(strategy: str) -> None:
    own, all_alike = market(), market(adopt=strategy)
    for field in STATE:
        if field.name != "strategy":
            assert (own.column(field.name) == all_alike.column(field.name)).all(), field.name
    assert (all_alike.column("strategy") == STRATEGIES.index(strategy)).all()
    assert len(np.unique(own.column("strategy"))) == len(STRATEGIES)


DIRECTIONS = {
    "restraint": ("asked_count", -1, 0.9),
    "planning": ("shortfalls", -1, 0.8),
    "monitoring": ("found_looking", +1, 1.5),
    "appealing": ("appeals", +1, 10.0),
    "diversifying": ("other_loans", +1, 1.2),
}
"""Strategy -> what it changes when all follow it, which way, and at least how many times."""


@pytest.mark.parametrize("strategy", DIRECTIONS)
def test_a_strategy_changes_what_it_is_for(strategy: str) -> None:
    count, direction, times = DIRECTIONS[strategy]
    with_it, without = total(strategy, count), total("none", count)
    assert with_it > times * without if direction > 0 else with_it < times * without


def test_all_strategies_are_tested() -> None:
    assert {"none", *DIRECTIONS} == set(STRATEGIES)
