"""Real clients in: a file, a DataFrame or the shipped data becomes the first population.

Only the limit is required. What a file lacks is drawn from the scenario's population, and `Portfolio.drawn` says what.
Rows count from 1 below the header. Money is fen inside, yuan in files (times `scale`).
"""

from __future__ import annotations

import csv
import difflib
import gzip
import hashlib
import io
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import BadInput, nearest, one_line, told
from zerolimit.basics.files import path_of, read_file
from zerolimit.basics.wording import FEN, number_of, shown
from zerolimit.engine.base import unreal
from zerolimit.parameters.dated import how_to_write, refuse_spreadsheet
from zerolimit.parameters.terms import as_vector
from zerolimit.rules.rule import ema
from zerolimit.vocabulary.draws import WORLD
from zerolimit.vocabulary.fields import DTYPES, FIELDS, INSTALMENTS, STORABLE
from zerolimit.vocabulary.names import CLOSED, OPEN, SEGMENTS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from zerolimit.run.simulation import Simulation

Array = NDArray[Any]


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
        Column("income", "yuan a month", 0, 5e5, "recorded income"),
        Column("segment", "code", 0, len(SEGMENTS) - 1, f"{', '.join(SEGMENTS)}, or 0, 1, 2"),
        Column("age", "years", 18, 100, "age"),
    )
}
"""Every column, declared once. The history is one column of integers with spaces or semicolons, or history_1 to _12."""
HISTORY = tuple(f"history_{k}" for k in range(1, OLDEST + 1))
NAMES = (*COLUMNS, *HISTORY)

NOT_RECORDED = -128
"""A month older than the account, or blank, in a payment history."""

SHIPPED = {"uci": 0.25}
"""Portfolios inside the package and their default scale. uci: 4 NT$ to the yuan, about 2005's rate (an assumption)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a portfolio came from, for a run's provenance."""

    name: str
    sha256: str
    scale: float


