"""What acquaintances report, on a ring of near and far neighbours: contiguous reads, any size, no memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from zerolimit.draws import WORLD, bits
from zerolimit.engine.base import Array


def strides(seed: int, size: int, acquaintances: int) -> Array:
    """How far along the ring one's acquaintances live: half near (1, 2, ...), half far, drawn once from the seed."""
    half = min(acquaintances // 2, (size - 1) // 2)
    near = list(range(1, half - half // 2 + 1))
    far: list[int] = []
    at = 0
    while len(near) + len(far) < half:
        distance = 1 + bits(seed, WORLD, at, 0, "u_lottery") % max(1, (size - 1) // 2)
        at += 1
        if distance not in near and distance not in far:
            far.append(distance)
    return np.array(near + far, np.int64)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def hear(told: Any, steps: Any, heard: Any) -> None:
    """heard[i] = how many of i's acquaintances on both sides told of a zero limit."""
    size = len(told)
    heard[:] = 0
    for step in steps:
        for i in range(size - step):
            heard[i] += told[i + step]
        for i in range(size - step, size):
            heard[i] += told[i + step - size]
        for i in range(step):
            heard[i] += told[i - step + size]
        for i in range(step, size):
            heard[i] += told[i - step]
