"""Each mechanism alone: turned up under common draws, what it causes rises or falls; where it alone decides, off is none.

Reasons each have their world in test_mechanisms.py, strategies and remedies in test_remedies.py, facts in test_facts.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.caps import REASONS
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import SEGMENTS

SEED, SIZE, MONTHS, EVENT = 3, 3_000, 18, 3
TO_THE_CAP = dict.fromkeys(("menu_balance", "menu_step", "menu_close"), 0.0)
QUIET = {"base_tightness": 0.0, "macro_tightness": 0.0, "loss_tightness": 0.0, "macro_volatility": 0.0}
"""No tightening but the one that is turned."""


def only(*mechanisms: str) -> list[str]:
    """The others, to be switched off."""
    return [name for name in MECHANISMS if name not in mechanisms]


def event(kind: str) -> Callable[[float], dict[str, Any]]:
    """The dial is a calendar item's value."""
    return lambda value: {"calendar": [{"month": EVENT, "kind": kind, "value": value}]}


LATE = {"off": [*MECHANISMS], "chargeoff_months": 7, **{f"miss_{segment}": 0.03 for segment in SEGMENTS}}
STEPPED = {**LATE, "arrears_steps": True}


def sector_falls(trend: float) -> dict[str, Any]:
    """Retail's trend is so from the first month, the others' and the macro index are 0."""
    return {
        "macro": [{"month": 0, "macro": 0.0, "manufacturing": 0.0, "retail": trend, "services": 0.0, "construction": 0.0}]
    }


@dataclass(frozen=True)
class Sign:
    """A dial, from off or weak to strong, and the count that it moves."""

    name: str
    world: dict[str, Any]
    dial: str | Callable[[float], dict[str, Any]]
    levels: Sequence[float]
    count: str
    direction: int = +1
    alone: bool = False
    """At the first level there is none of it at all: here the mechanism alone decides."""
    reason: str | None = None
    """Events come for this reason and no other."""

    def at(self, level: float) -> dict[str, Any]:
        changed = {self.dial: level} if isinstance(self.dial, str) else self.dial(level)
        return {**self.world, **changed}


BY_SCORE: dict[str, Any] = {"off": only("rescoring"), **TO_THE_CAP, "sector_volatility": 0.0}
BY_TRIGGER: dict[str, Any] = {"off": only("trigger"), **TO_THE_CAP, "trigger_frequency": 2.0, "trigger_early": 1.0}
BY_PROFILE: dict[str, Any] = {"off": only("positioning"), **TO_THE_CAP, "position_tolerance": 0.1}
TIGHT: dict[str, Any] = {"off": only("tightening"), **TO_THE_CAP, **QUIET, "multiplier_gain": 1.0, "campaign_share": 1.0}
LOSING: dict[str, Any] = {**TIGHT, "miss_salaried": 0.05, "stress_gain": 0.0, "cutoff_gain": 600.0}
POOL: dict[str, Any] = {"off": only("scarcity"), **TO_THE_CAP, "campaign_share": 1.0}
FUNDED: dict[str, Any] = {**POOL, "pool_rule": "funded", "pool_share": 1.0, "own_share": 0.02, "leverage": 6.0}
HEARSAY: dict[str, Any] = {
    "off": only("contagion"),
    "income_floor": 6_000.0,
    "own_hit": 0.0,
    "mend": 0.0,
    "first_trust": 1.0,
}
"""Lines that fall below the income floor at the first review, of which others hear; an own one leaves no trace."""
ELSEWHERE: dict[str, Any] = {
    "calendar": [{"month": EVENT, "kind": "tightness", "value": 0.8}],
    **dict.fromkeys(("other_score", "other_usage", "other_inquiries", "other_record", "diversified"), 0.0),
    "other_base": 0.9,
}
"""A wave of zero limits, and other lenders who look at one thing only."""
OWNERS: dict[str, Any] = {"off": only(), "share_owner": 1.0, "share_gig": 0.0, "other_base": 0.0, "other_score": 0.0}

