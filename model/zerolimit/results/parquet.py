"""Columns as Arrow and Parquet: narrow types, with unit and meaning in each field's metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.results.columns import Array, Coded, Columns, Dates

if TYPE_CHECKING:
    import pyarrow as pa

Meanings = Mapping[str, tuple[str, str]]
"""Column -> unit and meaning."""


def write_parquet(file: Path, columns: Columns, meanings: Meanings) -> None:
    """Columns as Parquet; what is not a number in a column of fractions is missing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = [arrow_of(column, missing=True) for column in columns.values()]
    schema = pa.schema([field_of(name, array.type, meanings) for name, array in zip(columns, arrays, strict=True)])
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), file, compression="zstd")


def field_of(name: str, kind: Any, meanings: Meanings, *, missing: bool = True) -> pa.Field:
    """A field with its unit and meaning; `missing` where a value may be."""
    import pyarrow as pa

    unit, meaning = meanings[name]
    return pa.field(name, kind, nullable=missing, metadata={"unit": unit, "meaning": meaning})


def arrow_of(column: Array | Coded | Dates, *, missing: bool = False) -> pa.Array:
    """A column as Arrow holds it, on the same memory. With `missing`, what is not a number is null."""
    import pyarrow as pa

    if isinstance(column, Coded):
        codes = np.asarray(column.codes)
        kind = np.int32 if column.text else np.int8
        none = codes < 0 if missing and (codes < 0).any() else None
        return pa.DictionaryArray.from_arrays(_numbers(codes.astype(kind, copy=False), none), _words(column.labels))
    if isinstance(column, Dates):
        return _numbers(column.days, kind=pa.date32())
    values = np.asarray(column)
    none = np.isnan(values) if missing and values.dtype.kind == "f" else None
    return _numbers(values, none if none is not None and none.any() else None)


def _numbers(column: Array, none: Array | None = None, kind: Any = None) -> Any:
    """Numbers as Arrow holds them. `pyarrow.array` would import pandas, which takes half a second."""
    import pyarrow as pa

    whole = np.ascontiguousarray(column)
    there = None if none is None else pa.py_buffer(np.packbits(~none, bitorder="little"))
    return pa.Array.from_buffers(kind or pa.from_numpy_dtype(whole.dtype), len(whole), [there, pa.py_buffer(whole)])


def _words(labels: Sequence[str]) -> Any:
    import pyarrow as pa

    texts = [label.encode() for label in labels]
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int32)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(b"".join(texts)))
