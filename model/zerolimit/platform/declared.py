"""Plain functions on one world, declared as rules are on one borrower: parameters say what is read, the decorator what is
written, `terms` are the world's parameters as numbers (parameters.terms). A loop over worlds is written out from them.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from zerolimit.basics.errors import BadDeclaration, nearest
from zerolimit.parameters.scenario import Scenario
from zerolimit.parameters.terms import ANNOUNCED, TERMS, from_scenario
from zerolimit.vocabulary.world_fields import DRAWS, WORLD_FIELDS


@dataclass(frozen=True)
class WorldRule:
    """What a platform computes from some numbers of one world. Called like the plain function that it is."""

    name: str
    function: Callable[..., Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    terms: tuple[str, ...]
    """Parameters of the world."""

    def __call__(self, *values: Any) -> Any:
        return self.function(*values)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for name in self.reads if name != "terms" and name not in DRAWS)

    @property
    def draws(self) -> tuple[str, ...]:
        return tuple(name for name in self.reads if name in DRAWS)

    def of(self, scenario: Scenario, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What it writes, for a world with these fields."""
        terms = SimpleNamespace(**from_scenario(scenario))
        found = self.function(*(terms if name == "terms" else fields[name] for name in self.reads))
        return dict(zip(self.writes, found if len(self.writes) > 1 else (found,), strict=True))


def on_one_world(*writes: str) -> Callable[[Callable[..., Any]], WorldRule]:
    """Declare a function that writes these fields of a world.

    BadDeclaration: a name is no field of a world, or no parameter that is a number.
    """

    def declare(function: Callable[..., Any]) -> WorldRule:
        name = function.__name__
        reads = tuple(inspect.signature(function).parameters)
        for field in (*reads, *writes):
            if field != "terms" and field not in WORLD_FIELDS:
                raise BadDeclaration(f"{name}: {field!r} is no field of a world{nearest(field, WORLD_FIELDS)}")
        terms = sorted({step.argval for step in dis.get_instructions(function) if step.opname == "LOAD_ATTR"})
        for term in terms:
            if term not in TERMS or term in ANNOUNCED:
                raise BadDeclaration(f"{name}: {term!r} is no parameter that is a number{nearest(term, TERMS)}")
        return WorldRule(name, function, reads, writes, tuple(terms))

    return declare
