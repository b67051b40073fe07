"""What parameters must hold together, each once: the table that checks, schema, documents and generator read.

A constraint says what is wrong with given parameters, what a JSON Schema can say of it, and how a random draw is mended.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

Values = Mapping[str, Any]

BASE = "base"
"""A scenario file's preset to start from: what the file leaves out stands there."""

ROUNDING = 1e-12
"""By how much a sum of shares may exceed its bound."""


def file_of(name: str) -> str:
    """The key of a scenario file that names the CSV file with the rows of a parameter."""
    return f"{name}_file"


@dataclass(frozen=True)
class Test:
    """A question about one value: in words, in Python and as JSON Schema."""

    says: str
    holds: Callable[[Any], bool]
    schema: dict[str, Any]


def above(least: float) -> Test:
    return Test(f"above {least:g}", lambda value: value > least, {"exclusiveMinimum": least})


def exactly(number: float) -> Test:
    return Test(f"{number:g}", lambda value: value == number, {"const": number})


def one_of(*names: str) -> Test:
    says = names[0] if len(names) == 1 else f"one of {', '.join(names)}"
    return Test(says, lambda value: value in names, {"enum": list(names)})


def none_of(*names: str) -> Test:
    return Test(f"other than {', '.join(names)}", lambda value: value not in names, {"not": {"enum": list(names)}})


def nothing(rows: Any) -> bool:
    """Whether a list of rows is not there or empty."""
    return rows is None or (isinstance(rows, list | tuple) and not rows)


def value_in(row: Any, name: str) -> Any:
    """What a row, as a file has it or read, has in a column."""
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)


