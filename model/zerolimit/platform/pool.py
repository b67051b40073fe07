"""The pool and its accounts, in whole fen. Every month the ledger closes exactly."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import FEN
from zerolimit.parameters.declarations import CalendarItem
from zerolimit.parameters.scenario import Scenario

PER = 10_000
LARGEST_POOL = 10**17
"""Fen that a pool and what funds it may reach: sums over borrowers and months stay within whole numbers of 64 bits."""


def decimal(share: float) -> Fraction:
    """The decimal number that a float is written as, exactly: 0.3 is 3/10."""
    return Fraction(str(float(share)))


def share_of(amount: int, share: float) -> int:
    """Floor of a share of an amount, exactly."""
    return int(amount * decimal(share) // 1)


def joint_capacity(own_funds: int, own_share: float) -> int:
    """The most that joint loans can reach: own funds / own share (facts C12)."""
    return int(own_funds / decimal(own_share) // 1)


@dataclass
class Accounts:
    """Running totals since the start, in fen; `check` proves that they close."""

    first_pool: int = 0
    funding: int = 0
    written_off: int = 0
    recovered: int = 0
    interest: int = 0
    costs: int = 0
    distributed: int = 0

    def cash(self, principal: int) -> int:
        """cash = K_0 + funding changes - principal - written off + recoveries + interest - costs - distributions."""
        inflow = self.first_pool + self.funding + self.recovered + self.interest
        return inflow - principal - self.written_off - self.costs - self.distributed


@dataclass
class Pool:
    """A cap on principal K_t, cash, and who funds it. `limit` None is a pool without end (scarcity off)."""

    limit: int | None
    cash: int
    accounts: Accounts
    capital: int = 0
    own_funds: int = 0
    own_used: int = 0
    partner_lines: int = 0
    first_capital: int = 0
    first_own: int = 0
    first_partners: int = 0
    deficit: int = 0
    leverage: float = 1.0
    own_share: float = 1.0
    growth: float = 0.0
    drawn_history: list[int] = field(default_factory=list)
    open_history: list[int] = field(default_factory=list)
    loss_history: list[int] = field(default_factory=list)
    principal_history: list[int] = field(default_factory=list)

    @classmethod
    def start(cls, scenario: Scenario, first_lines: int, principal: int) -> Pool:
        """The pool at the start: its size, what funds it, and the book that it holds already."""
        if scenario.pool_yuan is not None:
            size = round(decimal(scenario.pool_yuan) * FEN)
        else:
            size = share_of(first_lines, scenario.pool_share or 0.0)
        partners = share_of(size, scenario.partner_share)
        own = share_of(size - partners, scenario.own_share)
        capital = share_of(int(size / decimal(scenario.leverage)), 1.0 + scenario.leverage_slack)
        pool = cls(
            limit=size,
            cash=size - principal,
            accounts=Accounts(first_pool=size),
            capital=capital,
            own_funds=own,
            own_used=share_of(principal, scenario.own_share * (1.0 - scenario.partner_share)),
            partner_lines=partners,
            first_capital=capital,
            first_own=own,
            first_partners=partners,
            leverage=scenario.leverage,
            own_share=scenario.own_share,
        )
        if pool.cash < 0:
            pool.accounts.funding -= pool.cash
            pool.cash = 0
        return pool

    def refuse_too_large(self, month: int) -> None:
        """BadInput where the pool, or what funds it, is beyond LARGEST_POOL."""
        parts = {"capital": self.capital, "own funds": self.own_funds, "partner lines": self.partner_lines}
        for name, size in {"pool": self.limit or 0, **parts}.items():
            if size > LARGEST_POOL:
                raise BadInput(
                    f"calendar, month {month}: {name}: {size / FEN:.3g} yuan; at most {LARGEST_POOL / FEN:.0e} yuan"
                    " can be counted exactly: let it grow less, or end the growth with a value of 0"
                )

    def events(self, items: list[CalendarItem]) -> None:
        """The calendar's changes to the pool."""
        for item in items:
            if item.kind == "own_share":
                self.own_share = item.value
            elif item.kind == "leverage":
                self.leverage = item.value
            elif item.kind == "capital":
                self.capital = max(0, self.capital + share_of(self.first_capital, item.value))
            elif item.kind == "own_funds":
                self.own_funds = max(0, self.own_funds + share_of(self.first_own, item.value))
            elif item.kind == "partners":
                self.partner_lines = share_of(self.first_partners, item.value)
            elif item.kind == "funding_growth":
                self.growth = item.value
            elif item.kind == "funding":
                self.limit = share_of(self.accounts.first_pool, item.value)

    def resize(self, scenario: Scenario, principal: int) -> None:
        """K_t of the month, and the funding that follows it; what is lent cannot be paid back before it runs off.

        fixed: K, growing by what the calendar says. funded: min(leverage x (capital - past losses), principal +
        (own funds - own part of the book) / own share of new loans + change of partner lines).
        """
        if self.limit is None:
            return
        before = self.limit
        if scenario.pool_rule == "funded":
            free = self.own_funds - self.own_used
            room = joint_capacity(free, self.own_share) if free > 0 else free
            by_partners = share_of(principal, scenario.partner_share)
            by_capital = share_of(max(0, self.capital - self.deficit), self.leverage)
            self.limit = max(0, min(by_capital, principal - by_partners + room + self.partner_lines))
        elif self.growth:
            self.limit = share_of(before, 1.0 + self.growth)
        self.follow()

    def follow(self) -> None:
        """Funding comes when the pool grows; when it shrinks, cash is handed back, as far as there is some."""
        if self.limit is not None:
            change = self.limit - self.accounts.first_pool - self.accounts.funding
            self.fund(max(change, -max(0, self.cash)))

    def fund(self, amount: int) -> None:
        """Funding comes or goes."""
        self.cash += amount
        self.accounts.funding += amount

    def collect(self, interest: int, principal_paid: int, recovered: int, written_off: int) -> None:
        """Repayments of the month."""
        self.cash += interest + principal_paid + recovered
        self.accounts.interest += interest
        self.accounts.recovered += recovered
        self.accounts.written_off += written_off

    def settle(self, scenario: Scenario, interest: int, recovered: int, written_off: int, costs: int) -> int:
        """Costs and distributions; returns the month's net income. Losses are met from income first, then from capital."""
        net = interest + recovered - written_off - costs
        self.cash -= costs
        self.accounts.costs += costs
        if net > 0:
            refill = min(net, self.deficit)
            self.deficit -= refill
            paid_out = min(share_of(net - refill, scenario.distributed), max(0, self.cash))
            self.cash -= paid_out
            self.accounts.distributed += paid_out
        else:
            self.deficit -= net
        if self.cash < 0:
            self.fund(-self.cash)
        return net

    def lend(self, drawn: int, joint_share: float) -> None:
        """Loans are paid out; the own share of new joint loans binds own funds."""
        self.cash -= drawn
        self.own_used += share_of(drawn, self.own_share * joint_share)

    def release(self, principal_before: int, ended: int) -> None:
        """Own funds come free with what was repaid or written off, at the book's mean own share."""
        if principal_before > 0:
            self.own_used -= self.own_used * ended // principal_before

    def planned_use(self, scenario: Scenario) -> int:
        """Expected use of open lines, in units of 1 per 10,000: a parameter, or the mean draw rate of 12 months."""
        if scenario.planned_use is not None:
            return round(scenario.planned_use * PER)
        low, high = round(scenario.planned_use_low * PER), round(scenario.planned_use_high * PER)
        undrawn = sum(self.open_history[-12:])
        rate = sum(self.drawn_history[-12:]) * PER // undrawn if undrawn > 0 else low
        return min(high, max(low, rate))

    def loss_rate(self) -> float:
        """Losses of the last 12 months over the mean principal of those months."""
        months = self.principal_history[-12:]
        principal = sum(months)
        return sum(self.loss_history[-12:]) * len(months) / principal if principal > 0 else 0.0
