"""Shares of money, exact to the fen, though the products need more than 64 bits.

Plain Python has whole numbers of any length; compiled loops over worlds take products of 128 bits in two halves, and give
the same (tests/known_answers/test_shares.py).
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import int64, njit, uint64
from numba.extending import overload

ENOUGH = 2**62
"""Fen beyond which nothing is counted: more than all borrowers can want, and within whole numbers of 64 bits."""
PLACES = 18
"""Most decimal places of a number whose power of ten fits in 64 bits."""
TENS = np.array([10**k for k in range(PLACES + 1)], np.uint64)


class Exact(NamedTuple):
    """A decimal number that is not negative: mantissa / 10^places, the mantissa of 17 digits at most."""

    mantissa: int
    places: int

    def __float__(self) -> float:
        return float(Decimal(self.mantissa).scaleb(-self.places))


@lru_cache(maxsize=4096)
def exact(share: float) -> Exact:
    """The decimal number that a float is written as, parsed once: 0.3 is 3/10."""
    _, digits, exponent = Decimal(str(float(share))).normalize().as_tuple()
    assert isinstance(exponent, int)
    mantissa = int("".join(map(str, digits)))
    return Exact(mantissa, -exponent) if exponent <= 0 else Exact(mantissa * 10**exponent, 0)


def within(amount: int) -> int:
    """An amount, where it is beyond all that is counted the most that is."""
    return max(-ENOUGH, min(ENOUGH, amount))


def times_over(amount: int, times: int, over: int) -> int:
    """Floor of amount x times / over, for times >= 0 and over > 0 below 2^62; ENOUGH at most."""
    return within(amount * times // over)


def part_of(amount: int, share: Exact) -> int:
    """Floor of a share of an amount."""
    return within(amount * share.mantissa // 10**share.places)


def amount_over(amount: int, share: Exact) -> int:
    """Floor of an amount over a share, for an amount >= 0 and a share > 0."""
    return within(amount * 10**share.places // share.mantissa)


def share_of(amount: int, share: float) -> int:
    """Floor of a share of an amount; of a negative share too."""
    return part_of(amount, exact(share)) if share >= 0.0 else -_ceiling(amount, exact(-share))


def _ceiling(amount: int, share: Exact) -> int:
    return -part_of(-amount, share)


@njit(cache=True, nogil=True, error_model="numpy")
def divided(amount: Any, times: Any, over: Any) -> Any:
    """Quotient and rest of amount x times / over, of numbers without a sign: the quotient ENOUGH at most.

    The product in two halves of 64 bits; then one bit of the quotient after the other.
    """
    low, half, most = uint64(0xFFFFFFFF), uint64(32), uint64(ENOUGH)
    a0, a1, b0, b1 = amount & low, amount >> half, times & low, times >> half
    first, second, third = a0 * b0, a0 * b1, a1 * b0
    middle = (first >> half) + (second & low) + (third & low)
    lower = (first & low) | (middle << half)
    upper = a1 * b1 + (second >> half) + (third >> half) + (middle >> half)
    if upper == uint64(0):
        quotient = lower // over
        return (quotient if quotient < most else most), lower - quotient * over
    if upper >= over:
        return most, uint64(0)
    rest, quotient = upper, uint64(0)
    for _ in range(64):
        rest = (rest << uint64(1)) | (lower >> uint64(63))
        lower = lower << uint64(1)
        quotient = quotient << uint64(1)
        if rest >= over:
            rest = rest - over
            quotient = quotient | uint64(1)
    return (quotient if quotient < most else most), rest


@njit(cache=True, nogil=True, error_model="numpy")
def floor_of(amount: Any, times: Any, over: Any) -> Any:
    """Floor of amount x times / over, the amount with a sign."""
    if amount >= 0:
        quotient, _ = divided(uint64(amount), times, over)
        return int64(quotient)
    quotient, rest = divided(uint64(-amount), times, over)
    return -int64(quotient) - (int64(1) if rest > uint64(0) and quotient < uint64(ENOUGH) else int64(0))


@overload(times_over, strict=False)
def _times_over(amount: Any, times: Any, over: Any) -> Any:
    return lambda amount, times, over: floor_of(int64(amount), uint64(times), uint64(over))


@overload(part_of, strict=False)
def _part_of(amount: Any, share: Any) -> Any:
    def compiled(amount: Any, share: Any) -> Any:
        places = share.places
        found = floor_of(int64(amount), uint64(share.mantissa), TENS[min(places, PLACES)])
        while places > PLACES and found != 0 and found != -1:
            places -= PLACES
            found = floor_of(found, uint64(1), TENS[min(places, PLACES)])
        return found

    return compiled


@overload(amount_over, strict=False)
def _amount_over(amount: Any, share: Any) -> Any:
    def compiled(amount: Any, share: Any) -> Any:
        mantissa, places = uint64(share.mantissa), share.places
        found, rest = divided(uint64(amount), TENS[min(places, PLACES)], mantissa)
        while places > PLACES:
            places -= PLACES
            ten = TENS[min(places, PLACES)]
            more, after = divided(rest, ten, mantissa)
            found, _ = divided(found, ten, uint64(1))
            found, rest = min(found + more, uint64(ENOUGH)), after
        return int64(found)

    return compiled
