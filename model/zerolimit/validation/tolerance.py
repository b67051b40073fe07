"""How far the model may lie from the data: an interval widened by what the sources show between markets, by a named rule."""

from __future__ import annotations

import math
from collections.abc import Callable

from zerolimit.basics.errors import BadInput

OPEN = (-math.inf, math.inf)


def odds(low: float, high: float, by: float) -> tuple[float, float]:
    """Shares: the odds divided and multiplied."""
    return share_of(low, 1.0 / by), share_of(high, by)


def share_of(share: float, by: float) -> float:
    """The share whose odds are `by` times those of a share."""
    return share * by / (1.0 - share + share * by)


def size(low: float, high: float, by: float) -> tuple[float, float]:
    """What has no upper end: divided and multiplied, away from zero and towards it."""
    return min(low / by, low * by), max(high / by, high * by)


def fisher(low: float, high: float, by: float) -> tuple[float, float]:
    """Correlations: Fisher's z less and more."""
    return math.tanh(math.atanh(low) - by), math.tanh(math.atanh(high) + by)


RULES: dict[str, tuple[Callable[[float, float, float], tuple[float, float]], float, str]] = {
    "odds": (odds, 1.5, "odds divided and multiplied by 1.5"),
    "size": (size, 1.5, "divided and multiplied by 1.5"),
    "quantile": (size, 1.35, "ratios of quantiles divided and multiplied by 1.35"),
    "hazard": (size, 2.0, "hazards and arrears divided and multiplied by 2"),
    "fisher": (fisher, 0.2, "Fisher's z of the data less and more 0.2"),
    "none": (lambda low, high, by: (low, high), 1.0, "the interval itself, which is one between markets already"),
    "order": (size, 1.5, "from where neither is larger, to 1.5 times the interval's end where there is one"),
}
"""Rule -> how it widens, by how much, in words."""


def tolerance(
    rule: str, data: float | None, interval: tuple[float, float] | None, null: float | None
) -> tuple[float, float]:
    """The tolerance that a rule gives; of order, the side of the null on which the data lie, without data the upper."""
    widened, by, _ = RULES[rule]
    if rule == "fisher":
        if data is None:
            raise BadInput("rule 'fisher' widens the data's number, and there is none")
        return widened(data, data, by)
    if rule == "order":
        if null is None:
            raise BadInput("rule 'order' begins at null, and there is none")
        low, high = widened(*interval, by) if interval else OPEN
        return (null, high) if data is None or data >= null else (low, null)
    if interval is None:
        raise BadInput(f"rule {rule!r} widens an interval, and there is none")
    return widened(*interval, by)
