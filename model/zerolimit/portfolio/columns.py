"""What a portfolio may say of a client: its columns, their units and bounds, and the codes of a payment history."""

from __future__ import annotations

from dataclasses import dataclass

from zerolimit.basics.wording import FEN
from zerolimit.vocabulary.constants import INCOME_MOST
from zerolimit.vocabulary.fields import INSTALMENTS, STORABLE
from zerolimit.vocabulary.names import SEGMENTS


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a portfolio may have: unit, allowed range (inclusive) and meaning."""

    name: str
    unit: str
    low: float
    high: float
    meaning: str

    @property
    def money(self) -> bool:
        return self.unit.startswith("yuan")

    @property
    def allowed(self) -> str:
        return f"allowed: {self.low:,.0f} to {self.high:,.0f} {self.unit}"


MOST = STORABLE["i4"] / FEN
"""The largest amount that a column holds, yuan."""
NO_USE, PAID_IN_FULL, REVOLVING = -2, -1, 0
"""Payment history besides months late."""
OLDEST = 12
"""Months of payment history, at most."""

COLUMNS = {
    column.name: column
    for column in (
        Column("limit", "yuan", 0, MOST, "credit line; the only column required; below the minimum loan the line is closed"),
        Column("id", "text", 0, 0, "the client's name in the file, unique; kept, not used"),
        Column("balance", "yuan", -MOST, MOST, "principal owed; below 0 counts as 0, above the limit is taken as it is"),
        Column("late", "months", 0, 120, "months past due; counts as 0 where nothing is owed"),
        Column("history", "months late", NO_USE, 120, "newest first: months late, 0 revolving, -1 paid in full, -2 no use"),
        Column("term", "months", 1, INSTALMENTS, "instalments still to come"),
        Column("income", "yuan a month", 0, INCOME_MOST / FEN, "recorded income"),
        Column("segment", "code", 0, len(SEGMENTS) - 1, f"{', '.join(SEGMENTS)}, or 0, 1, 2"),
        Column("age", "years", 18, 100, "age"),
    )
}
"""Every column, declared once. The history is one column of integers with spaces or semicolons, or history_1 to _12."""
HISTORY = tuple(f"history_{k}" for k in range(1, OLDEST + 1))
NAMES = (*COLUMNS, *HISTORY)

NOT_RECORDED = -128
"""A month older than the account, or blank, in a payment history."""
