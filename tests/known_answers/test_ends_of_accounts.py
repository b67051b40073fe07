"""Accounts that end, and the lender's memory of a closure, against what the draws and plain sums say."""

from typing import Any

import numpy as np
import pytest

from zerolimit.parameters.scenario import load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.results.frames import monthly_frame
from zerolimit.rules.caps import CAP
from zerolimit.rules.decision import bar_after, campaign_standing
from zerolimit.rules.outcome import set_line
from zerolimit.rules.trust import feel
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.draws import uniform
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import (
    CARD,
    CLOSED,
    DORMANT,
    FROZEN,
    INSTALMENT_LOANS,
    LEFT,
    OPEN,
    OWN_WISH,
    REAPPLY,
    STAYS,
    TRANSFERRED,
    TRUST_LOST,
    WITHOUT_LINE,
)

RATES: dict[str, float] = {
    "leave_rate": 0.1,
    "quit_rate": 0.2,
    "dormant_rate": 0.3,
    "dormant_months": 12,
    "closed_end_rate": 0.4,
    "mend": 0.0,
}
CLOSED_ONLY: dict[str, Any] = {
    "off": list(MECHANISMS),
    "borrowers": 300,
    "vacant_share": 0.0,
    "entry_rate": 0.0,
    "first_closed": 1.0,
    "leave_rate": 0.0,
    "fear_gain": 0.0,
}


class Terms:
    """A scenario's terms, as rules see them."""

    def __init__(self, **parameters: Any) -> None:
        vars(self).update(from_scenario(load_scenario("defaults", **parameters)))


@pytest.mark.parametrize(
    ("status", "idle", "draw", "why"),
    [
        (OPEN, 0.0, 0.049, TRUST_LOST),
        (OPEN, 0.0, 0.051, OWN_WISH),
        (OPEN, 0.0, 0.249, OWN_WISH),
        (OPEN, 0.0, 0.251, STAYS),
        (OPEN, 12.0, 0.251, DORMANT),
        (OPEN, 11.0, 0.251, STAYS),
        (FROZEN, 12.0, 0.549, DORMANT),
        (OPEN, 12.0, 0.551, STAYS),
        (CLOSED, 12.0, 0.049, TRUST_LOST),
        (CLOSED, 12.0, 0.051, WITHOUT_LINE),
        (CLOSED, 12.0, 0.449, WITHOUT_LINE),
        (CLOSED, 12.0, 0.451, STAYS),
        (LEFT, 12.0, 0.0, STAYS),
    ],
)
def test_one_draw_says_why_an_account_ends(status: float, idle: float, draw: float, why: float) -> None:
    """At trust 0.5: 0.1 x 0.5 for lost trust, then 0.2 for a wish, then 0.3 where dormant; of closed ones 0.4."""
    given = {"trust": 0.5, "heard": 0.0, "event": 0.0, "known": 0.0, "without_line": 0.0, "found": 0.0}
    said = {**given, "status": status, "idle": idle, "u_leave": draw, "moved": 0.0, "terms": Terms(**RATES)}
    assert feel.function(**said, late=0.0, principal=0.0)[2] == why
    assert feel.function(**said, late=0.0, principal=1.0)[2] == STAYS
    assert feel.function(**said, late=1.0, principal=0.0)[2] == STAYS
    taken_over = feel.function(**{**said, "moved": 1.0}, late=0.0, principal=0.0)[2]
    assert taken_over == (STAYS if status == LEFT else TRANSFERRED)


def test_closed_accounts_end_as_their_draws_say() -> None:
    """Nothing else happens to them: who is there after a month has never drawn below the rate."""
    rate, months, seed = 0.08, 12, 5
    market = Simulation(load_scenario("defaults", closed_end_rate=rate, **CLOSED_ONLY), seed, engine="objects")
    there = set(range(300))
    for month in range(months):
        market.step()
        there -= {slot for slot in there if uniform(seed, slot, 0, month, "u_leave") < rate}
        assert set(np.flatnonzero(market.column("status") == CLOSED).tolist()) == there
    assert 0 < len(there) < 300
    frame = monthly_frame(market)
    assert frame["left_closed"].sum() == frame["left"].sum() == 300 - len(there)


