"""What no run shows by itself: lines rise from outside, and what is owed is followed beside the run as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import Scenario
from zerolimit.run.batch import Batch
from zerolimit.run.simulation import Simulation
from zerolimit.study.worlds import forget
from zerolimit.vocabulary.fields import STORABLE
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


class Raised:
    """Copies of worlds in which every open line is a tenth higher, run on to where debt is compared.

    The anchor rises with the line, so that the lender's own formula gives the higher one too: the rise is the lender's, for
    no reason that lies in the borrower. What is owed is followed of accounts that last in both. A copy that
    fails is in `failures`, by its world's number.
    """

    def __init__(self, plain: Mapping[int, Simulation]) -> None:
        self.lines: dict[int, Array] = {}
        self.rows: dict[int, Array] = {}
        self.higher: dict[int, Array] = {}
        self.near: dict[int, Array] = {}
        self.generation: dict[int, Array] = {}
        copies = []
        for number, world in plain.items():
            line = world.engine.raw("limit", world.month).astype(np.int64)
            rows = np.flatnonzero((world.engine.raw("status", world.month) == int(OPEN)) & (line > 0))
            higher = np.minimum(line[rows] + (line[rows] * RISE).astype(np.int64), int(STORABLE["i4"]))
            anchor = world.engine.raw("anchor", world.month)[rows] * np.float32(1.0 + RISE)
            self.lines[number], self.rows[number], self.higher[number] = line[rows], rows, higher
            self.near[number] = owed(world)[rows] > NEAR * line[rows]
            self.generation[number] = world.engine.raw("generation", world.month)[rows]
            copies.append(raised := world.copy())
            raised.engine.put_raw("limit", rows, higher, raised.month)
            raised.engine.put_raw("anchor", rows, anchor, raised.month)
        batch = Batch.of(copies)
        try:
            ran = batch.run(FOLLOWED, trimmed)
            numbers = list(plain)
            self.worlds = {numbers[at]: world for at, world in ran.worlds.items()}
            self.failures = {numbers[at]: error for at, error in ran.failures.items()}
        finally:
            batch.close()

    def beside(self, plain: Mapping[int, Simulation]) -> dict[int, Rise]:
        """What lines and debt are more, beside the worlds as they were, in the month up to which these were run."""
        found = {}
        for number, world in self.worlds.items():
            rows, last = self.rows[number], np.ones(len(self.rows[number]), np.bool_)
            for one in (plain[number], world):
                last &= one.engine.raw("generation", one.month)[rows] == self.generation[number]
                last &= one.engine.raw("status", one.month)[rows] != int(LEFT)
            debt = owed(world)[rows] - owed(plain[number])[rows]
            more = self.higher[number] - self.lines[number]
            found[number] = Rise(more[last], debt[last], self.near[number][last])
        return found


def trimmed(batch: Batch) -> None:
    """Let go of months that nobody asks for."""
    for world in batch.worlds.values():
        forget(world)


def rise(scenario: Scenario, seed: int, month: int, engine: str) -> Rise:
    """The experiment in one world: lines rise when `month` has passed."""
    plain = Simulation(scenario, seed, engine=engine, threads=1).run(month + 1)
    try:
        raised = Raised({0: plain})
        return raised.beside({0: plain.run(FOLLOWED)})[0]
    finally:
        plain.close()


def owed(world: Simulation) -> Array:
    """Principal by account, fen."""
    scheduled, overdue = (world.engine.raw(name, world.month).astype(np.int64) for name in ("scheduled", "overdue"))
    found: Array = scheduled + overdue
    return found
