"""Numbers in sentences."""

from __future__ import annotations


def number_of(number: int, noun: str) -> str:
    """`1 month`, `36 months`, `30,000 borrowers`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
