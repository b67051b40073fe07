"""Borrowers of several worlds in one array, world after world; and what is looked up, drawn and added up for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit, uint32, uint64
from numpy.typing import NDArray

from zerolimit.engine.philox import unit, words_of

Array = NDArray[Any]

AT_ONCE = 256
"""Borrowers of a list whose draws are made at once."""


def offsets(lengths: Any) -> Array:
    """Where each part begins, and the last ends, when parts of these lengths stand one after the other, (parts + 1,)."""
    found = np.zeros(len(lengths) + 1, np.int64)
    np.add.accumulate(lengths, out=found[1:])
    return found


@dataclass(frozen=True, eq=False)
class Rows:
    """Some borrowers of each of several worlds: slots, from 0 in each world, in one array."""

    at: Array
    """Slots, world after world."""
    starts: Array
    """World w has at[starts[w]:starts[w + 1]], (worlds + 1,)."""

    @classmethod
    def alone(cls, rows: Array) -> Rows:
        """Borrowers of one world."""
        starts = np.zeros(2, np.int64)
        starts[1] = len(rows)
        return cls(rows, starts)

    @classmethod
    def of(cls, rows: Rows | Array) -> Rows:
        """The same, or what is said as an array of slots of one world."""
        return rows if isinstance(rows, Rows) else cls.alone(rows)

    @classmethod
    def joined(cls, parts: Sequence[Array]) -> Rows:
        """A list of slots for each world."""
        return cls(np.concatenate(parts) if len(parts) != 1 else parts[0], offsets([len(part) for part in parts]))

    def __len__(self) -> int:
        return len(self.at)

    @property
    def worlds(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def counts(self) -> Array:
        """How many there are of each world."""
        return np.diff(self.starts)

    @cached_property
    def world(self) -> Array:
        """The world of each."""
        return np.repeat(np.arange(self.worlds), self.counts)

    def each(self, values: Array) -> Array:
        """A value of each world, for each of its borrowers."""
        return np.repeat(values, self.counts)

    def where(self, mask: Array) -> Rows:
        """Those whom a mask takes, in their order."""
        at, starts = np.empty(len(self.at), self.at.dtype), np.zeros(len(self.starts), np.int64)
        take_where(self.at, self.starts, mask, at, starts)
        return Rows(at[: starts[-1]], starts)

    def total(self, values: Any) -> Array:
        """Whole numbers of each, added up by world, (worlds,) int64."""
        found = np.empty(self.worlds, np.int64)
        add_listed(values, self.starts, found)
        return found

    def split(self, values: Array) -> list[Array]:
        """What goes with the borrowers, by world: views."""
        starts = self.starts.tolist()
        return [values[start:stop] for start, stop in pairwise(starts)]

    def in_world(self, world: int) -> Array:
        """The slots of one world: a view."""
        return self.at[self.starts[world] : self.starts[world + 1]]


def merged(one: Rows, other: Rows, values: Array, others: Array) -> tuple[Rows, Array]:
    """Two lists as one, each world's first borrowers before its others, with what goes with them."""
    at, both = np.concatenate([one.at, other.at]), np.concatenate([values, others])
    if one.worlds == 1:
        return Rows.alone(at), both
    order = np.argsort(np.concatenate([one.world, other.world]), kind="stable")
    return Rows(at[order], offsets(one.counts + other.counts)), both[order]


# `bases` are the places at which the worlds begin in a column.


@njit(cache=True, nogil=True)
def take_where(at: Any, starts: Any, mask: Any, found: Any, ends: Any) -> None:
    """Those whom a mask takes, and where each world's end."""
    count = 0
    for w in range(len(starts) - 1):
        for k in range(starts[w], starts[w + 1]):
            found[count] = at[k]
            count += mask[k]
        ends[w + 1] = count


@njit(cache=True, nogil=True)
def add_listed(values: Any, starts: Any, found: Any) -> None:
    """Whole numbers, added up by world."""
    for w in range(len(found)):
        total = np.int64(0)
        for k in range(starts[w], starts[w + 1]):
            total += np.int64(values[k])
        found[w] = total


@njit(cache=True, nogil=True)
def look_up(column: Any, rows: Any, starts: Any, bases: Any, found: Any) -> None:
    """What a column holds of some borrowers."""
    for w in range(len(starts) - 1):
        for k in range(starts[w], starts[w + 1]):
            found[k] = column[bases[w] + rows[k]]


