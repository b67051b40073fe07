"""What mechanisms do: none of them, no zero limit; each reason has a world that brings it about; waves need a calendar."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from zerolimit.parameters.scenario import load_scenario
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.rules.caps import CAPS, REASONS
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.mechanisms import MECHANISMS

NO_EVENT = ("zero_limit", "blocked")
ABOVE_THE_FLOOR = {"income_floor": 0.0}
"""Incomes do not change, and nobody's recorded income lies below the floor."""


def total(simulation: Simulation, *names: str) -> int:
    """Over all months, segments and deciles."""
    return sum(int(month.counts[name].sum()) for month in simulation.history for name in names)


def test_without_any_mechanism_nobody_who_pays_on_time_loses_the_line() -> None:
    scenario = load_scenario("no-mechanisms", borrowers=10_000, **ABOVE_THE_FLOOR)
    simulation = Simulation(scenario, 1, engine="compiled").run(36)
    assert total(simulation, "on_time") > 100_000
    assert total(simulation, *NO_EVENT, "zero_inactive", "used_up") == 0
    assert total(simulation, "zero_arrears") > 0


@pytest.mark.parametrize("limits_only", [False, True], ids=["all columns", "limits only"])
def test_nor_in_a_portfolio(limits_only: bool) -> None:
    portfolio = read_portfolio("uci")
    if limits_only:
        import pandas as pd

        portfolio = read_portfolio(pd.DataFrame({"limit": portfolio.values["limit"][:5_000] / 100.0}))
    scenario = load_scenario("no-mechanisms", **ABOVE_THE_FLOOR)
    simulation = Simulation(scenario, 1, engine="compiled", portfolio=portfolio).run(24)
    assert total(simulation, "on_time") > 10_000
    assert total(simulation, *NO_EVENT, "zero_inactive") == 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=some.integers(0, 10**6),
    size=some.integers(1, 60),
    volatility=some.floats(0.0, 1.0),
    review=some.integers(1, 12),
    change=some.floats(0.001, 1.0),
    high=some.floats(0.0, 0.7),
    slump=some.floats(-1.0, 0.0),
)
def test_nor_in_any_world_without_mechanisms(
    seed: int, size: int, volatility: float, review: int, change: float, high: float, slump: float
) -> None:
    scenario = load_scenario(
        "no-mechanisms",
        borrowers=size,
        volatility_gig=volatility,
        review_months=review,
        min_change=change,
        high_use_share=high,
        calendar=[{"month": 2, "kind": "macro", "value": slump}, {"month": 3, "kind": "tightness", "value": 1.0}],
        macro_volatility=0.2,
        neighbour_weight=1.0,
        **ABOVE_THE_FLOOR,
    )
    assert total(Simulation(scenario, seed, engine="objects").run(10), *NO_EVENT) == 0


def only(*mechanisms: str) -> list[str]:
    """The others, to be switched off."""
    return [name for name in MECHANISMS if name not in mechanisms]


def in_month_2(kind: str, value: float) -> list[dict[str, Any]]:
    return [{"month": 2, "kind": kind, "value": value}]


MADE_FOR: dict[str, dict[str, Any]] = {
    "income": {"off": only(), "income_floor": 8_000.0},
    "cutoff": {"off": only("rescoring"), "weight_usage": 600.0},
    "score": {"off": only("rescoring"), "cutoff": 350.0, "first_margin": 0.0, "weight_usage": 600.0},
    "trigger": {"off": only("trigger"), "trigger_frequency": 0.2, "trigger_size": 1.0},
    "early": {"off": only("trigger"), "trigger_early": 0.2, "early_keep": 0.0, "early_rate": 0.5},
    "positioning": {"off": only("positioning"), "calendar": in_month_2("target_age", 70.0), "position_slope": 10.0},
    "multiplier": {
        "off": only("tightening"),
        "calendar": in_month_2("tightness", 1.0),
        "multiplier_gain": 1.0,
        "cutoff_gain": 0.0,
    },
    "cutoff_shift": {"off": only("tightening"), "calendar": in_month_2("cutoff_shift", 600.0)},
    "per_person": {"off": only("tightening"), "calendar": in_month_2("person_cap", 100.0)},
    "grant": {"off": only("scarcity"), "pool_share": 0.1},
}
"""Reason -> one mechanism, turned up: on-time payers lose their line for it."""


