"""Step 1: the economy, sector trends, and the dated calendar. The same world for every engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from zerolimit.basics.errors import BadInput, nearest
from zerolimit.parameters.dated import DATE, MONTH
from zerolimit.parameters.declarations import CALENDAR_KINDS, CalendarItem, choices
from zerolimit.parameters.scenario import Scenario
from zerolimit.platform.books import Books
from zerolimit.platform.declared import on_one_world
from zerolimit.rules.rule import clip, normal
from zerolimit.vocabulary.names import SECTORS
from zerolimit.vocabulary.world_fields import TRENDS, WORLD_FIELDS

if TYPE_CHECKING:
    import pandas as pd


REGIMES, SERIES = (float(choices("macro_model").index(name)) for name in ("regimes", "series"))


@on_one_world("macro", "slumping")
def move_macro(macro: float, slumping: int, u_macro: float, u_regime: float, terms: Any) -> tuple[float, int]:
    """The macro index (0 is normal, -1 the deepest slump) of a month after that of the month before.

    autoregressive: x' = persistence x + volatility z. regimes: x falls towards -regime_depth while a slump lasts.
    series: x is what it is set to, the month's row of `macro`, and the last row's after it. It stays within -1 and 1.
    """
    if terms.macro_model == SERIES:
        return macro, slumping
    centre = 0.0
    if terms.macro_model == REGIMES:
        lasts = u_regime >= terms.regime_end if slumping != 0 else u_regime < terms.regime_start
        slumping = 1 if lasts else 0
        centre = -terms.regime_depth if lasts else 0.0
    moved = centre + terms.macro_persistence * (macro - centre) + terms.macro_volatility * normal(u_macro)
    return clip(moved, -1.0, 1.0), slumping


@on_one_world("trend_0", "trend_1", "trend_2", "trend_3")
def move_sectors(
    trend_0: float,
    trend_1: float,
    trend_2: float,
    trend_3: float,
    u_sector_0: float,
    u_sector_1: float,
    u_sector_2: float,
    u_sector_3: float,
    terms: Any,
) -> tuple[float, float, float, float]:
    """Sector trends, each on its own: x' = sector_persistence x + sector_volatility z, within -1 and 1."""
    kept, volatility = terms.sector_persistence, terms.sector_volatility
    return (
        clip(kept * trend_0 + volatility * normal(u_sector_0), -1.0, 1.0),
        clip(kept * trend_1 + volatility * normal(u_sector_1), -1.0, 1.0),
        clip(kept * trend_2 + volatility * normal(u_sector_2), -1.0, 1.0),
        clip(kept * trend_3 + volatility * normal(u_sector_3), -1.0, 1.0),
    )


def due(scenario: Scenario, month: int) -> list[CalendarItem]:
    """The calendar's items of a month, those whose mechanism is on."""
    return [one for one in scenario.calendar if one.month == month and CALENDAR_KINDS[one.kind][0] not in scenario.off]


def follow_series(books: Books, scenario: Scenario, month: int) -> None:
    """What a series gives: macro index, sector trends, funding stress; what has no column goes on by itself."""
    row: Any = scenario.macro[min(month, len(scenario.macro) - 1)]
    books["macro"] = row.macro
    for name, sector in zip(TRENDS, SECTORS, strict=True):
        if (given := getattr(row, sector, None)) is not None:
            books[name] = given
    if row.funding_stress is not None and "tightening" not in scenario.off:
        books["event_funding_stress"] = row.funding_stress


def happen(books: Books, items: Iterable[CalendarItem]) -> None:
    """What the calendar does to the economy, and what it sets from now on.

    A shock adds to the macro index; it fades with the persistence, and lasts for its month only where the index is a series.
    """
    for item in items:
        if item.kind == "macro":
            books["macro"] = clip(float(books["macro"][0]) + item.value, -1.0, 1.0)
        elif f"event_{item.kind}" in WORLD_FIELDS:
            books[f"event_{item.kind}"] = item.value


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
