"""A study's folder: Parquet parts of finished runs, renamed into place under their runs' hashes. That is the ledger.

    study.json                     what the folder is held to, and the columns of its export
    design.DIGEST.parquet          the points, and the hashes of their worlds (identity.py)
    parts/ab/ab12....-N.DIGEST.parquet    N finished runs, ab12... being the first in order; one in ab12....DIGEST.parquet
    aside/                         parts that were damaged or strange; nothing reads them
    errors/HASH.json               a run that failed: error, seed, point
    times/*.jsonl                  who did which run, and how long it took; nothing in it enters results
    progress.json, lock.json       for `--status`, and for other coordinators
    runs.parquet                   all runs in hash order, once the study is complete

A file is written under another name, forced to the disk and renamed, so a folder on a network has whole files or none.
DIGEST is of all bytes of the file that it names; JSON tables hold theirs; study.json holds that of runs.parquet
(results/digest.py). A part has its rows under their runs' hashes, and, in its metadata, the study and the code that made it.
Where a run stands in the design is not in its part: it is looked up when parts are read, so a design can grow.

Folders written before there were digests are read as they are.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit import __version__
from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import number_of
from zerolimit.results.digest import (
    LENGTH,
    Damaged,
    digest,
    file_digest,
    half_written,
    unsealed,
    verified,
    write_json,
    write_named,
    write_whole,
)
from zerolimit.study.design import plain
from zerolimit.study.identity import Placed, default_values, laid_out
from zerolimit.study.tables import (
    PLACE,
    as_declared,
    between,
    by_run,
    column_meanings,
    column_types,
    design_bytes,
    distinct,
    export_schema,
    joined,
    of_run,
    same_rows,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from zerolimit.study.definition import Study
    from zerolimit.study.worker import Failed, Task

STUDY, PROGRESS, LOCK = "study.json", "progress.json", "lock.json"
PARTS, ASIDE, ERRORS, TIMES, MERGED = "parts", "aside", "errors", "times", "runs.parquet"
DESIGN = "design"
"""Stem of the points' file."""
OURS = (STUDY, PROGRESS, LOCK, PARTS, ASIDE, ERRORS, TIMES, MERGED)
"""What a folder may have without study.json, beside the points' file."""
FORMAT = 2
"""Of the folder; 1 had no digests, and in each part where its run stands in the design."""
PART = re.compile(rf"(?P<run>[0-9a-f]{{24}})(?:-(?P<number>[1-9][0-9]*))?(?P<digest>\.[0-9a-f]{{{LENGTH}}})?\.parquet")
RUNS_A_GROUP = 1_000
"""Runs in a row group of an export."""
HELD = 2**26
"""Bytes of parts with several runs that are held at once, at most, while runs are put in order."""
END = "g"
"""Behind every hash."""
TOLD = 3
"""Damaged parts that are named in a line."""
PART_OPTIONS: dict[str, Any] = {"compression": "NONE", "use_dictionary": False, "write_statistics": False}
EXPORT_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": False,
    "version": "2.6",
    "data_page_version": "1.0",
    "store_schema": True,
}


@dataclass(frozen=True)
class Part:
    """A part, by its name alone."""

    path: Path
    run: str
    """Its run; of several, the first in order."""
    number: int
    """How many runs it has."""


