"""Declared levels (rules/allocations.py) over everybody who contends, compiled: what all get at a level, and each.

In one world (`Evenly`), or in many at once (`find_levels`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zerolimit.engine.level import NOTHING
from zerolimit.engine.philox import make_known
from zerolimit.rules.allocations import WHOLE, Allocation


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


@cache
def search_of(granted: Callable[[Any, Any], Any]) -> Callable[..., None]:
    """Compiled: the level of each of some worlds, found as engine.level.share_out finds it in one."""
    total_at, _ = loops_of(granted)

    @njit(nogil=True)
    def search(
        worlds: Any,
        need: Any,
        least: Any,
        capacity: Any,
        tops: Any,
        starts: Any,
        whole: Any,
        found: Any,
        grants: Any,
        more: Any,
    ) -> None:
        for w in worlds:
            some = need[starts[w] : starts[w + 1]]
            highest = whole
            if whole < 0:
                highest = 0
                for k in range(len(some)):
                    highest = max(highest, np.int64(some[k]))
            highest = min(highest, tops[w])
            low, high = NOTHING if len(some) else 0, highest if len(some) else 0
            while low < high:
                middle = (low + high + 1) // 2
                if total_at(middle, some, least[w]) <= capacity[w]:
                    low = middle
                else:
                    high = middle - 1
            left = capacity[w]
            for k in range(starts[w], starts[w + 1]):
                given = granted(np.int64(need[k]), low) if low > NOTHING else 0
                grants[k] = given if given >= least[w] else 0
                left -= grants[k]
                if low < highest:
                    given = granted(np.int64(need[k]), low + 1)
                    more[k] = max((given if given >= least[w] else 0) - grants[k], 0)
            found[w, 0], found[w, 1], found[w, 2] = low, highest, left

    return search


def find_levels(
    rule: Allocation,
    worlds: NDArray[np.int64],
    need: NDArray[Any],
    least: NDArray[np.int64],
    capacity: NDArray[np.int64],
    tops: NDArray[np.int64],
    starts: NDArray[np.int64],
    found: NDArray[np.int64],
    grants: NDArray[np.int64],
    more: NDArray[np.int64],
) -> None:
    """In some worlds, the largest level of a rule at which all grants fit into the capacity.

    Written: by world, `found` (worlds, 3): that level (NOTHING: none), the highest that there is, and what is left (fen);
    by borrower, `grants` at that level, and what the next one gives `more` (fen).
    """
    search_of(rule.function)(worlds, need, least, capacity, tops, starts, WHOLE if rule.share else -1, found, grants, more)


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
