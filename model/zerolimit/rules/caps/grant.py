"""Cap 12: what the pool leaves. The allocation sets it when policy has decided; it is the reason only below all others."""

from math import inf

from zerolimit.basics.wording import distinguished, in_percent, in_yuan, say
from zerolimit.rules.allocations import ORDER, allocation_of
from zerolimit.rules.cap import ALLOCATION, Compared, cap
from zerolimit.vocabulary.names import END_POOL, REAPPLY


def by_allocation(rule, values, level):
    """What the pool's rule gave; `level` is where it ended (allocation.rules.allocate)."""
    place = f"{values['rank']:.0f}"
    if rule.ended:
        return say(rule.ended, level=in_percent(level) if rule.share else in_yuan(level))
    if values["rank"] < rule.lowest:
        return say(rule.refused)
    if values["review"] >= REAPPLY and values["rank"] >= level:
        return say("rank {place}, beyond the month's admissions", place=place)
    if level == inf:
        return say("rank {place}, nobody was served", place=place)
    mine, served = distinguished(values["rank"], level)
    if mine == served:
        return say("rank {place}, served down to {served}, by lottery among equals", place=mine, served=served)
    return say("rank {place}, served down to {served}", place=mine, served=served)


def numbers(d):
    rule = allocation_of(d.terms["allocation"])
    if rule is None:
        given, level = in_yuan(d.values["granted"]), in_percent(d.level)
        return say("the user-defined rule granted {given} at a level of {level}", level=level, given=given)
    return by_allocation(rule, d.values, d.level)


def thresholds(d):
    rule = allocation_of(d.terms["allocation"])
    if d.values["contends"] > 0.0:
        if rule is not None and rule.kind == ORDER and 0.0 < d.level < inf:
            yield Compared("rank in the pool's order", rule.unit, d.values["rank"], d.level)
        else:
            yield Compared("what the pool granted", "fen", d.values["granted"], d.terms["minimum_loan"])


@cap(
    number=12,
    mechanism="scarcity",
    says="pool used up before this rank",
    short="pool used up",
    colour="orange",
    ends_as=END_POOL,
    set_by=ALLOCATION,
    numbers=numbers,
    thresholds=thresholds,
)
def grant(balance, granted):
    """Balance + what the allocation granted."""
    return balance + granted
