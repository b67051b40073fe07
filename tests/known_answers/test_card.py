"""The card: minimum payments, interest on what is carried, payers in full, over the line by interest; all by hand."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.rules.borrowing import ask, bill, book, owe, receive
from zerolimit.rules.repayment import apply_payment, charge_off, fall_due, repay
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.draws import uniform
from zerolimit.vocabulary.fields import SCHEDULE
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import (
    CARD,
    INSTALMENT_LOANS,
    LATE,
    LEFT,
    MAXED_OUT,
    MIXED,
    NO_EVENT,
    ON_TIME,
    OPEN,
    PAID_OFF,
    REVOLVER,
    SALARIED,
    TRANSACTOR,
)

YUAN = 100.0
PLAIN: dict[str, Any] = {"card_daily_rate": 0.012 * 12 / 365, "card_minimum": 0.1, "card_floor": 200.0, "card_extra": 0.0}
"""1.2 % a month; a tenth, at least 200 yuan."""
MONTH = (fall_due, repay, apply_payment, charge_off, ask, receive, bill, book, owe)
"""What happens to a card in a month, in the month's order."""


class Account:
    """A card in the hands of somebody with money enough, moved by the rules themselves."""

    def __init__(self, owed: float, *, limit: float = 20_000 * YUAN, use_type: float = MIXED, **parameters: Any) -> None:
        terms = from_scenario(Scenario(**{**PLAIN, "need_rate": 0.0, "fear_gain": 0.0, **parameters}))
        self.terms = SimpleNamespace(**{**terms, "stress": 1.0})
        empty = (*SCHEDULE, "due_12", "overdue", "overdue_interest", "late", "other_debt", "since_paid", "known", "found")
        empty += ("notice_left", "warned", "refused", "moved", "frequency", "inquiries", "idle", "strategy", "standing")
        draws = ("u_pay", "u_early", "u_bridge", "u_need", "u_habit", "u_fear")
        who = {"product": CARD, "use_type": use_type, "wished_use": 0.5, "segment": SALARIED, "trust": 0.8}
        money = {"limit": limit, "scheduled": owed, "cash": 1e8, "income_true": 1e6, "income_seen": 1e6, "loan_size": 0.5}
        self.now: dict[str, float] = {
            **dict.fromkeys((*empty, "propensity", "project", "u_term"), 0.0),
            **dict.fromkeys(draws, 0.9),
            **{"status": OPEN, "event": NO_EVENT, "u_size": 0.5} | who | money,
        }

    def month(self, **changed: float) -> dict[str, float]:
        """A month; what it left."""
        self.now |= changed
        for rule in MONTH:
            given = (self.terms if name == "terms" else self.now[name] for name in rule.reads)
            found = rule.function(*given)
            self.now |= dict(zip(rule.writes, found if len(rule.writes) > 1 else (found,), strict=True))
        for k in range(len(SCHEDULE)):
            self.now[f"due_{k}"] = self.now[f"due_{k + 1}"]
        return self.now


def paid(now: dict[str, float]) -> tuple[float, float, float, float]:
    return now["interest_paid"], now["principal_paid"], now["principal"], now["overdue_interest"]


def test_minimum_payments_of_a_card_by_hand() -> None:
    """10,000.00 yuan at 1.2 % a month, a tenth and at least 200 yuan a month, and 500 bought in the third month."""
    card = Account(1_000_000.0)
    assert paid(card.month()) == (0.0, 100_000.0, 900_000.0, 10_800.0)
    assert paid(card.month()) == (10_800.0, 90_000.0, 810_000.0, 9_720.0)
    bought = card.month(u_habit=0.1, u_size=0.5, income_true=200_000.0)
    assert bought["drawn"] == 50_000.0  # 0.25 x 2,000 yuan
    assert paid(bought) == (9_720.0, 81_000.0, 779_000.0, 8_748.0)  # bought now: no interest yet, 729,000 are carried
    assert paid(card.month(u_habit=0.9)) == (8_748.0, 77_900.0, 701_100.0, 8_413.0)  # 8,413.2


