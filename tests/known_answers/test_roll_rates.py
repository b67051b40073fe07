"""Arrears as a Markov chain, by configuration alone: shares and write-offs of facts G8."""

from math import sqrt

import numpy as np
import pytest

from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import LEFT

STATES = ("current", "late_1", "late_2", "charged_off")
MOVES = np.array([[0.96, 0.04, 0.0, 0.0], [0.5, 0.2, 0.3, 0.0], [0.2, 0.05, 0.15, 0.6], [1.0, 0.0, 0.0, 0.0]])
STATIONARY = np.array([25 / 27, 170 / 3591, 20 / 1197, 4 / 399])


def chain(borrowers: int) -> Scenario:
    """Everybody always owes interest on an open loan; a loan written off is replaced by a new borrower's within a month."""
    alike = dict.fromkeys(("miss_salaried", "miss_gig", "miss_owner"), MOVES[0, 1])
    idle = dict.fromkeys(("spend_salaried", "spend_gig", "spend_owner", "bill_size", "project_rate", "other_share"), 0.0)
    return load_scenario(
        "no-mechanisms",
        borrowers=borrowers,
        miss_spread=0.0,
        stress_gain=0.0,
        cure_1=0.5,
        hold_1=0.2,
        cure_2=0.2,
        step_2=0.05,
        hold_2=0.15,
        chargeoff_months=3,
        term_3=0.0,
        term_6=0.0,
        term_open=1.0,
        open_repay_rate=1e-12,
        early_rate=0.0,
        first_late=0.0,
        unused_share=0.0,
        high_use_share=1.0,
        vacant_share=0.0,
        entry_rate=1.0,
        admissions=1.0,
        cutoff=350,
        admission_zhima=350,
        income_floor=0,
        habit_salaried=1.0,
        habit_gig=1.0,
        habit_owner=1.0,
        slump_demand=0.0,
        follow_restraint=0.0,
        leave_rate=0.0,
        minimum_loan=10,
        **alike,
        **idle,
    )


def test_the_facts_sheet_gives_the_stationary_shares() -> None:
    assert STATIONARY.sum() == pytest.approx(1.0)
    assert pytest.approx(STATIONARY) == STATIONARY @ MOVES


def test_shares_in_arrears_and_write_offs_are_those_of_the_chain() -> None:
    borrowers, burn_in, months, batches = 5_000, 20, 200, 20
    simulation = Simulation(chain(borrowers), 3, engine="compiled").run(burn_in + months)
    kept = simulation.history[burn_in:]
    counts = {name: np.array([month.counts[name].sum() for month in kept]) for name in STATES}
    assert (sum(counts.values()) == borrowers).all()
    assert all(
        int(month.counts["indebted"].sum()) == borrowers - lost
        for month, lost in zip(kept, counts["charged_off"], strict=True)
    )
    for state, expected in zip(STATES, STATIONARY, strict=True):
        by_batch = (counts[state] / borrowers).reshape(batches, -1).mean(axis=1)
        error = by_batch.std(ddof=1) / sqrt(batches)
        assert abs(by_batch.mean() - expected) < 4 * error
        assert error < 0.05 * expected


def test_each_month_moves_as_the_matrix_says() -> None:
    """Of those one and two months late, by the state that each had and has: the matrix's rows, within four errors."""
    simulation = Simulation(chain(5_000), 4, engine="compiled").run(20)
    seen = np.zeros((3, 4))
    for _ in range(40):
        before, here = simulation.column("late").copy(), simulation.column("status") != LEFT
        simulation.step()
        after = np.minimum(simulation.column("late"), 3)
        for state in range(3):
            seen[state] += np.bincount(after[here & (before == state)], minlength=4)
    total = seen.sum(axis=1, keepdims=True)
    error = np.sqrt(MOVES[:3] * (1 - MOVES[:3]) / total)
    assert (total > 1000).all()
    assert (np.abs(seen / total - MOVES[:3]) <= 4 * error).all()
