"""Means over seeds with Student's intervals, bands over whole tables, ratios, trends, and what pairing has saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, inf, nan, sqrt
from operator import index
from typing import Any

import numpy as np

from zerolimit.basics.errors import BadInput
from zerolimit.vocabulary.draws import as_seed

CONFIDENCE = 0.95
SAME = 1e-12
"""Spread of differences, over the largest value, that is rounding."""
FEWEST = 10
"""Seeds below which no simultaneous band is given: its quantile lies too far out in the tail for fewer."""
QUARTER = 3
"""Months that the last quarter of a run must have for its trend to be told."""


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its interval; without a second seed the ends are not numbers."""

    mean: float
    low: float
    high: float


def over_seeds(values: Any, confidence: float = CONFIDENCE, rows: int = 1) -> tuple[Any, Any, Any]:
    """Mean over the first axis with mean -+ t(n - 1) s / sqrt(n), s the standard deviation with n - 1 (Student 1908).

    As one of `rows` at once, t is Bonferroni's (half_width).
    """
    some = np.asarray(values, np.float64)
    mean = some.mean(axis=0)
    if len(some) < 2:
        return mean, np.full_like(mean, nan), np.full_like(mean, nan)
    half = half_width(len(some), confidence, rows) * some.std(axis=0, ddof=1)
    return mean, mean - half, mean + half


def half_width(n: int, confidence: float = CONFIDENCE, rows: int = 1) -> float:
    """t(n - 1) / sqrt(n): half an interval in standard deviations; for `rows` of them at once, t at 1 - alpha / (2 rows).

    With Bonferroni's quantile all of `rows` intervals hold their means together with at least the confidence, however the
    rows depend on each other, as they do under common draws.
    """
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 1.0 - (1.0 - confidence) / (2.0 * rows))) / sqrt(n)


def interval(values: Iterable[float], confidence: float = CONFIDENCE, rows: int = 1) -> Interval:
    """The same for plain numbers."""
    mean, low, high = over_seeds(list(values), confidence, rows)
    return Interval(float(mean), float(low), float(high))


def fieller(over: Any, under: Any, confidence: float = CONFIDENCE) -> Interval:
    """The ratio of two means over the same seeds with its interval by Fieller (1954), both sides paired by position.

    With means x, y, their variances and covariance over n seeds v_x, v_y, v_xy (each s^2 / n) and t = t(n - 1), the interval
    is where (x - r y)^2 <= t^2 (v_x - 2 r v_xy + r^2 v_y): the roots of a r^2 - 2 b r + c with a = y^2 - t^2 v_y,
    b = x y - t^2 v_xy, c = x^2 - t^2 v_x. It is finite where a > 0, where y differs from 0; else the ends are not numbers.
    """
    top, below = np.asarray(over, np.float64), np.asarray(under, np.float64)
    n, x, y = len(top), float(top.mean()), float(below.mean())
    ratio = x / y if y else nan
    if n < 2:
        return Interval(ratio, nan, nan)
    (v_x, v_xy), (_, v_y) = np.cov(top, below) * half_width(n, confidence) ** 2
    a, b, c = y * y - v_y, x * y - v_xy, x * x - v_x
    if not a > 0.0:
        return Interval(ratio, nan, nan)
    root = sqrt(max(0.0, b * b - a * c))
    return Interval(ratio, (b - root) / a, (b + root) / a)


def last_trend(values: Any, confidence: float = CONFIDENCE) -> Interval:
    """By how much a monthly series changes over its last quarter, (seeds, months): least squares, an interval over seeds.

    Each seed's slope over the last quarter of the months times the months in it; the interval is Student's over the seeds.
    Not a number with less than QUARTER months in a quarter.
    """
    some = np.asarray(values, np.float64)
    months = some.shape[1] // 4
    if months < QUARTER:
        return Interval(nan, nan, nan)
    at = np.arange(months) - (months - 1) / 2.0
    return interval(months * (some[:, -months:] @ at) / (at @ at), confidence)


def within(apart: Interval, one: Interval, other: Interval, least: float, most: float) -> Interval:
    """The interval of a difference other - one, of two means that lie from `least` to `most`: no end that they cannot have.

    Each mean lies within its own interval, cut to [least, most]; ends beyond what two such means can differ by are moved
    in. Where nothing is cut, nothing is moved: a half width of a difference is at most the sum of the two.
    """
    ends = np.clip([one.low, one.high, other.low, other.high], least, most)
    return Interval(
        apart.mean,
        float(np.maximum(apart.low, min(apart.mean, ends[2] - ends[1]))),
        float(np.minimum(apart.high, max(apart.mean, ends[3] - ends[0]))),
    )


def unpaired_runs(a: Any, b: Any) -> tuple[float, float]:
    """How many times smaller pairing makes the variance of a difference, and how many unpaired runs a side would do.

    With n pairs the mean difference has variance s^2(b - a) / n; with n' independent runs on each side it would have
    (s^2(a) + s^2(b)) / n'. Equal precision takes n' = n x ratio, ratio = (s^2(a) + s^2(b)) / s^2(b - a), rounded up.
    The ratio is infinite where the difference is the same for every seed (to 12 digits of the largest value), and not a
    number where all values of a side are, or with less than two seeds.
    """
    one, other = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(one) < 2:
        return nan, nan
    apart, together = one.var(ddof=1) + other.var(ddof=1), (other - one).var(ddof=1)
    nothing = (SAME * max(np.abs(one).max(), np.abs(other).max())) ** 2
    if together <= nothing:
        return (nan, nan) if apart <= nothing else (inf, inf)
    return apart / together, float(ceil(round(len(one) * apart / together, 9)))


def how_many(seeds: Any) -> int:
    """A number of seeds, of any whole type."""
    try:
        number = 0 if isinstance(seeds, bool) else index(seeds)
    except TypeError:
        number = 0
    if number < 1:
        raise BadInput(f"seeds: a whole number from 1 or a list of seeds is needed, not {seeds!r}")
    return number


def as_seeds(seeds: int | Iterable[int] | None, seed: int) -> tuple[int, ...]:
    """Seeds from how many there are to be, counted from `seed`, or from a list."""
    if seeds is None:
        return (as_seed(seed),)
    first = as_seed(seed)
    listed = seeds if isinstance(seeds, Iterable) else range(first, first + how_many(seeds))
    found = tuple(as_seed(one) for one in listed)
    if not found or len(set(found)) < len(found):
        raise BadInput("seeds: at least one is needed, all different")
    return found