class Folder:
    """The folder of one study."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: tuple[str, dict[str, Placed]] | None = None

    # what it holds

    def declared(self) -> dict[str, Any] | None:
        """study.json, or none where there is none. Damaged where it cannot be trusted."""
        file = self.path / STUDY
        if not os.path.lexists(file):
            return None
        found, held = unsealed(file)
        if "format" in found and not held:
            raise Damaged(f"{file}: is damaged: its digest is gone")
        if found.get("format", FORMAT) != FORMAT:
            raise BadInput(
                f"{self.path}: was written by zerolimit {found.get('zerolimit')}, in a form that this one cannot read"
            )
        words = {"name": str, "runs": int, "columns": dict, "units": dict, "declared": dict}
        if any(not isinstance(found.get(word), kind) for word, kind in words.items()):
            raise Damaged(f"{file}: is damaged: it does not say what a study's does")
        return found

    def must_be_declared(self) -> dict[str, Any]:
        """study.json, or BadInput."""
        found = self.declared()
        if found is None:
            raise BadInput(f"{self.path}: is not a study's folder: {STUDY} is missing")
        return found

    def unverified(self) -> str | None:
        """What is said of a folder that was written before there were digests; none of another."""
        found = self.declared()
        if found is None or "format" in found:
            return None
        return f"{self.path}: was written before files had digests: what it holds is unverified"

    def parts(self) -> Iterator[Part]:
        """The parts, by their names and in their order."""
        for shelf in sorted((self.path / PARTS).glob("[0-9a-f][0-9a-f]")):
            with os.scandir(shelf) as found:
                names = sorted(one.name for one in found)
            for name in names:
                if (told := PART.fullmatch(name)) and name.startswith(shelf.name):
                    yield Part(shelf / name, told["run"], int(told["number"] or 1))

    def done(self) -> Iterator[str]:
        """Hashes of the design's finished runs, in order, as the parts say them: none of their bytes is verified."""
        design = self.placed()
        found: set[str] = set()
        for part in self.parts():
            found.update(named_runs(part))
        yield from sorted(found if design is None else found & design.keys())

    def count(self) -> int:
        """How many runs are finished."""
        return sum(1 for _ in self.done())

    def failures(self) -> list[dict[str, Any]]:
        """The runs that failed and have not been done since. Of a record that is damaged, its run and that it is."""
        design = self.placed()
        found = []
        for path in sorted((self.path / ERRORS).glob("*.json")):
            if design is None or path.stem in design:
                try:
                    found.append(unsealed(path)[0])
                except Damaged as error:
                    found.append({"run": path.stem, "error": str(error)})
        return found

    def placed(self) -> dict[str, Placed] | None:
        """Every run of the design and where it stands; none where the folder does not say."""
        declared = self.declared()
        if declared is None or "format" not in declared:
            return None
        key = json.dumps([declared["frame"], declared["design"], declared["declared"]])
        if self.known is None or self.known[0] != key:
            points = self.points(declared)
            values = points.select(declared["declared"]["factors"]).to_pylist()
            words = {word: declared["declared"][word] for word in ("seed", "replications", "paired")}
            runs = laid_out(declared["frame"], points["world"].to_pylist(), values, **words)
            self.known = key, {one.run: one for one in runs}
        return self.known[1]

    def points(self, declared: Mapping[str, Any] | None = None) -> pa.Table:
        """The points in order, as a table."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        declared = declared or self.must_be_declared()
        try:
            if "format" in declared:
                data = verified(self.path / declared["design"])
            else:
                data = (self.path / f"{DESIGN}.parquet").read_bytes()
            return pq.read_table(pa.py_buffer(data))
        except Damaged as error:
            raise Damaged(f"{error}; sweep the study with --resume, which writes it anew") from None
        except (OSError, ValueError, pa.ArrowException) as error:
            raise Damaged(f"{self.path / DESIGN}.parquet: cannot be read: {str(error).splitlines()[0]}") from None

    # beginning

    def check(self, study: Study, *, resume: bool, extend: bool = False, ran: bool = False) -> None:
        """BadInput where the folder is not this study's, or is and neither `resume` nor `extend` was said.

        The study's rules are compared once their files have been run (`ran`), and not before.
        """
        if not os.path.lexists(self.path):
            return
        if not self.path.is_dir():
            raise BadInput(f"{self.path}: is not a folder")
        try:
            before = self.declared()
        except Damaged as error:
            if not (resume or extend):
                raise Damaged(f"{error}; --resume writes it anew, from the study") from None
            return
        if before is None:
            if any(not ours(one.name) for one in self.path.iterdir()):
                raise BadInput(f"{self.path}: is not a study's folder; take another --out")
            if not (resume or extend) and (there := self.count()):
                raise BadInput(f"{self.path}: holds {there:,} runs, and no {STUDY}; --resume writes it anew, from the study")
            return
        if "format" not in before:
            raise BadInput(
                f"{self.path}: was written by zerolimit {before.get('zerolimit')}, before files had digests:"
                " it can be read and exported, not gone on with; take another --out"
            )
        self._compare(before, study, extend=extend, ran=ran)
        if not (resume or extend) and (there := self.count()):
            raise BadInput(
                f"{self.path}: holds {there:,} of {before['runs']:,} runs of this study already;"
                " go on with --resume, or take another --out"
            )

    def _compare(self, before: Mapping[str, Any], study: Study, *, extend: bool, ran: bool) -> None:
        from zerolimit.study.definition import GROWS, differences

        now = json.loads(json.dumps(study.declared if ran else study.known))
        there = {word: before["declared"].get(word) for word in now}
        declared = {*now["scenario"], *there["scenario"]}
        for one in (now, there):
            one["scenario"] = {**default_values(declared), **one["scenario"]}
        differ = differences(there, now)
        if len(differ) > 1:  # a hash says least
            differ = [text for text in differ if not text.startswith("points_hash:")]
        may = [text for text in differ if text.partition(":")[0] in (*GROWS, "code")]
        if len(may) < len(differ):
            if extend:
                differ = [text for text in differ if text not in may]
            advice = "--extend changes the design alone: take" if extend else "take"
            raise BadInput(f"{self.path}: holds another study ({in_short(differ, '; ')}); {advice} another --out")
        if differ and not extend:
            code = any(text.startswith("code:") for text in differ)
            kind = "runs of another version of the code" if code else "another design of this study"
            how = "runs some of them again first, and goes on where they give the same" if code else "keeps the runs of both"
            raise BadInput(f"{self.path}: holds {kind} ({in_short(differ, '; ')}); --extend {how}; or take another --out")

    def of_other_code(self, study: Study) -> dict[str, Part]:
        """Finished runs of the design, and their parts, where the folder is another code's; in hash order."""
        try:
            before = self.declared()
        except Damaged:
            return {}
        if before is None or before["declared"]["code"] == study.declared["code"]:
            return {}
        design = {one.run for one in study.placed()}
        found: dict[str, Part] = {}
        for part in self.parts():
            with suppress(Damaged):
                found.update((run, part) for run in self.runs_in(part) if run in design)
        return dict(sorted(found.items()))

    def begin(self, study: Study, runs: int, *, tried: bool = False) -> None:
        """Write down what the folder is held to; anew where that was damaged, or where the design has grown.

        Another code that made runs of before is known to give the same from now on, if some of them were `tried`.
        """
        for name in (PARTS, ERRORS, TIMES):
            (self.path / name).mkdir(exist_ok=True)
        try:
            before = self.declared()
        except Damaged as error:
            before = None
            self._must_be_of(study, f"{error}, and")
        else:
            if before is None:
                self._must_be_of(study, f"{self.path}: {STUDY} is missing, and")
        known = []
        if before is not None and (tried or before["declared"]["code"] == study.declared["code"]):
            known = [*before["codes"], before["declared"]["code"]]
        data = design_bytes(study)
        design = self.path / f"{DESIGN}.{digest(data)}.parquet"
        if not sound(design):
            write_whole(design, data)
        columns = {field.name: str(field.type) for field in export_schema(study)}
        s = study.settings
        record = {
            "format": FORMAT,
            "name": study.name,
            "question": s.question,
            "scenario": study.scenario.name,
            "zerolimit": __version__,
            "runs": runs,
            "borrowers": study.scenario.borrowers,
            "samples": s.samples,
            "identity": study.digest,
            "frame": study.frame,
            "design": design.name,
            "columns": columns | dict.fromkeys(self._measured(study, before, columns), "double"),
            "units": {factor.key: factor.unit for factor in study.design.factors},
            "codes": [code for code in dict.fromkeys(known) if code != study.declared["code"]],
            "declared": json.loads(json.dumps(study.declared)),
        }
        if before is not None and "merged" in before and before["declared"] == record["declared"]:
            record["merged"] = before["merged"]
        if before != record:
            write_json(self.path / STUDY, record)
        for path in self.path.glob(f"{DESIGN}.*.parquet"):
            if path != design:
                path.unlink(missing_ok=True)

    def _must_be_of(self, study: Study, said: str) -> None:
        """BadInput where there are parts, and none of them is the study's."""
        there = False
        for part in self.parts():
            there = True
            with suppress(Damaged):
                self.read(part, origin_of(study))
                return
        if there:
            raise BadInput(f"{said} no part in it is of this study and this code; take another --out")

    def _measured(self, study: Study, before: Mapping[str, Any] | None, ordinary: Collection[str]) -> list[str]:
        """Columns of a user-defined measure, as far as there are runs that know them."""
        if study.measure is None:
            return []
        if before is not None:
            return [name for name in before["columns"] if name not in (*ordinary, *before["declared"]["factors"])]
        for part in self.parts():
            with suppress(Damaged):
                return [name for name in self.read(part, origin_of(study)).column_names if name not in ordinary]
        return []

    def add_columns(self, names: Iterable[str]) -> pa.Schema:
        """Columns of a user-defined measure, known only after the first run."""
        declared = self.must_be_declared()
        declared["columns"].update(dict.fromkeys(names, "double"))
        write_json(self.path / STUDY, declared)
        return self.part_schema()

    # taking stock

    def take_stock(self) -> tuple[set[str], list[str]]:
        """The design's finished runs, after each part has been verified; what is wrong with those that were set aside.

        The caller holds the lock. Parts of the study that an earlier design had are left where they are.
        """
        declared, design = self.must_be_declared(), self.placed() or {}
        found: set[str] = set()
        wrong: list[str] = []
        for part in self.parts():
            try:
                rows = self.read(part, declared)
                runs = distinct(rows)
                if both := found & {*runs}:
                    self._must_be_equal(part, rows, both, declared)
            except Damaged as error:
                wrong.append(str(error))
                self.set_aside(part)
            else:
                found.update(run for run in runs if run in design)
        return found, wrong

    def _must_be_equal(self, part: Part, rows: pa.Table, both: Collection[str], declared: Mapping[str, Any]) -> None:
        """Damaged where an earlier part has some of the same runs with other numbers: no study gives them twice."""
        for other in self.parts():
            if other == part:
                return
            before = self.read(other, declared)
            for run in sorted({*both} & {*distinct(before)}):
                if not same_rows(of_run(before, run), of_run(rows, run)):
                    raise Damaged(twice(part, run))

    def set_aside(self, part: Part) -> None:
        """Out of the ledger, and kept."""
        room = self.path / ASIDE
        room.mkdir(exist_ok=True)
        name, number = part.path.name, 1
        while os.path.lexists(room / name):
            number += 1
            name = f"{part.path.name}.{number}"
        os.replace(part.path, room / name)

    # writing

    def keep(self, table: pa.Table) -> None:
        """A part with one run or several, on the disk before this returns."""
        import pyarrow.parquet as pq

        declared = self.must_be_declared()
        runs = distinct(table)
        origin = {"study": declared["identity"], "code": declared["declared"]["code"], "zerolimit": __version__}
        sink = io.BytesIO()
        pq.write_table(table.replace_schema_metadata(origin), sink, **PART_OPTIONS)
        shelf = self.path / PARTS / runs[0][:2]
        shelf.mkdir(exist_ok=True)
        write_named(shelf, runs[0] if len(runs) == 1 else f"{runs[0]}-{len(runs)}", sink.getvalue(), ".parquet")
        with suppress(OSError):
            for run in runs:
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
        """The columns of the export: the run, where it stands, and what its part has."""
        import pyarrow as pa

        declared = self.must_be_declared()
        types = {str(kind): kind for kind in (*column_types().values(), pa.uint64())}
        meanings = column_meanings(declared["units"])
        fields = []
        for name, kind in declared["columns"].items():
            if kind not in types:
                raise Damaged(f"{self.path / STUDY}: is damaged: {name} has no type that columns have")
            told = dict(zip(("unit", "meaning"), meanings.get(name, ("", "")), strict=True))
            fields.append(pa.field(name, types[kind], metadata=told))
        return pa.schema(fields)

    def part_schema(self) -> pa.Schema:
        """The columns of a part."""
        import pyarrow as pa

        elsewhere = (*PLACE, *self.must_be_declared()["declared"]["factors"])
        return pa.schema([pa.field(field.name, field.type) for field in self.schema() if field.name not in elsewhere])

    def read(self, part: Part, declared: Mapping[str, Any]) -> pa.Table:
        """A part's rows. Damaged where they are not what was written, or not of the part's runs, study and code."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        old = "format" not in declared
        try:
            data = part.path.read_bytes() if old else verified(part.path)
            table = pq.ParquetFile(pa.py_buffer(data)).read()
        except Damaged:
            raise
        except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
            raise Damaged(f"{part.path}: is damaged: {str(error).splitlines()[0]}") from None
        if not old:
            origin = table.schema.metadata or {}
            if origin.get(b"study") != declared["identity"].encode():
                raise Damaged(f"{part.path}: is of another study")
            codes = (declared["declared"]["code"], *declared["codes"])
            if origin.get(b"code", b"").decode() not in codes:
                raise Damaged(f"{part.path}: was made by another version of the code")
        runs = distinct(table) if "run" in table.column_names else []
        if len(runs) != part.number or runs[0] != part.run:
            raise Damaged(f"{part.path}: is named as another run than it holds")
        return table

    def runs_in(self, part: Part) -> list[str]:
        """The runs of a part, in order."""
        return distinct(self.read(part, self.must_be_declared()))

    def runs(self) -> Iterator[tuple[str, pa.Table]]:
        """The design's runs with their rows, in hash order.

        Of parts with several runs, no more is held at once than HELD: so many bytes of hashes at a time are looked for in
        all of them. BadInput, in a line that names them, where parts are damaged or strange.
        """
        declared, design = self.must_be_declared(), self.placed()
        schema = self.schema() if design is None else self.part_schema()
        wrong: dict[str, str] = {}
        last = "", schema.empty_table()

        def rows_of(part: Part, low: str, high: str) -> Iterator[tuple[str, pa.Table, Part]]:
            try:
                table = between(as_declared(self.read(part, declared), schema, part.path), low, high)
                for run, rows in by_run(table):
                    if design is None or run in design:
                        yield run, rows, part
            except Damaged as error:
                wrong[part.path.name] = str(error)

        for low, high in spans(sum(part.path.stat().st_size for part in self.parts() if part.number > 1)):
            several = [one for part in self.parts() if part.number > 1 for one in rows_of(part, low, high)]
            alone = (
                one
                for part in self.parts()
                if part.number == 1 and low <= part.run < high
                for one in rows_of(part, low, high)
            )
            for run, rows, part in merge(sorted(several, key=itemgetter(0)), alone, key=itemgetter(0)):
                if run != last[0] and not wrong:
                    yield run, rows
                elif run == last[0] and not same_rows(rows, last[1]):
                    wrong[part.path.name] = twice(part, run)
                last = run, rows
        if wrong:
            again = "sweep the study with --resume, which sets them aside and does their runs again"
            said = [wrong[name] for name in sorted(wrong)]
            raise Damaged(f"{damage_in_words(said, self.path)}; {again}, or take them out of the folder")

    def batches(self) -> Iterator[pa.Table]:
        """The runs in hash order, RUNS_A_GROUP at a time, so that memory does not grow with their number."""
        schema, design = self.schema(), self.placed()
        points = None if design is None else self.points()
        waiting: list[tuple[str, pa.Table]] = []
        for one in self.runs():
            waiting.append(one)
            if len(waiting) == RUNS_A_GROUP:
                yield joined(waiting, schema, design, points)
                waiting = []
        if waiting:
            yield joined(waiting, schema, design, points)

    def export(self, target: Path) -> int:
        """All runs in hash order as one file, Parquet or CSV by its ending; how many rows. Whole or not at all."""
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

    def merge(self) -> None:
        """All runs of a complete study in MERGED, and its digest in study.json."""
        self.export(self.path / MERGED)
        write_json(self.path / STUDY, {**self.must_be_declared(), "merged": file_digest(self.path / MERGED)})

    def merged(self) -> Path | None:
        """MERGED, held against its digest; none where it is not there, is damaged, or is an earlier design's."""
        path, declared = self.path / MERGED, self.must_be_declared()
        try:
            good = path.is_file() and ("format" not in declared or file_digest(path) == declared.get("merged"))
        except OSError:
            good = False
        return path if good else None

    def clear_abandoned(self) -> None:
        """Remove half-written files of coordinators that were killed; the caller holds the lock."""
        for path in self.path.rglob(".*.tmp"):
            with suppress(OSError):
                path.unlink()


