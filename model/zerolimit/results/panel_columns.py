"""The columns of a borrower panel: what is kept of a borrower and month, and what follows from that when it is asked."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from zerolimit.month import KEPT, OUTCOMES, RARE_SUMS
from zerolimit.results.episodes import unit_and_meaning
from zerolimit.results.keys import MEANINGS as KEYS
from zerolimit.rules.caps import MEASURED, REASONS
from zerolimit.rules.flags import FLAGS
from zerolimit.vocabulary.fields import FIELDS, STATE, Field
from zerolimit.vocabulary.names import CODES
from zerolimit.vocabulary.outcomes import DESK

DISTANCES = tuple(name for name in MEASURED if not name.startswith("cap_"))
"""What a panel keeps beside the state: how far one is from the thresholds when the month ends."""
COUNTED_STATES = tuple(name for names in KEPT.values() for name in names if not FIELDS[name].flow)
"""States that a stage sums and that a later one may still write: the panel has them as they were summed, too."""
FLOWS = {
    (f"{name}_counted" if name in COUNTED_STATES else name): name
    for names in KEPT.values()
    for name in names
    if name in OUTCOMES or FIELDS[name].storage == "i4"
}
"""Column of the panel -> field, of what stages leave: words of outcome flags, and money."""
RARES = {one.name: one for some in RARE_SUMS.values() for one in some if one.name != one.field}
"""Column of the panel -> an amount of those of whom another field is not 0."""
LABELS = {**CODES, "reason": ("none", *REASONS)}
"""Names of fields that are codes."""


def kept_meanings() -> dict[str, tuple[str, str]]:
    """Unit and meaning of every column that is kept. `due_k` falls due k months after the month that follows."""
    found = {"month": ("month", "counts from 0; state at its end"), "borrower": ("id", "slot"), **KEYS}
    for field in STATE:
        words = field.meaning
        if field.name.startswith("due_"):
            words = f"principal falling due {int(field.name[4:]) + 1} months later"
        found[column_of(field)] = (unit_of(field), words)
    found.update({name: unit_and_meaning(MEASURED[name]) for name in DISTANCES})
    for column, name in FLOWS.items():
        said = FIELDS[name].meaning
        if column != name:
            said = f"{said}, as sum_{name} adds it: at the decision, before appeals are granted and borrowers leave"
        if name in OUTCOMES:
            said = "; ".join(f"bit {one.bit}: {one.name}" for one in OUTCOMES[name])
        found[column] = (unit_of(FIELDS[name]), said)
    for column, one in RARES.items():
        found[column] = (FIELDS[one.field].unit, f"{FIELDS[one.field].meaning}; 0 where {one.when} is 0")
    return found | DESK


def column_of(field: Field) -> str:
    """The column of a state: its name, with its unit where an outcome has the name."""
    return f"{field.name}_{field.unit}" if field.name in FLAGS else field.name


def unit_of(field: Field) -> str:
    """The unit of a panel's column."""
    return "name" if field.name in LABELS else field.unit


def flag_meanings() -> dict[str, tuple[str, str]]:
    """Unit and meaning of what a panel's frame has in place of words."""
    flags = {name: (FLAG, one.says) for name, one in FLAGS.items()}
    return {**flags, "vacant": (FLAG, "nobody had the slot in this month; such rows are left out unless asked for")}


FLAG_WORDS = tuple(OUTCOMES)
"""Columns in which what is kept has outcome flags as bits."""
FLAG = "true or false"
HERE = ("accounts", "charged_off", "applied")
"""Outcomes of which each borrower who has a slot in a month has one."""


def worked_out() -> dict[str, Any]:
    """What follows from what is kept, as Arrow's expressions."""
    import pyarrow.compute as pc

    def is_set(name: str) -> Any:
        one = FLAGS[name]
        return pc.bit_wise_and(pc.field(one.word), pc.scalar(1 << one.bit)) != pc.scalar(0)

    return {**{name: is_set(name) for name in FLAGS}, "vacant": ~reduce(or_, map(is_set, HERE))}


def in_sql() -> dict[str, str]:
    """What follows from what is kept, in SQL."""
    found = {name: f"({one.word} & {1 << one.bit}) <> 0" for name, one in FLAGS.items()}
    return {**found, "vacant": f"NOT ({' OR '.join(found[name] for name in HERE)})"}
