"""Every parameter and every kind of event, moved in a world in which it can act, moves some column."""

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.engine.base import Array
from zerolimit.parameters.constraints import SumTo, mended
from zerolimit.parameters.declarations import CALENDAR_KINDS, CONSTRAINTS, DEFAULTS, bounds, choices
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.run.recorded import Recorded
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import STATE
from zerolimit.vocabulary.mechanisms import MECHANISMS

SEED, SIZE, MONTHS = 3, 400, 18

LIVELY: dict[str, Any] = {
    "borrowers": SIZE,
    "pool_share": 0.25,
    "base_tightness": 0.15,
    "macro_model": "regimes",
    "regime_start": 0.3,
    "regime_depth": 0.4,
    "macro_volatility": 0.05,
    "miss_salaried": 0.05,
    "miss_gig": 0.1,
    "term_open": 0.1,
    "open_repay_rate": 0.1,
    "trigger_frequency": 0.4,
    "trigger_idle": 12,
    "reasons_sent": True,
    "early_warning": True,
    "follow_appealing": 0.1,
    "appeals_capacity": 0.02,
    "appeals_share": 0.05,
    "appeal_rate": 0.2,
    "cooling_months": 2,
    "reapply_rate": 0.1,
    "admissions": 0.1,
    "own_hit": 0.5,
    "leave_rate": 0.05,
}
"""A world in which much happens; a context adds to it."""

FUNDED = {"pool_rule": "funded"}
LATE = {"miss_salaried": 0.3, "chargeoff_months": 6}
STEPS = {**LATE, "arrears_steps": True}
CARDS = {"share_card": 0.5}
EARLY = {"term_open": 0.0, "early_rate": 1.0, "first_savings": 12.0, "first_trust": 1.0, "own_hit": 0.0, "leave_rate": 0.0}
CONTEXTS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("own_share", "partner_share", "leverage", "leverage_slack"), FUNDED),
    **dict.fromkeys(("cure_3", "step_3", "hold_3"), LATE),
    "savings_kept": EARLY,
    "early_keep": {**EARLY, "trigger_early": 0.1, "memory_early": 1.0},
    "planned_use_high": {"planned_use_low": 0.0},
    "floor_yuan": {"allocation": "equal_floor"},
    "pd_at_cutoff": {"allocation": "profit"},
    "pd_points": {"allocation": "profit"},
    "priority_bonus": {"pool_share": 0.15, "appeals_share": 0.0, "appeals_capacity": 1.0, "appeal_rate": 1.0},
    "appeal_order": {"appeals_capacity": 0.002, "appeal_rate": 1.0},
    "notice_rush": {"notice_months": 2},
    "look_rate": {"reasons_sent": False},
    "look_monitoring": {"reasons_sent": False},
    "rewiring": {"network": "small_world"},
    "sector_ties": {"network": "sector_blocks"},
    "macro_model": {"macro_model": "autoregressive"},
    "first_closed_months": {"first_closed": 0.5, "bar_score": 12},
    "funding_tightness": {"calendar": [{"month": 1, "kind": "funding_stress", "value": 0.3}]},
    "dormant_months": {"dormant_rate": 0.5},
    **dict.fromkeys(("card_daily_rate", "card_minimum", "card_floor", "card_habit"), CARDS),
    **dict.fromkeys(("card_size", "card_pays_all", "card_extra"), CARDS),
    "calendar_tightness": {"base_tightness": 0.5},
    "raise_tightness": {"base_tightness": 0.1},
    "revolver_spread": {"share_revolver": 0.5},
    "revolver_income": {"share_revolver": 0.5},
    "revolver_level": {"share_revolver": 0.5},
    "maxed_rate": {"share_maxed": 0.5},
    "inactive_use": {"share_inactive": 0.5},
    "project_pays": {"share_project": 1.0, "share_owner": 0.5, "term_open": 0.0, "first_savings": 12.0},
    "use_income": {"share_revolver": 0.4},
    "transactor_pays": {"share_transactor": 1.0, "term_open": 0.0, "first_savings": 12.0},
    "record_counted": {"other_record": 0.3},
    **dict.fromkeys(("scored_arrears", "history_arrears"), LATE),
    **dict.fromkeys(("arrears_freeze", "arrears_close", "cure_restores", "cure_at_once"), STEPS),
    "arrears_trim": {**STEPS, "arrears_freeze": 2},
}
"""What else must be set so that a parameter can act."""

EVENTS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("own_share", "leverage", "capital", "own_funds"), FUNDED),
    "partners": {**FUNDED, "partner_share": 0.3},
}
"""The same for kinds of events."""

