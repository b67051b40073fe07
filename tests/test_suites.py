"""The suites that a third party runs on its own rules and allocations pass ours, and fail what is wrong."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from zerolimit.basics.errors import BadInput, BadRule
from zerolimit.month import all_rules
from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.rules.rule import Rule, rule
from zerolimit.run.simulation import Simulation
from zerolimit.testing import allocation, check_allocation, check_rule

QUICK = ("repay", "weigh", "stand_in_order", "count_decided", "restore")
RULES = {one.name: one for one in all_rules()}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in RULES])
def test_every_rule_is_what_rules_must_be(name: str) -> None:
    check_rule(RULES[name])


@pytest.mark.parametrize("name", ALLOCATIONS)
def test_every_allocation_is_what_allocations_must_be(name: str) -> None:
    check_allocation(name)


def test_every_two_allocations_differ_somewhere() -> None:
    parameters: dict[str, Any] = {"borrowers": 300, "pool_share": 0.15, "floor_yuan": 1_000.0, "target_weight": 50.0}
    parameters |= {"admissions": 0.02}

    def lived(name: str) -> bytes:
        world = Simulation(load_scenario("defaults", **parameters, allocation=name), 1, engine="compiled").run(8)
        return np.asarray(world.column("limit")).tobytes()

    found = {name: lived(name) for name in ALLOCATIONS}
    assert [pair for pair in combinations(ALLOCATIONS, 2) if found[pair[0]] == found[pair[1]]] == []


@rule("granted")
def by_tenure(level, need, tenure, terms):
    return need * level if tenure < 12.0 else need * min(1.0, 2.0 * level)


@rule("rank", after="decide")
def by_income(income_true):
    return income_true * 0.001


def test_user_defined_allocations_pass() -> None:
    check_allocation(by_tenure)
    check_allocation(by_income)


@rule("granted")
def falling(level, need):
    return need * (1.0 - level)


SEEN = [0.0]


@rule("rank", after="decide")
def by_turn(risk):
    return SEEN[0] + risk


@rule("rank", after="decide")
def endless(risk):
    return risk / (risk - risk)


@rule("rank", after="decide")
def unknown(rsik):
    return rsik


@rule("tenure", after="remember")
def fraction(tenure):
    return tenure + 0.5


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (falling, "allocation falling: takes from somebody"),
        (by_turn, "rule by_turn: reads SEEN, a list that other borrowers may change"),
    ],
)
def test_a_bad_allocation_fails_in_one_line(bad: Rule, says: str) -> None:
    with pytest.raises(AssertionError, match=says) as told:
        check_allocation(bad)
    assert "\n" not in str(told.value)


def test_a_bad_rule_fails_in_one_line() -> None:
    with pytest.raises(BadInput, match="rule endless: float division by zero"):
        check_rule(endless)
    with pytest.raises(BadRule, match="rule unknown: unknown field 'rsik'; did you mean 'risk'"):
        check_rule(unknown)
    with pytest.raises(BadInput, match=r"rule fraction: tenure = .* not whole"):
        check_rule(fraction)


def test_an_allocation_that_gives_more_than_there_is_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation, "allocate", lambda name, places, need, *others: (need, 0.0))
    with pytest.raises(AssertionError, match="allocation score: gives more than there is of"):
        check_allocation("score")


def test_an_unknown_allocation_is_told_with_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"'scores' is none of .*; did you mean 'score'"):
        check_allocation("scores")
