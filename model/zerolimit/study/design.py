"""Designs: which points of parameter space a study visits.

A factor is one parameter that varies, from month 0 (`pool_share`) or from a later one (`pool_share@24`). Its name, unit and
bounds are the scenario's declaration. Sampled designs draw places in the unit cube (SALib); a factor turns its coordinate
into a value, so that whole numbers, switches and names are sampled as evenly as shares are.

Saltelli et al. 2010 (Sobol); Morris 1991 and Campolongo et al. 2007 (elementary effects); McKay et al. 1979 (Latin
hypercube).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args

import numpy as np

from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.engine.base import Array
from zerolimit.parameters.declarations import DATED, about, bounds, choices
from zerolimit.parameters.scenario import Scenario
from zerolimit.run.simulation import SETUP_ONLY

DESIGNS: dict[str, str] = {
    "grid": "every combination of the levels",
    "list": "the points as they stand",
    "one_at_a_time": "the scenario itself, then each level of each factor alone",
    "latin": "Latin hypercube: `samples` points, each factor spread evenly",
    "sobol": "Saltelli's points for Sobol indices: `samples` (a power of 2) x (factors + 2)",
    "morris": "trajectories for Morris screening: `samples` x (factors + 1)",
}
SAMPLED = ("latin", "sobol", "morris")
SCALES = ("linear", "log")
MOST_POINTS = 1_000_000
MORRIS_LEVELS = 4
FEW_SAMPLES = 64
"""For a sum of three inputs, half an interval of the leading Sobol index is 0.44 at 16 samples, 0.24 at 64, 0.12 at 256."""
Point = dict[str, Any]


@dataclass(frozen=True)
class Factor:
    """A parameter that varies: by levels, or over a span."""

    key: str
    levels: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 1.0
    steps: int | None = None
    scale: str = "linear"

    @property
    def parameter(self) -> str:
        """The scenario's name of it."""
        return self.key.partition("@")[0]

    @property
    def month(self) -> int:
        """The month from which it holds."""
        return int(self.key.partition("@")[2] or 0)

    @property
    def unit(self) -> str:
        """The scenario's unit of it."""
        return about(self.parameter)["unit"]

    @property
    def whole(self) -> bool:
        """Whether it is a count."""
        return Scenario.model_fields[self.parameter].annotation is int

    def between(self, u: float) -> Any:
        """The value at a place in [0, 1] of the span."""
        if self.scale == "log":
            value = math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + u * (self.high - self.low)
        return min(max(value, self.low), self.high)

    def at(self, u: float) -> Any:
        """The value at a place in [0, 1] of a sampled design: levels and whole numbers have equal shares of it."""
        if self.levels:
            return self.levels[min(int(u * len(self.levels)), len(self.levels) - 1)]
        if self.whole:
            return min(int(self.low + u * (self.high - self.low + 1)), int(self.high))
        return self.between(u)

    def values(self, where: str) -> tuple[Any, ...]:
        """All levels, for designs that visit each."""
        if self.levels:
            return self.levels
        if self.steps is None:
            raise BadInput(f"{where}: vary.{self.key}: levels are needed: a list, or from, to and steps")
        spaced = [self.between(k / (self.steps - 1)) for k in range(self.steps)]
        return tuple(dict.fromkeys(round(value) if self.whole else neat(value) for value in spaced))


@dataclass(frozen=True)
class Design:
    """Points in order, with their places in the unit cube where they were sampled. Repeated points are kept."""

    kind: str
    factors: tuple[Factor, ...]
    points: tuple[Point, ...]
    units: Array | None = None
    samples: int | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The varied parameters' names."""
        return tuple(factor.key for factor in self.factors)


def parse_key(key: str, where: str, months: int) -> tuple[str, int]:
    """`pool_share` or `pool_share@24`, known and changeable then; BadInput otherwise."""
    name, at, month = key.partition("@")
    if name not in Scenario.model_fields:
        raise BadInput(f"{where}: unknown parameter {name!r}{nearest(name, Scenario.model_fields)}")
    if name in DATED:
        raise BadInput(f"{where}: {name}: a list of rows cannot vary; write one scenario file for each")
    if not at:
        return name, 0
    if not month.isdecimal() or not 1 <= int(month) < months:
        raise BadInput(f"{where}: {key}: a month from 1 to {months - 1} is needed after @, not {month!r}")
    if name in SETUP_ONLY:
        raise BadInput(f"{where}: {key}: {name} acts only at the start of a run")
    return name, int(month)


