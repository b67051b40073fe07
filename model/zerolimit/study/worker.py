"""Runs of a study in batches, wherever they are run. Knows no files, no coordinator and no Mesa: numbers in, numbers out."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from zerolimit.basics.errors import BadInput, nearest
from zerolimit.parameters.scenario import Scenario
from zerolimit.platform.monthly_rows import PlatformRows
from zerolimit.results.columns import BY, told
from zerolimit.rules.rule import Rule, fingerprint
from zerolimit.run.batch import Batch
from zerolimit.run.recorded import Counts, Recorded
from zerolimit.run.simulation import Simulation, bytes_of_ties
from zerolimit.study.accounts import Accounts, Decisions
from zerolimit.study.code import code_hash
from zerolimit.study.design import Point, split
from zerolimit.study.measures import ALWAYS_READ, RUN_MEASURES, Watched
from zerolimit.study.rounds import budget, bytes_of_month, bytes_of_world, in_rounds
from zerolimit.study.tables import as_kept
from zerolimit.vocabulary.cells import CELLS, CELLS_PER_SEGMENT
from zerolimit.vocabulary.names import SEGMENTS

Measure = Callable[[Any], Mapping[str, float]]


class OtherCode(BadInput):
    """A worker has another version of the code than the coordinator: its numbers could differ."""


@dataclass(frozen=True)
class Clients:
    """A portfolio's file, its hash, and the options of reading it as JSON."""

    path: str
    sha256: str
    options: str

    @property
    def identity(self) -> str | list[Any]:
        """What counts of it in a run's identity: the file alone where it is read without options."""
        options = json.loads(self.options)
        return [self.sha256, options] if options else self.sha256


@dataclass(frozen=True)
class Job:
    """What all runs of a study have in common."""

    scenario: Scenario
    later: dict[int, Point]
    months: int
    burn_in: int
    by: tuple[str, ...]
    counts: tuple[str, ...]
    platform: tuple[str, ...]
    measures: tuple[str, ...]
    measure: Measure | None
    portfolio: Clients | None
    rules: tuple[tuple[str, str, str], ...]
    """File, name and hash of each user-defined rule."""
    engine: str
    source: str
    ties: str | None = None
    """Hash of the scenario's network_file."""


@dataclass(frozen=True)
class Task:
    """One run: its hash, its place in the design, and what is particular to it."""

    run: str
    point: int
    replication: int
    seed: int
    values: Point


@dataclass(frozen=True)
class Place:
    """Where and how long: of runs that were run together, each has its share of the time."""

    host: str
    pid: int
    seconds: float
    """Of the whole run."""
    inside: float
    """Of them, in the months and in recording them."""


@dataclass(frozen=True)
class Done:
    """A finished run: a row for each of the months, segments and deciles kept apart, one row without."""

    run: str
    columns: dict[str, list[Any]]
    place: Place


@dataclass(frozen=True)
class Failed:
    """A run that raised."""

    run: str
    error: str
    trace: str
    place: Place


def do(job: Job, tasks: Sequence[Task], workers: int = 1) -> list[Done | Failed]:
    """A batch of runs, in the order of the tasks. An error is returned, not raised: it is its run's and nobody else's.

    `workers` may be at work on this machine, and share the memory that is free.
    """
    if code_hash() != job.source:
        raise OtherCode(
            f"the worker {socket.gethostname()} (process {os.getpid()}) has another zerolimit than the coordinator:"
            " install the same version on both"
        )
    needed = [bytes_of(job, task) for task in tasks]
    return [one for some in in_rounds(needed, budget(workers)) for one in together(job, tasks[some])]


def bytes_of(job: Job, task: Task) -> int:
    """Memory that a run takes, with what it keeps until its end and, where it needs one, its shadow."""
    network, acquaintances, file = (first_value(job, task, name) for name in ("network", "acquaintances", "network_file"))
    shadow = any(RUN_MEASURES[name].shadow for name in job.measures)
    whole = shadow or job.measure is not None
    world = bytes_of_world(
        job.engine,
        size_of(job, task),
        ties=bytes_of_ties(network, acquaintances),
        recorded=job.months * bytes_of_month(None if whole else held(job.counts)),
        rules=bool(job.rules),
    )
    return (1 + shadow) * world + (file_size(file) if network == "file" else 0)


