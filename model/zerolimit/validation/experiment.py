"""What no run shows by itself: lines rise from outside, and what is owed is followed beside the run as it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import Scenario
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import LEFT, OPEN

RISE = 0.1
"""Of every open line, by which it rises."""
FOLLOWED = 12
"""Months that debt is followed."""
NEAR = 0.9
"""Utilisation above which an account is near its limit: less than a tenth is free."""


@dataclass(frozen=True)
class Rise:
    """What lines rose by, and what is owed more `FOLLOWED` months later than without: by account, fen."""

    more_line: Array
    more_debt: Array
    near: Array
    """Who was near the limit when lines rose."""


def rise(scenario: Scenario, seed: int, month: int, engine: str) -> Rise:
    """Two worlds with the same draws; in one, every open line is a tenth higher when `month` has passed.

    The anchor rises with the line, so that the lender's own formula gives the higher one too: the rise is the lender's, for
    no reason that lies in the borrower. What is owed is followed of accounts that last in both.
    """
    worlds = [Simulation(scenario, seed, engine=engine, threads=1) for _ in range(2)]
    try:
        for world in worlds:
            for _ in range(month + 1):
                world.step()
                del world.history[:-1]
        plain, raised = worlds
        line = np.array(plain.engine.raw("limit", plain.month)).astype(np.int64)
        rows = np.flatnonzero((plain.engine.raw("status", plain.month) == int(OPEN)) & (line > 0))
        before, generation = owed(plain), np.array(plain.engine.raw("generation", plain.month))
        higher = line[rows] + (line[rows] * RISE).astype(np.int64)
        anchor = plain.engine.raw("anchor", plain.month)[rows] * np.float32(1.0 + RISE)
        raised.engine.put_raw("limit", rows, higher, raised.month)
        raised.engine.put_raw("anchor", rows, anchor, raised.month)
        for world in worlds:
            for _ in range(FOLLOWED):
                world.step()
                del world.history[:-1]
        last = np.ones(len(rows), np.bool_)
        for world in worlds:
            last &= world.engine.raw("generation", world.month)[rows] == generation[rows]
            last &= world.engine.raw("status", world.month)[rows] != int(LEFT)
        rows, higher = rows[last], higher[last]
        return Rise(higher - line[rows], owed(raised)[rows] - owed(plain)[rows], before[rows] > NEAR * line[rows])
    finally:
        for world in worlds:
            world.close()


def owed(world: Simulation) -> Array:
    """Principal by account, fen."""
    scheduled, overdue = (world.engine.raw(name, world.month).astype(np.int64) for name in ("scheduled", "overdue"))
    found: Array = scheduled + overdue
    return found
