"""The numbers of several worlds in columns, as the borrowers' are: vocabulary.world_fields, terms, and past months."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zerolimit.parameters.declarations import bounds
from zerolimit.parameters.terms import TERMS
from zerolimit.platform.monthly_rows import RECORDED_REAL, RECORDED_WHOLE, PlatformRows
from zerolimit.platform.shares import Exact
from zerolimit.vocabulary.constants import MONTHS_A_YEAR
from zerolimit.vocabulary.world_fields import WORLD, WORLD_FIELDS

Array = NDArray[Any]
YEAR = int(MONTHS_A_YEAR)

WINDOW = int(bounds("planned_use_months")[1] or YEAR)
"""Months that are remembered."""
TERM = {name: at for at, name in enumerate(TERMS)}
"""Where a term stands."""


def laid_out() -> tuple[dict[str, int], dict[str, int]]:
    """Where each field stands among the whole numbers, and among the real ones; an exact number takes two places."""
    whole: dict[str, int] = {}
    real: dict[str, int] = {}
    places = 0
    for field in WORLD:
        if field.kind == "real":
            real[field.name] = len(real)
        elif field.kind != "term":
            whole[field.name] = places
            places += 2 if field.kind == "exact" else 1
    return whole, real


WHOLE, REAL = laid_out()
WHOLES = max(WHOLE.values()) + 2
TABLES = ("whole", "real", "terms", "base", "off", "past")
"""What books hold, a row a world."""
KEPT_WHOLE = np.array([WHOLE[name] for name in RECORDED_WHOLE])
ALL_WHOLE = np.arange(len(KEPT_WHOLE))
KEPT_REAL, KEPT_TERMS = (
    np.array([(at[name], k) for k, name in enumerate(RECORDED_REAL) if WORLD_FIELDS[name].kind == kind]).T.copy()
    for kind, at in (("real", REAL), ("term", TERM))
)
"""Where recorded numbers stand, and where they go."""
PAST = ("losses", "principal", "drawn", "open_lines")
"""What is remembered of past months."""

LOOKED_BACK = np.array(
    [
        (PAST.index(kind), months, WHOLE[name])
        for name, kind, months in (
            ("losses_in_year", "losses", YEAR),
            ("principal_in_year", "principal", YEAR),
            ("drawn_in_window", "drawn", 0),
            ("open_in_window", "open_lines", 0),
        )
    ]
).T.copy()
"""What is added up over past months, over how many (0: planned_use_months), and where it goes."""


class Books:
    """Numbers of some worlds. A world's row is a view (`one`), so what is written to one is written to all."""

    def __init__(self, worlds: int) -> None:
        self.whole = np.zeros((worlds, WHOLES), np.int64)
        self.real = np.zeros((worlds, len(REAL)))
        self.terms = np.zeros((worlds, len(TERMS)))
        """What rules of borrowers read."""
        self.base = np.zeros((worlds, len(TERMS)))
        """The parameters, before the month's announcements and without regard to mechanisms that are off."""
        self.off = np.full((worlds, len(TERMS)), np.nan)
        """What terms are while mechanisms are off."""
        self.past = np.zeros((worlds, len(PAST), WINDOW), np.int64)
        """Fen of past months, the m-th since the set-up at m modulo its length."""
        self.views: dict[str, Array] = {}
        """Fields that were asked for."""

    @property
    def worlds(self) -> int:
        return len(self.whole)

    def one(self, world: int) -> Books:
        """The numbers of one world: views."""
        return Books._of({name: getattr(self, name)[world : world + 1] for name in TABLES})

    @classmethod
    def _of(cls, tables: dict[str, Array]) -> Books:
        found = cls.__new__(cls)
        vars(found).update(tables, views={})
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in TABLES}, "views": {}}

    @classmethod
    def joined(cls, parts: Sequence[Books]) -> Books:
        """All numbers of some books, in memory of their own."""
        return cls._of({name: np.concatenate([getattr(one, name) for one in parts]) for name in TABLES})

    def __getitem__(self, name: str) -> Array:
        """A field of all worlds, or a term that is none, (worlds,): a view; of an exact number its mantissas."""
        found = self.views.get(name)
        if found is None:
            kind = WORLD_FIELDS[name].kind if name in WORLD_FIELDS else "term"
            table, at = {"term": (self.terms, TERM), "real": (self.real, REAL)}.get(kind, (self.whole, WHOLE))
            found = self.views[name] = table[:, at[name]]
        return found

    def __setitem__(self, name: str, values: Any) -> None:
        """A number for all worlds, or one of each."""
        if isinstance(values, Exact):
            at = WHOLE[name]
            self.whole[:, at], self.whole[:, at + 1] = values
        else:
            self[name][:] = values

    def exact(self, name: str) -> Exact:
        """An exact number of one world."""
        at = WHOLE[name]
        return Exact(*self.whole[0, at : at + 2].tolist())

    def value(self, name: str) -> Any:
        """A field of one world, as plain functions on one world take it."""
        return self.exact(name) if WORLD_FIELDS[name].kind == "exact" else self[name][0].item()

    def parameter(self, name: str) -> Array:
        """A parameter of all worlds, (worlds,): a number, a switch as 0 or 1, a choice by its place."""
        return self.base[:, TERM[name]]

    # what is remembered of past months

    def note(self, name: str, month: int, values: Any) -> None:
        """What a month left, fen; months are counted from the set-up."""
        self.past[:, PAST.index(name), month % WINDOW] = values

    def look_back(self, month: int) -> None:
        """Sums over past months, as the month that begins needs them; months are counted from the set-up."""
        self["month"] = month
        self["months_in_year"] = min(YEAR, month)
        kinds, months, to = LOOKED_BACK
        add_windows(self.past, month, self.parameter("planned_use_months"), kinds, months, to, self.whole)

    # what a month leaves

    def recorded(self) -> PlatformRows:
        """What the month that ends leaves of the platform."""
        whole = np.empty((self.worlds, len(KEPT_WHOLE)), np.int64)
        real = np.empty((self.worlds, len(RECORDED_REAL)))
        take_places(self.whole, KEPT_WHOLE, ALL_WHOLE, whole)
        for table, (places, to) in ((self.real, KEPT_REAL), (self.terms, KEPT_TERMS)):
            take_places(table, places, to, real)
        return PlatformRows(whole, real)


