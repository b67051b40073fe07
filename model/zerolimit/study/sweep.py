"""The coordinator of a study: hands runs to an executor, keeps each that finishes at once, and can be killed at any time.

Nothing but the folder's parts says what is done (folder.py). A run in flight at a kill is done again; none is missing, and
none appears twice.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from zerolimit.errors import BadInput
from zerolimit.study.definition import Study, read_study
from zerolimit.study.executors import CannotStart, WorkerDied, dask_executor, local_pool, main_is_file
from zerolimit.study.folder import ERRORS, MERGED, PROGRESS, TIMES, Folder, part_schema, part_table, write_json
from zerolimit.study.lock import Lock, held
from zerolimit.study.worker import Done, Failed, OtherCode, Place, Task, do, own_rules_of

if TYPE_CHECKING:
    from zerolimit.study.results import Results

RUNS = "runs"
AHEAD = 2
"""Runs handed out per worker: one that it does, one that waits for it."""
TELL = 2.0
"""Seconds between two words of progress for other terminals."""
RECENT = 500
"""Runs over which the rate is taken."""


@dataclass(frozen=True)
class Progress:
    """How far a sweep is."""

    done: int
    failed: int
    total: int
    rate: float | None
    """Runs a second, of late."""

    @property
    def left(self) -> float | None:
        """Seconds left at this rate."""
        return (self.total - self.done - self.failed) / self.rate if self.rate else None


@dataclass(frozen=True)
class Swept:
    """How a sweep ended."""

    folder: Path
    total: int
    done: int
    failed: int


Watch = Callable[[Progress], None]


class Sweep:
    """One coordinator at work in a study's folder."""

    def __init__(self, study: Study, folder: Folder, lock: Lock, watch: Watch, say: Callable[[str], None]) -> None:
        self.study, self.folder, self.lock, self.watch, self.say = study, folder, lock, watch, say
        self.ledger: set[str] = set()
        self.total = 0
        self.failed = 0
        self.finished: deque[float] = deque(maxlen=RECENT)
        self.told = 0.0
        self.schema = part_schema(study)
        self.grown = study.measure is None
        self.times: TextIO | None = None

    def run(self, executor: Executor, window: Callable[[], int]) -> None:
        """All runs that are not in the ledger, no more than `window()` of them handed out at a time."""
        study, job = self.study, self.study.job()
        todo = (task for task in study.tasks() if task.run not in self.ledger)
        flying: dict[Future[Any], Task] = {}
        name = f"{socket.gethostname()}-{os.getpid()}-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"
        with open(self.folder.path / TIMES / name, "w", encoding="utf-8", buffering=1) as self.times:
            self.tell(force=True)
            while True:
                for _ in range(window() - len(flying)):
                    task = next(todo, None)
                    if task is None:
                        break
                    flying[executor.submit(do, job, task)] = task
                if not flying:
                    break
                finished, _ = wait(flying, timeout=0.5, return_when=FIRST_COMPLETED)
                if self.lock.lost:
                    raise BadInput(f"{self.folder.path}: taken over by {self.lock.lost}; {self.kept()}")
                for future in finished:
                    self.settle(flying.pop(future), future)
                self.tell()

    def settle(self, task: Task, future: Future[Any]) -> None:
        """What became of a run goes to the disk."""
        try:
            result = future.result()
        except OtherCode:
            raise
        except CancelledError:
            raise BadInput(f"the cluster is gone; {self.kept()}") from None
        except CannotStart as error:
            raise BadInput(f"{error}; {self.kept()}") from None
        except Exception as error:
            if not (isinstance(error, WorkerDied) or type(error).__name__ == "KilledWorker"):
                raise BadInput(f"the executor failed: {type(error).__name__}: {error}; {self.kept()}") from error
            result = Failed(task.run, str(error), "", Place("", 0, 0.0, 0.0))
        if isinstance(result, Done):
            self.keep(task, result)
        else:
            self.fail(task, result)
        self.finished.append(time.monotonic())

    def keep(self, task: Task, done: Done) -> None:
        """A finished run: its part, then its time."""
        if not self.grown:
            known = {*self.schema.names}
            self.schema = self.folder.add_columns(name for name in done.columns if name not in known)
            self.grown = True
        try:
            table = part_table(self.schema, task, done)
        except BadInput as error:
            self.fail(task, Failed(task.run, str(error), "", done.place))
            return
        self.folder.keep(table, task.run)
        self.ledger.add(task.run)
        if self.times is not None:
            place = done.place
            record = {
                "run": task.run,
                "host": place.host,
                "pid": place.pid,
                "seconds": place.seconds,
                "inside": place.inside,
            }
            self.times.write(json.dumps(record) + "\n")

    def fail(self, task: Task, failed: Failed) -> None:
        """A failed run is written down, and the others go on."""
        self.folder.keep_failure(task, failed)
        self.failed += 1

    def kept(self) -> str:
        """What a broken-off sweep says."""
        return f"{len(self.ledger):,} of {self.total:,} runs are kept; go on with --resume"

    def progress(self) -> Progress:
        """How far we are."""
        rate = None
        if len(self.finished) > 1 and self.finished[-1] > self.finished[0]:
            rate = (len(self.finished) - 1) / (time.monotonic() - self.finished[0])
        return Progress(len(self.ledger), self.failed, self.total, rate)

    def tell(self, *, force: bool = False) -> None:
        """Progress, here and for other terminals."""
        now = self.progress()
        self.watch(now)
        if force or time.monotonic() - self.told > TELL:
            self.told = time.monotonic()
            record = {"done": now.done, "failed": now.failed, "total": now.total, "rate": now.rate, "left": now.left}
            with suppress(OSError):  # a full disk is told of by the next part
                write_json(self.folder.path / PROGRESS, {**record, "at": datetime.now(UTC).isoformat(timespec="seconds")})


