"""The pool's size and its accounts: formulas by hand, and the ledger identity over any scenario."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from zerolimit.parameters.declarations import CALENDAR_KINDS, CalendarItem
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.platform.pool import PER, Pool, joint_capacity, share_of
from zerolimit.rules.caps import CAP
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.mechanisms import MECHANISMS

YUAN = 100


def test_the_own_share_of_c12_leaves_a_fifteenth() -> None:
    """Facts C12: 2 % to 30 % with own funds fixed shrinks the most that can be lent to 1/15."""
    own = 3_000_000 * YUAN
    assert 15 * joint_capacity(own, 0.3) == joint_capacity(own, 0.02) == 150_000_000 * YUAN


def test_shares_of_money_are_exact_floors() -> None:
    assert share_of(10**15 + 1, 0.5) == 500_000_000_000_000
    assert share_of(999, 0.1) == 99
    assert share_of(200_000, 2.3) == 460_000
    assert share_of(-5, 0.5) == -3


def fraction(share: float) -> Fraction:
    """The decimal number that a float is written as."""
    return Fraction(str(share))


AMOUNTS = some.integers(-(10**17), 10**17)
SHARES = some.floats(-1e6, 1e6, allow_nan=False).filter(lambda share: share == 0.0 or abs(share) > 1e-12)


@given(amount=AMOUNTS, share=SHARES)
def test_a_share_is_what_exact_fractions_give(amount: int, share: float) -> None:
    """With numerator and denominator parsed once, to the fen what a fraction of arbitrary length gives."""
    assert share_of(amount, share) == int(amount * fraction(share) // 1)


@given(amount=some.integers(0, 10**17), share=some.floats(1e-6, 1.0))
def test_a_capacity_is_what_exact_fractions_give(amount: int, share: float) -> None:
    assert joint_capacity(amount, share) == int(amount / fraction(share) // 1)


def funded(**changed: Any) -> tuple[Scenario, Pool]:
    given = {
        "pool_rule": "funded",
        "pool_yuan": 10_000.0,
        "own_share": 0.02,
        "leverage": 5.0,
        "leverage_slack": 0.0,
        **changed,
    }
    scenario = load_scenario("baseline", **given)
    return scenario, Pool.start(scenario, 0, 600_000)


def step(month: int, kind: str, value: float) -> CalendarItem:
    return CalendarItem(month=month, kind=kind, value=value)  # type: ignore[arg-type]


def test_a_funded_pool_starts_at_its_size() -> None:
    scenario, pool = funded(leverage_slack=0.1)
    pool.resize(scenario, 600_000)
    assert pool.limit == pytest.approx(1_000_000, abs=60)
    assert pool.cash == pytest.approx(400_000, abs=60)


def test_the_leverage_cap_binds_when_it_falls() -> None:
    """2.3 x capital of a fifth of 10,000 yuan is 4,600 yuan: below what is lent, so it overhangs."""
    scenario, pool = funded()
    pool.events([step(0, "leverage", 2.3)])
    pool.resize(scenario, 600_000)
    assert pool.limit == 460_000
    assert pool.cash == 0
    assert pool.accounts.cash(600_000) == 0


def test_capital_that_is_raised_counts_and_losses_do_not() -> None:
    scenario, pool = funded(leverage_slack=0.0)
    pool.events([step(0, "capital", -0.5)])
    pool.resize(scenario, 100_000)
    assert pool.limit == 500_000
    pool.deficit = 50_000
    pool.resize(scenario, 100_000)
    assert pool.limit == 250_000


def test_an_own_share_step_binds_new_loans_only() -> None:
    """What is lent stays; own funds that are free support a fifteenth of what they did."""
    scenario, pool = funded()
    pool.resize(scenario, 600_000)
    before = pool.limit
    assert before is not None
    pool.events([step(0, "own_share", 0.3)])
    pool.resize(scenario, 600_000)
    assert pool.limit is not None
    assert pool.limit - 600_000 == pytest.approx((before - 600_000) / 15, abs=60)


def test_partners_withdraw_by_quota() -> None:
    """Own funds / own share + partner lines, also below what partners have lent: the excess runs off."""
    scenario, pool = funded(partner_share=0.5, own_share=1.0, leverage=100.0, leverage_slack=10.0)
    pool.resize(scenario, 600_000)
    assert pool.limit == 1_000_000
    pool.events([step(0, "partners", 0.2)])
    pool.resize(scenario, 600_000)
    assert pool.partner_lines == 100_000
    assert pool.limit == 500_000 + 100_000


def test_a_fixed_pool_grows_and_stops_by_the_calendar() -> None:
    scenario = load_scenario("baseline", pool_yuan=10_000.0)
    pool = Pool.start(scenario, 0, 0)
    pool.events([step(0, "funding_growth", 0.1)])
    pool.resize(scenario, 0)
    pool.resize(scenario, 0)
    assert pool.limit == 1_210_000
    assert pool.cash == 1_210_000
    pool.events([step(2, "funding_growth", 0.0), step(2, "funding", 0.5)])
    pool.resize(scenario, 0)
    assert pool.limit == pool.cash == 500_000


def test_a_loss_is_met_from_income_first_then_from_capital() -> None:
    scenario, pool = funded(distributed=1.0)
    cash = pool.cash
    pool.collect(interest=1_000, principal_paid=0, recovered=0, written_off=5_000)
    assert pool.settle(scenario, 1_000, 0, 5_000, 0) == -4_000
    assert (pool.deficit, pool.accounts.distributed, pool.cash) == (4_000, 0, cash + 1_000)
    pool.collect(interest=7_000, principal_paid=0, recovered=0, written_off=0)
    assert pool.settle(scenario, 7_000, 0, 0, 500) == 6_500
    assert (pool.deficit, pool.accounts.distributed) == (0, 2_500)


def test_planned_use_is_a_parameter_or_the_mean_of_12_months_within_bounds() -> None:
    scenario, pool = funded(planned_use=0.25)
    assert pool.planned_use(scenario) == 2_500
    scenario = load_scenario("baseline", planned_use_low=0.1, planned_use_high=0.4)
    assert pool.planned_use(scenario) == 1_000
    pool.drawn_history, pool.open_history = [999, *[20] * 12], [1, *[100] * 12]
    assert pool.planned_use(scenario) == 2_000
    pool.drawn_history = [90] * 12
    assert pool.planned_use(scenario) == 4_000
    assert PER == 10_000


def per_person(income_a_month: float) -> float:
    """The cap of facts C10 on somebody with this income, by the model's own caps."""
    from types import SimpleNamespace

    said = SimpleNamespace(**{**from_scenario(Scenario()), "person_cap": 300_000.0 * YUAN, "person_cap_income": 1 / 3})
    return CAP["per_person"](income_a_month * YUAN, said) / YUAN


