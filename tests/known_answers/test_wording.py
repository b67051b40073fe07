"""Numbers in sentences: shares that add up as printed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from zerolimit.basics.wording import adding_up, three_digits


@pytest.mark.parametrize(
    ("parts", "digits", "rounded"),
    [
        ([1 / 3, 1 / 3, 1 / 3], 2, [0.34, 0.33, 0.33]),
        ([5 / 6, 1 / 3, -1 / 6], 2, [0.84, 0.33, -0.17]),
        ([0.0, 2 / 3, 1 / 3, 0.0], 1, [0.0, 0.7, 0.3, 0.0]),
        ([-1e-17, 1.0], 2, [0.0, 1.0]),
        ([], 2, []),
    ],
)
def test_the_largest_remainders_are_rounded_up(parts: list[float], digits: int, rounded: list[float]) -> None:
    assert adding_up(parts, digits) == rounded


@given(some.lists(some.fractions(-50, 50, max_denominator=720), min_size=1, max_size=7), some.integers(0, 3))
def test_rounded_parts_add_up_and_none_is_off_by_a_unit(parts: list[Fraction], digits: int) -> None:
    rounded = adding_up(map(float, parts), digits)
    unit = 10.0**-digits
    assert sum(rounded) == pytest.approx(float(sum(parts)), abs=0.5 * unit + 1e-6)
    assert all(abs(one - part) < unit + 1e-6 for one, part in zip(rounded, parts, strict=True))
    assert all(one == 0.0 for one, part in zip(rounded, parts, strict=True) if part == 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0124, "0.0124"),
        (12.36, "12.4"),
        (999.4, "999"),
        (-12_400.6, "-12,401"),
        (0.0, "0"),
        (float("nan"), ""),
        (float("inf"), ""),
    ],
)
def test_three_digits_and_thousands_whole(value: float, text: str) -> None:
    assert three_digits(value) == text
