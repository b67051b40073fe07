"""What must hold of the totals after each platform phase, whatever rules a user brings; and whom to name else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import NoReturn

import numpy as np

from zerolimit.basics.errors import OutOfRange
from zerolimit.basics.wording import number_of
from zerolimit.engine.base import Array, Engine
from zerolimit.month import MONTH
from zerolimit.parameters.terms import in_yuan
from zerolimit.platform.pool import LARGEST_POOL, Pool
from zerolimit.rules.laws import BROKEN, LAWS
from zerolimit.vocabulary.fields import STATE, STORABLE


@dataclass
class Totals:
    """A month's totals so far, in fen."""

    pool: Pool
    owed: int
    """By borrowers: when the month begins, then after repayment, then at its end."""
    kept: int = 0
    """What is owed less what was repaid and written off."""
    capacity: int = 0
    granted: int = 0
    aside: int | None = None
    """What may be granted on appeal; None: no end."""
    granted_on_appeal: int = 0
    served: int = 0
    lent: int = 0
    at_end: int = 0
    """Owed at the month's end."""

    @property
    def room(self) -> int:
        """What may be lent in all: the pool, or the overhang of what was lent before it shrank; without end, anything."""
        return LARGEST_POOL if self.pool.limit is None else max(self.pool.limit, self.owed)

    @property
    def set_aside(self) -> int:
        """What may be granted on appeal; without end, what was."""
        return self.granted_on_appeal if self.aside is None else self.aside

    @property
    def by_accounts(self) -> int:
        """Cash as the accounts have it."""
        return self.pool.accounts.cash(self.at_end)


@dataclass(frozen=True)
class Balance:
    """Two totals (fen) after a platform phase: the first may not exceed the second, or equals it."""

    stage: str
    """The platform's stage in month.MONTH."""
    says: str
    """`{0}` and `{1}` stand for the two."""
    both: Callable[[Totals], tuple[int, int]]
    equal: bool = False


BALANCES = (
    Balance("allocate", "{0} is owed less repaid and written off, {1} in the accounts", lambda t: (t.kept, t.owed), True),
    Balance("allocate", "{0} granted, of {1} that the pool has left", lambda t: (t.granted, t.capacity)),
    Balance("desk", "{0} granted on appeal, of {1} set aside", lambda t: (t.granted_on_appeal, t.set_aside)),
    Balance("accounts", "cash is {1}", lambda t: (0, t.pool.cash)),
    Balance("serve", "{0} owed and served, of a pool of {1}", lambda t: (t.owed + t.served, t.room)),
    Balance("serve", "{0} served, of {1} in cash", lambda t: (t.served, t.pool.cash)),
    Balance("close", "{0} lent, {1} served", lambda t: (t.lent, t.served), True),
    Balance("close", "{0} owed and lent, {1} in the accounts", lambda t: (t.owed + t.lent, t.at_end), True),
    Balance("close", "cash is {1}", lambda t: (0, t.pool.cash)),
    Balance("close", "cash is {1}, by the accounts {0}", lambda t: (t.by_accounts, t.pool.cash), True),
)
"""What must hold, in the order in which it is looked at."""
BY_STAGE = {name: [one for one in BALANCES if one.stage == name] for name in {one.stage for one in BALANCES}}


def look_at_totals(stage: str, totals: Totals, engine: Engine, month: int) -> None:
    """OutOfRange where a total breaks after a platform phase: which, and the first borrower whose columns cannot be."""
    for balance in BY_STAGE.get(stage, ()):
        one, other = balance.both(totals)
        if one > other or (balance.equal and one != other):
            phase = next(one.name for one in MONTH if one.stage == stage)
            says = balance.says.format(in_yuan(one), in_yuan(other))
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
    rules = [rule for one in engine.plan.stages.values() if stage in (None, one.name) for rule in one.rules]
    names = list(dict.fromkeys(rule.name for rule in rules if rule.user_defined or rule.name in engine.overrides))
    return f"; look at {', '.join(names)}" if names else ""
