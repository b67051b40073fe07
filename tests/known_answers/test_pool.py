"""The pool's size and its accounts: formulas by hand, and the ledger identity over any scenario."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from zerolimit.parameters.declarations import CALENDAR_KINDS, CalendarItem
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.parameters.terms import TERMS, as_vector, from_scenario
from zerolimit.platform.books import TERM, WINDOW, Books
from zerolimit.platform.declared import WorldRule
from zerolimit.platform.pool import PER, Pool, cash_by_accounts, collect, follow, fund, open_pool, recover, resize, settle
from zerolimit.platform.shares import amount_over, exact
from zerolimit.platform.steps import STEPS, take
from zerolimit.rules.caps import CAP
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.world_fields import DRAWS, NO_END, WORLD_FIELDS

YUAN = 100


def test_the_own_share_of_c12_leaves_a_fifteenth() -> None:
    """Facts C12: 2 % to 30 % with own funds fixed shrinks the most that can be lent to 1/15."""
    own = 3_000_000 * YUAN
    assert 15 * amount_over(own, exact(0.3)) == amount_over(own, exact(0.02)) == 150_000_000 * YUAN


class OnePool(Pool):
    """The pool of a world without borrowers, moved by the functions of the month."""

    def __init__(self, scenario: Scenario, principal: int) -> None:
        super().__init__(Books(1), 0)
        self.scenario = scenario
        open_pool(self.books, scenario, 0, principal)

    def happens(self, kind: str, value: float) -> None:
        fund(self.books, self.scenario, [CalendarItem(month=0, kind=kind, value=value)])  # type: ignore[arg-type]

    def move(self, *rules: WorldRule, **fields: int) -> None:
        """One world through some functions, in plain Python."""
        for name, value in fields.items():
            self.books[name] = value
        for rule in rules:
            found = rule(*map(self.books.value, rule.reads))
            for name, value in zip(rule.writes, found if len(rule.writes) > 1 else (found,), strict=True):
                self.books[name] = value

    def resize(self, principal: int) -> None:
        self.move(resize, follow, principal=principal)


def funded(**changed: Any) -> OnePool:
    given = {
        "pool_rule": "funded",
        "pool_yuan": 10_000.0,
        "own_share": 0.02,
        "leverage": 5.0,
        "leverage_slack": 0.0,
        **changed,
    }
    return OnePool(load_scenario("defaults", **given), 600_000)


def test_a_funded_pool_starts_at_its_size() -> None:
    pool = funded(leverage_slack=0.1)
    pool.resize(600_000)
    assert pool.limit == pytest.approx(1_000_000, abs=60)
    assert pool.cash == pytest.approx(400_000, abs=60)


def test_the_leverage_cap_binds_when_it_falls() -> None:
    """2.3 x capital of a fifth of 10,000 yuan is 4,600 yuan: below what is lent, so it overhangs."""
    pool = funded()
    pool.happens("leverage", 2.3)
    pool.resize(600_000)
    assert pool.limit == 460_000
    assert pool.cash == 0
    assert cash_by_accounts(*map(pool.books.value, cash_by_accounts.reads)) == (0, 0)


def test_capital_that_is_raised_counts_and_losses_do_not() -> None:
    pool = funded(leverage_slack=0.0)
    pool.happens("capital", -0.5)
    pool.resize(100_000)
    assert pool.limit == 500_000
    pool.deficit = 50_000
    pool.resize(100_000)
    assert pool.limit == 250_000


def test_an_own_share_step_binds_new_loans_only() -> None:
    """What is lent stays; own funds that are free support a fifteenth of what they did."""
    pool = funded()
    pool.resize(600_000)
    before = pool.limit
    assert before is not None
    pool.happens("own_share", 0.3)
    pool.resize(600_000)
    assert pool.limit is not None
    assert pool.limit - 600_000 == pytest.approx((before - 600_000) / 15, abs=60)


def test_partners_withdraw_by_quota() -> None:
    """Own funds / own share + partner lines, also below what partners have lent: the excess runs off."""
    pool = funded(partner_share=0.5, own_share=1.0, leverage=100.0, leverage_slack=10.0)
    pool.resize(600_000)
    assert pool.limit == 1_000_000
    pool.happens("partners", 0.2)
    pool.resize(600_000)
    assert pool.partner_lines == 100_000
    assert pool.limit == 500_000 + 100_000


def test_a_fixed_pool_grows_and_stops_by_the_calendar() -> None:
    pool = OnePool(load_scenario("defaults", pool_yuan=10_000.0), 0)
    pool.happens("funding_growth", 0.1)
    pool.resize(0)
    pool.resize(0)
    assert pool.limit == 1_210_000
    assert pool.cash == 1_210_000
    pool.happens("funding_growth", 0.0)
    pool.happens("funding", 0.5)
    pool.resize(0)
    assert pool.limit == pool.cash == 500_000


def test_a_loss_is_met_from_income_first_then_from_capital() -> None:
    pool = funded(distributed=1.0)
    cash = pool.cash
    pool.move(collect, settle, interest_paid=1_000, principal_paid=0, recovered=0, written_off=5_000, costs=0)
    assert pool.books.value("net_income") == -4_000
    assert (pool.deficit, pool.accounts.distributed, pool.cash) == (4_000, 0, cash + 1_000)
    pool.move(collect, settle, interest_paid=7_000, principal_paid=0, recovered=0, written_off=0, costs=500)
    assert pool.books.value("net_income") == 6_500
    assert (pool.deficit, pool.accounts.distributed) == (0, 2_500)


def test_recoveries_come_in_a_while_after_the_write_off() -> None:
    """A quarter of what is to come a month, so that a fen waits three months on average; at once where it is 0."""
    terms, to_come, months = SimpleNamespace(recovery_months=3), 0, []
    for fen in (100_000, 0, 0, 400, *[0] * 200):
        comes, to_come = recover(fen, to_come, terms)
        months.append(comes)
    assert months[:4] == [25_000, 18_750, 14_062, (42_188 + 400) // 4]
    assert to_come == 3 == 100_400 - sum(months)
    assert recover(100_000, 0, SimpleNamespace(recovery_months=0)) == (100_000, 0)


def test_planned_use_is_a_parameter_or_the_mean_of_12_months_within_bounds() -> None:
    assert funded(planned_use=0.25).planned_use() == 2_500
    pool = OnePool(load_scenario("defaults", planned_use_low=0.1, planned_use_high=0.4), 0)
    pool.books.base[0] = as_vector(from_scenario(pool.scenario))
    assert pool.planned_use() == 1_000
    for pool.month in range(13):
        pool.books.note("drawn", pool.month, 20 if pool.month else 999)
        pool.books.note("open_lines", pool.month, 100 if pool.month else 1)
    pool.month = 13
    assert pool.planned_use() == 2_000
    for month in range(1, 13):
        pool.books.note("drawn", month, 90)
    assert pool.planned_use() == 4_000
    assert PER == 10_000


def test_past_months_are_remembered_as_long_as_they_may_be_asked_for() -> None:
    books = Books(2)
    books.base[:, TERM["planned_use_months"]] = [1, WINDOW]
    for month in range(WINDOW + 5):
        books.look_back(month)
        assert books["drawn_in_window"].tolist() == [max(0, month - 1), sum(range(max(0, month - WINDOW), month))]
        assert books["losses_in_year"].tolist() == [2 * sum(range(max(0, month - 12), month))] * 2
        books.note("drawn", month, month)
        books.note("losses", month, 2 * month)


MONEY = some.integers(-(10**17), 10**17)
NUMBERS = {
    "whole": MONEY,
    "real": some.floats(-10.0, 10.0),
    "term": some.floats(-10.0, 10.0),
    "exact": some.floats(0.0, 100.0),
    "draw": some.floats(0.001, 0.999),
}


@settings(max_examples=50, deadline=None)
@given(data=some.data(), step=some.sampled_from([*STEPS]))
def test_loops_over_worlds_do_what_the_plain_functions_do(data: some.DataObject, step: str) -> None:
    """Three worlds, of which one has failed and is left alone."""
    books, plain = Books(3), []
    for w in range(3):
        one = books.one(w)
        one.base[0] = as_vector(from_scenario(load_scenario("defaults", loss_norm=0.01 * (w + 1))))
        for name in dict.fromkeys(name for rule in STEPS[step] for name in (*rule.reads, *rule.writes) if name != "terms"):
            kind = "draw" if name in DRAWS else WORLD_FIELDS[name].kind
            value = data.draw(NUMBERS[kind], label=name)
            one[name] = exact(value) if WORLD_FIELDS[name].kind == "exact" else value
        for name in ("leverage", "own_share"):
            one[name] = exact(max(0.001, float(one.exact(name))))
        for name in (
            "phi",
            "planned_use_least",
            "planned_use_most",
            "months_in_year",
            "reviewed",
            "decreases",
            "warned",
            "noticed",
            "appeals_heard",
            "opened",
            "serviced",
            "chased",
        ):
            one[name] = abs(one.value(name)) % 10_001
        for name in ("principal", "principal_paid", "written_off", "open_in_window", "losses_in_year", "own_used"):
            one[name] = abs(one.value(name)) % 10**14
        one["month"] = abs(one.value("month")) % 10_001
        one["slots"] = abs(one.value("slots")) % 10**9
        one["planned_use_set"] = max(NO_END, one.value("planned_use_set") % 10_002 - 1)
        plain.append(deepcopy(one))
    take(step, books, np.array([True, False, True]))
    for w, one in enumerate(plain):
        if w != 1:
            terms = SimpleNamespace(**dict(zip(TERMS, one.base[0].tolist(), strict=True)))
            for rule in STEPS[step]:
                found = rule(*(terms if name == "terms" else one.value(name) for name in rule.reads))
                for name, value in zip(rule.writes, found if len(rule.writes) > 1 else (found,), strict=True):
                    one[name] = value
        assert (one.whole == books.one(w).whole).all()
        assert (one.real == books.one(w).real).all()
        assert (one.terms == books.one(w).terms).all()


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
    wait=some.integers(0, 4),
)
def test_the_ledger_closes_to_the_fen_in_any_scenario(
    size: int, seed: int, events: list[dict[str, Any]], rule: str, pool: float, off: set[str], costs: float, wait: int
) -> None:
    """cash = K_0 + funding - principal - written off + recovered + interest - costs - distributed, counted here anew."""
    scenario = load_scenario(
        "defaults",
        borrowers=size,
        pool_rule=rule,
        pool_share=pool,
        partner_share=0.4,
        calendar=events,
        off=sorted(off),
        review_cost=costs,
        recovery_months=wait,
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
    to_come = int(simulation.books.value("to_recover"))
    recovered = sum(int(month.counts["sum_recovered"].sum()) for month in simulation.history) - to_come
    assert to_come == 0 if wait == 0 else to_come >= 0
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