def test_a_rate_of_0_leaves_them_there_for_ever() -> None:
    market = Simulation(load_scenario("defaults", **CLOSED_ONLY, reapply_rate=0.0), 5, engine="objects").run(24)
    assert (market.column("status") == CLOSED).all()


def test_who_has_no_line_is_not_refused_for_not_using_it() -> None:
    """All were closed long ago and ask at once: the cap on unused lines is for open ones, and counts anew from then."""
    capped = {"base_line": 500.0, "idle": 40.0, "terms": Terms(trigger_idle=24, idle_keep=0.0)}
    assert CAP["idle"].function(**capped, status=OPEN) == 0.0
    assert CAP["idle"].function(**capped, status=CLOSED) == NO_CAP
    asks = {"reapply_rate": 1.0, "cooling_months": 0, "trigger_idle": 1, "idle_keep": 0.0, "cutoff": 350, "need_rate": 0.0}
    on = {"off": [name for name in MECHANISMS if name != "trigger"], "habit_gig": 0.0, "habit_owner": 0.0}
    market = Simulation(
        load_scenario("defaults", **CLOSED_ONLY | asks | on, habit_salaried=0.0, pool_share=1.0, admissions=1.0),
        5,
        engine="objects",
    ).run(1)
    back = market.column("status") == OPEN
    assert back.mean() > 0.5
    assert set(market.column("idle")[back].tolist()) <= {0, 1}


def test_accounts_are_those_before_and_who_came_less_who_left() -> None:
    """With every way to come and to end at work: a - left + admitted - written off, month by month."""
    changes = {
        "closed_end_rate": 0.1,
        "quit_rate": 0.01,
        "transfer_rate": 0.01,
        "dormant_rate": 0.2,
        "dormant_months": 6,
        "first_closed": 0.2,
    }
    market = Simulation(
        load_scenario("defaults", borrowers=1_500, entry_rate=0.5, admissions=0.1, first_late=0.3, **changes),
        2,
        engine="compiled",
    ).run(30)
    by_month = monthly_frame(market).groupby("month").sum(numeric_only=True)
    ways = ["left_by_wish", "left_transferred", "left_dormant", "left_closed", "admitted", "charged_off"]
    assert (by_month[ways].sum() > 0).all()
    accounts, left = by_month["accounts"].to_numpy(), by_month["left"].to_numpy()
    came, gone = by_month["admitted"].to_numpy(), by_month["charged_off"].to_numpy()
    assert (accounts[1:] == accounts[:-1] - left[:-1] + came[1:] - gone[1:]).all()


@pytest.mark.parametrize(("reason", "months"), [("cutoff", 30.0), ("trigger", 30.0), ("multiplier", 12.0), ("grant", 6.0)])
def test_each_reason_has_its_bar(reason: str, months: float) -> None:
    terms = Terms(bar_score=30, bar_tightening=12, bar_pool=6)
    assert bar_after(CAP[reason].code, terms) == months


def test_who_was_closed_is_readmitted_only_when_the_bar_has_passed() -> None:
    """All ask each month from the first on, closed for a month then; the lender admits none before the seventh."""
    asking = {**CLOSED_ONLY, "first_closed_months": 0.0, "cooling_months": 0, "reapply_rate": 1.0, "admissions": 1.0}
    market = Simulation(load_scenario("defaults", bar_score=7, **asking), 5, engine="objects").run(9)
    by_month = monthly_frame(market).groupby("month").sum(numeric_only=True)
    assert (by_month["applied"].iloc[:6] == 300).all()
    assert by_month["readmitted"].iloc[:6].sum() == 0
    assert by_month["readmitted"].iloc[6] > 100
    free = Simulation(load_scenario("defaults", **asking), 5, engine="objects").run(1)
    assert monthly_frame(free)["readmitted"].sum() > 100


