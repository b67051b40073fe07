"""Declared levels (rules/allocations.py) over everybody who contends, compiled: what all get at a level, and each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
