"""Many worlds at once, and of each only the numbers that were asked for: what a calibration or an optimiser calls.

Worlds run in batches (run/batch.py) that memory holds; sums are taken after each month, and the batch is let go.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.progress import Progress, reporting
from zerolimit.basics.terminal import teller
from zerolimit.basics.wording import number_of
from zerolimit.engine.base import Array
from zerolimit.engine.registry import AUTO, REFERENCE, SMALL, compiling, named
from zerolimit.parameters.scenario import Scenario, takes_parameters
from zerolimit.portfolio.options import split_options
from zerolimit.portfolio.portfolio import as_portfolio
from zerolimit.results.columns import BY, PLATFORM, divided, monthly_meanings, parts_of, told
from zerolimit.results.moments import EXACT, Moment, Part, RowMonths, value_of
from zerolimit.results.moments import parts_of as parts_of_moment
from zerolimit.results.ready_moments import MOMENTS, every
from zerolimit.rules.rule import Rule
from zerolimit.run.batch import Batch
from zerolimit.run.simulation import Simulation, bytes_of_ties, user_rules
from zerolimit.run.warm import prepare as prepare_all
from zerolimit.study.comparison import check_months
from zerolimit.study.definition import DEFAULT_OUTCOMES
from zerolimit.study.executors import LocalPool
from zerolimit.study.measures import RUN_MEASURES
from zerolimit.study.rounds import budget, bytes_of_world, in_rounds
from zerolimit.study.world_table import World, read_worlds
from zerolimit.vocabulary.cells import CELLS
from zerolimit.vocabulary.outcomes import RATES

if TYPE_CHECKING:
    import pandas as pd

    from zerolimit.run.together import Together

FEW = 10 * SMALL
"""Borrowers of all runs together from which `auto` takes an engine that compiles, for small worlds too."""
MOST_TOGETHER = 256
"""Worlds of a batch, at most: more gain nothing, and their progress is seen late.

Measured with 512 worlds of 2,000 x 36: a world takes 44 ms of a busy processor in batches of 16, 23 in those of 128, 24 in
those of 256 and 26 in one of 512.
"""
WORTH_STARTING = 20_000_000
"""Borrower-months from which other processes are worth their start; once started they stay for the next call."""
WORTH_ASKING = WORTH_STARTING // 20
ROUNDS = 4
"""Batches that each of several processes gets, at least."""


@dataclass(frozen=True)
class Column:
    """A column of the frame: the sums that it is made of, or a column of the platform."""

    name: str
    parts: tuple[Part, ...] = ()
    moment: Moment | None = None
    platform: str | None = None


@dataclass(frozen=True)
class Kept:
    """What is taken of each world."""

    columns: tuple[Column, ...]

    @cached_property
    def rows(self) -> tuple[Part, ...]:
        """Sums over borrowers."""
        return tuple(dict.fromkeys(part for one in self.columns for part in one.parts if not part.counts))

    @cached_property
    def cells(self) -> tuple[Part, ...]:
        """Sums of what the month counts."""
        return tuple(dict.fromkeys(part for one in self.columns for part in one.parts if part.counts))

    @cached_property
    def place(self) -> dict[Part, int]:
        """Where each sum stands."""
        return {part: k for k, part in enumerate((*self.rows, *self.cells))}

    @cached_property
    def platform(self) -> tuple[str, ...]:
        """Columns of the platform."""
        return tuple(one.platform for one in self.columns if one.platform is not None)

    @cached_property
    def counts(self) -> tuple[str, ...]:
        """What is read of a month's counts."""
        return tuple(sorted(set().union(*(part.counts for part in self.cells))))

    @cached_property
    def weights(self) -> Array:
        """By how much each count in each cell is multiplied in each sum, (counts x cells, sums)."""
        found = np.zeros((len(self.counts), CELLS, len(self.cells)), np.int64)
        for k, part in enumerate(self.cells):
            for name, weights in part.weights.items():
                found[self.counts.index(name), :, k] = weights
        return found.reshape(len(self.counts) * CELLS, len(self.cells))


