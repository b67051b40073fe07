"""Plain functions on one world, declared as rules are on one borrower: parameters say what is read, the decorator what is
written, `scenario` is the world's parameters. A loop over worlds can be written out from them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zerolimit.basics.errors import BadDeclaration, nearest
from zerolimit.parameters.scenario import Scenario
from zerolimit.vocabulary.world_fields import WORLD_FIELDS


@dataclass(frozen=True)
class WorldRule:
    """What a platform computes from some numbers of one world. Called like the plain function that it is."""

    name: str
    function: Callable[..., Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def __call__(self, *values: Any) -> Any:
        return self.function(*values)

    def of(self, scenario: Scenario, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What it writes, for a world with these fields."""
        found = self.function(*(scenario if name == "scenario" else fields[name] for name in self.reads))
        return dict(zip(self.writes, found, strict=True))


def on_one_world(*writes: str) -> Callable[[Callable[..., Any]], WorldRule]:
    """Declare a function that writes these fields of a world. BadDeclaration: a name is no field of a world."""

    def declare(function: Callable[..., Any]) -> WorldRule:
        name = function.__name__
        reads = tuple(inspect.signature(function).parameters)
        for field in (*reads, *writes):
            if field != "scenario" and field not in WORLD_FIELDS:
                raise BadDeclaration(f"{name}: {field!r} is no field of a world{nearest(field, WORLD_FIELDS)}")
        return WorldRule(name, function, reads, writes)

    return declare
