"""Debt and repayment written again from docs/ODD.md, section 7.4, and from nothing else, beside the rules that run.

Whole numbers and fractions in place of floats, cases in place of masks: another hand, the same page.
"""

import inspect
import math
import random
import re
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.rules import repayment

PAGE = (Path(__file__).parents[2] / "docs" / "ODD.md").read_text(encoding="utf-8")
STATUS = {"open": 0, "frozen": 1, "closed": 2, "left": 3}
TRANSACTOR, REVOLVER, MAXED_OUT, PROJECT = 1, 2, 3, 5
CARD = 1
MOST = 1_900_000_000
BASELINE = from_scenario(load_scenario("defaults"))
State = dict[str, Any]


# from the page


def fall_due(s: State, p: Any) -> State:
    principal = s["scheduled"] + s["overdue"]
    interest = int(principal * Fraction(p.monthly_rate))
    interest = max(0, min(interest, MOST - principal - s["overdue_interest"]))
    due = s["due_0"] if s["scheduled"] else 0
    if s["product"] == CARD:
        interest = 0
        due = min(s["scheduled"], max(int(p.card_floor), int(s["scheduled"] * Fraction(p.card_minimum))))
    return {
        "limit_before": s["limit"] if s["status"] == STATUS["open"] else 0,
        "principal_before": principal,
        "due_now": due,
        "interest_now": interest,
        "owing": s["overdue_interest"] + s["overdue"] + interest + due,
        "due_0": 0,
    }


def parts_meant(s: State, p: Any) -> int:
    d, u = s["late"], Fraction(s["u_pay"])
    if d == 0:
        usable = s["status"] == STATUS["open"] and s["limit"] >= p.minimum_loan
        miss = Fraction(s["propensity"]) * Fraction(p.stress) + (0 if usable else Fraction(p.gamma))
        return 0 if u < miss else 1
    bucket = min(d, 3)
    for parts, name in ((d + 1, "cure"), (2, "step"), (1, "hold")):
        if name == "step" and d == 1:
            continue
        u -= Fraction(getattr(p, f"{name}_{bucket}"))
        if u < 0:
            return parts
    return 0