def parse_factor(key: str, given: Any, where: str, months: int) -> Factor:
    """A line of `[vary]`: a list of levels, or a table with from, to, steps, scale; without from and to, as declared."""
    name, _ = parse_key(key, f"{where}: vary", months)
    place = f"{where}: vary.{key}"
    if isinstance(given, list | tuple):
        if not given:
            raise BadInput(f"{place}: at least one level is needed")
        levels = tuple(tuple(one) if isinstance(one, list) else one for one in given)
        if len(set(map(repr, levels))) < len(levels):
            raise BadInput(f"{place}: a level is given twice")
        for level in levels:
            within(name, level, place)
        return Factor(key, tuple({repr(neat(one)): neat(one) for one in levels}.values()))
    if not isinstance(given, Mapping):
        raise BadInput(f"{place}: a list of levels or a table (from, to, steps, scale) is needed, not {quoted(given)}")
    for word in given:
        if word not in ("from", "to", "steps", "scale"):
            raise BadInput(f"{place}: unknown word {word!r}; allowed: from, to, steps, scale")
    field = Scenario.model_fields[name]
    if choices(name) or field.annotation is bool:
        if given:
            raise BadInput(f"{place}: has no span; give its levels as a list")
        return Factor(key, choices(name) or (False, True))
    low, high = bounds(name)
    if low is None or high is None:
        raise BadInput(f"{place}: has no span; give its levels as a list")
    low, high = given.get("from", low), given.get("to", high)
    for word, value in (("from", low), ("to", high)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInput(f"{place}: {word}: a number is needed, not {quoted(value)}")
        within(name, value, place)
    if not low < high:
        raise BadInput(f"{place}: from ({low:g}) must be below to ({high:g})")
    steps, scale = given.get("steps"), given.get("scale", "linear")
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or not 2 <= steps <= MOST_POINTS):
        raise BadInput(f"{place}: steps: a whole number from 2 to {MOST_POINTS:,} is needed, not {quoted(steps)}")
    if not isinstance(scale, str) or scale not in SCALES:
        raise BadInput(f"{place}: scale: {quoted(scale)} is not one of {', '.join(SCALES)}{nearest(scale, SCALES)}")
    if scale == "log" and low <= 0:
        raise BadInput(f"{place}: scale log needs from above 0, not {low:g}")
    return Factor(key, (), float(low), float(high), steps, scale)