def test_the_smallest_minimum_payment_and_the_last_one() -> None:
    card = Account(50_000.0)
    assert [paid(card.month()) for _ in range(4)] == [
        (0.0, 20_000.0, 30_000.0, 360.0),
        (360.0, 20_000.0, 10_000.0, 120.0),
        (120.0, 10_000.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
    ]
    assert card.now["standing"] != LATE


@given(some.integers(1, 10**9).map(float), some.integers(1, 40), some.sampled_from([0.02, 0.05, 0.1, 0.5]))
def test_a_balance_paid_by_the_minimum_falls_geometrically(owed: float, months: int, minimum: float) -> None:
    """B after t months is B (1 - m)^t, within the fen that each month's floor leaves."""
    card = Account(owed, limit=2e9, card_minimum=minimum, card_floor=0.0)
    for _ in range(months):
        card.month(cash=1.9e9)
    assert card.now["principal"] - owed * (1.0 - minimum) ** months == pytest.approx(0.5, abs=0.5 + 1.0 / minimum)


def test_who_pays_all_pays_no_interest() -> None:
    card = Account(0.0, use_type=TRANSACTOR, transactor_pays=1.0)
    interest = bought = 0.0
    for _ in range(12):
        now = card.month(u_habit=0.5)
        interest, bought = interest + now["interest_paid"] + now["overdue_interest"], bought + now["drawn"]
    assert bought == 12 * 250_000.0
    assert interest == 0.0
    assert (now["principal"], now["settled"], now["standing"]) == (250_000.0, PAID_OFF, ON_TIME)


def test_who_pays_all_pays_what_there_is() -> None:
    """Savings of 3,000.00 yuan: the minimum of 1,000, the same again kept, and 1,000 of the rest."""
    now = Account(1_000_000.0, use_type=TRANSACTOR, transactor_pays=1.0, savings_kept=1.0).month(cash=300_000.0)
    assert (now["principal_paid"], now["overdue_interest"]) == (200_000.0, 9_600.0)


def test_others_pay_some_of_the_rest() -> None:
    """floor(0.2 x 0.5 x 9,000.00) above the minimum of 1,000; a revolver the same, and never all."""
    for use_type, principal in ((MIXED, 190_000.0), (REVOLVER, 190_000.0)):
        now = Account(1_000_000.0, use_type=use_type, card_extra=0.2, card_pays_all=0.5).month(u_early=0.6, u_bridge=0.5)
        assert now["principal_paid"] == principal
    for use_type, principal in ((MIXED, 1_000_000.0), (REVOLVER, 190_000.0), (MAXED_OUT, 190_000.0)):
        now = Account(1_000_000.0, use_type=use_type, card_extra=0.2, card_pays_all=0.5).month(u_early=0.4, u_bridge=0.5)
        assert now["principal_paid"] == principal


def test_a_missed_minimum_is_overdue_and_next_due_with_the_interest() -> None:
    card = Account(1_000_000.0)
    missed = card.month(propensity=1.0)
    assert (missed["late"], missed["standing"], missed["overdue"], missed["scheduled"]) == (1.0, LATE, 100_000.0, 900_000.0)
    assert missed["overdue_interest"] == 12_000.0
    assert card.month(propensity=0.0, u_pay=0.0)["late"] == 0.0  # all is paid: 100,000 + 12,000 + a tenth of 900,000
    assert paid(card.now) == (12_000.0, 190_000.0, 810_000.0, 9_720.0)


def test_interest_takes_a_balance_above_its_line() -> None:
    """Filled up to the line of 20,000, of which 18,000 were carried: 216 of interest are billed above it."""
    now = Account(2_000_000.0, use_type=MAXED_OUT, maxed_rate=1.0).month(u_fear=0.5)
    assert (now["principal"], now["overdue_interest"], now["limit"]) == (2_000_000.0, 21_600.0, 2_000_000.0)


@pytest.mark.parametrize(("interest", "drawn"), [(0.0, 1.4e9), (8e8, 6e8)])
def test_what_is_owed_never_exceeds_what_can_be_stored(interest: float, drawn: float) -> None:
    """A line of 20 million yuan, 5 of them owed: all of it is wanted; 19 million less the interest unpaid is the most."""
    now = Account(5e8, limit=2e9, use_type=MAXED_OUT, maxed_rate=1.0).now | {"overdue_interest": interest, "u_fear": 0.5}
    terms = Account(0.0, maxed_rate=1.0).terms
    asked = ask.function(*(terms if name == "terms" else now[name] for name in ask.reads))[0]
    billed = bill.function(*(terms if name == "terms" else (now | {"drawn": asked})[name] for name in bill.reads))
    assert asked == drawn
    assert billed == interest
    assert 5e8 + asked + billed == 1.9e9


def test_a_card_has_no_instalments() -> None:
    now = Account(1_000_000.0).month(u_habit=0.1)
    assert now["drawn"] > 0.0
    assert not any(now[name] for name in SCHEDULE)


def test_purchases_by_card_are_no_loans_taken() -> None:
    now = Account(1_000_000.0).month(u_habit=0.1, frequency=0.5, loan_size=0.7)
    assert now["frequency"] < 0.5
    assert now["loan_size"] == 0.7


# markets


SIZE, SEED = 800, 6
ALONE: dict[str, Any] = {"off": list(MECHANISMS), "borrowers": SIZE, "vacant_share": 0.0, "leave_rate": 0.0}
BOTH: dict[str, Any] = {"share_card": 0.5, "share_transactor": 0.25, "share_revolver": 0.3, "revolver_spread": 0.5}


NO_NEED = {"need_rate": 0.0, "card_habit": 0.0, "spend_salaried": 0.5, "spend_gig": 0.5, "spend_owner": 0.5}


@cache
def lived(**parameters: Any) -> Simulation:
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in parameters.items()}
    return Simulation(load_scenario("defaults", **ALONE, **given), SEED, engine="compiled").run(12)


