"""What a platform asks of an engine, each once: totals, order statistics, selections, queues, neighbours, the Gini.

Every verb answers for several worlds at once: what is one number a world is an array of shape (worlds,), borrowers are
`Rows` (slots, world after world), and what goes with them is an array beside. Slots are from 0 in each world, in order of
the borrowers. Amounts are whole fen and sums whole numbers, so any order of adding gives the same.

`OneWorld` is the face for one world.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import BadInput
from zerolimit.engine.gini import gini
from zerolimit.engine.level import Levels, share_out
from zerolimit.engine.prefix import Lottery, serve_prefix, serve_prefixes
from zerolimit.engine.ring import heard_along
from zerolimit.engine.rows import Rows, add_by_cell, add_up, find, look_up, places
from zerolimit.vocabulary.cells import CELLS, cells
from zerolimit.vocabulary.fields import FIELDS, Q2

Array = NDArray[Any]
Served = tuple[Array, int, int]
"""Who is served (a mask), the position of the first who did not fit (-1: all did), and what was left then."""


Shared = tuple[Array, int]
"""What each is granted (fen), and the level at which the capacity was used up."""


class Queue(Protocol):
    """Those who contend for a capacity, served in one of two ways."""

    def prefix(self, order: Array, costs: Array, capacity: int) -> Served: ...

    def level(self, rule: Levels, capacity: int, top: int | None = None) -> Shared: ...


class Neighbours(Protocol):
    """Who hears of whom."""

    @property
    def steps(self) -> Array | None:
        """A ring's distances, on both sides, of everybody's acquaintances; None: other ties, which `hear` knows."""

    def hear(self, told: Array) -> Array:
        """The share of each slot's acquaintances who told, as the field `heard` stores it."""


def reals(name: str, raw: Array) -> Array:
    """Stored values as numbers that rules see, float64 where they are fractions."""
    if FIELDS[name].storage == "q2":
        return raw.astype(np.float64) / Q2
    return raw


def refuse_rows(rows: Array, size: int) -> Array:
    """The rows. BadInput: they are not whole numbers from 0 to `size` - 1."""
    rows = np.asarray(rows)
    if rows.size and (rows.ndim != 1 or rows.dtype.kind not in "iu" or not 0 <= rows.min() <= rows.max() < size):
        raise BadInput(f"rows: whole numbers from 0 to {size - 1} are needed")
    return rows


class Verbs(ABC):
    """The verbs over the columns of several worlds, which stand one after the other."""

    size: int
    """Slots of all worlds."""
    bases: Array
    """Where each world's slots begin in a column, (worlds + 1,), int64."""
    keys: Array | None

    @abstractmethod
    def raw(self, name: str, month: int) -> Array: ...

    @abstractmethod
    def put_raw(self, name: str, rows: Array | slice, values: Any, month: int) -> None: ...

    @abstractmethod
    def long_words(self, purpose: str, rows: Rows, month: int) -> Array: ...

    @abstractmethod
    def in_parts(self, work: Callable[[int, int], Any], length: int) -> list[Any]: ...

    @property
    def worlds(self) -> int:
        return len(self.bases) - 1

    def slots(self, rows: Rows) -> Rows:
        """The rows. BadInput: they are not slots of their worlds."""
        if rows.worlds != self.worlds:
            raise BadInput(f"rows: of {rows.worlds} worlds, where the engine has {self.worlds}")
        if self.worlds == 1:
            return Rows(refuse_rows(rows.at, self.size), rows.starts)
        if len(rows) and not (rows.at.min() >= 0 and (rows.at < np.diff(self.bases)[rows.world]).all()):
            raise BadInput("rows: a slot is not in its world")
        return rows

    def places(self, rows: Rows) -> Array:
        """Where some borrowers stand in a column."""
        if self.worlds == 1:
            return rows.at
        found = np.empty(len(rows), np.int64)
        places(rows.at, rows.starts, self.bases, found)
        return found

    def read_raw(self, name: str, rows: Rows, month: int) -> Array:
        """A field of some borrowers as it is stored: a copy."""
        column = self.raw(name, month)
        if self.worlds == 1:
            return np.asarray(column[rows.at])
        found = np.empty(len(rows), column.dtype)
        look_up(column, rows.at, rows.starts, self.bases, found)
        return found

    def read_several(self, names: Sequence[str], rows: Rows, month: int) -> list[Array]:
        """Several fields of some borrowers as rules see them: copies."""
        at = self.places(rows)
        return [reals(name, np.asarray(self.raw(name, month)[at])) for name in names]

    def read(self, name: str, rows: Rows | None, month: int) -> Array:
        """A field of some borrowers, or of all (None), as rules see it: money in fen, shares as fractions. Copies."""
        if rows is None:
            return reals(name, self.raw(name, month)).copy()
        return reals(name, self.read_raw(name, self.slots(rows), month))

    def put(self, name: str, rows: Rows | None, values: Any, month: int) -> None:
        """Stored values to some borrowers, or to all (None): an array of them, or one for all."""
        self.put_raw(name, slice(None) if rows is None else self.places(self.slots(rows)), values, month)

    def total(self, name: str, month: int) -> Array:
        """The sum of a field of whole numbers over everybody, (worlds,), int64."""
        found = np.empty(self.worlds, np.int64)
        add_up(self.raw(name, month), self.bases, found)
        return found

    def where(self, name: str, value: float, month: int) -> Rows:
        """The slots whose field holds a stored value, in order."""
        column = self.raw(name, month)
        rows, starts = np.empty(self.size + 1, np.int32), np.zeros(self.worlds + 1, np.int64)
        find(column, column.dtype.type(value), self.bases, rows, starts)
        return Rows(rows[: starts[-1]].copy(), starts)

    def ordered(self, name: str, places: Sequence[Sequence[int]], rows: Rows | None, month: int) -> list[Array]:
        """What stands at some places, from 0, when a field of some borrowers, or of all (None), is put in order.

        `places` and the result have a list for each world: so many quantiles. A world without places may have nobody.
        """
        values = self.read(name, rows, month)
        starts = self.bases if rows is None else rows.starts
        found = []
        for w, wanted in enumerate(places):
            some = values[starts[w] : starts[w + 1]]
            if len(wanted):
                if len(some) == 0:
                    raise BadInput(f"{name}: nobody to put in order")
                some.partition(sorted(set(wanted)))
            found.append(some[list(wanted)])
        return found

    def prefix(
        self,
        order: Array,
        costs: Array,
        capacity: Array,
        rows: Rows,
        purpose: str,
        month: int,
    ) -> tuple[Array, Array, Array]:
        """Who is served when the highest `order` goes first until a world's capacity is used up: a mask, and by world the
        position of the first who did not fit (-1: all did) and what was left then.

        Each takes `costs` (whole, not negative); nobody behind the first who does not fit is served. Ties go by the
        borrowers' draw of `purpose` (64 bits, the smallest first), then by what keys their draws: the row, or the client's.
        """
        return serve_prefixes(order, costs, capacity, rows.starts, self.keys_of(rows), self.lottery(purpose, rows, month))

    def lottery(self, purpose: str, rows: Rows, month: int) -> Lottery:
        """The borrowers' draws of a purpose (64 bits), for those at the positions asked, in order."""

        def at(positions: Array) -> Array:
            some = rows.at[positions]
            if rows.worlds == 1:
                return self.long_words(purpose, Rows.alone(some), month)
            return self.long_words(purpose, Rows(some, np.searchsorted(positions, rows.starts)), month)

        return at

    def keys_of(self, rows: Rows) -> Array:
        """What the draws of some borrowers are keyed by: their clients' keys (uint64), or their rows."""
        return rows.at if self.keys is None else self.keys[self.places(rows)]

    def hear(self, neighbours: Sequence[Neighbours | None], month: int) -> None:
        """`heard` of everybody: the mean of `told` over one's neighbours; 0 without any."""
        if all(ties is None for ties in neighbours):
            self.put_raw("heard", slice(None), 0, month)
            return
        told, nobody = self.raw("told", month), np.zeros(0, np.int64)
        rings = [None if ties is None else ties.steps for ties in neighbours]
        heard = heard_along([nobody if steps is None else steps for steps in rings], told, self.bases)
        for w, ties in enumerate(neighbours):
            if ties is not None and rings[w] is None:
                here = slice(int(self.bases[w]), int(self.bases[w + 1]))
                heard[here] = ties.hear(told[here])
        self.put_raw("heard", slice(None), heard, month)

    def cells_of(self, rows: Rows, month: int) -> Array:
        """The cell of segment x first income decile of some borrowers."""
        return cells(*self.read_several(("segment", "decile"), rows, month))

    def sums(self, rows: Rows, numbers: Any, month: int, found_in: Array | None = None) -> Array:
        """Whole numbers of some borrowers, added up by cell, (worlds, CELLS); `found_in` are their cells, where known."""
        found = np.zeros((self.worlds, CELLS), np.int64)
        if len(rows):
            many = np.empty(len(rows), np.int64)
            many[:] = numbers
            add_by_cell(self.cells_of(rows, month) if found_in is None else found_in, many, rows.starts, found)
        return found

    def gini(self, month: int) -> Array:
        """The Gini coefficient of the lines of all who have an account (engine/gini.py), (worlds,)."""
        return gini(self.raw("limit", month), self.raw("status", month), self.bases, self.in_parts)


