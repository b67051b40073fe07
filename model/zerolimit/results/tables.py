"""What a run counted, as three tables of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zerolimit.results.columns import PLATFORM, Columns, monthly_columns, monthly_meanings, platform_columns
from zerolimit.results.episodes import MEANINGS, episode_columns
from zerolimit.results.keys import DATE, Keys
from zerolimit.results.panel_columns import kept_meanings

if TYPE_CHECKING:
    from zerolimit.run.simulation import Simulation


FILES: dict[str, Callable[[], dict[str, tuple[str, str]]]] = {
    "monthly": lambda: with_date(monthly_meanings()),
    "platform": lambda: with_date(PLATFORM),
    "episodes": lambda: with_date(MEANINGS),
    "panel": lambda: with_date(kept_meanings()),
}
"""The tables that a run leaves, each a Parquet file of its name, and the unit and meaning of each of its columns."""


@dataclass(frozen=True)
class Tables:
    """What a run counted, as columns: months by cell, months of the platform, events; `months` of them, from `first` on."""

    monthly: Columns
    platform: Columns
    episodes: Columns
    months: int
    first: int = 0


def tables_of(simulation: Simulation) -> Tables:
    """The tables of a run so far."""
    tables = monthly_of(simulation), platform_of(simulation), episodes_of(simulation)
    return Tables(*tables, len(simulation.counted), simulation.burn_in)


def with_date(meanings: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Columns with the date behind the month."""
    rest = {name: said for name, said in meanings.items() if name not in ("month", "date")}
    return {"month": meanings["month"], "date": DATE, **rest}


def monthly_of(simulation: Simulation) -> Columns:
    """Counts and sums, one row per month, segment and income decile."""
    return Keys.of(simulation).dated(monthly_columns(simulation.counted))


def platform_of(simulation: Simulation) -> Columns:
    """One row a month of the platform."""
    return Keys.of(simulation).dated(platform_columns(simulation.counted))


def episodes_of(simulation: Simulation) -> Columns:
    """One row per event, with its end or censored."""
    logs, first = simulation.episodes, simulation.burn_in
    starts = [one for one in logs.starts if one["month"][0] >= first]
    return episode_columns(starts, logs.ends, simulation.month, Keys.of(simulation))