SIGNS = (
    Sign("rescoring: utilisation", BY_SCORE, "weight_usage", (0.0, 300.0, 600.0), "zero_limit"),
    Sign("rescoring: debt elsewhere", BY_SCORE, "weight_debt", (0.0, 60.0, 300.0), "zero_limit"),
    Sign("rescoring: often, punished", BY_SCORE, "weight_frequency", (0.0, 200.0, 600.0), "zero_limit"),
    Sign("rescoring: idle, punished", BY_SCORE, "weight_idle", (0.0, -200.0, -600.0), "zero_inactive"),
    Sign("rescoring: early, punished", {**BY_SCORE, "early_rate": 0.3}, "weight_early", (0.0, -200.0, -600.0), "zero_limit"),
    Sign(
        "rescoring: a sector falls",
        {**BY_SCORE, "weight_sector": 300.0, "sector_exposure": 0.0},
        sector_falls,
        (0.0, -0.3, -0.8),
        "zero_limit",
    ),
    Sign("trigger: frequent", BY_TRIGGER, "trigger_frequency", (2.0, 0.7, 0.4), "zero_limit", alone=True, reason="trigger"),
    Sign(
        "trigger: small", {**BY_TRIGGER, "trigger_frequency": 0.5}, "trigger_size", (0.0, 0.3, 0.6), "zero_limit", alone=True
    ),
    Sign(
        "trigger: early",
        {**BY_TRIGGER, "early_rate": 0.3, "early_keep": 0.0},
        "trigger_early",
        (1.0, 0.5, 0.2),
        "zero_limit",
        alone=True,
        reason="early",
    ),
    Sign("trigger: idle", {**BY_TRIGGER, "idle_keep": 0.0}, "trigger_idle", (120.0, 12.0, 3.0), "zero_inactive", alone=True),
    Sign("trigger: idle, kept", {**BY_TRIGGER, "trigger_idle": 6.0}, "idle_keep", (1.0, 0.5, 0.0), "large_decreases"),
    Sign(
        "positioning: slope",
        {**BY_PROFILE, **event("target_age")(60.0)},
        "position_slope",
        (0.0, 3.0, 10.0),
        "zero_limit",
        alone=True,
        reason="positioning",
    ),
    Sign("positioning: age", {**BY_PROFILE, "position_slope": 4.0}, event("target_age"), (38.0, 50.0, 70.0), "zero_limit"),
    Sign("positioning: income", BY_PROFILE, event("target_income"), (1_000.0, 10_000.0, 30_000.0), "decreases"),
    Sign("tightening: calendar", TIGHT, event("tightness"), (0.0, 0.05, 0.1), "decreases"),
    Sign("tightening: calendar, to zero", TIGHT, event("tightness"), (0.0, 0.95, 1.0), "zero_limit", alone=True),
    Sign(
        "tightening: economy",
        {**TIGHT, "macro_tightness": 1.0, "slump_demand": 0.0, "stress_gain": 0.0, "cutoff_gain": 600.0},
        event("macro"),
        (0.0, -0.1, -0.3),
        "zero_limit",
        alone=True,
        reason="cutoff_shift",
    ),
    Sign("tightening: funding", TIGHT, event("funding_stress"), (0.0, 0.05, 0.1), "decreases"),
    Sign("tightening: own losses", LOSING, "loss_tightness", (0.0, 0.05, 0.3), "zero_limit", alone=True),
    Sign(
        "tightening: cutoff",
        TIGHT,
        event("cutoff_shift"),
        (0.0, 60.0, 200.0),
        "zero_limit",
        alone=True,
        reason="cutoff_shift",
    ),
    Sign("tightening: ceiling", TIGHT, event("person_cap"), (1e7, 20_000.0, 5_000.0), "decreases"),
    Sign(
        "tightening: ceiling, to zero",
        TIGHT,
        event("person_cap"),
        (1e7, 400.0),
        "zero_limit",
        alone=True,
        reason="per_person",
    ),
    Sign("tightening: income ceiling", TIGHT, event("person_cap_income"), (10.0, 0.2, 0.1), "decreases"),
    Sign("scarcity: size", POOL, "pool_share", (2.0, 0.25, 0.15), "zero_limit", alone=True, reason="grant"),
    Sign(
        "scarcity: funding stops",
        {**POOL, "pool_share": 2.0},
        event("funding"),
        (1.0, 0.125, 0.075),
        "zero_limit",
        alone=True,
    ),
    Sign("scarcity: own share", FUNDED, event("own_share"), (0.02, 0.1, 0.3), "zero_limit", alone=True, reason="grant"),
    Sign("scarcity: leverage", FUNDED, event("leverage"), (6.0, 1.3, 0.6), "zero_limit", alone=True, reason="grant"),
    Sign("scarcity: used up", {**POOL, "planned_use": 0.0}, "pool_share", (2.0, 0.3, 0.2), "used_up", alone=True),
    Sign("contagion: trust", HEARSAY, "neighbour_weight", (0.0, 0.2, 1.0), "sum_trust", -1),
    Sign("contagion: leaving", {**HEARSAY, "leave_rate": 0.2}, "neighbour_weight", (0.0, 0.2, 1.0), "left", alone=True),
    Sign("trust: an own zero limit", {"neighbour_weight": 0.0}, "own_hit", (0.0, 0.3, 0.9), "sum_trust", -1),
    Sign("trust: mending", {}, "mend", (0.0, 0.02, 0.1), "sum_trust"),
    Sign("trust: complaints", {}, "complaint_rate", (0.0, 0.05, 0.5), "complaints", alone=True),
    Sign("trust: leaving", {"first_trust": 0.3}, "leave_rate", (0.0, 0.01, 0.1), "left", alone=True),
    Sign(
        "early repayment: ahead",
        {"term_open": 0.0, "first_savings": 24.0},
        "ahead_rate",
        (0.0, 0.3, 0.9),
        "sum_principal",
        -1,
    ),
    Sign(
        "projects financed: fewer loans",
        {**OWNERS, "first_savings": 12.0},
        "share_project",
        (0.0, 0.4, 1.0),
        "asked_count",
        -1,
    ),
    Sign(
        "projects financed: repaid",
        {**OWNERS, "share_project": 1.0, "first_savings": 12.0, "savings_cap": 12.0},
        "project_pays",
        (0.0, 0.2, 0.9),
        "paid_off_early",
        alone=True,
    ),
    Sign("ends: a wish", {}, "quit_rate", (0.0, 0.01, 0.1), "left_by_wish", alone=True),
    Sign("ends: a balance transfer", {}, "transfer_rate", (0.0, 0.01, 0.1), "left_transferred", alone=True),
    Sign("ends: dormant", {"dormant_months": 6}, "dormant_rate", (0.0, 0.05, 0.5), "left_dormant", alone=True),
    Sign("ends: no line", {"first_closed": 0.3}, "closed_end_rate", (0.0, 0.05, 0.5), "left_closed", alone=True),
    Sign("memory of a closure", {"first_closed": 0.3, "reapply_rate": 0.3}, "bar_score", (0, 20, 60), "readmitted", -1),
    Sign("cuts: run off", {}, "run_off", (False, True), "closed", -1),
    Sign("arrears: in steps", LATE, "arrears_steps", (False, True), "zero_arrears", -1),
    Sign("arrears: freeze", STEPPED, "arrears_freeze", (1, 2, 3), "frozen", -1),
    Sign("arrears: closure", STEPPED, "arrears_close", (1, 3, 6), "closed", -1),
    Sign("arrears: trim", {**STEPPED, "arrears_freeze": 2}, "arrears_trim", (0.0, 0.5, 1.0), "sum_limit", -1),
    Sign("arrears: cure", STEPPED, "cure_restores", (0.0, 0.5, 1.0), "sum_limit"),
    Sign("arrears: cure at once", STEPPED, "cure_at_once", (False, True), "frozen", -1),
    Sign("record: zero limits seen", ELSEWHERE, "other_record", (0.0, 0.3, 0.9), "other_loans", -1),
    Sign("record: zero limits seen, unpaid", ELSEWHERE, "other_record", (0.0, 0.3, 0.9), "shortfalls"),
    Sign("record: inquiries seen", ELSEWHERE, "other_inquiries", (0.0, 1.0, 4.0), "other_loans", -1),
    Sign("record: utilisation seen", ELSEWHERE, "other_usage", (0.0, 0.3, 0.9), "other_loans", -1),
    Sign("search after refusal", {"off": only("scarcity")}, "pool_share", (2.0, 0.25, 0.15), "other_applications"),
    Sign(
        "projects begin", {**OWNERS, "minimum_loan": 1e6}, "project_rate", (0.0, 0.05, 0.2), "projects_slipped", alone=True
    ),
    Sign(
        "projects slip without lines", {**OWNERS, "off": only("scarcity")}, "pool_share", (2.0, 0.2, 0.1), "projects_slipped"
    ),
    Sign("a slip costs sales", OWNERS, "slip_loss", (0.0, 0.15, 0.6), "sum_slip_cost", alone=True),
    Sign("without a line, without will", {"off": only("scarcity"), "pool_share": 0.15}, "gamma", (0.0, 0.2, 0.8), "late_1"),
    Sign("bridging counts on a loan", {"pool_share": 0.2}, "bridge_share", (0.0, 0.5, 1.0), "rollover_refused", alone=True),
    Sign(
        "fear draws", {"off": only("contagion"), "first_trust": 0.2, "mend": 0.0}, "fear_gain", (0.0, 0.5, 3.0), "sum_drawn"
    ),
)


@cache
def counted(name: str, level: float) -> dict[str, int]:
    """All counts of a world, over months and cells."""
    [sign] = [one for one in SIGNS if one.name == name]
    scenario = load_scenario("defaults", borrowers=SIZE, **sign.at(level))
    simulation = Simulation(scenario, SEED, engine="compiled", threads=1).run(MONTHS)
    return {
        count: sum(int(month.counts[count].sum()) for month in simulation.history) for count in simulation.history[0].counts
    }


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.name)
def test_turned_up_it_moves_what_it_causes(sign: Sign) -> None:
    found = [counted(sign.name, level)[sign.count] for level in sign.levels]
    steps = np.array([later - earlier for earlier, later in pairwise(found)])
    assert (sign.direction * steps > 0).all(), found
    if sign.alone:
        assert found[0] == 0
        assert found[-1] > 20
    if sign.reason:
        strongest = counted(sign.name, sign.levels[-1])
        assert strongest[f"zero_by_{sign.reason}"] > 0.9 * sum(strongest[f"zero_by_{reason}"] for reason in REASONS)


def test_every_mechanism_is_turned() -> None:
    turned = {sign.name.partition(":")[0] for sign in SIGNS}
    assert set(MECHANISMS) <= turned
