"""One world lived through, and only what studies of many worlds need of it: counts, and a few numbers a borrower."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.engine.base import Array
from zerolimit.errors import BadInput, Cancelled
from zerolimit.names import LEFT, SEGMENTS, ZERO_LIMIT
from zerolimit.results.columns import platform_columns
from zerolimit.results.record import CELLS_PER_SEGMENT
from zerolimit.simulation import Simulation

if TYPE_CHECKING:
    from numpy.typing import NDArray

STATES = ("open", "unusable", "arrears", "charged off", "left")
"""A borrower's state at the end of a month: current with a usable line, current without one, late, written off, gone."""
OPEN_LINE, UNUSABLE, ARREARS, CHARGED_OFF, GONE = range(5)
CHARGED_OFF_STANDING = 3
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Lived:
    """What a world left. Borrowers are those whom it began with, by slot; vacant slots count as left."""

    counts: dict[str, Array]
    """Monthly counts and sums, (months, segments, deciles)."""
    platform: dict[str, Array]
    """The platform's row of each month (results.columns.PLATFORM), (months,)."""
    unusable: NDArray[np.int16]
    """Months current and without a usable line."""
    first_event: NDArray[np.int16]
    """Month of the first zero-limit event; -1 without one."""
    last_event: NDArray[np.int16]
    """Month of the last zero-limit event; -1 without one."""
    state: NDArray[np.int8]
    """State at the end, a position in STATES."""
    followed: NDArray[np.int8]
    """States month by month of the borrowers who were to be followed, (months, borrowers)."""


@dataclass(frozen=True)
class Middle:
    """Columns held at the median of one's segment: what takes the borrowers' habits out."""

    by_segment: Mapping[str, Array]
    """Stored medians by column, one for each segment."""

    @classmethod
    def of(cls, simulation: Simulation, columns: Sequence[str]) -> Middle:
        """The (lower) medians of those who are there now."""
        segment, here = simulation.column("segment"), simulation.column("status") != LEFT
        medians = {}
        for name in columns:
            raw = np.asarray(simulation.engine.raw(name, simulation.month))
            some = [np.sort(raw[here & (segment == k)]) for k in range(len(SEGMENTS))]
            medians[name] = np.array([one[(len(one) - 1) // 2] if len(one) else 0 for one in some], raw.dtype)
        return cls(medians)

    def hold(self, simulation: Simulation) -> None:
        """Set everybody's columns to the medians."""
        segment = np.asarray(simulation.engine.raw("segment", simulation.month))
        for name, medians in self.by_segment.items():
            simulation.engine.put_raw(name, slice(None), medians[segment], simulation.month)


def live(
    simulation: Simulation,
    months: int,
    *,
    middle: Middle | None = None,
    follow: Sequence[int] = (),
    stop: Stop = lambda: False,
) -> Lived:
    """Take a world through so many months, and let go of it. `stop` is asked before each month; if it says so, Cancelled."""
    engine, size, rows = simulation.engine, simulation.size, np.asarray(follow, np.int64)
    first = np.asarray(engine.raw("generation", simulation.month)).copy()
    unusable, first_event, last_event = np.zeros(size, np.int16), np.full(size, -1, np.int16), np.full(size, -1, np.int16)
    state, charged = np.zeros(size, np.int8), np.zeros(size, np.bool_)
    followed = np.zeros((months, len(rows)), np.int8)
    simulation.history = []
    if middle is not None:
        middle.hold(simulation)
    try:
        for month in range(months):
            if stop():
                raise Cancelled("stopped before all worlds were run")
            simulation.episodes.starts.clear()
            simulation.episodes.ends.clear()
            simulation.step()
            if middle is not None:
                middle.hold(simulation)
            now = simulation.month
            same = np.asarray(engine.raw("generation", now)) == first
            for begun in simulation.episodes.starts:
                some = begun["borrower"][begun["kind"] == int(ZERO_LIMIT)]
                some = some[same[some]]
                first_event[some[first_event[some] < 0]] = now - 1
                last_event[some] = now - 1
            stuck = (np.asarray(engine.raw("without_line", now)) > 0).view(np.int8)
            late = np.asarray(engine.raw("late", now)) > 0
            charged |= same & (np.asarray(engine.raw("standing", now)) == CHARGED_OFF_STANDING)
            gone = ~same | (np.asarray(engine.raw("status", now)) == int(LEFT))
            np.copyto(state, stuck)
            state[late] = ARREARS
            state[gone] = GONE
            state[charged] = CHARGED_OFF
            unusable += state == UNUSABLE
            followed[month] = state[rows]
    finally:
        simulation.close()
    shape = (months, len(SEGMENTS), CELLS_PER_SEGMENT)
    names = simulation.history[0].counts if simulation.history else {}
    counts = {name: np.stack([one.counts[name] for one in simulation.history]).reshape(shape) for name in names}
    platform = {name: np.asarray(row) for name, row in platform_columns(simulation.history).items()}
    return Lived(counts, platform, unusable, first_event, last_event, state, followed)


def side_by_side(
    tasks: Sequence[Callable[[Stop], Any]],
    workers: int | None,
    progress: Callable[[int, int], None] | None,
    cancel: Stop | None,
) -> list[Any]:
    """Run tasks on threads (the compiled month lets go of Python's lock); results in their order.

    Each task is given what says that it should stop: `cancel`, or something that went wrong, Ctrl-C included.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise BadInput(f"workers: a whole number of at least 1 is needed, not {workers!r}")
    done: list[Any] = [None] * len(tasks)
    with stopping(cancel) as (stop, halt), ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        futures = {pool.submit(task, stop): number for number, task in enumerate(tasks)}
        try:
            for number, future in enumerate(as_completed(futures), 1):
                done[futures[future]] = future.result()
                if progress is not None:
                    progress(number, len(tasks))
        except BaseException:
            halt()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return done


@contextmanager
def stopping(cancel: Stop | None) -> Iterator[tuple[Stop, Callable[[], None]]]:
    """What tells tasks to stop, and what makes it do so."""
    halted = Event()
    yield (lambda: halted.is_set() or (cancel is not None and cancel())), halted.set
