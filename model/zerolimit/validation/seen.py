"""What measures see of a run: borrowers' columns month by month, and the sums that moments are made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from zerolimit.engine.base import Array
from zerolimit.month import WORDS
from zerolimit.parameters.scenario import Scenario
from zerolimit.results.moments import Moment, Part, RowMonths, parts_of, value_of
from zerolimit.run.batch import Batch
from zerolimit.run.together import Together
from zerolimit.study.worlds import forget
from zerolimit.validation.experiment import FOLLOWED, Raised, Rise
from zerolimit.vocabulary.fields import BYTES, FIELDS
from zerolimit.vocabulary.names import LEFT

STATES = (
    *("status", "generation", "limit", "scheduled", "overdue", "late", "tenure", "idle", "other_debt", "cash", "risk"),
    *("age", "segment", "out_of_work"),
)
"""Fields kept as they stand at each month's end."""
DECIDED = tuple(word for word, _ in WORDS["decision"] if word.startswith("count_decided"))
FLOWS = ("drawn", "principal_paid", "interest_paid", "elsewhere", "shortfall", *DECIDED)
"""What stages leave of a month (month.KEPT)."""
READ = ("standing",)
"""Flows that the columns still hold when the month is over."""
DUE = "due_next"
"""Principal that falls due in the month that follows."""
BYTES_A_MONTH = sum(BYTES[FIELDS[name].storage] for name in (*STATES, *FLOWS, *READ, "due_0"))
"""What is kept of a borrower."""


@dataclass(frozen=True)
class Seen:
    """A run's columns, (months, borrowers) each; row k is the end of month k. Money in fen."""

    start: str | None
    columns: Mapping[str, Array]
    sums: Mapping[str, Sequence[Array]]
    """Of each moment, its parts' sums by month."""
    rises: Mapping[int, Rise] = field(default_factory=dict)
    """By the month after which lines rose in an experiment beside the run, what came of it."""

    @property
    def months(self) -> int:
        """Months run."""
        return len(self.columns["status"])

    def month_of(self, date: str) -> int:
        """The month of a date, as in 2008-06; below 0 before the start. The run has a start."""
        assert self.start is not None
        years, months = (int(a) - int(b) for a, b in zip(date.split("-"), self.start.split("-"), strict=True))
        return 12 * years + months


def watch(
    runs: Sequence[tuple[Scenario, int]],
    months: int,
    moments: Sequence[Moment],
    engine: str,
    rises: Collection[int] = (),
) -> tuple[dict[int, Seen], dict[int, Exception]]:
    """Run worlds, each with its seed, together, and keep what measures see of them; and what others failed with.

    After the months in `rises`, which are followed by experiment.FOLLOWED others, lines rise in copies of the worlds.
    """
    parts = list(dict.fromkeys(part for one in moments for part in parts_of(one)))
    at = {part: k for k, part in enumerate(parts)}
    batch = Batch.begin(runs, engine=engine, threads=1)
    begun = set(batch.worlds)
    try:
        watched = [Watched(some, months, parts) for some in batch.sets]
        tried: dict[int, Raised] = {}
        failures: dict[int, Exception] = {}
        rose: dict[int, dict[int, Rise]] = {}
        for month in range(months):
            batch.step()
            if set(batch.worlds) != begun:
                break
            for one in watched:
                one.take()
            if month in rises:
                tried[month] = Raised(batch.worlds)
                failures |= tried[month].failures
            if month - FOLLOWED in tried:
                rose[month - FOLLOWED] = tried.pop(month - FOLLOWED).beside(batch.worlds)
    finally:
        batch.close()
    if set(batch.worlds) != begun:  # the others begin again: what they left of the month has gone with the one that failed
        others = sorted(batch.worlds)
        found, failures = watch([runs[number] for number in others], months, moments, engine, rises) if others else ({}, {})
        return (
            {others[k]: seen for k, seen in found.items()},
            batch.failures | {others[k]: error for k, error in failures.items()},
        )
    seen = {}
    for some, numbers in zip(watched, batch.numbers, strict=True):
        for k, number in enumerate(numbers):
            rows = slice(*some.starts[k : k + 2])
            sums = {one.name: [some.sums[:, k, at[part]] for part in parts_of(one)] for one in moments}
            columns = {name: column[:, rows] for name, column in some.columns.items()}
            if number not in failures:
                risen = {month: found[number] for month, found in rose.items()}
                seen[number] = Seen(runs[number][0].start, columns, sums, risen)
    return seen, batch.failures | failures