@dataclass(frozen=True)
class Job:
    """What all batches have in common."""

    kept: Kept
    months: int
    burn_in: int
    monthly: bool
    options: Mapping[str, Any]
    """Of Simulation."""
    compiled: bool

    @property
    def rows(self) -> int:
        """Rows of a run in the frame."""
        return self.months - self.burn_in if self.monthly else 1


@dataclass(frozen=True)
class Run:
    """One world with one seed."""

    scenario: Scenario
    later: Mapping[int, Mapping[str, Any]]
    seed: int


@dataclass(frozen=True)
class Taken:
    """What a batch left: sums and the platform's columns, (runs, rows, columns); what stopped runs, by position."""

    sums: Array
    platform: Array
    failures: dict[int, str]


# what is kept


def kept_of(keep: Iterable[str | Moment | Iterable[Moment]] | str | Moment) -> Kept:
    """Columns and sums for what is asked. BadInput: a name is unknown, or is asked twice."""
    counts = [name for name in monthly_meanings() if name not in BY]
    platform = [name for name in PLATFORM if name not in counts and name != "month"]
    columns: list[Column] = []
    for one in [keep] if isinstance(keep, str | Moment) else keep:
        if not isinstance(one, str):
            columns += [Column(each.name, parts_of_moment(each), each) for each in every([one])]
            continue
        if one in MOMENTS:
            columns.append(Column(one, parts_of_moment(MOMENTS[one]), MOMENTS[one]))
        if one in RATES:
            over, under = parts_of(one)
            columns.append(Column(f"{one}_rate", (added(over), added(under))))
        if one in counts:
            columns.append(Column(one, (added([one]),)))
        if one in platform:
            columns.append(Column(one, platform=one))
        if one in RUN_MEASURES:
            raise BadInput(f"keep: {one} is a measure of a whole run; a study keeps it (zerolimit.study)")
        known = [*RATES, *counts, *platform, *MOMENTS]
        if one not in known:
            raise BadInput(
                f"keep: {quoted(one)} is no rate, count or platform column (docs/results.md), and no moment"
                f" (zerolimit.moments()){nearest(one, known)}"
            )
    names = [column.name for column in columns]
    if not names:
        raise BadInput("keep: the name of a rate, a count, a platform column or a moment is needed")
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"keep: {twice[0]} is there twice; give a moment another name")
    return Kept(tuple(columns))


def added(counts: Sequence[str]) -> Part:
    """The sum of some of what a month counts, over all cells."""
    return Part(" + ".join(counts), frozenset(), frozenset(counts), 0)


def refuse_inexact(kept: Kept, most: int, months: int) -> None:
    """BadInput where a moment's sums over so many borrowers and months could be too large to be exact."""
    for column in kept.columns:
        for part in column.parts:
            if part.most * most * months >= EXACT:
                raise BadInput(
                    f"keep: {column.name}: a borrower adds up to {part.most:.0e} a month, and the sum over"
                    f" {number_of(most, 'borrower')} and {number_of(months, 'month')} may not be exact; divide first, as in"
                    " limit // 10_000"
                )


# one batch


def take(job: Job, runs: Sequence[Run]) -> Taken:
    """Run a batch of worlds and let it go. What fails is said, and stops no other."""
    kept, width = job.kept, len(job.kept.rows)
    sums = np.zeros((len(runs), job.rows, len(kept.place)), np.int64)
    platform = np.zeros((len(runs), job.rows, len(kept.platform)))
    counted = np.zeros((len(runs), job.rows, len(kept.counts) * CELLS), np.int64)
    changing = sorted({month for one in runs for month in one.later})
    batch = Batch.begin([(one.scenario, one.seed) for one in runs], **job.options)
    try:
        watched: list[tuple[list[int], RowMonths]] = []
        for month in range(job.months):
            if month in changing:
                change(batch, runs, month)
            batch.step()
            watched = [
                followed(job, watched, some, numbers) for some, numbers in zip(batch.sets, batch.numbers, strict=True)
            ]
            row = month - job.burn_in if job.monthly else 0
            for some, (numbers, months) in zip(batch.sets, watched, strict=True):
                found = months.take(partial(some.engine.raw, month=some.month), some.engine.in_parts)
                if month >= job.burn_in:
                    sums[numbers, row, :width] += found
                    counted[numbers, row] += counts_of(some, kept.counts)
                    if kept.platform:
                        ended = [one.history[-1] for one in some.worlds]
                        rows, those = ended[0].rows, [one.world for one in ended]
                        platform[numbers, row] += np.column_stack(
                            [told(name, rows.of(name)[those]) for name in kept.platform]
                        )
                for world in some.worlds:
                    forget(world)
    finally:
        batch.close()
    sums[:, :, width:] = counted @ kept.weights
    if not job.monthly:
        platform /= job.months - job.burn_in
    return Taken(sums, platform, {number: in_words(error) for number, error in batch.failures.items()})


