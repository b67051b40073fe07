"""How unequally lines are shared: the Gini coefficient, exactly and by parts."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zerolimit.vocabulary.names import LEFT, OPEN

Array = NDArray[Any]

SLICE = 2**15
"""Places that are added at once: place x line stays within 64 bits."""
SAMPLE = 1024
"""Lines looked at to cut all of them into parts of like size."""


def gini(limit: Array, status: Array, parts: int = 1, run: Callable[..., Iterable[Any]] = map) -> float:
    """Gini coefficient of the lines of all who have an account; a frozen or closed one is a line of 0.

    2 sum(k x_k) / (n sum(x)) - (n + 1) / n over lines x_1 <= ... <= x_n, exact but for the division; 0 without any line.
    Lines of 0 add nothing to either sum, so only the others are put in order: in `parts` from one line to the next, which
    `run` may do at the same time.
    """
    kind = limit.dtype.type
    looked = np.sort(limit[:: -(-len(limit) // SAMPLE)])
    inner = [int(looked[k * len(looked) // parts]) for k in range(1, parts)]

    def sums(low: int, high: int) -> tuple[int, int, int]:
        """Of the open lines above `low`, up to `high`: how many, their sum, and the sum of line x place, from 1."""
        line = np.empty(len(limit), limit.dtype)
        line = line[: lines_within(limit, status, status.dtype.type(OPEN), kind(low), kind(high), line)]
        line.sort()
        slices = -(-len(line) // SLICE)
        alone, placed = np.zeros(slices, np.int64), np.zeros(slices, np.int64)
        add_slices(line, SLICE, alone, placed)
        weighted = sum(k * SLICE * one for k, one in enumerate(alone.tolist())) + sum(placed.tolist())
        return len(line), int(alone.sum()), weighted

    found = list(run(sums, [-1, *inner], [*inner, np.iinfo(kind).max]))
    n = len(status) - int(np.count_nonzero(status == int(LEFT)))
    before, total, weighted = n - sum(many for many, _, _ in found), 0, 0
    for many, alone, placed in found:
        weighted += before * alone + placed
        before, total = before + many, total + alone
    return (2 * weighted - (n + 1) * total) / (n * total) if total else 0.0


@njit(cache=True, nogil=True)
def lines_within(limit: Any, status: Any, wanted: Any, low: Any, high: Any, found: Any) -> Any:
    """Write the lines above `low`, up to `high`, whose status is the one wanted; gives how many there are."""
    count = np.uint64(0)
    for k in range(len(limit)):
        line = limit[k]
        found[count] = line
        count += np.uint64((status[k] == wanted) & (line > low) & (line <= high))
    return count


@njit(cache=True, nogil=True)
def add_slices(line: Any, size: Any, sums: Any, placed: Any) -> None:
    """For each slice of a column the sum of its values, and of value times place in the slice, from 1."""
    for k in range(len(sums)):
        part = line[k * size : (k + 1) * size]
        alone, by_place = np.int64(0), np.int64(0)
        for at in range(len(part)):
            alone += np.int64(part[at])
            by_place += np.int64(part[at]) * (at + 1)
        sums[k], placed[k] = alone, by_place
