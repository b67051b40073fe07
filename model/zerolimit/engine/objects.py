"""The object engine: one Python object a borrower, the rules called one by one. The plain meaning of the month.

Slow, and equal bit for bit to the compiled engine; the order in which it takes the borrowers may be shuffled.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from zerolimit.engine.base import Array, Engine, Options, Result, Unfit, Wrong, copy_of_world, copy_of_worlds, unreal
from zerolimit.engine.plan import FLOW_NAMES, Plan, Stage
from zerolimit.engine.registry import engine
from zerolimit.engine.rows import Rows
from zerolimit.rules.caps import MEASURED
from zerolimit.rules.flags import BITS
from zerolimit.rules.laws import BROKEN
from zerolimit.vocabulary.cells import CELLS, CELLS_PER_SEGMENT
from zerolimit.vocabulary.fields import DTYPES, FIELDS, STORABLE, slot


def out_of_bounds(names: list[str], row: dict[str, float]) -> str:
    """The first of these fields that holds an amount that cannot be, or a broken law; nothing where none does."""
    for name in names:
        most = 0.0 if name == BROKEN else STORABLE["i4"]
        if not (-most if FIELDS[name].signed else 0.0) <= row[name] <= most:
            return name
    return ""


@engine("objects")
class Objects(Engine):
    """Borrowers as dictionaries of floats."""

    several = True

    def __init__(
        self,
        plan: Plan,
        terms: tuple[str, ...],
        seeds: Sequence[int],
        sizes: Sequence[int],
        options: Options | None = None,
    ) -> None:
        super().__init__(plan, terms, seeds, sizes, options)
        options = options or Options()
        self.checks = options.checks
        empty = dict.fromkeys(FIELDS, 0.0)
        self.rows = [dict(empty) for _ in range(self.size)]
        self.shuffle = random.Random(options.shuffle) if options.shuffle is not None else None

    @classmethod
    def bytes_a_borrower(cls, plan: Plan) -> int:
        return 8_000

    def raw(self, name: str, month: int) -> Array:
        at = slot(name, month)
        return np.array([unreal(name, row[at]) for row in self.rows], DTYPES[FIELDS[name].storage])

    def put_raw(self, name: str, rows: Array | slice, values: Any, month: int) -> None:
        at = slot(name, month)
        chosen = np.arange(self.size)[rows]
        given = np.broadcast_to(np.asarray(values), chosen.shape)
        scale = unreal(name, 1.0)
        for row, value in zip(chosen.tolist(), given.tolist(), strict=True):
            self.rows[row][at] = float(value) / scale

    def get(self, name: str, row: int, month: int) -> float:
        return self.rows[row][slot(name, month)]

    def set(self, name: str, row: int, value: float, month: int) -> None:
        self.rows[row][slot(name, month)] = value

    def in_order(self, rows: Array) -> list[int]:
        """Positions in the list, shuffled where that was asked for."""
        order = list(range(len(rows)))
        if self.shuffle is not None:
            self.shuffle.shuffle(order)
        return order

    def stage(self, name: str, month: int, terms: Array) -> Result:
        stage = self.plan.stages[name]
        bases = self.bases.tolist()
        slots = [np.arange(stop - start) for start, stop in pairwise(bases)]
        failures: dict[int, Exception] = {}
        try:
            self.listed(name, Rows.joined(slots), month, terms)
        except Unfit as error:
            failures = error.failures
        sums = np.zeros((self.worlds, CELLS, len(stage.sum_names)), np.int64)
        counts = np.zeros((self.worlds, CELLS, len(stage.words), BITS), np.int64)
        wrong: dict[int, Wrong] = {}
        chosen: dict[str, list[list[int]]] = {roll.name: [] for roll in stage.rolls}
        for w, (start, stop) in enumerate(pairwise(bases)):
            rows = self.rows[start:stop]
            for row in rows:
                self._tally(stage, row, sums[w], counts[w])
            for roll in stage.rolls:
                listed = [k for k, row in enumerate(rows) if any(row[name] != 0.0 for name in roll.when)]
                chosen[roll.name].append(listed)
            bad = [(k, field) for k, row in enumerate(rows) if (field := out_of_bounds(stage.guards, row))]
            if bad:
                wrong[w] = (len(bad), *bad[0], int(rows[bad[0][0]][bad[0][1]]))
        rolls: dict[str, dict[str, Any]] = {}
        for roll in stage.rolls:
            found = Rows.joined([np.array(some, np.int64) for some in chosen[roll.name]])
            taken = [self.rows[at] for at in self.places(found).tolist()]
            rolls[roll.name] = {"rows": found}
            for value in roll.values:
                stored = [unreal(value, row[value]) for row in taken]
                rolls[roll.name][value] = np.array(stored, DTYPES[FIELDS[value].storage])
        return Result(sums, counts, rolls, wrong, failures)

    def _tally(self, stage: Stage, row: dict[str, float], sums: Array, counts: Array) -> None:
        """Add a borrower to a world's sums and counts."""
        cell = int(row["segment"]) * CELLS_PER_SEGMENT + int(row["decile"])
        for k, field in enumerate(stage.sums):
            sums[cell, k] += int(unreal(field, row[field]))
        for k, one in enumerate(stage.rare, len(stage.sums)):
            if row[one.when] != 0.0:
                sums[cell, k] += int(unreal(one.field, row[one.field]))
        for k, (word, where) in enumerate(stage.words):
            if where and row[where] == 0.0:
                continue
            flags = int(row[word])
            for bit in range(BITS):
                counts[cell, k, bit] += flags >> bit & 1

    def listed(self, name: str, rows: Rows | Array, month: int, terms: Array) -> Array:
        stage, rows = self.plan.stages[name], Rows.of(rows)
        out = self.measures(stage, rows)
        named = [self.named_terms(one) for one in np.atleast_2d(terms)]
        purposes = dict.fromkeys(draw for rule in stage.rules for draw in rule.draws)
        draws = {purpose: self.uniforms(purpose, rows, month).tolist() for purpose in purposes}
        worlds, places = rows.world.tolist(), self.places(rows).tolist()
        failures: dict[int, Exception] = {}
        for k in self.in_order(rows.at):
            if worlds[k] in failures:
                continue
            own = {purpose: values[k] for purpose, values in draws.items()}
            row = places[k]
            for rule, where in stage.wheres():
                if where and self.rows[row][where] == 0.0:
                    self.rows[row].update((name, 0.0) for name in rule.writes if name in FLOW_NAMES)
                    continue
                try:
                    self.apply(rule, row, own, named[worlds[k]], month)
                except Exception as error:
                    if self.worlds == 1:
                        raise
                    failures[worlds[k]] = error
                    break
            else:
                for j, name_of in enumerate(MEASURED if out.size else ()):
                    out[j, k] = self.measured[name_of]
        if failures:
            raise Unfit(failures)
        return out

    def one(self, world: int) -> Objects:
        if self.worlds == 1:
            return self
        start, stop = self.bases[world : world + 2].tolist()
        found = copy_of_world(self, world)
        found.rows = self.rows[start:stop]
        return found

    @classmethod
    def joined(cls, engines: Sequence[Objects]) -> Objects:
        found = copy_of_worlds(engines)
        found.rows = [dict(row) for one in engines for row in one.rows]
        return found

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "rows": [dict(row) for row in state["rows"]]})
