"""The two engines, any number of threads and any order of agents give the same world: equal, not close."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from zerolimit.parameters.scenario import Scenario, load_scenario, presets
from zerolimit.rules.rule import Rule, rule
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import STATE
from zerolimit.vocabulary.mechanisms import MECHANISMS

CALENDAR = (
    {"month": 2, "kind": "tightness", "value": 0.6},
    {"month": 3, "kind": "person_cap", "value": 8_000.0},
    {"month": 4, "kind": "person_cap_income", "value": 0.1},
    {"month": 5, "kind": "cutoff_shift", "value": 40.0},
    {"month": 6, "kind": "leverage", "value": 4.0},
    {"month": 8, "kind": "own_share", "value": 0.3},
    {"month": 9, "kind": "capital", "value": 0.5},
    {"month": 10, "kind": "partners", "value": 0.5},
    {"month": 11, "kind": "target_age", "value": 45.0},
    {"month": 12, "kind": "macro", "value": -0.4},
    {"month": 16, "kind": "person_cap", "value": 0.0},
)
REMEDIES = {"reasons_sent": True, "early_warning": True, "notice_months": 2, "appeals_capacity": 0.1, "appeals_share": 0.05}

WORLDS: dict[str, dict[str, Any]] = {
    "defaults": {},
    **{f"without {mechanism}": {"off": [mechanism]} for mechanism in MECHANISMS},
    "no mechanism": {"off": list(MECHANISMS)},
    "series": {"macro": [{"month": 0, "macro": -0.2, "retail": 0.5}, {"month": 1, "macro": 0.4, "retail": -0.5}]},
    **{
        f"shared by {rule}": {"allocation": rule, "pool_share": 0.24}
        for rule in ("profit", "pro_rata", "water_filling", "equal_floor")
    },
    "steps": {"notice_months": 2, "adaptation_months": 3, "base_tightness": 0.4, "appeal_order": "score"},
    "funded pool and calendar": {"pool_rule": "funded", "partner_share": 0.3, "calendar": CALENDAR},
    "fixed pool and calendar": {"calendar": (*CALENDAR, {"month": 7, "kind": "funding", "value": 0.6})},
    "remedies": {**REMEDIES, "own_hit": 0.6, "neighbour_weight": 0.5},
    "slump": {"macro_model": "regimes", "regime_start": 0.3, "regime_depth": 0.8, "gamma": 0.2, "miss_gig": 0.1},
    "open loans": {"term_open": 0.5, "open_repay_rate": 0.1, "skip_refused": True, "pool_share": 0.2, "planned_use": 0.0},
    "people come and go": {
        "entry_rate": 1.0,
        "leave_rate": 0.3,
        "vacant_share": 0.5,
        "admissions": 0.2,
        "trigger_frequency": 0.3,
    },
    "profit order": {"campaign_order": "profit", "campaign_rise": 0.01, "macro_volatility": 0.1, "servicing_cost": 1.0},
    "target order": {"campaign_order": "target", "campaign_rise": 0.01, "macro_volatility": 0.1, "position_slope": 3.0},
    **{
        name.replace("_", " "): {"network": name, "acquaintances": 8, "neighbour_weight": 0.9, "own_hit": 0.6}
        for name in ("small_world", "scale_free", "sector_blocks")
    },
}
"""Each differs from the plain rules by what its name says."""


def assert_equal(one: Simulation, other: Simulation) -> None:
    """Every field of every borrower, every count, sum and number of the platform of every month, every episode."""
    assert one.month == other.month
    for field in STATE:
        mine, theirs = one.engine.raw(field.name, one.month), other.engine.raw(field.name, other.month)
        assert mine.dtype == theirs.dtype
        differ = np.flatnonzero(mine != theirs)
        assert len(differ) == 0, f"{field.name} of borrower {differ[0]}: {mine[differ[0]]} and {theirs[differ[0]]}"
    for mine, theirs in zip(one.history, other.history, strict=True):
        assert mine.platform == theirs.platform, f"month {mine.month}"
        assert mine.counts.keys() == theirs.counts.keys()
        for name, cells in mine.counts.items():
            assert (cells == theirs.counts[name]).all(), f"{name} in month {mine.month}"
    for kind in ("starts", "ends"):
        for mine, theirs in zip(getattr(one.episodes, kind), getattr(other.episodes, kind), strict=True):
            assert mine.keys() == theirs.keys()
            assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


def world(name: str, borrowers: int) -> Scenario:
    return load_scenario("defaults", borrowers=borrowers, **WORLDS[name])


@pytest.mark.parametrize(("name", "seed"), [(name, 1 + k % 3) for k, name in enumerate(WORLDS)], ids=list(WORLDS))
def test_the_object_engine_and_the_compiled_one_are_equal(name: str, seed: int) -> None:
    """Three seeds in turn; the objects are taken in a shuffled order."""
    scenario = world(name, 60)
    objects = Simulation(scenario, seed, engine="objects", shuffle=seed).run(24)
    compiled = Simulation(scenario, seed, engine="compiled", threads=1 + seed % 2).run(24)
    assert_equal(objects, compiled)


@pytest.mark.parametrize("name", sorted(set(presets()) - {"defaults"}))
def test_presets_are_equal_on_both_engines(name: str) -> None:
    scenario = load_scenario(name, borrowers=60)
    assert_equal(Simulation(scenario, 4, engine="objects").run(24), Simulation(scenario, 4, engine="compiled").run(24))


def test_the_order_of_agents_does_not_matter() -> None:
    scenario = world("remedies", 60)
    plain = Simulation(scenario, 9, engine="objects").run(12)
    assert_equal(plain, Simulation(scenario, 9, engine="objects", shuffle=1).run(12))
    assert_equal(plain, Simulation(scenario, 9, engine="objects", shuffle=2).run(12))


@pytest.mark.parametrize("name", ["defaults", "funded pool and calendar", "remedies"])
def test_the_number_of_threads_does_not_matter(name: str) -> None:
    """20,000 borrowers are several chunks, shared by the threads."""
    scenario = world(name, 20_000)
    one = Simulation(scenario, 3, engine="compiled", threads=1).run(24)
    two = Simulation(scenario, 3, engine="compiled", threads=2).run(24)
    three = Simulation(scenario, 3, engine="compiled", threads=3).run(24)
    assert_equal(one, two)
    assert_equal(one, three)


def test_another_seed_is_another_world() -> None:
    scenario = world("defaults", 60)
    one, other = (Simulation(scenario, seed, engine="objects").run(3) for seed in (1, 2))
    with pytest.raises(AssertionError):
        assert_equal(one, other)


def test_a_branch_goes_on_like_the_run_that_it_left() -> None:
    trunk = Simulation(world("defaults", 60), 2, engine="objects").run(6)
    branch = trunk.copy()
    trunk.run(6)
    assert branch.month == 6
    assert_equal(trunk, branch.run(6))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    size=some.integers(1, 40),
    seed=some.integers(0, 2**64 - 1),
    off=some.sets(some.sampled_from(tuple(MECHANISMS))),
    pool=some.floats(0.0, 1.0),
    use=some.one_of(some.none(), some.floats(0.0, 1.0)),
    minimum=some.sampled_from([0.01, 100, 500, 2_000]),
    vacant=some.floats(0.0, 0.9),
    review=some.integers(1, 12),
)
def test_engines_agree_on_any_scenario(
    size: int, seed: int, off: set[str], pool: float, use: float | None, minimum: float, vacant: float, review: int
) -> None:
    scenario = load_scenario(
        "defaults",
        borrowers=size,
        off=sorted(off),
        pool_share=pool,
        planned_use=use,
        minimum_loan=minimum,
        vacant_share=vacant,
        review_months=review,
        calendar=CALENDAR,
    )
    objects = Simulation(scenario, seed, engine="objects", shuffle=1, checks=True).run(9)
    assert_equal(objects, Simulation(scenario, seed, engine="compiled").run(9))


def too_much(cash, outlay):  # type: ignore[no-untyped-def]
    """Money beyond what a column can hold."""
    return cash + 3.0e9


def test_checks_refuse_money_outside_the_storable_range_on_the_object_engine() -> None:
    spoilt = rule("cash")(too_much)
    mine = Rule("pay_bills", spoilt.function, spoilt.reads, spoilt.writes, spoilt.terms)
    with pytest.raises(OverflowError, match="pay_bills: cash"):
        Simulation(world("defaults", 5), 1, engine="objects", rules=[mine], checks=True).step()


@pytest.mark.slow
def test_checks_refuse_it_on_the_compiled_engine() -> None:
    spoilt = rule("cash")(too_much)
    mine = Rule("pay_bills", spoilt.function, spoilt.reads, spoilt.writes, spoilt.terms)
    with pytest.raises(OverflowError, match="rule pay_bills"):
        Simulation(world("defaults", 5), 1, engine="compiled", rules=[mine], checks=True).step()


@pytest.mark.slow
def test_no_rule_returns_money_outside_the_storable_range() -> None:
    """Both engines look at what each rule returns when checks are on (the compiled one is compiled anew for it)."""
    scenario = load_scenario(
        "defaults",
        borrowers=60,
        income_owner=1e6,
        spread_owner=1.5,
        first_largest=1.9e7,
        income_multiple=100,
        score_multiple=100,
    )
    objects = Simulation(scenario, 1, engine="objects", checks=True).run(12)
    assert_equal(objects, Simulation(scenario, 1, engine="compiled", checks=True).run(12))
