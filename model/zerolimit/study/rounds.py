"""How many worlds run together: as many as a share of the free memory holds."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from zerolimit.engine.registry import chosen
from zerolimit.results.columns import monthly_meanings
from zerolimit.run.simulation import available_memory, plan_of
from zerolimit.vocabulary.cells import CELLS

if TYPE_CHECKING:
    from zerolimit.engine.base import Engine

SHARE = 4
"""Of the memory that is free, a quarter is for worlds."""
UNKNOWN = 2**30
"""Bytes for all workers of a machine that does not tell what is free."""
A_WORLD = 500_000
"""Bytes that a world takes beside its borrowers: the month's tallies, and what happened to whom.

Measured by how high memory stood at most, with 256 worlds of 2,000 and of 4,000 borrowers x 36 months: 0.2 MB a world that
forgets its months, 0.26 MB one of which a study keeps them, and 0.5 MB, beyond what A_MONTH says, where all counts are kept.
"""
A_BORROWER = 50
"""Bytes of a borrower beside the columns, while lists are made and draws shared: 40 measured, from the same worlds."""
A_MONTH = 8_000
"""Bytes of a month that is recorded, beside its counts."""


def budget(workers: int) -> int:
    """Bytes for the worlds of one of so many workers, of which a machine has one for each core at most."""
    free = available_memory()
    return (UNKNOWN if free is None else free // SHARE) // min(workers, os.cpu_count() or 1)


def bytes_of_world(engine: str, borrowers: int, *, ties: int = 0, recorded: int = 0, rules: bool = False) -> int:
    """Memory that a world takes, with so many bytes more for each borrower (`ties`), and for all months (`recorded`)."""
    columns = bytes_a_borrower(chosen(engine, borrowers, user_rules=rules))
    return A_WORLD + borrowers * (columns + A_BORROWER + ties) + recorded


def bytes_of_month(counts: Collection[str] | None) -> int:
    """Memory of a month that is kept, with some of its counts, or all."""
    return A_MONTH + (len(monthly_meanings()) if counts is None else len(counts)) * CELLS * 8


@cache
def bytes_a_borrower(engine: type[Engine]) -> int:
    """What an engine's columns take."""
    return engine.bytes_a_borrower(plan_of((), frozenset()))


def in_rounds(needed: Sequence[int], budget: float, most: int | None = None) -> Iterator[slice]:
    """Worlds that need so many bytes each, in their order, in rounds of `budget` and `most` worlds at most; one at least."""
    first, held = 0, 0
    for number, size in enumerate(needed):
        if number > first and (held + size > budget or number - first == most):
            yield slice(first, number)
            first, held = number, 0
        held += size
    if needed:
        yield slice(first, len(needed))
