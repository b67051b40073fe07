"""Whom policy leaves nothing while something is owed: the line runs off with what is owed, and then is closed. By hand."""

import pytest
from tests.known_answers.test_arrears_in_steps import DUE, LINE, OWED, STEPS, borrower, lives

from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.caps import CAP
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import CLOSED, FROZEN, LEFT, OPEN

NO_LINE = {"income_floor": 30_000.0, "minimum_loan": 600.0, "review_months": 3}
"""Policy leaves nothing at each review, every third month; 600 yuan are more than one instalment of 500."""
MONTHS = 13


def path_of(*, reviewed_in: int = 1, **parameters: object) -> list[tuple[float, float]]:
    """Status and line of who pays each month, from the first review on."""
    market = borrower(**NO_LINE, **parameters)
    market.borrowers.put("review_in", None, reviewed_in)
    return [(now["status"], now["limit"]) for now in lives(market, *[0.0] * MONTHS)]


def test_without_run_off_the_line_is_closed_at_the_first_review() -> None:
    assert path_of() == [(CLOSED, 0.0)] * MONTHS


def test_the_line_falls_to_what_is_owed_and_is_closed_at_a_review_when_that_is_repaid() -> None:
    """6,000 yuan less 500 a month: 5,500 at the first review; 1,000 are owed at the fourth, nothing at that of month 12."""
    assert path_of(run_off=True) == [(FROZEN, OWED - DUE)] * 12 + [(CLOSED, 0.0)]


def test_who_owes_less_than_the_minimum_loan_is_closed_at_once() -> None:
    """At the review of month 10 500 yuan are owed, of a minimum loan of 600."""
    path = path_of(run_off=True, reviewed_in=11)
    assert path == [(OPEN, LINE)] * 10 + [(CLOSED, 0.0)] * 3


def test_an_announced_closure_runs_off_when_it_takes_effect() -> None:
    assert path_of(run_off=True, notice_months=2, notice_rush=0.0)[:3] == [
        (OPEN, LINE),
        (OPEN, LINE),
        (FROZEN, OWED - 3 * DUE),
    ]


def test_its_reason_is_the_cap_and_the_month_counts_as_without_a_line() -> None:
    market = borrower(**NO_LINE, run_off=True)
    market.borrowers.put("review_in", None, 1)
    [now] = lives(market, 0.0)
    assert (now["reason"], now["mask"], now["without_line"]) == (CAP["income"].code, CAP["income"].bit, 1.0)


def test_default_too_leaves_the_line_on_record_until_the_write_off() -> None:
    """Three months late policy leaves nothing; the frozen line stays as it was, and ends with the account."""
    path = lives(borrower(**STEPS, run_off=True), *[1.0] * 7)
    assert [now["status"] for now in path] == [FROZEN] * 6 + [LEFT]
    assert [now["limit"] for now in path] == [LINE] * 6 + [0.0]


@pytest.mark.parametrize("preset", ["baseline", "cards"])
def test_nobody_is_closed_who_owes_the_minimum_loan(preset: str) -> None:
    market = Simulation(load_scenario(preset, borrowers=2_000, run_off=True, first_closed=0.0, warm_up_months=0), 3)
    closed = 0
    for _ in range(24):
        market.step()
        owed = market.column("scheduled") + market.column("overdue")
        shut = market.column("status") == CLOSED
        closed += int(shut.sum())
        assert not (shut & (owed >= 100 * market.scenario.minimum_loan)).any()
    assert closed > 500
