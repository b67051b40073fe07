"""What a run counted, as plain columns: the common ground of the store, the table, the figure and the pandas frames.

Counts are borrowers, money is whole fen, `sum_trust` is a whole number of 1/16,384. No rate is stored: a rate divides sums
as declared in results.outcomes.RATES.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import BadInput, nearest
from zerolimit.month import RARE_SUMS, SUMS
from zerolimit.platform.monthly_rows import PlatformRows
from zerolimit.rules.caps import CAPS
from zerolimit.rules.flags import FLAGS
from zerolimit.vocabulary.cells import CELLS, CELLS_PER_SEGMENT
from zerolimit.vocabulary.fields import FIELDS, Q2
from zerolimit.vocabulary.names import SEGMENTS
from zerolimit.vocabulary.outcomes import DESK, RATES
from zerolimit.vocabulary.world_fields import NO_END, RECORDED

if TYPE_CHECKING:
    from zerolimit.run.recorded import Recorded

Array = NDArray[Any]


@dataclass(frozen=True)
class Coded:
    """A column of names: `labels[codes]`; missing where a code is below 0."""

    codes: Array
    labels: tuple[str, ...]
    text: bool = False
    """As many as there are clients: frames have text, not categories."""


@dataclass(frozen=True)
class Dates:
    """A column of dates: days since 1970-01-01, int32."""

    days: Array


Columns = Mapping[str, Array | Coded | Dates]

BY = ("month", "segment", "decile")
"""What monthly counts are kept by."""

PLATFORM: dict[str, tuple[str, str]] = {
    "month": ("month", "counts from 0"),
    "pool": ("fen", "cap on principal; missing: unlimited"),
    "principal": ("fen", "lent when the month ended"),
    "planned": ("fen", "planned exposure: principal plus expected use of open lines"),
    "planned_use": ("share", "expected use of open lines"),
    "contended": ("fen", "undrawn parts of lines asked of the allocation"),
    "granted": ("fen", "undrawn parts of lines that the allocation gave"),
    "rank_cutoff": (
        "by allocation",
        "level that uses up the pool: the lowest place served (points; by age months, by profit yuan a yuan; 0 when all are,"
        " infinite when nobody is), by pro_rata the share that each is given, by water_filling the fen at most, by a"
        " user-defined rule its level",
    ),
    "cash": ("fen", "not lent"),
    "overhang": ("fen", "principal above the pool"),
    "capital": ("fen", "capital after losses"),
    "deficit": ("fen", "past losses not yet made good"),
    "funding_costs": ("fen", "cost of funding"),
    "review_costs": ("fen", "cost of reviews"),
    "reason_costs": ("fen", "cost of reasons sent"),
    "warning_costs": ("fen", "cost of early warnings"),
    "notice_costs": ("fen", "cost of advance notices"),
    "appeal_costs": ("fen", "cost of appeals heard"),
    "acquisition_costs": ("fen", "cost of winning those whose lines were opened"),
    "servicing_costs": ("fen", "cost of keeping accounts"),
    "collection_costs": ("fen", "cost of collecting from those past due"),
    "costs": ("fen", "all costs of the month"),
    "net_income": ("fen", "net income of the month"),
    "distributed": ("fen", "paid out since the start"),
    "funding_change": ("fen", "funding added since the start"),
    "macro": ("index", "macro index, -1 to 1"),
    "tightness": ("share", "tightness in force"),
    "cutoff": ("points", "risk score that admission asks for"),
    "campaign": ("0/1", "a campaign reviewed lines"),
    **DESK,
    "gini": ("share", "Gini coefficient of the lines of all who have an account, 0 for those without one"),
}
"""The platform's monthly row: unit and meaning."""


