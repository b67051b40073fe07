"""The targets: facts with data, tolerance, market and measure, read from a file and checked; the lot that holds some out."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

from zerolimit.basics.errors import BadInput, nearest, quoted, refuse_others
from zerolimit.basics.files import path_of, read_file, toml_of
from zerolimit.validation.facts import FACTS, fact_of
from zerolimit.validation.tolerance import RULES, tolerance
from zerolimit.vocabulary.names import PRODUCTS as LENT

FILE = "targets.toml"
KINDS = ("mean", "share", "hazard", "size", "order", "shape", "path")
BOTH = "both"
PRODUCTS = (*LENT, BOTH)
UNITS = ("share", "a month", "ratio", "change", "correlation", "points", "yuan", "months")
FITTED, HELD_OUT = "fitted", "held out"
DATE = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Window:
    """Months of a market by their dates, both ends included; without an end, as far as it goes. `at`: of an event."""

    name: str
    says: str
    first: str | None = None
    last: str | None = None
    at: str | None = None


@dataclass(frozen=True)
class Market:
    """Where rows are measured: a preset, months left out at its beginning, and how long it is run."""

    name: str
    scenario: str
    product: str
    burn_in: int
    months: int | None = None
    last: str | None = None


@dataclass(frozen=True)
class Target:
    """One row: a fact, its data, and within which tolerance the model should lie, where."""

    id: str
    group: str
    what: str
    quantity: str
    unit: str
    kind: str
    product: str
    markets: tuple[str, ...]
    tolerance: tuple[float, float]
    rule: str | None = None
    data: float | None = None
    interval: tuple[float, float] | None = None
    proxies: tuple[str, ...] = ()
    window: str | None = None
    null: float | None = None
    departs: str | None = None
    lacks: str | None = None
    counted: bool = True


@dataclass(frozen=True)
class Targets:
    """A file of targets, in its order."""

    name: str
    rows: tuple[Target, ...]
    markets: Mapping[str, Market]
    windows: Mapping[str, Window]
    key: str | None = None
    held_out: tuple[str, ...] = ()

    @cached_property
    def groups(self) -> dict[str, tuple[Target, ...]]:
        """Rows by group."""
        found: dict[str, list[Target]] = {}
        for row in self.rows:
            found.setdefault(row.group, []).append(row)
        return {name: tuple(rows) for name, rows in found.items()}

    def part(self, group: str) -> str:
        """Whether a group is fitted or held out."""
        return HELD_OUT if group in self.held_out else FITTED


def by_lot(key: str, groups: Iterable[str]) -> list[str]:
    """Groups in the order of the lot: of sha256(key + ":" + group); the first are held out."""
    return sorted(groups, key=lambda group: hashlib.sha256(f"{key}:{group}".encode()).hexdigest())


def read_targets(source: Any = None) -> Targets:
    """The targets of a TOML file, or those of the package. BadInput: the file, the row, and what is wrong."""
    if source is None:
        name, text = FILE, (resources.files("zerolimit.validation") / FILE).read_text(encoding="utf-8")
    else:
        name = path_of(source, "targets").name
        try:
            text = read_file(source, "targets").decode("utf-8")
        except UnicodeDecodeError:
            raise BadInput(f"targets {name}: not a text file in UTF-8") from None
    return targets_of(toml_of(text, f"targets {name}"), name)


def targets_of(table: dict[str, Any], name: str = "") -> Targets:
    """Targets from what a file says."""
    where = f"targets {name}".strip()
    part = Part(table, where)
    windows = {one: window_of(one, some) for one, some in part.tables("windows")}
    markets = {one: market_of(one, some) for one, some in part.tables("markets")}
    given = part.take("target", list, [])
    lot = part.part("lot")
    part.ends()
    if not given:
        raise BadInput(f"{where}: no [[target]] is in it")
    rows: list[Target] = []
    for number, one in enumerate(given, 1):
        row = target_of(Part(one, f"{where}: target {number}"), markets, windows)
        if row.id in [other.id for other in rows]:
            raise BadInput(f"{where}: target {number} ({row.id}): id is there twice")
        rows.append(row)
    groups = list(dict.fromkeys(row.group for row in rows))
    key = lot.take("key", str, None)
    held = lot.names("held_out")
    lot.ends()
    if held and key is None:
        raise BadInput(f"{where}: lot: key is needed where groups are held out")
    if key is not None and list(held) != (drawn := by_lot(key, groups)[: len(held)]):
        raise BadInput(f"{where}: lot: held_out is not what the key gives, which is {', '.join(map(repr, drawn))}")
    return Targets(name, tuple(rows), markets, windows, key, held)


def window_of(name: str, part: Part) -> Window:
    """A window as a file says it."""
    dates = [part.take(one, str, None) for one in ("from", "to", "at")]
    for date in dates:
        if date is not None and not DATE.fullmatch(date):
            raise part.wrong(f"{quoted(date)} is no month, as in 2008-06")
    first, last, at = dates
    found = Window(name, part.take("says", str, name), first, last, at)
    part.ends()
    if first and last and first > last:
        raise part.wrong(f"it is empty: {first} comes after {last}")
    return found


def market_of(name: str, part: Part) -> Market:
    """A market as a file says it."""
    product = part.take("product", str)
    refuse_others(f"{part.where}: product", product, PRODUCTS[:2])
    last = part.take("to", str, None)
    months = part.take("months", int, None)
    if (last is None) == (months is None) or (last is not None and not DATE.fullmatch(last)):
        raise part.wrong("either months, a whole number, or to, a month as in 2010-12, is needed")
    found = Market(name, part.take("scenario", str, name), product, part.take("burn_in", int, 0), months, last)
    part.ends()
    if found.burn_in < 0 or (months is not None and months <= found.burn_in):
        raise part.wrong("burn_in: at least 0, and fewer than months, is needed")
    return found


def target_of(part: Part, markets: Mapping[str, Market], windows: Mapping[str, Window]) -> Target:
    """A row as a file says it."""
    name = part.take("id", str)
    part.where += f" ({name})"
    if fact_of(name) not in FACTS:
        raise part.wrong(f"id: {quoted(name)} is no fact, as in A1 or B2c (docs/facts.md){nearest(name, FACTS)}")
    found = Target(
        name,
        part.take("group", str),
        part.take("what", str),
        part.take("quantity", str),
        part.one_of("unit", UNITS),
        part.one_of("kind", KINDS),
        part.one_of("product", PRODUCTS),
        part.names("markets"),
        part.ends_of("tolerance") or (math.nan, math.nan),
        part.one_of("rule", RULES) if "rule" in part.table else None,
        part.number("data"),
        part.ends_of("interval"),
        part.names("proxies"),
        part.one_of("window", windows) if "window" in part.table else None,
        part.number("null"),
        part.take("departs", str, None),
        part.take("lacks", str, None),
        part.take("counted", bool, True),
    )
    part.ends()
    if not found.markets:
        raise part.wrong(f"markets: at least one of {', '.join(markets)} is needed")
    for market in (*found.markets, *found.proxies):
        refuse_others(f"{part.where}: markets", market, markets)
    return checked(found, part)


def checked(row: Target, part: Part) -> Target:
    """A row with its tolerance, which the rule gives where none is written; BadInput where its numbers do not fit."""
    if row.interval is not None and row.data is not None and not row.interval[0] <= row.data <= row.interval[1]:
        raise part.wrong(f"interval: {shown(row.interval)} is without the data, {row.data:g}")
    if not math.isnan(row.tolerance[0]):
        found = row
    elif row.rule is None:
        raise part.wrong("a tolerance is needed, or a rule that gives it")
    else:
        try:
            found = Target(**{**vars(row), "tolerance": tolerance(row.rule, row.data, row.interval, row.null)})
        except (BadInput, ValueError, ZeroDivisionError) as error:
            raise part.wrong(f"rule: {error}") from None
    if row.interval is not None and not inside(row.interval, found.tolerance):
        raise part.wrong(f"tolerance: {shown(found.tolerance)} is inside out: the interval is {shown(row.interval)}")
    return found


def inside(some: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether an interval lies in another."""
    return other[0] <= some[0] and some[1] <= other[1]


