"""What a platform asks of an engine, each once: totals, order statistics, selections, queues, neighbours, the Gini.

Every verb has a leading axis of worlds. What is the same length in each world is an array of shape (worlds, ...); what
is not is a list with an array a world (`Ragged`): a list of rows, and what goes with those rows. Rows are slots, from 0,
in order of the borrowers. Amounts are whole fen and sums whole numbers, so any order of adding gives the same.

These are plain NumPy for engines of one world; an engine may override each. `OneWorld` is the face that the platform of
one world uses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import BadInput
from zerolimit.engine.gini import gini
from zerolimit.engine.level import Levels, share_out
from zerolimit.engine.prefix import Lottery, serve_prefix
from zerolimit.vocabulary.cells import by_cell
from zerolimit.vocabulary.fields import FIELDS, Q2

Array = NDArray[Any]
Ragged = list[Array]
"""An array for each world."""
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
    """The verbs over columns of one world."""

    size: int
    worlds = 1

    @abstractmethod
    def raw(self, name: str, month: int) -> Array: ...

    @abstractmethod
    def put_raw(self, name: str, rows: Array | slice, values: Any, month: int) -> None: ...

    @abstractmethod
    def long_words(self, purpose: str, rows: Array, month: int) -> Array: ...

    @abstractmethod
    def keys_of(self, rows: Array) -> Array: ...

    @abstractmethod
    def in_parts(self, work: Callable[[int, int], Any], length: int) -> list[Any]: ...

    def read(self, name: str, rows: Ragged | None, month: int) -> Ragged:
        """A field of some borrowers, or of all (None), as rules see it: money in fen, shares as fractions. Copies."""
        if rows is None:
            return [reals(name, self.raw(name, month)).copy()]
        return [reals(name, self.raw(name, month)[refuse_rows(rows[0], self.size)])]

    def put(self, name: str, rows: Ragged | None, values: Sequence[Any], month: int) -> None:
        """Stored values to some borrowers, or to all (None): for each world an array of them, or one for all."""
        self.put_raw(name, slice(None) if rows is None else refuse_rows(rows[0], self.size), values[0], month)

    def total(self, name: str, month: int) -> Array:
        """The sum of a field of whole numbers over everybody, (worlds,), int64."""
        return np.array([self.raw(name, month).sum(dtype=np.int64)])

    def where(self, name: str, value: float, month: int) -> Ragged:
        """The rows whose field holds a stored value, in order."""
        return [np.flatnonzero(self.raw(name, month) == value)]

    def ordered(self, name: str, places: Sequence[Sequence[int]], rows: Ragged | None, month: int) -> Array:
        """What stands at some places, from 0, when a field of some borrowers, or of all (None), is put in order.

        `places` and the result have the shape (worlds, places): so many quantiles.
        """
        values = self.read(name, rows, month)[0]
        wanted = list(places[0])
        if len(values) == 0:
            raise BadInput(f"{name}: nobody to put in order")
        values.partition(sorted(set(wanted)))
        return values[None, wanted]

    def prefix(
        self,
        order: Ragged,
        costs: Ragged,
        capacity: Sequence[int],
        rows: Ragged,
        purpose: str,
        month: int,
    ) -> list[Served]:
        """Who is served when the highest `order` goes first until a capacity is used up.

        Each takes `costs` (whole, not negative); nobody behind the first who does not fit is served. Ties go by the
        borrowers' draw of `purpose` (64 bits, the smallest first), then by what keys their draws: the row, or the client's.
        """
        return [serve_prefix(order[0], costs[0], capacity[0], self.keys_of(rows[0]), self.lottery(purpose, rows, month)[0])]

    def level(
        self,
        rules: Sequence[Levels],
        capacity: Sequence[int],
        rows: Ragged,
        purpose: str,
        month: int,
        top: Sequence[int | None],
    ) -> list[Shared]:
        """What each is granted at the largest level, at most `top`, at which all grants fit into a capacity (fen).

        What is left goes to those whom the next level would give more, in order of the draw of `purpose`, then of its key.
        """
        return [share_out(rules[0], capacity[0], self.keys_of(rows[0]), self.lottery(purpose, rows, month)[0], top[0])]

    def lottery(self, purpose: str, rows: Ragged, month: int) -> list[Lottery]:
        """The borrowers' draws of a purpose (64 bits), for those at the positions asked in each world's list."""
        return [lambda at: self.long_words(purpose, rows[0][at], month)]

    def hear(self, neighbours: Sequence[Neighbours | None], month: int) -> None:
        """`heard` of everybody: the mean of `told` over one's neighbours; 0 without any."""
        ties = neighbours[0]
        self.put_raw("heard", slice(None), 0 if ties is None else ties.hear(self.raw("told", month)), month)

    def sums(self, rows: Ragged, numbers: Sequence[Any], month: int) -> Array:
        """Whole numbers of some borrowers, added up by cell, (worlds, CELLS)."""
        segment, decile = (self.read(name, rows, month)[0] for name in ("segment", "decile"))
        return by_cell(segment, decile, numbers[0])[None]

    def gini(self, month: int) -> Array:
        """The Gini coefficient of the lines of all who have an account (engine/gini.py), (worlds,)."""
        return np.array([gini(self.raw("limit", month), self.raw("status", month), self.in_parts)])


