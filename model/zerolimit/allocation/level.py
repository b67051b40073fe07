"""Share a capacity by a level: what one gets at a level grows with it, and the level that uses up the pool is found.

Only whole totals are needed from the borrowers, so the search is exact, the same on any number of threads, and could run
over many machines. What the next step of the level would give is served by lottery.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zerolimit.engine.philox import make_known
from zerolimit.engine.prefix import Lottery, serve_prefix
from zerolimit.rules.allocations import WHOLE, Allocation

NOTHING = -1
"""Below the lowest level: nobody is granted anything."""


@cache
def loops_of(granted: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., None]]:
    """Compiled: fen for all, and for each, by a level's function. A grant below `least` is 0."""
    make_known(granted)

    @njit(nogil=True)
    def total_at(level: Any, need: Any, least: Any) -> Any:
        total = 0
        for k in range(len(need)):
            given = granted(np.int64(need[k]), level)
            total += given if given >= least else 0
        return total

    @njit(nogil=True)
    def grants_at(level: Any, need: Any, least: Any, out: Any) -> None:
        for k in range(len(need)):
            given = granted(np.int64(need[k]), level)
            out[k] = given if given >= least else 0

    return total_at, grants_at


class Levels(Protocol):
    """A rule over everybody who contends: what all get, and each, at a whole level from 0 to the highest (fen)."""

    @property
    def highest(self) -> int: ...

    def total(self, level: int) -> int: ...

    def grants(self, level: int) -> NDArray[np.int64]: ...


@dataclass(frozen=True)
class Evenly:
    """A declared level (rules/allocations.py). Each grant is 0 or at least `least` (fen, at least 1)."""

    rule: Allocation
    need: NDArray[Any]
    least: int

    @property
    def highest(self) -> int:
        """All of what is needed."""
        return WHOLE if self.rule.share else int(self.need.max())

    def total(self, level: int) -> int:
        return int(loops_of(self.rule.function)[0](level, self.need, self.least))

    def grants(self, level: int) -> NDArray[np.int64]:
        out = np.empty(len(self.need), np.int64)
        loops_of(self.rule.function)[1](level, self.need, self.least, out)
        return out

    def granted(self, level: int, need: int) -> int:
        """Fen for one borrower."""
        given = int(self.rule.function(need, level))
        return given if given >= self.least else 0


def share_out(
    rule: Levels,
    capacity: int,
    rows: NDArray[Any],
    lottery: Lottery,
    top: int | None = None,
) -> tuple[NDArray[np.int64], int]:
    """Grants (fen) at the largest level at which they fit into `capacity` (fen), and that level.

    What is left goes to those whom the next level would give more, in lottery order, until the first that does not fit. The
    level is at most `top`, and NOTHING where even 0 is too much.
    """
    if len(rows) == 0:
        return np.zeros(0, np.int64), 0
    highest = rule.highest if top is None else min(rule.highest, top)
    low, high = NOTHING, highest
    while low < high:
        middle = (low + high + 1) // 2
        if rule.total(middle) <= capacity:
            low = middle
        else:
            high = middle - 1
    grants = rule.grants(low) if low > NOTHING else np.zeros(len(rows), np.int64)
    if low < highest:
        more = rule.grants(low + 1)
        some = np.flatnonzero(more > grants)
        extra = (more - grants)[some]
        left = capacity - int(grants.sum())
        served, _, _ = serve_prefix(np.zeros(len(some)), extra, left, rows[some], lambda at: lottery(some[at]))
        grants[some[served]] += extra[served]
    return grants, low