@dataclass(frozen=True, eq=False)
class Portfolio:
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

    def put_traits(self, simulation: Simulation) -> None:
        """Segment, age and income, after birth. Traits that depend on the segment are drawn again for the one given.

        The file's income is the recorded one, or, where it is missing, the one behind the file's limit; the true income
        keeps the drawn ratio to it, and savings their ratio to the true income. Every row of a file is an account, so no
        slot is vacant.
        """
        engine, month, terms = simulation.engine, simulation.month, simulation.terms
        terms["vacant_share"] = 0.0
        if (segment := self.values.get("segment")) is not None:
            for code, name in enumerate(SEGMENTS):
                shares = {f"share_{other}": float(other == name) for other in SEGMENTS[1:]}
                engine.listed("enter", np.flatnonzero(segment == code), month, as_vector({**terms, **shares}))
        if (age := self.values.get("age")) is not None:
            self._put(simulation, "age", age)
        income = self.values.get("income")
        if income is None:
            income = self._income_behind_limits(simulation)
        old = simulation.column("income_true").astype(np.float64)
        ratio = old / simulation.column("income_seen")
        true = np.minimum(np.floor(income * ratio), COLUMNS["income"].high * FEN)
        cash = np.floor(simulation.column("cash") * (true / old))
        for column, values in (("income_seen", income), ("income_true", true), ("cash", cash)):
            self._put(simulation, column, values)

    def _income_behind_limits(self, simulation: Simulation) -> Array:
        """Recorded incomes (fen a month) for which `have_history` would have drawn the file's limits; drawn where 0.

        income = limit / (income_multiple x (line_low + (line_high - line_low) u)), with the borrower's own draw u; at least
        income_floor, below which there is no line: nobody loses a line to an income that the file does not say.
        """
        terms = simulation.terms
        limit = self.values["limit"]
        u = simulation.engine.uniforms("u_born_limit", np.arange(self.size), simulation.month)
        months = terms["income_multiple"] * (terms["line_low"] + (terms["line_high"] - terms["line_low"]) * u)
        behind = np.clip(np.floor(limit / np.maximum(months, 0.01)), terms["income_floor"], COLUMNS["income"].high * FEN)
        return np.where(limit > 0, behind, simulation.column("income_seen"))

    def put_accounts(self, simulation: Simulation) -> None:
        """Lines, debts and what the platform remembers, after history; drawn values stay where the file says nothing.

        A missing balance is the drawn utilisation times the file's limit, or the whole limit where the file says past
        due and nothing was drawn. A line below the minimum loan is closed from the start.
        """
        terms, given = simulation.terms, self.values

        def drawn(name: str) -> Array:
            return simulation.column(name).astype(np.float64)

        is_open = given["limit"] >= terms["minimum_loan"]
        limit = np.where(is_open, given["limit"], 0.0)
        history = given.get("history")
        late = given.get("late")
        if late is None:
            late = drawn("late") if history is None else np.maximum(history[:, 0], 0)
        if "balance" in given:
            owed = np.maximum(given["balance"], 0)
        else:
            owed = np.floor(drawn("owed") / np.maximum(drawn("limit"), 1.0) * limit)
            if "late" not in self.drawn:
                owed = np.where((late > 0) & (owed == 0), limit, owed)
        late = np.where(owed > 0, late, 0)
        used = np.minimum(1.5, owed / np.maximum(limit, FEN))
        idle = drawn("idle") if "balance" not in given else np.maximum(1.0, drawn("idle"))
        memory = {"usage": used, "idle": np.where(owed > 0, 0.0, idle), "tenure": np.maximum(2.0, drawn("tenure"))}
        if history is not None:
            memory.update(remembered(history, owed, used, drawn("frequency"), drawn("idle"), drawn("tenure"), terms))
        elif "late" in given:
            memory["punctuality"] = (1.0 - 1.0 / terms["memory_punctuality"]) ** late
        account = {"status": np.where(is_open, OPEN, CLOSED), "limit": limit, "owed": owed, "late": late, **memory}
        if "term" in given:
            account["months_left"] = given["term"]
        for name, values in account.items():
            self._put(simulation, name, values)

    def _put(self, simulation: Simulation, name: str, values: Array) -> None:
        stored = np.floor(np.asarray(values, np.float64) * unreal(name, 1.0) + 0.5).astype(DTYPES[FIELDS[name].storage])
        simulation.engine.put_raw(name, slice(None), stored, simulation.month)


def remembered(
    history: Array, owed: Array, used: Array, frequency: Array, idle: Array, tenure: Array, terms: Mapping[str, float]
) -> dict[str, Array]:
    """What the platform remembers after a payment history, with the scenario's memories, oldest month first.

    Punctuality moves in months in which something was due (not -2), from a spotless start. Utilisation is today's in
    months of use (it is persistent, facts B4) and 0 in months of no use. A month paid in full takes a new loan, one of
    no use none, any other the drawn frequency. Where nothing is owed today, a newest month past due is one of no use.
    """
    history = history.copy()
    history[:, 0] = np.where((owed == 0) & (history[:, 0] > 0), NO_USE, history[:, 0])
    recorded = history != NOT_RECORDED
    unused = history == NO_USE
    punctuality, usage, taken = np.ones(len(history)), used, frequency
    for k in reversed(range(history.shape[1])):
        month, idle_month, counts = history[:, k], unused[:, k], recorded[:, k]
        due = counts & ~idle_month
        punctuality = np.where(due, average(punctuality, month <= REVOLVING, terms["memory_punctuality"]), punctuality)
        use = np.where(idle_month & (k > 0), 0.0, used)
        usage = np.where(counts, average(usage, use, terms["memory_usage"]), usage)
        loans = np.where(month == PAID_IN_FULL, 1.0, np.where(idle_month, 0.0, frequency))
        taken = np.where(counts, average(taken, loans, terms["memory_frequency"]), taken)
    months = np.count_nonzero(recorded, axis=1)
    since_use = np.cumprod(unused, axis=1).sum(axis=1)
    idle = np.where(since_use == months, np.maximum(idle, since_use), since_use)
    return {
        "punctuality": punctuality,
        "usage": usage,
        "frequency": taken,
        "idle": np.where(owed > 0, 0.0, idle),
        "tenure": np.maximum(tenure, months + 1.0),
    }


