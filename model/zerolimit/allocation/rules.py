"""The ways to share the pool (rules/allocations.py): an order that is served, or a level that all share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.allocation.level import Evenly
from zerolimit.engine.level import Levels
from zerolimit.engine.verbs import Queue
from zerolimit.rules.allocations import ALLOCATIONS, LEVEL, WHOLE


def allocate(
    rule: str,
    order: NDArray[Any],
    need: NDArray[Any],
    capacity: int,
    least: int,
    queue: Queue,
    floor: int = 0,
    user_rule: Levels | None = None,
) -> tuple[NDArray[np.int64], float]:
    """Grants (fen) out of `capacity` (fen) to those in a queue who need so much, and the level at which it ended.

    Each grant is 0 or at least `least` (fen). The level is the lowest place served (0: everybody was; infinite: nobody),
    the share pro rata, or the amount (fen) that all got by water-filling. A `user_rule` runs from level 0 to 1.
    """
    if user_rule is not None:
        grants, level = queue.level(user_rule, capacity)
        return grants, max(0, level) / WHOLE
    declared = ALLOCATIONS[rule]
    grants = np.zeros(len(need), np.int64)
    if declared.kind == LEVEL:
        top = None if declared.up_to is None else floor
        evenly = Evenly(declared, need, least)
        grants, level = queue.level(evenly, capacity, top)
        if top is None:
            return grants, level / WHOLE if declared.share else float(level)
        capacity -= int(grants.sum())
        if len(need) and level < min(top, evenly.highest):
            return grants, float("inf")
    rest = need - grants
    served, marginal, left = queue.prefix(order, rest, capacity)
    grants[served] = need[served]
    if marginal >= 0 and grants[marginal] + left >= least:
        grants[marginal] += left
    if served.all():
        return grants, 0.0
    return grants, float(order[served].min()) if served.any() else float("inf")
