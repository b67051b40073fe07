"""Columns as compiled loops find them: by where they begin. A hundred arrays handed over cost as much as a small world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numba
import numpy as np
from numba import int8, int16, int32, njit, types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable
from numpy.typing import NDArray

Array = NDArray[Any]


def beginnings(arrays: Iterable[Array]) -> Array:
    """Where arrays begin in memory. Whoever keeps this keeps the arrays."""
    return np.array([one.ctypes.data for one in arrays], np.int64)


@intrinsic
def pointer(_: Any, address: Any) -> Any:
    """What stands at an address."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), generated


@register_jitable
def array_at(address: Any, length: Any, kind: Any) -> Any:
    """The array of so many numbers that begins at an address."""
    return numba.carray(pointer(address), length, kind)  # type: ignore[call-arg,attr-defined]  # compiled


@njit(cache=True, nogil=True)
def empty_rows(places: Any, widths: Any, length: Any, rows: Any) -> None:
    """Set some rows of columns to 0, whose numbers take so many bytes."""
    for k in range(len(places)):
        if widths[k] == 1:
            put_nothing(array_at(places[k], length, int8), rows)
        elif widths[k] == 2:
            put_nothing(array_at(places[k], length, int16), rows)
        else:
            put_nothing(array_at(places[k], length, int32), rows)


@register_jitable
def put_nothing(column: Any, rows: Any) -> None:
    """Set some rows to 0."""
    for row in rows:
        column[row] = 0
