"""The ordinary Mesa agents of the benchmark are the same model: otherwise their time would mean nothing."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.agreement import OPTIONS, OUTCOMES, STANDARD_ERRORS, Comparison, compare
from bench.mesa_agents import Market

from zerolimit.parameters.scenario import load_scenario

CUTOFF = load_scenario("baseline").cutoff


@pytest.mark.slow
@pytest.mark.parametrize("both", [{}, OPTIONS], ids=["baseline", "options"])
def test_monthly_outcomes_agree_over_twenty_seeds(both: dict[str, Any]) -> None:
    found = compare(borrowers=1_000, months=12, seeds=20, both=both)
    assert [one.outcome for one in found] == list(OUTCOMES)
    assert len(found) >= 6
    assert not [one for one in found if not one.agrees]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "seen_in"),
    [
        ({"miss_salaried": 0.03}, "accounts in arrears"),
        ({"review_months": 4}, "lines reviewed"),
        ({"other_base": 0.0}, "shortfalls"),
        ({"early_rate": 0.0}, "loans paid off early"),
        ({"cutoff": CUTOFF + 20}, "low risk score"),
    ],
)
def test_the_gate_closes_on_another_model(change: dict[str, float], seen_in: str) -> None:
    """One parameter different on the Mesa side alone: the gate sees it, where it should."""
    found = compare(borrowers=400, months=12, seeds=8, mesa_only=change)
    assert seen_in in [one.outcome for one in found if not one.agrees]


@pytest.mark.slow
def test_the_gate_closes_on_cuts_made_at_once() -> None:
    """Cuts are stepped down on our side alone: borrowers lose their line at another time."""
    found = compare(borrowers=1_000, months=12, seeds=10, both=OPTIONS, mesa_only={"adaptation_months": 0})
    assert "events by the trigger" in [one.outcome for one in found if not one.agrees]


SLUMP: dict[str, Any] = {"calendar": [{"month": 2, "kind": "macro", "value": -0.4}]}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "same"), [({}, True), ({"slump_demand": 0.0}, False)], ids=["follows", "does not"])
def test_the_gate_sees_that_less_is_borrowed_in_a_slump(change: dict[str, float], same: bool) -> None:
    found = compare(borrowers=400, months=12, seeds=8, both=SLUMP, mesa_only=change)
    differ = [one.outcome for one in found if not one.agrees]
    assert not differ if same else "loans asked for" in differ


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
