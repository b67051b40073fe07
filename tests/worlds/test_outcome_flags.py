"""Every outcome that is declared happens in some world, and nothing is counted that is not declared."""

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.test_parameters_act import LIVELY
from tests.worlds.test_engines_agree import CALENDAR
from tests.worlds.test_mechanisms import MADE_FOR

from zerolimit.month import OUTCOMES
from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.caps import REASONS
from zerolimit.rules.flags import FLAGS
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import ENDS, EVENTS
from zerolimit.vocabulary.outcomes import DESK, EVENT_RATES

STEPS = {"adaptation_months": 3}
WORLDS: dict[str, dict[str, Any]] = {
    "lively": LIVELY | {"notice_months": 1},
    "calendar": {"calendar": (*CALENDAR, {"month": 7, "kind": "funding", "value": 0.6})},
    "slump": {"macro_model": "regimes", "regime_start": 0.3, "regime_depth": 0.8, "gamma": 0.2, "miss_gig": 0.1},
    "accounts end": LIVELY
    | {
        "closed_end_rate": 0.3,
        "quit_rate": 0.05,
        "transfer_rate": 0.02,
        "dormant_rate": 0.5,
        "dormant_months": 2,
        "first_closed": 0.2,
    },
    **{f"{reason}, at once": made for reason, made in MADE_FOR.items()},
    **{f"{reason}, in steps": made | STEPS for reason, made in MADE_FOR.items()},
}
"""Together they bring about all that is counted."""
NEVER = {"zero_by_arrears", "blocked_by_arrears", "zero_by_barred", "blocked_by_barred"}
"""Events are those of on-time payers, who are not in arrears, and have a line that no bar takes."""


@cache
def lived(name: str) -> Simulation:
    return Simulation(
        load_scenario({"base": "defaults"} | WORLDS[name] | {"borrowers": 1_000}), 1, engine="compiled", threads=1
    ).run(24)


@cache
def happened() -> Counter[str]:
    """How often each thing was counted, in all worlds together."""
    found: Counter[str] = Counter()
    for name in WORLDS:
        for month in lived(name).history:
            found.update({count: int(cells.sum()) for count, cells in month.counts.items()})
    return found


@pytest.mark.parametrize("name", [*FLAGS, *DESK])
def test_every_outcome_happens_somewhere(name: str) -> None:
    assert happened()[name] > 0


@pytest.mark.parametrize("name", [f"{event}_by_{reason}" for event in EVENT_RATES for reason in REASONS])
def test_every_reason_is_one_somewhere(name: str) -> None:
    assert (happened()[name] > 0) != (name in NEVER)


def test_every_event_and_every_end_of_one_is_logged_somewhere() -> None:
    logs = [lived(name).episodes for name in WORLDS]
    kinds = {int(kind) for log in logs for start in log.starts for kind in start["kind"]}
    ends = {int(end) for log in logs for one in log.ends for end in one["ended"]}
    assert {EVENTS[kind] for kind in kinds} == set(EVENTS) - {"none"}
    assert {ENDS[end] for end in ends} == set(ENDS) - {"censored"}


@pytest.mark.parametrize("name", ["lively", "calendar", "slump"])
def test_no_undeclared_bit_is_set(name: str) -> None:
    """In the words themselves, beyond the bits that are counted too."""
    simulation = Simulation(load_scenario({"base": "defaults"} | WORLDS[name] | {"borrowers": 60}), 1, engine="objects")
    for month in range(18):
        simulation.step()
        for word, flags in OUTCOMES.items():
            bits = np.bitwise_or.reduce(simulation.engine.raw(word, month).astype(np.int64))
            assert 0 <= bits < 1 << len(flags), word