def size_of(job: Job, task: Task) -> int:
    """A run's borrowers: a portfolio's, or what the scenario says. A file that cannot be read is told of by its runs."""
    if job.portfolio is not None:
        with suppress(BadInput):
            return int(clients(job.portfolio).size)
    return int(first_value(job, task, "borrowers"))


def first_value(job: Job, task: Task, name: str) -> Any:
    """A parameter of a task's world in its first month."""
    return task.values.get(name, getattr(job.scenario, name))


def together(job: Job, tasks: Sequence[Task]) -> list[Done | Failed]:
    """Runs in one batch. Where it breaks as a whole, and no world of it can be named, its halves are tried."""
    began = time.perf_counter()
    try:
        return BatchOfRuns(job, tasks).run()
    except Exception as error:
        if len(tasks) == 1:
            return [failed(tasks[0], error, Place(socket.gethostname(), os.getpid(), time.perf_counter() - began, 0.0))]
    half = len(tasks) // 2
    return [*together(job, tasks[:half]), *together(job, tasks[half:])]


def failed(task: Task, error: Exception, place: Place) -> Failed:
    """What is told of a run that raised."""
    return Failed(task.run, f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)), place)


class BatchOfRuns:
    """Runs that go through their months together, each in a world of its own."""

    def __init__(self, job: Job, tasks: Sequence[Task]) -> None:
        self.job, self.tasks = job, tasks
        self.wanted = [RUN_MEASURES[name] for name in job.measures]
        self.errors: dict[int, Exception] = {}
        """What runs failed with, by their number in `tasks`."""
        self.columns: dict[int, dict[str, list[Any]]] = {}
        """What the others leave."""

    def run(self) -> list[Done | Failed]:
        """All of them, in the order of the tasks."""
        began = time.perf_counter()
        worlds: dict[int, tuple[Scenario, int]] = {}
        for number, task in enumerate(self.tasks):
            with self.its_own(number):
                worlds[number] = self.scenario(task), task.seed
        numbers, job = [*worlds], self.job
        batch = Batch.begin(
            worlds.values(),
            engine=job.engine,
            threads=1,
            portfolio=None if job.portfolio is None else clients(job.portfolio),
            rules=user_rules_of(job.rules),
        )
        try:
            inside = time.perf_counter()
            self.months(batch, numbers)
            took = time.perf_counter() - inside
        finally:
            batch.close()
        self.errors.update({numbers[at]: error for at, error in batch.failures.items() if numbers[at] not in self.errors})
        return self.ended(time.perf_counter() - began, took)

    @contextmanager
    def its_own(self, number: int) -> Iterator[None]:
        """What goes wrong inside is this run's."""
        try:
            yield
        except Exception as error:
            self.errors[number] = error

    def scenario(self, task: Task) -> Scenario:
        """A run's world in its first month."""
        job = self.job
        scenario = job.scenario.change(**split(task.values)[0])
        if scenario.network_file == job.scenario.network_file and file_hash(scenario.network_file) != job.ties:
            here = f"on {socket.gethostname()} it is another file than the coordinator's"
            raise BadInput(f"{scenario.network_file}: {here}")
        return scenario

    def months(self, batch: Batch, numbers: Sequence[int]) -> None:
        """All months, with what changes on the way, watched as far as the measures need it; then what is left of them."""
        job = self.job
        changes = {at: split(self.tasks[number].values)[1] for at, number in enumerate(numbers)}
        moved = {*job.later, *(month for some in changes.values() for month in some)}
        seen = {at: Accounts(world) for at, world in batch.worlds.items()} if any(one.cuts for one in self.wanted) else {}
        decisions = {at: Decisions(accounts) for at, accounts in seen.items()}
        shadows = {}
        if any(one.shadow for one in self.wanted):
            from zerolimit.explanation.kept_lines import Shadow

            shadows = {at: Shadow(world) for at, world in batch.worlds.items()}
        for month in range(job.months):
            for at, world in batch.worlds.items() if month in moved else ():
                due = {**job.later.get(month, {}), **changes[at].get(month, {})}
                if due and numbers[at] not in self.errors:
                    with self.its_own(numbers[at]):
                        world.change(**due)
            if not shadows:
                batch.step()
            for at in batch.worlds if shadows or seen else ():
                if numbers[at] in self.errors:
                    continue
                with self.its_own(numbers[at]):
                    if shadows:
                        shadows[at].step()
                    if seen:
                        seen[at].record()
                        decisions[at].record()
            if job.measure is None:
                shorten(batch.worlds.values(), held(job.counts))
        left = {at: world for at, world in batch.worlds.items() if numbers[at] not in self.errors}
        summed = totals([world.history[job.burn_in :] for world in left.values()], job)
        for (at, world), columns in zip(left.items(), summed, strict=True):
            with self.its_own(numbers[at]):
                zeros = shadows[at].followed() if shadows else None
                watched = Watched(world, job.burn_in, zeros, decisions[at].cuts() if seen else None)
                self.columns[numbers[at]] = self.measured(watched, columns)

    def measured(self, watched: Watched, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """The columns that a run leaves: what was summed, and its measures."""
        job, simulation = self.job, watched.simulation
        rows = len(columns["months"])
        for name, one in zip(job.measures, self.wanted, strict=True):
            columns[name] = [float(one.of(watched))] * rows
        if job.measure is not None:
            for name, value in job.measure(simulation).items():
                if name in columns:
                    raise BadInput(f"measure: {name!r} is kept already; take another name")
                columns[name] = [float(value)] * rows
        return columns

    def ended(self, seconds: float, inside: float) -> list[Done | Failed]:
        """What became of each; of the batch's time, each has the share of its borrowers."""
        sizes = [size_of(self.job, task) for task in self.tasks]
        found: list[Done | Failed] = []
        for number, task in enumerate(self.tasks):
            share = sizes[number] / sum(sizes)
            place = Place(socket.gethostname(), os.getpid(), seconds * share, inside * share)
            if number in self.errors:
                found.append(failed(task, self.errors[number], place))
            else:
                found.append(Done(task.run, self.columns[number], place))
        return found


def shorten(worlds: Iterable[Simulation], names: Sequence[str]) -> None:
    """Of the last month only the counts that are wanted are held: of hundreds of worlds together the others are much."""
    taken: dict[int, Counts] = {}
    for one in worlds:
        if not one.history:
            continue
        last = one.history[-1]
        tables = taken.get(id(last.tables))
        if tables is None:
            tables = {name: last.tables[name].copy() for name in names if name in last.tables}
            taken[id(last.tables)] = tables
        one.history[-1] = Recorded(last.month, tables, last.world, last.rows)


@cache
def held(counts: tuple[str, ...]) -> tuple[str, ...]:
    """The counts that a run's measures and totals read."""
    return tuple(dict.fromkeys((*counts, *ALWAYS_READ)))


def totals(histories: Sequence[list[Recorded]], job: Job) -> list[dict[str, list[Any]]]:
    """Of each run, sums over what is not kept apart. Counts are whole numbers; platform columns repeat for each row.

    Runs that went through their months together are summed together.
    """
    found: list[dict[str, list[Any]]] = [{} for _ in histories]
    side_by_side: dict[tuple[int, ...], list[int]] = {}
    for number, history in enumerate(histories):
        side_by_side.setdefault(tuple(id(one.tables) for one in history), []).append(number)
    for numbers in side_by_side.values():
        for number, columns in zip(numbers, totals_together([histories[one] for one in numbers], job), strict=True):
            found[number] = columns
    return found


def totals_together(histories: Sequence[list[Recorded]], job: Job) -> list[dict[str, list[Any]]]:
    """The same, of runs whose months are in the same tables."""
    months = histories[0]
    shape = (len(months), len(SEGMENTS), CELLS_PER_SEGMENT)
    summed = tuple(1 + axis for axis, name in enumerate(BY) if name not in job.by)
    kept = tuple(size for size, name in zip(shape, BY, strict=True) if name in job.by)
    labels: dict[str, list[Any]] = {
        "month": [one.month for one in months],
        "segment": list(SEGMENTS),
        "decile": list(range(CELLS_PER_SEGMENT)),
    }
    apart: dict[str, list[Any]] = {}
    grids = np.meshgrid(*(np.arange(size) for size in kept), indexing="ij")
    for name, grid in zip((name for name in BY if name in job.by), grids, strict=True):
        apart[name] = [labels[name][k] for k in grid.ravel()]
    rows = max(1, int(np.prod(kept)))
    apart["months"] = [1 if "month" in job.by else len(months)] * rows
    found = [dict(apart) for _ in histories]
    places = [np.array([one.world for one in some]) for some in zip(*histories, strict=True)]
    for name in job.counts:
        nothing = np.zeros((len(histories), CELLS), np.int64)
        tables = [one.tables[name][at] if name in one.tables else nothing for one, at in zip(months, places, strict=True)]
        cubes = np.stack(tables, axis=1).reshape(len(histories), *shape)
        for columns, numbers in zip(found, cubes.sum(axis=summed).reshape(len(histories), rows).tolist(), strict=True):
            columns[name] = numbers
    if job.platform:
        recorded = ([getattr(one.rows, table) for one in months] for table in ("whole", "real"))
        whole, real = (np.stack([one[at] for one, at in zip(some, places, strict=True)], axis=1) for some in recorded)
        platform = PlatformRows(whole, real)
    for name in job.platform:
        for columns, numbers in zip(found, told(name, platform.of(name)).astype(float), strict=True):
            if "month" in job.by:
                columns[name] = np.repeat(numbers, rows // len(months)).tolist()
            else:
                columns[as_kept(name, job.by)] = [float(sum(numbers.tolist()))] * rows
    return found


def user_rules_of(named: tuple[tuple[str, str, str], ...]) -> tuple[Rule, ...]:
    """User-defined rules; BadInput where one is another than the coordinator's."""
    found = []
    for path, name, known in named:
        rule = rule_in(path, name)
        if fingerprint(rule.function) != known:
            raise BadInput(f"{path}: on {socket.gethostname()} the rule {name} is another one than the coordinator's")
        found.append(rule)
    return tuple(found)


def file_hash(path: str | None) -> str | None:
    """Hash of a file's bytes; none without a file."""
    if path is None:
        return None
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise BadInput(f"{path}: {(error.strerror or str(error)).lower()}") from None


def file_size(path: str | None) -> int:
    """Bytes of a file; none without one."""
    return Path(path).stat().st_size if path is not None and Path(path).is_file() else 0


def rule_in(path: str, name: str) -> Rule:
    """A rule that a Python file declares; as it is now, so an edited file is read anew."""
    return rule_of_file(path, name, file_hash(path))


@cache
def rule_of_file(path: str, name: str, sha256: str | None) -> Rule:
    """A rule of a file with this hash; the file is run once in a process."""
    spec = spec_from_file_location(f"zerolimit_rules_{Path(path).stem}", path)
    try:
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        exec(compile(Path(path).read_bytes(), path, "exec"), vars(module))  # never old bytecode
    except (AssertionError, OSError, SyntaxError) as error:
        raise BadInput(f"{path}: cannot be read as Python: {error or 'no .py file'}") from None
    found = getattr(module, name, None)
    if not isinstance(found, Rule):
        known = [key for key, value in vars(module).items() if isinstance(value, Rule)]
        raise BadInput(f"{path}: {name!r} is no rule in it{nearest(name, known)}")
    return found


@cache
def clients(given: Clients) -> Any:
    """A portfolio, read once in a process; BadInput where the file is another one than the coordinator's."""
    from zerolimit.portfolio.portfolio import read_portfolio

    found = read_portfolio(given.path, **json.loads(given.options))
    if found.source.sha256 != given.sha256:
        raise BadInput(f"{given.path}: on {socket.gethostname()} it is another file than the coordinator's")
    return found