def ours(name: str) -> bool:
    """Whether a study's folder may have a file of this name before it has study.json."""
    return name in OURS or name.startswith(f"{DESIGN}.") or half_written(name)


def named_runs(part: Part) -> list[str]:
    """The runs of a part as its name says them, or its column of runs where they are several; none if unreadable."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if part.number == 1:
        return [part.run]
    try:
        return distinct(pq.ParquetFile(part.path).read(["run"]))
    except (OSError, ValueError, KeyError, MemoryError, pa.ArrowException):
        return []


def spans(size: int) -> Iterator[tuple[str, str]]:
    """Hashes from and below, in order: in as many spans as hold HELD bytes of `size` each."""
    number = min(-(-size // HELD), 16**4) or 1
    ends = [f"{16**4 * k // number:04x}" for k in range(1, number)]
    yield from pairwise(["", *ends, END])


def twice(part: Part, run: str) -> str:
    """What is said of a part with a run that another has with other numbers."""
    return f"{part.path}: holds the run {run}, which another part has too"


def sound(path: Path) -> bool:
    """Whether a file is what its name says."""
    try:
        verified(path)
    except Damaged:
        return False
    return True


def origin_of(study: Study) -> dict[str, Any]:
    """Of study.json, what a part is held against."""
    return {"format": FORMAT, "identity": study.digest, "codes": [], "declared": {"code": study.declared["code"]}}


def damage_in_words(wrong: Sequence[str], home: Path) -> str:
    """Parts that are damaged or strange, in a line."""
    if len(wrong) == 1:
        return wrong[0]
    return f"{number_of(len(wrong), 'part')} are not what they should be: {in_short(wrong, '; ', home)}"


def in_short(texts: Sequence[str], between: str, home: Path | None = None) -> str:
    """The first of some texts, and how many more there are; paths as they stand in a folder."""
    shown = [text if home is None else text.removeprefix(f"{home}{os.sep}") for text in texts[: TOLD + 1]]
    if len(texts) <= TOLD + 1:
        return between.join(shown)
    return f"{between.join(shown[:TOLD])} and {len(texts) - TOLD:,} more"
