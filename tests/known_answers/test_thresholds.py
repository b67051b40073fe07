"""Facts G5 through the whole market: scarcity alone, flat lines, everybody reviewed; and what tightness does to it."""

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.rules.decision import ARREARS, GRANT, decide, weigh
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import CLOSED, OPEN

N, LINE = 1_000, 10_000.0
STILL: dict[str, Any] = {
    "review_months": 1,
    "planned_use": 1.0,
    "vacant_share": 0.0,
    "unused_share": 1.0,
    "high_use_share": 0.0,
    "first_smallest": LINE,
    "first_largest": LINE,
    "growth": 0.0,
    "income_floor": 0.0,
    "entry_rate": 0.0,
    "leave_rate": 0.0,
    "reapply_rate": 0.0,
    "appeals_capacity": 0.0,
    "need_rate": 0.0,
    "habit_salaried": 0.0,
    "habit_gig": 0.0,
    "habit_owner": 0.0,
    "fear_gain": 0.0,
    "spend_salaried": 0.0,
    "spend_gig": 0.0,
    "spend_owner": 0.0,
    "bill_size": 0.0,
    "project_rate": 0.0,
    "other_share": 0.0,
    "base_tightness": 0.0,
    "macro_tightness": 0.0,
    "loss_tightness": 0.0,
    "cutoff_gain": 0.0,
    "multiplier_gain": 0.5,
    "menu_balance": 0.0,
    "menu_step": 0.0,
    "menu_close": 0.0,
}
"""Flat lines that nobody uses, a pool reserved in full, every line reviewed each month, cuts to the cap."""


def market(**changed: Any) -> Simulation:
    """One month of it."""
    return Simulation(load_scenario("defaults", borrowers=N, **{**STILL, **changed}), 2, engine="objects").run(1)


def zero_share(simulation: Simulation) -> float:
    return float((simulation.column("limit") == 0).mean())


@pytest.mark.parametrize("capacity", [160, 480, 600, 900, 1_000, 1_200])
def test_flat_lines_from_a_pool_reach_the_best_scores_and_nobody_else(capacity: int) -> None:
    off = ("rescoring", "trigger", "positioning", "tightening", "contagion")
    simulation = market(pool_yuan=capacity * LINE, off=off)
    assert zero_share(simulation) == pytest.approx(max(0.0, 1 - capacity / N), abs=1e-12)
    risk, served = simulation.column("risk"), simulation.column("limit") > 0
    if capacity < N:
        assert risk[served].min() >= risk[~served].max()
        assert (simulation.column("status")[~served] == CLOSED).all()
    assert (simulation.column("limit")[served] == LINE * 100).all()


def test_the_marginal_borrower_gets_the_remainder_if_it_is_a_loan() -> None:
    off = ("rescoring", "trigger", "positioning", "tightening", "contagion")
    for rest, lines in ((499.99, [0.0, LINE]), (500.0, [0.0, 500.0, LINE]), (9_999.99, [0.0, 9_999.99, LINE])):
        simulation = market(pool_yuan=300 * LINE + rest, off=off)
        assert np.unique(simulation.column("limit") / 100).tolist() == lines
        assert int((simulation.column("limit") == LINE * 100).sum()) == 300


def test_tightness_relieves_a_binding_pool() -> None:
    """Model page: with C = 480 halving the lines takes the zero share from 52 % down to 4 %."""
    off = ("rescoring", "trigger", "positioning", "contagion")
    tight = ({"month": 0, "kind": "tightness", "value": 1.0},)
    assert zero_share(market(pool_yuan=480 * LINE, off=off)) == pytest.approx(0.52, abs=1e-12)
    halved = market(pool_yuan=480 * LINE, off=off, calendar=tight)
    assert zero_share(halved) == pytest.approx(0.04, abs=1e-12)
    assert halved.column("limit").max() == LINE * 50


