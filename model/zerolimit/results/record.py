"""The shape of what is recorded each month, cells of segment x first income decile; counts that no stage makes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.names import LEFT, OPEN, SEGMENTS

Array = NDArray[Any]

CELLS_PER_SEGMENT = 10
CELLS = len(SEGMENTS) * CELLS_PER_SEGMENT


def cells(segment: Array, decile: Array) -> Array:
    """The cell of each borrower, as monthly counts have them."""
    return segment.astype(np.int64) * CELLS_PER_SEGMENT + decile.astype(np.int64)


def by_cell(segment: Array, decile: Array, number: Any) -> Array:
    """Whole numbers of some borrowers, added up by cell."""
    found = np.zeros(CELLS, np.int64)
    np.add.at(found, cells(segment, decile), number)
    return found


SLICE = 2**15
"""Places that are added at once: place x line stays within 64 bits."""


def gini(limit: Array, status: Array) -> float:
    """Gini coefficient of the lines of all who have an account; a frozen or closed one is a line of 0.

    2 sum(k x_k) / (n sum(x)) - (n + 1) / n over lines x_1 <= ... <= x_n, exact but for the division; 0 without any line.
    """
    line = np.multiply(limit, status == int(OPEN), dtype=limit.dtype)
    line.sort()
    line = line[np.count_nonzero(status == int(LEFT)) :]
    n, total, weighted = len(line), int(line.sum(dtype=np.int64)), 0
    places = np.arange(1, SLICE + 1, dtype=np.int64)
    for start in range(0, n, SLICE):
        part = line[start : start + SLICE].astype(np.int64)
        weighted += start * int(part.sum()) + int((places[: len(part)] * part).sum())
    return (2 * weighted - (n + 1) * total) / (n * total) if total else 0.0
