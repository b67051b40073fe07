"""A cap in plain words, with the borrower's own numbers and the thresholds that they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from types import SimpleNamespace
from typing import Any

from zerolimit.basics.wording import Phrase, say
from zerolimit.rules.cap import DECISION, Decided, Numbers
from zerolimit.rules.caps import CAP, CAPS, REASONS
from zerolimit.rules.decision import decide
from zerolimit.rules.rule import whole
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.names import OPEN

SAYS = {cap.name: cap.says for cap in CAPS}
"""What each cap says."""
NOT_THE_SAME = (
    "A reason names the cap that was lowest; a share (Shapley) is what a mechanism changed, on average over all ways of"
    " having some of the others off: the two need not agree. Shares are rounded so that they add up."
)
"""Beside shares of mechanisms."""


def reason_named(code: float) -> str:
    """The cap behind a stored reason; 'none' for 0."""
    return REASONS[int(code) - 1] if code > 0.0 else "none"


def caps_in(mask: float) -> list[str]:
    """The caps in a stored mask: each of them alone was below the minimum loan."""
    return [name for bit, name in enumerate(REASONS) if int(mask) >> bit & 1]


def in_words(cap: str, values: Numbers, measured: Numbers, terms: Numbers, level: float) -> Phrase:
    """Why this cap was low: what it says, and the numbers. `values` and `measured` are those of the decision."""
    return say("{reason} ({numbers})", reason=SAYS[cap], numbers=numbers(cap, values, measured, terms, level))


def numbers(cap: str, values: Numbers, measured: Numbers, terms: Numbers, level: float) -> Phrase:
    """The borrower's numbers beside the thresholds of one cap."""
    return CAP[cap].numbers(Decided(values, terms, measured.get(f"cap_{cap}", 0.0), level=level))


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
    """Every threshold of a decision, in the order of caps. `values` and `measured` are those of the decision.

    Money in fen. A line is compared with what is usable (`usable_line`).
    """
    balance, usable = values["scheduled"] + values["overdue"], usable_line(values, terms["minimum_loan"])
    found: list[Threshold] = []
    for cap in CAPS:
        line = measured[f"cap_{cap.name}"] if cap.set_by == DECISION else cap(balance, values["granted"])
        for one in cap.thresholds(Decided(values, terms, line, usable, level)):
            left = line if line < NO_CAP else inf
            found.append(Threshold(cap.name, one.says, one.unit, one.own, one.threshold, one.distance, left))
    return found


def lines_left(values: Numbers, measured: Numbers, u_menu: float, terms: Numbers) -> dict[str, float]:
    """The caps that alone would have lowered the line, the lowest first, with the line (fen) that each would have left.

    By the rule itself (decide): a cap within min_change of the line changes nothing, and the menu may cut below a cap.
    `values` and `measured` are those of the decision, `u_menu` its draw. Nothing where no line was open.
    """
    before = values["limit_before"]
    caps = {cap: measured[f"cap_{cap}"] for cap in REASONS if measured.get(f"cap_{cap}", NO_CAP) < before}
    given: dict[str, Any] = {**values, "status": OPEN, "limit": before, "u_menu": u_menu, "terms": SimpleNamespace(**terms)}

    def left(cap: str) -> float:
        given["lowest"], given["cap_reason"] = whole(caps[cap]), CAP[cap].code
        return float(decide(*(given[name] for name in decide.reads)))

    found = {cap: left(cap) for cap in sorted(caps, key=lambda cap: caps[cap])}
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
