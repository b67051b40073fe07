"""Real clients in: a file, a DataFrame or the shipped data becomes the first population.

Only the limit is required. What a file lacks is drawn from the scenario's population, and `Portfolio.drawn` says what.
Rows count from 1 below the header. Money is fen inside, yuan in files (times `scale`).
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.files import path_of, read_file
from zerolimit.basics.wording import FEN, number_of, shown
from zerolimit.parameters.dated import how_to_write
from zerolimit.portfolio import settlement
from zerolimit.portfolio.columns import COLUMNS, HISTORY, NAMES, NOT_RECORDED, OLDEST, Column
from zerolimit.portfolio.keys import keys_of
from zerolimit.portfolio.settlement import Drawn, FirstPopulation
from zerolimit.portfolio.tables import Most, Raw, from_csv, from_frame, from_parquet, inflated, like
from zerolimit.vocabulary.names import SEGMENTS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Array = NDArray[Any]

SHIPPED = {"uci": 0.25}
"""Portfolios inside the package and their default scale. uci: 4 NT$ to the yuan, about 2005's rate (an assumption)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a portfolio came from, for a run's provenance."""

    name: str
    sha256: str
    scale: float


@dataclass(frozen=True, eq=False)
class Portfolio(FirstPopulation):
    """The clients of a file as a first population."""

    source: Source
    size: int
    given: tuple[str, ...]
    """Columns that were read."""
    drawn: tuple[str, ...]
    """Columns that were missing and so are drawn from the scenario's population."""
    notes: tuple[str, ...]
    """Facts for the run's summary, a line each."""
    table: pa.Table = field(repr=False)
    """The columns in use, in yuan as read (balances below 0 kept); reading it again gives the same portfolio."""
    values: Mapping[str, Array] = field(repr=False)
    """Column name -> fen, months, codes, years; `history` has a row a client and a column a month, newest first."""

    terms: ClassVar = {"vacant_share": 0.0}
    """Every row of a file is an account."""

    @cached_property
    def ids(self) -> Array | None:  # type: ignore[override]  # a class attribute there, found once here
        import pyarrow as pa

        return self.table["id"].cast(pa.string()).to_numpy() if "id" in self.given else None

    @cached_property
    def keys(self) -> Array | None:  # type: ignore[override]
        return None if self.ids is None else keys_of(self.ids)

    def births(self) -> Iterable[tuple[Array, Mapping[str, float]]]:
        return settlement.births(self.values) if "segment" in self.values else ()

    def traits(self, drawn: Drawn) -> Mapping[str, Array]:
        return settlement.traits(self.values, drawn)

    def accounts(self, drawn: Drawn) -> Mapping[str, Array]:
        return settlement.accounts(self.values, drawn)


def read_portfolio(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    scale: float | None = None,
    most: Most | None = None,
) -> Portfolio:
    """Clients from a CSV, CSV.gz or Parquet file, a pandas DataFrame, or the shipped portfolio "uci".

    `columns` maps our column name (COLUMNS, history_1 to history_12) to the file's; `scale` turns the file's money into
    yuan (default 1; the shipped data have their own). A file with more than `most` is refused before it is read.
    """
    raw = read_raw(source, most or Most())
    if scale is None:
        scale = SHIPPED.get(source, 1.0) if isinstance(source, str) else 1.0
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0.0 < scale <= 1e300:
        raise BadInput(
            f"{raw.where}: scale must be a finite number above 0 (yuan per unit of the file's money), not {quoted(scale)}"
        )
    columns = {} if columns is None else columns
    if not isinstance(columns, Mapping):
        raise BadInput(f"{raw.where}: columns: a mapping of our names to the file's is needed, not {quoted(columns)}")
    used = match_columns(raw, columns)
    return Reader(raw, raw.take(list(dict.fromkeys(used.values()))), used, float(scale)).portfolio()


def as_portfolio(
    given: FirstPopulation | pd.DataFrame | str | Path | None,
    columns: Mapping[str, str] | None = None,
    scale: float | None = None,
) -> FirstPopulation | None:
    """Given clients, or a portfolio read from what is given; None stays None."""
    if given is not None and not isinstance(given, FirstPopulation):
        return read_portfolio(given, columns=columns, scale=scale)
    for name, value in (("columns", columns), ("scale", scale)):
        if value is not None:
            raise BadInput(f"{name}: belongs to a portfolio that is read from a file or a DataFrame")
    return given


