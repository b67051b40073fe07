"""Where the sharing of a pool ended, and what one more borrower would have been granted there.

The level and the last who was served are held as they were; so is what was left for the first who did not fit. For those
who contended it gives what they were granted, to the fen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.allocation.level import Evenly
from zerolimit.engine.level import NOTHING, Levels, share_out
from zerolimit.engine.prefix import Lottery
from zerolimit.rules.allocations import ALLOCATIONS, ORDER, WHOLE


@dataclass(frozen=True)
class Last:
    """The last of a queue who was served: the highest order first, then the smallest ticket, then the smallest key."""

    order: float = -inf
    """Minus infinity: everybody was served; infinity: nobody."""
    ticket: int = 0
    key: int = -1

    @classmethod
    def of(
        cls, order: NDArray[Any], served: NDArray[np.bool_], keys: NDArray[Any], lottery: Lottery, *, more: bool = True
    ) -> Last:
        """The last in order of those who were served; `more`: where all were, one more would have been."""
        if more and served.all():
            return cls()
        if not served.any():
            return cls(inf)
        lowest = order[served].min()
        at = np.flatnonzero(served & (order == lowest))
        tickets = lottery(at)
        last = int(np.lexsort((keys[at], tickets))[-1])
        return cls(float(lowest), int(tickets[last]), int(keys[at[last]]))

    def serves(self, order: float, ticket: int, key: int) -> bool:
        """Whether who stands there comes no later than the last who was served."""
        return order > self.order or (order == self.order and (ticket, key) <= (self.ticket, self.key))


@dataclass(frozen=True)
class Ended:
    """Where a rule ended. `grant` says what one would be granted there."""

    least: int
    evenly: Evenly | None = None
    """The level that all share; None where an order is served, or by a user-defined rule."""
    user_rule: Callable[[int, int, Mapping[str, float]], int] | None = None
    """A user-defined rule: fen at a level, for what is needed and one's fields."""
    level: int = 0
    extra: Last = field(default_factory=Last)
    """The last whom the next step of the level was given."""
    served: Last = field(default_factory=Last)
    """The last who was served in full."""
    first_not: Last = field(default_factory=lambda: Last(inf))
    left: int = 0
    """Fen that the first who did not fit was granted."""

    def in_full(self, need: int, values: Mapping[str, float]) -> int:
        """Fen for one who needs so much, out of a pool without end."""
        return need if self.user_rule is None else self.user_rule(WHOLE, need, values)

    def grant(self, need: int, order: float, ticket: int, key: int, values: Mapping[str, float]) -> int:
        """Fen for one who needs so much and stands there; `values` are one's fields, for a user-defined rule."""
        level = self.level + (1 if self.extra.serves(0.0, ticket, key) else 0)
        given = 0
        if self.user_rule is not None:
            given = self.user_rule(level, need, values) if level > NOTHING else 0
        elif self.evenly is not None:
            given = self.evenly.granted(level, need) if level > NOTHING else 0
        if self.served.serves(order, ticket, key):
            return need
        if self.left and self.first_not.serves(order, ticket, key):
            return min(need, given + self.left)
        return given


def ended(
    rule: str,
    order: NDArray[Any],
    need: NDArray[Any],
    capacity: int,
    least: int,
    keys: NDArray[Any],
    lottery: Lottery,
    grants: NDArray[Any],
    floor: int,
    user_rule: Levels | None = None,
    one: Callable[[int, int, Mapping[str, float]], int] | None = None,
) -> Ended:
    """Where `allocation.rules.allocate` ended, from the same arguments and the grants that it gave."""
    full = grants == need
    nobody = Last(inf)
    if user_rule is not None:
        _, level = share_out(user_rule, capacity, keys, lottery)
        return Ended(least, None, one, level, last_extra(user_rule, level, user_rule.highest, grants, keys, lottery), nobody)
    if full.all():
        return Ended(least)
    declared = ALLOCATIONS[rule]
    if declared.kind == ORDER:
        return by_order(least, order, need, grants, keys, lottery)
    evenly, top = Evenly(declared, need, least), None if declared.up_to is None else floor
    shared, level = share_out(evenly, capacity, keys, lottery, top=top)
    highest = evenly.highest if top is None else min(top, evenly.highest)
    extra = last_extra(evenly, level, highest, shared, keys, lottery)
    if top is None or level < highest:
        return Ended(least, evenly, None, level, extra, nobody)
    wants = np.flatnonzero(need > shared)
    rest = by_order(
        least, order[wants], (need - shared)[wants], (grants - shared)[wants], keys[wants], lambda at: lottery(wants[at])
    )
    return Ended(least, evenly, None, level, nobody, rest.served, rest.first_not, rest.left)


def last_extra(rule: Levels, level: int, highest: int, grants: NDArray[Any], keys: NDArray[Any], lottery: Lottery) -> Last:
    """The last whom the next step of the level was given."""
    if level >= highest:
        return Last(inf)
    base = rule.grants(level) if level > NOTHING else np.zeros(len(keys), np.int64)
    some = np.flatnonzero(rule.grants(level + 1) > base)
    if not len(some):
        return Last(inf)
    return Last.of(np.zeros(len(some)), (grants > base)[some], keys[some], lambda at: lottery(some[at]))


def by_order(
    least: int, order: NDArray[Any], need: NDArray[Any], grants: NDArray[Any], keys: NDArray[Any], lottery: Lottery
) -> Ended:
    """Where an order ended: those served in full, and the one who got what was left."""
    full = grants == need
    part = (grants > 0) & ~full
    place = Last.of(order, part, keys, lottery) if part.any() else Last(inf)
    return Ended(least, served=Last.of(order, full, keys, lottery), first_not=place, left=int(grants[part].sum()))
