"""Columns as compiled loops find them: by where they begin, since a hundred arrays handed over cost more than a small world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numba import carray, types
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
    return carray(pointer(address), length, kind)
