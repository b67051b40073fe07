"""The pool holds whatever a user writes: lists follow quantities, totals are checked, and what cannot be is named."""

from typing import Any

import numpy as np
import pytest
from tests.worlds.test_engines_agree import assert_equal

from zerolimit import Borrower, CreditMarket, rule
from zerolimit.basics.errors import BadInput, OutOfRange
from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.laws import LAWS
from zerolimit.run import phases
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import LEFT

ENGINES = ("objects", "compiled")
QUIET, PANIC, ASKS, LENDS, LINE, FREE, GONE, REVIEWS, WISHES, POOR = range(10)
"""What the rules below do, as `floor_yuan` says (which else acts under equal_floor only): one compiled month for all."""


@rule("asked", after="ask")
def wish(asked, heard, status, limit, scheduled, overdue, terms):
    room = max(0.0, limit - scheduled - overdue)
    panics = terms.floor_yuan == 100.0 * PANIC and heard > 0.0 and status == 0.0
    return room if panics else (asked + limit if terms.floor_yuan == 100.0 * ASKS else asked)


@rule("drawn", after="receive")
def take(drawn, terms):
    return drawn + (100.0 if terms.floor_yuan == 100.0 * LENDS else 0.0)


@rule("limit", after="set_line")
def line_below_zero(limit, terms):
    return -100.0 if terms.floor_yuan == 100.0 * LINE else limit


@rule("principal_paid", after="apply_payment")
def repaid_for_free(principal_paid, scheduled, terms):
    return principal_paid + (100.0 if terms.floor_yuan == 100.0 * FREE and scheduled > 0.0 else 0.0)


@rule("leaves", after="feel")
def run_away(leaves, status, terms):
    return 1.0 if terms.floor_yuan == 100.0 * GONE and status != LEFT else leaves


@rule("review", after="call_for_review")
def review_all(review, status, terms):
    return 1.0 if terms.floor_yuan == 100.0 * REVIEWS and status == 0.0 and review == 0.0 else review


@rule("wanted", after="decide")
def want_more(wanted, terms):
    return wanted + (100_000.0 if terms.floor_yuan == 100.0 * WISHES and wanted > 0.0 else 0.0)


@rule("cash", after="receive")
def lose_money(cash, status, terms):
    return cash - 10_000_000.0 if terms.floor_yuan == 100.0 * POOR and status != LEFT else cash


RULES = (wish, take, line_below_zero, repaid_for_free, run_away, review_all, want_more, lose_money)


def world(engine: str, what: int, borrowers: int = 300, months: int = 12, **parameters: Any) -> Simulation:
    scenario = load_scenario("defaults", borrowers=borrowers, floor_yuan=what, **parameters)
    return Simulation(scenario, 7, engine=engine, rules=RULES, threads=2).run(months)


def counted(simulation: Simulation, name: str) -> int:
    return int(sum(month.counts[name].sum() for month in simulation.history))


