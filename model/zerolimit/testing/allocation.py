"""What must hold of every way to share the pool, ours and a third party's: `check_allocation(rule)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.allocation.level import Evenly
from zerolimit.allocation.rules import allocate
from zerolimit.allocation.user_defined import one_at, takes_level
from zerolimit.basics.errors import BadInput, nearest
from zerolimit.engine.level import Levels
from zerolimit.engine.objects import Objects
from zerolimit.engine.registry import OURS, REFERENCE
from zerolimit.engine.verbs import Listed
from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.allocations import ALLOCATIONS, LEVEL, ORDER, WHOLE, Allocation
from zerolimit.rules.rule import Rule
from zerolimit.run.simulation import Simulation
from zerolimit.testing.rules import check_rule, run_with
from zerolimit.vocabulary.fields import STATE

Array = NDArray[Any]

TRIALS, MOST, GRID = 150, 8, 64
"""Pools that are shared, those who contend for one at most, and levels that are tried."""
TIGHT = {"borrowers": 150, "pool_share": 0.15, "floor_yuan": 1_000.0}
"""A world in which the pool does not go round."""


@dataclass(frozen=True)
class Called:
    """A user-defined level, called for one borrower after the other."""

    rule: Rule
    need: Array
    least: int
    values: list[dict[str, float]]
    terms: SimpleNamespace
    highest: int = WHOLE

    def grants(self, level: int) -> Array:
        each = zip(self.need.tolist(), self.values, strict=True)
        return np.array([one_at(self.rule, level, need, self.least, values, self.terms) for need, values in each], np.int64)

    def total(self, level: int) -> int:
        return int(self.grants(level).sum())


@dataclass(frozen=True)
class Pool:
    """Some who contend, and what there is."""

    need: Array
    capacity: int
    least: int
    floor: int
    values: list[dict[str, float]]
    terms: SimpleNamespace
    tickets: Array

    def shared(self, rule: Allocation | Rule, capacity: int, order: list[int]) -> Array:
        """Grants in the first order of the borrowers, when they come in another."""
        at = np.array(order)
        need, values = self.need[at], [self.values[k] for k in order]
        places, level, name = np.zeros(len(at)), None, "score"
        if isinstance(rule, Allocation):
            name = rule.name
        if isinstance(rule, Rule) and takes_level(rule):
            level = Called(rule, need, self.least, values, self.terms)
        elif isinstance(rule, Rule) or rule.kind == ORDER:
            places = np.array([float(rule.function(*self.given(rule.reads, one))) for one in values])
        lottery = self.tickets[at]
        queue = Listed(at, lambda some: lottery[some].astype(np.uint64))
        grants, _ = allocate(name, places, need, capacity, self.least, queue, self.floor, level)
        found = np.empty(len(at), np.int64)
        found[at] = grants
        return found

    def given(self, reads: tuple[str, ...], values: Mapping[str, float]) -> list[Any]:
        return [self.terms if name == "terms" else values[name] for name in reads]


def check_allocation(rule: Allocation | Rule | str, seed: int = 1) -> None:
    """AssertionError, in one line, where a way to share the pool is not what it must be; nothing where it is.

    `rule` is the name of one of ours, or a user-defined rule that writes `granted` (a level) or `rank` (an order). Nobody is
    given more than needed, or more than nothing and less than the minimum loan; all together no more than the pool. More in
    the pool, or a higher level, takes nothing from anybody. It does not matter in which order borrowers come, or how often
    one asks. A world lived by both engines is the same bit for bit (for an order: the rule itself is, `check_rule`).
    """
    if isinstance(rule, str):
        if rule not in ALLOCATIONS:
            raise BadInput(f"check_allocation: {rule!r} is none of {', '.join(ALLOCATIONS)}{nearest(rule, ALLOCATIONS)}")
        rule = ALLOCATIONS[rule]
    if isinstance(rule, Rule) and not takes_level(rule):
        check_rule(rule)
    for pool in pools(Random(seed)):
        check_pool(rule, pool)
    if not isinstance(rule, Rule) or takes_level(rule):
        check_worlds(rule)


def hold(condition: bool, rule: Allocation | Rule, says: str) -> None:
    """AssertionError unless a condition holds."""
    if not condition:
        raise AssertionError(f"allocation {rule.name}: {says}")


def pools(rng: Random) -> list[Pool]:
    """Pools that are contended for, by borrowers of a lived world."""
    world = Simulation(load_scenario("defaults", **TIGHT), 1, engine=REFERENCE).run(6)
    assert isinstance(world.engine, Objects)
    rows, terms = world.engine.rows, SimpleNamespace(**world.terms)
    found = []
    for _ in range(TRIALS):
        many, least = rng.randint(1, MOST), rng.choice((1, 3, 50_000))
        need = np.array([least + rng.choice((0, 1, rng.randrange(9), rng.randrange(1_000_000))) for _ in range(many)])
        capacity = rng.choice((0, least, rng.randrange(int(need.sum()) + 2), int(need.sum())))
        tickets = np.array([rng.randrange(4) for _ in range(many)])
        found.append(Pool(need, capacity, least, rng.randrange(int(need.max()) + 2), rng.sample(rows, many), terms, tickets))
    return found


def check_pool(rule: Allocation | Rule, pool: Pool) -> None:
    """What must hold of one pool."""
    everyone = list(range(len(pool.need)))
    grants = pool.shared(rule, pool.capacity, everyone)
    told = f"of {pool.capacity:,} fen, with {pool.need.tolist()} needed and at least {pool.least:,}: {grants.tolist()}"
    hold(int(grants.sum()) <= pool.capacity, rule, f"gives more than there is {told}")
    hold(bool((grants >= 0).all() and (grants <= pool.need).all()), rule, f"gives somebody more than is needed {told}")
    hold(bool(((grants == 0) | (grants >= pool.least)).all()), rule, f"gives less than the least {told}")
    hold(grants.tolist() == pool.shared(rule, pool.capacity, everyone).tolist(), rule, f"gives something else again {told}")
    other = pool.shared(rule, pool.capacity, everyone[::-1])
    hold(grants.tolist() == other.tolist(), rule, f"gives {other.tolist()} when they come in reverse order {told}")
    more = pool.shared(rule, pool.capacity + pool.least, everyone)
    hold(bool((more >= grants).all()), rule, f"takes from somebody when there is more: {more.tolist()} {told}")
    if (level := level_of(rule, pool)) is not None:
        before = level.grants(0)
        for step in range(1, GRID + 1):
            now = level.grants(level.highest * step // GRID)
            hold(bool((now >= before).all()), rule, f"takes from somebody as the level rises {told}")
            before = now


def level_of(rule: Allocation | Rule, pool: Pool) -> Levels | None:
    """The level that all share, where one is."""
    if isinstance(rule, Rule):
        return Called(rule, pool.need, pool.least, pool.values, pool.terms) if takes_level(rule) else None
    return Evenly(rule, pool.need, pool.least) if rule.kind == LEVEL else None


def check_worlds(rule: Allocation | Rule) -> None:
    """A world in which the pool ends, by every engine."""
    if isinstance(rule, Rule):
        worlds = [run_with(rule, load_scenario("defaults", **TIGHT), engine) for engine in OURS]
    else:
        scenario = load_scenario("defaults", **TIGHT, allocation=rule.name)
        worlds = [Simulation(scenario, 1, engine=engine).run(8) for engine in OURS]
    for field in STATE:
        one, *others = (world.column(field.name) for world in worlds)
        same = all(np.array_equal(one, other) for other in others)
        hold(same, rule, f"{field.name} is not the same by every engine")
    hold(any(int(month.platform["granted"]) for month in worlds[0].history), rule, "grants nothing in a world with a pool")
