"""Rows with a month or a date, from a CSV file, a DataFrame or a list: the calendar, a macro series.

A row has `month` (from 0, the first of the run) or `date` (YYYY-MM, or a day in that month), and the columns of its
kind. Rows of a file are called by its lines, others count from 1.
"""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.files import path_of, read_file

MONTH, DATE = "month", "date"

MEANINGS = "enumDescriptions"
"""Under this word a column of names says in its JSON schema what each means; editors show it."""

CALENDAR_MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
"""How a month of the calendar is written: YYYY-MM."""


@dataclass(frozen=True)
class Rows:
    """An opened source: what messages call it, its columns, and its rows with their numbers."""

    where: str
    columns: list[str]
    rows: Sequence[tuple[int, Mapping[str, Any]]]
    counts: str = "row"
    """What the numbers count: rows, or lines of a file."""


def read_dated[Item: BaseModel](
    source: Any, kind: type[Item], name: str, here: str, start: str | None, *, every_month: bool = False
) -> tuple[Item, ...]:
    """Items of a kind from a path, a DataFrame, or a list of mappings or items; None is an empty list.

    `start` is the date of month 0. What is no number or name of its column, out of range, or there twice is BadInput;
    so is, with `every_month`, a month without a row before the last.
    """
    table = opened(source, kind, name, here)
    if not table.rows:
        return ()
    check_columns(table, kind)
    found: dict[tuple[Any, ...], tuple[int, Item]] = {}
    for number, row in table.rows:
        item = Row(table, number, row, start).item(kind)
        key = tuple(getattr(item, field) for field, declared in kind.model_fields.items() if is_key(field, declared))
        if key in found:
            what = ", ".join(("month " + dated(key[0], start), *key[1:]))
            there = f"is there already, in {table.counts} {found[key][0]}"
            raise BadInput(f"{table.where}: {table.counts} {number}: {what} {there}")
        found[key] = number, item
    items = [item for _, item in found.values()]
    if every_month:
        items.sort(key=lambda item: getattr(item, MONTH))
        for k, item in enumerate(items):
            if getattr(item, MONTH) != k:
                last = dated(getattr(items[-1], MONTH), start)
                raise BadInput(f"{table.where}: month {dated(k, start)} is missing; every month from 0 to {last} is needed")
    return tuple(items)


def is_key(name: str, field: FieldInfo) -> bool:
    """Whether a column is among those that tell rows apart: the month, and names."""
    return name == MONTH or bool(names_of(field))


def names_of(field: FieldInfo) -> tuple[str, ...]:
    """The names that a column or parameter may hold, where it is one of several."""
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def limits(field: FieldInfo) -> tuple[float | None, float | None]:
    """Lowest and highest allowed value of a column or parameter, where there are any."""
    low = high = None
    for mark in field.metadata:
        low = getattr(mark, "ge", low)
        high = getattr(mark, "le", high)
    return low, high


# months


def month_number(date: str) -> int:
    """Months from year 0 to a date YYYY-MM."""
    return int(date[:4]) * 12 + int(date[5:7]) - 1


def dated(month: int, start: str | None) -> str:
    """A month by number and, where the start is known, by date."""
    if start is None:
        return str(month)
    year, rest = divmod(month_number(start) + month, 12)
    return f"{month} ({year:04}-{rest + 1:02})"


# sources


def opened(source: Any, kind: type[BaseModel], name: str, here: str) -> Rows:
    """A source's columns and rows."""
    if isinstance(source, str | Path):
        return from_csv(path_of(source, name), kind, name)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        columns = [str(column) for column in source.columns]
        values = source.astype(object).where(source.notna(), None).itertuples(index=False, name=None)
        rows = [(number, dict(zip(columns, row, strict=True))) for number, row in enumerate(values, 1)]
        return not_empty(Rows(f"{name} DataFrame", columns, rows), kind)
    where = f"{here}: {name}"
    if source is not None and not isinstance(source, list | tuple):
        raise BadInput(f"{where}: a path, a DataFrame or a list of rows is needed, not {type(source).__name__}")
    given: list[tuple[int, Mapping[str, Any]]] = []
    for number, row in enumerate(source or (), 1):
        if not isinstance(row, Mapping | kind):
            raise BadInput(f"{where}: row {number}: a mapping from columns to values is needed, not {quoted(row)}")
        values = row if isinstance(row, Mapping) else row.model_dump()
        given.append((number, {column: value for column, value in values.items() if value is not None}))
    return Rows(where, [str(column) for column in dict.fromkeys(key for _, row in given for key in row)], given)


SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files of Excel and OpenDocument begin, and other zip archives."""


def refuse_spreadsheet(data: bytes, where: str, formats: str) -> None:
    """BadInput where a file is a workbook, of which the text alone can be read."""
    if data.startswith(SPREADSHEETS):
        raise BadInput(f"{where}: a spreadsheet's workbook or a zip archive; save the sheet as {formats}")


def how_to_write(text: Any) -> str:
    """What to change in a number with separators; nothing where there are none."""
    if not isinstance(text, str):
        return ""
    if re.fullmatch(r"-?[1-9]\d{0,2}([,_' \u00a0\u202f]\d{3})+(\.\d+)?", text):
        return f"; write it without separators: {re.sub(r'[^-0-9.]', '', text)}"
    if re.fullmatch(r"-?\d[\d.,_' \u00a0\u202f]*", text):
        return "; write it with a point before decimals and no other separators"
    return ""


def from_csv(path: Path, kind: type[BaseModel], name: str) -> Rows:
    """A text file in UTF-8: a header, values separated by commas, semicolons or tabs (as the header has it)."""
    where = f"{name} {path.name}"
    data = read_file(path, name)
    refuse_spreadsheet(data, where, "CSV")
    try:
        lines = numbered(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{where}: not a text file in UTF-8; a CSV file is needed") from None
    except csv.Error as error:
        raise BadInput(f"{where}: not a CSV file: {error}") from None
    if not lines:
        raise BadInput(f"{where}: the file is empty; {needed(kind)}")
    columns = [column.strip() for column in lines[0][1]]
    rows = []
    for number, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            raise BadInput(f"{where}: line {number}: {len(cells)} values for {len(columns)} columns")
        rows.append((number, dict(zip(columns, (cell.strip() for cell in cells), strict=True))))
    return not_empty(Rows(where, columns, rows, "line"), kind)


def numbered(text: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV text, each with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=text.partition("\n")[0].count))
    found, done = [], 0
    for cells in reader:
        found.append((done + 1, cells))
        done = reader.line_num
    return found


def not_empty(table: Rows, kind: type[BaseModel]) -> Rows:
    """A table with at least one row, its columns checked first."""
    check_columns(table, kind)
    if not table.rows:
        raise BadInput(f"{table.where}: no rows; at least one is needed")
    return table


def needed(kind: type[BaseModel]) -> str:
    """Which columns a kind of row has to have."""
    others = [field for field, declared in kind.model_fields.items() if declared.is_required() and field != MONTH]
    return f"needed are columns {MONTH} or {DATE}, {', '.join(others)}"


def check_columns(table: Rows, kind: type[BaseModel]) -> None:
    """Every column is known and there once; those needed are there."""
    known = (MONTH, DATE, *(field for field in kind.model_fields if field != MONTH))
    for column in table.columns:
        if column not in known:
            raise BadInput(
                f"{table.where}: unknown column {quoted(column)} (allowed: {', '.join(known)})"
                f"{nearest(column.lower(), known)}"
            )
        if table.columns.count(column) > 1:
            raise BadInput(f"{table.where}: column {column!r} appears more than once")
    if (MONTH in table.columns) == (DATE in table.columns):
        which = "both" if MONTH in table.columns else "neither"
        raise BadInput(f"{table.where}: {which} {MONTH} {'and' if which == 'both' else 'nor'} {DATE}; {needed(kind)}")
    for field, declared in kind.model_fields.items():
        if declared.is_required() and field not in table.columns and field != MONTH:
            raise BadInput(f"{table.where}: no column {field!r}; {needed(kind)}")


# values


@dataclass(frozen=True)
class Row:
    """One row, checked and turned into an item."""

    table: Rows
    number: int
    values: Mapping[str, Any]
    start: str | None

    def item[Item: BaseModel](self, kind: type[Item]) -> Item:
        """The row as an item of its kind."""
        given: dict[str, Any] = {}
        for column in self.table.columns:
            value = self.values.get(column)
            if value is None or value == "":
                raise self.wrong(column, "blank; fill it in, or leave the whole column out")
            if column == DATE:
                given[MONTH] = self.within(column, self.since_start(value), kind.model_fields[MONTH])
            elif names_of(kind.model_fields[column]):
                given[column] = self.one_of(column, value, kind.model_fields[column])
            else:
                given[column] = self.within(column, self.number_in(column, value), kind.model_fields[column])
        try:
            return kind.model_validate(given)
        except ValidationError as error:
            says = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            raise BadInput(f"{self.table.where}: {self.table.counts} {self.number}: {says}") from None

    def wrong(self, column: str, says: str) -> BadInput:
        return BadInput(f"{self.table.where}: column {column!r} {self.table.counts} {self.number}: {says}")

    def since_start(self, value: Any) -> float:
        """Months from the start to a date."""
        text = str(value)
        if isinstance(getattr(value, "year", None), int) and isinstance(getattr(value, "month", None), int):
            text = f"{value.year:04}-{value.month:02}"
        if not re.fullmatch(r"\d{4}-\d\d(-\d\d)?", text, re.ASCII) or not re.match(CALENDAR_MONTH, text[:7]):
            raise self.wrong(DATE, f"{text[:40]!r} is no month (YYYY-MM)")
        if self.start is None:
            raise self.wrong(DATE, "dates need the parameter start, the first month of the run (YYYY-MM)")
        since = month_number(text) - month_number(self.start)
        if since < 0:
            raise self.wrong(DATE, f"{text[:7]} is before start, {self.start}")
        return since

    def one_of(self, column: str, value: Any, field: FieldInfo) -> str:
        names = names_of(field)
        if not isinstance(value, str) or value not in names:
            extra: Any = field.json_schema_extra or {}
            hint = nearest(value, names, dict(zip(names, extra.get(MEANINGS, ()), strict=False)))
            raise self.wrong(column, f"{quoted(value)} is unknown (allowed: {', '.join(names)}){hint}")
        return str(value)

    def number_in(self, column: str, value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise self.wrong(column, f"{quoted(value)} is not a finite number{how_to_write(value)}")
        return number

    def within(self, column: str, value: float, field: FieldInfo) -> float:
        low, high = limits(field)
        if low is not None and high is not None and not low <= value <= high:
            raise self.wrong(column, f"{value:g} is out of range (allowed: {low:,g} to {high:,g})")
        if field.annotation is int and value != int(value):
            raise self.wrong(column, f"{value:g} is not a whole number")
        return value
