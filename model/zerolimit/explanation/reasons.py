"""A cap in plain words, with the borrower's own numbers and the thresholds that they are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import SimpleNamespace
from typing import Any

from zerolimit.basics.wording import Phrase, number_of, say
from zerolimit.parameters.terms import FEN, NEVER
from zerolimit.rules.decision import NO_CAP, decide
from zerolimit.rules.rule import whole
from zerolimit.vocabulary.names import ALLOCATIONS, BY_AGE, BY_OWN, BY_PROFIT, BY_TARGET, CAPS, OPEN, REAPPLY, REASONS

SAYS = {cap.name: cap.says for cap in CAPS}
NOT_THE_SAME = (
    "A reason names the cap that was lowest; a share (Shapley) is what a mechanism changed, on average over all ways of"
    " having some of the others off: the two need not agree. Shares are rounded so that they add up."
)
"""Beside shares of mechanisms."""
Numbers = Mapping[str, float]


def reason_named(code: float) -> str:
    """The cap behind a stored reason; 'none' for 0."""
    return REASONS[int(code) - 1] if code > 0.0 else "none"


def caps_in(mask: float) -> list[str]:
    """The caps in a stored mask: each of them alone was below the minimum loan."""
    return [name for bit, name in enumerate(REASONS) if int(mask) >> bit & 1]


def amount(fen: float) -> str:
    """Yuan as `1,234`; with the fen where it is less than ten yuan."""
    small = abs(fen) < 10 * FEN and fen % FEN != 0.0
    return f"{fen / FEN:,.2f}" if small else f"{fen / FEN:,.0f}"


def in_yuan(fen: float) -> Phrase:
    """`1,234 yuan`."""
    return say("{n} yuan", n=amount(fen))


def in_percent(share: float) -> Phrase:
    """`31 %`."""
    return say("{n} %", n=f"{100.0 * share:.0f}")


def apart(value: float, threshold: float, digits: int = 0) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart, four more at most."""
    for more in range(digits, digits + 5):
        one, other = f"{value:,.{more}f}", f"{threshold:,.{more}f}"
        if one != other or value == threshold:
            break
    return one, other


def in_words(cap: str, values: Numbers, measured: Numbers, terms: Numbers, level: float) -> Phrase:
    """Why this cap was low: what it says, and the numbers. `values` and `measured` are those of the decision."""
    return say("{reason} ({numbers})", reason=SAYS[cap], numbers=numbers(cap, values, measured, terms, level))


