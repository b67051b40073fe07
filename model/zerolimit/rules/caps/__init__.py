"""Every cap, a file each. Whatever counts, lists, explains, translates or colours caps reads this table."""

import importlib
import pkgutil
from collections.abc import Iterable

from zerolimit.basics.errors import BadDeclaration
from zerolimit.rules.cap import DECISION, MOST_CAPS, RETIRED, Cap


def checked(caps: Iterable[Cap]) -> tuple[Cap, ...]:
    """Caps in the order of their numbers; BadDeclaration where two have what only one can have, or a number is left out."""
    found = sorted(caps, key=lambda cap: cap.number)
    for what, of in (
        ("name", lambda cap: cap.name),
        ("number", lambda cap: cap.number),
        ("place", lambda cap: cap.place),
        ("colour and hatch", lambda cap: (cap.colour, cap.hatch)),
    ):
        seen: dict[object, str] = {}
        for cap in found:
            if of(cap) in seen:
                raise BadDeclaration(f"cap {cap.name}: its {what}, {of(cap)!r}, is that of cap {seen[of(cap)]}")
            seen[of(cap)] = cap.name
    free = next(number for number in range(1, MOST_CAPS + 2) if number not in {*RETIRED, *(cap.number for cap in found)})
    for cap in found:
        if cap.number in RETIRED:
            raise BadDeclaration(f"cap {cap.name}: number {cap.number} was that of {RETIRED[cap.number]}; {free} is free")
        if cap.number > free:
            raise BadDeclaration(f"cap {cap.name}: number {cap.number} leaves one out; {free} is free")
    return tuple(found)


def declared() -> list[Cap]:
    """The cap of each file of this folder, which bears its name; BadDeclaration where a file has none."""
    found = []
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        own = [one for one in vars(module).values() if isinstance(one, Cap) and one.function.__module__ == module.__name__]
        if [cap.name for cap in own] != [file.name]:
            names = ", ".join(cap.name for cap in own) or "none"
            raise BadDeclaration(f"rules/caps/{file.name}.py: a file declares one cap, of its own name; found: {names}")
        found += own
    return found


CAPS = checked(declared())
"""In the order of their numbers, which is that of reasons and of bits of a mask."""
CAP = {cap.name: cap for cap in CAPS}
POLICY = tuple(cap for cap in CAPS if cap.set_by == DECISION)
"""Those that a decision knows: all but the grant."""

_names = {**RETIRED, **{cap.number: cap.name for cap in CAPS}}
REASONS = tuple(_names[number] for number in sorted(_names))
"""A stored reason is the position in this + 1, the cap's number; 0 is no reason."""

MEASURED: dict[str, str] = {
    **{f"cap_{cap.name}": f"fen; {cap.says}" for cap in POLICY},
    **{cap.distance.__name__: str(cap.distance.__doc__) for cap in CAPS if cap.distance is not None},
}
"""What is measured for an event and stored with it, not for every borrower: unit and meaning."""
