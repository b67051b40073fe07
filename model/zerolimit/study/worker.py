"""One run of a study, wherever it is run. Knows no files, no coordinator and no Mesa: numbers in, numbers out."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from zerolimit.basics.errors import BadInput, nearest
from zerolimit.parameters.scenario import Scenario
from zerolimit.results.columns import BY, platform_columns, values
from zerolimit.rules.rule import Rule, fingerprint
from zerolimit.run.recorded import Recorded
from zerolimit.run.simulation import Simulation
from zerolimit.study.accounts import Accounts, Decisions
from zerolimit.study.code import code_hash
from zerolimit.study.design import Point, split
from zerolimit.study.measures import RUN_MEASURES, Watched
from zerolimit.study.tables import as_kept
from zerolimit.vocabulary.cells import CELLS, CELLS_PER_SEGMENT
from zerolimit.vocabulary.names import SEGMENTS

NONE = np.zeros(CELLS, np.int64)
"""Of a count that a run did not keep."""
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
    """Where and how long."""

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


def do(job: Job, task: Task) -> Done | Failed:
    """One run. An error is returned, not raised: it is this run's and nobody else's."""
    if code_hash() != job.source:
        raise OtherCode(
            f"the worker {socket.gethostname()} (process {os.getpid()}) has another zerolimit than the coordinator:"
            " install the same version on both"
        )
    began = time.perf_counter()
    inside = 0.0
    try:
        columns, inside = counted(job, task)
    except Exception as error:
        return Failed(task.run, f"{type(error).__name__}: {error}", traceback.format_exc(), place(began, inside))
    return Done(task.run, columns, place(began, inside))


def place(began: float, inside: float) -> Place:
    """Here, since `began`."""
    return Place(socket.gethostname(), os.getpid(), time.perf_counter() - began, inside)


def counted(job: Job, task: Task) -> tuple[dict[str, list[Any]], float]:
    """The columns that a run leaves, and the seconds in its months."""
    first, changes = split(task.values)
    scenario = job.scenario.change(**first)
    if scenario.network_file == job.scenario.network_file and file_hash(scenario.network_file) != job.ties:
        raise BadInput(f"{scenario.network_file}: on {socket.gethostname()} it is another file than the coordinator's")
    simulation = Simulation(
        scenario,
        task.seed,
        engine=job.engine,
        threads=1,
        portfolio=None if job.portfolio is None else clients(job.portfolio),
        rules=user_rules_of(job.rules),
    )
    try:
        began = time.perf_counter()
        watched = run_months(simulation, job, changes)
        columns = totals(simulation.history[job.burn_in :], job)
        rows = len(columns["months"])
        for name in job.measures:
            columns[name] = [float(RUN_MEASURES[name].of(watched))] * rows
        if job.measure is not None:
            for name, value in job.measure(simulation).items():
                if name in columns:
                    raise BadInput(f"measure: {name!r} is kept already; take another name")
                columns[name] = [float(value)] * rows
        return columns, time.perf_counter() - began
    finally:
        simulation.close()


def run_months(simulation: Simulation, job: Job, changes: Mapping[int, Point]) -> Watched:
    """All months, with what changes on the way, watched as far as the measures need it."""
    wanted = [RUN_MEASURES[name] for name in job.measures]
    accounts = Accounts(simulation) if any(one.cuts for one in wanted) else None
    decisions = Decisions(accounts) if accounts is not None else None
    world: Any = simulation
    shadow = any(one.shadow for one in wanted)
    if shadow:
        from zerolimit.explanation.kept_lines import Shadow

        world = Shadow(simulation)
    for month in range(job.months):
        due = {**job.later.get(month, {}), **changes.get(month, {})}
        if due:
            simulation.change(**due)
        world.step()
        if accounts is not None and decisions is not None:
            accounts.record()
            decisions.record()
    zeros = world.followed() if shadow else None
    return Watched(simulation, job.burn_in, zeros, None if decisions is None else decisions.cuts())


def totals(history: list[Recorded], job: Job) -> dict[str, list[Any]]:
    """Sums over what is not kept apart. Counts are whole numbers; platform columns repeat for each segment and decile."""
    shape = (len(history), len(SEGMENTS), CELLS_PER_SEGMENT)
    summed = tuple(axis for axis, name in enumerate(BY) if name not in job.by)
    kept = tuple(size for size, name in zip(shape, BY, strict=True) if name in job.by)
    labels: dict[str, list[Any]] = {
        "month": [one.month for one in history],
        "segment": list(SEGMENTS),
        "decile": list(range(CELLS_PER_SEGMENT)),
    }
    columns: dict[str, list[Any]] = {}
    grids = np.meshgrid(*(np.arange(size) for size in kept), indexing="ij")
    for name, grid in zip((name for name in BY if name in job.by), grids, strict=True):
        columns[name] = [labels[name][k] for k in grid.ravel()]
    rows = max(1, int(np.prod(kept)))
    columns["months"] = [1 if "month" in job.by else len(history)] * rows
    for name in job.counts:
        cube = np.stack([one.counts.get(name, NONE) for one in history]).reshape(shape)
        columns[name] = np.atleast_1d(cube.sum(axis=summed)).ravel().tolist()
    platform = platform_columns(history)
    for name in job.platform:
        monthly = values(platform, name).astype(float) if name in platform else np.full(len(history), np.nan)
        apart = np.repeat(monthly, rows // len(history)).tolist()
        columns[as_kept(name, job.by)] = apart if "month" in job.by else [float(sum(monthly.tolist()))] * rows
    return columns


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