def earned(market: Simulation) -> float:
    return float(sum(int(month.counts["sum_interest_paid"].sum()) for month in market.history))


def test_products_are_as_the_draws_say_and_each_lends_as_it_does() -> None:
    market = lived(**BOTH)
    first = market.column("generation") == 0
    drawn = np.array([uniform(SEED, slot, 0, 0, "u_born_product") for slot in range(SIZE)])
    assert (market.column("product")[first] == np.where(drawn < 0.5, CARD, INSTALMENT_LOANS)[first]).all()
    wished = np.array([uniform(SEED, slot, 0, 0, "u_born_wish") for slot in range(SIZE)])
    assert market.column("wished_use")[first] == pytest.approx(wished[first], abs=1e-4)
    here = market.column("status") != LEFT
    card, loans = here & (market.column("product") == CARD), here & (market.column("product") == INSTALMENT_LOANS)
    owes, current = market.column("scheduled") > 0, market.column("late") == 0
    instalments = sum(market.column(name).astype(np.int64) for name in SCHEDULE)
    assert (instalments == market.column("scheduled"))[loans & owes].all()
    assert (instalments == 0)[card & owes].all()
    assert not market.column("overdue_interest")[loans & current].any()
    assert (market.column("overdue_interest") > 0)[card & current].mean() > 0.2


def test_payers_in_full_earn_the_lender_little() -> None:
    """Interest comes from months in which savings did not reach, only."""
    carried = lived(share_card=1.0, share_revolver=1.0)
    in_full = lived(share_card=1.0, share_transactor=1.0, transactor_pays=1.0, first_savings=12.0, card_size=0.1)
    interest = [earned(one) for one in (carried, in_full)]
    assert interest[1] < 0.1 * interest[0]


@pytest.mark.parametrize(
    ("name", "low", "high", "more"),
    [
        ("card_minimum", 0.03, 0.3, False),
        ("card_pays_all", 0.0, 0.8, False),
        ("card_extra", 0.0, 0.8, False),
        ("card_habit", 0.2, 0.9, True),
        ("card_size", 0.1, 0.4, True),
        ("card_floor", 0.0, 3_000.0, False),
    ],
)
def test_balances_move_as_payments_and_purchases_do(name: str, low: float, high: float, more: bool) -> None:
    """Under common draws."""
    owed = [int(lived(share_card=1.0, **{name: value}).column("scheduled").sum(dtype=np.int64)) for value in (low, high)]
    assert (owed[1] > owed[0]) is more


def test_a_dearer_card_earns_more() -> None:
    interest = [earned(lived(share_card=1.0, card_daily_rate=rate)) for rate in (0.0002, 0.0006)]
    assert 2.5 < interest[1] / interest[0] < 3.5


def test_a_revolver_carries_the_share_wished_of_the_line() -> None:
    market = lived(share_card=1.0, share_revolver=1.0, revolver_spread=0.5, **NO_NEED)
    rows = (market.column("status") == OPEN) & (market.column("late") == 0) & (market.column("limit") > 0)
    use = market.column("scheduled")[rows] / market.column("limit")[rows]
    assert np.corrcoef(use, market.column("wished_use")[rows])[0, 1] > 0.9