def with_kind(kind: str) -> Test:
    return Test(
        f"with {kind}",
        lambda rows: not nothing(rows) and any(value_in(row, "kind") == kind for row in rows),
        {"contains": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": kind}}}},
    )


def with_column(name: str) -> Test:
    return Test(
        f"with a column {name}",
        lambda rows: not nothing(rows) and any(value_in(row, name) is not None for row in rows),
        {"contains": {"type": "object", "required": [name], "properties": {name: {"type": "number"}}}},
    )


def without_kind(kind: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda rows: tuple(row for row in rows if value_in(row, "kind") != kind)


def without_column(name: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda rows: tuple(
        {**row, name: None} if isinstance(row, Mapping) else row.model_copy(update={name: None}) for row in rows
    )


ODD = Test("odd", lambda value: value % 2 == 1, {"not": {"multipleOf": 2}})
GIVEN = Test("given", lambda value: value is not None, {"not": {"type": "null"}})
MISSING = Test("not given", lambda value: value is None, {"type": "null"})
ROWS = Test("with rows", lambda value: not nothing(value), {"type": "array", "minItems": 1})
NO_ROWS = Test("without rows", nothing, {"type": "array", "maxItems": 0})


@dataclass(frozen=True)
class Constraint:
    """What some parameters must hold together."""

    @property
    def parameters(self) -> tuple[str, ...]:
        raise NotImplementedError

    @property
    def says(self) -> str:
        """What must hold, in words."""
        raise NotImplementedError

    def wrong(self, values: Values) -> str | None:
        """What is wrong with these values; None where nothing is."""
        raise NotImplementedError

    def schema(self, defaults: Values, file_only: Collection[str]) -> dict[str, Any] | None:
        """What JSON Schema can say of it about a scenario file; None where it cannot compare parameters so."""
        return None

    def mend(self, values: dict[str, Any], free: Collection[str], rng: Random) -> None:
        """Change the parameters that are free so that it holds, as far as it can by these."""
        raise NotImplementedError


@dataclass(frozen=True)
class AtMostTogether(Constraint):
    """Shares that may not exceed `most` together."""

    names: tuple[str, ...]
    most: float = 1.0

    @property
    def parameters(self) -> tuple[str, ...]:
        return self.names

    @property
    def says(self) -> str:
        return f"{' + '.join(self.names)}: at most {self.most:g} together"

    def wrong(self, values: Values) -> str | None:
        total = sum(values[name] for name in self.names)
        if total <= self.most + ROUNDING:
            return None
        return f"{' + '.join(self.names)} must be at most {self.most:g} together, not {total:g}"

    def mend(self, values: dict[str, Any], free: Collection[str], rng: Random) -> None:
        share_out(self.names, self.most, values, free, rng)


@dataclass(frozen=True)
class SumTo(Constraint):
    """Shares of a whole."""

    names: tuple[str, ...]
    total: float = 1.0

    @property
    def parameters(self) -> tuple[str, ...]:
        return self.names

    @property
    def says(self) -> str:
        return f"{' + '.join(self.names)}: {self.total:g} together"

    def wrong(self, values: Values) -> str | None:
        total = sum(values[name] for name in self.names)
        if abs(total - self.total) <= 1e-9:
            return None
        return f"{', '.join(self.names)} must sum to {self.total:g}, not {total:g}"

    def mend(self, values: dict[str, Any], free: Collection[str], rng: Random) -> None:
        share_out(self.names, self.total, values, free, rng)


def share_out(names: tuple[str, ...], whole: float, values: dict[str, Any], free: Collection[str], rng: Random) -> None:
    """Scale the free ones so that all sum to a whole; where each is nothing or would fill it alone, one of them does."""
    ours = [name for name in names if name in free]
    room = max(0.0, whole - sum(values[name] for name in names if name not in free))
    if ours and all(values[name] == 0.0 or values[name] >= whole for name in ours):
        full = [name for name in ours if values[name] > 0.0]
        values.update(dict.fromkeys(ours, 0.0))
        values[rng.choice(full or ours)] = room
    elif ours:
        scale = room / sum(values[name] for name in ours)
        values.update({name: min(room, values[name] * scale) for name in ours})


@dataclass(frozen=True)
class Ordered(Constraint):
    """Two parameters of which the first may not exceed the second."""

    low: str
    high: str

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.low, self.high)

    @property
    def says(self) -> str:
        return f"{self.low} must not exceed {self.high}"

    def wrong(self, values: Values) -> str | None:
        low, high = values[self.low], values[self.high]
        return None if low <= high else f"{self.low} ({low:g}) must not exceed {self.high} ({high:g})"

    def mend(self, values: dict[str, Any], free: Collection[str], rng: Random) -> None:
        low, high = values[self.low], values[self.high]
        if self.low in free:
            values[self.low] = high
        if self.high in free:
            values[self.high] = low


@dataclass(frozen=True)
class Below(Constraint):
    """A count that must stay below another, where a third parameter says so."""

    low: str
    high: str
    where: str
    test: Test

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.low, self.high, self.where)

    @property
    def says(self) -> str:
        return f"{self.low} must be below {self.high} where {self.where} is {self.test.says}"

    def wrong(self, values: Values) -> str | None:
        low, high = values[self.low], values[self.high]
        if low < high or not self.test.holds(values[self.where]):
            return None
        return f"{self.low} ({low}) must be below {self.high} ({high})"

    def mend(self, values: dict[str, Any], free: Collection[str], rng: Random) -> None:
        if self.low in free:
            values[self.low] = values[self.high] - 1
        elif self.high in free:
            values[self.high] = values[self.low] + 1


@dataclass(frozen=True)
class Way:
    """A way out of a clash: another value of a parameter, or one made from the value that it has."""

    name: str
    to: Any

    def value(self, values: Values) -> Any:
        return self.to(values[self.name]) if callable(self.to) else self.to


@dataclass(frozen=True)
class Clash(Constraint):
    """Values that do not go together."""

    tests: tuple[tuple[str, Test], ...]
    message: str
    """What is wrong; the values stand in braces."""
    ways: tuple[Way, ...]
    replaces: bool = False
    """Of those in `ways`, one that is given alone takes the others' place."""

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.tests)

    @property
    def says(self) -> str:
        return f"not together: {', '.join(f'{name} {test.says}' for name, test in self.tests)}"

    def wrong(self, values: Values) -> str | None:
        return self.message.format_map(values) if self.holds(values) else None

    def holds(self, values: Values) -> bool:
        return all(test.holds(values[name]) for name, test in self.tests)

    def schema(self, defaults: Values, file_only: Collection[str]) -> dict[str, Any]:
        """A file is refused where every value stands in it, or is the default that it leaves."""
        parts = []
        for name, test in self.tests:
            part: dict[str, Any] = {"required": [name], "properties": {name: test.schema}}
            if test.holds(defaults[name]) and not self.replaces:
                elsewhere = [{"required": [key]} for key in (name, *file_only) if key in (name, file_of(name), BASE)]
                part = {"anyOf": [part, {"not": {"anyOf": elsewhere}}]}
            parts.append(part)
        return {"not": {"allOf": parts}}

    def mend(self, values: dict[str, Any], free: Collection[str], rng: Random) -> None:
        if ways := [way for way in self.ways if way.name in free]:
            way = rng.choice(ways)
            values[way.name] = way.value(values)


MADE = ("ring", "small_world", "scale_free", "sector_blocks")
"""Networks that need no file."""
EVEN = one_of("ring", "small_world", "scale_free")


