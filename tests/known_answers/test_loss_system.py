"""The preset `loss-system` against the exact monthly chain (facts G3), and that chain against Engset and Erlang B (G1, G2).

Month: each loan is repaid with probability q, then everybody without a loan asks with probability p, free units go to
as many as there are, the rest are refused.
"""

from fractions import Fraction
from math import comb, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation

Numbers = NDArray[np.float64]
HABITS = ("habit_salaried", "habit_gig", "habit_owner")


def binomial(n: int, p: float) -> Numbers:
    """The distribution of a binomial count, by multiplying out."""
    found = np.ones(1)
    for _ in range(n):
        found = np.convolve(found, [1.0 - p, p])
    return found


def exact_chain(n: int, c: int, p: float, q: float) -> tuple[float, float]:
    """Refused over asked, and mean loans at the month's end, in the stationary state."""
    arrivals = [binomial(n - s, p) for s in range(c + 1)]
    moves = np.zeros((c + 1, c + 1))
    refused_from = np.zeros(c + 1)
    asked_from = np.zeros(c + 1)
    for k in range(c + 1):
        for s, weight in enumerate(binomial(k, 1.0 - q)):
            more = arrivals[s]
            fits = c - s
            moves[k, s : c + 1] += weight * np.append(more[:fits], more[fits:].sum())[: c + 1 - s]
            refused_from[k] += weight * float(np.arange(len(more) - fits) @ more[fits:]) if len(more) > fits else 0.0
            asked_from[k] += weight * (n - s) * p
    share = stationary(moves)
    return float(share @ refused_from / (share @ asked_from)), float(share @ np.arange(c + 1))


def stationary(moves: Numbers) -> Numbers:
    """The distribution that a chain keeps."""
    size = len(moves)
    system = np.vstack([moves.T - np.eye(size), np.ones(size)])
    return np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]


def exact_fractions(n: int, c: int, p: Fraction, q: Fraction) -> Fraction:
    """The refusal share of a small system, in whole numbers throughout."""

    def weight(k: int, m: int, x: Fraction) -> Fraction:
        return comb(m, k) * x**k * (1 - x) ** (m - k)

    moves = [[Fraction(0)] * (c + 1) for _ in range(c + 1)]
    refused, asked = [Fraction(0)] * (c + 1), [Fraction(0)] * (c + 1)
    for k in range(c + 1):
        for s in range(k + 1):
            for a in range(n - s + 1):
                both = weight(s, k, 1 - q) * weight(a, n - s, p)
                moves[k][min(c, s + a)] += both
                refused[k] += both * max(0, s + a - c)
                asked[k] += both * a
    share = solve([[moves[j][i] - (i == j) for j in range(c + 1)] for i in range(c)] + [[Fraction(1)] * (c + 1)], c)
    return sum(x * y for x, y in zip(share, refused, strict=True)) / sum(x * y for x, y in zip(share, asked, strict=True))


def solve(rows: list[list[Fraction]], last: int) -> list[Fraction]:
    """x with rows x = (0, ..., 0, 1), by elimination."""
    table = [[*row, Fraction(k == last)] for k, row in enumerate(rows)]
    for k in range(len(table)):
        pivot = next(j for j in range(k, len(table)) if table[j][k] != 0)
        table[k], table[pivot] = table[pivot], table[k]
        table[k] = [value / table[k][k] for value in table[k]]
        for j in range(len(table)):
            if j != k:
                table[j] = [x - table[j][k] * y for x, y in zip(table[j], table[k], strict=True)]
    return [row[-1] for row in table]


def engset(n: int, c: int, odds: float) -> float:
    """Refused over asked with n sources and c units."""
    terms = [comb(n - 1, k) * odds**k for k in range(c + 1)]
    return terms[-1] / sum(terms)


