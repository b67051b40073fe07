"""What must hold of the totals after each platform phase, whatever rules a user brings; and whom to name else."""

from __future__ import annotations

from string import Formatter
from typing import NoReturn

import numpy as np

from zerolimit.basics.errors import OutOfRange
from zerolimit.basics.wording import number_of
from zerolimit.engine.base import Array, Engine
from zerolimit.month import MONTH
from zerolimit.parameters.terms import in_yuan
from zerolimit.platform.books import Books
from zerolimit.platform.steps import look
from zerolimit.rules.laws import BROKEN, LAWS
from zerolimit.vocabulary.fields import STATE, STORABLE


def out_of_balance(stage: str, books: Books, alive: Array) -> dict[int, str]:
    """The worlds in which totals break after a platform phase, and what is said of the first that does."""
    found: dict[int, str] = {}
    for w, balance in look(stage, books, alive).items():
        fields = books.one(w)
        found[w] = balance.says.format(*(in_yuan(some) for some in balance.both(*map(fields.value, balance.both.reads))))
    return found


def refuse_totals(stage: str, says: str, engine: Engine, month: int) -> NoReturn:
    """OutOfRange: a total breaks after a platform phase; which, and the first borrower whose columns cannot be."""
    phase = next(one.name for one in MONTH if one.stage == stage)
    raise OutOfRange(f"month {month}, {phase}: {says}{somebody(engine, month)}{whose_rules(engine)}")


def somebody(engine: Engine, month: int) -> str:
    """The first borrower with an amount in its columns that cannot be, where there is one."""
    found: list[tuple[int, str, int]] = []
    most = STORABLE["i4"]
    for field in STATE:
        if field.storage == "i4" and not field.void:
            column = engine.raw(field.name, month)
            rows = np.flatnonzero((column > most) | (column < (-most if field.signed else 0)))
            found += [(int(rows[0]), field.name, int(column[rows[0]]))] if len(rows) else []
    if not found:
        return ""
    row, name, value = min(found)
    return f"; borrower {row}: {name} is {in_yuan(value)}"


def look_at_each(stage: str, rows: Array, engine: Engine, month: int) -> None:
    """The laws of a stage for some borrowers, who went through its rules on a list, where rules are not ours."""
    law = LAWS[stage][0]
    if not whose_rules(engine):
        return
    for row in rows.tolist():
        broken = int(law(*(engine.get(name, row, month) for name in law.reads)))
        if broken:
            refuse(stage, 1, row, BROKEN, broken, engine, month)


def refuse(stage: str, count: int, row: int, name: str, value: int, engine: Engine, month: int) -> NoReturn:
    """One line about borrowers of whom something cannot be: how many, the first, the field and what is in it."""
    if name == BROKEN:
        says = LAWS[stage][1][value - 1]
        fields = [field for _, field, _, _ in Formatter().parse(says) if field]
        says = says.format(**{field: in_yuan(int(engine.get(field, row, month))) for field in fields})
    else:
        says = f"{name} is {in_yuan(value)}"
    phases = [phase.name for phase in MONTH if phase.stage == stage]
    more = f", and {number_of(count - 1, 'other')}" if count > 1 else ""
    where = f"month {month}, {phases[0]} to {phases[-1]}"
    raise OutOfRange(f"{where}: borrower {row}{more}: {says}{whose_rules(engine, stage)}")


def whose_rules(engine: Engine, stage: str | None = None) -> str:
    """The rules that are not ours, in a stage or in all, as those to look at."""
    if engine.plan.ours and not engine.overrides:
        return ""
    rules = [rule for one in engine.plan.stages.values() if stage in (None, one.name) for rule in one.rules]
    names = list(dict.fromkeys(rule.name for rule in rules if rule.user_defined or rule.name in engine.overrides))
    return f"; look at {', '.join(names)}" if names else ""
