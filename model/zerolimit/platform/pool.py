"""The pool and its accounts, in whole fen. Every month the ledger closes exactly."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import FEN
from zerolimit.parameters.declarations import CalendarItem
from zerolimit.parameters.scenario import Scenario
from zerolimit.platform.books import Books
from zerolimit.platform.declared import on_one_world
from zerolimit.platform.shares import Exact, amount_over, exact, part_of, share_of, times_over
from zerolimit.vocabulary.constants import MONTHS_A_YEAR
from zerolimit.vocabulary.world_fields import NO_END

PER = 10_000
LARGEST_POOL = 10**17
"""Fen that a pool and what funds it may reach: sums over borrowers and months stay within whole numbers of 64 bits."""


# what a world's numbers begin with, and what the calendar makes of them: rare, one world at a time


def agree(books: Books, scenario: Scenario) -> None:
    """What the scenario says of pool and accounts, as exact numbers."""
    books["funded"] = scenario.pool_rule == "funded"
    books["partner_share"] = exact(scenario.partner_share)
    books["aside_share"] = exact(scenario.appeals_share if scenario.appeals_capacity > 0.0 else 0.0)
    books["fall_share"] = exact(scenario.campaign_fall)
    books["funding_price"] = exact(scenario.funding_rate / MONTHS_A_YEAR)
    books["distributed_share"] = exact(scenario.distributed)
    books["planned_use_set"] = NO_END if scenario.planned_use is None else round(scenario.planned_use * PER)
    books["planned_use_least"] = round(scenario.planned_use_low * PER)
    books["planned_use_most"] = round(scenario.planned_use_high * PER)


def own(books: Books, scenario: Scenario, share: float) -> None:
    """From now on new joint loans take so much of the platform's own funds."""
    books["own_share"], books["own_part"] = exact(share), exact(share * (1.0 - scenario.partner_share))


def open_pool(books: Books, scenario: Scenario, first_lines: int, principal: int) -> None:
    """The pool at the start: its size, what funds it, and the book that it holds already."""
    if scenario.pool_yuan is not None:
        size = round(Fraction(str(float(scenario.pool_yuan))) * FEN)
    else:
        size = share_of(first_lines, scenario.pool_share or 0.0)
    agree(books, scenario)
    own(books, scenario, scenario.own_share)
    books["leverage"], books["growth"] = exact(scenario.leverage), exact(1.0)
    partners = share_of(size, scenario.partner_share)
    funds = share_of(size - partners, scenario.own_share)
    capital = share_of(amount_over(size, exact(scenario.leverage)), 1.0 + scenario.leverage_slack)
    for name, first, amount in (
        ("pool", "first_pool", size),
        ("capital", "first_capital", capital),
        ("own_funds", "first_own", funds),
        ("partner_lines", "first_partners", partners),
    ):
        books[name] = books[first] = amount
    books["principal"] = principal
    books["own_used"] = part_of(principal, books.exact("own_part"))
    books["cash"], books["funding_change"] = max(0, size - principal), max(0, principal - size)
    if "scarcity" in scenario.off:
        books["pool"] = NO_END


def fund(books: Books, scenario: Scenario, items: Iterable[CalendarItem]) -> None:
    """The calendar's changes to the pool."""
    for item in items:
        if item.kind == "own_share":
            own(books, scenario, item.value)
        elif item.kind == "leverage":
            books["leverage"] = exact(item.value)
        elif item.kind == "capital":
            books["capital"] = max(0, books.value("capital") + share_of(books.value("first_capital"), item.value))
        elif item.kind == "own_funds":
            books["own_funds"] = max(0, books.value("own_funds") + share_of(books.value("first_own"), item.value))
        elif item.kind == "partners":
            books["partner_lines"] = share_of(books.value("first_partners"), item.value)
        elif item.kind == "funding_growth":
            books["growth"] = exact(1.0 + item.value)
        elif item.kind == "funding":
            books["pool"] = share_of(books.value("first_pool"), item.value)


def set_pool(books: Books, size: int) -> None:
    """Another pool, and the funding that follows it."""
    books["pool"] = size
    books["cash"], books["funding_change"] = follow(
        size, books.value("first_pool"), books.value("cash"), books.value("funding_change")
    )


FUNDS = {"pool": "pool", "capital": "capital", "own_funds": "own funds", "partner_lines": "partner lines"}


def refuse_too_large(books: Books, month: int) -> None:
    """BadInput where a world's pool, or what funds it, is beyond LARGEST_POOL."""
    for field, name in FUNDS.items():
        if (size := books.value(field)) > LARGEST_POOL:
            raise BadInput(
                f"calendar, month {month}: {name}: {size / FEN:.3g} yuan; at most {LARGEST_POOL / FEN:.0e} yuan"
                " can be counted exactly: let it grow less, or end the growth with a value of 0"
            )


