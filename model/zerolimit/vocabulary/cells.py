"""The shape of what is recorded each month, cells of segment x first income decile; counts that no stage makes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.vocabulary.names import SEGMENTS

Array = NDArray[Any]

CELLS_PER_SEGMENT = 10
CELLS = len(SEGMENTS) * CELLS_PER_SEGMENT


def cells(segment: Array, decile: Array) -> Array:
    """The cell of each borrower, as monthly counts have them."""
    return segment.astype(np.int64) * CELLS_PER_SEGMENT + decile.astype(np.int64)