def monthly_meanings() -> dict[str, tuple[str, str]]:
    """Unit and meaning of every column of the monthly counts."""
    found = {
        "month": ("month", "counts from 0"),
        "segment": ("name", "segment"),
        "decile": ("0 to 9", "decile of income in the first population, 0 the lowest"),
    }
    found.update({one.name: ("borrowers", one.says) for one in FLAGS.values()})
    sums = [(name, name) for names in SUMS.values() for name in names]
    sums += [(rare.name, rare.field) for rares in RARE_SUMS.values() for rare in rares]
    for name, field in sums:
        declared = FIELDS[field]
        unit = f"1/{Q2:.0f}" if declared.storage == "q2" else declared.unit
        found[f"sum_{name}"] = (unit, f"sum over borrowers: {declared.meaning}")
    for kind, event in (("zero", "zero-limit events"), ("blocked", "blocked after repayment")):
        found.update({f"{kind}_by_{cap.name}": ("events", f"{event}: {cap.says}") for cap in CAPS})
    return found | DESK


def monthly_columns(history: Iterable[Recorded]) -> dict[str, Array | Coded]:
    """One row per month, segment and income decile, in that order."""
    months = list(history)
    cell = np.tile(np.arange(CELLS), len(months))
    found: dict[str, Array | Coded] = {
        "month": np.repeat(np.array([one.month for one in months], np.int64), CELLS),
        "segment": Coded((cell // CELLS_PER_SEGMENT).astype(np.int8), SEGMENTS),
        "decile": (cell % CELLS_PER_SEGMENT).astype(np.int64),
    }
    for name in months[0].counts if months else ():
        found[name] = np.concatenate([one.counts[name] for one in months]).astype(np.int64)
    return found


def platform_columns(history: Iterable[Recorded]) -> dict[str, Array | Coded]:
    """One row a month of the platform; an unlimited pool is not a number."""
    months = list(history)
    found: dict[str, Array | Coded] = {"month": np.array([one.month for one in months], np.int64)}
    if months:
        tables = ([getattr(one.rows, table)[one.world] for one in months] for table in ("whole", "real"))
        rows = PlatformRows(*map(np.stack, tables))
        found.update({name: told(name, rows.of(name)) for name in RECORDED})
    return found


def told(name: str, column: Array) -> Array:
    """A number of the platform, by month or by world: a pool without end is missing."""
    endless = column == NO_END
    return np.where(endless, np.nan, column) if name == "pool" and endless.any() else column


def values(columns: Columns, name: str) -> Array:
    """A column of numbers; of one that the run did not keep, zeros."""
    column = columns.get(name)
    if column is None:
        return np.zeros(len(values(columns, "month")), np.int64)
    if isinstance(column, Dates):
        return column.days
    return column.codes if isinstance(column, Coded) else np.asarray(column)


def cube(columns: Columns, name: str) -> Array:
    """A monthly column as month x segment x decile."""
    return values(columns, name).reshape(-1, len(SEGMENTS), CELLS_PER_SEGMENT)


def column_of(part: str) -> str:
    """The monthly column that a part of a rate names: a count, else a sum."""
    return part if part in DESK or part in FLAGS else f"sum_{part}"


def parts_of(rate: str) -> tuple[list[str], list[str]]:
    """The columns whose sums a rate divides."""
    if not isinstance(rate, str) or rate not in RATES:
        raise BadInput(f"rate: {rate!r} is not one of {', '.join(RATES)}{nearest(str(rate), RATES)}")
    over, under, _ = RATES[rate]
    return [column_of(part) for part in over], [column_of(part) for part in under]


def divided(over: Array, under: Array) -> Array:
    """over / under; not a number where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(under == 0, np.nan, np.asarray(over, np.float64) / np.asarray(under, np.float64))


def rates(columns: Columns, rate: str, axes: tuple[int, ...]) -> Array:
    """A rate with sums taken over some axes of month x segment x decile."""
    over, under = parts_of(rate)
    top = sum(cube(columns, name).sum(axis=axes) for name in over)
    return divided(np.asarray(top), np.asarray(sum(cube(columns, name).sum(axis=axes) for name in under)))