def average(mean: Any, value: Any, months: float) -> Array:
    """The model's moving average on whole columns."""
    return np.asarray(ema(mean, value, 1.0 / months))


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
            f"{raw.where}: scale must be a finite number above 0 (yuan per unit of the file's money), not {told(scale)}"
        )
    columns = {} if columns is None else columns
    if not isinstance(columns, Mapping):
        raise BadInput(f"{raw.where}: columns: a mapping of our names to the file's is needed, not {told(columns)}")
    used = match_columns(raw, columns)
    return Reader(raw, raw.take(list(dict.fromkeys(used.values()))), used, float(scale)).portfolio()


def as_portfolio(given: Any, columns: Mapping[str, str] | None = None, scale: float | None = None) -> Any:
    """A portfolio, or what one is read from; None stays None, and so does what settles its own people in (`put_traits`)."""
    if given is not None and not hasattr(given, "put_traits"):
        return read_portfolio(given, columns=columns, scale=scale)
    for name, value in (("columns", columns), ("scale", scale)):
        if value is not None:
            raise BadInput(f"{name}: belongs to a portfolio that is read from a file or a DataFrame")
    return given


# the file


@dataclass(frozen=True)
class Most:
    """What a file may hold at most, judged before it is read: a small file can inflate to more than a machine has."""

    rows: int = WORLD - 1
    size: int = 8_000_000_000
    """Bytes, inflated."""

    def refuse_rows(self, rows: int, where: str) -> None:
        if rows > self.rows:
            raise BadInput(f"{where}: {rows:,} rows are more than can be taken (at most {self.rows:,})")

    def refuse_size(self, size: int, where: str) -> None:
        if size > self.size:
            raise BadInput(f"{where}: it holds more than can be taken (at most {self.size / 1e6:,.0f} MB, inflated)")


@dataclass(frozen=True)
class Raw:
    """An opened source: its column names, and how to read some of them as a table."""

    where: str
    sha256: str
    names: tuple[str, ...]
    take: Callable[[list[str]], pa.Table]


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


def inflated(data: bytes, where: str, most: Most) -> bytes:
    """What a gzip file holds; no more of it is made than may be taken."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            pieces, size = [], 0
            while size <= most.size and (piece := file.read(1 << 20)):  # a read of all at once takes that much memory first
                pieces.append(piece)
                size += len(piece)
    except (OSError, EOFError, zlib.error):
        raise BadInput(f"{where}: the gzip file is truncated or damaged") from None
    most.refuse_size(size, where)
    return b"".join(pieces)


def from_frame(frame: Any) -> Raw:
    """A pandas DataFrame; its hash is that of the columns in use."""
    import pyarrow as pa

    names = tuple(str(name) for name in frame.columns)

    def take(wanted: list[str]) -> pa.Table:
        return pa.table({name: as_arrow(frame.iloc[:, names.index(name)]) for name in wanted})

    return Raw("portfolio DataFrame", "", names, take)


def as_arrow(series: Any) -> Any:
    """A pandas column as Arrow; one of mixed types as text, so that the first bad row can be named."""
    import pyarrow as pa

    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, ArithmeticError, TypeError, ValueError):
        missing = series.isna()
        return pa.array([None if gone else str(value) for value, gone in zip(series, missing, strict=True)], pa.string())


def from_parquet(data: bytes, where: str, digest: str, most: Most) -> Raw:
    """A Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts_in(pq.read_schema(pa.BufferReader(data))))
    except (pa.ArrowInvalid, OSError):
        raise BadInput(f"{where}: not a whole Parquet file (truncated or damaged)") from None

    most.refuse_rows(file.metadata.num_rows, where)

    def take(wanted: list[str]) -> pa.Table:
        most.refuse_size(room_for(file.metadata, wanted), where)
        try:
            return without_dictionaries(file.read(columns=wanted), where, most)
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{where}: not a whole Parquet file: {one_line(error, 160)}") from None

    return Raw(where, digest, tuple(file.schema_arrow.names), take)