def numbers(cap: str, values: Numbers, measured: Numbers, terms: Numbers, level: float) -> Phrase:
    """The borrower's numbers beside the thresholds of one cap."""
    line = in_yuan(measured.get(f"cap_{cap}", 0.0))
    if cap == "income":
        income, floor = values["income_seen"], terms["income_floor"]
        if income < floor:
            return say("recorded {income} a month, floor {floor}", income=in_yuan(income), floor=in_yuan(floor))
        return say("recorded {income} a month, enough for a line of {line}", income=in_yuan(income), line=line)
    if cap in ("cutoff", "cutoff_shift"):
        gap = terms["readmission_gap"] if values["review"] == REAPPLY else 0.0
        shift = terms["cutoff_shift"] if cap == "cutoff_shift" else 0.0
        if cap == "cutoff" and values["risk"] >= terms["cutoff"] + gap:
            score, least = apart(values["zhima_seen"], terms["admission_zhima"])
            return say("general score {score}, {least} needed to be admitted", score=score, least=least)
        score, least = apart(values["risk"], terms["cutoff"] + gap + shift)
        parts: str = f"{terms['cutoff']:.0f}"
        parts = say("{sum} + {gap} for those who come back", sum=parts, gap=f"{gap:.0f}") if gap else parts
        parts = say("{sum} + {shift} for the time being", sum=parts, shift=f"{shift:.1f}") if shift else parts
        if gap or shift:
            return say("score {score}, {least} needed: {sum}", score=score, least=least, sum=parts)
        return say("score {score}, {least} needed", score=score, least=least)
    if cap == "arrears":
        return say("{months} late: no more than {line}", months=number_of(int(values["late"]), "month"), line=line)
    if cap == "score":
        return say("score {score}: enough for a line of {line}", score=f"{values['risk']:.0f}", line=line)
    if cap == "trigger":
        often, most = apart(values["frequency"], terms["trigger_frequency"], 2)
        size, small = apart(100.0 * values["loan_size"], 100.0 * terms["trigger_size"])
        return say(
            "{often} loans a month, trigger above {most}; of {size} % of a month's recorded income, small below {small} %",
            often=often,
            most=most,
            size=size,
            small=small,
        )
    if cap == "idle":
        idle, most = f"{values['idle']:.0f}", f"{terms['trigger_idle']:.0f}"
        return say("{idle} months, trigger at {most}; {line} kept", idle=idle, most=most, line=line)
    if cap == "early":
        often, most = apart(100.0 * values["early"], 100.0 * terms["trigger_early"])
        return say("{often} % of loans, trigger above {most} %; {line} kept", often=often, most=most, line=line)
    if cap == "positioning":
        away, tolerated = apart(values["distance"], terms["position_tolerance"], 2)
        return say("distance {away}, tolerated {tolerated}: {line} kept", away=away, tolerated=tolerated, line=line)
    if cap == "multiplier":
        taken = in_percent(terms["multiplier_gain"] * terms["tightness"])
        return say("tightness {tight} takes {taken}: {line} kept", tight=f"{terms['tightness']:.2f}", taken=taken, line=line)
    if cap == "per_person":
        return say("no more than {line}", line=line)
    if terms["allocation"] == BY_OWN:
        given = in_yuan(values["granted"])
        return say("the platform's own rule, at a level of {level}, gave {given}", level=in_percent(level), given=given)
    return by_allocation(tuple(ALLOCATIONS)[int(terms["allocation"])], values, level)


def by_allocation(rule: str, values: Numbers, level: float) -> Phrase:
    """What the pool's rule gave; `level` is where it ended (allocation.rules.allocate)."""
    place = f"{values['rank']:.0f}"
    if rule == "pro_rata":
        return say("each got {level} of what policy would give", level=in_percent(level))
    if rule == "water_filling":
        return say("each got {level} at most", level=in_yuan(level))
    if rule == "profit" and values["rank"] < 0.0:
        return say("the expected profit is negative")
    if values["review"] >= REAPPLY and values["rank"] >= level:
        return say("place {place}, beyond the month's admissions", place=place)
    if level == float("inf"):
        return say("place {place}, nobody was served", place=place)
    mine, served = apart(values["rank"], level)
    if mine == served:
        return say("place {place}, served down to {served}, by lottery among equals", place=mine, served=served)
    return say("place {place}, served down to {served}", place=mine, served=served)


@dataclass(frozen=True)
class Threshold:
    """One threshold, the borrower's own number, and how far it is on the good side (below 0: how far short)."""

    cap: str
    says: str
    unit: str
    own: float
    threshold: float
    distance: float
    line: float
    """The line that this cap alone leaves, fen; infinite where it sets none."""


def usable_line(values: Numbers, minimum_loan: float) -> float:
    """The smallest line that is of use after a decision, fen: B + m; m where L- - B < m.

    Who had drawn all of the line before (less than the minimum loan m was left) needs the line only: own use is no event.
    """
    balance = values["scheduled"] + values["overdue"]
    return minimum_loan if values["limit_before"] - balance < minimum_loan else balance + minimum_loan


