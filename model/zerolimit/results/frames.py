"""A run as pandas frames ready for analysis, and rates from them. pandas is imported when a frame is made.

Whole numbers are int64 and others float64 whatever the file has, so that no square overflows; names are categories, dates
datetime64, what is missing NaN. Money is whole fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.errors import BadInput, nearest, refuse_others
from zerolimit.results.columns import BY, Array, Coded, Columns, Dates, column_of, parts_of
from zerolimit.results.episodes import cumulative_incidence
from zerolimit.results.keys import MEANINGS, TEXT
from zerolimit.results.lazy import MOST_ROWS, Lazy
from zerolimit.results.tables import episodes_of, monthly_of, platform_of
from zerolimit.vocabulary.names import ENDS, EVENTS
from zerolimit.vocabulary.outcomes import RATES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from zerolimit.run.simulation import Simulation

YEAR = "year"
"""What frames can be summed by beside what is counted apart."""


def as_frame(columns: Columns) -> pd.DataFrame:
    """Columns as a pandas frame."""
    import pandas as pd

    def series(column: Array | Coded | Dates) -> Any:
        if isinstance(column, Coded):
            found = pd.Categorical.from_codes(np.asarray(column.codes), pd.Index(column.labels))
            return pd.Series(found).astype("str") if column.text else found
        if isinstance(column, Dates):
            return column.days.astype("datetime64[D]").astype("datetime64[s]")
        kinds = {"i": np.int64, "u": np.int64, "f": np.float64}
        return column.astype(kinds.get(column.dtype.kind, column.dtype))

    return pd.DataFrame({name: series(column) for name, column in columns.items()})


def wide(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a pandas frame."""
    import pyarrow as pa

    def widened(field: pa.Field) -> Any:
        if pa.types.is_integer(field.type):
            return pa.int64()
        if pa.types.is_floating(field.type):
            return pa.float64()
        if pa.types.is_date(field.type):
            return pa.timestamp("s")
        return pa.string() if MEANINGS.get(field.name, ("",))[0] == TEXT else field.type

    types = [widened(field) for field in table.schema]
    columns = [column.cast(kind) for column, kind in zip(table.columns, types, strict=True)]
    found: pd.DataFrame = pa.table(columns, table.column_names).to_pandas(self_destruct=True)
    return found


def monthly_frame(simulation: Simulation) -> pd.DataFrame:
    """Counts and sums (fen), one row per month, segment and first income decile."""
    return as_frame(monthly_of(simulation))


def platform_frame(simulation: Simulation) -> pd.DataFrame:
    """The platform's row of every month (fen)."""
    return as_frame(platform_of(simulation))


def episodes_frame(simulation: Simulation) -> pd.DataFrame:
    """One row per event of a run so far, with its end or censored."""
    return as_frame(episodes_of(simulation))


def of_panel(table: Lazy, columns: Iterable[str] | None = None, *, vacant: bool = False) -> pd.DataFrame | Lazy:
    """A panel as a frame, or as the lazy table that it is, where no frame should hold it."""
    return table.frame(columns, vacant=vacant) if len(table) <= MOST_ROWS else table


def chosen(frame: pd.DataFrame, columns: Iterable[str] | None) -> pd.DataFrame:
    """Some columns of a frame, or all."""
    if columns is None:
        return frame
    wanted = list(columns)
    for name in wanted:
        refuse_others("columns", name, frame.columns)
    return frame[wanted]


def rate(frame: pd.DataFrame, name: str, by: str | Sequence[str] = "month") -> pd.Series[Any]:
    """A rate of results.outcomes.RATES from monthly counts: sums are taken by `by`, then divided.

    `by` is month, year, segment or decile, or several of them. A year is that of the date where the frame has one, else
    counts twelve months from month 0 on. Where there is nothing to divide by, the rate is not a number.
    """
    over, under = parts_of(name)
    keys = [by] if isinstance(by, str) else list(by)
    allowed = (*BY[:1], YEAR, *BY[1:])
    for key in keys or [""]:
        refuse_others("by", key, allowed)
    needed = ["month" if key == YEAR else key for key in keys]
    missing = [column for column in (*needed, *over, *under) if column not in frame.columns]
    if missing:
        raise BadInput(f"rate {name!r}: the frame has no column {missing[0]!r}; it needs a run's monthly counts")
    if YEAR in keys:
        frame = frame.assign(**{YEAR: frame["date"].dt.year if "date" in frame.columns else frame["month"] // 12})
    sums = frame.groupby(keys, observed=False)[list(dict.fromkeys([*over, *under]))].sum()
    result: pd.Series[Any] = sums[over].sum(axis=1) / sums[under].sum(axis=1).replace(0, np.nan)
    return result.rename(name)


def all_rates(monthly: pd.DataFrame) -> pd.DataFrame:
    """Every rate whose counts were kept, a row a month."""
    import pandas as pd

    known = [name for name, (over, under, _) in RATES.items() if {*map(column_of, (*over, *under))} <= {*monthly.columns}]
    return pd.DataFrame({name: rate(monthly, name) for name in known})


def episodes_chosen(episodes: pd.DataFrame, kind: str, repeated: bool | None = None) -> pd.DataFrame:
    """The episodes of one kind of event; of their borrower only the first (`repeated` False) or only later ones (True)."""
    needed = ("kind", "ended", "duration", "zeros_before", "borrower", "generation", "month")
    missing = [name for name in needed if name not in episodes.columns]
    if missing:
        raise BadInput(f"episodes: the frame has no column {missing[0]!r}; it needs a run's episodes")
    if kind not in EVENTS[1:]:
        raise BadInput(f"kind: {kind!r} is not one of {', '.join(EVENTS[1:])}{nearest(str(kind), EVENTS[1:])}")
    chosen = episodes[episodes["kind"].astype(str) == kind]
    if repeated is not None:
        earlier = chosen.sort_values("month", kind="stable").groupby(["borrower", "generation"]).cumcount()
        chosen = chosen[((earlier > 0) | (kind == EVENTS[1]) & (chosen["zeros_before"] > 0)) == repeated]
    return chosen


def incidence(episodes: pd.DataFrame, kind: str = "zero limit", repeated: bool | None = None) -> pd.DataFrame:
    """Cumulative incidence of the ends of episodes, by months since the event (episodes.cumulative_incidence).

    Columns: at_risk (episodes watched so long), lasting (share without a usable line still), and for each route of
    names.ENDS `hazard ...` (a month) and `incidence ...` (share so far); competing ends are kept apart. `kind` is the
    event; `repeated` takes only first events (False) or only later ones (True) of their borrower.
    """
    chosen = episodes_chosen(episodes, kind, repeated)
    ended = np.array([ENDS.index(str(name)) for name in chosen["ended"]], np.int64)
    return as_frame(cumulative_incidence(chosen["duration"].to_numpy(np.int64), ended)).set_index("month")