# what a month does to them: plain functions on one world


@on_one_world("cash", "funding_change")
def follow(pool: int, first_pool: int, cash: int, funding_change: int) -> tuple[int, int]:
    """Funding comes when the pool grows; when it shrinks, cash is handed back, as far as there is some."""
    if pool == NO_END:
        return cash, funding_change
    comes = max(pool - first_pool - funding_change, -max(0, cash))
    return cash + comes, funding_change + comes


@on_one_world("pool")
def resize(
    pool: int,
    funded: int,
    growth: Exact,
    capital: int,
    deficit: int,
    leverage: Exact,
    own_funds: int,
    own_used: int,
    own_share: Exact,
    principal: int,
    partner_share: Exact,
    partner_lines: int,
) -> int:
    """K of the month; what is lent cannot be paid back before it runs off.

    fixed: K, growing by what the calendar says. funded: min(leverage x (capital - past losses), principal +
    (own funds - own part of the book) / own share of new loans + change of partner lines). Own funds over the own share is
    the most that joint loans can reach (facts C12).
    """
    if pool == NO_END:
        return pool
    if funded == 0:
        return part_of(pool, growth)
    free = own_funds - own_used
    room = amount_over(free, own_share) if free > 0 else free
    by_capital = part_of(max(0, capital - deficit), leverage)
    return max(0, min(by_capital, principal - part_of(principal, partner_share) + room + partner_lines))


@on_one_world("too_large")
def measure_funds(pool: int, capital: int, own_funds: int, partner_lines: int) -> int:
    """Whether the pool, or what funds it, is beyond what can be counted exactly (LARGEST_POOL)."""
    return 1 if max(pool, capital, own_funds, partner_lines) > LARGEST_POOL else 0


@on_one_world("admission_budget", "hearings")
def count_places(month: int, slots: int, terms: Any) -> tuple[int, int]:
    """First applications and re-applications that are admitted, and appeals that are heard: of shares of all slots a month,
    what is left of a fraction counts in later months."""
    admitted, heard = terms.admissions * slots, terms.appeals_capacity * slots
    return int(admitted * (month + 1)) - int(admitted * month), int(heard * (month + 1)) - int(heard * month)


@on_one_world("least_grant")
def allow_grants(terms: Any) -> int:
    """No grant is smaller."""
    return max(1, int(terms.minimum_loan))


@on_one_world("own_used")
def release(own_used: int, principal: int, principal_paid: int, written_off: int) -> int:
    """Own funds come free with what was repaid or written off, at the book's mean own share."""
    ended = principal_paid + written_off
    return own_used - times_over(own_used, ended, principal + ended) if principal + ended > 0 else own_used


@on_one_world("recovered", "to_recover")
def recover(recovered: int, to_recover: int, terms: Any) -> tuple[int, int]:
    """What is recovered of loans written off comes in a while after: of what is to come, 1 / (1 + recovery_months) a month.

    So a fen comes in after recovery_months on average, at once where that is 0. Parts of a fen wait.
    """
    outstanding = to_recover + recovered
    comes = outstanding // (1 + int(terms.recovery_months))
    return comes, outstanding - comes


@on_one_world("cash", "all_interest", "all_recovered", "all_written_off")
def collect(
    cash: int,
    interest_paid: int,
    principal_paid: int,
    recovered: int,
    written_off: int,
    all_interest: int,
    all_recovered: int,
    all_written_off: int,
) -> tuple[int, int, int, int]:
    """Repayments of the month."""
    cash = cash + interest_paid + principal_paid + recovered
    return cash, all_interest + interest_paid, all_recovered + recovered, all_written_off + written_off


@on_one_world("phi")
def plan_use(
    planned_use_set: int, planned_use_least: int, planned_use_most: int, drawn_in_window: int, open_in_window: int
) -> int:
    """Expected use of open lines, in units of 1 per 10,000: a parameter, or the mean draw rate of past months."""
    if planned_use_set != NO_END:
        return planned_use_set
    rate = times_over(drawn_in_window, PER, open_in_window) if open_in_window > 0 else planned_use_least
    return min(planned_use_most, max(planned_use_least, rate))


@on_one_world("capacity", "overrun")
def plan(
    pool: int, need: int, aside_share: Exact, fall_share: Exact, principal: int, committed: int, phi: int
) -> tuple[int, int]:
    """What may be granted: what the pool has left over phi; all that is wanted without an end or an expected use.

    It has left K - set-aside - sum B - phi x what is committed. It was overrun where that is below -campaign_fall x K.
    """
    if pool == NO_END:
        return need, 0
    left = pool - part_of(pool, aside_share) - principal + times_over(-committed, phi, PER)
    overrun = 1 if left < -part_of(pool, fall_share) else 0
    return need if phi == 0 else times_over(max(0, left), PER, phi), overrun


