"""The pool is served as the order says: brute force, threshold identities (facts G5), mixed sizes (facts G4)."""

from collections.abc import Callable
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from zerolimit.engine.base import Array
from zerolimit.engine.prefix import serve_fitting, serve_prefix
from zerolimit.vocabulary.draws import bits

CLAIMS = some.lists(some.tuples(some.integers(-3, 3), some.integers(0, 20), some.integers(0, 3)), min_size=0, max_size=25)
"""Order, cost and lottery of each, with many ties."""


def by_lottery(tickets: list[int]) -> Callable[[Array], Array]:
    """A lottery whose tickets are given."""
    return lambda at: np.array(tickets, np.uint64)[at]


def brute_force(claims: list[tuple[int, int, int]], capacity: int) -> tuple[set[int], int | None, int]:
    """Who is served, the first who did not fit, what was left: by sorting, one after the other."""
    left, served = capacity, set()
    for k in sorted(range(len(claims)), key=lambda k: (-claims[k][0], claims[k][2], k)):
        if claims[k][1] > left:
            return served, k, left
        served.add(k)
        left -= claims[k][1]
    return served, None, left


@given(CLAIMS, some.integers(0, 200), some.randoms(use_true_random=False))
@settings(deadline=None, max_examples=300)
def test_a_prefix_of_the_order_is_served_in_any_order_of_input(
    claims: list[tuple[int, int, int]], capacity: int, mix: object
) -> None:
    people = list(range(len(claims)))
    mix.shuffle(people)  # type: ignore[attr-defined]
    order = np.array([claims[k][0] for k in people], np.float64)
    costs = np.array([claims[k][1] for k in people], np.int64)
    rows = np.array(people, np.int64)
    mask, marginal, left = serve_prefix(order, costs, capacity, rows, by_lottery([claims[k][2] for k in people]))
    served, first, rest = brute_force(claims, capacity)
    assert set(rows[mask].tolist()) == served
    assert left == rest
    assert (int(rows[marginal]) if marginal >= 0 else None) == first


@given(CLAIMS, some.integers(0, 200))
@settings(deadline=None)
def test_nobody_behind_the_first_who_does_not_fit_is_served(claims: list[tuple[int, int, int]], capacity: int) -> None:
    order, costs = np.array([c[0] for c in claims], np.float64), np.array([c[1] for c in claims], np.int64)
    mask, marginal, _ = serve_prefix(order, costs, capacity, np.arange(len(claims)), by_lottery([c[2] for c in claims]))
    assert int(costs[mask].sum()) <= capacity
    if marginal >= 0:
        assert not mask[marginal]
        assert (order[mask] >= order[marginal]).all()


@given(CLAIMS, some.integers(0, 60))
@settings(deadline=None)
def test_with_skip_and_continue_each_who_still_fits_is_served(claims: list[tuple[int, int, int]], capacity: int) -> None:
    costs = np.array([c[1] for c in claims], np.int64)
    served = serve_fitting(costs, capacity, np.arange(len(claims)), by_lottery([c[2] for c in claims]))
    left = capacity
    for k in sorted(range(len(claims)), key=lambda k: (claims[k][2], k)):
        assert served[k] == (costs[k] <= left)
        left -= int(costs[k]) if served[k] else 0


def test_scores_apart_by_less_than_a_bin_are_still_in_order() -> None:
    order = np.concatenate([[0.0, 1e9], 5.0 + np.arange(100) * 1e-6])
    mask, marginal, left = serve_prefix(order, np.ones(102, np.int64), 41, np.arange(102), by_lottery([0] * 102))
    assert mask[1]
    assert mask[62:].all()
    assert not mask[:1].any()
    assert not mask[2:62].any()
    assert (marginal, left) == (61, 0)


@pytest.mark.parametrize(("capacity", "share"), [(900, 0.1), (600, 0.4), (480, 0.52)])
def test_flat_lines_zero_share_is_1_minus_pool_over_claims(capacity: int, share: float) -> None:
    """Facts G5: flat limit l = 1, zero share = max(0, 1 - C / (N l))."""
    score = (np.arange(1000) + 0.5) / 1000
    mask, _, _ = serve_prefix(score, np.full(1000, 100), capacity * 100, np.arange(1000), by_lottery([0] * 1000))
    assert 1.0 - mask.mean() == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize(("capacity", "share"), [(480, 0.2), (320, 0.6), (160, sqrt(0.68))])
def test_lines_in_proportion_to_the_score_follow_the_square_root_law(capacity: int, share: float) -> None:
    """Facts G5: limit L u, best first: zero share = sqrt(1 - 2 C / (N L))."""
    n = 100_000
    score = (np.arange(n) + 0.5) / n
    lines = np.round(score * 10_000_000).astype(np.int64)
    mask, _, _ = serve_prefix(score, lines, capacity * n // 1000 * 10_000_000, np.arange(n), by_lottery([0] * n))
    assert 1.0 - mask.mean() == pytest.approx(share, abs=1e-4)


def kaufman_roberts(capacity: int, classes: list[tuple[Fraction, int]]) -> list[Fraction]:
    """Blocking of each class, exactly: n q(n) = sum a_i b_i q(n - b_i)."""
    q = [Fraction(1)]
    for n in range(1, capacity + 1):
        q.append(sum((a * b * q[n - b] for a, b in classes if b <= n), Fraction(0)) / n)
    total = sum(q)
    return [sum(q[capacity - b + 1 :], Fraction(0)) / total for _, b in classes]


def test_mixed_sizes_with_skip_and_continue_approach_kaufman_roberts() -> None:
    """Facts G4 (C = 4; a = 1, size 1 and a = 1/2, size 2): 5/49 and 13/49, by a small step of the serving rule itself.

    The model's lines are of one size in the loss system, so two sizes are a test of the rule, not of a preset.
    """
    classes = [(Fraction(1), 1), (Fraction(1, 2), 2)]
    exact = kaufman_roberts(4, classes)
    assert exact == [Fraction(5, 49), Fraction(13, 49)]
    step, months = 0.02, 400_000
    draws = np.random.Generator(np.random.Philox(5))
    arrives = draws.random((months, 2)) < [float(a) * step for a, _ in classes]
    running, asked, refused = [0, 0], np.zeros((20, 2)), np.zeros((20, 2))
    for month in range(months):
        running = [n - int(draws.binomial(n, step)) if n else 0 for n in running]
        who = np.flatnonzero(arrives[month])
        if len(who):
            free = 4 - running[0] - 2 * running[1]
            served = serve_fitting(
                who + 1,
                free,
                who,
                lambda at, month=month: np.array([bits(1, int(k), 0, month, "u_arrival") for k in at], np.uint64),
            )
            batch = month * 20 // months
            for k, fits in zip(who.tolist(), served.tolist(), strict=True):
                asked[batch, k] += 1
                refused[batch, k] += not fits
                running[k] += fits
    rates = refused / asked
    error = rates.std(axis=0, ddof=1) / sqrt(20)
    off = np.abs(rates.mean(axis=0) - [float(x) for x in exact])
    assert (off < 4 * error + 0.5 * step * np.array([float(x) for x in exact])).all()
    assert rates.mean(axis=0)[1] > 2 * rates.mean(axis=0)[0]


def test_kaufman_roberts_of_20_units() -> None:
    exact = kaufman_roberts(20, [(Fraction(8), 1), (Fraction(2), 4)])
    assert [float(x) for x in exact] == pytest.approx([0.05764475743185456, 0.26821884746510777])
