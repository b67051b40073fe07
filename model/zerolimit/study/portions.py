"""How many runs are handed to a worker at a time: some seconds' worth, as far as is known by then how long runs take.

A batch is what a kill loses, so it is short; and it costs something by itself, so it is no shorter than it needs to be.
Nobody knows beforehand how long a run takes. So the first batches are of one run, later ones of some times as many at most;
and when little is left they get smaller, so that workers end together. What a run counts, and the merged file, hang on none
of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence

from zerolimit.study.worker import Task

LONGEST = 4.0
"""Seconds of a worker's time that a batch should take at most: a kill must lose no more than ten.

Of worlds of 2,000 x 36 these are some 160, beyond the 128 from which more together gain nothing (worlds.MOST_TOGETHER).
"""
SHORTEST = 0.5
"""Seconds below which a batch is not cut."""
GROWTH = 8
"""Times as much as the largest batch that has been finished, in runs and in borrowers."""
SHARES = 2
"""Batches a worker into which what is left is cut."""
RECENT = 4
"""Finished batches by which time is reckoned; the slowest of them counts.

Not a worker's first one: it loads what is compiled, which is a hundred times the time of a small run. Nor one that is both
short and small beside others: it has cost more by itself than by its runs (some 0.1 s of 36 months).
"""
MOST_VALUES = 500_000
"""Numbers that a batch sends back, at most: all of them are held at once."""


class Portions:
    """What is left of a design, cut into batches."""

    def __init__(self, tasks: Iterator[Task], left: int, size: Callable[[Task], int], values: int) -> None:
        self.tasks, self.left, self.size = tasks, left, size
        """`left` runs are in `tasks`; `size` tells a run's borrowers."""
        self.values = values
        """Numbers that a run leaves."""
        self.most_runs = max(1, MOST_VALUES // values)
        self.first: Task | None = None
        """Taken from `tasks`, and not handed out yet."""
        self.again: deque[tuple[Task, ...]] = deque()
        """To be done again, as they are."""
        self.runs = self.borrowers = 0
        """Handed out so far."""
        self.done_runs = self.done_borrowers = 0
        """Of the largest batches that were finished."""
        self.workers: set[Hashable] = set()
        """Who has finished a batch."""
        self.first_pace = 0.0
        """Seconds a borrower of the first batch, until a worker has finished its second."""
        self.recent: deque[tuple[int, float]] = deque(maxlen=RECENT)
        """Borrowers and seconds of the last batches."""

    def next(self, workers: int) -> tuple[Task, ...]:
        """The next batch, with so many workers at it; empty where nothing is left."""
        if self.again:
            return self.again.popleft()
        runs, borrowers = self._most(workers)
        batch: list[Task] = []
        held = 0
        while len(batch) < runs:
            task = self.first or next(self.tasks, None)
            self.first = None
            if task is None:
                break
            if batch and held + self.size(task) > borrowers:
                self.first = task
                break
            batch.append(task)
            held += self.size(task)
        self.runs, self.borrowers, self.left = self.runs + len(batch), self.borrowers + held, self.left - len(batch)
        return tuple(batch)

    def _most(self, workers: int) -> tuple[int, float]:
        """Runs, and borrowers, of the next batch."""
        pace = self._pace()
        if not pace:
            return 1, 0.0
        share = self.left * (self.borrowers / self.runs) * pace / (SHARES * workers)
        seconds = min(LONGEST, max(SHORTEST, share))
        return min(self.most_runs, GROWTH * self.done_runs), min(seconds / pace, GROWTH * self.done_borrowers)

    def _pace(self) -> float:
        """Seconds a borrower; 0 where nothing is known."""
        large = max((borrowers for borrowers, _ in self.recent), default=0) / 2
        telling = [(borrowers, took) for borrowers, took in self.recent if borrowers >= large or took > SHORTEST]
        return max((took / borrowers for borrowers, took in telling), default=self.first_pace)

    def learn(self, tasks: Sequence[Task], seconds: float, worker: Hashable = None) -> None:
        """A batch has taken so long; `worker` is who did it, where that is known."""
        borrowers = sum(map(self.size, tasks))
        self.done_runs, self.done_borrowers = max(self.done_runs, len(tasks)), max(self.done_borrowers, borrowers)
        if worker is not None and worker not in self.workers:
            self.workers.add(worker)
            self.first_pace = self.first_pace or seconds / borrowers
        elif seconds > 0.0:
            self.recent.append((borrowers, seconds))

    def halve(self, tasks: tuple[Task, ...]) -> None:
        """A batch that has killed its worker: one half of it after the other, before all else."""
        half = len(tasks) // 2
        self.again += [tasks[:half], tasks[half:]] if half else [tasks]