def test_the_individual_cap_of_c10() -> None:
    """Facts G10: min(300,000, a third of annual income); the first binds from 900,000 a year on."""
    assert per_person(30_000) == pytest.approx(120_000)
    assert per_person(74_999) < 300_000
    assert per_person(75_000) == pytest.approx(300_000)
    assert per_person(200_000) == 300_000
    assert NO_CAP > 300_000 * YUAN


KINDS = some.sampled_from([kind for kind in CALENDAR_KINDS if kind not in ("target_age", "target_income")])
EVENTS = some.lists(
    some.builds(
        lambda month, kind, where: {
            "month": month,
            "kind": kind,
            "value": CALENDAR_KINDS[kind][2] + where * (min(CALENDAR_KINDS[kind][3], 3.0) - CALENDAR_KINDS[kind][2]),
        },
        some.integers(0, 8),
        KINDS,
        some.floats(0.0, 1.0),
    ),
    max_size=6,
    unique_by=lambda event: (event["month"], event["kind"]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    size=some.integers(1, 40),
    seed=some.integers(0, 1000),
    events=EVENTS,
    rule=some.sampled_from(["fixed", "funded"]),
    pool=some.floats(0.0, 2.0),
    off=some.sets(some.sampled_from(tuple(MECHANISMS)), max_size=2),
    costs=some.floats(0.0, 50.0),
)
def test_the_ledger_closes_to_the_fen_in_any_scenario(
    size: int, seed: int, events: list[dict[str, Any]], rule: str, pool: float, off: set[str], costs: float
) -> None:
    """cash = K_0 + funding - principal - written off + recovered + interest - costs - distributed, counted here anew."""
    scenario = load_scenario(
        "baseline",
        borrowers=size,
        pool_rule=rule,
        pool_share=pool,
        partner_share=0.4,
        calendar=events,
        off=sorted(off),
        review_cost=costs,
        miss_gig=0.3,
        jobloss_salaried=0.2,
    )
    simulation = Simulation(scenario, seed, engine="objects")
    owed = simulation.principal
    cash = simulation.pool.cash
    for month in simulation.run(10).history:
        row = month.platform
        totals = {
            name: int(month.counts[f"sum_{name}"].sum())
            for name in ("drawn", "principal_paid", "written_off", "interest_paid", "recovered")
        }
        owed += totals["drawn"] - totals["principal_paid"] - totals["written_off"]
        assert row["principal"] == owed == int(month.counts["sum_principal"].sum())
        assert row["cash"] >= 0
        if row["pool"] >= 0 and totals["drawn"] > 0:
            assert owed <= row["pool"]
    accounts = simulation.pool.accounts
    written = sum(int(month.counts["sum_written_off"].sum()) for month in simulation.history)
    interest = sum(int(month.counts["sum_interest_paid"].sum()) for month in simulation.history)
    recovered = sum(int(month.counts["sum_recovered"].sum()) for month in simulation.history)
    assert (accounts.written_off, accounts.interest, accounts.recovered) == (written, interest, recovered)
    first = accounts.first_pool - simulation.first_principal
    assert cash >= first
    assert simulation.pool.cash == (
        accounts.first_pool
        + accounts.funding
        - owed
        - written
        + recovered
        + interest
        - accounts.costs
        - accounts.distributed
    )
    borrowers = simulation.column("scheduled").sum() + simulation.column("overdue").sum()
    assert int(borrowers) == owed
