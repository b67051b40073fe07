"""What is heard along rings: everybody has acquaintances at the same distances on both sides, in one world or in many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit, uint64
from numba.extending import register_jitable
from numpy.typing import NDArray

from zerolimit.engine.rows import offsets
from zerolimit.vocabulary.fields import Q2

Array = NDArray[Any]

WHOLE = int(Q2)
"""A share of 1 as stored."""
PART = 8192
"""Slots taken at a time, so that their counts stay in the fastest cache."""


@register_jitable
def stored_share(count: Any, of: Any) -> Any:
    """count / of as fixed point (fields.Q2), halves up."""
    return (2 * WHOLE * count + of) // (2 * of)


def heard_along(rings: Sequence[Array], told: Array, bases: Array) -> Array:
    """The share of each slot's acquaintances who told, as the field `heard` stores it; 0 without acquaintances.

    `rings` are the distances of each world, whose slots begin at `bases`.
    """
    heard = np.empty(len(told), np.int16)
    steps = np.concatenate(rings, dtype=np.int64)
    hear_along(told, bases, steps, offsets([len(one) for one in rings]), heard)
    return heard


@njit(cache=True, nogil=True)
def hear_along(told: Any, bases: Any, steps: Any, starts: Any, heard: Any) -> None:
    """World by world, and part by part: all distances are counted, then counts become shares."""
    room = np.empty(PART, np.int8)
    for w in range(len(bases) - 1):
        mine, here, found = steps[starts[w] : starts[w + 1]], told[bases[w] : bases[w + 1]], heard[bases[w] : bases[w + 1]]
        size, degree = len(here), 2 * len(mine)
        shares = np.array([stored_share(count, max(degree, 1)) for count in range(degree + 1)])
        for lo in range(0, size, PART):
            counts = room[: min(PART, size - lo)]
            counts[:] = 0
            for step in mine:
                add_around(here, (lo + step) % size, counts)
                add_around(here, (lo + size - step) % size, counts)
            some = found[lo : lo + len(counts)]
            for k in range(len(counts)):
                some[k] = shares[uint64(counts[k])]


@njit(cache=True, nogil=True)
def add_around(told: Any, first: Any, counts: Any) -> None:
    """Add up what is told from slot `first` on, around the ring, of no more slots than there are."""
    straight = min(len(told) - first, len(counts))
    some, ahead, rest = counts[:straight], told[first : first + straight], counts[straight:]
    for k in range(len(some)):
        some[k] += ahead[k]
    for k in range(len(rest)):
        rest[k] += told[k]
