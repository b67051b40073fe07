"""Step 1: the economy, sector trends, and the dated calendar. The same world for every engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from zerolimit.basics.errors import BadInput, nearest
from zerolimit.parameters.dated import DATE, MONTH
from zerolimit.parameters.declarations import CALENDAR_KINDS, CalendarItem
from zerolimit.parameters.scenario import Scenario
from zerolimit.rules.rule import clip, normal
from zerolimit.vocabulary.names import SECTORS

if TYPE_CHECKING:
    import pandas as pd


DRAWS = ("u_macro", "u_regime", *(f"u_sector_{k}" for k in range(len(SECTORS))))
"""Draws of the economy, one of each a month."""


@dataclass
class World:
    """Macro index (0 is normal, -1 the deepest slump), sector trends, and what the calendar has set so far."""

    macro: float = 0.0
    slumping: bool = False
    trends: list[float] = field(default_factory=lambda: [0.0] * len(SECTORS))
    in_force: dict[str, float] = field(default_factory=dict)

    def move(self, month: int, scenario: Scenario, draws: Mapping[str, float]) -> list[CalendarItem]:
        """One month on, with the month's DRAWS; returns the calendar's items of the month whose mechanism is on.

        autoregressive: x' = persistence x + volatility z. regimes: x falls towards -regime_depth while a slump lasts.
        series: x is the month's row of `macro`, and the last row's after it. Sector trends move like autoregressive,
        each on its own, but for those that are columns of the series. All stay within -1 and 1. A shock of the
        calendar adds to x; it fades with the persistence, and lasts for its month only where x is a series.
        """
        row = scenario.macro[min(month, len(scenario.macro) - 1)] if scenario.macro else None
        self.macro = self._moved(scenario, draws) if row is None else row.macro
        for k, sector in enumerate(SECTORS):
            shock = scenario.sector_volatility * normal(draws[f"u_sector_{k}"])
            moved = clip(scenario.sector_persistence * self.trends[k] + shock, -1.0, 1.0)
            given = getattr(row, sector, None)
            self.trends[k] = moved if given is None else given
        due = [
            item for item in scenario.calendar if item.month == month and CALENDAR_KINDS[item.kind][0] not in scenario.off
        ]
        for item in due:
            if item.kind == "macro":
                self.macro = clip(self.macro + item.value, -1.0, 1.0)
            else:
                self.in_force[item.kind] = item.value
        return due

    def _moved(self, scenario: Scenario, draws: Mapping[str, float]) -> float:
        """The macro index of a month after that of the month before."""
        z = normal(draws["u_macro"])
        centre = 0.0
        if scenario.macro_model == "regimes":
            u = draws["u_regime"]
            self.slumping = u >= scenario.regime_end if self.slumping else u < scenario.regime_start
            centre = -scenario.regime_depth if self.slumping else 0.0
        kept = scenario.macro_persistence
        return clip(centre + kept * (self.macro - centre) + scenario.macro_volatility * z, -1.0, 1.0)


def index_from(
    series: pd.Series[Any] | Iterable[float], worse: Literal["higher", "lower"] = "higher", depth: float = 1.0
) -> pd.DataFrame:
    """An ordinary series (unemployment, a delinquency rate) as a macro series: columns date or month, and macro.

    macro = max(-1, min(1, -depth x (v - m) / (w - m))), with m the median of the values v and w the worst: the highest,
    or with worse="lower" the lowest. So 0 is an ordinary month and -depth the worst of the series.

    A Series with dates as index has a row for each month from its first date to its last; a value holds until the next
    date, as in quarterly data. Other values are months 0, 1, 2, ... Cut it to the months of a run afterwards.
    """
    import numpy as np
    import pandas as pd

    if worse not in ("higher", "lower"):
        raise BadInput(f"index_from: worse must be higher or lower, not {worse!r}{nearest(str(worse), ('higher', 'lower'))}")
    if not 0.0 < depth <= 1.0:
        raise BadInput(f"index_from: depth must lie above 0 and be at most 1, not {depth!r}")
    given = series if isinstance(series, pd.Series) else pd.Series(list(series))
    try:
        values = given.astype(float)
    except (TypeError, ValueError):
        raise BadInput("index_from: numbers are needed") from None
    if not len(values) or not np.isfinite(values).all():
        raise BadInput("index_from: finite numbers without blanks are needed, at least one")
    if pd.api.types.is_numeric_dtype(values.index):
        values.index = pd.RangeIndex(len(values), name=MONTH)
    else:
        values = monthly(values)
    worst, median = float(values.max() if worse == "higher" else values.min()), float(given.astype(float).median())
    if worst == median:
        raise BadInput("index_from: no value is worse than the median, so there is no slump to measure")
    index = (-depth * (values - median) / (worst - median)).clip(-1.0, 1.0)
    return index.rename("macro").reset_index()


def monthly(values: pd.Series[float]) -> pd.Series[float]:
    """Dated values by month (YYYY-MM), each held until the next."""
    import pandas as pd

    try:
        dates = values.index
        dates = dates.to_timestamp() if isinstance(dates, pd.PeriodIndex) else pd.to_datetime(dates, format="ISO8601")
        months = pd.PeriodIndex(dates, freq="M")
    except ValueError as error:
        raise BadInput(
            f"index_from: the series' index must be dates or numbers: {' '.join(str(error).split())[:100]}"
        ) from None
    if months.has_duplicates:
        raise BadInput(f"index_from: {months[months.duplicated()][0]} is there twice; one value a month at most is needed")
    held = pd.Series(values.to_numpy(), index=months).sort_index()
    every = held.reindex(pd.period_range(held.index[0], held.index[-1], freq="M"), method="ffill")
    return every.set_axis(pd.Index(every.index.astype(str), name=DATE))
