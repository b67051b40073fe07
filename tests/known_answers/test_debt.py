"""Debt is exact: instalments, the order in which a payment is used, interest, arrears, charge-off, all by hand."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from zerolimit.parameters.scenario import Scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.rules.birth import schedule
from zerolimit.rules.borrowing import book
from zerolimit.rules.repayment import apply_payment, charge_off, fall_due, repay
from zerolimit.vocabulary.fields import INSTALMENTS
from zerolimit.vocabulary.names import INSTALMENT_LOANS, LEFT, MIXED, OPEN, PAID_OFF_EARLY

MONEY = some.integers(0, 2_000_000).map(float)
YEAR = some.lists(some.integers(0, 500_000).map(float), min_size=INSTALMENTS, max_size=INSTALMENTS)


def terms(**changed: Any) -> SimpleNamespace:
    """What rules read, with some parameters changed."""
    return SimpleNamespace(**{**from_scenario(Scenario()), **changed})


def draw_for(months: int, said: SimpleNamespace) -> float:
    """A uniform number that means this term."""
    return {3: 0.0, 6: said.term_3, 12: said.term_3 + said.term_6}[months] + 1e-6


@pytest.mark.parametrize("months", [3, 6, 12])
@pytest.mark.parametrize("amount", [50_000.0, 50_001.0, 100_000.0, 99_999.0])
def test_a_loan_becomes_equal_instalments_with_the_odd_fen_first(months: int, amount: float) -> None:
    said = terms()
    scheduled, *due = book(INSTALMENT_LOANS, amount, 0.0, *[0.0] * INSTALMENTS, draw_for(months, said), said)
    part = amount // months
    assert scheduled == amount
    assert due == [part + amount % months] + [part] * (months - 1) + [0.0] * (INSTALMENTS - months)


@given(YEAR, MONEY, some.floats(0.001, 0.999))
def test_a_loan_on_top_of_others_adds_exactly_itself(due: list[float], amount: float, u: float) -> None:
    owed = sum(due)
    scheduled, *after = book(INSTALMENT_LOANS, amount, owed, *due, u, terms())
    assert scheduled == owed + amount
    assert sum(after) == owed + amount
    assert all(new >= old for new, old in zip(after, due, strict=True))


@given(YEAR, some.integers(1, 2_000_000).map(float))
def test_a_void_schedule_starts_from_zero(stale: list[float], amount: float) -> None:
    scheduled, *after = book(INSTALMENT_LOANS, amount, 0.0, *stale, 0.5, terms())
    assert scheduled == amount == sum(after)


def test_an_open_loan_has_no_instalments() -> None:
    scheduled, *due = book(INSTALMENT_LOANS, 50_000.0, 0.0, *[0.0] * INSTALMENTS, 0.5, terms(term_open=1.0))
    assert scheduled == 50_000.0
    assert due == [0.0] * INSTALMENTS


@given(MONEY, some.integers(1, 12).map(float), some.integers(0, 5).map(float))
def test_the_first_book_adds_up(owed: float, months: float, late: float) -> None:
    scheduled, overdue, *due = schedule(INSTALMENT_LOANS, owed, months, late, terms())
    assert scheduled + overdue == owed
    assert sum(due) == scheduled
    assert all(part >= 0.0 for part in due)
    assert all(part == 0.0 for part in due[int(months) :])
    assert (overdue == 0.0) or late > 0.0


@pytest.mark.parametrize(
    ("scheduled", "overdue", "rate", "interest"),
    [(100_000.0, 0.0, 0.0, 0.0), (99_999.0, 0.0, 0.01, 999.0), (70_000.0, 30_050.0, 0.01, 1_000.0), (99.0, 0.0, 0.01, 0.0)],
)
def test_interest_is_floored_on_all_principal(scheduled: float, overdue: float, rate: float, interest: float) -> None:
    line, principal, due, found, owing, _ = fall_due(
        OPEN, INSTALMENT_LOANS, 80_000.0, scheduled, overdue, 700.0, 5_000.0, terms(monthly_rate=rate)
    )
    assert line == 80_000.0
    assert principal == scheduled + overdue
    assert due == 5_000.0
    assert found == interest
    assert owing == 700.0 + overdue + interest + 5_000.0


def test_the_default_rate_is_its_daily_rate_by_365_twelfths() -> None:
    assert terms().monthly_rate == pytest.approx(Scenario().daily_rate * 365 / 12)


WATERFALL = [
    # paid; overdue interest, overdue, scheduled left; interest paid, principal paid; how the loan ended
    (0.0, (300.0 + 50.0, 2_000.0 + 1_000.0, 9_000.0), (0.0, 0.0), 0.0),
    (200.0, (100.0 + 50.0, 3_000.0, 9_000.0), (200.0, 0.0), 0.0),
    (300.0 + 1_500.0, (50.0, 500.0 + 1_000.0, 9_000.0), (300.0, 1_500.0), 0.0),
    (300.0 + 2_000.0 + 20.0, (30.0, 1_000.0, 9_000.0), (320.0, 2_000.0), 0.0),
    (300.0 + 2_000.0 + 50.0 + 400.0, (0.0, 600.0, 9_000.0), (350.0, 2_400.0), 0.0),
    (3_350.0, (0.0, 0.0, 9_000.0), (350.0, 3_000.0), 0.0),
    (3_350.0 + 9_000.0, (0.0, 0.0, 0.0), (350.0, 12_000.0), 2.0),
]
"""300 of interest and 2,000 of principal are past due; 50 of interest and 1,000 of 10,000 scheduled fall due."""


@pytest.mark.parametrize(("paid", "left", "parts", "ended"), WATERFALL)
def test_a_payment_goes_to_the_oldest_dues_first(
    paid: float, left: tuple[float, float, float], parts: tuple[float, float], ended: float
) -> None:
    remaining, overdue, old_interest, _, interest, principal, settled = apply_payment(
        INSTALMENT_LOANS, 10_000.0, 2_000.0, 300.0, 1_000.0, 1_000.0, 50.0, 12_000.0, paid, terms()
    )
    assert (old_interest, overdue, remaining) == left
    assert (interest, principal) == parts
    assert settled == ended


def test_the_last_instalment_ends_the_loan_as_scheduled() -> None:
    remaining, overdue, _, _, interest, principal, settled = apply_payment(
        INSTALMENT_LOANS, 1_000.0, 0.0, 0.0, 1_000.0, 0.0, 10.0, 1_000.0, 1_010.0, terms()
    )
    assert (remaining, overdue, interest, principal, settled) == (0.0, 0.0, 10.0, 1_000.0, 1.0)


@given(MONEY, MONEY, MONEY, MONEY, MONEY, some.floats(0.0, 1.0))
def test_no_fen_is_lost_in_a_payment(rest: float, overdue: float, old: float, due: float, now: float, share: float) -> None:
    scheduled, principal = rest + due, rest + due + overdue
    paid = float(int(share * (principal + old + now)))
    remaining, still, old_left, next_due, interest, repaid, _ = apply_payment(
        INSTALMENT_LOANS, scheduled, overdue, old, due, rest, now, principal, paid, terms()
    )
    assert interest + repaid == paid
    assert remaining + still + repaid == principal
    assert old_left + interest == old + now
    assert min(remaining, still, old_left, next_due, interest, repaid) >= 0.0


def pay(
    *,
    late: float,
    owing: float = 3_000.0,
    cash: float = 1e8,
    u_pay: float = 0.5,
    said: SimpleNamespace | None = None,
    **changed: Any,
) -> dict[str, float]:
    """The rule `repay` on a borrower who owes 12,000 fen, 1,000 of them due now."""
    given = {
        "status": OPEN,
        "product": INSTALMENT_LOANS,
        "use_type": MIXED,
        "limit": 20_000.0,
        "scheduled": 12_000.0,
        "due_now": 1_000.0,
        "due_1": 1_000.0,
        "owing": owing,
        "principal_before": 12_000.0,
        "cash": cash,
        "late": late,
        "propensity": 0.1,
        "project": 0.0,
        "trust": 0.8,
        "other_debt": 0.0,
        "since_paid": 3.0,
        "u_pay": u_pay,
        "u_early": 0.99,
        "u_bridge": 0.99,
        **changed,
    }
    said = said or terms(stress=1.0)
    return dict(zip(repay.writes, repay(*[given[name] for name in repay.reads if name != "terms"], said), strict=True))


@pytest.mark.parametrize(
    ("late", "u_pay", "parts", "after"),
    [
        (0.0, 0.05, 0, 1.0),
        (0.0, 0.5, 1, 0.0),
        (1.0, 0.5, 2, 0.0),
        (1.0, 0.6, 1, 1.0),
        (1.0, 0.9, 0, 2.0),
        (2.0, 0.2, 3, 0.0),
        (2.0, 0.3, 2, 1.0),
        (2.0, 0.5, 1, 2.0),
        (2.0, 0.9, 0, 3.0),
    ],
)
def test_arrears_move_by_the_parts_paid(late: float, u_pay: float, parts: int, after: float) -> None:
    """Who is d months late owes d + 1 parts: paying all cures, one part holds, none rolls forward."""
    buckets = {"cure_1": 0.55, "hold_1": 0.15, "cure_2": 0.25, "step_2": 0.1, "hold_2": 0.2}
    found = pay(late=late, owing=1_000.0 * (late + 1.0), u_pay=u_pay, said=terms(stress=1.0, **buckets))
    assert found["paid"] == pytest.approx(1_000.0 * parts, abs=1.0)
    assert found["late"] == after
    assert found["standing"] == (1.0 if after == 0.0 else 2.0)
    assert found["since_paid"] == (0.0 if parts else 4.0)


def test_who_is_short_pays_what_there_is_or_bridges() -> None:
    short = pay(late=0.0, owing=1_000.0, cash=400.0)
    assert (short["paid"], short["late"], short["cash"], short["bridged"]) == (400.0, 1.0, 0.0, 0.0)
    bridged = pay(late=0.0, owing=1_000.0, cash=400.0, u_bridge=0.0)
    assert (bridged["paid"], bridged["late"], bridged["cash"], bridged["other_debt"]) == (1_000.0, 0.0, 0.0, 600.0)
    assert bridged["bridged"] == 1.0
    nothing_to_redraw = pay(late=0.0, owing=1_000.0, cash=400.0, u_bridge=0.0, limit=11_000.0)
    assert nothing_to_redraw["bridged"] == 0.0


def test_early_repayment_clears_everything_at_full_price() -> None:
    found = pay(late=0.0, owing=1_100.0, u_early=0.0)
    assert found["paid"] == 1_100.0 + 11_000.0
    assert pay(late=0.0, owing=1_100.0, u_early=0.0, cash=12_099.0)["paid"] == 1_100.0
    afraid = pay(late=0.0, owing=1_100.0, u_early=0.01, trust=0.3)
    assert afraid["paid"] == 1_100.0


def test_who_moves_to_another_lender_owes_the_same_there_and_nothing_here() -> None:
    """The dues and the 11,000 that are not due yet; savings are not touched, and not even nothing paid is missed."""
    said = {
        "late": 0.0,
        "owing": 1_100.0,
        "cash": 50.0,
        "u_pay": 0.0,
        "u_early": 1 - 2**-7,
        "said": terms(transfer_rate=2**-7),
    }
    found = pay(**said)
    assert (found["moved"], found["paid"], found["other_debt"], found["cash"]) == (1.0, 12_100.0, 12_100.0, 50.0)
    assert (found["late"], found["standing"], found["bridged"]) == (0.0, 1.0, 0.0)
    assert pay(**said | {"u_early": 1 - 2**-6})["moved"] == 0.0
    assert pay(**said | {"late": 1.0})["moved"] == 0.0


@pytest.mark.parametrize(("cash", "ahead"), [(1e8, 1_000.0), (2_700.5, 500.0), (2_200.0, 0.0), (1_900.0, 0.0)])
def test_the_next_instalment_is_paid_ahead_as_far_as_savings_allow(cash: float, ahead: float) -> None:
    """1,100 are due, and as much is kept in savings; of the next 1,000 is paid what there is beyond."""
    said = {"late": 0.0, "owing": 1_100.0, "cash": cash, "u_early": 0.9, "u_bridge": 0.2}
    found = pay(**said, said=terms(ahead_rate=0.25))
    assert found["paid"] == 1_100.0 + ahead
    assert found["cash"] == cash - found["paid"]
    assert pay(**said, said=terms(ahead_rate=0.2))["paid"] == 1_100.0
    scheduled, _, _, due_1, _, _, _ = apply_payment(
        INSTALMENT_LOANS, 12_000.0, 0.0, 0.0, 1_000.0, 1_000.0, 100.0, 12_000.0, found["paid"], terms()
    )
    assert (scheduled, due_1) == (11_000.0 - ahead, 1_000.0 - ahead)


def test_the_last_instalment_paid_ahead_ends_the_loan_early() -> None:
    """Two are left: one falls due, the other is paid with it."""
    scheduled, _, _, due_1, interest, principal, settled = apply_payment(
        INSTALMENT_LOANS, 2_000.0, 0.0, 0.0, 1_000.0, 1_000.0, 20.0, 2_000.0, 2_020.0, terms()
    )
    assert (scheduled, interest, principal, settled) == (0.0, 20.0, 2_000.0, PAID_OFF_EARLY)
    assert due_1 == 1_000.0  # void: nothing is scheduled


def test_gamma_is_missed_by_who_expects_no_line() -> None:
    willing = terms(stress=1.0, gamma=0.5)
    assert pay(late=0.0, owing=1_000.0, u_pay=0.3, said=willing, limit=60_000.0)["late"] == 0.0
    assert pay(late=0.0, owing=1_000.0, u_pay=0.3, said=willing, limit=0.0)["late"] == 1.0


def test_charge_off_writes_off_all_principal_and_ends_the_account() -> None:
    said = terms()
    status, limit, scheduled, overdue, interest, lost, recovered, standing = charge_off(
        OPEN, 9_000.0, 3_000.0, 4_001.0, 55.0, said.chargeoff_months, 2.0, said
    )
    assert (status, limit, scheduled, overdue, interest) == (LEFT, 0.0, 0.0, 0.0, 0.0)
    assert lost == 7_001.0
    assert recovered == 7_001 * (1 - said.lgd) // 1
    assert standing == 3.0
    before = charge_off(OPEN, 9_000.0, 3_000.0, 4_001.0, 55.0, said.chargeoff_months - 1.0, 2.0, said)
    assert before == (OPEN, 9_000.0, 3_000.0, 4_001.0, 55.0, 0.0, 0.0, 2.0)
