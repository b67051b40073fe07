"""What a run counted, as three tables of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zerolimit.results.columns import Columns, monthly_columns, platform_columns
from zerolimit.results.episodes import episode_columns

if TYPE_CHECKING:
    from zerolimit.run.simulation import Simulation


@dataclass(frozen=True)
class Tables:
    """What a run counted, as columns: months by cell, months of the platform, events."""

    monthly: Columns
    platform: Columns
    episodes: Columns
    months: int


def tables_of(simulation: Simulation) -> Tables:
    """The tables of a run so far."""
    logs = simulation.episodes
    return Tables(
        monthly_columns(simulation.history),
        platform_columns(simulation.history),
        episode_columns(logs.starts, logs.ends, simulation.month),
        simulation.month,
    )
