"""What must hold of totals after each of the platform's phases: plain functions on one world that give two of them.

The loops that look over all worlds are written out from these (platform.steps); run.balance says what is wrong where.
"""

from __future__ import annotations

from dataclasses import dataclass

from zerolimit.platform.declared import WorldRule, on_one_world
from zerolimit.platform.pool import LARGEST_POOL, cash_by_accounts
from zerolimit.vocabulary.world_fields import NO_END


@on_one_world()
def repaid(kept: int, owed: int) -> tuple[int, int]:
    return kept, owed


@on_one_world()
def granted_in_all(granted: int, capacity: int) -> tuple[int, int]:
    return granted, capacity


@on_one_world()
def granted_at_the_desk(granted_on_appeal: int, aside: int) -> tuple[int, int]:
    """Without end, what was granted may be."""
    return granted_on_appeal, granted_on_appeal if aside == NO_END else aside


@on_one_world()
def in_cash(cash: int) -> tuple[int, int]:
    return 0, cash


@on_one_world()
def lent_in_all(owed: int, served: int, pool: int) -> tuple[int, int]:
    """What may be lent in all: the pool, or the overhang of what was lent before it shrank; without end, anything."""
    return owed + served, LARGEST_POOL if pool == NO_END else max(pool, owed)


@on_one_world()
def paid_in_cash(served: int, cash: int) -> tuple[int, int]:
    return served, cash


@on_one_world()
def paid_out(lent: int, served: int) -> tuple[int, int]:
    return lent, served


@on_one_world()
def owed_at_the_end(owed: int, lent: int, principal: int) -> tuple[int, int]:
    return owed + lent, principal


@dataclass(frozen=True)
class Balance:
    """Two totals (fen) after a platform phase: the first may not exceed the second, or equals it."""

    stage: str
    """The platform's stage in month.MONTH."""
    says: str
    """`{0}` and `{1}` stand for the two."""
    both: WorldRule
    """Gives the two of one world."""
    equal: bool = False


BALANCES = (
    Balance("allocate", "{0} is owed less repaid and written off, {1} in the accounts", repaid, True),
    Balance("allocate", "{0} granted, of {1} that the pool has left", granted_in_all),
    Balance("desk", "{0} granted on appeal, of {1} set aside", granted_at_the_desk),
    Balance("accounts", "cash is {1}", in_cash),
    Balance("serve", "{0} owed and served, of a pool of {1}", lent_in_all),
    Balance("serve", "{0} served, of {1} in cash", paid_in_cash),
    Balance("close", "{0} lent, {1} served", paid_out, True),
    Balance("close", "{0} owed and lent, {1} in the accounts", owed_at_the_end, True),
    Balance("close", "cash is {1}", in_cash),
    Balance("close", "cash is {1}, by the accounts {0}", cash_by_accounts, True),
)
"""What must hold, in the order in which it is looked at."""
BY_STAGE = {name: tuple(one for one in BALANCES if one.stage == name) for name in dict.fromkeys(b.stage for b in BALANCES)}