def thresholds(values: Numbers, measured: Numbers, terms: Numbers, level: float) -> list[Threshold]:
    """Every threshold of a decision, in the order of names.CAPS. `values` and `measured` are those of the decision.

    Money in fen. A line is compared with what is usable (`usable_line`).
    """
    balance, m = values["scheduled"] + values["overdue"], terms["minimum_loan"]
    usable = usable_line(values, m)
    gap = terms["readmission_gap"] if values["review"] == REAPPLY else 0.0
    found: list[Threshold] = []

    def compare(cap: str, unit: str, own: float, threshold: float, says: str, *, above: bool = True) -> None:
        line = balance + values["granted"] if cap == "grant" else measured[f"cap_{cap}"]
        distance = own - threshold if above else threshold - own
        found.append(Threshold(cap, says, unit, own, threshold, distance, line if line < NO_CAP else inf))

    compare("income", "fen", values["income_seen"], terms["income_floor"], "recorded income a month")
    compare("cutoff", "points", values["risk"], terms["cutoff"] + gap, "score")
    if values["review"] >= REAPPLY:
        compare("cutoff", "points", values["zhima_seen"], terms["admission_zhima"], "general score, to be admitted")
    compare("arrears", "months", values["late"], 0.0, "months past due", above=False)
    compare("score", "fen", measured["cap_score"], usable, "line that the score supports")
    frequency, size = terms["trigger_frequency"], terms["trigger_size"]
    if frequency < NEVER:
        compare("trigger", "loans a month", values["frequency"], frequency, "loans a month, at most", above=False)
        compare("trigger", "share of income", values["loan_size"], size, "or their size, of income, at least")
        compare("idle", "months", values["idle"], terms["trigger_idle"], "months without use, below", above=False)
        compare("early", "share", values["early"], terms["trigger_early"], "loans repaid early, at most", above=False)
    if terms["position_tolerance"] < NEVER:
        tolerance = terms["position_tolerance"]
        compare("positioning", "distance", values["distance"], tolerance, "distance from target customer", above=False)
    if terms["tightness"] > 0.0:
        compare("multiplier", "fen", measured["cap_multiplier"], usable, "line that tightening leaves")
    if terms["cutoff_shift"] > 0.0:
        compare(
            "cutoff_shift", "points", values["risk"], terms["cutoff"] + gap + terms["cutoff_shift"], "score, cutoff raised"
        )
    if measured["cap_per_person"] < NO_CAP:
        compare("per_person", "fen", measured["cap_per_person"], usable, "ceiling per person")
    if values["contends"] > 0.0:
        if BY_OWN < terms["allocation"] <= BY_TARGET and 0.0 < level < inf:
            unit = {BY_PROFIT: "yuan a yuan", BY_AGE: "months"}.get(terms["allocation"], "points")
            compare("grant", unit, values["rank"], level, "place in the pool's order")
        else:
            compare("grant", "fen", values["granted"], m, "what the pool granted")
    return found


def lines_left(values: Numbers, measured: Numbers, u_menu: float, terms: Numbers) -> dict[str, float]:
    """The caps that alone would have lowered the line, the lowest first, with the line (fen) that each would have left.

    By the rule itself (decide): a cap within min_change of the line changes nothing, and the menu may cut below a cap.
    `values` and `measured` are those of the decision, `u_menu` its draw. Nothing where no line was open.
    """
    before = values["limit_before"]
    caps = {cap: measured[f"cap_{cap}"] for cap in REASONS if measured.get(f"cap_{cap}", NO_CAP) < before}
    given: dict[str, Any] = {**values, "status": OPEN, "limit": before, "u_menu": u_menu, "terms": SimpleNamespace(**terms)}

    def left(cap: float) -> float:
        given["lowest"] = whole(cap)
        return float(decide(*(given[name] for name in decide.reads))[0])

    found = {cap: left(caps[cap]) for cap in sorted(caps, key=lambda cap: caps[cap])}
    return {cap: line for cap, line in found.items() if line < before}


def principal_reasons(values: Numbers, left: Numbers, most: int = 4) -> list[str]:
    """The caps that a notice names: the reason, then what alone would have closed the line too (mask, or the menu's cut).

    `left` is what each cap alone would have left (lines_left).
    """
    reason = reason_named(values["reason"])
    closing = [cap for cap, line in left.items() if line == 0.0]
    found = dict.fromkeys([*([] if reason == "none" else [reason]), *caps_in(values["mask"]), *closing])
    return list(found)[:most]


def lowering(values: Numbers, left: Numbers) -> list[str]:
    """The other caps that alone would have lowered the line and left at least the minimum loan, the lowest first."""
    return [cap for cap, line in left.items() if line > 0.0 and cap != reason_named(values["reason"])]