class OneWorld:
    """An engine of one world in one month: the verbs with plain arrays of slots."""

    def __init__(self, engine: Verbs, month: int) -> None:
        if engine.worlds != 1:
            raise BadInput(f"engine: it has {engine.worlds} worlds; take one of them")
        self.engine, self.month = engine, month

    def read(self, name: str, rows: Array | None = None) -> Array:
        return self.engine.read(name, None if rows is None else Rows.alone(rows), self.month)

    def put(self, name: str, rows: Array | None, values: Any) -> None:
        self.engine.put(name, None if rows is None else Rows.alone(rows), values, self.month)

    def total(self, name: str) -> int:
        return int(self.engine.total(name, self.month)[0])

    def where(self, name: str, value: float) -> Array:
        return self.engine.where(name, value, self.month).at

    def ordered(self, name: str, places: Sequence[int], rows: Array | None = None) -> list[float]:
        found = self.engine.ordered(name, [places], None if rows is None else Rows.alone(rows), self.month)
        values: list[float] = found[0].tolist()
        return values

    def prefix(self, order: Array, costs: Array, capacity: int, rows: Array, purpose: str) -> Served:
        return self.queue(rows, purpose).prefix(order, costs, capacity)

    def level(self, rule: Levels, capacity: int, rows: Array, purpose: str, top: int | None = None) -> Shared:
        return self.queue(rows, purpose).level(rule, capacity, top)

    def queue(self, rows: Array, purpose: str) -> Queue:
        """Some borrowers who contend for a capacity, with ties by their draw of `purpose`."""
        return Listed(self.engine.keys_of(Rows.alone(rows)), self.lottery(purpose, rows))

    def lottery(self, purpose: str, rows: Array) -> Lottery:
        return self.engine.lottery(purpose, Rows.alone(rows), self.month)

    def hear(self, neighbours: Neighbours | None) -> None:
        self.engine.hear([neighbours], self.month)

    def sums(self, rows: Array, numbers: Any) -> Array:
        found: Array = self.engine.sums(Rows.alone(rows), numbers, self.month)[0]
        return found

    def gini(self) -> float:
        return float(self.engine.gini(self.month)[0])


@dataclass(frozen=True)
class Listed:
    """Those who contend for a capacity in one world: what keys their draws, and their lottery."""

    keys: Array
    lottery: Lottery

    def prefix(self, order: Array, costs: Array, capacity: int) -> Served:
        return serve_prefix(order, costs, capacity, self.keys, self.lottery)

    def level(self, rule: Levels, capacity: int, top: int | None = None) -> Shared:
        return share_out(rule, capacity, self.keys, self.lottery, top)
