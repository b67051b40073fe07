"""The borrower panel: every stored field of some borrowers month by month, and what each month counted of them.

Kept are narrow Arrow columns: states at the month's end, distances to thresholds, the words of outcome flags and the amounts
that monthly counts add up. What follows from these is worked out when it is asked for (lazy.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from copy import copy, deepcopy
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zerolimit.basics.errors import BadInput
from zerolimit.results.columns import Array, Coded, Columns, Dates
from zerolimit.results.keys import Keys
from zerolimit.results.lazy import Lazy
from zerolimit.results.panel_columns import DISTANCES, FLOWS, LABELS, RARES, column_of
from zerolimit.results.parquet import arrow_of, field_of
from zerolimit.results.tables import FILES
from zerolimit.vocabulary.fields import BYTES, DTYPES, Q2, STATE
from zerolimit.vocabulary.outcomes import DESK

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from zerolimit.run.simulation import Simulation

SAMPLE = "sample=1000"
"""The panel kept when nothing else is said."""
PIECE = 1_000_000


def parse_panel(what: str) -> int | None:
    """How many borrowers a panel keeps, from `all` (None), `sample=N` or `none`."""
    text = str(what).strip()
    if text in ("all", "none"):
        return None if text == "all" else 0
    word, equals, number = text.partition("=")
    if word == "sample" and equals and number.isascii() and number.isdigit() and int(number) > 0:
        return int(number)
    raise BadInput(f"panel: {what!r} is not all, none or sample=N with N at least 1, as in {SAMPLE}")


def sampled(seed: int, size: int, count: int | None) -> Array:
    """The `count` slots with the smallest keyed number, in order: they depend on the seed and on nothing else."""
    if count is None or count >= size:
        return np.arange(size)
    kept = np.zeros(0, np.int64)
    numbers = np.zeros(0, np.uint64)
    for start in range(0, size if count else 0, PIECE):
        rows = np.arange(start, min(start + PIECE, size))
        numbers = np.concatenate([numbers, keyed(seed, rows)])
        kept = np.concatenate([kept, rows])
        if len(kept) > count:
            least = np.argpartition(numbers, count - 1)[:count]
            numbers, kept = numbers[least], kept[least]
    return np.sort(kept)


def keyed(seed: int, rows: Array) -> Array:
    """A 64-bit number for each row and seed (SplitMix64, Steele et al. 2014)."""
    z = rows.astype(np.uint64) + np.uint64(1)
    for key in (seed & 0xFFFF_FFFF_FFFF_FFFF, 0x9E37_79B9_7F4A_7C15):
        z = (z + np.uint64(key)) * np.uint64(0x9E37_79B9_7F4A_7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        z = z ^ (z >> np.uint64(31))
    return z


class Panel:
    """What is kept of some borrowers, month by month: made before the first month, `record()` is called after each.

    Without `write` the months stay in memory; with it each is handed over as it is recorded, on the engine's own memory.
    """

    def __init__(
        self, simulation: Simulation, what: str = SAMPLE, months: int = 0, write: Callable[[Panel], None] | None = None
    ) -> None:
        self.simulation = simulation
        self.what = what
        self.rows = sampled(simulation.seed, simulation.size, parse_panel(what))
        self.keys = Keys.of(simulation)
        self.months: list[int] = []
        self.batches: list[pa.RecordBatch] = []
        self.write = write
        self.refuse_too_large(months)
        if len(self.rows):
            simulation.keep(self.rows)

    def refuse_too_large(self, months: int) -> None:
        """BadInput where the memory that is free does not hold so many months more."""
        from zerolimit.run.simulation import available_memory

        needed = len(self.rows) * months * A_ROW
        free = available_memory()
        if self.write is None and free is not None and needed > free:
            raise BadInput(
                f"panel: {self.what} over {months} months needs about {needed / 1e9:,.1f} GB of memory,"
                f" {free / 1e9:,.1f} GB are free; take sample=N"
            )

    def record(self) -> None:
        """Keep the month that has just been run."""
        if not len(self.rows) or self.simulation.month <= self.simulation.burn_in:
            return
        self.months.append(self.simulation.month - 1)
        if self.write is None:
            self.batches.append(self.batch(self.rows, own=True))
        else:
            self.write(self)

    @property
    def parts(self) -> list[Array]:
        """The borrowers kept, in the parts of which each has a file."""
        return np.array_split(self.rows, max(1, -(-len(self.rows) // PART)))

    @property
    def schema(self) -> pa.Schema:
        """The columns' types, units and meanings."""
        found: pa.Schema = self.batch(self.rows[:0], own=True).schema
        return found

    def batch(self, rows: Array, *, own: bool) -> pa.RecordBatch:
        """The month that has just been run, of some of the borrowers kept; `own` where it has to outlast the next month."""
        import pyarrow as pa

        columns = self.columns(rows, own=own)
        meanings, missing = FILES["panel"](), ("client",)
        arrays = [arrow_of(column, missing=name in missing) for name, column in columns.items()]
        fields = [
            field_of(name, array.type, meanings, missing=name in missing)
            for name, array in zip(columns, arrays, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

    def columns(self, rows: Array, *, own: bool) -> Columns:
        """Columns of the month that has just been run."""
        simulation = self.simulation
        month = simulation.month
        chosen, at = as_slice(rows), as_slice(np.searchsorted(simulation.kept_rows, rows))

        def taken(column: Array, which: Array | slice) -> Array:
            found: Array = column[which]
            return found.copy() if own and found.base is not None else found

        def state(name: str) -> Array:
            return taken(np.asarray(simulation.engine.raw(name, month)), chosen)

        def kept(name: str) -> Array:
            column = simulation.kept.get(name)
            return np.zeros(len(rows), np.int16) if column is None else taken(column, at)

        months = np.full(len(rows), month - 1, np.int16)
        found: dict[str, Array | Coded | Dates] = {
            "month": months,
            **self.keys.dates(months),
            "borrower": rows.astype(np.int32),
            **self.keys.people(rows, state("generation")),
        }
        nothing_due = state("scheduled") == 0
        for field in STATE:
            raw, column = state(field.name).astype(DTYPES[field.storage], copy=False), column_of(field)
            if field.name in LABELS:
                found[column] = Coded(raw, LABELS[field.name])
            elif field.storage == "q2":
                found[column] = raw.astype(np.float32) / np.float32(Q2)
            else:
                found[column] = np.where(nothing_due, raw.dtype.type(0), raw) if field.void else raw
        found.update(self.distances(rows))
        found.update({column: kept(name) for column, name in FLOWS.items()})
        for name, one in RARES.items():
            amount = state(one.field) if one.field not in simulation.kept else kept(one.field)
            found[name] = np.where(kept(one.when) != 0, amount, amount.dtype.type(0))
        return {**found, **{name: kept(name) for name in DESK}}

    def distances(self, rows: Array) -> dict[str, Array]:
        """How far borrowers are from the thresholds, taken by few of them at a time: every cap is worked out on the way."""
        found = {name: np.empty(len(rows), np.float32) for name in DISTANCES}
        for start in range(0, len(rows), FEW):
            some = slice(start, start + FEW)
            with ONE_AT_A_TIME:
                measured = self.simulation.measured(rows[some])
            for name in DISTANCES:
                found[name][some] = measured[name]
        return found

    def table(self) -> Lazy:
        """What was kept in memory."""
        import pyarrow as pa

        return Lazy(pa.Table.from_batches(self.batches, self.schema))

    def frame(self, *, vacant: bool = False) -> pd.DataFrame:
        """What was kept in memory, in pandas."""
        return self.table().frame(vacant=vacant)

    def save(self, folder: Path) -> None:
        """What was kept in memory as Parquet."""
        with PanelFiles(folder) as files:
            for batch in self.batches:
                files.write(0, batch)

    def part(self, what: str) -> Panel:
        """A panel of some of its borrowers, with what has been recorded of them so far."""
        rows = sampled(self.simulation.seed, self.simulation.size, parse_panel(what))
        if not np.isin(rows, self.rows).all():
            how = f"keep it by CreditMarket(..., panel={what!r})"
            raise BadInput(f"panel: {what} is more than was kept month by month; {how}")
        part = copy(self)
        at = np.searchsorted(self.rows, rows)
        part.what, part.rows, part.months = what, rows, list(self.months)
        part.batches = [batch.take(arrow_of(at)) for batch in self.batches]
        return part

    def __deepcopy__(self, memo: dict[int, Any]) -> Panel:
        twin = memo[id(self)] = copy(self)
        twin.simulation = deepcopy(self.simulation, memo)
        twin.months, twin.batches = list(self.months), list(self.batches)
        return twin


class PanelFiles:
    """A panel as Parquet, written as it is recorded: a file for each part of the borrowers, each by a thread of its own.

    Of large parts each month is a row group, written from the engine's own memory; of small ones so many are put together.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writers: list[Any] = []
        self.pending: list[pa.RecordBatch] = []

    def month(self, panel: Panel) -> None:
        """The month that has just been run."""
        parts = panel.parts
        if len(parts) == 1:
            self.write(0, panel.batch(panel.rows, own=len(panel.rows) < TOGETHER))
            return
        self.open(panel.schema, len(parts))
        with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1)) as threads:
            list(threads.map(lambda k: self.write(k, panel.batch(parts[k], own=False)), range(len(parts))))

    def open(self, schema: pa.Schema, parts: int = 1) -> None:
        """The files, by the names that `panel_files` knows."""
        import pyarrow.parquet as pq

        for name in [] if self.writers else names_of_parts(parts):
            self.writers.append(pq.ParquetWriter(self.folder / name, schema, **options_of(schema)))

    def write(self, part: int, batch: pa.RecordBatch) -> None:
        """A month of a part."""
        self.open(batch.schema)
        if batch.num_rows >= TOGETHER:
            self.writers[part].write_batch(batch, row_group_size=batch.num_rows)
            return
        self.pending.append(batch)
        if sum(one.num_rows for one in self.pending) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """What waits to be written together."""
        import pyarrow as pa

        if self.pending:
            table = pa.Table.from_batches(self.pending)
            self.writers[0].write_table(table, row_group_size=max(1, table.num_rows))
            self.pending = []

    def close(self) -> None:
        """The files' ends."""
        self.flush()
        for writer in self.writers:
            writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.close()


def names_of_parts(number: int) -> list[str]:
    """The files of a panel: one, or one a part."""
    return [PANEL] if number == 1 else [f"panel-{k + 1}.parquet" for k in range(number)]


def panel_files(names: Iterable[str]) -> list[str]:
    """The files of a panel among others, in order of the borrowers."""
    found = {name for name in names if name == PANEL or re.fullmatch(r"panel-\d+\.parquet", name)}
    return sorted(found, key=lambda name: (len(name), name))


def options_of(schema: pa.Schema) -> dict[str, Any]:
    """How a panel is packed: fast, since hundreds of megabytes a month may have to be."""
    import pyarrow as pa

    return {
        "compression": "lz4",
        "use_dictionary": [field.name for field in schema if pa.types.is_dictionary(field.type)],
        "use_byte_stream_split": [field.name for field in schema if pa.types.is_floating(field.type)],
        "write_statistics": ["month"],
        "write_batch_size": 2**15,
    }


PANEL = "panel.parquet"
PART = 500_000
"""Borrowers of a file, at most."""
TOGETHER = 250_000
"""Rows of a row group, at least: but for the last, and for what is larger in a month."""
FEW = 2**16
ONE_AT_A_TIME = Lock()
"""An engine works out distances for one thread at a time."""
A_ROW = sum(BYTES[field.storage] for field in STATE) + 4 * len(DISTANCES) + 4 * len(FLOWS) + 30
"""Bytes that a borrower's month takes, about."""


def as_slice(rows: Array) -> Array | slice:
    """Rows that are next to each other as a slice: it copies nothing."""
    if len(rows) and int(rows[-1]) - int(rows[0]) == len(rows) - 1:
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows
