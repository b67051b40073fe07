"""The engines by name: ours, and those that others declare with `@engine("name")`.

    from zerolimit.engine.base import Engine
    from zerolimit.engine.registry import engine

    @engine("mine")
    class Mine(Engine):
        ...

    zerolimit.Simulation(scenario, seed, engine="mine")

What an engine has to implement stands at the top of `engine/base.py`; `zerolimit.testing.check_engine("mine")` tries it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from zerolimit.basics.errors import BadDeclaration, BadInput, nearest

if TYPE_CHECKING:
    from zerolimit.engine.base import Engine

AUTO = "auto"
"""In place of a name: an engine that compiles, but for a few borrowers."""
SMALL = 400
"""Below this many borrowers `auto` takes an engine that does not compile: so nothing has to be compiled."""
REFERENCE = "objects"
"""The engine whose results all others give, bit for bit."""
OURS = {"compiled": "zerolimit.engine.compiled", "objects": "zerolimit.engine.objects"}
"""Our engines, and the module that declares each: imported when it is needed, since compilers take long to import."""
DECLARED: dict[str, type[Engine]] = {}


def engine[E: "type[Engine]"](name: str) -> Callable[[E], E]:
    """Declare an engine under a name. BadDeclaration: the name is taken, or the class lacks a method."""

    def declare(found: E) -> E:
        home = f"{found.__module__}.{found.__qualname__}"
        known = DECLARED.get(name)
        taken = OURS.get(name, found.__module__) if known is None else f"{known.__module__}.{known.__qualname__}"
        if name == AUTO or taken not in (home, found.__module__):
            raise BadDeclaration(f"engine {name}: declared twice, by {'auto' if name == AUTO else taken} and by {home}")
        if missing := sorted(found.__abstractmethods__):
            raise BadDeclaration(f"engine {name}: {home} does not implement {', '.join(missing)} (engine/base.py)")
        found.name = name
        DECLARED[name] = found
        return found

    return declare


def names() -> tuple[str, ...]:
    """What may be asked for: `auto`, and every engine."""
    return (AUTO, *OURS, *(name for name in DECLARED if name not in OURS))


def named(name: str) -> type[Engine]:
    """The engine of this name. BadInput: there is none."""
    if name not in names() or name == AUTO:
        raise BadInput(f"engine: {name!r} is not one of {', '.join(names())}{nearest(str(name), names())}")
    if name not in DECLARED:
        import_module(OURS[name])
    return DECLARED[name]


def compiling() -> str:
    """The engine for many borrowers and many worlds: the first that compiles."""
    return next(name for name in names()[1:] if named(name).compiles)


def chosen(name: str, borrowers: int, *, user_rules: bool) -> type[Engine]:
    """The engine for so many borrowers, with or without user-defined rules, where `auto` may be asked for."""
    if name != AUTO:
        return named(name)
    return named(REFERENCE if borrowers < SMALL and not user_rules else compiling())


def choices() -> str:
    """The names as a phrase for help texts."""
    return f"{', '.join(names()[:-1])} or {names()[-1]}"
