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

from zerolimit.basics.errors import BadInput, Cancelled
from zerolimit.engine.base import Array
from zerolimit.results.columns import platform_columns
from zerolimit.results.episodes import recovered
from zerolimit.run.simulation import Simulation
from zerolimit.study.accounts import UNUSABLE, Accounts, Cuts, Decisions, zeroed_now
from zerolimit.vocabulary.cells import CELLS_PER_SEGMENT
from zerolimit.vocabulary.names import LEFT, SEGMENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    """State at the end, a position in accounts.STATES."""
    followed: NDArray[np.int8]
    """States month by month of the borrowers who were to be followed, (months, borrowers)."""
    cuts: Cuts | None
    """Cuts to zero from the decision to the effect, by month, where they were to be followed;"""
    recovered: NDArray[np.float64]
    """then too, the share of zero limits with a usable line again within episodes.HORIZONS (Aalen and Johansen)."""


@dataclass(frozen=True)
class Middle:
    """Columns fixed at the segment median, to remove the effect of individual habits."""

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
    cuts: bool = False,
    stop: Stop = lambda: False,
) -> Lived:
    """Run a world for `months`, and release it. `stop` is asked before each month; if it says so, Cancelled.

    `middle` holds habits, `follow` are slots whose states are kept month by month, with `cuts` decisions are followed.
    """
    size, rows = simulation.size, np.asarray(follow, np.int64)
    accounts = Accounts(simulation)
    decisions = Decisions(accounts) if cuts else None
    unusable, first_event, last_event = np.zeros(size, np.int16), np.full(size, -1, np.int16), np.full(size, -1, np.int16)
    followed = np.zeros((months, len(rows)), np.int8)
    simulation.history = []
    if middle is not None:
        middle.hold(simulation)
    try:
        for month in range(months):
            if stop():
                raise Cancelled("stopped before all worlds were run")
            if not cuts:
                simulation.episodes.starts.clear()
                simulation.episodes.ends.clear()
            simulation.step()
            if middle is not None:
                middle.hold(simulation)
            accounts.record()
            if decisions is not None:
                decisions.record()
            for some in zeroed_now(simulation):
                some = some[accounts.same[some]]
                first_event[some[first_event[some] < 0]] = simulation.month - 1
                last_event[some] = simulation.month - 1
            unusable += accounts.state == UNUSABLE
            followed[month] = accounts.state[rows]
    finally:
        simulation.close()
    shape = (months, len(SEGMENTS), CELLS_PER_SEGMENT)
    names = simulation.history[0].counts if simulation.history else {}
    counts = {name: np.stack([one.counts[name] for one in simulation.history]).reshape(shape) for name in names}
    platform = {name: np.asarray(row) for name, row in platform_columns(simulation.history).items()}
    seen = decisions.cuts() if decisions is not None else None
    again = recovered(simulation.episodes, simulation.month)
    return Lived(counts, platform, unusable, first_event, last_event, accounts.state, followed, seen, again)


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
