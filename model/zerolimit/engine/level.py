"""Share a capacity by a level: what one gets at a level grows with it, and the level that uses up the pool is found.

Only whole totals are needed from the borrowers, so the search is exact, the same on any number of threads, and could run
over many machines. What the next step of the level would give is served by lottery.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zerolimit.engine.prefix import Lottery, serve_prefix

NOTHING = -1
"""Below the lowest level: nobody is granted anything."""


class Levels(Protocol):
    """A rule over everybody who contends: what all get, and each, at a whole level from 0 to the highest (fen)."""

    @property
    def highest(self) -> int: ...

    def total(self, level: int) -> int: ...

    def grants(self, level: int) -> NDArray[np.int64]: ...


def share_out(
    rule: Levels,
    capacity: int,
    keys: NDArray[Any],
    lottery: Lottery,
    top: int | None = None,
) -> tuple[NDArray[np.int64], int]:
    """Grants (fen) at the largest level at which they fit into `capacity` (fen), and that level.

    What is left goes to those whom the next level would give more, in order of lottery, then of key, until the first that
    does not fit. The level is at most `top`, and NOTHING where even 0 is too much.
    """
    if len(keys) == 0:
        return np.zeros(0, np.int64), 0
    highest = rule.highest if top is None else min(rule.highest, top)
    low, high = NOTHING, highest
    while low < high:
        middle = (low + high + 1) // 2
        if rule.total(middle) <= capacity:
            low = middle
        else:
            high = middle - 1
    grants = rule.grants(low) if low > NOTHING else np.zeros(len(keys), np.int64)
    if low < highest:
        more = rule.grants(low + 1)
        some = np.flatnonzero(more > grants)
        extra = (more - grants)[some]
        left = capacity - int(grants.sum())
        served, _, _ = serve_prefix(np.zeros(len(some)), extra, left, keys[some], lambda at: lottery(some[at]))
        grants[some[served]] += extra[served]
    return grants, low
