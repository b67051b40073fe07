"""Runs of markets and the values of targets' measures in them: many worlds at once, in batches that memory holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass

from zerolimit.basics.progress import Progress, reporting
from zerolimit.engine.registry import REFERENCE, SMALL, compiling, named
from zerolimit.parameters.scenario import Scenario
from zerolimit.run.warm import prepare
from zerolimit.study.executors import local_pool
from zerolimit.study.rounds import budget, bytes_of_world, in_rounds
from zerolimit.study.worlds import FEW, MOST_TOGETHER, ROUNDS, WORTH_STARTING
from zerolimit.validation.measures import MEASURES
from zerolimit.validation.places import Asked, Place
from zerolimit.validation.seen import BYTES_A_MONTH, View, watch

Runs = Sequence[tuple[Scenario, int]]
"""Scenarios and their seeds."""
Values = list[float] | Exception
"""Of one run, in the order asked; or what it failed with."""


@dataclass(frozen=True)
class Job:
    """Runs of a place that go together, and what is measured of each."""

    place: str
    numbers: tuple[int, ...]
    runs: tuple[tuple[Scenario, int], ...]
    months: int
    asked: tuple[Asked, ...]
    engine: str


def measured(job: Job) -> list[Values]:
    """The values of each run."""
    wanted = [MEASURES[name] for name, *_ in job.asked]
    moments = list({one.name: one.moment for one in wanted if one.moment is not None}.values())
    seen, failures = watch(job.runs, job.months, moments, job.engine, rises_of(job.asked))
    found: list[Values] = []
    for k in range(len(job.runs)):
        if k in failures:
            found.append(failures[k])
        else:
            views = [View(seen[k], first, last, at) for _, first, last, at in job.asked]
            found.append([one.value(view) for one, view in zip(wanted, views, strict=True)])
    return found


def rises_of(asked: Sequence[Asked]) -> set[int]:
    """The months after which lines rise in experiments."""
    found = {MEASURES[name].rise_in(first, last) for name, first, last, _ in asked}
    return {month for month in found if month is not None}


def all_values(
    places: Sequence[tuple[Place, tuple[Asked, ...], Runs]],
    engine: str | None,
    workers: int | None,
    progress: Progress,
) -> dict[str, list[Values]]:
    """The values of every run of each place; `engine`: None is by the number of borrowers."""
    work = sum(one.borrowers * place.months for place, asked, runs in places if asked for one, _ in runs)
    count = workers or ((os.cpu_count() or 1) if work >= WORTH_STARTING else 1)
    jobs = [job for place, asked, runs in places if asked for job in jobs_of(place, asked, runs, engine, count)]
    found: dict[str, list[Values]] = {place.name: [[]] * len(runs) for place, asked, runs in places if asked}
    done, of = 0, sum(len(job.runs) for job in jobs)
    with reporting(progress, "validate", "run") as update:
        for kind in sorted({job.engine for job in jobs}):
            prepare(named(kind), lambda text: None)

        def put(job: Job, values: list[Values]) -> None:
            nonlocal done
            for number, some in zip(job.numbers, values, strict=True):
                found[job.place][number] = some
            done += len(values)
            update(done, of)

        if count == 1 or len(jobs) < 2:
            for job in jobs:
                put(job, measured(job))
        else:
            with local_pool(count) as pool:
                waiting = {pool.submit(measured, job): job for job in jobs}
                for future in as_completed(waiting):
                    put(waiting[future], future.result())
    return found


def jobs_of(place: Place, asked: tuple[Asked, ...], runs: Runs, engine: str | None, workers: int) -> list[Job]:
    """Runs of a place in batches that memory holds, several for each worker."""
    sizes = [scenario.borrowers for scenario, _ in runs]
    kind = engine or (compiling() if max(sizes, default=0) >= SMALL or sum(sizes) >= FEW else REFERENCE)
    copies = 1 + len(rises_of(asked))
    needed = [copies * bytes_of_world(kind, size) + size * place.months * BYTES_A_MONTH for size in sizes]
    most = MOST_TOGETHER if workers == 1 else max(1, min(MOST_TOGETHER, -(-len(runs) // (workers * ROUNDS))))
    return [
        Job(place.name, tuple(range(len(runs))[part]), tuple(runs[part]), place.months, asked, kind)
        for part in in_rounds(needed, budget(workers), most)
    ]
