"""A source's columns as the clients' values: converted to our units, checked, and stated.

What is certainly wrong is refused in one line, with the option that would read it; what is only likely to be wrong is read
as it stands, and asked in the statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import BadInput, nearest, one_line, quoted
from zerolimit.basics.wording import FEN, number_of
from zerolimit.parameters.dated import how_to_write
from zerolimit.portfolio.amounts import Marks, Unreadable, doubtful, parsed
from zerolimit.portfolio.columns import (
    A_MONTH_HAS,
    COLUMNS,
    DAYS,
    HISTORY,
    MONTHS,
    NOT_RECORDED,
    OF_LIMIT,
    OLDEST,
    YEARS,
    Column,
)
from zerolimit.portfolio.options import BLANKS, DRAW, DROP, KEEP, POSITION, REFUSE, Reading, how
from zerolimit.portfolio.statement import Seen, Statement
from zerolimit.portfolio.tables import Raw
from zerolimit.vocabulary.names import SEGMENTS

Array = NDArray[Any]
Used = Mapping[str, tuple[int, ...]]
"""Our column -> the file's, by position; several for a history."""

TOTAL = r"^\W*((grand |sub-?)?totals?|sum(s|me)?|gesamt|合计|总计|小计|共计|总和|汇总)"
"""How the label of a row of sums begins."""
LABELLED = TOTAL + r"\W*$"
AT_THE_END = 5
"""Last rows in which a longer label counts too."""
ENOUGH = 10
"""Rows from which on a sum of all others is no accident."""
FEW = 0.01
"""Share of values that may be impossible in a column that is otherwise sound."""
LATE_SELDOM = 12
"""Months late beyond which days, or codes, are more likely."""
LARGE_LIMIT, LARGE_INCOME, SMALL_INCOME = 1_000_000, 30_000, 100
"""Medians, in yuan and yuan a month, at which another unit is more likely."""
MOST_OF_ALL = 0.3
"""Share of all limits that no client has."""
SAYS_UNIT = "[万千亿元块]|yuan"
"""What in an amount says how large its unit is."""
NINES = re.compile(r"-?9{3,}|-[789]")
KEYED = re.compile(
    r"(^|[_\s])(id|curr|account|client|customer|user)($|[_\s])|(?<=[a-z])(Id|ID)$|编号|客户号|账号", re.IGNORECASE
)
"""Names of columns that tell clients apart."""


@dataclass(frozen=True)
class Read:
    """What a portfolio is made of."""

    size: int
    values: dict[str, Array]
    blanks: dict[str, Array]
    """Column -> the rows where it is blank, for those that have such."""
    table: Any
    statement: Statement
    rows: Array | None
    """The row in the file of each client, where some were left out."""


