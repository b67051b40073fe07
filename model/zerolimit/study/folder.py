"""A study's folder: one small Parquet part per finished run, renamed into place under the run's hash. That is the ledger.

    study.json            what the folder is held to, and the columns of its parts
    design.parquet        the points
    parts/ab/ab12....parquet   a finished run
    errors/HASH.json      a run that failed: error, seed, point
    times/*.jsonl         who did which run, and how long it took; nothing in it enters results
    progress.json, lock.json   for `--status`, and for other coordinators
    runs.parquet          all parts in hash order, once the study is complete

A part is written under another name, forced to the disk and renamed, so a folder on a network has whole parts or none.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit import __version__
from zerolimit.errors import BadInput
from zerolimit.results.columns import BY, PLATFORM, monthly_meanings
from zerolimit.study.design import column_kind, plain
from zerolimit.study.measures import MEASURES

if TYPE_CHECKING:
    import pyarrow as pa

    from zerolimit.study.definition import Study
    from zerolimit.study.worker import Done, Failed, Task

STUDY, DESIGN, PROGRESS, LOCK = "study.json", "design.parquet", "progress.json", "lock.json"
PARTS, ERRORS, TIMES, MERGED = "parts", "errors", "times", "runs.parquet"
OURS = (STUDY, DESIGN, PROGRESS, LOCK, PARTS, ERRORS, TIMES, MERGED)
"""What a folder may have before study.json is written."""
MAGIC = b"PAR1"
RUN = re.compile("[0-9a-f]{24}")
"""A run's hash."""
RUNS_A_GROUP = 1_000
"""Runs in a row group of an export."""
PART_OPTIONS: dict[str, Any] = {"compression": "NONE", "use_dictionary": False, "write_statistics": False}
EXPORT_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": False,
    "version": "2.6",
    "data_page_version": "1.0",
    "store_schema": True,
}