@on_one_world("open_lines", "planned", "planned_use")
def promise(principal: int, committed: int, granted: int, phi: int) -> tuple[int, int, float]:
    """Planned exposure: principal plus the expected use of open lines."""
    open_lines = committed + granted
    return open_lines, principal - times_over(-open_lines, phi, PER), phi / PER


@on_one_world("aside")
def keep_aside(pool: int, aside_share: Exact, phi: int) -> int:
    """What may be granted on appeal: the set-aside over phi."""
    return NO_END if pool == NO_END or phi == 0 else times_over(part_of(pool, aside_share), PER, phi)


@on_one_world("cash", "funding_change", "deficit", "all_costs", "distributed", "net_income")
def settle(
    cash: int,
    funding_change: int,
    deficit: int,
    all_costs: int,
    distributed: int,
    interest_paid: int,
    recovered: int,
    written_off: int,
    costs: int,
    distributed_share: Exact,
) -> tuple[int, int, int, int, int, int]:
    """Costs and distributions, and the month's net income. Losses are met from income first, then from capital."""
    net = interest_paid + recovered - written_off - costs
    cash = cash - costs
    if net > 0:
        refill = min(net, deficit)
        paid_out = min(part_of(net - refill, distributed_share), max(0, cash))
        deficit, cash, distributed = deficit - refill, cash - paid_out, distributed + paid_out
    else:
        deficit = deficit - net
    comes = max(0, -cash)
    return cash + comes, funding_change + comes, deficit, all_costs + costs, distributed, net


@on_one_world("room", "cash", "funding_change")
def make_room(pool: int, principal: int, requested: int, cash: int, funding_change: int) -> tuple[int, int, int]:
    """What may be lent of what is asked for: what the pool and cash leave; without end all, and funding comes for it."""
    if pool == NO_END:
        comes = max(0, requested - cash)
        return requested, cash + comes, funding_change + comes
    return min(requested, max(0, min(pool - principal, cash))), cash, funding_change


@on_one_world("cash", "own_used", "overhang")
def pay_out(cash: int, own_used: int, own_part: Exact, lent: int, pool: int, principal: int) -> tuple[int, int, int]:
    """Loans are paid out; the platform's share of joint loans is charged against its own funds."""
    return cash - lent, own_used + part_of(lent, own_part), 0 if pool == NO_END else max(0, principal - pool)


@on_one_world()
def cash_by_accounts(
    first_pool: int,
    funding_change: int,
    all_recovered: int,
    all_interest: int,
    principal: int,
    all_written_off: int,
    all_costs: int,
    distributed: int,
    cash: int,
) -> tuple[int, int]:
    """Cash by the accounts, and as it was counted.

    cash = K_0 + funding changes - principal - written off + recoveries + interest - costs - distributions.
    """
    came = first_pool + funding_change + all_recovered + all_interest
    return came - principal - all_written_off - all_costs - distributed, cash


class Amount:
    """A whole number of one world, by name."""

    def __set_name__(self, kind: type, name: str) -> None:
        self.name = name

    def __init__(self, field: str | None = None) -> None:
        self.field = field

    def __get__(self, one: Any, kind: type) -> int:
        return int(one.books[self.field or self.name][0])

    def __set__(self, one: Any, value: int) -> None:
        one.books[self.field or self.name] = value


class Accounts:
    """Running totals of one world since the start, in fen."""

    first_pool = Amount()
    funding = Amount("funding_change")
    written_off = Amount("all_written_off")
    recovered = Amount("all_recovered")
    interest = Amount("all_interest")
    costs = Amount("all_costs")
    distributed = Amount()

    def __init__(self, books: Books) -> None:
        self.books = books


class Pool:
    """The pool of one world, in fen: what it may lend in all, cash, and who funds it. A view."""

    cash = Amount()
    capital = Amount()
    first_capital = Amount()
    own_funds = Amount()
    first_own = Amount()
    own_used = Amount()
    partner_lines = Amount()
    first_partners = Amount()
    deficit = Amount()

    def __init__(self, books: Books, month: int) -> None:
        self.books, self.month = books, month

    @property
    def limit(self) -> int | None:
        """The pool K; None: without end (scarcity off)."""
        found = self.books.value("pool")
        return None if found == NO_END else int(found)

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.books)

    @property
    def leverage(self) -> float:
        """Leverage cap in force, times capital."""
        return float(self.books.exact("leverage"))

    @property
    def own_share(self) -> float:
        """Own share of new joint loans in force."""
        return float(self.books.exact("own_share"))

    def planned_use(self) -> int:
        """Expected use of open lines for the decision that comes, per 10,000."""
        self.books.look_back(self.month)
        return int(plan_use(*map(self.books.value, plan_use.reads)))
