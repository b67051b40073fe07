"""What a month of several worlds leaves, and each world's part of it: a view, so that nothing is copied by world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from zerolimit.basics.shown import Shown
from zerolimit.engine.base import Array, Result
from zerolimit.engine.plan import Plan
from zerolimit.month import OUTCOMES, SUMS, WORDS
from zerolimit.platform.monthly_rows import PlatformRows

Counts = Mapping[str, Array]
"""Counts and sums of all worlds that were run together, by name, each (worlds, cells)."""


@lru_cache(64)
def columns_of(plan: Plan) -> dict[str, tuple[str, str, tuple[int, ...]]]:
    """Of each outcome flag and sum, the stage that makes it, whether among its counts or sums, and where in a cell."""
    found: dict[str, tuple[str, str, tuple[int, ...]]] = {}
    for stage, words in WORDS.items():
        for k, (word, _) in enumerate(words):
            found |= {one.name: (stage, "counts", (k, one.bit)) for one in OUTCOMES[word]}
    for stage in SUMS:
        found |= {f"sum_{name}": (stage, "sums", (k,)) for k, name in enumerate(plan.stages[stage].sum_names)}
    return found


class Tables(Counts):
    """Counts and sums as the stages of a month left them; a name's are cut out when it is asked for."""

    def __init__(self, plan: Plan, results: Mapping[str, Result], extra: Counts) -> None:
        self.columns, self.extra = columns_of(plan), extra
        self.left = {(stage, kind): getattr(results[stage], kind) for stage in results for kind in ("counts", "sums")}

    def __getitem__(self, name: str) -> Array:
        if name in self.extra:
            return self.extra[name]
        stage, kind, at = self.columns[name]
        found: Array = self.left[stage, kind][:, :, *at]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter((*self.columns, *self.extra))

    def __len__(self) -> int:
        return len(self.columns) + len(self.extra)

    def __contains__(self, name: object) -> bool:
        return name in self.columns or name in self.extra


@dataclass(repr=False)
class Recorded(Shown):
    """What one month left: counts and sums by cell, and the platform's row."""

    month: int
    tables: Counts
    world: int
    rows: PlatformRows
    """The platform's rows of all of them."""

    @cached_property
    def counts(self) -> Counts:
        """Counts and sums by cell."""
        return {name: table[self.world] for name, table in self.tables.items()}

    @cached_property
    def platform(self) -> dict[str, float]:
        """The platform's row."""
        return self.rows.row(self.world)

    def _in_short(self) -> str:
        return f"recorded in month {self.month}: {len(self.tables)} counts by cell, {len(self.platform)} of the platform"

    def __getstate__(self) -> dict[str, Any]:
        """Without the other worlds."""
        tables = {name: table[self.world : self.world + 1].copy() for name, table in self.tables.items()}
        return {"month": self.month, "tables": tables, "world": 0, "rows": self.rows.alone(self.world)}


class Part(Mapping[str, Any]):
    """The rows of a log from `first` to `last`, column by column; a column may be a list of columns."""

    def __init__(self, log: Mapping[str, Any], first: int, last: int) -> None:
        self.log, self.first, self.last = log, first, last

    def __getitem__(self, name: str) -> Any:
        found = self.log[name]
        if isinstance(found, list):
            return [column[self.first : self.last] for column in found]
        return found[self.first : self.last]

    def __iter__(self) -> Iterator[str]:
        return iter(self.log)

    def __len__(self) -> int:
        return len(self.log)

    def __reduce__(self) -> Any:
        return dict, ({name: copied(value) for name, value in self.items()},)


def copied(value: Any) -> Any:
    """A column, or a list of columns, that holds on to nothing else."""
    return [one.copy() for one in value] if isinstance(value, list) else value.copy()
