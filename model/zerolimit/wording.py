"""Numbers in sentences."""

from __future__ import annotations


def number_of(number: int, noun: str) -> str:
    """`1 month`, `36 months`, `30,000 borrowers`, `18 entries`."""
    many = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else many}"
