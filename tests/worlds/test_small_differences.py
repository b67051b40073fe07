"""Minimally different worlds: where nothing is shared, one more borrower or one more fen changes nobody else."""

from typing import Any

import numpy as np
import pytest

from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import STATE

MONTHS, SIZE = 24, 100
APART: dict[str, Any] = {
    "off": ["scarcity", "contagion"],
    "appeals_capacity": 1.0,
    "loss_tightness": 0.0,
    "campaign_share": 1.0,
    "calendar": [{"month": 5, "kind": "tightness", "value": 0.4}, {"month": 9, "kind": "tightness", "value": 0.0}],
}
"""No pool, no queue, no network, no feedback of losses; a campaign reaches everybody, not the lowest share of all."""
LABELS = {"decile"}
"""Which tenth of the first population's incomes one is in: it depends on all, and nothing depends on it."""


def apart(**changed: Any) -> Scenario:
    return load_scenario("defaults", **{"borrowers": SIZE, **APART, **changed})


def run(scenario: Scenario, engine: str, fen: int = 0, who: int = 0) -> dict[str, Array]:
    """Every column after the run, in which one borrower began with some fen more."""
    simulation = Simulation(scenario, 8, engine=engine)
    simulation.engine.set("cash", who, simulation.engine.get("cash", who, 0) + fen, 0)
    simulation.run(MONTHS)
    return {field.name: np.array(simulation.engine.raw(field.name, simulation.month)) for field in STATE}


def changed_rows(one: dict[str, Array], other: dict[str, Array]) -> set[int]:
    """Borrowers of whom some field differs, among those that both worlds have."""
    found: set[int] = set()
    for name in one.keys() - LABELS:
        both = min(len(one[name]), len(other[name]))
        found |= set(np.flatnonzero(one[name][:both] != other[name][:both]).tolist())
    return found


@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_one_more_borrower_changes_nobody_else(engine: str) -> None:
    assert changed_rows(run(apart(), engine), run(apart(borrowers=SIZE + 1), engine)) == set()


@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_one_fen_more_changes_nobody_else(engine: str) -> None:
    plain = run(apart(), engine)
    for who in (3, 17):
        assert changed_rows(plain, run(apart(), engine, fen=1, who=who)) <= {who}


def test_a_richer_borrower_changes_but_nobody_else_does() -> None:
    """It may keep what it has: at the baseline's savings_cap it consumes it, and all is as it was after two years."""
    keeps = apart(savings_cap=36.0)
    assert changed_rows(run(keeps, "compiled"), run(keeps, "compiled", fen=10**7, who=11)) == {11}


def test_where_the_pool_is_shared_others_do_change() -> None:
    """The tests above could not fail if nobody ever met: here they meet in the pool."""
    shared = {**APART, "off": [], "pool_yuan": 400_000.0}
    one, other = (run(load_scenario("defaults", **shared, borrowers=size), "compiled") for size in (SIZE, SIZE + 1))
    assert len(changed_rows(one, other)) > 1


def test_switching_a_mechanism_off_leaves_every_draw_as_it_was() -> None:
    """Income depends on draws alone: it is the same in both worlds for whoever did not leave the slot."""
    with_all, without = apart(), apart(off=["scarcity", "contagion", "trigger", "positioning"])
    simulations = [Simulation(scenario, 8, engine="compiled").run(12) for scenario in (with_all, without)]
    same = simulations[0].column("generation") == simulations[1].column("generation")
    here = same & (simulations[0].column("status") != 3.0) & (simulations[1].column("status") != 3.0)
    assert here.sum() > SIZE / 2
    for name in ("income_true", "propensity", "out_of_work", "segment", "strategy"):
        assert (simulations[0].column(name)[here] == simulations[1].column(name)[here]).all()
