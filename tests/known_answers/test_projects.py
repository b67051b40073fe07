"""Who borrows for projects and for nothing else: a project from its loan to its end, by hand; who it is, by draws."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.rules.borrowing import ask, bill, book, owe, receive
from zerolimit.rules.coping import cope
from zerolimit.rules.income import pay_bills, spend
from zerolimit.rules.repayment import apply_payment, charge_off, fall_due, repay
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.draws import uniform
from zerolimit.vocabulary.fields import SCHEDULE
from zerolimit.vocabulary.names import (
    CARD,
    INACTIVE,
    INSTALMENT_LOANS,
    MIXED,
    OPEN,
    OWNER,
    PAID_OFF_EARLY,
    PROJECT,
    WARNED_OF_TRIGGER,
)

SIZE, SEED = 600, 4
MONTH = (spend, fall_due, repay, apply_payment, charge_off, pay_bills, ask, receive, bill, book, owe)
"""What happens in a month, in the month's order, to an owner who earns nothing and spends on a project only."""
PLAIN: dict[str, Any] = {
    "project_months": 4,
    "tranche_share": 0.4,
    "spend_owner": 0.0,
    "savings_cap": 36.0,
    "daily_rate": 0.01 * 12 / 365,
    "savings_kept": 1.0,
    "need_rate": 1.0,
    "buffer_months": 24.0,
    "habit_owner": 1.0,
    "card_habit": 1.0,
    "early_rate": 1.0,
    "project_pays": 0.9,
    "fear_gain": 0.0,
    **dict.fromkeys(("other_base", "other_score", "other_usage", "other_inquiries", "diversified"), 0.0),
}
"""1 % a month; who follows need, habit or early repayment does so each month."""
ENOUGH = 1_801_330.0
"""Savings with which all can be repaid when the project is over, and nothing is left beyond what is kept."""


class Owner:
    """An owner who earns 10,000 yuan a month on record, moved by the rules themselves."""

    def __init__(self, cash: float, *, use_type: float = PROJECT, product: float = INSTALMENT_LOANS, **now: float) -> None:
        self.terms = SimpleNamespace(**{**from_scenario(Scenario(**PLAIN)), "stress": 1.0, "demand": 1.0})
        names = {name for rule in (*MONTH, cope) for name in rule.reads if name != "terms"} | {*SCHEDULE, "due_12"}
        who = {"status": OPEN, "segment": OWNER, "use_type": use_type, "product": product, "trust": 1.0, "zhima": 600.0}
        money = {"limit": 5_000_000.0, "cash": cash, "income_true": 1_000_000.0, "income_seen": 1_000_000.0}
        often = dict.fromkeys(("u_need", "u_habit"), 0.0)
        rare = dict.fromkeys(("u_bill", "u_project", "u_pay", "u_early", "u_bridge", "u_fear", "u_term", "u_other"), 0.99)
        self.now: dict[str, float] = dict.fromkeys(names, 0.0) | often | rare | who | money | now

    def month(self, *rules: Any, **changed: float) -> dict[str, float]:
        """A month, with more rules at its end; what it left."""
        self.now |= changed
        for rule in (*MONTH, *rules):
            found = rule.function(*(self.terms if name == "terms" else self.now[name] for name in rule.reads))
            self.now |= dict(zip(rule.writes, found if len(rule.writes) > 1 else (found,), strict=True))
        for k in range(len(SCHEDULE)):
            self.now[f"due_{k}"] = self.now[f"due_{k + 1}"]
        return self.now


def through_a_project(owner: Owner, *, u_early: float = 0.0) -> list[tuple[float, float, float, float]]:
    """The four months of a project and the month after: still to pay, asked for, paid, owed at the end."""
    found = []
    for draw in (0.0, 0.99, 0.99, 0.99, 0.99):
        now = owner.month(u_project=draw, u_early=u_early)
        found.append((now["project"], now["asked"], now["paid"], now["principal"]))
    return found


def test_a_project_is_one_loan_and_is_repaid_when_it_is_over() -> None:
    """4 tranches of 0.4 x 10,000 yuan, over 12 months at 1 %: floors of 16,000 / 12 yuan, the odd 4 fen first.

    Of who needs and has the habit each month, the loan is all that is asked for; who would repay all at the first
    occasion does so in the month after the last tranche, as 13,573.28 yuan are there: what is due, twice, and the rest.
    """
    owner = Owner(ENOUGH)
    assert through_a_project(owner, u_early=0.89) == [
        (4.0, 1_600_000.0, 0.0, 1_600_000.0),
        (3.0, 0.0, 133_337.0 + 16_000.0, 1_466_663.0),
        (2.0, 0.0, 133_333.0 + 14_666.0, 1_333_330.0),
        (1.0, 0.0, 133_333.0 + 13_333.0, 1_199_997.0),
        (0.0, 0.0, 1_199_997.0 + 11_999.0, 0.0),
    ]
    assert owner.now["settled"] == PAID_OFF_EARLY
    assert owner.now["cash"] == 133_333.0 + 11_999.0  # as much as was due is kept
    assert owner.month()["asked"] == 0.0