def constraints_on(names: Collection[str]) -> tuple[Constraint, ...]:
    """The table, over the parameters of these names: families take in all that there are."""

    def family(*prefixes: str, ending: str = "") -> tuple[str, ...]:
        return tuple(name for name in names if name.startswith(prefixes) and name.endswith(ending))

    return (
        AtMostTogether(("share_gig", "share_owner")),
        AtMostTogether(family("follow_")),
        AtMostTogether(("share_transactor", "share_revolver", "share_maxed", "share_inactive")),
        AtMostTogether(("term_3", "term_6")),
        AtMostTogether(("menu_balance", "menu_step", "menu_close")),
        AtMostTogether(("unused_share", "high_use_share")),
        AtMostTogether(("position_segment", "position_age", "position_income")),
        *(AtMostTogether(family("cure_", "step_", "hold_", ending=f"_{late}")) for late in (1, 2, 3)),
        SumTo(family("zhima_")),
        Ordered("line_low", "line_high"),
        Ordered("first_smallest", "first_largest"),
        Ordered("planned_use_low", "planned_use_high"),
        Clash(
            (("pool_share", GIVEN), ("pool_yuan", GIVEN)),
            "pool_share and pool_yuan both given: the pool's size is one or the other",
            (Way("pool_share", None), Way("pool_yuan", None)),
            replaces=True,
        ),
        Clash(
            (("pool_share", MISSING), ("pool_yuan", MISSING)),
            "pool_share or pool_yuan is needed: the pool's size is one of them",
            (Way("pool_share", 1.0), Way("pool_yuan", 1e6)),
        ),
        Clash(
            (("term_open", above(0)), ("open_repay_rate", exactly(0))),
            "term_open above 0 needs open_repay_rate above 0, or open loans never end",
            (Way("term_open", 0.0), Way("open_repay_rate", 1.0)),
        ),
        Clash(
            (("macro_model", one_of("series")), ("macro", NO_ROWS)),
            "macro_model 'series' needs macro, the series itself",
            (
                Way("macro_model", "autoregressive"),
                Way("macro_model", "regimes"),
                Way("macro", ({"month": 0, "macro": 0.0},)),
            ),
        ),
        Clash(
            (("macro", ROWS), ("macro_model", none_of("series"))),
            "macro and macro_model {macro_model!r} both given: a series is no model; leave one out",
            (Way("macro_model", "series"), Way("macro", ())),
            replaces=True,
        ),
        Clash(
            (("calendar", with_kind("funding_stress")), ("macro", with_column("funding_stress"))),
            "calendar and macro both say funding_stress: it is the macro series' column or items of the calendar; leave one"
            " out",
            (Way("calendar", without_kind("funding_stress")), Way("macro", without_column("funding_stress"))),
        ),
        Clash(
            (("network", EVEN), ("acquaintances", ODD)),
            "acquaintances must be even when network is {network}, not {acquaintances}",
            (Way("acquaintances", lambda number: number - 1), Way("network", "none")),
        ),
        Below("acquaintances", "borrowers", "network", one_of("small_world", "scale_free", "sector_blocks")),
        Clash(
            (("network", one_of("file")), ("network_file", MISSING)),
            "network 'file' needs network_file, the file of ties",
            tuple(Way("network", name) for name in MADE),
        ),
        Clash(
            (("network_file", GIVEN), ("network", none_of("file"))),
            "network_file and network {network!r} both given: ties are read when network is 'file'",
            (Way("network", "file"), Way("network_file", None)),
        ),
    )


def what_is_wrong(constraints: Iterable[Constraint], values: Values) -> str | None:
    """The first constraint that does not hold, in words."""
    return next((said for one in constraints if (said := one.wrong(values)) is not None), None)


def settled(constraints: Iterable[Constraint], before: Values, given: Values) -> dict[str, Any]:
    """What is given, and what gives way to it: of two that exclude each other, the one given alone replaces the other."""
    found = dict(given)
    for one in constraints:
        if isinstance(one, Clash) and one.replaces and one.holds(ChainMap(found, before)):  # type: ignore[arg-type]
            yielding = [way for way in one.ways if way.name not in given]
            if len(yielding) < len(one.ways):
                found.update({way.name: way.value(before) for way in yielding})
    return found


def mended(constraints: Iterable[Constraint], values: Values, fixed: Collection[str], rng: Random) -> dict[str, Any]:
    """The values, of which those that are not fixed give way until every constraint holds, as far as they can."""
    found, table = dict(values), tuple(constraints)
    free = found.keys() - set(fixed)
    for _ in range(len(table)):
        broken = [one for one in table if one.wrong(found) is not None]
        if not broken:
            break
        for one in broken:
            one.mend(found, free, rng)
    return found
