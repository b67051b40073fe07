"""Step 6: the ways to share the pool among those who contend for it, each declared once, beside its function.

    @order("the smallest line first", unit="fen")
    def smallest(lowest):
        return -lowest

An *order* gives each borrower a place, from fields and `terms`: the pool serves the highest first, ties by lottery. A
*level* gives each a grant (fen) that grows with the level, from 0 on: the platform takes the largest at which all fit.
rules/unrolled.py writes out the place by the rule in force; allocation/ serves it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

from zerolimit.basics.errors import BadDeclaration, refuse_unknown
from zerolimit.rules.rule import by_segment, clip, contract, exponential, helper
from zerolimit.vocabulary.constants import EXPONENT_MOST, MONTHS_A_YEAR, TARGET_FIRST
from zerolimit.vocabulary.fields import FIELDS
from zerolimit.vocabulary.names import APPEAL_WON, CARD, FROZEN, OPEN

Function = Callable[..., Any]

WHOLE = 2**30
"""The level of a share of 1."""
USER_DEFINED = -1.0
"""The code of a user-defined rule that shares the pool."""
ORDER, LEVEL = "order", "level"


@dataclass(frozen=True)
class Allocation:
    """One way to share the pool."""

    name: str
    says: str
    kind: str
    function: Function
    reads: tuple[str, ...]
    code: float
    """What rules see as terms.allocation."""
    unit: str = "points"
    """Of a place."""
    lowest: float = -inf
    """Who has a place below this does not contend."""
    refused: str = ""
    """What is told of those."""
    won_first: bool = True
    """Whether an appeal won goes before all; an order that does not say so deals with it itself."""
    share: bool = False
    """Whether a level is a share of what is needed, in steps of 1 / WHOLE; else it is an amount (fen)."""
    up_to: str | None = None
    """The term (fen) beyond which the level does not rise; what is left is served in the first order."""
    ended: str = ""
    """What is told of a level where it ended; without it the order behind it is told."""


ALLOCATIONS: dict[str, Allocation] = {}
"""Every rule, by name; the first is the default, and breaks ties behind a level that ends at a bound."""


def declare(kind: str, says: str, function: Function, **more: Any) -> Function:
    """Add a rule to the table. BadDeclaration: its name was used before, or it reads what is no field."""
    reads, _ = contract(function, kind)
    name = function.__name__
    if name in ALLOCATIONS:
        raise BadDeclaration(f"allocation {name}: declared twice")
    known = [*FIELDS, "terms"] if kind == ORDER else ["need", "level"]
    for one in reads:
        refuse_unknown(f"allocation {name}", "field" if kind == ORDER else "parameter", one, known)
    if kind == LEVEL and reads != ("need", "level"):
        raise BadDeclaration(f"allocation {name}: a level's function takes need and level, not {', '.join(reads)}")
    ALLOCATIONS[name] = Allocation(name, says, kind, function, reads, float(len(ALLOCATIONS)), **more)
    return helper(function) if kind == ORDER else function


def order(says: str, **more: Any) -> Callable[[Function], Function]:
    """Declare an order: place (`unit`), the highest first, from a borrower's fields and `terms`."""
    return lambda function: declare(ORDER, says, function, **more)


def level(says: str, **more: Any) -> Callable[[Function], Function]:
    """Declare a level: a grant in whole fen, from `need` (fen) and `level`, neither of which it exceeds."""
    return lambda function: declare(LEVEL, says, function, **more)


def allocation_of(code: float) -> Allocation | None:
    """The rule that is in force; None: a user-defined one."""
    return None if code == USER_DEFINED else tuple(ALLOCATIONS.values())[int(code)]


def lowest_place(code: float) -> float:
    """Who has a place below this does not contend."""
    found = allocation_of(code)
    return -inf if found is None else found.lowest


@helper
def expected_profit(risk, product, terms):
    """Of a yuan lent for a year: (1 - PD) r - PD LGD - funding; PD = pd_at_cutoff x e^((cutoff - score) / pd_points).

    r is the product's rate: a card's on what is carried, since who pays all each month pays none.
    """
    odds = exponential(clip((terms.cutoff - risk) / terms.pd_points, -EXPONENT_MOST, EXPONENT_MOST))
    pd = min(1.0, terms.pd_at_cutoff * odds)
    rate = terms.card_monthly_rate if product == CARD else terms.monthly_rate
    return (1.0 - pd) * MONTHS_A_YEAR * rate - pd * terms.lgd - terms.funding_rate


@order("by risk score, incumbents and those near the target customer first", won_first=False)
def score(status, risk, distance, appealed, terms):
    """risk + retention_bonus for incumbents + priority_bonus for an appeal won - target_weight x distance."""
    incumbent = terms.retention_bonus if status == OPEN or status == FROZEN else 0.0
    won = 1.0 if appealed == APPEAL_WON else 0.0
    return risk + incumbent + won * terms.priority_bonus - terms.target_weight * distance


@order(
    "by expected profit per yuan lent, none where it is negative",
    unit="yuan a yuan",
    lowest=0.0,
    refused="the expected profit is negative",
)
def profit(risk, product, terms):
    """Expected profit of a yuan lent for a year."""
    return expected_profit(risk, product, terms)


@order("first come, first served: by months since the account was opened", unit="months")
def age(tenure):
    """Months since the account was opened."""
    return tenure


@order("by lottery alone")
def lottery():
    """All have the same place."""
    return 0.0


@order("the target segment first, then by risk score")
def target(segment, risk, terms):
    """TARGET_FIRST x fit of the segment + risk."""
    return TARGET_FIRST * by_segment(segment, terms.target_salaried, terms.target_gig, terms.target_owner) + risk


@level("each the same share of what policy would give", share=True, ended="each was granted {level} of what policy allows")
def pro_rata(need, level):
    """floor(need x level / 2^30)."""
    return need * level // WHOLE


@level("each the same amount, or all that policy would give where that is less", ended="each was granted {level} at most")
def water_filling(need, level):
    """min(need, level)."""
    return min(need, level)


@level("each a floor, then by score", up_to="floor_yuan")
def equal_floor(need, level):
    """min(need, level), with the level up to the floor."""
    return min(need, level)
