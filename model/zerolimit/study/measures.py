"""Measures of a finished run that are no monthly counts: each a function of the simulation, declared once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from zerolimit.results.columns import divided, parts_of
from zerolimit.results.episodes import HORIZONS, recovered
from zerolimit.study.accounts import LAST_HALF, OF_CUTS, Cuts, last_half, longest_delay, over_run
from zerolimit.vocabulary.names import LEFT

SETTLES = parts_of("zero_limit")
"""The counts of the rate that is said to settle: what it is of, and what it is divided by."""
ALWAYS_READ = (*SETTLES[0], *SETTLES[1])
"""Monthly counts that measures read, whatever else is kept."""

if TYPE_CHECKING:
    from zerolimit.explanation.kept_lines import Followed
    from zerolimit.run.simulation import Simulation


@dataclass(frozen=True)
class Watched:
    """A finished run, and what was seen beside it where a measure needs it."""

    simulation: Simulation
    burn_in: int
    zeros: Followed | None = None
    cuts: Cuts | None = None


@dataclass(frozen=True)
class Declared:
    """A measure: what it is, and how it is found."""

    unit: str
    says: str
    of: Callable[[Watched], float]
    shadow: bool = False
    """Needs the zeros that a shadow world followed (kept.Followed)."""
    cuts: bool = False
    """Needs cuts to zero from the decision to the effect (accounts.Cuts)."""


def gini_of_lines(run: Watched) -> float:
    """Gini of the lines of all who have an account at the end (engine/gini.py)."""
    return run.simulation.history[-1].platform["gini"]


def with_usable_line(run: Watched) -> float:
    """Share of those with the platform whose line is at least the minimum loan."""
    simulation = run.simulation
    here = simulation.column("status") != LEFT
    if not here.any():
        return float("nan")
    return float(np.mean(simulation.column("limit")[here] >= simulation.terms["minimum_loan"]))


def followed(run: Watched) -> float:
    """Zero-limit events whose verdict is known."""
    assert run.zeros is not None
    return float((run.zeros.wrongful >= 0).sum())


def wrongful(run: Watched) -> float:
    """Wrongful zero limits (those whose borrower would not have defaulted)."""
    assert run.zeros is not None
    return float((run.zeros.wrongful == 1).sum())


def of_cuts(name: str, run: Watched) -> float:
    """An outcome of accounts.OF_CUTS."""
    assert run.cuts is not None
    return float(over_run(name, vars(run.cuts), run.burn_in, longest_delay(run.simulation.scenario)))


def settled(run: Watched) -> float:
    """The rate of zero limits over the last half of the months, of those that count."""
    history = run.simulation.history
    months = history[max(run.burn_in, last_half(len(history))) :]
    over, under = (sum(one.counts[name].sum() for one in months for name in names) for names in SETTLES)
    return float(divided(np.asarray(over), np.asarray(under)))


def usable_within(position: int, run: Watched) -> float:
    """Share of zero limits with a usable line again within a horizon."""
    return float(recovered(run.simulation.episodes, run.simulation.month)[position])


RUN_MEASURES: dict[str, Declared] = {
    "gini_lines": Declared("0 to 1", "Gini of lines at the end, zeros included", gini_of_lines),
    "with_line": Declared("share", "of borrowers, those with a usable line at the end", with_usable_line),
    "followed": Declared("events", "zero-limit events that could be followed for a year", followed, shadow=True),
    "wrongful": Declared("events", "of them, without a default had the line been kept", wrongful, shadow=True),
    **{name: Declared(one.unit, one.says, partial(of_cuts, name), cuts=True) for name, one in OF_CUTS.items()},
    LAST_HALF: Declared("share", "rate of zero limits over the last half of the months, of those that count", settled),
    **{
        f"recovered_{horizon}": Declared(
            "share",
            f"of zero limits, usable line again within {horizon} months (Aalen and Johansen)",
            partial(usable_within, position),
        )
        for position, horizon in enumerate(HORIZONS)
    },
}
"""Those of a shadow world take about twice the time of a run."""
