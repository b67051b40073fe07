"""What the panels draw: a market's counts after a month, taken while nobody runs it. Plain arrays, no page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from zerolimit.basics.wording import FEN
from zerolimit.results.columns import Array, cube, divided, rates, values
from zerolimit.results.tables import Tables, tables_of
from zerolimit.rules.caps import CAPS
from zerolimit.vocabulary.constants import SCORE_HIGH, SCORE_LOW
from zerolimit.vocabulary.names import LEFT
from zerolimit.vocabulary.outcomes import EVENT_RATES, RATES

if TYPE_CHECKING:
    from zerolimit.parameters.scenario import Scenario
    from zerolimit.run.simulation import Simulation

LINES = (0.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0, 100_000.0, 200_000.0)
"""Lower edges of classes of lines, yuan; the first are accounts without a line."""
SCORES = tuple(range(int(SCORE_LOW), int(SCORE_HIGH), 25))
"""Lower edges of classes of risk scores, points."""


@dataclass(frozen=True)
class Spread:
    """How lines (LINES) and scores (SCORES) of all accounts are spread: accounts in each class."""

    lines: Array
    scores: Array


@dataclass(frozen=True)
class Picture:
    """A market as it stands. Money in fen."""

    scenario: Scenario
    seed: int
    size: int
    months: int
    tables: Tables
    first: Spread
    now: Spread
    pool: int | None
    """Cap on principal; None without end."""
    principal: int
    cash: int
    lines: int
    """Sum of all lines."""

    def by_month(self, name: str) -> Array:
        """A monthly count or sum of everybody."""
        return cube(self.tables.monthly, name).sum(axis=(1, 2))

    def rate(self, name: str, axes: tuple[int, ...]) -> Array:
        """A rate with sums over some of month (0), segment (1), decile (2)."""
        return rates(self.tables.monthly, name, axes)

    def total(self, name: str) -> int:
        """A monthly count or sum of all months together."""
        return int(values(self.tables.monthly, name).sum())

    def platform(self, name: str) -> Array:
        """The platform's value in each month."""
        return values(self.tables.platform, name).astype(np.float64)

    def by_reason(self, kind: str = "zero") -> dict[str, Array]:
        """Zero-limit events (or `blocked`) of each month by the cap that caused them, the most frequent first."""
        found = {cap.name: self.by_month(f"{kind}_by_{cap.name}") for cap in CAPS}
        return {name: found[name] for name in sorted(found, key=lambda name: -int(found[name].sum())) if found[name].any()}

    def share_by_reason(self, kind: str = "zero") -> dict[str, Array]:
        """The same over those to whom it can happen in the month: on-time payers with a line (blocked: at risk)."""
        (under,) = RATES[EVENT_RATES[kind]][1]
        exposed = self.by_month(under)
        return {name: np.nan_to_num(divided(events, exposed)) for name, events in self.by_reason(kind).items()}


_first: WeakKeyDictionary[Any, Spread] = WeakKeyDictionary()


def spread(simulation: Simulation) -> Spread:
    """How lines and scores are spread over the accounts that there are."""
    here = simulation.column("status") != LEFT
    lines, scores = simulation.column("limit")[here] / FEN, simulation.column("risk")[here]
    least = simulation.scenario.minimum_loan
    edges = np.array([0.0, *(max(edge, least) for edge in LINES[1:]), np.inf])
    return Spread(
        np.histogram(lines, edges)[0],
        np.histogram(np.clip(scores, SCORES[0], SCORES[-1]), [*SCORES, SCORES[-1] + 25])[0],
    )


def picture_of(simulation: Simulation) -> Picture:
    """The picture of a world after its last month. Its first spread is that of the first picture taken."""
    now = spread(simulation)
    first = _first.setdefault(simulation, now)
    return Picture(
        simulation.scenario,
        simulation.seed,
        simulation.size,
        simulation.month,
        tables_of(simulation),
        first,
        now,
        simulation.pool.limit,
        int(simulation.principal),
        int(simulation.pool.cash),
        int(simulation.column("limit").sum(dtype=np.int64)),
    )
