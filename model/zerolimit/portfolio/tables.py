"""Tables of others: a CSV, CSV.gz, zip or Parquet file or a DataFrame, opened, bounded, and read a few columns at a time.

What the columns mean is for the reader (portfolio.py, platform/network.py); how a text is read is text.py's.
"""

from __future__ import annotations

import difflib
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from zerolimit.basics.errors import BadInput, one_line
from zerolimit.basics.wording import shown
from zerolimit.parameters.dated import refuse_spreadsheet
from zerolimit.portfolio.options import Reading
from zerolimit.portfolio.text import Text
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


class Take(Protocol):
    """How columns are read."""

    def __call__(self, wanted: Sequence[int], numeric: Sequence[int] = ()) -> list[pa.Array]: ...


@dataclass(frozen=True)
class Raw:
    """An opened source: its column names, and how to read some of them."""

    where: str
    sha256: str
    names: tuple[str, ...]
    take: Take
    """Columns by position; of a text, those of the second list as numbers where they are plainly that."""
    text: Text | None = None
    """Of a text: how it is read."""
    ours: bool = False
    """Written by a run: nothing in it is odd."""

    def place(self, row: int, rows: int) -> str:
        """What to call a row, of so many."""
        return f"row {row + 1}" if self.text is None else self.text.place(row, rows)


WRITTEN = {b"zerolimit": b"portfolio"}
"""Metadata of a portfolio's table in a run's folder: its units are ours, and its rows clients."""


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


def unzipped(data: bytes, where: str, most: Most) -> tuple[bytes, str]:
    """The one file in a zip archive, and its name."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX")]
            if any(one.filename in ("[Content_Types].xml", "mimetype", "content.xml") for one in files):
                refuse_spreadsheet(data, where, "CSV or Parquet")
            if len(files) != 1:
                held = shown([one.filename for one in files]) or "nothing"
                raise BadInput(f"{where}: the archive holds {held}; one table is read: put it into an archive of its own")
            most.refuse_size(files[0].file_size, where)
            with archive.open(files[0]) as file:
                found = file.read(most.size + 1)
    except BadInput:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, OSError, ValueError, LookupError) as error:
        if isinstance(error, RuntimeError) and "password" in str(error):
            raise BadInput(f"{where}: the archive is locked by a password; unpack it first") from None
        refuse_spreadsheet(data, where, "CSV or Parquet")
        raise BadInput(f"{where}: the zip archive is truncated or damaged") from None
    most.refuse_size(len(found), where)
    return found, files[0].filename


def from_frame(frame: Any) -> Raw:
    """A pandas DataFrame; its hash is that of the columns in use."""
    names = tuple(str(name) for name in frame.columns)

    def take(wanted: Sequence[int], numeric: Sequence[int] = ()) -> list[pa.Array]:
        return [as_arrow(frame.iloc[:, k]) for k in wanted]

    return Raw("portfolio DataFrame", "", names, take)


def as_arrow(series: Any) -> Any:
    """A pandas column as Arrow; one of mixed types as text, so that the first bad row can be named."""
    import pyarrow as pa

    try:
        found = pa.array(series, from_pandas=True)
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    except (pa.ArrowException, ArithmeticError, TypeError, ValueError):
        missing = series.isna()
        return pa.array([None if gone else str(value) for value, gone in zip(series, missing, strict=True)], pa.string())


def from_parquet(data: bytes, where: str, digest: str, most: Most) -> Raw:
    """A Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(pa.BufferReader(data))
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts_in(schema))
    except (pa.ArrowInvalid, OSError):
        raise BadInput(f"{where}: not a whole Parquet file (truncated or damaged)") from None

    most.refuse_rows(file.metadata.num_rows, where)
    names = tuple(file.schema_arrow.names)

    def take(wanted: Sequence[int], numeric: Sequence[int] = ()) -> list[pa.Array]:
        some = list(dict.fromkeys(names[k] for k in wanted))
        if twice := next((name for name in some if names.count(name) > 1), None):
            raise BadInput(f"{where}: column {twice!r} appears more than once")
        most.refuse_size(room_for(file.metadata, some), where)
        try:
            table = without_dictionaries(file.read(columns=some), where, most)
            return [table[names[k]].combine_chunks() for k in wanted]
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{where}: not a whole Parquet file: {one_line(error, 160)}") from None

    ours = WRITTEN.items() <= (schema.metadata or {}).items()
    return Raw(where, digest, names, take, ours=ours)


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


def from_csv(
    data: bytes, where: str, digest: str, most: Most, reading: Reading | None = None, wanted: Sequence[str] = ()
) -> Raw:
    """A text file: a header, values separated as the header has it. `wanted`: names by which the header is found."""
    refuse_spreadsheet(data, where, "CSV or Parquet")
    most.refuse_size(len(data), where)
    most.refuse_rows(data.count(b"\n") - data.endswith(b"\n"), where)
    text = Text.of(data, where, reading or Reading(), wanted)
    return Raw(where, digest, text.names, text.take, text)


def like(name: str, known: Iterable[str]) -> str | None:
    """The nearest name, whatever its case."""
    lower = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    return lower[found[0]] if found else None
