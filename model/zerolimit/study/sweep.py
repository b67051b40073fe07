"""The coordinator of a study: hands batches of runs to an executor, keeps what they leave, and can be killed at any time.

Nothing but the folder's parts says what is done (folder.py). Runs in flight at a kill are done again; none is missing, and
none appears twice. A batch is some seconds of a worker's time (portions.py), and is on the disk as soon as it is finished: a
thread of its own writes (writing.py). One that kills its worker is halved until the run is found that does, and that one
fails alone. Dask accuses what waits at a worker along with what kills it: who is accused there is tried at the end, alone.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput
from zerolimit.basics.files import path_of
from zerolimit.basics.progress import Progress
from zerolimit.basics.wording import number_of
from zerolimit.engine.registry import SMALL, chosen
from zerolimit.platform import steps
from zerolimit.results.digest import write_json
from zerolimit.run.warm import prepare
from zerolimit.study.definition import Study, read_study
from zerolimit.study.executors import ATTEMPTS, CannotStart, WorkerDied, dask_executor, died, local_pool, main_is_file
from zerolimit.study.folder import ASIDE, ERRORS, PROGRESS, TIMES, Folder, Part, damage_in_words
from zerolimit.study.lock import Lock, holding
from zerolimit.study.portions import MOST_VALUES, Portions
from zerolimit.study.screen import Reached, Watch, watching
from zerolimit.study.tables import of_run, part_table, refuse_other_columns, same_rows
from zerolimit.study.worker import Done, Failed, OtherCode, Place, Task, do, user_rules_of
from zerolimit.study.writing import Writing

if TYPE_CHECKING:
    from zerolimit.study.results import Results

RUNS = "runs"
AHEAD = 2
"""Batches handed out per worker: one that it does, one that waits for it."""
TELL = 2.0
"""Seconds between two words of progress for other terminals."""
TRIED = 5
"""Runs of another version of the code that are run again before the others are taken for ours."""
RECENT = 100
"""Batches over which the rate is taken."""


@dataclass(frozen=True)
class Swept:
    """How a sweep ended."""

    folder: Path
    total: int
    done: int
    failed: int


class Sweep:
    """One coordinator at work in a study's folder."""

    def __init__(self, study: Study, folder: Folder, lock: Lock, watch: Watch, say: Callable[[str], None]) -> None:
        self.study, self.folder, self.lock, self.watch, self.say = study, folder, lock, watch, say
        self.ledger: set[str] = set()
        """Runs that are on the disk."""
        self.total = 0
        self.failed = 0
        self.deaths: Counter[str] = Counter()
        """Workers that a run alone has cost."""
        self.accused: deque[Task] = deque()
        """Runs that were at a worker of Dask's each time when one died: at work, or waiting for another one's end."""
        self.finished: deque[tuple[float, int]] = deque(maxlen=RECENT)
        """When how many runs were finished."""
        self.longest = 0.0
        """Seconds from one finished batch to the next, at most."""
        self.told = 0.0
        self.schema = folder.part_schema()
        self.columns_known = True
        """Whether the columns of a user-defined measure are."""
        self.times: TextIO | None = None
        self.writing = Writing(self.write, 2 * MOST_VALUES)

    def run(self, executor: Executor, window: Callable[[], int]) -> None:
        """All runs that are not in the ledger, no more than `window()` batches of them handed out at a time."""
        study, job = self.study, self.study.job()
        here = study.scenario.borrowers
        portions = Portions(
            (task for task in study.tasks() if task.run not in self.ledger),
            self.total - len(self.ledger),
            lambda task: int(task.values.get("borrowers", here)),
            study.rows * len(self.schema),
        )
        self.columns_known = study.measure is None or bool(self.ledger)
        flying: dict[Future[Any], tuple[Task, ...]] = {}
        name = f"{socket.gethostname()}-{os.getpid()}-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"
        with open(self.folder.path / TIMES / name, "w", encoding="utf-8", buffering=1) as self.times, self.writing:
            self.tell(force=True)
            while True:
                at_once = window()
                workers = max(1, at_once // AHEAD)
                while len(flying) < at_once and not self.writing.behind and (tasks := portions.next(workers)):
                    flying[executor.submit(do, job, tasks, workers)] = tasks
                if not flying and self.accused and not self.writing.behind:  # nothing else is there to be at fault
                    tasks = (self.accused.popleft(),)
                    flying[executor.submit(do, job, tasks, 1)] = tasks
                finished: set[Future[Any]] = set()
                if flying:
                    finished, _ = wait(flying, timeout=0.5, return_when=FIRST_COMPLETED)
                elif self.writing.behind:
                    self.writing.flush()
                else:
                    break
                if self.writing.error is not None:
                    raise self.writing.error
                if self.lock.lost:
                    raise BadInput(f"{self.folder.path}: taken over by {self.lock.lost}; {self.kept()}")
                for future in finished:
                    self.settle(flying.pop(future), future, portions)
                self.tell()

    def settle(self, tasks: tuple[Task, ...], future: Future[Any], portions: Portions) -> None:
        """What became of a batch is given to who writes; or it is done again, a half at a time."""
        results: list[Done | Failed]
        try:
            results = future.result()
        except OtherCode:
            raise
        except CancelledError:
            raise BadInput(f"the cluster is gone; {self.kept()}") from None
        except CannotStart as error:
            raise BadInput(f"{error}; {self.kept()}") from None
        except Exception as error:
            killed = type(error).__name__ == "KilledWorker"  # Dask's, for all that the worker had, each time it died
            if not (killed or isinstance(error, WorkerDied)):
                raise BadInput(f"the executor failed: {type(error).__name__}: {error}; {self.kept()}") from error
            (first, *others) = tasks
            self.deaths[first.run] += not others
            if killed and not others and self.deaths[first.run] == 1:
                self.accused.append(first)
                return
            if others or not (killed or self.deaths[first.run] == ATTEMPTS):
                portions.halve(tasks)
                return
            told = str(error) if killed else died(ATTEMPTS)
            results = [Failed(first.run, told, "", Place("", 0, 0.0, 0.0))]
        else:
            portions.learn(tasks, sum(one.place.seconds for one in results), (results[0].place.host, results[0].place.pid))
        self.writing.give((tasks, results), len(tasks) * portions.values)
        self.note(len(tasks))

    def note(self, runs: int) -> None:
        """A batch is finished."""
        now = time.monotonic()
        if self.finished:
            self.longest = max(self.longest, now - self.finished[-1][0])
        self.finished.append((now, runs))

    def write(self, finished: list[tuple[tuple[Task, ...], list[Done | Failed]]]) -> None:
        """What batches left, as one part; failed runs by themselves. Nothing where another coordinator has the folder."""
        if self.lock.lost:
            return
        done: list[Done] = []
        for tasks, results in finished:
            for task, result in zip(tasks, results, strict=True):
                if isinstance(result, Done):
                    try:
                        self.know_columns(result)
                        refuse_other_columns(self.schema, result)
                    except BadInput as error:
                        self.fail(task, Failed(task.run, str(error), "", result.place))
                    else:
                        done.append(result)
                else:
                    self.fail(task, result)
        if done:
            done.sort(key=lambda one: one.run)
            self.folder.keep(part_table(self.schema, done))
            self.ledger.update(one.run for one in done)
            self.note_times(done)

    def know_columns(self, done: Done) -> None:
        """The columns of a user-defined measure are those of the first run."""
        if not self.columns_known:
            known = {*self.schema.names}
            self.schema = self.folder.add_columns(name for name in done.columns if name not in known)
            self.columns_known = True

    def note_times(self, done: list[Done]) -> None:
        """Who did which run, and how long it took."""
        assert self.times is not None
        for one in done:
            place = one.place
            record = {
                "run": one.run,
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
        """What a broken-off sweep says, once what was finished is written."""
        self.writing.flush()
        return f"{len(self.ledger):,} of {self.total:,} runs are kept; go on with --resume"

    def reached(self) -> Reached:
        """How far we are. Until the next batch is due, the rate stays, and what is left goes by the clock."""
        rate, since = None, 0.0
        if len(self.finished) > 1:
            now, first, last = time.monotonic(), self.finished[0][0], self.finished[-1][0]
            since = min(now - last, self.longest)
            took = max(last - first, now - first - self.longest)
            if took > 0.0:
                rate = (sum(runs for _, runs in self.finished) - self.finished[0][1]) / took
        return Reached(len(self.ledger), self.failed, self.total, rate, since)

    def tell(self, *, force: bool = False) -> None:
        """Progress, here and for other terminals."""
        now = self.reached()
        self.watch(now)
        if force or time.monotonic() - self.told > TELL:
            self.told = time.monotonic()
            record = {"done": now.done, "failed": now.failed, "total": now.total, "rate": now.rate, "left": now.left}
            with suppress(OSError):  # a full disk is told of by the next part
                write_json(self.folder.path / PROGRESS, {**record, "at": datetime.now(UTC).isoformat(timespec="seconds")})


@public
def sweep(
    study: Study,
    out: Path | str | None = None,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    executor: Executor | None = None,
    resume: bool = False,
    extend: bool = False,
    take_over: bool = False,
    watch: Watch = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
) -> Swept:
    """Do a study's runs that are not done yet, in its folder.

    By default in processes of this machine; on a Dask cluster with `cluster` (an address, or local); on any `executor`
    with `workers` batches of runs at a time. `resume` goes on in a folder that has some of the runs; `extend` does so with
    another design of the same study, and keeps the runs that both have. BadInput where the folder is another study's, or
    another coordinator's. A study's rule files are code: they are run when all else has been checked.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise BadInput(f"workers: a whole number of at least 1 is needed, not {workers!r}")
    folder = Folder(path_of(out, "out") if out is not None else path_of(Path(RUNS) / study.name, "name"))
    count = workers or os.cpu_count() or 1
    try:
        folder.check(study, resume=resume, extend=extend)
        with made(folder.path), holding(folder.path, take_over=take_over) as lock:
            folder.check(study, resume=True, extend=extend)
            for path, name in study.rule_files:
                say(f"runs code of the study's: {path}, for the rule {name}")
            folder.check(study, resume=True, extend=extend, ran=True)
            for text in study.cautions:
                say(text)
            return conduct(study, folder, lock, count, cluster, executor, watch, say)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        there = folder.count() if folder.path.is_dir() else 0
        raise BadInput(
            f"{folder.path}: cannot be written: {why}; {there:,} finished runs are kept; go on with --resume"
        ) from error


@contextmanager
def made(path: Path) -> Iterator[None]:
    """A folder that is there; one that was made for nothing is removed again."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for one in missing:
            with suppress(OSError):  # it is not empty
                one.rmdir()


def conduct(
    study: Study,
    folder: Folder,
    lock: Lock,
    workers: int,
    cluster: str | None,
    executor: Executor | None,
    watch: Watch,
    say: Callable[[str], None],
) -> Swept:
    """Try what another code made, take stock, start the workers, run, merge."""
    folder.clear_abandoned()
    total = sum(1 for _ in study.placed())
    with ExitStack() as stack:
        found: list[tuple[Executor, Callable[[], int]]] = []

        def at_work(runs: int) -> tuple[Executor, Callable[[], int]]:
            """Who does the runs; started when they are first needed."""
            if not found:
                found.append(started(study, stack, runs, workers, cluster, executor, say))
            return found[0]

        if others := folder.of_other_code(study):
            try_again(study, folder, others, at_work(total)[0], say)
        folder.begin(study, total, tried=bool(others))
        one = Sweep(study, folder, lock, watch, say)
        one.total = total
        one.ledger, wrong = folder.take_stock()
        if wrong:
            damage = damage_in_words(wrong, folder.path)
            say(f"{damage}; set aside in {folder.path / ASIDE}, and what is lacking is run again")
        left = one.total - len(one.ledger)
        if left:
            one.run(*at_work(left))
    one.tell(force=True)
    if len(one.ledger) == one.total and (left or wrong or folder.merged() is None):
        folder.merge()
    return Swept(folder.path, one.total, len(one.ledger), one.failed)


def started(
    study: Study,
    stack: ExitStack,
    runs: int,
    workers: int,
    cluster: str | None,
    executor: Executor | None,
    say: Callable[[str], None],
) -> tuple[Executor, Callable[[], int]]:
    """Who does the runs, and how many are handed out at a time."""
    if executor is not None:
        return executor, lambda: AHEAD * workers
    if cluster is not None:
        dask, cores = stack.enter_context(dask_executor(cluster, workers, say))
        return dask, every(TELL, lambda: AHEAD * max(1, cores()))
    compile_once(study, say)
    workers = min(workers, runs)
    return stack.enter_context(local_pool(workers, attempts=1)), lambda: AHEAD * workers


def try_again(study: Study, folder: Folder, there: dict[str, Part], executor: Executor, say: Callable[[str], None]) -> None:
    """Some runs that another version of the code made, run again: BadInput where one gives other numbers."""
    tried = sorted((task for task in study.tasks() if task.run in there), key=lambda task: task.run)[:TRIED]
    declared, job = folder.must_be_declared(), study.job()
    for task, future in [(task, executor.submit(do, job, (task,))) for task in tried]:
        before = of_run(folder.read(there[task.run], declared), task.run)
        try:
            (result,) = future.result()
        except BadInput:
            raise
        except Exception as error:
            raise BadInput(f"{folder.path}: the run {task.run} could not be tried: {error}; nothing was changed") from error
        if not isinstance(result, Done) or not same_rows(part_table(before.schema, [result]), before):
            raise BadInput(
                f"{folder.path}: was made by another version of the code, which gave other numbers (run {task.run});"
                " take another --out"
            )
    kept, told_of = number_of(len(there), "run"), f"{len(tried)} of them, run again with this one, gave the same"
    say(f"{kept} of another version of the code are kept: {told_of}")


def every(seconds: float, ask: Callable[[], int]) -> Callable[[], int]:
    """A number that is asked for anew only so often."""
    known: list[tuple[float, int]] = []

    def number() -> int:
        if not known or time.monotonic() - known[-1][0] > seconds:
            known[:] = [(time.monotonic(), ask())]
        return known[-1][1]

    return number


def compile_once(study: Study, say: Callable[[str], None]) -> None:
    """The compiled month and platform, in the cache that workers read, before there are workers: none compiles by itself."""
    from zerolimit.run.simulation import Simulation

    known = study.portfolio is None and "borrowers" not in study.design.keys
    engine = chosen(study.settings.engine, study.scenario.borrowers if known else SMALL, user_rules=bool(study.rules))
    if engine.compiles and study.rules:
        small = study.scenario.change(borrowers=SMALL)
        Simulation(small, 1, engine=engine.name, rules=user_rules_of(study.rules), say=say).close()
        steps.prepare()
    else:
        prepare(engine, say)


@public
def run_study(
    source: Any,
    *,
    out: Path | str | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    executor: Executor | None = None,
    resume: bool = True,
    extend: bool = False,
    take_over: bool = False,
    code: bool = True,
    measure: Any = None,
    progress: Progress = True,
    **settings: Any,
) -> Results:
    """Run a study and read its results: `zerolimit.study(...)`.

    `source` is a study's folder, its study.toml, or a mapping of the same words; keywords replace them. A study that names
    rule files brings code, which is run; with `code=False` such a study is refused. What `out` (default runs/NAME) holds
    already of the same study is not run again; with `extend`, nor what it holds of a smaller design of it. `measure` is a
    function of the finished Simulation that gives names and numbers to keep. Runs that fail are in `.failures()` and do not
    stop the others. `progress` shows a bar where it takes long, or is called with the runs done and all runs.
    """
    from zerolimit.study.results import load_results

    typed = measure is not None and measure.__module__ == "__main__" and not main_is_file()
    if typed and executor is None:
        raise BadInput(f"measure: {measure.__qualname__} cannot be imported by the workers: put it in a file of its own")
    study = read_study(source, measure=measure, code=code, **settings)
    with watching(study.name, progress) as (watch, say):
        swept = sweep(
            study,
            out,
            workers=workers,
            cluster=cluster,
            executor=executor,
            resume=resume,
            extend=extend,
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