@njit(cache=True, nogil=True)
def places(rows: Any, starts: Any, bases: Any, found: Any) -> None:
    """Where some borrowers stand in a column."""
    for w in range(len(starts) - 1):
        for k in range(starts[w], starts[w + 1]):
            found[k] = bases[w] + rows[k]


@njit(cache=True, nogil=True)
def find(column: Any, value: Any, bases: Any, rows: Any, starts: Any) -> None:
    """The slots of a column that hold a value, world by world."""
    count = uint64(0)
    for w in range(len(bases) - 1):
        base = bases[w]
        for at in range(base, bases[w + 1]):
            rows[count] = at - base
            count += uint64(column[at] == value)
        starts[w + 1] = count


@njit(cache=True, nogil=True)
def add_up(column: Any, bases: Any, found: Any) -> None:
    """The sum of a column of whole numbers by world."""
    for w in range(len(bases) - 1):
        total = np.int64(0)
        for at in range(bases[w], bases[w + 1]):
            total += np.int64(column[at])
        found[w] = total


@njit(cache=True, nogil=True)
def add_by_cell(cells: Any, numbers: Any, starts: Any, found: Any) -> None:
    """Whole numbers of some borrowers, added up by world and cell."""
    for w in range(len(starts) - 1):
        for k in range(starts[w], starts[w + 1]):
            found[w, cells[k]] += numbers[k]


@njit(cache=True, nogil=True)
def count_by_kind(kinds: Any, cells: Any, starts: Any, found: Any) -> None:
    """Some borrowers, each of a kind, counted by kind, world and cell."""
    for w in range(len(starts) - 1):
        for k in range(starts[w], starts[w + 1]):
            found[kinds[k], w, cells[k]] += 1


@njit(cache=True, nogil=True)
def draw_listed(
    first: Any,
    last: Any,
    key0: Any,
    key1: Any,
    keys: Any,
    generations: Any,
    rows: Any,
    starts: Any,
    bases: Any,
    month: Any,
    block: Any,
    lane: Any,
    out: Any,
) -> None:
    """One word of one Philox block for each of some borrowers, keyed by their clients' keys where there are some.

    It draws from position `first` to `last`, so that threads can share a list. Who they are is collected before: of
    numbers side by side the processor draws several at once.
    """
    clients, used, words = np.empty(AT_ONCE, np.uint64), np.empty(AT_ONCE, np.uint32), np.empty((4, AT_ONCE), np.uint32)
    words_0, words_1, words_2, words_3 = words[0], words[1], words[2], words[3]
    for w in range(len(bases) - 1):
        begin, end, base = max(first, starts[w]), min(last, starts[w + 1]), bases[w]
        for lo in range(begin, end, AT_ONCE):
            many = min(AT_ONCE, end - lo)
            for k in range(many):
                row = rows[lo + k]
                clients[k] = keys[base + row] if len(keys) else uint64(row)
                used[k] = uint32(generations[base + row])
            for k in range(many):
                words_0[k], words_1[k], words_2[k], words_3[k] = words_of(
                    key0[w], key1[w], clients[k], uint32(month), uint32(block), used[k]
                )
            for k in range(many):
                out[lo + k] = words[lane, k]


@njit(cache=True, nogil=True)
def draw_of_worlds(key0: Any, key1: Any, client: Any, month: Any, blocks: Any, lanes: Any, to: Any, out: Any) -> None:
    """Draws of what happens to whole worlds, by world and purpose, to some columns of a table."""
    for w in range(len(key0)):
        for k in range(len(blocks)):
            w0, w1, w2, w3 = words_of(key0[w], key1[w], client, month, blocks[k], uint32(0))
            lane = lanes[k]
            out[w, to[k]] = unit((w0 if lane == 0 else w1) if lane < 2 else (w2 if lane == 2 else w3))


def alike(columns: Array) -> tuple[Array, Array]:
    """Of each column of numbers, (columns, rows), whether all are equal, and whether 4 bytes hold them exactly."""
    equal, short = np.ones(len(columns), np.bool_), np.ones(len(columns), np.bool_)
    find_alike(columns, equal, short)
    return equal, short


@njit(cache=True, nogil=True)
def find_alike(columns: Any, equal: Any, short: Any) -> None:
    """`alike`, compiled: a column is left as soon as it is neither."""
    for c in range(len(columns)):
        for row in range(columns.shape[1]):
            value = columns[c, row]
            equal[c] = equal[c] and value == columns[c, 0]
            short[c] = short[c] and np.float64(np.float32(value)) == value
            if not (equal[c] or short[c]):
                break
