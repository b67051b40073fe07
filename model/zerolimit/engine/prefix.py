"""Serve a prefix of an order until a capacity is used up: exactly, in whole numbers, in linear time, in many worlds at once.

One histogram finds the bin in which the capacity ends; only that bin is sorted. Ties are broken by a 64-bit lottery,
then by the smaller key, so the result depends on no order of the input and on no number of threads.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BINS = 4096
"""Bins at most; fewer where fewer contend."""
Lottery = Callable[[NDArray[Any]], NDArray[np.uint64]]
"""64 bits for the positions asked; the smallest goes first."""


@njit(cache=True, nogil=True)
def find_bins(
    order: Any, costs: Any, capacity: Any, starts: Any, bins: Any, served: Any, used: Any, within: Any, found: Any
) -> None:
    """Serve the bins above the one in which each world's capacity ends, and give the positions within that bin.

    `used` is what those above it cost, or all where all fit; world w has within[found[w]:found[w + 1]], and none there
    where all fit.
    """
    sums = np.zeros(BINS, np.int64)
    count = 0
    for w in range(len(starts) - 1):
        first, last = starts[w], starts[w + 1]
        total = np.int64(0)
        for k in range(first, last):
            total += costs[k]
        if total <= capacity[w] or first == last:
            for k in range(first, last):
                served[k] = True
            used[w] = total
            found[w + 1] = count
            continue
        low, high = np.float64(order[first]), np.float64(order[first])
        for k in range(first, last):
            low, high = min(low, np.float64(order[k])), max(high, np.float64(order[k]))
        number = min(BINS, last - first)
        scale = number / (high - low) if high - low > BINS / 1.0e300 else 0.0
        sums[:number] = 0
        for k in range(first, last):
            at = min(np.int64(scale * (high - np.float64(order[k]))), np.int64(number - 1))
            bins[k] = at
            sums[at] += costs[k]
        taken, end = np.int64(0), 0
        while taken + sums[end] <= capacity[w]:
            taken += sums[end]
            end += 1
        used[w] = taken
        for k in range(first, last):
            if bins[k] < end:
                served[k] = True
            elif bins[k] == end:
                within[count] = k
                count += 1
        found[w + 1] = count


@njit(cache=True, nogil=True)
def serve_within(ranked: Any, found: Any, costs: Any, capacity: Any, served: Any, used: Any, marginal: Any) -> None:
    """Serve positions in their order, world by world, until one does not fit: it is the marginal one."""
    for w in range(len(found) - 1):
        marginal[w] = -1
        for k in range(found[w], found[w + 1]):
            at = ranked[k]
            if used[w] + costs[at] > capacity[w]:
                marginal[w] = at
                break
            used[w] += costs[at]
            served[at] = True


def serve_prefixes(
    order: NDArray[Any],
    costs: NDArray[Any],
    capacity: NDArray[np.int64],
    starts: NDArray[np.int64],
    keys: NDArray[Any],
    lottery: Lottery,
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """In each world, who is served when the highest `order` goes first and each takes `costs` of its `capacity`.

    Costs are whole and not negative; world w has the positions from starts[w] to starts[w + 1]. Returns a mask, by world
    the position of the first who did not fit (-1: all fit), and what was left then. Nobody behind the first who does not
    fit is served. `lottery` gives 64 bits for the positions asked, the smallest goes first; ties go to the smaller of
    `keys`, what keys the borrowers' draws.
    """
    worlds = len(starts) - 1
    served, capacity = np.zeros(len(keys), np.bool_), np.asarray(capacity, np.int64)
    if len(keys) == 0:
        return served, np.full(worlds, -1), capacity
    used, marginal, found = np.zeros(worlds, np.int64), np.empty(worlds, np.int64), np.zeros(worlds + 1, np.int64)
    within = np.empty(len(keys), np.int64)
    find_bins(order, costs, capacity, starts, np.empty(len(keys), np.int16), served, used, within, found)
    ranked = within[: found[-1]]
    if len(ranked):
        ranks = (keys[ranked], lottery(ranked), -order[ranked].astype(np.float64))
        world = () if worlds == 1 else (np.repeat(np.arange(worlds), np.diff(found)),)
        ranked = ranked[np.lexsort((*ranks, *world))]
    serve_within(ranked, found, costs, capacity, served, used, marginal)
    return served, marginal, capacity - used


def serve_prefix(
    order: NDArray[Any],
    costs: NDArray[Any],
    capacity: int,
    keys: NDArray[Any],
    lottery: Lottery,
) -> tuple[NDArray[np.bool_], int, int]:
    """The same in one world."""
    starts = np.array([0, len(keys)])
    served, marginal, left = serve_prefixes(order, costs, np.array([capacity]), starts, keys, lottery)
    return served, int(marginal[0]), int(left[0])


def serve_fitting(
    costs: NDArray[Any],
    capacity: int,
    keys: NDArray[Any],
    lottery: Lottery,
) -> NDArray[np.bool_]:
    """Who is served when each in turn takes what it asks if it still fits, and is passed over if not.

    In order of the lottery, then of the key.
    """
    served = np.zeros(len(keys), np.bool_)
    left = capacity
    everyone = np.arange(len(keys))
    for k in np.lexsort((keys, lottery(everyone))).tolist():
        if costs[k] <= left:
            served[k] = True
            left -= int(costs[k])
    return served
