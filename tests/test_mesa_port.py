"""The ordinary Mesa agents of the benchmark are the same model: otherwise their time would mean nothing."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.agreement import OUTCOMES, STANDARD_ERRORS, Comparison, compare
from bench.mesa_agents import Market


@pytest.mark.slow
def test_six_monthly_outcomes_agree_over_twenty_seeds() -> None:
    found = compare(borrowers=600, months=12, seeds=20)
    assert [one.outcome for one in found] == list(OUTCOMES)
    assert len(found) == 6
    assert not [one for one in found if not one.agrees]


@pytest.mark.slow
def test_the_gate_closes_on_another_model() -> None:
    """Salaried borrowers with six times the habit of small loans on one side only."""
    found = compare(borrowers=300, months=12, seeds=6, mesa_only={"habit_salaried": 0.6})
    assert {one.outcome for one in found if not one.agrees} >= {"drawn (fen)"}


def test_a_difference_counts_in_standard_errors() -> None:
    assert Comparison("x", 10.0, 10.0 + STANDARD_ERRORS * 0.5, 0.5).agrees
    assert not Comparison("x", 10.0, 12.1, 0.5).agrees
    assert not Comparison("x", 10.0, 10.1, 0.0).agrees
    assert Comparison("x", 0.0, 0.0, 0.0).agrees


def test_slots_stay_full_and_money_is_whole() -> None:
    market = Market(rng=3, borrowers=150)
    for _ in range(6):
        market.step()
        here = [borrower for borrower in market.slots if borrower is not None]
        assert len(here) == len(market.agents) <= 150
        money = [
            value for one in here for value in (one.limit, one.scheduled, one.overdue, one.cash, one.other_debt, *one.due)
        ]
        assert all(isinstance(value, int) for value in money)
        assert all(sum(one.due) == one.scheduled for one in here if one.scheduled)
        assert market.principal == sum(one.balance for one in here)


def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        market = Market(rng=5, borrowers=60)
        for _ in range(4):
            market.step()
        runs.append(market.datacollector.get_model_vars_dataframe())
    assert runs[0].equals(runs[1])