def shown(ends: tuple[float, float]) -> str:
    """An interval in a message."""
    return f"[{ends[0]:g}, {ends[1]:g}]"


MISSING = object()


class Part:
    """A table of a file, of which each key is taken once; what is left at the end is unknown."""

    def __init__(self, table: Any, where: str) -> None:
        if not isinstance(table, dict):
            raise BadInput(f"{where}: a table is needed, not {quoted(table)}")
        self.table, self.where = table, where
        self.known: list[str] = []

    def wrong(self, why: str) -> BadInput:
        """What is wrong with it, to be raised."""
        return BadInput(f"{self.where}: {why}")

    def take(self, name: str, kind: type, default: Any = MISSING) -> Any:
        """What is given under a name."""
        self.known.append(name)
        value = self.table.get(name, default)
        if value is MISSING:
            raise self.wrong(f"{name} is needed")
        if value is not default and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise self.wrong(f"{name}: {WORDS[kind]} is needed, not {quoted(value)}")
        return value

    def one_of(self, name: str, known: Iterable[str]) -> str:
        """A name that is one of some."""
        value = self.take(name, str)
        refuse_others(f"{self.where}: {name}", value, known)
        return str(value)

    def number(self, name: str) -> float | None:
        """A finite number, or none."""
        self.known.append(name)
        value = self.table.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)):
            raise self.wrong(f"{name}: a number is needed, not {quoted(value)}")
        return None if value is None else float(value)

    def ends_of(self, name: str) -> tuple[float, float] | None:
        """Two numbers that rise, or none."""
        value = self.take(name, list, None)
        if value is None:
            return None
        numbers = [one for one in value if isinstance(one, int | float) and not isinstance(one, bool)]
        if len(value) != 2 or len(numbers) != 2 or any(map(math.isnan, numbers)):
            raise self.wrong(f"{name}: two numbers are needed, as in [0.1, 0.2], not {quoted(value)}")
        low, high = map(float, numbers)
        if not low < high:
            raise self.wrong(f"{name}: {shown((low, high))} is empty; the lower end comes first")
        return low, high

    def names(self, name: str) -> tuple[str, ...]:
        """A list of names."""
        value = self.take(name, list, [])
        if not all(isinstance(one, str) for one in value):
            raise self.wrong(f"{name}: a list of names is needed, not {quoted(value)}")
        return tuple(value)

    def part(self, name: str) -> Part:
        """A table in it."""
        return Part(self.take(name, dict, {}), f"{self.where}: {name}")

    def tables(self, name: str) -> list[tuple[str, Part]]:
        """The tables in a table in it."""
        return [(one, Part(some, f"{self.where}: {name}.{one}")) for one, some in self.take(name, dict, {}).items()]

    def ends(self) -> None:
        """BadInput where a key was not taken."""
        for name in self.table:
            if name not in self.known:
                raise self.wrong(f"unknown key {quoted(name)}{nearest(name, self.known)}")


WORDS = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}
