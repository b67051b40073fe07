"""Shares of money: exact fractions, whatever their length; compiled loops give what plain Python gives."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from numba import njit

from zerolimit.platform.shares import ENOUGH, Exact, amount_over, exact, part_of, share_of, times_over

AMOUNTS = some.integers(-(10**18), 10**18)
SHARES = some.floats(0.0, 1e6, allow_nan=False)


def fraction(share: float) -> Fraction:
    """The decimal number that a float is written as."""
    return Fraction(str(share))


def within(amount: int) -> int:
    return max(-ENOUGH, min(ENOUGH, amount))


@pytest.fixture(scope="module")
def compiled() -> dict[str, Callable[..., int]]:
    """The same functions as loops over worlds have them."""
    whole = "int64(int64, int64, int64)"
    return {
        "part_of": njit(whole)(lambda amount, mantissa, places: part_of(amount, Exact(mantissa, places))),
        "amount_over": njit(whole)(lambda amount, mantissa, places: amount_over(amount, Exact(mantissa, places))),
        "times_over": njit(whole)(lambda amount, times, over: times_over(amount, times, over)),
    }


def test_shares_of_money_are_exact_floors() -> None:
    assert share_of(10**15 + 1, 0.5) == 500_000_000_000_000
    assert share_of(999, 0.1) == 99
    assert share_of(200_000, 2.3) == 460_000
    assert share_of(-5, 0.5) == -3
    assert share_of(5, -0.5) == -3


def test_an_exact_number_is_what_a_float_is_written_as() -> None:
    assert exact(0.3) == Exact(3, 1)
    assert exact(0.05 / 12) == Exact(4_166_666_666_666_667, 18)
    assert exact(0.0) == Exact(0, 0)
    assert exact(100.0) == Exact(100, 0)
    assert float(exact(0.1 + 0.2)) == 0.1 + 0.2


@given(amount=AMOUNTS, share=SHARES)
@example(amount=10**18, share=1e-300)
@example(amount=-1, share=5e-324)
@example(amount=10**18, share=1e6)
@example(amount=999_999_999_999_999_999, share=0.0001234567890123456)
def test_a_share_is_what_exact_fractions_give(amount: int, share: float, compiled: dict[str, Any]) -> None:
    """The product needs up to 120 bits, the denominator any number of them."""
    wanted = within(int(amount * fraction(share) // 1))
    assert share_of(amount, share) == wanted
    assert compiled["part_of"](amount, *exact(share)) == wanted
    assert share_of(amount, -share) == within(int(amount * -fraction(share) // 1))


@given(amount=some.integers(0, 10**17), share=some.floats(1e-3, 100.0))
@example(amount=10**17, share=0.0012345678901234567)
def test_an_amount_over_a_share_is_what_exact_fractions_give(amount: int, share: float, compiled: dict[str, Any]) -> None:
    wanted = within(int(amount / fraction(share) // 1))
    assert amount_over(amount, exact(share)) == wanted
    assert compiled["amount_over"](amount, *exact(share)) == wanted


@given(amount=AMOUNTS, times=some.integers(0, 2**62 - 1), over=some.integers(1, 2**62 - 1))
@example(amount=-(10**18), times=2**62 - 1, over=2**62 - 1)
@example(amount=-1, times=1, over=2)
@example(amount=10**18, times=2**62 - 1, over=1)
def test_a_product_over_a_number_is_what_exact_fractions_give(
    amount: int, times: int, over: int, compiled: dict[str, Any]
) -> None:
    wanted = within(amount * times // over)
    assert times_over(amount, times, over) == wanted
    assert compiled["times_over"](amount, times, over) == wanted