def change(batch: Batch, runs: Sequence[Run], month: int) -> None:
    """What holds from this month on in some worlds."""
    for number, world in batch.worlds.items():
        if due := runs[number].later.get(month):
            try:
                world.change(**due)
            except Exception as error:
                batch.fail(number, error)


def followed(
    job: Job, watched: Sequence[tuple[list[int], RowMonths]], some: Together, numbers: list[int]
) -> tuple[list[int], RowMonths]:
    """What takes the sums over borrowers of worlds in one set of columns, as before, or without those that have failed."""
    for before, months in watched:
        if before == numbers:
            return before, months
        if {*numbers} <= {*before}:
            return list(numbers), months.only([before.index(number) for number in numbers])
    return list(numbers), RowMonths(job.kept.rows, some.engine.bases, compiled=job.compiled)


def counts_of(some: Together, names: Sequence[str]) -> Array:
    """What the month that has been run has counted in worlds that share their columns, (worlds, names x cells)."""
    last = [one.history[-1] for one in some.worlds]
    at = [one.world for one in last]
    found = np.zeros((len(last), len(names), CELLS), np.int64)
    for k, name in enumerate(names):
        found[:, k] = last[0].tables[name][at]
    return found.reshape(len(last), -1)


def forget(world: Simulation) -> None:
    """Let go of what a run remembers and nobody asked for; by the last month the world knows that it has begun."""
    del world.history[:-1]
    world.episodes.starts.clear()
    world.episodes.ends.clear()


def in_words(error: Exception) -> str:
    """What stopped a run."""
    return str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"


# all of them