@pytest.mark.parametrize("reason", MADE_FOR)
def test_each_reason_has_a_world_that_brings_it_about(reason: str) -> None:
    to_the_cap = dict.fromkeys(("menu_balance", "menu_step", "menu_close"), 0.0)
    scenario = load_scenario("defaults", borrowers=150, **MADE_FOR[reason], **to_the_cap)
    simulation = Simulation(scenario, 2, engine="objects").run(14)
    found = total(simulation, f"zero_by_{reason}")
    others = {name: total(simulation, f"zero_by_{name}") for name in REASONS if name != reason}
    assert found > 0
    assert found > sum(others.values())
    code, bit = REASONS.index(reason) + 1, 1 << REASONS.index(reason)
    starts = simulation.episodes.starts
    reasons, masks, kinds = (np.concatenate([start[name] for start in starts]) for name in ("reason", "mask", "kind"))
    zeroed = (reasons == code) & (kinds == 1)
    assert (masks[zeroed] & bit > 0).all()


@pytest.mark.parametrize("reason", ["arrears", "idle"])
def test_reasons_that_no_on_time_payer_can_have(reason: str) -> None:
    """Who pays on time is neither in arrears nor idle: these take lines from the two other groups only."""
    changed = {
        "arrears": {"off": only(), "miss_salaried": 0.2},
        "idle": {"off": only("trigger"), "trigger_idle": 3.0, "idle_keep": 0.0},
    }
    group = {"arrears": "zero_arrears", "idle": "zero_inactive"}[reason]
    simulation = Simulation(load_scenario("defaults", borrowers=150, **changed[reason]), 2, engine="objects").run(10)
    assert total(simulation, group) > 0
    assert (simulation.column("reason") == REASONS.index(reason) + 1).any()
    assert total(simulation, f"zero_by_{reason}") == 0


def test_all_reasons_have_a_test() -> None:
    assert {*MADE_FOR, "arrears", "idle", "barred"} == set(REASONS) == {cap.name for cap in CAPS}


def dispersion(calendar: list[dict[str, Any]]) -> float:
    """Variance over mean of the monthly zero limits, in months 6 to 41, with a mechanism that acts on each alone."""
    scenario = load_scenario(
        "defaults",
        borrowers=4_000,
        off=["scarcity", "contagion"],
        calendar=calendar,
        base_tightness=0.0,
        macro_tightness=0.0,
        loss_tightness=0.0,
    )
    simulation = Simulation(scenario, 5, engine="compiled").run(42)
    events = np.array([int(month.counts["zero_limit"].sum()) for month in simulation.history[6:]], np.float64)
    months = np.arange(len(events))
    trend = np.polyval(np.polyfit(months, events, 2), months)
    return float(((events - trend) ** 2).sum() / (len(events) - 3) / events.mean())


def test_events_come_in_waves_with_a_calendar_and_one_by_one_without() -> None:
    waves = [
        {"month": month, "kind": "tightness", "value": value}
        for month, value in ((12, 0.6), (18, 0.0), (28, 0.9), (32, 0.0))
    ]
    assert 0.4 < dispersion([]) < 2.0
    assert dispersion(waves) > 10.0


def test_a_partition_of_those_with_a_line() -> None:
    """On-time payers, those with nothing due, and those in arrears are everybody who began the month with a line."""
    simulation = Simulation(load_scenario("defaults", borrowers=200), 3, engine="objects")
    for _ in range(12):
        status, limit = simulation.column("status").copy(), simulation.column("limit").copy()
        counts = simulation.step().counts
        groups = sum(int(counts[name].sum()) for name in ("line_on_time", "line_inactive", "line_arrears"))
        assert groups == int(((status == 0) & (limit >= 50_000)).sum())
        lost = sum(int(counts[name].sum()) for name in ("zero_limit", "zero_inactive", "zero_arrears"))
        now = simulation.column("limit") >= 50_000
        assert lost >= int(((status == 0) & (limit >= 50_000) & ~now).sum()) - int(counts["left"].sum())
