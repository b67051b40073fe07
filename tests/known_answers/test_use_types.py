"""Types of use, lines by risk, income and defaults, the anchor that fades: against draws, closed forms and signs."""

from functools import cache
from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from zerolimit.parameters.scenario import load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.results.frames import monthly_frame
from zerolimit.rules.borrowing import ask
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.draws import uniform
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import INACTIVE, LEFT, MAXED_OUT, MIXED, OPEN, REVOLVER, SEGMENTS, TRANSACTOR

SIZE, SEED = 600, 4
SHARES = {"share_transactor": 0.2, "share_revolver": 0.3, "share_maxed": 0.1, "share_inactive": 0.25}
ALONE: dict[str, Any] = {"off": list(MECHANISMS), "borrowers": SIZE, "vacant_share": 0.0, "leave_rate": 0.0}


def begun(**parameters: Any) -> Simulation:
    return Simulation(load_scenario("defaults", **{"borrowers": SIZE, **parameters}), SEED, engine="objects")


@cache
def all_of(share: str) -> tuple[Simulation, float]:
    """Everybody is of a type, nothing else at work: after 12 months, and their mean use of lines then."""
    market = Simulation(load_scenario("defaults", **ALONE, **({share: 1.0} if share else {})), SEED, engine="compiled").run(
        12
    )
    rows = (market.column("status") == OPEN) & (market.column("late") == 0)
    owed = (market.column("scheduled") + market.column("overdue"))[rows]
    return market, float(owed.sum() / market.column("limit")[rows].sum())


def test_types_are_as_the_draws_say_and_stay() -> None:
    market = begun(**SHARES)
    bounds = np.cumsum([*SHARES.values()])
    codes = [TRANSACTOR, REVOLVER, MAXED_OUT, INACTIVE, MIXED]
    wanted = [codes[np.searchsorted(bounds, uniform(SEED, slot, 0, 0, "u_born_use_type"), "right")] for slot in range(SIZE)]
    assert market.column("use_type").tolist() == wanted
    market.run(6)
    stay = market.column("generation") == 0
    assert (market.column("use_type")[stay] == np.array(wanted)[stay]).all()


def test_without_shares_all_use_is_mixed() -> None:
    assert (begun().column("use_type") == MIXED).all()


def test_types_use_their_lines_in_their_order() -> None:
    """Hardly any use, then who pays all, then a balance carried of about half the line, then the whole line."""
    used = {share: all_of(share)[1] for share in ("share_inactive", "share_transactor", "share_revolver", "share_maxed")}
    assert list(used) == sorted(used, key=used.__getitem__)
    assert used["share_inactive"] < 0.1
    assert 0.4 < used["share_revolver"] < 0.65
    assert used["share_maxed"] > 0.85


@pytest.mark.parametrize(("months", "asked"), [(1_200.0, 400_000.0), (12.0, 200_000.0), (0.0, 0.0)])
def test_a_revolver_uses_half_of_the_line_or_of_months_of_income_where_that_is_less(months: float, asked: float) -> None:
    """A line of 10,000 yuan and 500 of income a month: half of 10,000 or of 6,000, of which 1,000 are owed."""
    terms = SimpleNamespace(**from_scenario(load_scenario("defaults", revolver_income=months)))
    draws = {name: 1.0 for name in ask.reads if name.startswith("u_")}
    given = {"status": OPEN, "use_type": REVOLVER, "wished_use": 0.5, "limit": 1e6, "scheduled": 1e5, "income_true": 5e4}
    assert ask.function(**{**dict.fromkeys(ask.reads, 0.0), **draws, **given, "trust": 1.0, "terms": terms})[0] == asked


def test_a_transactor_repays_early_what_others_repay_as_scheduled() -> None:
    def early(share: str) -> float:
        counts = monthly_frame(all_of(share)[0]).sum(numeric_only=True)
        return float(counts["paid_off_early"] / (counts["paid_off_early"] + counts["paid_off"]))

    assert early("share_transactor") > 2 * early("")