TIGHTER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def test_tightness_takes_more_lines_where_the_pool_has_no_end() -> None:
    """Frozen scores, no pool, no feedback: who is at zero at some tightness is at zero at any higher one."""
    off = ("rescoring", "trigger", "positioning", "scarcity", "contagion")
    changed = {
        "off": off,
        "cutoff_gain": 200.0,
        "multiplier_gain": 1.0,
        "menu_balance": 0.3,
        "menu_step": 0.25,
        "menu_close": 0.15,
        "unused_share": 0.25,
        "high_use_share": 0.28,
        "first_smallest": 1_000.0,
        "first_largest": 300_000.0,
        "early_rate": 0.0,
        "miss_salaried": 0.0,
        "miss_gig": 0.0,
        "miss_owner": 0.0,
        "first_late": 0.0,
        "first_savings": 24.0,
        "savings_cap": 36.0,
    }
    sets = []
    for value in TIGHTER:
        calendar = ({"month": 1, "kind": "tightness", "value": value},)
        scenario = load_scenario("defaults", borrowers=300, **{**STILL, **changed}, calendar=calendar)
        simulation = Simulation(scenario, 6, engine="objects").run(5)
        sets.append(set(np.flatnonzero(simulation.column("limit") < scenario.minimum_loan * 100).tolist()))
    assert all(less <= more for less, more in itertools.pairwise(sets))
    assert len(sets[0]) == 0
    assert len(sets[-1]) == 300
    assert len({len(found) for found in sets}) >= 5


def decided(state: dict[str, float], tightness: float, shift: float, scenario: Scenario) -> tuple[float, float]:
    """The wanted line, whole fen, and the lowest cap of one decision, by the rules as plain functions."""
    said = SimpleNamespace(**{**from_scenario(scenario), "tightness": tightness, "cutoff_shift": shift})
    values = {**state, "terms": said}
    values.update(zip(weigh.writes, weigh(*[values[name] for name in weigh.reads]), strict=True))
    assert decide.writes == ("wanted",)
    wanted = decide(*[values[name] for name in decide.reads])
    assert float(wanted).is_integer()
    return wanted, values["lowest"]


STATE = some.fixed_dictionaries(
    {
        "income_seen": some.integers(10_000, 10**7).map(float),
        "risk": some.floats(350, 950),
        "zhima_seen": some.floats(350, 950),
        "anchor": some.floats(0.0, 3.0),
        "distance": some.floats(0.0, 1.0),
        "frequency": some.floats(0.0, 1.0),
        "loan_size": some.floats(0.0, 1.5),
        "idle": some.integers(0, 120).map(float),
        "early": some.floats(0.0, 1.0),
        "late": some.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0]),
        "scheduled": some.integers(0, 10**7).map(float),
        "overdue": some.integers(0, 10**6).map(float),
        "review": some.sampled_from([1.0, 2.0, 3.0]),
        "barred": some.sampled_from([0.0, 0.0, 5.0]),
        "status": some.sampled_from([OPEN, 1.0, CLOSED]),
        "limit": some.integers(0, 3 * 10**7).map(float),
        "segment": some.sampled_from([0.0, 1.0, 2.0]),
        "tenure": some.integers(0, 600).map(float),
        "appealed": some.sampled_from([0.0, 2.0]),
        "u_menu": some.floats(0.001, 0.999),
        "punctuality": some.floats(0.0, 1.0),
        "reason": some.sampled_from([0.0, ARREARS, GRANT]),
        "reached": some.sampled_from([0.0, 1.0]),
    }
)


@settings(max_examples=200, deadline=None)
@given(
    STATE,
    some.floats(0, 1),
    some.floats(0, 1),
    some.floats(0, 200),
    some.floats(0, 200),
    some.floats(0.001, 0.5),
    some.floats(0, 1),
    some.sampled_from([0, 1, 2]),
)
def test_tighter_never_gives_a_larger_line(
    state: dict[str, float],
    one: float,
    other: float,
    shift: float,
    more: float,
    min_change: float,
    growth: float,
    freeze: int,
) -> None:
    """One decision, the same state: neither tightness nor a cutoff shift ever leaves more, with arrears in steps or not."""
    steps = {"arrears_steps": True, "arrears_freeze": freeze} if freeze else {}
    scenario = load_scenario("defaults", min_change=min_change, growth=growth, **steps)
    loose, loose_cap = decided(state, min(one, other), shift, scenario)
    tight, tight_cap = decided(state, max(one, other), shift + more, scenario)
    assert tight_cap <= loose_cap
    assert tight <= loose
    m = scenario.minimum_loan * 100
    assert tight == 0.0 or tight >= m
    assert loose <= max(loose_cap, state["limit"] if state["status"] == OPEN or freeze else 0.0)