def texts_in(schema: pa.Schema) -> list[str]:
    """Columns of text, which Parquet keeps once a value: a few bytes can stand for very many."""
    import pyarrow.types as kind

    texts = (kind.is_string, kind.is_large_string, kind.is_binary, kind.is_large_binary)
    return [field.name for field in schema if any(of(field.type) for of in texts)]


def room_for(metadata: Any, wanted: list[str]) -> int:
    """Bytes that some columns of a Parquet file take in memory, at least; texts within lists at most."""
    room = 0
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            name, *inside = column.path_in_schema.split(".")
            if name in wanted:
                text = column.physical_type == "BYTE_ARRAY" and inside
                a_value = column.total_uncompressed_size if text else 8
                room += max(column.total_uncompressed_size, column.num_values * a_value)
    return room


def without_dictionaries(table: pa.Table, where: str, most: Most) -> pa.Table:
    """A table with its texts written out, if they are not too long together."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = [name for name in table.column_names if pa.types.is_dictionary(table[name].type)]
    long = sum(
        pc.sum(pc.take(pc.binary_length(chunk.dictionary), chunk.indices)).as_py() or 0
        for name in coded
        for chunk in table[name].chunks
    )
    most.refuse_size(long, where)
    for name in coded:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(table[name].type.value_type))
    return table


def from_csv(data: bytes, where: str, digest: str, most: Most) -> Raw:
    """A text file: UTF-8, a header, values separated by commas, semicolons or tabs (as the header has it)."""
    import pyarrow as pa
    import pyarrow.csv

    refuse_spreadsheet(data, where, "CSV or Parquet")
    most.refuse_size(len(data), where)
    most.refuse_rows(data.count(b"\n") - data.endswith(b"\n"), where)
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    try:
        header = data[: data.find(b"\n") if b"\n" in data else len(data)].decode("utf-8-sig").strip("\r")
    except UnicodeDecodeError:
        header = "\0"
    if "\0" in header:
        raise BadInput(f"{where}: not a text file in UTF-8; CSV, CSV.gz and Parquet are read")
    delimiter = max(",;\t", key=header.count)
    try:
        row = next(csv.reader(io.StringIO(header), delimiter=delimiter), [])
    except csv.Error as error:
        raise BadInput(f"{where}: the header cannot be read as CSV: {error}") from None
    names = tuple(name.strip() or f"column {k}" for k, name in enumerate(row, 1))

    def take(wanted: list[str]) -> pa.Table:
        try:
            return pyarrow.csv.read_csv(
                pa.BufferReader(data),
                read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False),
                parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=wanted,
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return pa.table({name: pa.array([], pa.string()) for name in wanted})
            told = one_line(error, 160).replace("Row #", "line ")
            hint = "; numbers are written without separators, as 30000" if re.search(r"\d,\d{3}(?!\d)", told) else ""
            raise BadInput(f"{where}: {told}{hint}") from None

    return Raw(where, digest, names, take)


# which columns


def like(name: str, known: Iterable[str]) -> str | None:
    """The nearest name, whatever its case."""
    lower = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    return lower[found[0]] if found else None


def match_columns(raw: Raw, columns: Mapping[str, str]) -> dict[str, str]:
    """Our name -> the file's name, for the columns in use; BadInput where the two sides do not fit."""
    seen: set[str] = set()
    for name in raw.names:
        if name in seen:
            raise BadInput(f"{raw.where}: column {name!r} appears more than once")
        seen.add(name)
    for ours, theirs in columns.items():
        if ours not in NAMES:
            raise BadInput(f"{raw.where}: column map: {told(ours)} is none of {', '.join(COLUMNS)}{nearest(ours, NAMES)}")
        if not isinstance(theirs, str) or theirs not in seen:
            close = like(str(theirs), raw.names)
            hint = f"; did you mean {close!r}?" if close else f"; there are {shown(raw.names)}"
            raise BadInput(f"{raw.where}: column map: {ours} is to be {told(theirs)}, which the file does not have{hint}")
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