def write_whole(path: Path, data: bytes) -> None:
    """Bytes under a name, whole or not at all: beside it, to the disk, renamed."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def half_written(name: str) -> bool:
    """Whether a name is of a file that is being written, or was when its writer was killed."""
    return name.startswith(".") and name.endswith(".tmp")


def write_json(path: Path, value: Any) -> None:
    """A value as JSON, whole or not at all."""
    write_whole(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON table, or none where there is none to be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


class Folder:
    """The folder of one study."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # what it holds

    def declared(self) -> dict[str, Any] | None:
        """study.json, or none."""
        return read_json(self.path / STUDY)

    def part(self, run: str) -> Path:
        """Where the part of a run stands."""
        return self.path / PARTS / run[:2] / f"{run}.parquet"

    def done(self) -> Iterator[str]:
        """Hashes of the finished runs, in order."""
        for shelf in sorted((self.path / PARTS).glob("[0-9a-f][0-9a-f]")):
            with os.scandir(shelf) as found:
                names = sorted(one.name[:-8] for one in found if one.name.endswith(".parquet"))
            yield from (name for name in names if RUN.fullmatch(name) and name[:2] == shelf.name)

    def count(self) -> int:
        """How many runs are finished."""
        return sum(1 for _ in self.done())

    def failures(self) -> list[dict[str, Any]]:
        """The runs that failed and have not been done since."""
        found = (read_json(path) for path in sorted((self.path / ERRORS).glob("*.json")))
        return [one for one in found if one is not None]

    def damaged(self, run: str) -> bool:
        """Whether a part is no whole Parquet file: the disk lost its end in a crash of the machine."""
        with open(self.part(run), "rb") as file:
            if file.read(4) != MAGIC:
                return True
            file.seek(-4, os.SEEK_END)
            return file.read(4) != MAGIC

    # beginning

    def check(self, study: Study, *, resume: bool) -> None:
        """BadInput where the folder is not this study's, or is and `resume` was not said."""
        if not os.path.lexists(self.path):
            return
        if not self.path.is_dir():
            raise BadInput(f"{self.path}: is not a folder")
        before = self.declared()
        if before is None:
            if any(one.name not in OURS and not half_written(one.name) for one in self.path.iterdir()):
                raise BadInput(f"{self.path}: is not a study's folder; take another --out")
            return
        from zerolimit.study.definition import differences

        differ = differences(before["declared"], json.loads(json.dumps(study.declared)))
        if differ:
            more = f" and {len(differ) - 4} more" if len(differ) > 4 else ""
            raise BadInput(
                f"{self.path}: holds another study ({'; '.join(differ[:4])}{more}); take another --out, or remove the folder"
            )
        if not resume and self.count():
            raise BadInput(
                f"{self.path}: holds {self.count():,} of {before['runs']:,} runs of this study already;"
                " go on with --resume, or take another --out"
            )

    def begin(self, study: Study, runs: int) -> None:
        """Write down what the folder is held to."""
        for name in (PARTS, ERRORS, TIMES):
            (self.path / name).mkdir(exist_ok=True)
        if self.declared() is not None:
            return
        schema = part_schema(study)
        write_whole(self.path / DESIGN, design_bytes(study))
        s = study.settings
        write_json(
            self.path / STUDY,
            {
                "name": study.name,
                "question": s.question,
                "scenario": study.scenario.name,
                "zerolimit": __version__,
                "runs": runs,
                "borrowers": study.scenario.borrowers,
                "samples": s.samples,
                "identity": study.digest,
                "columns": {field.name: str(field.type) for field in schema},
                "units": {factor.key: factor.unit for factor in study.design.factors},
                "declared": study.declared,
            },
        )

    def add_columns(self, names: Iterable[str]) -> pa.Schema:
        """Columns of a measure of one's own, known only after the first run."""
        declared = self.declared()
        if declared is not None:
            declared["columns"].update(dict.fromkeys(names, "double"))
            write_json(self.path / STUDY, declared)
        return self.schema()

    # writing

    def keep(self, table: pa.Table, run: str) -> None:
        """A finished run's part, on the disk before this returns."""
        import io

        import pyarrow.parquet as pq

        sink = io.BytesIO()
        pq.write_table(table, sink, **PART_OPTIONS)
        path = self.part(run)
        path.parent.mkdir(exist_ok=True)
        write_whole(path, sink.getvalue())
        with suppress(OSError):
            (self.path / ERRORS / f"{run}.json").unlink(missing_ok=True)

    def keep_failure(self, task: Task, failed: Failed) -> None:
        """A failed run: what, where, with which seed."""
        point = {key: plain(value) for key, value in task.values.items()}
        record: dict[str, Any] = {
            "run": task.run,
            "error": failed.error,
            "seed": task.seed,
            "point": task.point,
            "replication": task.replication,
            "values": point,
        }
        record |= {"host": failed.place.host, "pid": failed.place.pid, "trace": failed.trace}
        write_json(self.path / ERRORS / f"{task.run}.json", record)

    # reading

    def schema(self) -> pa.Schema:
        """The columns of the parts."""
        import pyarrow as pa

        declared = self.declared()
        if declared is None:
            raise BadInput(f"{self.path}: is not a study's folder: {STUDY} is missing")
        types = {str(kind): kind for kind in (*column_types().values(), pa.uint64())}
        meanings = column_meanings(declared["units"])
        return pa.schema(
            [
                pa.field(
                    name, types[kind], metadata=dict(zip(("unit", "meaning"), meanings.get(name, ("", "")), strict=True))
                )
                for name, kind in declared["columns"].items()
            ]
        )

    def batches(self) -> Iterator[pa.Table]:
        """The parts in hash order, RUNS_A_GROUP at a time, so that memory does not grow with their number."""
        schema = self.schema()
        waiting: list[pa.Table] = []
        for run in self.done():
            waiting.append(self.read(run, schema))
            if len(waiting) == RUNS_A_GROUP:
                yield joined(waiting)
                waiting = []
        if waiting:
            yield joined(waiting)

    def read(self, run: str, schema: pa.Schema) -> pa.Table:
        """One part."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.read_table(pa.py_buffer(self.part(run).read_bytes()), schema=schema)
        except pa.ArrowException as error:
            told = str(error).splitlines()[0]
            raise BadInput(f"{self.part(run)}: cannot be read: {told}; --resume does the run again") from None

    def export(self, target: Path) -> int:
        """All parts in hash order as one file, Parquet or CSV by its ending; how many rows. Whole or not at all."""
        import pyarrow.csv as csv
        import pyarrow.parquet as pq

        beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        rows = 0
        try:
            schema = self.schema()
            if target.suffix == ".csv":
                writer: Any = csv.CSVWriter(beside, schema)
            else:
                writer = pq.ParquetWriter(beside, schema, **EXPORT_OPTIONS)
            with writer:
                for batch in self.batches():
                    rows += batch.num_rows
                    if target.suffix == ".csv":
                        writer.write_table(batch)
                    else:
                        writer.write_table(batch, row_group_size=batch.num_rows)
            handle = os.open(beside, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            os.replace(beside, target)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
        return rows

    def clear_abandoned(self) -> None:
        """Remove half-written files of coordinators that were killed; the caller holds the lock."""
        for path in self.path.rglob(".*.tmp"):
            with suppress(OSError):
                path.unlink()


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables one after the other, in one piece a column."""
    import pyarrow as pa

    return pa.concat_tables(tables).combine_chunks()


