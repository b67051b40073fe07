"""A cap in plain words, with the borrower's own numbers and the thresholds that they are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import SimpleNamespace
from typing import Any

from zerolimit.names import ALLOCATIONS, BY_AGE, BY_OWN, BY_PROFIT, BY_TARGET, CAPS, OPEN, REAPPLY, REASONS
from zerolimit.rules.decision import NO_CAP, decide
from zerolimit.rules.rule import whole
from zerolimit.terms import FEN, NEVER

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


def in_yuan(fen: float) -> str:
    """`1,234 yuan`."""
    return f"{amount(fen)} yuan"


def in_percent(share: float) -> str:
    """`31 %`."""
    return f"{100.0 * share:.0f} %"


def apart(value: float, threshold: float, digits: int = 0) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart, four more at most."""
    for more in range(digits, digits + 5):
        one, other = f"{value:,.{more}f}", f"{threshold:,.{more}f}"
        if one != other or value == threshold:
            break
    return one, other


def in_words(cap: str, values: Numbers, measured: Numbers, terms: Numbers, level: float) -> str:
    """Why this cap was low: what it says, and the numbers. `values` and `measured` are those of the decision."""
    return f"{SAYS[cap]} ({numbers(cap, values, measured, terms, level)})"


def numbers(cap: str, values: Numbers, measured: Numbers, terms: Numbers, level: float) -> str:
    """The borrower's numbers beside the thresholds of one cap."""
    line = in_yuan(measured.get(f"cap_{cap}", 0.0))
    if cap == "income":
        income, floor = values["income_seen"], terms["income_floor"]
        return f"recorded {in_yuan(income)} a month, " + (
            f"floor {in_yuan(floor)}" if income < floor else f"enough for a line of {line}"
        )
    if cap in ("cutoff", "cutoff_shift"):
        gap = terms["readmission_gap"] if values["review"] == REAPPLY else 0.0
        shift = terms["cutoff_shift"] if cap == "cutoff_shift" else 0.0
        if cap == "cutoff" and values["risk"] >= terms["cutoff"] + gap:
            score, least = apart(values["zhima_seen"], terms["admission_zhima"])
            return f"general score {score}, {least} needed to be admitted"
        score, least = apart(values["risk"], terms["cutoff"] + gap + shift)
        parts = [f"{terms['cutoff']:.0f}", *([f"{gap:.0f} for those who come back"] if gap else [])]
        parts += [f"{shift:.1f} for the time being"] if shift else []
        return f"score {score}, {least} needed" + (f": {' + '.join(parts)}" if len(parts) > 1 else "")
    if cap == "arrears":
        return f"{values['late']:.0f} {'month' if values['late'] == 1.0 else 'months'} late: no more than {line}"
    if cap == "score":
        return f"score {values['risk']:.0f}: enough for a line of {line}"
    if cap == "trigger":
        often, most = apart(values["frequency"], terms["trigger_frequency"], 2)
        size, small = apart(100.0 * values["loan_size"], 100.0 * terms["trigger_size"])
        return (
            f"{often} loans a month, trigger above {most}; of {size} % of a month's recorded income, small below {small} %"
        )
    if cap == "idle":
        return f"{values['idle']:.0f} months, trigger at {terms['trigger_idle']:.0f}; {line} kept"
    if cap == "early":
        often, most = apart(100.0 * values["early"], 100.0 * terms["trigger_early"])
        return f"{often} % of loans, trigger above {most} %; {line} kept"
    if cap == "positioning":
        away, tolerated = apart(values["distance"], terms["position_tolerance"], 2)
        return f"distance {away}, tolerated {tolerated}: {line} kept"
    if cap == "multiplier":
        taken = in_percent(terms["multiplier_gain"] * terms["tightness"])
        return f"tightness {terms['tightness']:.2f} takes {taken}: {line} kept"
    if cap == "per_person":
        return f"no more than {line}"
    if terms["allocation"] == BY_OWN:
        return f"the platform's own rule, at a level of {in_percent(level)}, gave {in_yuan(values['granted'])}"
    return by_allocation(tuple(ALLOCATIONS)[int(terms["allocation"])], values, level)


def by_allocation(rule: str, values: Numbers, level: float) -> str:
    """What the pool's rule gave; `level` is where it ended (allocation.rules.allocate)."""
    if rule == "pro_rata":
        return f"each got {in_percent(level)} of what policy would give"
    if rule == "water_filling":
        return f"each got {in_yuan(level)} at most"
    if rule == "profit" and values["rank"] < 0.0:
        return "the expected profit is negative"
    if values["review"] >= REAPPLY and values["rank"] >= level:
        return f"place {values['rank']:.0f}, beyond the month's admissions"
    if level == float("inf"):
        return f"place {values['rank']:.0f}, nobody was served"
    mine, served = apart(values["rank"], level)
    return f"place {mine}, served down to {served}" + (", by lottery among equals" if mine == served else "")


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


def principal(values: Numbers, left: Numbers, most: int = 4) -> list[str]:
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