@pytest.mark.parametrize(("cash", "u_early"), [(ENOUGH - 1.0, 0.89), (ENOUGH, 0.9)])
def test_who_has_a_fen_too_little_or_draws_otherwise_pays_what_is_due(cash: float, u_early: float) -> None:
    *_, last = through_a_project(Owner(cash), u_early=u_early)
    assert last == (0.0, 0.0, 133_333.0 + 11_999.0, 1_066_664.0)


def test_who_uses_credit_by_need_and_habit_borrows_and_repays_otherwise() -> None:
    """The buffer of 24 months' income in the first month, within the line; all is repaid at the first occasion."""
    first, second, *_ = through_a_project(Owner(8_000_000.0, use_type=MIXED))
    assert first == (4.0, 5_000_000.0, 0.0, 5_000_000.0)
    assert second[2] == 5_000_000.0 + 50_000.0


@pytest.mark.parametrize("product", [INSTALMENT_LOANS, CARD])
@pytest.mark.parametrize("warned", [0.0, WARNED_OF_TRIGGER])
def test_without_a_project_only_what_lacks_for_bills_is_asked_for(product: float, warned: float) -> None:
    assert Owner(1_000.0, product=product, warned=warned).month()["asked"] == 0.0
    assert Owner(-300_000.0, product=product, warned=warned).month()["asked"] == 300_000.0


def test_fear_draws_all_as_of_others() -> None:
    assert Owner(0.0, notice_left=2.0).month(u_fear=0.0)["asked"] == 5_000_000.0


def test_by_card_a_project_is_bought_at_once_and_the_balance_paid_as_by_others() -> None:
    card = Owner(8_000_000.0, product=CARD)
    assert through_a_project(card)[0] == (4.0, 1_600_000.0, 0.0, 1_600_000.0)
    one, other = (Owner(8_000_000.0, product=CARD, use_type=use, scheduled=1_000_000.0) for use in (PROJECT, MIXED))
    for draw in (0.1, 0.9):  # card_pays_all is 0.2
        assert one.month(u_early=draw, u_habit=1.0)["paid"] == other.month(u_early=draw, u_habit=1.0, u_need=1.0)["paid"]


def test_a_project_that_slips_in_its_first_month_is_asked_for_again() -> None:
    """No line and no savings: the first tranche is not paid. A month later there is a line, and the whole is asked for."""
    owner = Owner(0.0, limit=0.0)
    begun = owner.month(cope, u_project=0.0)
    assert (begun["asked"], begun["shortfall"], begun["project"]) == (0.0, 400_000.0, 5.0)
    again = owner.month(u_project=0.99, limit=5_000_000.0, cash=0.0)
    assert (again["project"], again["asked"]) == (4.0, 1_600_000.0)
    later = owner.month(cope, cash=-1e9)
    assert (later["project"], later["slip_cost"] > 0.0) == (4.0, True)
    assert owner.month(cash=1e9)["asked"] == 0.0


def types(**parameters: Any) -> Simulation:
    scenario = load_scenario("defaults", borrowers=SIZE, share_owner=0.5, **parameters)
    return Simulation(scenario, SEED, engine="objects")


def test_with_all_owners_they_are_all_of_the_type_and_nobody_else() -> None:
    market = types(share_project=1.0)
    assert (market.column("use_type") == np.where(market.column("segment") == OWNER, PROJECT, MIXED)).all()


def test_it_is_a_share_of_owners_whose_use_is_mixed() -> None:
    """The draw of the type alone decides: from 0.5 to 0.7 of who would be mixed from 0.5 on. Others keep their type."""
    before, after = types(share_inactive=0.5), types(share_inactive=0.5, share_project=0.4)
    draws = np.array([uniform(SEED, slot, 0, 0, "u_born_use_type") for slot in range(SIZE)])
    chosen = (before.column("segment") == OWNER) & (draws >= 0.5) & (draws < 0.7)
    assert chosen.sum() > 30
    assert (after.column("use_type") == np.where(chosen, PROJECT, before.column("use_type"))).all()


def test_where_nobody_is_mixed_nobody_is_of_the_type() -> None:
    assert (types(share_inactive=1.0, share_project=1.0).column("use_type") == INACTIVE).all()