def test_lines_by_risk_are_the_old_ones_times_the_score() -> None:
    """line = line at 0 x e^(a signal), to the yuan, where no bound cuts in."""
    bounds = {"first_smallest": 1.0, "first_largest": 1.9e7}
    flat, sloped = begun(**bounds), begun(**bounds, line_score=0.004)
    before, after = flat.column("limit").astype(np.float64), sloped.column("limit").astype(np.float64)
    there = (flat.column("status") == OPEN) & (after > 0)
    assert there.sum() > 400
    with_score = np.exp(0.004 * drawn_signal(flat)[there])
    assert np.abs(after[there] / (before[there] * with_score) - 1.0).max() < 0.01
    assert np.corrcoef(with_score, after[there] / before[there])[0, 1] > 0.999


def drawn_signal(market: Simulation) -> Any:
    """Signals as they were drawn: before the first book lifts those of the admitted."""
    from zerolimit.rules.birth import be_born

    reads = [name for name in be_born.reads if name != "terms"]
    terms = type("Terms", (), dict(market.terms))
    at = be_born.writes.index("signal")
    return np.array(
        [
            be_born.function(*(uniform(SEED, slot, 0, 0, name) for name in reads), terms)[at]  # type: ignore[arg-type]
            for slot in range(SIZE)
        ]
    )


@pytest.mark.parametrize("elasticity", [0.0, 0.5, 1.0])
def test_who_earns_less_misses_more_often_by_the_elasticity(elasticity: float) -> None:
    """Slope of log propensity on log income within a segment; the mean of the factor stays 1."""
    market = begun(miss_income=elasticity, miss_spread=0.0)
    one = market.column("segment") == 0
    income, miss = market.column("income_true")[one].astype(float), market.column("propensity")[one].astype(float)
    slope = np.polyfit(np.log(income), np.log(miss), 1)[0]
    assert slope == pytest.approx(-elasticity, abs=0.001)
    mean = load_scenario("defaults").miss_salaried
    assert miss.mean() == pytest.approx(mean, rel=3 * 0.45 * elasticity / np.sqrt(one.sum()) + 1e-6)


@pytest.mark.parametrize("elasticity", [0.0, 0.5, 1.0])
def test_who_earns_more_pays_all_more_often_and_carries_a_balance_less_by_the_elasticity(elasticity: float) -> None:
    """Of 20,000 with one spread of incomes: counts in the poorer and the richer half against sums of the closed form."""
    spreads = {f"spread_{segment}": 0.5 for segment in SEGMENTS}
    given = {"use_income": elasticity, "share_transactor": 0.1, "share_revolver": 0.1, "share_maxed": 0.05, **spreads}
    market = Simulation(load_scenario("defaults", borrowers=20_000, vacant_share=0.0, **given), SEED, engine="compiled")
    z = np.array([NormalDist().inv_cdf(uniform(SEED, slot, 0, 0, "u_born_income")) for slot in range(20_000)])
    k = 0.5 * elasticity
    for code, share, sign in ((TRANSACTOR, 0.1, 1.0), (REVOLVER, 0.1, -1.0), (MAXED_OUT, 0.05, -1.0)):
        chance = share * np.exp(sign * k * z - k * k / 2)
        has = market.column("use_type") == code
        for half in (z < 0, z >= 0):
            assert has[half].sum() == pytest.approx(chance[half].sum(), abs=4 * np.sqrt(chance[half].sum()))


def test_the_anchor_fades_as_its_closed_form() -> None:
    """a_t = 1 + (a_0 - 1) (1 - f)^t."""
    market = begun(**ALONE, anchor_fade=0.1, entry_rate=0.0)
    first = market.column("anchor").astype(float)
    market.run(12)
    there = market.column("status") != LEFT
    assert market.column("anchor")[there] == pytest.approx(1.0 + (first[there] - 1.0) * 0.9**12, rel=1e-5)
    still = begun(**ALONE, entry_rate=0.0)
    assert (still.column("anchor")[there] == still.run(12).column("anchor")[there]).all()