@njit(cache=True, nogil=True)
def take_places(table: Any, places: Any, to: Any, found: Any) -> None:
    """Some columns of a table, to other columns of another."""
    for w in range(len(table)):
        for k in range(len(places)):
            found[w, to[k]] = table[w, places[k]]


@njit(cache=True, nogil=True)
def add_windows(past: Any, month: Any, planned: Any, kinds: Any, months: Any, to: Any, found: Any) -> None:
    """Sums over the last months before one: so many, or (0) as many as are planned for."""
    for w in range(len(past)):
        for k in range(len(kinds)):
            total, window = 0, months[k] if months[k] > 0 else np.int64(planned[w])
            for back in range(1, min(window, month) + 1):
                total += past[w, kinds[k], (month - back) % past.shape[2]]
            found[w, to[k]] = total


class Terms(MutableMapping[str, float]):
    """The terms of one world by name: a view of its row. Names are those of parameters.terms.TERMS, no more and no fewer."""

    def __init__(self, row: Array) -> None:
        self.row = row

    def __getitem__(self, name: str) -> float:
        return float(self.row[TERM[name]])

    def __setitem__(self, name: str, value: float) -> None:
        self.row[TERM[name]] = value

    def __delitem__(self, name: str) -> None:
        raise TypeError("terms: none can be taken away")

    def __iter__(self) -> Iterator[str]:
        return iter(TERMS)

    def __len__(self) -> int:
        return len(TERMS)

    def __contains__(self, name: object) -> bool:
        return name in TERM

    def copied(self) -> dict[str, float]:
        """All of them as they are now."""
        return dict(zip(TERMS, self.row.tolist(), strict=True))
