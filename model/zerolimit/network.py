"""What acquaintances report, on a ring of near and far neighbours: contiguous reads, any size, no memory."""

from __future__ import annotations

import numpy as np

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


def hear(told: Array, steps: Array) -> Array:
    """How many of one's acquaintances, `steps` away on both sides of the ring, told of a zero limit (counts, int8)."""
    heard = np.zeros(len(told), np.int8)
    for step in steps.tolist():
        heard[:-step] += told[step:]
        heard[-step:] += told[:step]
        heard[step:] += told[:-step]
        heard[:step] += told[-step:]
    return heard