@takes_parameters
@public
def worlds(
    worlds: Any,
    *,
    keep: Any = DEFAULT_OUTCOMES,
    scenario: str | Path | Mapping[str, Any] | Scenario = "baseline",
    months: int = 36,
    burn_in: int = 0,
    seed: int | None = None,
    seeds: int | Iterable[int] | None = None,
    by: str | None = None,
    rules: Iterable[Rule] = (),
    engine: str = "auto",
    portfolio: Any = None,
    workers: int | None = None,
    memory: float | None = None,
    progress: Progress = True,
    **parameters: Any,
) -> pd.DataFrame:
    """Run many worlds and keep of each only what is asked for: a frame with a row a world and seed.

        table = {"pool_share": [0.7, 0.8, 0.9], "cure_1": [0.3, 0.4, 0.5]}
        zerolimit.worlds(table, keep=["zero_limit", "utilisation_mean"], borrowers=3_000, burn_in=12, seeds=5)

    `worlds` is a table of parameters with a row a world (a DataFrame, or a mapping of columns; `NAME@MONTH` holds from that
    month on; a column `scenario` says what a row starts from, else it is `scenario`; a column `seed` its seed), or a list
    of scenarios: presets' names, TOML files, Scenarios, mappings. Parameters of all worlds (as `borrowers=`) and options of
    reading a portfolio go by name. Each world has each of `seeds` (how many, counted from `seed`, or a list; without
    either the seed is 1), so that worlds share their draws.

    `keep` lists rates (in the frame NAME_rate), counts and sums over the months counted, platform columns (means a month;
    docs/results.md), and moments: names of `zerolimit.moments()`, or `zerolimit.moment(...)`. The months before `burn_in`
    are run and not counted. With `by="month"` the frame has a row for each month. Money is fen, as in docs/results.md.

    The frame's index is world (the table's own labels, else positions), seed, and month; what varies between worlds is
    beside what was kept. A run that fails is a row of missing numbers, and is said in a warning and in `.attrs["failures"]`,
    a list of world, seed and what stopped it; the others go on. BadInput before anything runs: the row and the parameter.

    Numbers are those of each world run alone, for any `workers` (processes that stay for the next call; by default as many
    as cores where that pays) and any `memory` (gigabytes that batches may take; a quarter of what is free). User-defined
    `rules` run in one process. `progress` shows a bar where it takes long, or is called with the runs done and all runs.
    """
    reading, parameters = split_options(parameters)
    clients = as_portfolio(portfolio, reading, parameters)
    check_months(months, burn_in, "burn_in")
    if memory is not None and not memory > 0.0:
        raise BadInput(
            f"memory: gigabytes above 0 are needed, not {memory:g}; without it, a quarter of what is free is taken"
        )
    if by not in (None, "month"):
        raise BadInput(f"by: {quoted(by)} is not 'month'; moments and columns of a table tell segments apart")
    kept = kept_of(keep)
    own_rules = user_rules(rules)
    table = read_worlds(worlds, scenario, parameters, months, seeds, seed)
    if both := [one.name for one in kept.columns if one.name in table[0].shown]:
        raise BadInput(f"keep: {both[0]} is a parameter of the worlds, and its column is there already; leave it out")
    sizes = [one.scenario.borrowers if clients is None else clients.size for one in table]
    refuse_inexact(kept, max(sizes), months - burn_in)
    places = [Place(k, number, size) for (k, one), size in zip(enumerate(table), sizes, strict=True) for number in one.seeds]
    if engine == AUTO:
        many = max(sizes) >= SMALL or sum(one.size for one in places) >= FEW
        engine = compiling() if many or own_rules else REFERENCE
    count = how_many(workers, sum(one.size for one in places) * months, own_rules)
    options = {"engine": engine, "threads": max(1, (os.cpu_count() or 1) // count), "rules": own_rules, "portfolio": clients}
    job = Job(kept, months, burn_in, by == "month", options, named(engine).compiles)
    found = Found.empty(job, len(places))
    with reporting(progress, "worlds", "run") as update:
        prepare(job, teller(progress))
        done = 0
        for batch, taken in run_all(job, table, places, count, memory):
            found.put(batch, taken)
            done += len(batch)
            update(done, len(places))
    return framed(job, table, places, found)


@dataclass(frozen=True)
class Place:
    """A run: whose world it is, its seed, its borrowers."""

    world: int
    seed: int
    size: int


@dataclass
class Found:
    """What all runs left, in the order of the frame."""

    sums: Array
    platform: Array
    failures: dict[int, str]

    @classmethod
    def empty(cls, job: Job, runs: int) -> Found:
        """Room for all."""
        kept = job.kept
        return cls(np.zeros((runs, job.rows, len(kept.place)), np.int64), np.zeros((runs, job.rows, len(kept.platform))), {})

    def put(self, batch: Sequence[int], taken: Taken) -> None:
        """What a batch left."""
        self.sums[batch], self.platform[batch] = taken.sums, taken.platform
        self.failures.update({batch[k]: said for k, said in taken.failures.items()})


def prepare(job: Job, say: Callable[[str], None]) -> None:
    """The compiled month, once in a process, and the compiled sums, in the cache that all processes read."""
    engine = job.options["engine"]
    if engine not in PREPARED:
        prepare_all(named(engine), say)
        PREPARED.add(engine)
    RowMonths(job.kept.rows, np.zeros(2), compiled=job.compiled)


PREPARED: set[str] = set()
"""Engines whose month is ready."""


def how_many(workers: int | None, work: int, rules: Sequence[Rule]) -> int:
    """Processes for so many borrower-months; 1 is this one."""
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise BadInput(f"workers: a whole number of at least 1 is needed, not {workers!r}")
    if rules:
        if workers is not None and workers > 1:
            raise BadInput(
                "workers: user-defined rules run in one process; a study takes them from files to more (zerolimit.study)"
            )
        return 1
    cores = os.cpu_count() or 1
    if workers is not None:
        return workers
    return cores if work >= (WORTH_ASKING if cores in POOLS else WORTH_STARTING) else 1


def batches(places: Sequence[Place], engine: str, ties: int, room: float, workers: int) -> Iterator[list[int]]:
    """Runs by batches that memory holds: those of a size and seed together, since they share draws."""
    order = sorted(range(len(places)), key=lambda k: (places[k].size, places[k].seed))
    most = max(1, min(MOST_TOGETHER, -(-len(order) // (workers * ROUNDS)) if workers > 1 else MOST_TOGETHER))
    needed = [bytes_of_world(engine, places[k].size, ties=ties) for k in order]
    for some in in_rounds(needed, room, most):
        yield order[some]


def run_all(
    job: Job, table: Sequence[World], places: Sequence[Place], workers: int, memory: float | None
) -> Iterator[tuple[list[int], Taken]]:
    """All runs, batch by batch as they finish, here or in other processes."""
    room = budget(workers) if memory is None else memory * 1e9 / workers
    ties = max(bytes_of_ties(one.scenario.network, one.scenario.acquaintances) for one in table)
    past = RowMonths(job.kept.rows, np.zeros(2), compiled=job.compiled).bytes_a_borrower
    some = batches(places, job.options["engine"], ties + past, room, workers)

    def runs(batch: Sequence[int]) -> list[Run]:
        worlds = [table[places[k].world] for k in batch]
        return [Run(one.scenario, one.later, places[k].seed) for one, k in zip(worlds, batch, strict=True)]

    if workers == 1:
        for batch in some:
            yield batch, take(job, runs(batch))
        return
    pool = POOLS.get(workers) or POOLS.setdefault(workers, LocalPool(workers, main=False))
    try:
        waiting: dict[Future[Taken], list[int]] = {}
        for batch in some:
            waiting[pool.submit(take, job, runs(batch))] = batch
            while len(waiting) > 2 * workers:
                yield from finished(waiting)
        while waiting:
            yield from finished(waiting)
    except BaseException:
        POOLS.pop(workers).kill()
        raise


def finished(waiting: dict[Future[Taken], list[int]]) -> Iterator[tuple[list[int], Taken]]:
    """What is done, at least one."""
    for future in wait(waiting, return_when=FIRST_COMPLETED).done:
        yield waiting.pop(future), future.result()


POOLS: dict[int, LocalPool] = {}
"""Processes that stay for the next call, by number."""


def framed(job: Job, table: Sequence[World], places: Sequence[Place], found: Found) -> pd.DataFrame:
    """The frame: index world, seed and month; the worlds' parameters; what was kept."""
    import pandas as pd

    failed = np.zeros(len(places), np.bool_)
    failed[list(found.failures)] = True
    failed = np.repeat(failed, job.rows)
    at = np.repeat([one.world for one in places], job.rows)
    index: dict[str, Any] = {
        "world": pd.Index([one.name for one in table]).take(at),
        "seed": np.repeat(np.array([one.seed for one in places], np.uint64), job.rows),
    }
    if job.monthly:
        index["month"] = np.tile(np.arange(job.burn_in, job.months), len(places))
    columns: dict[str, Any] = {name: pd.Series([one.shown[name] for one in table]).to_numpy()[at] for name in table[0].shown}
    for one in job.kept.columns:
        columns[one.name] = values_of(job.kept, one, found, failed)
    frame = pd.DataFrame(columns, index=pd.MultiIndex.from_arrays(list(index.values()), names=list(index)))
    if found.failures:
        listed = [
            {"world": table[places[k].world].name, "seed": places[k].seed, "error": said}
            for k, said in sorted(found.failures.items())
        ]
        frame.attrs["failures"] = listed
        first = listed[0]
        warnings.warn(
            f"{len(listed):,} of {number_of(len(places), 'run')} failed; world {first['world']}, seed {first['seed']}:"
            f" {first['error']}; .attrs['failures'] has them all",
            stacklevel=4,
        )
    return frame


def values_of(kept: Kept, column: Column, found: Found, failed: Array) -> Array:
    """A column's values, a row of the frame each; missing where a run failed."""
    if column.platform is not None:
        values = found.platform[:, :, kept.platform.index(column.platform)].ravel()
    else:
        sums = [found.sums[:, :, kept.place[part]].ravel() for part in column.parts]
        if column.moment is not None:
            values = value_of(column.moment, sums)
        else:
            values = sums[0] if len(sums) == 1 else divided(*sums)
    return np.where(failed, np.nan, values) if failed.any() else values
