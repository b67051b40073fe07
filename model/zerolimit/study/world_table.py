"""The worlds that `zerolimit.worlds` is given: scenarios, or a table of parameters; all are checked before any runs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zerolimit.basics.errors import BadInput, quoted
from zerolimit.basics.wording import number_of
from zerolimit.parameters.declarations import DATED
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.study.definition import in_place
from zerolimit.study.design import Point, parse_key, plain, split
from zerolimit.study.intervals import as_seeds
from zerolimit.vocabulary.draws import as_seed

WHERE = "worlds"
SCENARIO, SEED = "scenario", "seed"
"""Columns of a table that are no parameters."""
TABLES = ("csv", "parquet")
"""Endings of files that pandas reads."""
FIRST_SEED = 1
"""Where none is given."""
MOST_SHOWN = 4
"""Parameters by which a message tells a world from others."""


@dataclass(frozen=True)
class World:
    """One world: what it is called, its scenario as what differs from a base, what changes on the way, its seeds."""

    name: Any
    """Its row's label in the table that was given, else its position."""
    base: Scenario
    differs: Mapping[str, Any]
    later: Mapping[int, Point]
    """Month -> parameters that hold from then on."""
    seeds: tuple[int, ...]
    shown: Mapping[str, Any]
    """What the frame says of it."""

    @property
    def scenario(self) -> Scenario:
        """All its parameters, which have been checked."""
        return self.base.model_copy(update=self.differs) if self.differs else self.base


@dataclass(frozen=True)
class Row:
    """One world as it was given."""

    name: Any
    source: Any
    """A preset's name, a path or a Scenario."""
    values: Point
    seed: Any = None


def read_worlds(
    given: Any,
    scenario: Any,
    parameters: Mapping[str, Any],
    months: int,
    seeds: int | Iterable[int] | None,
    seed: int | None,
) -> list[World]:
    """All worlds, checked. BadInput: the row, the parameter and what is wrong with it."""
    rows = list(rows_of(given, scenario))
    if not rows:
        raise BadInput(f"{WHERE}: at least one is needed")
    own_seeds = [row.seed is not None for row in rows]
    if any(own_seeds) and seeds is not None:
        raise BadInput(f"{WHERE}: {SEED} is a column and seeds are given; one is enough")
    if all(own_seeds) and seed is not None:
        raise BadInput(f"{WHERE}: {SEED} is a column and is given for all worlds; one is enough")
    common = as_seeds(seeds, FIRST_SEED if seed is None else seed)
    checked_keys(rows, parameters, months)
    bases = Bases(parameters)
    found = [one_world(row, bases, common) for row in rows]
    names = varying([world.base for world in found])
    keys = list(dict.fromkeys([*names, *(key for row in rows for key in row.values)]))
    return [
        World(one.name, one.base, one.differs, one.later, one.seeds, shown_of(one, row, keys))
        for one, row in zip(found, rows, strict=True)
    ]