class Reader:
    """Checks and converts one source's columns."""

    def __init__(self, raw: Raw, used: Used, reading: Reading, scale: float) -> None:
        self.raw, self.used, self.reading, self.scale = raw, used, reading, scale
        self.values: dict[str, Array] = {}
        self.blanks: dict[str, Array] = {}
        self.seen: dict[str, Seen] = {}
        self.said: list[str] = []
        self.remarks: list[str] = []
        self.questions: list[str] = []
        self.missing = frozenset(word.lower() for word in (*BLANKS, *reading.missing))
        self.missing_numbers = [float(one) for one in reading.missing if is_number(one)]
        self.rows: Array | None = None
        self.take()

    # cells

    def take(self) -> None:
        """Every column that is needed; rows that are no clients are refused or left out."""
        texts = {"id", "segment"} | ({"history"} if len(self.used.get("history", ())) == 1 else set())
        labels = () if self.raw.ours or self.reading.totals == KEEP else (0,)
        keyed = () if "id" in self.used else tuple(k for k, name in enumerate(self.raw.names) if KEYED.search(name))[:2]
        wanted = list(dict.fromkeys([*(k for some in self.used.values() for k in some), *labels, *keyed]))
        numeric = [k for name, some in self.used.items() if name not in texts for k in some]
        plain = self.reading.decimal in (None, ".") and self.reading.thousands is None
        found = self.raw.take(wanted, numeric if plain else ())
        if self.reading.rows is not None:
            found = [one.slice(0, min(self.reading.rows, len(one))) for one in found]
        self.size = self.all = len(found[0])
        if self.size == 0:
            raise BadInput(f"{self.raw.where}: no rows; at least one client is needed")
        self.arrays = {k: self.decoded(one) for k, one in zip(wanted, found, strict=True)}
        if self.raw.text is not None and self.reading.rows is None:
            self.raw.text.refuse_swallowed(self.size, self.used["limit"][0])
        self.marks = self.marks_of([k for k in numeric if is_text(self.arrays[k].type)])
        self.numbers: dict[int, Array] = {}
        self.units: dict[int, Array | None] = {}
        self.odd: dict[int, tuple[str, ...]] = {}
        for name, some in self.used.items():
            for k in some if name not in texts else ():
                self.read_numbers(name, k)
        kept = self.clients(labels)
        if kept is not None:
            self.rows = np.flatnonzero(kept)
            self.size = len(self.rows)
            self.arrays = {k: one.take(pa_array(self.rows)) for k, one in self.arrays.items()}
            self.numbers = {k: one[self.rows] for k, one in self.numbers.items()}
            self.units = {k: None if one is None else one[self.rows] for k, one in self.units.items()}
        if self.size == 0:
            raise BadInput(f"{self.raw.where}: no rows; at least one client is needed")
        for k in keyed:
            self.ask_for_id(k)

    @staticmethod
    def decoded(values: Any) -> Any:
        import pyarrow as pa

        return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values

    def marks_of(self, columns: Sequence[int]) -> Marks:
        """The marks in the numbers of all columns of text."""
        marks = Marks(self.reading.decimal, self.reading.thousands)
        if columns and marks.decimal is None:
            for k in columns:
                marks.look(
                    text for text in self.arrays[k].unique().to_pylist() if text and text.strip().lower() not in self.missing
                )
        try:
            marks.settle()
        except Unreadable as error:
            raise BadInput(f"{self.raw.where}: {error}") from None
        if marks.decimal is None and marks.thousands is None and not self.raw.ours:
            for name, some in self.used.items():
                if COLUMNS.get(name, COLUMNS["history"]).money:
                    self.refuse_doubtful(name, some[0])
        return marks

    def refuse_doubtful(self, name: str, k: int) -> None:
        """BadInput where every amount with a point has three digits behind it: thousands, or yuan to the tenth of a fen."""
        texts = self.raw.text.samples(k) if self.raw.text is not None else []
        if is_text(self.arrays[k].type) and not texts:
            texts = [text for text in self.arrays[k].slice(0, 500).to_pylist() if text]
        points = [text for text in texts if "." in text]
        if points and all(map(doubtful, points)):
            row = next(row for row, text in enumerate(texts) if "." in text)
            digits = points[0].replace(".", "")
            raise self.wrong(
                name,
                row,
                f"{points[0]!r} is {digits} ({how('thousands', 'point')}) or {points[0]} ({how('decimal', 'point')})",
            )

    def read_numbers(self, name: str, k: int) -> None:
        """One column as numbers, NaN where it is blank."""
        import pyarrow as pa
        import pyarrow.compute as pc

        values, kind = self.arrays[k], self.arrays[k].type
        units: Array | None = None
        odd: Mapping[str, int] = {}
        if is_text(kind):
            got = parsed(values, self.marks, self.missing)
            numbers, units, odd = got.numbers, got.units, got.odd
            for row in got.bad:
                if not self.is_total(int(row)):
                    told = values[int(row)].as_py()
                    raise self.no_number(name, int(row), told.strip(), got.says[told], k)
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            numbers = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        else:
            raise BadInput(f"{self.raw.where}: column {self.called(k)} holds {kind}, numbers are needed")
        if not self.raw.ours and self.missing_numbers:
            gone = np.isin(numbers, self.missing_numbers)
            numbers = np.where(gone, np.nan, numbers) if gone.any() else numbers
        if np.isinf(numbers).any():
            row = first(np.isinf(numbers))
            raise self.wrong(name, row, f"{numbers[row]} is not a finite number", k)
        if self.raw.text is not None and any(
            re.fullmatch(r"[\d.]+E[-+]?\d+", one, re.I) for one in self.raw.text.samples(k)
        ):
            odd = {**odd, "exponents, and no more exact than they are written": int(np.count_nonzero(~np.isnan(numbers)))}
        self.numbers[k], self.units[k] = numbers, units
        self.odd[k] = tuple(f"{what} ({count:,})" for what, count in sorted(odd.items()))

    def no_number(self, name: str, row: int, told: str, says: str, k: int) -> BadInput:
        hint = says or how_to_write(told)
        if not re.search(r"\d", told):
            hint = f"; if it stands for a missing value: {how('missing', told[:20])}"
        return self.wrong(name, row, f"{told[:40]!r} is not a number{hint}", k)

    def is_total(self, row: int) -> bool:
        """Whether a row's first cell is the label of a row of sums."""
        told = self.arrays[0][row].as_py() if 0 in self.arrays else None
        return isinstance(told, str) and bool(re.match(TOTAL, told, re.IGNORECASE))

    # rows

    def clients(self, labels: Sequence[int]) -> Array | None:
        """Which rows are clients; None where all are."""
        limit = self.numbers[self.used["limit"][0]]
        kept = np.ones(self.all, bool)
        some = np.isnan(limit)
        if some.any():
            empty = np.asarray(np.logical_and.reduce([self.is_blank(k) for k in self.arrays]))
            if empty.any() and not empty.all():
                self.said.append(
                    f"{number_of(int(empty.sum()), 'row')} with nothing in them left out, first {self.place(first(empty))}"
                )
                kept &= ~empty
        totals = self.totals(limit, kept, labels) if not self.raw.ours and self.reading.totals != KEEP else []
        if totals:
            row, why = totals[0]
            if self.reading.totals == REFUSE:
                raise BadInput(
                    f"{self.raw.where}: {self.place(row)}: {why}: a row of sums and no client;"
                    f" {how('totals', DROP)} leaves it out, {how('totals', KEEP)} takes it for a client"
                )
            kept[[one for one, _ in totals]] = False
            self.said.append(f"{number_of(len(totals), 'row')} of sums left out, first {self.place(row)} ({why})")
        some &= kept
        if some.any():
            if self.reading.blank_limits == REFUSE and not self.raw.ours:
                more = f"{how('blank-limits', DROP)} leaves such rows out, {how('blank-limits', DRAW)} draws a limit"
                raise self.wrong("limit", first(some), f"blank; a limit is required: fill it in; {more}")
            if self.reading.blank_limits == DROP:
                without = number_of(int(some.sum()), "row")
                self.said.append(f"{without} without a limit left out, first {self.place(first(some))}")
                kept &= ~some
        return None if kept.all() else kept

    def is_blank(self, k: int) -> Array:
        import pyarrow.compute as pc

        if k in self.numbers:
            return np.isnan(self.numbers[k])
        values = self.arrays[k]
        gone = pc.equal(pc.utf8_trim_whitespace(values), "").fill_null(True) if is_text(values.type) else values.is_null()
        return gone.to_numpy(zero_copy_only=False)

    def totals(self, limit: Array, kept: Array, labels: Sequence[int]) -> list[tuple[int, str]]:
        """Rows of sums, and why they are."""
        import pyarrow.compute as pc

        found: dict[int, str] = {}
        rows = np.flatnonzero(kept)
        for k in dict.fromkeys([*labels, *self.used.get("id", ())]):
            values = self.arrays[k]
            if is_text(values.type):
                named = np.asarray(pc.fill_null(pc.match_substring_regex(values, LABELLED, ignore_case=True), False))
                late = [
                    row for row in rows[-AT_THE_END:] if re.match(TOTAL + r"\b", values[row].as_py() or "", re.IGNORECASE)
                ]
                found |= {int(row): quoted(values[row].as_py()) for row in (*np.flatnonzero(named), *late)}
        rest = [row for row in rows if row not in found] if len(rows) < 2 * ENOUGH else rows[~np.isin(rows, list(found))]
        if len(rest) > 3:
            last, others = int(rest[-1]), np.asarray(rest[:-1])
            if self.is_sum(limit, last, others) and limit[last] > np.nanmax(limit[others]):
                why = f"its limit is the sum of all others ({limit[last]:,.12g})"
                more = [
                    k
                    for name in ("balance", "income")
                    for k in self.used.get(name, ())
                    if self.is_sum(self.numbers[k], last, others)
                ]
                unnamed = any(self.is_blank(k)[last] for k in self.used.get("id", ()))
                if len(others) >= ENOUGH or more or unnamed:
                    found[last] = why
                else:
                    self.questions.append(f"{self.place(last)}: {why}: a row of sums? {how('totals', DROP)}")
        return sorted(found.items())

    @staticmethod
    def is_sum(amounts: Array, last: int, others: Array) -> bool:
        total = float(np.nansum(amounts[others]))
        return total != 0.0 and abs(float(amounts[last]) - total) <= 0.005

    def ask_for_id(self, k: int) -> None:
        """A question where a column that names clients names some more than once."""
        different = len(self.arrays[k].unique())
        if self.size > different > self.size / 100 and self.rows is None:
            self.questions.append(
                f"column {self.called(k)}: {different:,} different values in {self.size:,} rows: more than one row a client?"
                f" {how('columns', f'id={self.raw.names[k] or f"{POSITION}{k + 1}"}')} names them"
            )

    # words

    def called(self, k: int) -> str:
        """A column as the file calls it."""
        name = self.raw.names[k]
        return quoted(name) if name and self.raw.names.count(name) == 1 else f"{POSITION}{k + 1}"

    def source(self, columns: Sequence[int]) -> str:
        """The file's name of a column, of several the first and the last, in a statement."""
        first, last = (one_line(self.raw.names[k], 24) or f"{POSITION}{k + 1}" for k in (columns[0], columns[-1]))
        return first if len(columns) == 1 else f"{first} to {last.removeprefix(first.rstrip('0123456789'))}"

    def place(self, row: int) -> str:
        """What to call a client's row."""
        at = int(row) if self.rows is None else int(self.rows[row])
        return self.raw.place(at, self.all)

    def wrong(self, name: str, row: int, says: str, k: int | None = None) -> BadInput:
        return BadInput(
            f"{self.raw.where}: column {self.called(self.used[name][0] if k is None else k)} {self.place(row)}: {says}"
        )

    def as_written(self, k: int, row: int) -> str:
        """A value as the source has it."""
        value = self.arrays[k][row].as_py()
        return (
            f"{value:,.12g}"
            if isinstance(value, float)
            else f"{value:,}"
            if isinstance(value, int)
            else str(value).strip()[:40]
        )

    def count(self, rows: Array, noun: str, says: str) -> str:
        """`3 balances below 0 counted as 0, first in line 7`."""
        return f"{number_of(int(np.count_nonzero(rows)), noun)} {says}, first in {self.place(first(rows))}"

    # values

    def read(self) -> Read:
        """Everything, checked."""
        import pyarrow as pa

        ids = self.ids() if "id" in self.used else None
        self.money()
        for name in ("late", "term", "age"):
            if name in self.used:
                self.whole(name)
        if "segment" in self.used:
            self.segments()
        if "history" in self.used:
            self.history()
        self.look()
        table = pa.table(dict(self.as_read(ids)))
        read = self.raw.text.said_of(self.all) if self.raw.text is not None else ()
        columns = tuple(self.seen[name] for name in COLUMNS if name in self.seen)
        statement = Statement(
            self.raw.where.removeprefix("portfolio "),
            self.size,
            (*read, *self.said),
            columns,
            tuple(self.remarks),
            tuple(self.questions),
        )
        return Read(self.size, self.values, self.blanks, table, statement, self.rows)

    def keep(self, name: str, values: Array, blank: Array, unit: str) -> None:
        """A column's values, whole numbers in our units, and its line in the statement."""
        column = COLUMNS[name]
        self.values[name] = values
        if blank.any():
            self.blanks[name] = blank
        some = values[~blank] if name in self.blanks else values
        each = FEN if column.money else 1
        numbers = (
            (float(np.min(some)) / each, float(np.median(some)) / each, float(np.max(some)) / each) if len(some) else ()
        )
        self.seen[name] = Seen(name, self.source(self.used[name]), unit, int(blank.sum()), *numbers)
        for k in self.used[name]:
            if self.odd.get(k):
                self.remarks.append(f"{name}: read with {', '.join(self.odd[k])}")

    def unit(self, name: str) -> str:
        return self.reading.units.get(name, next(iter(COLUMNS[name].units), COLUMNS[name].unit))

    def money(self) -> None:
        """Amounts in fen."""
        for name in [name for name in COLUMNS if COLUMNS[name].money and name in self.used]:
            k = self.used[name][0]
            unit, column, amounts = self.unit(name), COLUMNS[name], self.numbers[k]
            self.refuse_units(name, k, unit)
            self.refuse_missing(name, k, amounts)
            each = column.units[unit] * (1.0 if unit in OF_LIMIT else self.scale)
            limit = (
                np.where(self.blanks.get("limit", False), np.nan, self.values["limit"] / FEN) if unit in OF_LIMIT else 1.0
            )
            yuan = amounts * each * limit
            self.store_money(name, k, unit, each, yuan)

    def store_money(self, name: str, k: int, unit: str, each: float, yuan: Array) -> None:
        column, amounts = COLUMNS[name], self.numbers[k]
        if column.low == 0.0 and (negative := yuan < 0.0).any():
            row = first(negative)
            told = f"{self.as_written(k, row)} is negative ({column.allowed})"
            raise self.wrong(name, row, told + self.for_missing(amounts[negative]))
        beyond = np.abs(yuan) > column.high
        if beyond.any():
            if name == "income" and 0 < np.count_nonzero(beyond) <= FEW * self.size:
                self.remarks.append(self.count(beyond, "income", f"above {column.high:,.0f} yuan a month counted as that"))
                yuan = np.where(beyond, column.high, yuan)
            else:
                self.refuse_beyond(name, k, each, beyond, yuan)
        blank = np.isnan(yuan)
        scaled = f" x {self.scale:g}" if self.scale != 1.0 and unit not in OF_LIMIT else ""
        other = f"from {unit}{scaled}" if unit != "yuan" else scaled.strip()
        told = f"{column.unit}, {other}" if other else column.unit
        self.keep(name, np.rint(np.where(blank, 0.0, yuan) * FEN).astype(np.int64), blank, told)

    def refuse_beyond(self, name: str, k: int, each: float, beyond: Array, yuan: Array) -> None:
        column, row = COLUMNS[name], first(beyond)
        largest = float(np.nanmax(np.abs(yuan)))
        proposed = self.scale * 10.0 ** np.floor(np.log10(column.high / largest))
        hint = f"scale={proposed:g} would fit"
        if name == "income" and self.unit(name) == "yuan" and largest / 12.0 <= column.high:
            hint = f"{how('units', 'income=yuan/year')} if it is of a year, or {hint}"
        missing = self.for_missing(self.numbers[k][beyond])
        raise self.wrong(
            name,
            row,
            f"{self.as_written(k, row)} x scale {each:g} is beyond what can be stored ({column.allowed}); {hint}{missing}",
        )

    def for_missing(self, values: Array) -> str:
        """The option that takes some values as missing, where they look like that."""
        different = sorted({float(one) for one in values[:1000]})
        words = [f"{one:.12g}" for one in different if float(one).is_integer()]
        if not words or len(different) > 4 or not (len(values) > len(different) or any(map(NINES.fullmatch, words))):
            return ""
        return f"; if it stands for a missing value: {' '.join(how('missing', word) for word in words)}"

    def refuse_missing(self, name: str, k: int, amounts: Array) -> None:
        """BadInput where a balance below 0 looks like a code."""
        if name != "balance" or self.raw.ours:
            return
        negative = amounts[amounts < 0.0]
        values, counts = np.unique(negative, return_counts=True)
        for value, count in zip(values, counts, strict=True):
            word = f"{value:.12g}"
            if NINES.fullmatch(word) and count >= (2 if len(word) > 3 else max(2, 0.02 * self.size)):
                row = first(amounts == value)
                codes = [float(one) for one in values if NINES.fullmatch(f"{one:.12g}")]
                missing = " ".join(how("missing", f"{one:.12g}") for one in codes)
                raise self.wrong(
                    name,
                    row,
                    f"{word} stands in {number_of(int(count), 'row')}, as a code for a missing value does: {missing}",
                )

    def refuse_units(self, name: str, k: int, unit: str) -> None:
        """BadInput where a text says another kind of unit than an amount has, or a unit beside the one told."""
        import pyarrow.compute as pc

        usual = next(iter(COLUMNS[name].units))
        if unit != usual and is_text(self.arrays[k].type):
            said = pc.match_substring_regex(self.arrays[k], SAYS_UNIT, ignore_case=True).fill_null(False)
            if pc.any(said).as_py():
                row = first(said.to_numpy(zero_copy_only=False))
                more = f"not {unit}; {how('units', f'{name}={usual}')} reads what is written"
                raise self.wrong(name, row, f"{self.as_written(k, row)!r} says its unit itself, {more}")
        for word, row in self.words_in(k):
            if word == "percent" and unit != "percent":
                more = f": {how('units', 'balance=percent')} reads it as a part of the limit" if name == "balance" else ""
                raise self.wrong(name, row, f"{self.as_written(k, row)!r} is a percentage, no amount{more}")
            if word in (MONTHS, YEARS, DAYS):
                raise self.wrong(name, row, f"{self.as_written(k, row)!r} is a time, no amount")

    def words_in(self, k: int) -> Iterable[tuple[str, int]]:
        """Each unit that cells of a column say in words, and the first row that does."""
        units = self.units[k]
        if units is not None:
            for word in dict.fromkeys(units):
                if word:
                    yield word, first(units == word)

    def whole(self, name: str, k: int | None = None) -> Array:
        """Whole numbers within a column's bounds; of a history, one month, NOT_RECORDED where it is blank."""
        column = COLUMNS["history" if name in HISTORY else name]
        k = self.used[name][0] if k is None else k
        unit, numbers = self.unit(column.name), self.numbers[k].copy()
        units = self.units[k]
        for word, row in self.words_in(k):
            if word not in (allowed := tuple(column.units) or (column.unit,)):
                told = f"{self.as_written(k, row)!r} is in {word}; {' or '.join(allowed)} are needed"
                raise self.wrong(name, row, told, k)
        if column.name in ("late", "history") and (unit == DAYS or (units is not None and (units == DAYS).any())):
            days = np.full(self.size, unit == DAYS) if units is None else (units == DAYS) | ((units == "") & (unit == DAYS))
            numbers = np.where(days & (numbers > 0), np.ceil(numbers / A_MONTH_HAS), numbers)
        elif name == "term":
            years = (
                np.full(self.size, unit == YEARS) if units is None else (units == YEARS) | ((units == "") & (unit == YEARS))
            )
            numbers = np.where(years, 12.0 * numbers, numbers)
        blank = np.isnan(numbers)
        if (bad := ~blank & (numbers != np.rint(numbers))).any():
            raise self.wrong(name, first(bad), f"{numbers[first(bad)]:g} is not a whole number", k)
        if name == "term" and (long := numbers > column.high).any():
            largest = f"the longest is {np.nanmax(numbers):,.0f}"
            self.remarks.append(
                self.count(long, "term", f"over {column.high:.0f} months counted as {column.high:.0f}: {largest}")
            )
            numbers = np.where(long, column.high, numbers)
        bad = (numbers < column.low) | (numbers > column.high)
        if bad.any():
            if name == "age" and np.count_nonzero(bad) <= FEW * self.size:
                self.remarks.append(self.count(bad, "age", f"out of {column.low:.0f} to {column.high:.0f} taken as missing"))
                blank |= bad
            else:
                raise self.out_of_range(name, column, k, bad)
        found = np.where(blank, NOT_RECORDED if column.name == "history" else 0, numbers).astype(np.int16)
        if name == column.name and name != "history":
            asked = unit if unit != next(iter(column.units), unit) else ""
            told = column.unit + (f", from {asked}" if asked else "")
            if name == "late" and asked == DAYS:
                told = f"months, from days (1 to {A_MONTH_HAS} are 1)"
            self.keep(name, found, blank, told)
        return found

    def out_of_range(self, name: str, column: Column, k: int, bad: Array) -> BadInput:
        row = first(bad)
        hint = self.for_missing(self.numbers[k][bad])
        if column.name in ("late", "history") and self.numbers[k][row] > column.high:
            hint = f"; days? {how('units', f'{column.name}=days')} counts 1 to {A_MONTH_HAS} as one month"
        if name == "age":
            hint += f"; {how('columns', 'age=-')} leaves the column out"
        return self.wrong(name, row, f"{self.as_written(k, row)} is out of range ({column.allowed}){hint}", k)

    def segments(self) -> None:
        """Codes of names.SEGMENTS, from names or codes."""
        import pyarrow as pa
        import pyarrow.compute as pc

        k = self.used["segment"][0]
        values = self.arrays[k]
        try:
            text = pc.utf8_trim_whitespace(pc.cast(values, pa.string())).dictionary_encode()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise BadInput(f"{self.raw.where}: column {self.called(k)} holds {values.type}, names are needed") from None
        codes = {name: code for code, name in enumerate(SEGMENTS)}
        codes |= {form: code for code in range(len(SEGMENTS)) for form in (f"{code}", f"{code}.0")}
        codes |= {theirs.strip(): codes[ours] for theirs, ours in self.reading.segments.items()}
        found = []
        for at, name in enumerate(text.dictionary.to_pylist()):
            if name in codes:
                found.append(codes[name])
            elif not name or name.lower() in self.missing:
                found.append(-1)
            else:
                row = first(np.asarray(pc.equal(text.indices, at).fill_null(False)))
                allowed = f"is no segment (allowed: {', '.join(SEGMENTS)}, or 0 to {len(SEGMENTS) - 1})"
                hint = (
                    nearest(name.lower(), SEGMENTS) or f"; {how('segments', f'{name[:20]}={SEGMENTS[0]}')} says which it is"
                )
                raise self.wrong("segment", row, f"{name[:40]!r} {allowed}{hint}")
        at = pc.fill_null(text.indices, len(found)).to_numpy(zero_copy_only=False)
        code = np.array([*found, -1], np.int16)[at]
        self.keep("segment", np.maximum(code, 0), code < 0, "code")

    def history(self) -> None:
        """A payment history, newest first: one column of lists, or a column a month."""
        columns = self.used["history"]
        if len(columns) == 1 and columns[0] not in self.numbers:
            found = self.history_lists(columns[0])
        else:
            found = np.stack([self.whole(name, k) for name, k in zip(HISTORY, columns, strict=False)], axis=1)
        unit = "months late" + (f", from days (1 to {A_MONTH_HAS} are 1)" if self.unit("history") == DAYS else "")
        self.values["history"] = found
        if (none := (found == NOT_RECORDED).all(axis=1)).any():
            self.blanks["history"] = none
        known = found[found != NOT_RECORDED]
        numbers = (float(known.min()), float(np.median(known)), float(known.max())) if len(known) else ()
        self.seen["history"] = Seen(
            "history", self.source(columns), unit, int((found == NOT_RECORDED).any(axis=1).sum()), *numbers
        )
        if "late" not in self.used:
            self.remarks.append("months past due taken from the newest month of the payment history")

    def history_lists(self, k: int) -> Array:
        """A history in one column: integers with spaces or semicolons between them, or lists; newest first."""
        column = COLUMNS["history"]
        table = np.full((self.size, OLDEST), NOT_RECORDED, np.int16)
        known: dict[str, list[float]] = {}
        for row, cell in enumerate(self.arrays[k].to_pylist()):
            if cell is None or (isinstance(cell, str) and cell.strip().lower() in {"", *self.missing}):
                continue
            told = str(cell)
            if told not in known:
                parts = cell if isinstance(cell, list) else re.split(r"[;,\s]+", told.strip(" ;"))
                if (
                    len(parts) == 1
                    and re.fullmatch(r"[0-9CNGDX*/#-]{2,}", told.strip())
                    and not re.fullmatch(r"-?\d\d?", told.strip())
                ):
                    raise self.wrong(
                        "history",
                        row,
                        f"{told[:40]!r} is a payment string; write its months apart, the newest first, as in 0 0 1 0",
                    )
                try:
                    known[told] = [float(part) for part in parts]
                except (TypeError, ValueError):
                    known[told] = []
            months = known[told]
            if not 1 <= len(months) <= OLDEST or any(month != month // 1 for month in months):
                raise self.wrong(
                    "history", row, f"{told[:40]!r} is not 1 to {OLDEST} whole numbers with spaces or semicolons"
                )
            for month in months:
                if not column.low <= month <= column.high:
                    raise self.wrong("history", row, f"{month:g} is out of range ({column.allowed})")
            table[row, : len(months)] = months
        return table[:, : max(1, int((table != NOT_RECORDED).any(axis=0).sum()))]

    def ids(self) -> Any:
        """The clients' names as written, unique."""
        import pyarrow as pa

        k = self.used["id"][0]
        values = self.arrays[k]
        if pa.types.is_nested(values.type) or pa.types.is_null(values.type):
            raise BadInput(f"{self.raw.where}: column {self.called(k)} holds {values.type}, names are needed")
        if (gone := self.is_blank(k)).any():
            raise self.wrong(
                "id", first(gone), f"blank; fill it in, or leave the whole column out: {how('columns', 'id=-')}"
            )
        different = len(values.unique())
        if different < self.size:
            seen: dict[Any, int] = {}
            for row, name in enumerate(values.to_pylist()):
                if name in seen:
                    more = (
                        f"; {different:,} ids in {self.size:,} rows: keep one row a client"
                        if self.size - different > 1
                        else ""
                    )
                    raise self.wrong(
                        "id", row, f"{str(name)[:40]!r} is the id of {self.place(seen[name])} too; ids must be unique{more}"
                    )
                seen[name] = row
        self.seen["id"] = Seen("id", self.source([k]), "text", 0)
        return values

    def as_read(self, ids: Any) -> Iterable[tuple[str, Any]]:
        """The columns in use under our names, in yuan, whole numbers and segment names."""
        import pyarrow as pa

        if ids is not None:
            yield "id", ids
        for name, found in self.values.items():
            blank = self.blanks.get(name)
            if COLUMNS[name].money:
                yield name, pa.array(found / FEN, mask=blank)
            elif name == "segment":
                yield name, pa.array(np.array(SEGMENTS)[found], mask=blank)
            elif name == "history":
                for at, months in enumerate(found.T):
                    yield HISTORY[at], pa.array(months, mask=months == NOT_RECORDED)
            else:
                yield name, pa.array(found, mask=blank)

    # what is odd

    def look(self) -> None:
        """What is done with odd values, and what is asked about likely mistakes."""
        limit, balance, late = (self.values.get(name) for name in ("limit", "balance", "late"))
        assert limit is not None
        if balance is not None:
            if (below := balance < 0).any():
                self.remarks.append(self.count(below, "balance", "below 0 counted as 0"))
            if (over := (balance > limit) & ~self.blanks.get("limit", np.zeros(1, bool))).any():
                self.remarks.append(self.count(over, "balance", "over the limit, taken as read"))
        if late is None and "history" in self.values:
            late = self.values["history"][:, 0]
        if late is not None and balance is not None:
            idle = (late > 0) & (balance <= 0) & ~self.blanks.get("balance", np.zeros(1, bool))
            if idle.any():
                self.remarks.append(self.count(idle, "client", "past due with nothing owed, counted as current"))
        if self.raw.ours:
            return
        self.ask_late()
        median = float(np.median(limit)) / FEN
        if median > LARGE_LIMIT and self.unit("limit") == "yuan" and self.reading.scale is None:
            self.questions.append(f"half the limits are above {LARGE_LIMIT:,} yuan: in cents? {how('units', 'limit=cents')}")
        largest = float(limit.max()) / FEN
        if self.size >= ENOUGH and largest > MOST_OF_ALL * float(limit.sum()) / FEN:
            row = first(limit == limit.max())
            self.questions.append(
                f"{self.place(row)} has {100 * largest * FEN / limit.sum():.0f} % of all limits: a row of sums?"
            )
        if "income" in self.values:
            self.ask_income()

    def ask_late(self) -> None:
        for name in ("late", "history"):
            if name not in self.values or self.unit(name) == DAYS:
                continue
            values = self.values[name]
            if (much := values > LATE_SELDOM).any():
                different = np.unique(values[much])
                rows = much if much.ndim == 1 else much.any(axis=1)
                told = self.count(rows, "client", f"more than {LATE_SELDOM} months late (at most {values.max()})")
                if len(different) <= 4 and (values[much] >= 90).all():
                    says = " ".join(how("missing", str(one)) for one in different)
                    self.questions.append(f"{told}: codes? {says}")
                else:
                    self.questions.append(f"{told}: days? {how('units', f'{name}=days')}")
        late = self.values.get("late")
        if late is not None and self.unit("late") != DAYS:
            some = late[(late > 0) & (late <= LATE_SELDOM)]
            if len(some) >= ENOUGH and float(np.median(some)) > 5 and not (late > LATE_SELDOM).any():
                self.questions.append(
                    f"half of those past due are more than 5 months late: days? {how('units', 'late=days')}"
                )

    def ask_income(self) -> None:
        income = self.values["income"]
        some = income[~self.blanks["income"]] if "income" in self.blanks else income
        if (none := (income == 0) & ~self.blanks.get("income", np.zeros(1, bool))).any():
            self.remarks.append(self.count(none, "income", "of 0, taken as read"))
        if not len(some) or self.unit("income") != "yuan":
            return
        median = float(np.median(some)) / FEN
        if median > LARGE_INCOME:
            self.questions.append(
                f"half the incomes are above {LARGE_INCOME:,} yuan a month: of a year? {how('units', 'income=yuan/year')}"
            )
        elif 0 < median < SMALL_INCOME:
            self.questions.append(
                f"half the incomes are below {SMALL_INCOME} yuan a month: in 万? {how('units', 'income=wan')}"
            )


def is_text(kind: Any) -> bool:
    """Whether a column holds texts."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def pa_array(rows: Array) -> Any:
    """Positions for Arrow."""
    import pyarrow as pa

    return pa.array(rows)


def first(bad: Array) -> int:
    """Position of the first True."""
    return int(np.argmax(bad))