MOVED: dict[str, Any] = {
    "borrowers": SIZE + 1,
    "off": tuple(MECHANISMS),
    "calendar": [{"month": 1, "kind": "tightness", "value": 1.0}],
    "first_smallest": 20_000,
    "first_largest": 5_000,
    "pool_yuan": 1e6,
    "macro": [{"month": 0, "macro": -0.5}],
}
"""Where the bounds do not lead to a value that acts."""

WORDS_ONLY = {"name", "description", "start"}
"""What a scenario is called, and what its months are called."""


def world(context: dict[str, Any], moved: dict[str, Any]) -> Simulation:
    return Simulation(
        load_scenario({"base": "defaults"} | LIVELY | context).change(**moved), SEED, engine="compiled", threads=1
    )


@cache
def as_it_was(context: str) -> tuple[list[Recorded], dict[str, Array]]:
    """The months and the last state of a world before anything is moved."""
    simulation = world(json.loads(context), {}).run(MONTHS)
    return simulation.history, {field.name: simulation.engine.raw(field.name, MONTHS).copy() for field in STATE}


def moves(context: dict[str, Any], moved: dict[str, Any]) -> bool:
    """Whether a world with something moved has other counts, another row of the platform, or another state."""
    history, state = as_it_was(json.dumps(context, sort_keys=True))
    simulation = world(context, moved)
    for before in history:
        now = simulation.step()
        if now.platform != before.platform or any(
            (cells != before.counts[name]).any() for name, cells in now.counts.items()
        ):
            return True
    return not all(np.array_equal(simulation.engine.raw(name, MONTHS), column) for name, column in state.items())


def other_values(name: str, value: Any) -> list[Any]:
    """Values that a parameter may have in place of its own, far ones first."""
    if name in MOVED:
        return [MOVED[name]]
    if isinstance(value, bool):
        return [not value]
    if names := choices(name):
        return [one for one in names if one != value]
    low, high = bounds(name)
    assert low is not None, f"{name}: say in MOVED what another value is"
    assert high is not None
    least = low if value is None else value
    between = [least + (high - least) * 0.1, low + (least - low) * 0.5, least * 1.1]
    found = [high, low, *between]
    return [round(one) if Scenario.model_fields[name].annotation is int else one for one in found]


def moved_to(name: str, value: Any, context: dict[str, Any]) -> dict[str, Any] | None:
    """A change of one parameter alone, or of shares of a whole with it; None where the scenario would not be valid."""
    before = DEFAULTS | LIVELY | context
    if before[name] == value:
        return None
    if any(isinstance(one, SumTo) and name in one.parameters for one in CONSTRAINTS):
        found = mended(CONSTRAINTS, before | {name: value}, (name,), Random(0))
        return {one: new for one, new in found.items() if new != before[one]}
    try:
        load_scenario({"base": "defaults"} | LIVELY | context).change(**{name: value})
    except BadInput:
        return None
    return {name: value}


@pytest.mark.parametrize("name", [name for name in Scenario.model_fields if name not in WORDS_ONLY])
def test_every_parameter_moves_some_column(name: str, tmp_path: Path) -> None:
    context = CONTEXTS.get(name, {})
    if name == "network_file":
        context, moved = ties_in_files(tmp_path)
        assert moves(context, moved)
        return
    values = other_values(name, (DEFAULTS | LIVELY | context)[name])
    changes = [change for value in values if (change := moved_to(name, value, context))]
    assert changes, f"{name}: none of {values} is valid in its world; say in MOVED what another value is"
    assert any(moves(context, change) for change in changes), (
        f"{name}: moved to {values}, nothing changes in {MONTHS} months; say in CONTEXTS what must be set so that it can"
        " act, or take the parameter away"
    )


def ties_in_files(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two files of ties: everybody hears of the next one, or of the one after."""
    for step in (1, 2):
        lines = "".join(f"{k},{(k + step) % SIZE}\n" for k in range(SIZE))
        (folder / f"{step}.csv").write_text(f"source,target\n{lines}", encoding="utf-8")
    return {"network": "file", "network_file": str(folder / "1.csv")}, {"network_file": str(folder / "2.csv")}


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_mechanism_off_moves_some_column(mechanism: str) -> None:
    assert moves({}, {"off": [mechanism]})


@pytest.mark.parametrize("kind", CALENDAR_KINDS)
def test_every_kind_of_event_moves_some_column(kind: str) -> None:
    _, _, low, high, _ = CALENDAR_KINDS[kind]
    assert any(
        moves(EVENTS.get(kind, {}), {"calendar": [{"month": 2, "kind": kind, "value": value}]})
        for value in (high, low, low + (high - low) / 1_000.0)
    ), f"{kind}: nothing changes in {MONTHS} months; say in EVENTS what must be set so that it can act"