def repay(s: State, p: Any) -> State:
    same = {"cash": s["cash"], "other_debt": s["other_debt"], "since_paid": s["since_paid"]}
    if s["status"] == STATUS["left"]:
        return same | {"paid": 0, "late": 0, "bridged": 0, "moved": 0, "standing": 0}
    d, owing, cash, debt = s["late"], s["owing"], s["cash"], s["other_debt"]
    everything = owing + s["principal_before"] - s["due_now"]
    in_time = 1 - Fraction(s["u_early"]) > Fraction(p.transfer_rate)
    if d == 0 and s["principal_before"] > 0 and not in_time and debt + everything <= MOST:
        return same | {
            "paid": everything,
            "late": 0,
            "bridged": 0,
            "moved": 1,
            "other_debt": debt + everything,
            "standing": 1,
            "since_paid": 0,
        }
    parts = parts_meant(s, p)
    if parts == d + 1:
        meant = owing
    else:
        meant = min(owing, owing * parts // (d + 1) + 1) if parts else 0
    paid = min(meant, max(0, cash))
    gap = meant - paid
    bridged = 0
    rest = s["principal_before"] - s["due_now"]
    in_line = s["status"] == STATUS["open"] and rest + gap <= s["limit"]
    if gap and d == 0 and in_line and s["u_bridge"] < p.bridge_share and debt + gap <= MOST:
        bridged, paid, debt = 1, meant, debt + gap
    cash -= paid - gap * bridged
    within = paid
    if d == 0 and paid == owing and rest > 0 and s["scheduled"] > 0:
        pays = s["use_type"] == TRANSACTOR
        card = s["product"] == CARD
        willing = Fraction(p.early_rate) * Fraction(s["trust"])
        if card:
            willing = Fraction(0 if s["use_type"] in (REVOLVER, MAXED_OUT) else p.card_pays_all)
        elif s["use_type"] == PROJECT:
            willing = Fraction(0 if s["project"] else p.project_pays)
        early = Fraction(s["u_early"]) < (Fraction(p.transactor_pays) if pays else willing)
        kept = Fraction(p.savings_kept) * owing
        before = s["cash"] - paid
        if card:
            wished = rest if early else int(Fraction(p.card_extra) * Fraction(s["u_bridge"]) * rest)
            more = min(wished, max(0, math.floor(before - kept))) if gap == 0 else 0
            paid += more
            cash -= more
        elif (early and gap == 0 and before >= rest + kept) or (
            p.term_open > 0 and s["u_early"] < p.open_repay_rate and before >= rest
        ):
            paid += rest
            cash -= rest
        elif gap == 0 and s["u_bridge"] < p.ahead_rate:
            more = min(s["due_1"], max(0, math.floor(before - kept)))
            paid += more
            cash -= more
    late = 0 if within >= owing else min(120, d + 1 - within * (d + 1) // owing)
    return {
        "cash": cash,
        "paid": paid,
        "late": late,
        "bridged": bridged,
        "moved": 0,
        "other_debt": debt,
        "standing": 2 if within < owing else 1 if paid else 0,
        "since_paid": 0 if paid else min(120, s["since_paid"] + 1),
    }


def apply_payment(s: State, p: Any) -> State:
    owed = {
        "overdue_interest": s["overdue_interest"],
        "overdue": s["overdue"],
        "interest": s["interest_now"],
        "due": s["due_now"],
    }
    owed["rest"] = s["scheduled"] - s["due_now"]
    left, to = s["paid"], {}
    for kind, amount in owed.items():
        to[kind] = min(left, amount)
        left -= to[kind]
    unpaid = {kind: amount - to[kind] for kind, amount in owed.items()}
    after = unpaid["rest"] + unpaid["overdue"] + unpaid["due"]
    settled = 0
    if s["principal_before"] > 0 and after == 0:
        settled = 2 if to["rest"] and p.term_open == 0 and s["product"] != CARD else 1
    return {
        "scheduled": unpaid["rest"],
        "overdue": unpaid["overdue"] + unpaid["due"],
        "overdue_interest": unpaid["overdue_interest"] + unpaid["interest"],
        "due_1": s["due_1"] - (to["rest"] if unpaid["rest"] and s["product"] != CARD else 0),
        "interest_paid": to["overdue_interest"] + to["interest"],
        "principal_paid": to["overdue"] + to["due"] + to["rest"],
        "settled": settled,
    }


def charge_off(s: State, p: Any) -> State:
    if s["status"] == STATUS["left"] or s["late"] < p.chargeoff_months:
        kept = ("status", "limit", "scheduled", "overdue", "overdue_interest", "standing")
        return {name: s[name] for name in kept} | {"written_off": 0, "recovered": 0}
    lost = s["scheduled"] + s["overdue"]
    gone = dict.fromkeys(("limit", "scheduled", "overdue", "overdue_interest"), 0)
    return gone | {"status": STATUS["left"], "written_off": lost, "recovered": int(lost * (1 - p.lgd)), "standing": 3}


STEPS = (fall_due, repay, apply_payment, charge_off)


# beside the rules


def terms_of(given: random.Random) -> SimpleNamespace:
    """The baseline's terms with this submodel's parameters anywhere in their bounds."""
    chances = ("gamma", "early_rate", "ahead_rate", "transactor_pays", "open_repay_rate", "bridge_share", "lgd")
    chance = {name: given.random() for name in (*chances, "project_pays", "card_pays_all", "card_extra", "card_minimum")}
    for bucket in (1, 2, 3):
        cure, step, hold, _ = sorted(given.random() for _ in range(4))
        chance |= {f"cure_{bucket}": cure, f"hold_{bucket}": hold - step}
        chance |= {f"step_{bucket}": step - cure} if bucket > 1 else {}
    number = {"savings_kept": given.choice((0.0, 1.0, 2.0)), "term_open": given.choice((0.0, 0.0, 1.0))}
    number |= {"transfer_rate": given.choice((0.0, 0.0, given.random()))}
    number |= {"card_floor": given.choice((0.0, 100.0, 20_000.0))}
    number |= {"stress": given.choice((1.0, 1.5)), "monthly_rate": given.choice((0.0, 0.01, 0.0125))}
    return SimpleNamespace(**{**BASELINE, **chance, **number, "chargeoff_months": float(given.randint(2, 6))})


def state_of(given: random.Random) -> State:
    """A borrower in the middle of anything: owing nothing, little, much; current, late; rich, broke, in debt."""

    def money(most: int) -> int:
        return given.choice((0, 1, given.randint(0, 1_000), given.randint(0, most), given.randint(0, most)))

    late = given.choice((0, 0, 0, 0, 1, 1, 2, 3, 4, 5))
    scheduled = money(5_000_000) if given.random() < 0.95 else MOST - money(20_000_000)
    due = min(scheduled, money(600_000)) if given.random() < 0.8 else scheduled
    overdue = money(900_000) + 1 if late else 0
    return {
        "status": given.choice((0, 0, 0, 0, 1, 2, 3)),
        "product": given.choice((0, 0, 0, CARD)),
        "use_type": given.choice((0, 0, TRANSACTOR, REVOLVER, MAXED_OUT, PROJECT)),
        "project": given.choice((0, 0, 1, 4)),
        "limit": given.choice((0, 40_000, 50_000, money(9_000_000))),
        "scheduled": scheduled,
        "due_0": due if scheduled else money(1_000),
        "due_1": min(scheduled - due, money(600_000)) if scheduled else money(1_000),
        "overdue": overdue,
        "overdue_interest": money(50_000) if late else 0,
        "cash": given.choice((-money(90_000), money(300_000), money(9_000_000))),
        "late": late,
        "propensity": given.choice((0.0, 0.5, given.random())),
        "trust": given.randint(0, 16_384) / 16_384,
        "other_debt": given.choice((0, money(9_000_000), MOST - 1)),
        "since_paid": given.choice((0, 3, 119, 120)),
        "standing": 0,
        **{name: given.randint(0, 2**24 - 1) / 2**24 for name in ("u_pay", "u_early", "u_bridge")},
    }


@pytest.mark.parametrize("seed", range(8))
def test_repayment_written_again_from_the_page_is_the_repayment_that_runs(seed: int) -> None:
    given = random.Random(seed)
    seen: dict[str, set[Any]] = {name: set() for name in ("standing", "settled", "bridged", "moved", "late")}
    for _ in range(4_000):
        terms, state = terms_of(given), state_of(given)
        for step in STEPS:
            rule = getattr(repayment, step.__name__)
            told = step(state, terms)
            ran = rule(*(terms if name == "terms" else float(state[name]) for name in rule.reads))
            assert told == dict(zip(rule.writes, ran, strict=True)), (step.__name__, state)
            state |= told
            for name in set(told) & set(seen):
                seen[name].add(told[name])
    assert seen["standing"] == {0, 1, 2, 3}
    assert seen["settled"] == {0, 1, 2}
    assert seen["bridged"] == {0, 1}
    assert seen["moved"] == {0, 1}
    assert seen["late"] >= {0, 1, 2, 3, 4}


def test_the_page_names_all_that_was_needed() -> None:
    """Every parameter and field used above is named under its rule on the page."""
    for step in STEPS:
        part = re.search(rf"^#### `{step.__name__}`\n(.*?)(?=^###)", PAGE, re.DOTALL | re.MULTILINE)
        assert part is not None
        text = inspect.getsource(step) + (inspect.getsource(parts_meant) if step is repay else "")
        parameters = {name for name in re.findall(r"\bp\.(\w+)", text) if name in Scenario.model_fields}
        fields = set(re.findall(r's\["(\w+)"\]', text))
        assert [name for name in sorted(parameters | fields) if f"`{name}`" not in part[1]] == []
