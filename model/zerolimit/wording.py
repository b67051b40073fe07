"""Numbers in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor


def number_of(number: int, noun: str) -> str:
    """`1 month`, `36 months`, `30,000 borrowers`, `18 entries`."""
    many = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else many}"


def adding_up(parts: Iterable[float], digits: int) -> list[float]:
    """Parts rounded so that they add up to their rounded sum: down, then up where the remainders are largest."""
    scaled = [part * 10**digits for part in parts]
    down = [floor(round(one, 6)) for one in scaled]
    order = sorted(range(len(scaled)), key=lambda k: down[k] - scaled[k])
    for k in order[: round(sum(scaled)) - sum(down)]:
        down[k] += 1
    return [one / 10**digits for one in down]
