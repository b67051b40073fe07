"""Tables of others: a CSV, CSV.gz or Parquet file or a DataFrame, opened, bounded, and read a few columns at a time.

Rows count from 1 below the header. What the columns mean is for the reader (portfolio.py, platform/network.py).
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zerolimit.basics.errors import BadInput, one_line
from zerolimit.parameters.dated import refuse_spreadsheet
from zerolimit.vocabulary.draws import WORLD

if TYPE_CHECKING:
    import pyarrow as pa


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


def like(name: str, known: Iterable[str]) -> str | None:
    """The nearest name, whatever its case."""
    lower = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    return lower[found[0]] if found else None