def read_raw(source: Any, most: Most) -> Raw:
    """Open a source and list its columns; BadInput where it cannot be read."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        return from_frame(source)
    if not isinstance(source, str | Path):
        raise BadInput(
            f"portfolio: a path, a DataFrame or one of {', '.join(SHIPPED)} is needed, not {type(source).__name__}"
        )
    if isinstance(source, str) and source in SHIPPED:
        path = Path(str(resources.files("zerolimit") / "data" / f"{source}.parquet"))
    else:
        path = path_of(source, "portfolio")
    where = f"portfolio {path.name or source}"
    data = read_file(path, "portfolio", SHIPPED, f"no such file, nor a shipped portfolio ({', '.join(SHIPPED)})")
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(b"PAR1") or (data and path.suffix == ".parquet"):
        return from_parquet(data, where, digest, most)
    if data.startswith(b"\x1f\x8b") or (data and path.suffix == ".gz"):
        data = inflated(data, where, most)
    if not data:
        raise BadInput(f"{where}: the file is empty; a header with a column limit and a row a client are needed")
    return from_csv(data, where, digest, most)


# which columns


def match_columns(raw: Raw, columns: Mapping[str, str]) -> dict[str, str]:
    """Our name -> the file's name, for the columns in use; BadInput where the two sides do not fit."""
    seen: set[str] = set()
    for name in raw.names:
        if name in seen:
            raise BadInput(f"{raw.where}: column {name!r} appears more than once")
        seen.add(name)
    for ours, theirs in columns.items():
        if ours not in NAMES:
            raise BadInput(f"{raw.where}: column map: {quoted(ours)} is none of {', '.join(COLUMNS)}{nearest(ours, NAMES)}")
        if not isinstance(theirs, str) or theirs not in seen:
            close = like(str(theirs), raw.names)
            hint = f"; did you mean {close!r}?" if close else f"; there are {shown(raw.names)}"
            raise BadInput(f"{raw.where}: column map: {ours} is to be {quoted(theirs)}, which the file does not have{hint}")
    mapped = set(columns.values())
    found = {name: columns.get(name, name) for name in NAMES if name in columns or (name in seen and name not in mapped)}
    if "limit" not in found:
        close = like("limit", raw.names)
        hint = f"is it {close!r}? Then map limit={close}" if close else f"there are {shown(raw.names)}"
        raise BadInput(f"{raw.where}: no column limit, the only one required; {hint}")
    months = [name for name in HISTORY if name in found]
    if months and "history" in found:
        raise BadInput(f"{raw.where}: both a column history and {months[0]}: the payment history is one or the other")
    if months != list(HISTORY[: len(months)]):
        gap = next(name for name in HISTORY if name not in found)
        raise BadInput(
            f"{raw.where}: {months[-1]} without {gap}: the payment history starts at history_1, the newest, without gaps"
        )
    return found


# values


