"""Measures of a finished run that are no monthly counts: each a function of the simulation, declared once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.names import LEFT

if TYPE_CHECKING:
    from zerolimit.kept import Followed
    from zerolimit.simulation import Simulation


@dataclass(frozen=True)
class Declared:
    """A measure: what it is, and how it is found."""

    unit: str
    says: str
    of: Callable[[Any], float]
    """A function of the finished simulation, or of the zeros that a shadow world followed (kept.Followed)."""
    shadow: bool = False


def gini_of_lines(simulation: Simulation) -> float:
    """Gini of the lines of all who have an account at the end (allocation/gini.py)."""
    return simulation.history[-1].platform["gini"]


def with_usable_line(simulation: Simulation) -> float:
    """Share of those with the platform whose line is at least the minimum loan."""
    here = simulation.column("status") != LEFT
    if not here.any():
        return float("nan")
    return float(np.mean(simulation.column("limit")[here] >= simulation.terms["minimum_loan"]))


def followed(zeros: Followed) -> float:
    """Zero-limit events whose verdict is known."""
    return float((zeros.wrongful >= 0).sum())


def wrongful(zeros: Followed) -> float:
    """Wrongful ones among them."""
    return float((zeros.wrongful == 1).sum())


MEASURES: dict[str, Declared] = {
    "gini_lines": Declared("0 to 1", "Gini of lines at the end, zeros included", gini_of_lines),
    "with_line": Declared("share", "of borrowers, those with a usable line at the end", with_usable_line),
    "followed": Declared("events", "zero-limit events that could be followed for a year", followed, shadow=True),
    "wrongful": Declared("events", "of them, without a default had the line been kept (kept.py)", wrongful, shadow=True),
}
"""Those of a shadow world take about twice the time of a run."""