def rows_of(given: Any, scenario: Any) -> Iterator[Row]:
    """What was given, world by world."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(given, pandas.DataFrame):
        names = list(given.index) if given.index.is_unique else list(range(len(given)))
        yield from table_rows({str(name): given[name].tolist() for name in given.columns}, names, scenario)
    elif isinstance(given, str | Path | Scenario):
        if not isinstance(given, Scenario) and (ending := Path(given).suffix.removeprefix(".")) in TABLES:
            told = f"worlds(pandas.read_{ending}({quoted(str(given))}), ...)"
            raise BadInput(f"{WHERE}: {quoted(str(given))} is a file of rows, not a scenario; read it first, as in {told}")
        yield Row(0, given, {})
    elif isinstance(given, Mapping):
        columns = {name: values for name, values in given.items() if is_column(values)}
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise BadInput(f"{WHERE}: columns of one length are needed, not {told}")
        count = next(iter(lengths.values()), 1)
        table = {name: list(columns[name]) if name in columns else [given[name]] * count for name in given}
        yield from table_rows(table, list(range(count)), scenario)
    elif isinstance(given, Iterable):
        for number, one in enumerate(given):
            yield listed_row(number, one, scenario)
    else:
        raise BadInput(f"{WHERE}: a list of scenarios or a table of parameters is needed, not {quoted(given)}")


def is_column(values: Any) -> bool:
    """Whether it is a value a world, not one for all."""
    return not isinstance(values, str | bytes | Mapping) and hasattr(values, "__len__") and hasattr(values, "__getitem__")


def table_rows(table: Mapping[str, Sequence[Any]], names: Sequence[Any], scenario: Any) -> Iterator[Row]:
    """The rows of a table of columns."""
    keys = [key for key in table if key not in (SCENARIO, SEED)]
    for number, name in enumerate(names):
        values = {key: table[key][number] for key in keys}
        yield Row(
            name,
            table[SCENARIO][number] if SCENARIO in table else scenario,
            values,
            table[SEED][number] if SEED in table else None,
        )


def listed_row(number: int, one: Any, scenario: Any) -> Row:
    """A world of a list."""
    if isinstance(one, Mapping):
        values = {key: value for key, value in one.items() if key not in (SCENARIO, SEED)}
        return Row(number, one.get(SCENARIO, scenario), values, one.get(SEED))
    if isinstance(one, str | Path | Scenario):
        return Row(number, one, {})
    raise BadInput(f"{WHERE}: row {number}: a scenario's name, path, Scenario or mapping is needed, not {quoted(one)}")


def checked_keys(rows: Iterable[Row], parameters: Mapping[str, Any], months: int) -> None:
    """BadInput where a parameter is unknown, cannot act then, or is given for all worlds too."""
    for key in dict.fromkeys(key for row in rows for key in row.values):
        if key in parameters:
            raise BadInput(f"{WHERE}: {key} is given for all worlds and in the table; one is enough")
        if key not in DATED:
            parse_key(key, WHERE, months)


class Bases:
    """Scenarios that worlds start from, each read once."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = dict(parameters)
        self.known: dict[Any, Scenario] = {}

    def of(self, source: Any) -> Scenario:
        """By name, path or Scenario, with what all worlds share on top."""
        key = id(source) if isinstance(source, Scenario) else source
        if key not in self.known:
            self.known[key] = load_scenario(source, **self.parameters)
        return self.known[key]


def one_world(row: Row, bases: Bases, seeds: tuple[int, ...]) -> World:
    """A world whose every parameter has been checked, then too when it changes on the way."""
    told = ", ".join(f"{key}={quoted(plain(value))}" for key, value in list(row.values.items())[:MOST_SHOWN])
    where = f"{WHERE}: row {row.name}{f' ({told}{", ..." if len(row.values) > MOST_SHOWN else ""})' if told else ''}"
    for key, value in row.values.items():
        if isinstance(value, float) and value != value:
            raise BadInput(f"{where}: {key}: a value is missing; give one in each row, or leave the column out")

    def build() -> World:
        base = bases.of(row.source)
        first, later = split(row.values)
        world = base.change(**first) if first else base
        before = vars(base)
        differs = {} if world is base else {name: value for name, value in vars(world).items() if value != before[name]}
        for values in later.values():
            world = world.change(**values)
        own = seeds if row.seed is None else (as_seed(row.seed),)
        return World(row.name, base, differs, later, own, {})

    return in_place(where, build)


def varying(bases: Iterable[Scenario]) -> list[str]:
    """What tells scenarios apart: their names where these do, else the parameters in which they differ."""
    different = list({id(one): one for one in bases}.values())
    if len({one.name for one in different}) == len(different) > 1:
        return [SCENARIO]
    dumps = [dict(one) for one in different]
    names = [name for name in dumps[0] if any(one[name] != dumps[0][name] for one in dumps[1:])]
    return [SCENARIO if name == "name" else name for name in names if name != "description" and name not in DATED]


def shown_of(world: World, row: Row, keys: Iterable[str]) -> dict[str, Any]:
    """What the frame says of a world."""
    whole = world.scenario
    found = {}
    for key in keys:
        value = row.values[key] if key in row.values else whole.name if key == SCENARIO else getattr(whole, key, None)
        found[key] = plain(value) if key not in DATED else number_of(len(getattr(whole, key)), "row")
    return found