def within(name: str, value: Any, place: str) -> None:
    """BadInput where a value is outside the parameter's declared bounds or none of its names."""
    low, high = bounds(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and low is not None and high is not None:
        if not low <= value <= high:
            raise BadInput(f"{place}: {quoted(value)} is out of bounds (allowed: {low:g} to {high:g} {about(name)['unit']})")
    elif (known := choices(name)) and value not in known:
        raise BadInput(f"{place}: {quoted(value)} is not one of {', '.join(known)}{nearest(value, known)}")


def make_design(
    kind: str,
    factors: Sequence[Factor],
    points: Sequence[Mapping[str, Any]],
    *,
    base: Scenario,
    samples: int | None,
    seed: int,
    where: str,
) -> Design:
    """The points of a design, in order."""
    if kind == "list":
        return listed(points, base, where)
    if not factors:
        raise BadInput(f"{where}: vary: at least one parameter is needed for the design {kind}")
    if kind in SAMPLED:
        return sampled(kind, tuple(factors), samples, seed, where)
    if samples is not None:
        raise BadInput(f"{where}: samples: the design {kind} visits every level; leave it out")
    levels = {factor.key: factor.values(where) for factor in factors}
    if kind == "grid":
        number = math.prod(len(found) for found in levels.values())
        if number > MOST_POINTS:
            raise BadInput(f"{where}: vary: {number:,} combinations; at most {MOST_POINTS:,}")
        combined = tuple(dict(zip(levels, values, strict=True)) for values in product(*levels.values()))
        return Design(kind, tuple(factors), combined)
    start = at_base(levels, base)
    moved = [{**start, key: value} for key, found in levels.items() for value in found if value != start[key]]
    return Design(kind, tuple(factors), (start, *moved))


def at_base(keys: Iterable[str], base: Scenario) -> Point:
    """The scenario's own values; nothing is changed at a later month."""
    return {key: None if "@" in key else getattr(base, key) for key in keys}


def listed(points: Sequence[Mapping[str, Any]], base: Scenario, where: str) -> Design:
    """Points as given; what one of them leaves out stays as in the scenario."""
    if not points:
        raise BadInput(f"{where}: points: at least one is needed for the design list")
    keys = list(dict.fromkeys(key for point in points for key in point))
    for number, point in enumerate(points, 1):
        for key, value in point.items():
            if any(isinstance(one, Mapping | list) for one in (value if isinstance(value, list) else (value,))):
                raise BadInput(f"{where}: point {number}: {key}: one value is needed, not {quoted(value)}")
    plain = [
        {key: tuple(value) if isinstance(value, list) else neat(value) for key, value in point.items()} for point in points
    ]
    whole = tuple({**at_base(keys, base), **point} for point in plain)
    levels = {key: tuple(dict.fromkeys(point[key] for point in whole)) for key in keys}
    return Design("list", tuple(Factor(key, levels[key]) for key in keys), whole)


def sampled(kind: str, factors: tuple[Factor, ...], samples: int | None, seed: int, where: str) -> Design:
    """Points drawn by SALib in the unit cube."""
    if samples is None:
        raise BadInput(f"{where}: samples: a number is needed for the design {kind}")
    rows = samples * {"latin": 1, "sobol": len(factors) + 2, "morris": len(factors) + 1}[kind]
    if rows > MOST_POINTS:
        raise BadInput(f"{where}: samples: {rows:,} points; at most {MOST_POINTS:,}")
    if kind == "sobol" and samples & (samples - 1):
        below = 1 << (samples.bit_length() - 1)
        raise BadInput(f"{where}: samples: {samples} is no power of 2, which Sobol points need; take {below} or {2 * below}")
    if kind == "morris" and samples < 2:
        raise BadInput(f"{where}: samples: at least 2 trajectories are needed, not {samples}")
    problem = unit_problem([factor.key for factor in factors])
    if kind == "latin":
        from SALib.sample import latin

        units = latin.sample(problem, samples, seed=seed)
    elif kind == "sobol":
        from SALib.sample import sobol

        units = sobol.sample(problem, samples, calc_second_order=False, seed=seed)
    else:
        from SALib.sample import morris

        units = morris.sample(problem, samples, num_levels=MORRIS_LEVELS, seed=seed)
    units = np.asarray(units, np.float64)
    points = tuple({factor.key: factor.at(float(u)) for factor, u in zip(factors, row, strict=True)} for row in units)
    return Design(kind, factors, points, units, samples)


def cautions(kind: str, samples: int | None) -> list[str]:
    """What a person should know before trusting indices from a design."""
    if kind != "sobol" or samples is None or samples >= FEW_SAMPLES:
        return []
    few = f"{samples} are too few for Sobol indices, which may come out below 0 or above 1"
    return [f"samples: {few}; {FEW_SAMPLES} is the least to look at, some hundreds are usual"]


def unit_problem(keys: Sequence[str]) -> dict[str, Any]:
    """SALib's description of the unit cube."""
    return {"num_vars": len(keys), "names": list(keys), "bounds": [[0.0, 1.0]] * len(keys)}


def split(point: Mapping[str, Any]) -> tuple[Point, dict[int, Point]]:
    """What holds from the start, and what changes at later months, in their order."""
    first: Point = {}
    later: dict[int, Point] = {}
    for key, value in point.items():
        name, _, month = key.partition("@")
        if not month:
            first[name] = value
        elif value is not None:
            later.setdefault(int(month), {})[name] = value
    return first, dict(sorted(later.items()))


def neat(value: Any) -> Any:
    """A value as it was meant: 0.1 + 0.2 is 0.3. Twelve digits of a number count; levels that share them are one."""
    return float(f"{value:.12g}") if isinstance(value, float) else value


def plain(value: Any) -> Any:
    """A factor's value as a table's column holds it: numbers, switches and names as they are, several names with commas."""
    return ", ".join(value) if isinstance(value, tuple) else value


def column_kind(factor: Factor) -> str:
    """Type of a factor's column: float64, int64, bool or string."""
    annotation: Any = Scenario.model_fields[factor.parameter].annotation
    kinds = {one for one in (get_args(annotation) or (annotation,)) if one is not type(None)}
    if kinds == {bool}:
        return "bool"
    if kinds == {int}:
        return "int64"
    return "float64" if kinds == {float} else "string"