def erlang(c: int, offered: float) -> float:
    """Refused over asked with endless sources."""
    blocked = 1.0
    for k in range(1, c + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked


def by_batches(refused: Numbers, asked: Numbers, batches: int = 20) -> tuple[float, float]:
    """A ratio and its standard error, from the means of long batches."""
    length = len(asked) // batches
    r, a = (x[-length * batches :].reshape(batches, length).sum(axis=1) for x in (refused, asked))
    return float(r.sum() / a.sum()), float((r / a).std(ddof=1) / sqrt(batches))


def run(n: int, c: int, p: float, q: float, months: int, burn_in: int, seed: int = 1) -> tuple[Numbers, Numbers, Numbers]:
    """Refused, asked and lent units by month of the configured preset."""
    scenario = load_scenario("loss-system", borrowers=n, pool_yuan=500.0 * c, open_repay_rate=q, **dict.fromkeys(HABITS, p))
    simulation = Simulation(scenario, seed, engine="compiled", threads=1).run(burn_in + months)
    kept = simulation.history[burn_in:]
    totals = [np.array([float(month.counts[name].sum()) for month in kept]) for name in ("used_up", "asked_count")]
    return totals[0], totals[1], np.array([month.platform["principal"] / 50_000 for month in kept])


def test_the_chain_of_the_facts_sheet() -> None:
    assert float(exact_fractions(4, 2, Fraction(1, 2), Fraction(1, 2))) == pytest.approx(0.4080908446, abs=1e-10)
    assert exact_chain(4, 2, 0.5, 0.5) == pytest.approx((0.4080908446, 1.82694414), abs=1e-8)
    assert exact_chain(200, 100, 0.3, 0.2) == pytest.approx((0.4444863727, 99.99547161), abs=1e-8)
    assert exact_chain(50, 25, 0.1, 0.2) == pytest.approx((0.0047665170, 17.79626254), abs=1e-8)


@pytest.mark.parametrize("months", [500, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("n", "c", "p", "q"),
    [(200, 100, 0.3, 0.2), (4, 2, 0.5, 0.5), (50, 25, 0.2, 0.2)],
    ids=["preset", "four borrowers", "half full"],
)
def test_refusals_and_loans_are_those_of_the_chain(n: int, c: int, p: float, q: float, months: int) -> None:
    refused, asked, loans = run(n, c, p, q, months, burn_in=100)
    expected_refusal, expected_loans = exact_chain(n, c, p, q)
    rate, error = by_batches(refused, asked)
    assert abs(rate - expected_refusal) < 4 * error
    assert error < 0.02
    mean, spread = by_batches(loans, np.ones(len(loans)))
    assert abs(mean - expected_loans) < 4 * spread + 1e-9


def test_the_preset_is_that_system_and_loses_no_line() -> None:
    scenario = load_scenario("loss-system")
    assert scenario.pool_yuan == scenario.borrowers / 2 * scenario.minimum_loan
    simulation = Simulation(scenario, 5, engine="objects").run(24)
    assert (simulation.column("limit") == scenario.minimum_loan * 100).all()
    for month in simulation.history:
        assert not any(month.counts[name].any() for name in ("zero_limit", "blocked", "charged_off", "left", "decreases"))
        assert month.platform["cash"] >= 0
        assert month.platform["principal"] <= month.platform["pool"] == 5_000_000


def extrapolated(values: list[float]) -> float:
    """The limit of a sequence at steps 1, 1/2, 1/4 with errors of first and second order (Richardson)."""
    one, two, four = values
    return (one - 6.0 * two + 8.0 * four) / 3.0


@pytest.mark.parametrize(("n", "c", "odds"), [(4, 2, 0.5), (20, 10, 0.5), (50, 25, 1.0)])
def test_engset_is_the_limit_of_small_steps(n: int, c: int, odds: float) -> None:
    steps = [0.04, 0.02, 0.01]
    rates = [exact_chain(n, c, odds * step, step)[0] for step in steps]
    limit = engset(n, c, odds)
    assert rates[2] == pytest.approx(limit, rel=0.02)
    assert extrapolated(rates) == pytest.approx(limit, abs=2e-3 * limit)


@pytest.mark.parametrize(("c", "offered"), [(2, 1.0), (3, 2.0), (5, 3.0)])
def test_erlang_b_is_the_limit_of_small_steps_and_many_borrowers(c: int, offered: float) -> None:
    many = [100, 200, 400]
    rates = [extrapolated([exact_chain(n, c, offered / n * step, step)[0] for step in (0.04, 0.02, 0.01)]) for n in many]
    assert extrapolated(rates) == pytest.approx(erlang(c, offered), rel=3e-3)


def test_engset_of_the_facts_sheet() -> None:
    assert engset(4, 2, 0.5) == pytest.approx(3 / 13)
    assert engset(200, 100, 1.0) == pytest.approx(0.10128270523827371)
    assert erlang(3, 2.0) == pytest.approx(4 / 19)


@pytest.mark.slow
def test_a_run_at_a_small_step_is_near_engset() -> None:
    """Step 0.05 with odds 1: the run agrees with its own chain, and the chain is within a tenth of Engset."""
    n, c, step = 50, 25, 0.05
    refused, asked, _ = run(n, c, step, step, months=6000, burn_in=300)
    expected, _ = exact_chain(n, c, step, step)
    rate, error = by_batches(refused, asked)
    assert abs(rate - expected) < 4 * error
    assert abs(expected - engset(n, c, 1.0)) < 0.1 * engset(n, c, 1.0)
    assert abs(rate - engset(n, c, 1.0)) < 4 * error + 0.1 * engset(n, c, 1.0)