def test_a_bar_alone_leaves_the_reason_of_the_closure() -> None:
    fields = dict.fromkeys(set_line.reads, 0.0) | {"status": CLOSED, "review": REAPPLY, "reason": 5.0, "mask": 16.0}
    fields |= {"cap_mask": CAP["barred"].bit, "terms": Terms()}
    barred = set_line.function(**{**fields, "cap_reason": CAP["barred"].code})
    refused = set_line.function(**{**fields, "cap_reason": CAP["cutoff"].code, "cap_mask": CAP["cutoff"].bit})
    assert barred[1:4] == (CLOSED, 5.0, 16.0)
    assert refused[1:4] == (CLOSED, CAP["cutoff"].code, CAP["cutoff"].bit)


def test_in_the_order_of_profit_a_line_that_is_not_used_goes_before_one_that_earns() -> None:
    """Line x mean use x expected profit of a yuan, less what the account costs in a year; a loss expected goes first."""
    terms = Terms(campaign_order="profit", pd_at_cutoff=0.5, pd_points=60.0, cutoff=605.0, servicing_cost=2.0)

    def place(limit: float, usage: float, risk: float) -> float:
        return campaign_standing(limit * 100.0, usage, risk, 0.0, 0.0, 0.0, terms)

    assert place(10_000.0, 0.0, 800.0) == place(90_000.0, 0.0, 650.0) == -24.0
    assert place(10_000.0, 0.5, 605.0) < -24.0 < place(10_000.0, 0.1, 800.0) < place(10_000.0, 0.5, 800.0)
    by_hand = 0.5 * (365.0 / 12.0 * 0.0004) * 12.0 - 0.5 * 0.8 - 0.05
    assert place(10_000.0, 0.5, 605.0) == pytest.approx(5_000.0 * by_hand - 24.0)


def test_a_yuan_by_card_is_expected_to_earn_what_a_card_costs() -> None:
    """The same line, use and score: the difference is that of the prices, by who is expected to pay."""
    terms = Terms(campaign_order="profit", pd_at_cutoff=0.5, pd_points=60.0, cutoff=605.0, card_daily_rate=0.001)
    loan, card = (campaign_standing(1e6, 0.5, 605.0, product, 0.0, 0.0, terms) for product in (INSTALMENT_LOANS, CARD))
    assert card - loan == pytest.approx(5_000.0 * 0.5 * (365.0 / 12.0 * (0.001 - 0.0004)) * 12.0)


def test_a_campaign_in_the_order_of_profit_reaches_its_share_though_all_unused_lines_earn_the_same() -> None:
    """Who is reviewed beside the calendar's reviews, which the same world without a campaign has: at most the share."""
    idle = {"need_rate": 0.0, "habit_salaried": 0.0, "habit_gig": 0.0, "habit_owner": 0.0}
    idle |= {"first_late": 0.0, "unused_share": 1.0, "high_use_share": 0.0}
    tighter = [{"month": 2, "kind": "tightness", "value": 0.6}]

    def months(share: float) -> tuple[int, int, int]:
        """Open lines and those of them that are not used before the campaign's month, and lines decided in it."""
        scenario = load_scenario(
            "defaults", borrowers=400, campaign_order="profit", campaign_share=share, calendar=tighter, **idle
        )
        market = Simulation(scenario, 3, engine="objects").run(2)
        lines = market.column("status") == OPEN
        unused = lines & (market.column("usage") == 0)
        reviewed = monthly_frame(market.run(1)).groupby("month")["reviewed"].sum()
        return int(lines.sum()), int(unused.sum()), int(reviewed.iloc[-1])

    lines, unused, calendar = months(0.0)
    *_, reviewed = months(0.2)
    reached = int(0.2 * lines)
    assert unused > 4 * reached
    assert reached - calendar <= reviewed - calendar <= reached