def column_meanings(units: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Unit and meaning of every column of a part."""
    return {
        **monthly_meanings(),
        **PLATFORM,
        **{name: (one.unit, one.says) for name, one in MEASURES.items()},
        **{key: (unit, f"parameter {key}") for key, unit in units.items()},
        "run": ("hash", "the run"),
        "point": ("count", "the point in the design, from 0"),
        "replication": ("count", "the replication, from 0"),
        "seed": ("count", "seed of every draw"),
        "months": ("months", "months that are summed"),
    }


def column_types() -> dict[str, Any]:
    """Arrow's types of varied parameters."""
    import pyarrow as pa

    return {"float64": pa.float64(), "int64": pa.int64(), "bool": pa.bool_(), "string": pa.string()}


def part_schema(study: Study) -> pa.Schema:
    """The columns of a study's parts: the run, its varied parameters, what is kept apart, and what was counted."""
    import pyarrow as pa

    kinds = column_types()
    fields = [("run", pa.string()), ("point", pa.int64()), ("replication", pa.int64()), ("seed", pa.uint64())]
    fields += [(factor.key, kinds[column_kind(factor)]) for factor in study.design.factors]
    by = {"month": pa.int64(), "segment": pa.string(), "decile": pa.int64()}
    fields += [(name, by[name]) for name in BY if name in study.settings.by]
    fields.append(("months", pa.int64()))
    fields += [(name, pa.int64()) for name in study.kept.counts]
    fields += [(name, pa.float64()) for name in (*study.kept.platform, *study.kept.measures)]
    return pa.schema(fields)


def part_table(schema: pa.Schema, task: Task, done: Done) -> pa.Table:
    """A finished run as its part: what the run is, in each row, beside what it counted."""
    import pyarrow as pa

    rows = len(done.columns["months"])
    what = {"run": task.run, "point": task.point, "replication": task.replication, "seed": task.seed}
    what.update({key: plain(value) for key, value in task.values.items()})
    columns: dict[str, list[Any]] = {**{name: [value] * rows for name, value in what.items()}, **done.columns}
    differ = sorted({*columns} ^ {*schema.names})
    if differ:
        raise BadInput(f"measure: gave {', '.join(differ)} in some runs only; it has to give the same names in each")
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in schema}, schema=schema)


def design_bytes(study: Study) -> bytes:
    """The points as Parquet: their values, and `u:NAME`, their places in the unit cube where they were sampled."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = column_types()
    columns: dict[str, Any] = {"point": pa.array(range(len(study.points)), pa.int64())}
    for factor in study.design.factors:
        values = [plain(point[factor.key]) for point in study.points]
        columns[factor.key] = pa.array(values, kinds[column_kind(factor)])
    if study.design.units is not None:
        for k, factor in enumerate(study.design.factors):
            columns[f"u:{factor.key}"] = pa.array(study.design.units[:, k])
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()