class Watched:
    """Worlds that share their columns, and what is kept of them after each month."""

    def __init__(self, some: Together, months: int, parts: Sequence[Part]) -> None:
        self.some, self.months, self.starts = some, months, some.engine.bases
        some.keep()
        self.rows = RowMonths(parts, self.starts, compiled=some.worlds[0].kind.compiles)
        self.sums = np.zeros((months, len(some.worlds), len(parts)), np.int64)
        self.columns: dict[str, Array] = {}
        self.month = 0

    def take(self) -> None:
        """The month that has just been run."""
        raw = partial(self.some.engine.raw, month=self.some.month)
        kept = self.some.kept or {}
        self.sums[self.month] = self.rows.take(raw)
        now = {name: raw(name) for name in (*STATES, *READ)} | {name: kept[name] for name in FLOWS}
        now[DUE] = np.where(raw("scheduled") > 0, raw("due_0"), 0)
        for name, column in now.items():
            if not self.month:
                self.columns[name] = np.zeros((self.months, len(column)), column.dtype)
            self.columns[name][self.month] = column
        for world in self.some.worlds:
            forget(world)
        self.month += 1


class View:
    """Some months of a run, those of a window; `at` is the month of the window's event."""

    def __init__(self, seen: Seen, first: int, last: int, at: int | None = None) -> None:
        self.seen, self.first, self.last, self.at = seen, first, last, at

    def since(self, lag: int) -> View:
        """The same without the months that have none `lag` months before them."""
        return View(self.seen, max(self.first, lag), self.last, self.at)

    def month(self, month: int) -> View:
        """One month."""
        return View(self.seen, month, month + 1, self.at)

    def between(self, first: str, last: str) -> View:
        """The months between two dates, both included, as far as they were run."""
        return View(self.seen, max(0, self.seen.month_of(first)), min(self.seen.months, self.seen.month_of(last) + 1))

    def __getitem__(self, name: str) -> Array:
        return self.ago(name, 0)

    def ago(self, name: str, lag: int) -> Array:
        """A column `lag` months before each month; `principal`, `paid`, `utilisation` follow from others."""
        if name == "principal":
            return self.ago("scheduled", lag).astype(np.int64) + self.ago("overdue", lag)
        if name == "paid":
            return self.ago("principal_paid", lag).astype(np.int64) + self.ago("interest_paid", lag)
        if name == "utilisation":
            return over(self.ago("principal", lag), self.ago("limit", lag))
        column: Array = self.seen.columns[name][self.first - lag : max(self.first, self.last) - lag]
        return column

    @property
    def here(self) -> Array:
        """Who has an account."""
        return self["status"] != int(LEFT)

    def was_here(self, lag: int) -> Array:
        """Who had one."""
        found: Array = self.ago("status", lag) != int(LEFT)
        return found

    def slot_of(self, lag: int) -> Array:
        """Whose slot was theirs `lag` months before, with an account then; they may have left since."""
        found: Array = self.was_here(lag) & (self["generation"] == self.ago("generation", lag))
        return found

    def same(self, lag: int) -> Array:
        """Who has the account that they had `lag` months before."""
        return self.slot_of(lag) & self.here

    def value(self, moment: Moment) -> float:
        """A moment over the months."""
        sums = [part[self.first : self.last].sum(keepdims=True) for part in self.seen.sums[moment.name]]
        return float(value_of(moment, sums)[0])


def over(a: Any, b: Any) -> Array:
    """Each divided by each; not a number where there is nothing to divide by."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.divide(a, b, out=np.full(np.broadcast(a, b).shape, np.nan), where=b > 0)