class OneWorld:
    """One world of an engine in one month: the verbs without their leading axis."""

    def __init__(self, engine: Verbs, month: int, world: int = 0) -> None:
        if engine.worlds != 1 or world != 0:
            raise BadInput(f"world: {world} is not 0; engines run one world")
        self.engine, self.month = engine, month

    def read(self, name: str, rows: Array | None = None) -> Array:
        return self.engine.read(name, None if rows is None else [rows], self.month)[0]

    def put(self, name: str, rows: Array | None, values: Any) -> None:
        self.engine.put(name, None if rows is None else [rows], [values], self.month)

    def total(self, name: str) -> int:
        return int(self.engine.total(name, self.month)[0])

    def where(self, name: str, value: float) -> Array:
        return self.engine.where(name, value, self.month)[0]

    def ordered(self, name: str, places: Sequence[int], rows: Array | None = None) -> list[float]:
        found: list[float] = self.engine.ordered(name, [places], None if rows is None else [rows], self.month)[0].tolist()
        return found

    def prefix(self, order: Array, costs: Array, capacity: int, rows: Array, purpose: str) -> Served:
        return self.engine.prefix([order], [costs], [capacity], [rows], purpose, self.month)[0]

    def level(self, rule: Levels, capacity: int, rows: Array, purpose: str, top: int | None = None) -> Shared:
        return self.engine.level([rule], [capacity], [rows], purpose, self.month, [top])[0]

    def queue(self, rows: Array, purpose: str) -> Queue:
        """Some borrowers who contend for a capacity, with ties by their draw of `purpose`."""
        return Contenders(self, rows, purpose)

    def lottery(self, purpose: str, rows: Array) -> Lottery:
        return self.engine.lottery(purpose, [rows], self.month)[0]

    def hear(self, neighbours: Neighbours | None) -> None:
        self.engine.hear([neighbours], self.month)

    def sums(self, rows: Array, numbers: Any) -> Array:
        found: Array = self.engine.sums([rows], [numbers], self.month)[0]
        return found

    def gini(self) -> float:
        return float(self.engine.gini(self.month)[0])

    def fields(self, names: Iterable[str], rows: Array) -> Mapping[str, Array]:
        """Several fields of some borrowers."""
        return {name: self.read(name, rows) for name in names}


@dataclass(frozen=True)
class Contenders:
    """Borrowers of one world who contend for a capacity: served by their engine."""

    borrowers: OneWorld
    rows: Array
    purpose: str

    def prefix(self, order: Array, costs: Array, capacity: int) -> Served:
        return self.borrowers.prefix(order, costs, capacity, self.rows, self.purpose)

    def level(self, rule: Levels, capacity: int, top: int | None = None) -> Shared:
        return self.borrowers.level(rule, capacity, self.rows, self.purpose, top)


@dataclass(frozen=True)
class Listed:
    """Those who contended for a capacity, with no engine at hand: what keys their draws, and their lottery."""

    keys: Array
    lottery: Lottery

    def prefix(self, order: Array, costs: Array, capacity: int) -> Served:
        return serve_prefix(order, costs, capacity, self.keys, self.lottery)

    def level(self, rule: Levels, capacity: int, top: int | None = None) -> Shared:
        return share_out(rule, capacity, self.keys, self.lottery, top)
