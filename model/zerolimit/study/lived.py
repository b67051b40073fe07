"""Worlds lived through together, and only what studies of many worlds need of each: counts, a few numbers a borrower."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.errors import BadInput, Cancelled
from zerolimit.engine.base import Array
from zerolimit.results.columns import platform_columns
from zerolimit.results.episodes import recovered
from zerolimit.run.batch import Batch
from zerolimit.run.simulation import Simulation
from zerolimit.study.accounts import UNUSABLE, Accounts, Cuts, Decisions, zeroed_now
from zerolimit.vocabulary.cells import CELLS_PER_SEGMENT
from zerolimit.vocabulary.names import LEFT, SEGMENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Stop = Callable[[], bool]
Passed = Callable[[float], None]


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


class Life:
    """One world as it is lived through."""

    def __init__(self, world: Simulation, months: int, middle: Middle | None, follow: Sequence[int], *, cuts: bool) -> None:
        self.world, self.middle, self.rows = world, middle, np.asarray(follow, np.int64)
        self.accounts = Accounts(world)
        self.decisions = Decisions(self.accounts) if cuts else None
        self.unusable = np.zeros(world.size, np.int16)
        self.first_event, self.last_event = (np.full(world.size, -1, np.int16) for _ in range(2))
        self.followed = np.zeros((months, len(self.rows)), np.int8)
        world.history = []
        self._hold()

    def _hold(self) -> None:
        if self.middle is not None:
            self.middle.hold(self.world)

    def forget(self) -> None:
        """Episodes of the past, where nobody asks for them."""
        if self.decisions is None:
            self.world.episodes.starts.clear()
            self.world.episodes.ends.clear()

    def record(self, month: int) -> None:
        """Take in the month that has just been run."""
        self._hold()
        self.accounts.record()
        if self.decisions is not None:
            self.decisions.record()
        for some in zeroed_now(self.world):
            some = some[self.accounts.same[some]]
            self.first_event[some[self.first_event[some] < 0]] = self.world.month - 1
            self.last_event[some] = self.world.month - 1
        self.unusable += self.accounts.state == UNUSABLE
        self.followed[month] = self.accounts.state[self.rows]

    def lived(self) -> Lived:
        """What the world left."""
        history = self.world.history
        shape = (len(history), len(SEGMENTS), CELLS_PER_SEGMENT)
        names = history[0].counts if history else {}
        return Lived(
            {name: np.stack([one.counts[name] for one in history]).reshape(shape) for name in names},
            {name: np.asarray(row) for name, row in platform_columns(history).items()},
            self.unusable,
            self.first_event,
            self.last_event,
            self.accounts.state,
            self.followed,
            None if self.decisions is None else self.decisions.cuts(),
            recovered(self.world.episodes, self.world.month),
        )


def live(
    worlds: Sequence[Simulation],
    months: int,
    *,
    middles: Sequence[Middle | None] | None = None,
    follow: Sequence[int] = (),
    cuts: bool = False,
    stop: Stop = lambda: False,
    passed: Passed = lambda share: None,
) -> list[Lived]:
    """Run worlds together for `months`, and release them. `stop` is asked before each month; if it says so, Cancelled.

    `passed` is told after each month which share of all has been run.
    Each of `middles` holds habits in its world, `follow` are slots whose states are kept month by month, with `cuts`
    decisions are followed. What a world fails with is raised.
    """
    lives = [
        Life(one, months, middle, follow, cuts=cuts)
        for one, middle in zip(worlds, middles or [None] * len(worlds), strict=True)
    ]
    batch = Batch.of(worlds)
    try:
        for month in range(months):
            if stop():
                raise Cancelled("stopped before all worlds were run")
            for one in lives:
                one.forget()
            batch.step()
            for failure in batch.failures.values():
                raise failure
            for one in lives:
                one.record(month)
            passed((month + 1) / months)
    finally:
        batch.close()
    return [one.lived() for one in lives]


TOGETHER = 100_000
"""Borrowers beyond which worlds gain nothing by being run together: the loops take the time, not what is around them."""


def side_by_side(
    number: int,
    size: int,
    task: Callable[[range, Stop, Passed], list[Any]],
    workers: int | None,
    progress: Callable[[int, int], None] | None,
    cancel: Stop | None,
) -> list[Any]:
    """So many worlds of `size` borrowers, some together, on threads (the compiled month lets go of Python's lock).

    `task` runs some of them and gives what each left; results are in their order. It is given what says that it should
    stop (`cancel`, or something that went wrong, Ctrl-C included), and tells how far it is: worlds count by their months.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise BadInput(f"workers: a whole number of at least 1 is needed, not {workers!r}")
    threads = workers or os.cpu_count() or 1
    most = max(1, min(-(-number // threads), TOGETHER // size))
    parts = [range(start, min(start + most, number)) for start in range(0, number, most)]
    found, shares, told = dict[int, Any](), dict.fromkeys(parts, 0.0), 0
    news: SimpleQueue[tuple[range, float, Event | None]] = SimpleQueue()
    with stopping(cancel) as (stop, halt), ThreadPoolExecutor(threads) as pool:

        def passed(part: range, share: float) -> None:
            heard = Event()
            news.put((part, share, heard))
            while not heard.wait(0.1) and not stop():
                pass

        futures = {part: pool.submit(task, part, stop, partial(passed, part)) for part in parts}
        for part, future in futures.items():
            future.add_done_callback(lambda _, part=part: news.put((part, 1.0, None)))  # type: ignore[misc]
        try:
            while len(found) < number:
                part, shares[part], heard = news.get()
                if heard is None:
                    found.update(zip(part, futures[part].result(), strict=True))
                now = int(sum(len(some) * share for some, share in shares.items()) + 1e-9)
                if progress is not None and now > told:
                    progress(now, number)
                    told = now
                if heard is not None:
                    heard.set()
        except BaseException:
            halt()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[k] for k in range(number)]


@contextmanager
def stopping(cancel: Stop | None) -> Iterator[tuple[Stop, Callable[[], None]]]:
    """What tells tasks to stop, and what makes it do so."""
    halted = Event()
    yield (lambda: halted.is_set() or (cancel is not None and cancel())), halted.set
