"""Allocation rules against brute force and published optima (facts G6, G7): nobody gets more than the pool holds."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from zerolimit.allocation.level import WHOLE
from zerolimit.allocation.rules import allocate
from zerolimit.engine.base import Array
from zerolimit.names import ALLOCATIONS

NEEDS = some.lists(some.integers(1, 12), min_size=1, max_size=6)


def share(
    rule: str, needs: list[int], capacity: int, least: int = 1, order: list[float] | None = None, floor: int = 0
) -> Array:
    """Grants with a lottery that draws the first first."""
    rows = np.arange(len(needs))
    places = np.array(order if order is not None else [0.0] * len(needs))
    grants, _ = allocate(rule, places, np.array(needs), capacity, least, rows, lambda at: at.astype(np.uint64), floor)
    return grants


@given(
    some.sampled_from(sorted(ALLOCATIONS)),
    NEEDS,
    some.integers(0, 80),
    some.integers(1, 5),
    some.integers(0, 6),
    some.data(),
)
@settings(deadline=None, max_examples=400)
def test_no_rule_exceeds_the_pool_or_the_need_or_grants_less_than_the_least(
    rule: str, needs: list[int], capacity: int, least: int, floor: int, data: some.DataObject
) -> None:
    needs = [max(need, least) for need in needs]
    order = data.draw(some.lists(some.floats(-5, 5), min_size=len(needs), max_size=len(needs)))
    grants = share(rule, needs, capacity, least, order, floor)
    assert grants.sum() <= capacity
    assert (grants <= needs).all()
    assert ((grants == 0) | (grants >= least)).all()
    if sum(needs) <= capacity:
        assert grants.tolist() == needs


@given(NEEDS, some.integers(0, 60))
@settings(deadline=None, max_examples=200)
def test_water_filling_is_lexicographically_best_for_the_worst_off(needs: list[int], capacity: int) -> None:
    grants = share("water_filling", needs, capacity)
    level = max(k for k in range(max(needs) + 1) if sum(min(need, k) for need in needs) <= capacity)
    left = min(capacity, sum(needs)) - sum(min(need, level) for need in needs)
    best = sorted(
        [min(need, level) + (need > level and k < left) for k, need in enumerate(sorted(needs, key=lambda n: n <= level))]
    )
    assert sorted(grants.tolist()) == best


@pytest.mark.parametrize("needs", [(3, 1, 2), (2, 2, 3), (4, 1, 1)])
@pytest.mark.parametrize("capacity", range(9))
def test_and_by_trying_everything(needs: tuple[int, ...], capacity: int) -> None:
    possible = [g for g in product(*(range(need + 1) for need in needs)) if sum(g) <= capacity]
    best = max(tuple(sorted(g)) for g in possible)
    assert tuple(sorted(share("water_filling", list(needs), capacity).tolist())) == best


@given(NEEDS, some.integers(0, 60))
@settings(deadline=None, max_examples=200)
def test_pro_rata_gives_the_same_share_to_the_fen(needs: list[int], capacity: int) -> None:
    rows = np.arange(len(needs))
    order = np.zeros(len(needs))
    grants, level = allocate("pro_rata", order, np.array(needs), capacity, 1, rows, lambda at: at.astype(np.uint64))
    step = Fraction(1, WHOLE)
    assert all(
        -1 < grant - Fraction(level) * need <= step * need + 1 for grant, need in zip(grants.tolist(), needs, strict=True)
    )
    assert grants.sum() == min(capacity, sum(needs))


def test_pro_rata_in_amounts_of_some_yuan_is_the_pool_over_what_is_needed() -> None:
    needs = [50_000, 120_000, 700_000]
    assert share("pro_rata", needs, 435_000).tolist() == [25_000, 60_000, 350_000]


G7 = {"A": (30, Fraction(277, 2000)), "B": (20, Fraction(127, 1000)), "C": (50, Fraction(121, 1000))}
G7 |= {"D": (40, Fraction(29, 500)), "E": (60, Fraction(1, 2000)), "F": (25, Fraction(68, 625))}


@pytest.mark.parametrize(("capacity", "optimum"), [(100, Fraction(2549, 200)), (200, Fraction(7121, 400))])
def test_order_by_profit_solves_the_fractional_knapsack(capacity: int, optimum: Fraction) -> None:
    needs = [amount for amount, _ in G7.values()]
    value = [float(gain) for _, gain in G7.values()]
    grants = share("profit", needs, capacity, order=value)
    assert sum(int(g) * gain for g, (_, gain) in zip(grants, G7.values(), strict=True)) == optimum
    safest = list(G7).index("F")
    if capacity == 100:
        assert grants[safest] == 0


def test_the_textbook_knapsack() -> None:
    needs, worth = [10, 20, 30], [60, 100, 120]
    gains = [Fraction(w, n) for w, n in zip(worth, needs, strict=True)]
    grants = share("profit", needs, 50, order=[float(gain) for gain in gains])
    assert sum(int(g) * gain for g, gain in zip(grants, gains, strict=True)) == 240


@given(some.lists(some.tuples(some.integers(1, 6), some.integers(1, 9)), min_size=1, max_size=4), some.integers(0, 20))
@settings(deadline=None, max_examples=150)
def test_no_other_split_has_a_better_expected_profit(claims: list[tuple[int, int]], capacity: int) -> None:
    needs, gains = [need for need, _ in claims], [gain for _, gain in claims]
    grants = share("profit", needs, capacity, order=[float(gain) for gain in gains])
    every = (split for split in product(*(range(need + 1) for need in needs)) if sum(split) <= capacity)
    best = max(sum(part * gain for part, gain in zip(split, gains, strict=True)) for split in every)
    assert sum(int(g) * gain for g, gain in zip(grants, gains, strict=True)) == best


def test_an_equal_floor_comes_before_the_order() -> None:
    assert share("equal_floor", [10, 10, 10], 14, order=[3.0, 2.0, 1.0], floor=2).tolist() == [10, 2, 2]
    assert share("equal_floor", [10, 10, 10], 17, order=[3.0, 2.0, 1.0], floor=2).tolist() == [10, 5, 2]
    assert share("equal_floor", [10, 10, 10], 5, order=[3.0, 2.0, 1.0], floor=2).tolist() == [2, 2, 1]


def test_a_minimum_loan_takes_from_pro_rata_and_water_filling_what_a_small_share_is_worth() -> None:
    assert share("pro_rata", [4, 40], 22, least=1).tolist() == [2, 20]
    assert share("pro_rata", [4, 40], 22, least=3).tolist() == [0, 22]
    assert share("water_filling", [9, 9, 9], 12, least=1).tolist() == [4, 4, 4]
    assert share("water_filling", [9, 9, 9], 12, least=5).tolist() == [5, 5, 0]


@given(some.sampled_from(["score", "profit", "age", "lottery", "target"]), NEEDS, some.integers(0, 60), some.data())
@settings(deadline=None, max_examples=200)
def test_whoever_is_served_in_full_stands_before_whoever_is_not(
    rule: str, needs: list[int], capacity: int, data: some.DataObject
) -> None:
    order = data.draw(some.lists(some.integers(0, 3).map(float), min_size=len(needs), max_size=len(needs)))
    grants = share(rule, needs, capacity, order=order)
    places = sorted(range(len(needs)), key=lambda k: (-order[k], k))
    full = [bool(grants[k] == needs[k]) for k in places]
    assert full == sorted(full, reverse=True)
    assert sum(0 < grants[k] < needs[k] for k in places) <= 1
