"""Serve a prefix of an order until a capacity is used up: exactly, in whole numbers, in linear time.

One histogram finds the bin in which the capacity ends; only that bin is sorted. Ties are broken by a 64-bit lottery,
then by the smaller key, so the result depends on no order of the input and on no number of threads.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BINS = 4096
Lottery = Callable[[NDArray[Any]], NDArray[np.uint64]]
"""64 bits for the positions asked; the smallest goes first."""


@njit(cache=True, nogil=True)
def fill_bins(order: Any, costs: Any, high: Any, scale: Any, bins: Any, sums: Any) -> None:
    """The bin of each order, the highest in bin 0, and what each bin costs."""
    for k in range(len(order)):
        at = min(np.int64(scale * (high - np.float64(order[k]))), np.int64(BINS - 1))
        bins[k] = at
        sums[at] += costs[k]


def serve_prefix(
    order: NDArray[Any],
    costs: NDArray[Any],
    capacity: int,
    keys: NDArray[Any],
    lottery: Lottery,
) -> tuple[NDArray[np.bool_], int, int]:
    """Who is served when the highest `order` goes first and each takes `costs` (whole, not negative) of `capacity`.

    Returns a mask, the position of the first who did not fit (-1: all fit), and what was left then. Nobody behind the
    first who does not fit is served. `lottery` gives 64 bits for the positions asked, the smallest goes first; ties go to
    the smaller of `keys`, what keys the borrowers' draws.
    """
    served = np.zeros(len(keys), np.bool_)
    if len(keys) == 0:
        return served, -1, capacity
    total = int(costs.sum(dtype=np.int64))
    if total <= capacity:
        served[:] = True
        return served, -1, capacity - total
    low, high = float(order.min()), float(order.max())
    scale = BINS / (high - low) if high - low > BINS / 1.0e300 else 0.0
    bins = np.empty(len(keys), np.int16)
    sums = np.zeros(BINS, np.int64)
    fill_bins(order, costs, high, scale, bins, sums)
    taken = np.cumsum(sums)
    last = int(np.searchsorted(taken, capacity, side="right"))
    used = int(taken[last - 1]) if last else 0
    np.less(bins, last, out=served)
    within = np.flatnonzero(bins == last)
    ranked = within[np.lexsort((keys[within], lottery(within), -order[within].astype(np.float64)))]
    cumulated = used + np.cumsum(costs[ranked], dtype=np.int64)
    fits = int(np.searchsorted(cumulated, capacity, side="right"))
    served[ranked[:fits]] = True
    left = capacity - (int(cumulated[fits - 1]) if fits else used)
    return served, int(ranked[fits]), left


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