def sweep(
    study: Study,
    out: Path | str | None = None,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    executor: Executor | None = None,
    resume: bool = False,
    take_over: bool = False,
    watch: Watch = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
) -> Swept:
    """Do a study's runs that are not done yet, in its folder.

    By default in processes of this machine; on a Dask cluster with `cluster` (an address, or local); on any `executor`
    with `workers` runs at a time. BadInput where the folder is another study's, or another coordinator's.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise BadInput(f"workers: a whole number of at least 1 is needed, not {workers!r}")
    folder = Folder(Path(out) if out is not None else Path(RUNS) / study.name)
    count = workers or os.cpu_count() or 1
    try:
        folder.check(study, resume=resume)
        folder.path.mkdir(parents=True, exist_ok=True)
        with held(folder.path, take_over=take_over) as lock:
            folder.check(study, resume=True)
            for text in study.cautions:
                say(text)
            one = Sweep(study, folder, lock, watch, say)
            return conduct(one, count, cluster, executor)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        there = folder.count() if folder.path.is_dir() else 0
        raise BadInput(
            f"{folder.path}: cannot be written: {why}; {there:,} finished runs are kept; go on with --resume"
        ) from error


def conduct(one: Sweep, workers: int, cluster: str | None, executor: Executor | None) -> Swept:
    """Take stock, start the workers, run, merge."""
    study, folder = one.study, one.folder
    folder.clear_abandoned()
    runs = [task.run for task in study.tasks()]
    one.total = len(runs)
    folder.begin(study, one.total)
    there = [*folder.done()]
    if strange := sorted({*there} - {*runs}):
        raise BadInput(f"{folder.part(strange[0])}: is no run of this study; take it out of the folder")
    for run in there:
        if folder.damaged(run):
            one.say(f"a part was damaged when the machine went down, its run is done again: {run}")
            folder.part(run).unlink()
        else:
            one.ledger.add(run)
    if study.measure is not None and one.ledger:
        one.schema, one.grown = folder.schema(), True
    left = one.total - len(one.ledger)
    if left:
        with ExitStack() as stack:
            window: Callable[[], int]
            if executor is not None:
                window = lambda: AHEAD * workers  # noqa: E731
            elif cluster is not None:
                executor, cores = stack.enter_context(dask_executor(cluster, workers))
                window = every(TELL, lambda: AHEAD * max(1, cores()))
            else:
                compile_once(study, one.say)
                workers = min(workers, left)
                executor = stack.enter_context(local_pool(workers))
                window = lambda: AHEAD * workers  # noqa: E731
            one.run(executor, window)
    one.tell(force=True)
    if len(one.ledger) == one.total and (left or not (folder.path / MERGED).is_file()):
        folder.export(folder.path / MERGED)
    return Swept(folder.path, one.total, len(one.ledger), one.failed)


def every(seconds: float, ask: Callable[[], int]) -> Callable[[], int]:
    """A number that is asked for anew only so often."""
    known: list[tuple[float, int]] = []

    def number() -> int:
        if not known or time.monotonic() - known[-1][0] > seconds:
            known[:] = [(time.monotonic(), ask())]
        return known[-1][1]

    return number


def compile_once(study: Study, say: Callable[[str], None]) -> None:
    """The compiled month, in the cache that workers read, before there are workers: none compiles by itself."""
    from zerolimit.simulation import SMALL, Simulation

    small = (
        not study.rules
        and study.portfolio is None
        and study.scenario.borrowers < SMALL
        and "borrowers" not in study.design.keys
    )
    if study.settings.engine == "objects" or (study.settings.engine == "auto" and small):
        return
    from zerolimit.engine.compiled import ordinary_loops

    if study.rules:
        Simulation(
            study.scenario.change(borrowers=SMALL), 1, engine="compiled", rules=own_rules_of(study.rules), say=say
        ).close()
    else:
        ordinary_loops().compile_all(say)


def run_study(
    source: Any,
    *,
    out: Path | str | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    executor: Executor | None = None,
    resume: bool = True,
    take_over: bool = False,
    measure: Any = None,
    quiet: bool = False,
    **settings: Any,
) -> Results:
    """Run a study and read its results: `zerolimit.study(...)`.

    `source` is a study's folder, its study.toml, or a mapping of the same words; keywords replace them. What `out` (default
    runs/NAME) holds already of the same study is not run again. `measure` is a function of the finished Simulation that
    gives names and numbers to keep. Runs that fail are in `.failures()` and do not stop the others.
    """
    from zerolimit.study.results import load_results
    from zerolimit.study.screen import watching

    typed = measure is not None and measure.__module__ == "__main__" and not main_is_file()
    if typed and executor is None:
        raise BadInput(f"measure: {measure.__qualname__} cannot be imported by the workers: put it in a file of its own")
    made = read_study(source, measure=measure, **settings)
    with watching(made.name, quiet) as (watch, say):
        swept = sweep(
            made,
            out,
            workers=workers,
            cluster=cluster,
            executor=executor,
            resume=resume,
            take_over=take_over,
            watch=watch,
            say=say,
        )
    return load_results(swept.folder)


def failures_told(swept: Swept, again: str) -> Iterator[str]:
    """What is said of runs that failed."""
    if swept.failed:
        yield f"{swept.failed:,} of {swept.total:,} runs failed; {swept.folder / ERRORS} says why, with their seeds"
        yield f"run them again with: {again}"
