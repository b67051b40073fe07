"""The ways to share the pool (rules/allocations.py): an order that is served, or a level that all share."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zerolimit.allocation.level import Evenly, find_levels
from zerolimit.engine.level import Levels
from zerolimit.engine.verbs import Queue
from zerolimit.rules.allocations import ALLOCATIONS, LEVEL, ORDER, WHOLE


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
    ends = np.array([0, len(need)])
    lacks = np.array([least - (int(grants[marginal]) if marginal >= 0 else 0)])
    more, place = grants_by_order(order, rest, lacks, ends, served, np.array([marginal]), np.array([left]))
    return grants + more, float(place[0])


NO_BOUND = np.iinfo(np.int64).max


def allocate_in_worlds(
    rules: Sequence[str | None],
    order: NDArray[Any],
    need: NDArray[Any],
    capacity: NDArray[np.int64],
    least: NDArray[np.int64],
    floors: NDArray[np.int64],
    starts: NDArray[np.int64],
    prefix: Callable[[NDArray[Any], NDArray[Any], NDArray[np.int64]], tuple[NDArray[Any], NDArray[Any], NDArray[Any]]],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The same in several worlds at once, each with a declared rule of its own: grants (fen), and the levels, by world.

    World w has the positions from starts[w] to starts[w + 1]; without a rule (None) nobody in it is granted anything.
    `prefix` serves an order (place, what each takes, capacity by world), as the engine's verb does. One is enough: where a
    level ends below its bound, those are served who get more at the next one; where it ends at a bound, the order behind.
    """
    declared = [None if rule is None else ALLOCATIONS[rule] for rule in rules]
    ordered = np.array([one is not None and one.kind == ORDER for one in declared], np.bool_)
    if ordered.all():
        served, marginal, left = prefix(order, need, capacity)
        return grants_by_order(order, need, least, starts, served, marginal, left)
    grants, more = np.zeros(len(need), np.int64), np.zeros(len(need), np.int64)
    found = np.zeros((len(rules), 3), np.int64)
    found[:, 2] = capacity
    levels = [one for one in dict.fromkeys(declared) if one is not None and one.kind == LEVEL]
    bounded = np.zeros(len(rules), np.bool_)
    for rule in levels:
        those = np.array([w for w, one in enumerate(declared) if one is rule])
        bounded[those] = rule.up_to is not None
        tops = np.full(len(rules), NO_BOUND) if rule.up_to is None else floors
        find_levels(rule, those, need, least, capacity, tops, starts, found, grants, more)
    level, highest, left = found.T
    below = level < highest
    behind = ordered | (bounded & ~below)
    by_order = np.repeat(behind, np.diff(starts))
    places, costs = np.where(by_order, order, more == 0), np.where(by_order, need - grants, more)
    served, marginal, left = prefix(places, costs, np.where(behind | below, left, 0))
    lacks = np.where(behind, least, NO_BOUND)
    partly = behind & (marginal >= 0)
    lacks[partly] -= grants[marginal[partly]]
    given, ends = grants_by_order(places, costs, lacks, starts, served, marginal, left)
    ends[bounded & below] = np.inf
    for w, one in enumerate(declared):
        if one in levels and not bounded[w]:
            ends[w] = level[w] / WHOLE if one.share else level[w]
    return grants + given, ends


def grants_by_order(
    order: NDArray[Any],
    need: NDArray[Any],
    least: NDArray[np.int64],
    starts: NDArray[np.int64],
    served: NDArray[np.bool_],
    marginal: NDArray[np.int64],
    left: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What a prefix that was served (engine.prefix.serve_prefixes) comes to in each world: grants (fen), and its end.

    The marginal one gets what is left, where that is at least `least`. The end is the lowest place served: 0 where
    everybody was, infinite where nobody was.
    """
    grants, ends = np.empty(len(need), np.int64), np.empty(len(marginal))
    grant_in_order(order, need, least, starts, served, marginal, left, grants, ends)
    return grants, ends


@njit(cache=True, nogil=True)
def grant_in_order(
    order: Any, need: Any, least: Any, starts: Any, served: Any, marginal: Any, left: Any, grants: Any, ends: Any
) -> None:
    """The loops of `grants_by_order`."""
    for w in range(len(marginal)):
        lowest, everybody = np.inf, True
        for k in range(starts[w], starts[w + 1]):
            grants[k] = need[k] if served[k] else 0
            if served[k]:
                lowest = min(lowest, np.float64(order[k]))
            else:
                everybody = False
        if marginal[w] >= 0 and left[w] >= least[w]:
            grants[marginal[w]] = left[w]
        ends[w] = 0.0 if everybody else lowest