class Reader:
    """Checks and converts one source's columns."""

    def __init__(self, raw: Raw, table: pa.Table, used: Mapping[str, str], scale: float) -> None:
        self.raw, self.table, self.used, self.scale = raw, table, used, scale
        self.size = table.num_rows
        if self.size == 0:
            raise BadInput(f"{raw.where}: no rows; at least one client is needed")

    def portfolio(self) -> Portfolio:
        """The whole portfolio, checked."""
        import pyarrow as pa

        ids = self.ids() if "id" in self.used else None
        values = self.money()
        for name in ("late", "term", "age"):
            if name in self.used:
                values[name] = self.whole(name, COLUMNS[name])
        if "segment" in self.used:
            values["segment"] = self.segments()
        if "history" in self.used:
            values["history"] = self.history_lists()
        elif HISTORY[0] in self.used:
            months = [
                self.whole(name, COLUMNS["history"], blank=name != HISTORY[0]) for name in HISTORY if name in self.used
            ]
            values["history"] = np.stack(months, axis=1)
        given = tuple(name for name in COLUMNS if name in values or (name == "id" and ids is not None))
        derived = {"late"} if "history" in values else set()
        drawn = tuple(name for name in COLUMNS if name not in given and name != "id" and name not in derived)
        as_read = pa.table(dict(self.as_read(ids, values)))
        digest = self.raw.sha256 or hash_of(as_read)
        return Portfolio(
            Source(self.raw.where.removeprefix("portfolio "), digest, self.scale),
            self.size,
            given,
            drawn,
            tuple(self.notes(values, drawn)),
            as_read,
            values,
        )

    def wrong(self, name: str, row: int, says: str) -> BadInput:
        return BadInput(f"{self.raw.where}: column {self.used[name]!r} row {row + 1}: {says}")

    def column(self, name: str) -> Any:
        import pyarrow as pa

        values = self.table[self.used[name]].combine_chunks()
        return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values

    def complete(self, name: str, values: Any) -> None:
        """No blanks."""
        if values.null_count:
            row = first(np.asarray(values.is_null()))
            drawn = "" if name == "id" else " to have it drawn"
            advice = "the limit is required" if name == "limit" else f"fill it in, or leave the whole column out{drawn}"
            raise self.wrong(name, row, f"blank; {advice}")

    def numbers(self, name: str, values: Any) -> Array:
        """A column without blanks as finite float64."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = pc.utf8_trim_whitespace(values)
            text = ~np.asarray(pc.match_substring_regex(values, NUMBER, ignore_case=True))
            if text.any():
                row = first(text)
                told = values[row].as_py()
                raise self.wrong(name, row, f"{told[:40]!r} is not a number{how_to_write(told)}")
        try:
            found = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise BadInput(f"{self.raw.where}: column {self.used[name]!r} holds {values.type}, numbers are needed") from None
        if not np.isfinite(found).all():
            row = first(~np.isfinite(found))
            raise self.wrong(name, row, f"{found[row]} is not a finite number")
        return found

    def money(self) -> dict[str, Array]:
        """Amounts in fen."""
        read = {name: self.filled(name) for name in COLUMNS if COLUMNS[name].money and name in self.used}
        fits = min(COLUMNS[name].high / max(float(np.abs(amounts).max()), 1e-300) for name, amounts in read.items())
        found = {}
        for name, amounts in read.items():
            column = COLUMNS[name]
            yuan = amounts * self.scale
            if (too_low := yuan < column.low).any() and column.low == 0.0:
                raise self.wrong(name, first(too_low), f"{amounts[first(too_low)]:,.12g} is negative ({column.allowed})")
            if (beyond := np.abs(yuan) > column.high).any():
                row = first(beyond)
                proposed = 10.0 ** np.floor(np.log10(fits))
                raise self.wrong(
                    name,
                    row,
                    f"{amounts[row]:,.12g} x scale {self.scale:g} is beyond what can be stored ({column.allowed});"
                    f" scale={proposed:g} would fit",
                )
            found[name] = np.rint(yuan * FEN).astype(np.int64)
        return found

    def filled(self, name: str) -> Array:
        values = self.column(name)
        self.complete(name, values)
        return self.numbers(name, values)

    def whole(self, name: str, column: Column, *, blank: bool = False) -> Array:
        """Whole numbers within a column's bounds; blanks, where allowed, are NOT_RECORDED."""
        values = self.column(name)
        gone = np.asarray(values.is_null())
        if gone.any():
            if not blank:
                self.complete(name, values)
            kept = np.flatnonzero(~gone)
            found = np.full(self.size, float(NOT_RECORDED))
            found[kept] = self.numbers(name, values.drop_null()) if len(kept) else 0.0
        else:
            found = self.numbers(name, values)
        for bad, says in (
            (found != np.rint(found), "is not a whole number"),
            (~gone & ((found < column.low) | (found > column.high)), f"is out of range ({column.allowed})"),
        ):
            if bad.any():
                raise self.wrong(name, first(bad), f"{found[first(bad)]:g} {says}")
        return found.astype(np.int16)

    def segments(self) -> Array:
        """Codes of names.SEGMENTS, from names or codes."""
        import pyarrow as pa
        import pyarrow.compute as pc

        values = self.column("segment")
        self.complete("segment", values)
        text = pc.utf8_trim_whitespace(pc.cast(values, pa.string())).dictionary_encode()
        codes = {name: code for code, name in enumerate(SEGMENTS)}
        codes |= {form: code for code in range(len(SEGMENTS)) for form in (f"{code}", f"{code}.0")}
        found = []
        for at, name in enumerate(text.dictionary.to_pylist()):
            if name not in codes:
                row = first(np.asarray(text.indices) == at)
                allowed = f"is no segment (allowed: {', '.join(SEGMENTS)}, or 0 to {len(SEGMENTS) - 1})"
                raise self.wrong("segment", row, f"{name[:40]!r} {allowed}{nearest(name.lower(), SEGMENTS)}")
            found.append(codes[name])
        return np.array(found, np.int16)[np.asarray(text.indices)]

    def history_lists(self) -> Array:
        """A history in one column: integers with spaces or semicolons between them, or lists; newest first."""
        values = self.column("history")
        self.complete("history", values)
        column = COLUMNS["history"]
        table = np.full((self.size, OLDEST), NOT_RECORDED, np.int16)
        for row, cell in enumerate(values.to_pylist()):
            parts = cell if isinstance(cell, list) else re.split(r"[;\s]+", str(cell).strip(" ;"))
            try:
                months = [float(part) for part in parts]
            except (TypeError, ValueError):
                months = []
            if not 1 <= len(months) <= OLDEST or any(month != month // 1 for month in months):
                raise self.wrong(
                    "history", row, f"{str(cell)[:40]!r} is not 1 to {OLDEST} whole numbers with spaces or semicolons"
                )
            for month in months:
                if not column.low <= month <= column.high:
                    raise self.wrong("history", row, f"{month:g} is out of range ({column.allowed})")
            table[row, : len(months)] = months
        return table[:, : int((table != NOT_RECORDED).any(axis=0).sum())]

    def ids(self) -> Any:
        """The clients' names, unique."""
        values = self.column("id")
        self.complete("id", values)
        if len(values.unique()) < self.size:
            seen: dict[Any, int] = {}
            for row, name in enumerate(values.to_pylist()):
                if name in seen:
                    raise self.wrong(
                        "id", row, f"{str(name)[:40]!r} is the id of row {seen[name] + 1} too; ids must be unique"
                    )
                seen[name] = row
        return values

    def as_read(self, ids: Any, values: Mapping[str, Array]) -> Iterable[tuple[str, Any]]:
        """The columns in use under our names, in yuan, whole numbers and segment names."""
        import pyarrow as pa

        if ids is not None:
            yield "id", ids
        for name, found in values.items():
            if COLUMNS[name].money:
                yield name, pa.array(found / FEN)
            elif name == "segment":
                yield name, pa.array(np.array(SEGMENTS)[found])
            elif name == "history":
                for k, months in enumerate(found.T):
                    yield HISTORY[k], pa.array(months, mask=months == NOT_RECORDED)
            else:
                yield name, pa.array(found)

    def notes(self, values: Mapping[str, Array], drawn: tuple[str, ...]) -> Iterable[str]:
        """What a reader of the run's summary should know of the file."""
        limit, balance = values["limit"], values.get("balance")
        yield f"{number_of(self.size, 'client')}, money times {self.scale:g} is yuan"
        if (zeros := int((limit == 0).sum())) > 0:
            yield f"{number_of(zeros, 'limit')} of 0: closed from the start"
        if balance is not None:
            if (below := int((balance < 0).sum())) > 0:
                yield f"{number_of(below, 'balance')} below 0 counted as 0"
            if (over := int((balance > limit).sum())) > 0:
                yield f"{number_of(over, 'balance')} over the limit, taken as read"
        late = values.get("late")
        if late is None and "history" in values:
            yield "months past due taken from the newest month of the payment history"
            late = values["history"][:, 0]
        if late is not None and balance is not None and (idle := int(((late > 0) & (balance <= 0)).sum())) > 0:
            yield f"{number_of(idle, 'client')} past due with nothing owed, counted as current"
        if drawn:
            yield f"drawn from the scenario's population: {', '.join(drawn)}"
        if "income" in drawn:
            yield "income: the one for which the scenario's population would have been given the file's limit"
        if unused := [name for name in self.raw.names if name not in self.used.values()]:
            yield f"columns not used: {shown(unused)}"


NUMBER = r"^-?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf(inity)?)$"
"""How a number looks in a text file."""


def first(bad: Array) -> int:
    """Position of the first True."""
    return int(np.argmax(bad))


def hash_of(table: Any) -> str:
    """Hash of a table's values, for a source that is no file."""
    digest = hashlib.sha256()
    for name in table.column_names:
        digest.update(f"{name}:{table[name].to_pylist()}\n".encode())
    return digest.hexdigest()