@pytest.fixture(params=[("objects",), pytest.param(ENGINES, marks=pytest.mark.slow)], ids=["objects", "both engines"])
def engines(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The reference alone, or both: for these rules the compiled one has a month of its own to compile."""
    return tuple(request.param)


def test_rules_that_change_nothing_leave_the_month_as_it_is(engines: tuple[str, ...]) -> None:
    plain = Simulation(load_scenario("defaults", borrowers=300, floor_yuan=QUIET), 7, engine="objects").run(12)
    for engine in engines:
        assert_equal(world(engine, QUIET), plain)


@pytest.mark.parametrize("what", [PANIC, REVIEWS, WISHES, POOR])
def test_a_rule_that_changes_a_quantity_changes_all_that_hangs_on_it(what: int, engines: tuple[str, ...]) -> None:
    """Both engines alike, and no rule has to write a flag or to know of a list."""
    mine, *others = (world(engine, what) for engine in engines)
    for theirs in others:
        assert_equal(mine, theirs)
    quiet = world("objects", QUIET)
    last = mine.history[-1].platform
    for month in mine.history:
        assert month.platform["principal"] <= month.platform["pool"] + month.platform["overhang"]
        assert month.platform["cash"] >= 0
    if what == PANIC:
        assert counted(mine, "used_up") != counted(quiet, "used_up")
        assert last["overhang"] == 0
    elif what == REVIEWS:  # every open line is decided each month, and the decision takes effect
        assert counted(mine, "reviewed") > 3 * counted(quiet, "reviewed")
        assert counted(mine, "increases") > counted(quiet, "increases")
    elif what == WISHES:  # who wants more contends for more
        contended = [sum(month.platform["contended"] for month in one.history) for one in (mine, quiet)]
        assert contended[0] > contended[1]
    else:  # who lacks money copes: another lender lends it, or there is a shortfall
        assert counted(mine, "shortfalls") + counted(mine, "other_loans") > 290 * 9
        cash = mine.engine.raw("cash", mine.month)
        assert (cash[mine.engine.raw("status", mine.month) != int(LEFT)] > -10_000_000).all()


SOME, MONEY = r"borrower \d+, and [\d,]+ others", r"[\d,.]+ yuan"
EARLY, MIDDLE, LATE = (
    f"^month 0, {span}: {SOME}: "
    for span in ("income and spending to arrears flags", "line and notice to outcome flags", "payout to complaints")
)
BEFORE, BETWEEN, AFTER = (
    f"; look at {rules}$"
    for rules in ("repaid_for_free, review_all, want_more", "line_below_zero, wish", "take, lose_money, run_away")
)
LINES = {
    ASKS: rf"{MIDDLE}asks for {MONEY}, which the line does not hold \({MONEY}, of which .* are owed\){BETWEEN}",
    LENDS: rf"{LATE}is lent other than the loan that was served \({MONEY} asked for\){AFTER}",
    LINE: rf"{MIDDLE}limit is -1.00 yuan{BETWEEN}",
    FREE: rf"{EARLY}owes other than what was owed less what was repaid and written off{BEFORE}",
    GONE: rf"{LATE}leaves while owing {MONEY} and {MONEY}{AFTER}",
}


@pytest.mark.parametrize(("what", "line"), LINES.items())
def test_what_cannot_be_is_one_line_that_names_the_phase_and_the_first_borrower(
    what: int, line: str, engines: tuple[str, ...]
) -> None:
    said = []
    for engine in engines:
        with pytest.raises(OutOfRange, match=line) as caught:
            world(engine, what)
        said.append(str(caught.value))
    assert len(set(said)) == 1


class Fearful(Borrower):
    """As `wish` under PANIC, in plain Python."""

    def ask(self) -> None:
        super().ask()
        if self.heard > 0 and self.status == 0:
            self.asked = max(0, self.limit - self.scheduled - self.overdue)


def test_a_mesa_agent_that_asks_for_more_is_served_from_the_pool_alone() -> None:
    market = CreditMarket("defaults", seed=7, borrowers=300, borrower_class=Fearful).run(months=12)
    assert_equal(market.simulation, world("objects", PANIC))


def test_a_law_has_a_text_for_each_number_that_its_rule_can_return() -> None:
    for law, texts in LAWS.values():
        for number in range(1, len(texts) + 1):
            assert f"{number}:" in str(law.function.__doc__)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_allocation_that_gives_more_than_is_left_is_named(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = phases.allocate_in_worlds
    monkeypatch.setattr(phases, "allocate_in_worlds", lambda *given: (30 * shared(*given)[0], np.zeros(1)))
    simulation = Simulation(load_scenario("defaults", borrowers=300), 7, engine=engine)
    with pytest.raises(
        OutOfRange, match=r"^month 1, allocation: [\d,.]+ yuan granted, of [\d,.]+ yuan that the pool has left$"
    ):
        simulation.run(2)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_amount_that_no_rule_can_leave_is_found_in_the_columns(engine: str) -> None:
    """Without user-defined rules the stage's own tally looks over the amounts; here somebody else has written one."""
    simulation = Simulation(load_scenario("defaults", borrowers=500), 7, engine=engine).run(1)
    simulation.engine.put_raw("limit", np.array([13]), -5, simulation.month)
    simulation.engine.put_raw("touched", slice(None), 0, simulation.month)
    with pytest.raises(OutOfRange, match=r"^month 1, .*: borrower 13"):
        simulation.run(1)


@pytest.mark.parametrize("engine", ENGINES)
def test_debt_that_appears_from_nowhere_is_a_total_that_breaks(engine: str) -> None:
    simulation = Simulation(load_scenario("defaults", borrowers=500), 7, engine=engine).run(1)
    owed = int(simulation.engine.raw("scheduled", simulation.month)[20])
    simulation.engine.put_raw("scheduled", np.array([20]), owed + 7, simulation.month)
    with pytest.raises(
        OutOfRange, match=r"^month 1, allocation: .* is owed less repaid and written off, .* in the accounts$"
    ):
        simulation.run(1)


HUGE = {"income_owner": 1e6, "slip_loss": 24.0, "tranche_share": 24.0, "bill_size": 24.0, "bill_rate": 0.5}


@pytest.mark.slow
def test_what_cannot_be_stored_is_not_spent() -> None:
    """Lacking -1.9e9 fen is the least that savings can be: the largest incomes, bills, tranches and losses together."""
    scenario = load_scenario("defaults", borrowers=300, **HUGE)
    mine, theirs = (Simulation(scenario, 7, engine=engine, checks=True).run(24) for engine in ENGINES)
    assert_equal(mine, theirs)
    sums = [month.counts["sum_shortfall"].sum() for month in mine.history]
    assert min(sums) >= 0
    assert max(sums) > 1_900_000_000  # and amounts were large


def test_a_pool_beyond_what_can_be_counted_is_refused_with_its_month() -> None:
    scenario = load_scenario("defaults", borrowers=300, calendar=[{"month": 0, "kind": "funding_growth", "value": 1.0}])
    simulation = Simulation(scenario, 7, engine="objects")
    first = simulation.pool.limit
    assert first is not None
    doublings = next(n for n in range(100) if first * 2 ** (n + 1) > 10**17)
    with pytest.raises(BadInput, match=rf"^calendar, month {doublings}: pool: .* yuan; at most 1e\+15 yuan can be counted"):
        simulation.run(60)
    assert len(simulation.history) == doublings
