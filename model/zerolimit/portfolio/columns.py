"""What a portfolio may say of a client: its columns, their units and bounds, and the codes of a payment history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    units: Mapping[str, float] = field(default_factory=dict)
    """Units in which a file may have it: how much of ours one of it is. The first is ours."""

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

YUAN = {"yuan": 1.0, "wan": 10_000.0, "cents": 0.01}
"""Money; wan are 10,000."""
A_MONTH = YUAN | {f"{name}/year": value / 12.0 for name, value in YUAN.items()}
OF_LIMIT = {"percent": 0.01, "share": 1.0}
"""Units of a balance that are parts of the client's limit."""
DAYS, MONTHS, YEARS = "days", "months", "years"
A_MONTH_HAS = 30
"""Days late that are at most a month late: 1 to 30 are 1 month, 31 to 60 are 2."""
OTHER_WORDS = {
    "yuan": ("元", "yuan/month"),
    "wan": ("万", "万元"),
    "cents": ("分", "fen"),
    "yuan/year": ("year", "元/年"),
    "wan/year": ("万/年", "万元/年"),
    "percent": ("%",),
    DAYS: ("day", "天", "日"),
    MONTHS: ("month", "月", "个月"),
    YEARS: ("year", "年"),
}
"""Units by other names."""

COLUMNS = {
    column.name: column
    for column in (
        Column(
            "limit",
            "yuan",
            0,
            MOST,
            "credit line; the only column required; below the minimum loan the line is closed",
            YUAN,
        ),
        Column(
            "id", "text", 0, 0, "the client's name in the file, unique; by it the client's draws are told from all others"
        ),
        Column(
            "balance",
            "yuan",
            -MOST,
            MOST,
            "principal owed; below 0 counts as 0, above the limit is taken as it is",
            YUAN | OF_LIMIT,
        ),
        Column(
            "late",
            "months",
            0,
            120,
            "months past due; counts as 0 where nothing is owed",
            {MONTHS: 1.0, DAYS: 1 / A_MONTH_HAS},
        ),
        Column(
            "history",
            "months late",
            NO_USE,
            120,
            "newest first: months late, 0 revolving, -1 paid in full, -2 no use",
            {MONTHS: 1.0, DAYS: 1 / A_MONTH_HAS},
        ),
        Column("term", "months", 1, INSTALMENTS, "instalments still to come; more count as 12", {MONTHS: 1.0, YEARS: 12.0}),
        Column("income", "yuan a month", 0, INCOME_MOST / FEN, "recorded income", A_MONTH),
        Column("segment", "code", 0, len(SEGMENTS) - 1, f"{', '.join(SEGMENTS)}, or 0, 1, 2"),
        Column("age", "years", 18, 100, "age"),
    )
}
"""Every column, declared once. The history is one column of integers with spaces or semicolons, several columns, or
history_1 to history_12."""
HISTORY = tuple(f"history_{k}" for k in range(1, OLDEST + 1))
NAMES = (*COLUMNS, *HISTORY)


def unit_of(column: Column, word: Any) -> str | None:
    """A unit of a column by any of its names; None where it is none."""
    if not isinstance(word, str):
        return None
    return next((unit for unit in column.units if word == unit or word in OTHER_WORDS.get(unit, ())), None)


NOT_RECORDED = -128
"""A month older than the account, or blank, in a payment history."""
