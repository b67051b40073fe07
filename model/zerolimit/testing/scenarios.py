"""Valid scenarios at random.

from zerolimit.testing import draw_scenario
scenario = draw_scenario(7, where="mixed", borrowers=40)
"""

from __future__ import annotations

import math
from contextlib import suppress
from random import Random
from typing import Any, Literal, get_args

from pydantic.fields import FieldInfo

from zerolimit.basics.errors import BadInput, nearest
from zerolimit.parameters.constraints import mended
from zerolimit.parameters.dated import MONTH, limits, names_of
from zerolimit.parameters.declarations import CALENDAR_KINDS, CONSTRAINTS, DATED, DEFAULTS
from zerolimit.parameters.scenario import Scenario, build
from zerolimit.vocabulary.draws import as_seed
from zerolimit.vocabulary.mechanisms import MECHANISMS

Where = Literal["inside", "corners", "mixed"]

MONTHS = 24
"""Calendar and series are drawn for this number of first months."""
WIDE = 1_000.0
"""A number whose bounds are this many times apart is drawn evenly over its powers of ten."""
AT_MOST = {"borrowers": 1_000.0, "warm_up_months": 3.0}
"""Most that is drawn where the declared bound is beyond what machines hold, or costs time and shows no more."""


def draw_scenario(seed: int | Random, where: Where = "inside", **fixed: Any) -> Scenario:
    """A valid scenario at random: the same seed, the same scenario.

    Every parameter is drawn within its bounds ("inside"), at its lowest or highest value ("corners"), or left at its
    default half the time and else drawn in one of these ways ("mixed"); then what must hold together is mended. Each
    draw depends on the seed and the parameter's name alone. Calendar and macro series have rows in the first 24 months;
    at most 1,000 borrowers and 3 months of warm-up are drawn, and no files. A parameter that is given (`borrowers=40`) stays
    as it is; BadInput where nothing else can be changed so that it is valid.
    """
    if where not in get_args(Where):
        allowed = get_args(Where)
        raise BadInput(f"draw_scenario: where: {where!r} is not one of {', '.join(allowed)}{nearest(str(where), allowed)}")
    root = f"{seed.getrandbits(64) if isinstance(seed, Random) else as_seed(seed)} {where}"
    drawn = {name: drawn_parameter(name, Random(f"{root} {name}"), where) for name in Scenario.model_fields}
    values = drawn | fixed
    with suppress(TypeError, ValueError):  # what is given is no value of its parameter: build says so
        values = mended(CONSTRAINTS, values, fixed, Random(root))
    return build(values, "draw_scenario")


def drawn_parameter(name: str, rng: Random, where: Where) -> Any:
    """A value of a parameter, whatever the others are."""
    if where == "mixed":
        if rng.random() < 0.5:
            return DEFAULTS[name]
        where = "inside" if rng.random() < 0.5 else "corners"
    if name == "calendar":
        return drawn_calendar(rng, where)
    if name in DATED:
        return drawn_series(DATED[name].model_fields, rng, where)
    if name == "off":
        return tuple(one for one in MECHANISMS if rng.random() < 0.25)
    if name == "start":
        return f"{rng.randrange(1900, 2100)}-{rng.randrange(1, 13):02}" if rng.random() < 0.5 else None
    field = Scenario.model_fields[name]
    if type(None) in get_args(field.annotation) and rng.random() < 0.25:
        return None
    return drawn_value(field, rng, where, AT_MOST.get(name, math.inf))


def drawn_value(field: FieldInfo, rng: Random, where: Where, most: float = math.inf) -> Any:
    """A number, switch or name, as a parameter or column declares it; its default where that has no bounds."""
    if names := names_of(field):
        return rng.choice(names)
    if field.annotation is bool:
        return rng.random() < 0.5
    low, high = limits(field)
    if low is None or high is None:
        return field.default
    number = drawn_number(low, min(high, most), rng, where)
    return round(number) if field.annotation is int else number


def drawn_number(low: float, high: float, rng: Random, where: Where) -> float:
    """A number from low to high, or one of the two."""
    if where == "corners":
        return rng.choice((low, high))
    least = max(low, 1.0) if low >= 0.0 and high >= WIDE else low
    if least > 0.0 and high / least >= WIDE:
        return min(high, max(low, math.exp(rng.uniform(math.log(least), math.log(high)))))
    return rng.uniform(low, high)


def drawn_calendar(rng: Random, where: Where) -> list[dict[str, Any]]:
    """Dated events: of each kind none or a few."""
    events = []
    for kind, (_, _, low, high, _) in CALENDAR_KINDS.items():
        for month in sorted(rng.sample(range(MONTHS), rng.choice((0, 0, 1, 3)))):
            events.append({MONTH: month, "kind": kind, "value": drawn_number(low, high, rng, where)})
    return sorted(events, key=lambda event: event[MONTH])


def drawn_series(columns: dict[str, FieldInfo], rng: Random, where: Where) -> list[dict[str, Any]]:
    """A series month by month, with some of the columns that it need not have; often none."""
    if rng.random() < 0.5:
        return []
    shown = [name for name, field in columns.items() if name != MONTH and (field.is_required() or rng.random() < 0.5)]
    return [
        {MONTH: month, **{name: drawn_value(columns[name], rng, where) for name in shown}}
        for month in range(rng.randint(1, MONTHS))
    ]
