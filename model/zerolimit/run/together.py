"""Worlds that share an engine: every stage is one pass over all of their borrowers, every phase answered for all of them.

One simulation alone is one world of these. What goes wrong in one of several is that world's and no other's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from zerolimit.basics.errors import BadInput, OutOfRange, nearest, quoted
from zerolimit.engine.base import Array, Engine, Result, Unfit
from zerolimit.engine.rows import Rows
from zerolimit.platform.books import Books
from zerolimit.platform.pool import open_pool
from zerolimit.run.balance import refuse
from zerolimit.run.month import Month, Platform
from zerolimit.run.phases import Live
from zerolimit.vocabulary.constants import NO_CAMPAIGN

if TYPE_CHECKING:
    from zerolimit.run.simulation import Simulation

MILLION = 1_000_000
"""Borrowers taken through a list at a time when all are."""


class Together:
    """Worlds in the same month, whose borrowers stand in one engine's columns, in this order."""

    def __init__(self, worlds: Sequence[Simulation], engine: Engine, books: Books) -> None:
        self.worlds, self.engine, self.plan = tuple(worlds), engine, engine.plan
        self.failures: dict[int, Exception] = {}
        """What a world failed with, by position."""
        self.books = books
        """The numbers of each world."""
        self.kept: dict[str, Array] | None = None
        """Of the month, what panels keep of every borrower, where it was asked for; as stored."""

    def keep(self) -> None:
        """Leave what a panel takes of all borrowers in `kept`, from the next month on."""
        self.engine.keep(np.arange(self.engine.size))
        self.kept = {}

    @property
    def month(self) -> int:
        return self.worlds[0].month

    @property
    def going(self) -> Array:
        """The worlds that have not failed, each as a truth value."""
        going = np.ones(len(self.worlds), np.bool_)
        going[list(self.failures)] = False
        return going

    def alive(self) -> Iterator[tuple[int, Simulation]]:
        """The worlds that have not failed, by position."""
        for number, one in enumerate(self.worlds):
            if number not in self.failures:
                yield number, one

    def fail(self, number: int, error: Exception) -> None:
        """A world has failed; where it is alone, the error is raised."""
        if len(self.worlds) == 1:
            raise error
        self.failures.setdefault(number, error)

    def each(self, do: Callable[[int, Simulation], None]) -> None:
        """Do something in each world that has not failed."""
        for number, one in self.alive():
            try:
                do(number, one)
            except Exception as error:
                self.fail(number, error)

    # the borrowers

    def through(self, stage: str) -> Result:
        """Every borrower through a stage. BadInput: it is none, or one for lists."""
        self.refuse_stage(stage, listed=False)
        for _, one in self.alive():
            if one.watch is not None:
                one.watch(stage, None)
        result = self.engine.stage(stage, self.month, self.books.terms)
        for number, failure in result.failures.items():
            self.fail(number, failure)
        if self.kept is not None:
            self.kept.update(self.engine.kept(stage, self.month))
        for number, one in self.alive():
            if len(one.kept_rows):
                if len(self.worlds) > 1:
                    self.fail(number, BadInput("keep: a panel is kept of a world that runs alone, not of one of a batch"))
                    continue
                one.kept.update(self.engine.kept(stage, self.month))
            if number in result.wrong:
                try:
                    refuse(stage, *result.wrong[number], one.engine, self.month)
                except OutOfRange as error:
                    self.fail(number, error)
        return result

    def through_list(self, stage: str, rows: Rows) -> Array:
        """The borrowers listed through a stage for lists; gives what was measured of them (caps.MEASURED), if anything.

        BadInput: the stage is none for lists.
        """
        self.refuse_stage(stage, listed=True)
        for number, one in self.alive():
            if one.watch is not None:
                one.watch(stage, rows.in_world(number))
        try:
            return self.engine.listed(stage, rows, self.month, self.books.terms)
        except Unfit as error:
            for number, failure in error.failures.items():
                self.fail(number, failure)
            return self.engine.measures(self.plan.stages[stage], rows)

    def refuse_stage(self, stage: str, *, listed: bool) -> None:
        """BadInput where there is no such stage."""
        found = self.plan.stages.get(stage)
        if found is None or found.listed != listed:
            known = [one.name for one in self.plan.stages.values() if one.listed == listed]
            raise BadInput(f"stage: {quoted(stage)} is none of {', '.join(known)}{nearest(stage, known)}")

    def everybody(self) -> Iterator[Rows]:
        """All borrowers, in lists of no more than a million where there is one world."""
        if len(self.worlds) > 1:
            yield Rows.joined([np.arange(one.size, dtype=np.int32) for one in self.worlds])
            return
        for start in range(0, self.engine.size, MILLION):
            yield Rows.alone(np.arange(start, min(start + MILLION, self.engine.size), dtype=np.int32))

    # set-up

    def begin(self) -> None:
        """The first populations: drawn, replaced by a portfolio's columns where there are some, and their first book."""

        self.switch_off()
        self.books["rescoring"] = 1.0
        self._all_through("be_born")
        self.each(lambda number, one: one.settle_traits())
        places = [[min(one.size - 1, one.size * k // 10) for k in range(1, 10)] for one in self.worlds]
        edges = self.engine.ordered("income_true", places, None, self.month)
        self.each(lambda number, one: one.set_deciles(edges[number].tolist()))
        self._all_through("rank")
        self._all_through("history")
        self.each(lambda number, one: one.settle_accounts())
        self._all_through("first_book")
        self.engine.drop(("owed", "months_left"))
        for number, one in enumerate(self.worlds):  # which has no view of what was dropped
            one.engine = self.engine.one(number)
        lines, scheduled, overdue = (self.engine.total(name, 0).tolist() for name in ("limit", "scheduled", "overdue"))

        def open_the_pool(number: int, one: Simulation) -> None:
            one.terms["rescoring"] = 0.0 if "rescoring" in one.scenario.off else 1.0
            one.books["slots"] = one.size
            one.first_lines, one.first_principal = lines[number], scheduled[number] + overdue[number]
            open_pool(one.books, one.scenario, one.first_lines, one.first_principal)
            sectors = one.scenario.network == "sector_blocks"
            one.first_sectors = one.borrowers.read("sector") if sectors else None
            if one.terms["neighbour_weight"] > 0.0:
                one.network()

        self.each(open_the_pool)

    def forget(self) -> None:
        """The months so far are no months of the results."""
        for _, one in self.alive():
            one.history.clear()
            one.episodes.starts.clear()
            one.episodes.ends.clear()

    def switch_off(self) -> None:
        """The terms of mechanisms that are off."""
        np.copyto(self.books.terms, self.books.off, where=~np.isnan(self.books.off))

    def _all_through(self, stage: str) -> None:
        for rows in self.everybody():
            self.through_list(stage, rows)

    # running

    def step(self, platform: Platform | None = None) -> None:
        """One month, phase by phase, as month.MONTH has it; `platform` answers for the platform in place of the live one."""
        if any(one.month != self.month for one in self.worlds):
            raise BadInput("step: a world of the batch has been run by itself; all must be in the same month")
        with ExitStack() as alone:
            for _, one in self.alive():
                alone.enter_context(one.nobody_else("step"))
            today = platform or Live(self)
            for one in self.worlds:
                one.today = today
            try:
                month = Month(self, today)
                month.run()
                today.end()
            finally:
                for one in self.worlds:
                    one.today = None  # it knows this simulation, which would outlive its last name
            for _, one in self.alive():
                one.month += 1
            self.books["campaign_cut"] = NO_CAMPAIGN


def joined(worlds: Sequence[Simulation]) -> Together:
    """Worlds that each had an engine of their own, or a part of another, with one engine for all."""
    if len(worlds) == 1:
        return Together(worlds, worlds[0].engine, worlds[0].books)
    engine = type(worlds[0].engine).joined([one.engine for one in worlds])
    for number, one in enumerate(worlds):
        one.engine = engine.one(number)
    return Together(worlds, engine, books_of(worlds))


def books_of(worlds: Sequence[Simulation]) -> Books:
    """The numbers of all worlds in one table; each world has a view of its part."""
    books = Books.joined([one.books for one in worlds])
    for number, one in enumerate(worlds):
        one.books = books.one(number)
    return books
