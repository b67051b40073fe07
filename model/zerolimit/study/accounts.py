"""The accounts of a world, month by month: states of the first ones, and cuts to zero from the decision to the effect.

A window of months hides what a remedy puts off: a cut announced n months ahead cannot take effect in the first n months, and
one that was put off takes effect behind the last. So months without a usable line are counted from the effect and from the
decision, and decisions by the month in which they were taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import Scenario
from zerolimit.results.columns import divided
from zerolimit.rules.rule import Rule
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import LEFT, OPEN, ZERO_LIMIT

STATES = ("open", "unusable", "arrears", "charged off", "left")
"""A borrower's state at the end of a month: current with a usable line, current without one, late, written off, gone."""
OPEN_LINE, UNUSABLE, ARREARS, CHARGED_OFF, GONE = range(5)
CHARGED_OFF_STANDING = 3
ON_TIME = 1
LAST_HALF = "zero_limit_last_half"
"""The rate of zero limits over the last half of the months: what has settled, if anything has."""
DELAYING = ("notice_months", "adaptation_months")
"""Parameters that put off the effect of a cut (rules.decision.is_announced)."""
PENDING, TOOK_EFFECT, WITHDRAWN = range(3)
"""What became of a decision: announced still; line lost; lifted, or arrears, charge-off or leaving came first."""


def last_half(months: int) -> int:
    """The first month of the last half of a run."""
    return (months + 1) // 2


def longest_delay(scenario: Scenario) -> int:
    """Months from a decision to its full effect, at most."""
    return sum(int(getattr(scenario, name)) for name in DELAYING)


def delays_differ(a: Scenario, b: Scenario, rules: tuple[tuple[Rule, ...], tuple[Rule, ...]]) -> bool:
    """Whether two worlds put off cuts otherwise: by a parameter of DELAYING, or a user-defined rule that sets a notice."""
    if any(getattr(a, name) != getattr(b, name) for name in DELAYING):
        return True
    own = [[rule for rule in some if "notice_left" in rule.writes] for some in rules]
    return own[0] != own[1]


@dataclass(frozen=True)
class Cuts:
    """What was counted of a world's cuts to zero: whole numbers by month, (months,) each."""

    accounts: Array
    """Of the first population, at month 0: the same in every month."""
    at_zero: Array
    """Of them, those who end the month current and with no line."""
    blocked: Array
    """Those who end it current, with a line of which nothing can be used: blocked after repayment, or frozen."""
    waiting: Array
    """Those who end it current, with a line that a decision takes to zero later: it is announced, and is not withdrawn."""
    returned: Array
    """Those of `at_zero` and `waiting` whose line would be back, had the cut come at once and lasted as long as it did."""
    open_lines: Array
    """On-time payers who began the month with a line and not on notice: a cut to zero could be decided."""
    decided: Array
    """Of them, those for whom it was, to take effect at once or later."""
    took_effect: Array
    """Of these decisions, by the month in which they were taken, those by which the line was lost."""
    withdrawn: Array
    """Those that ended otherwise: lifted, or arrears, charge-off or leaving came first. The rest is announced still."""


@dataclass(frozen=True)
class OfCuts:
    """An outcome from sums over months: (what is added, less what is taken off) / what it is divided by."""

    added: tuple[str, ...]
    taken: tuple[str, ...]
    under: str
    """`accounts`: those of month 0, once; else a sum over the same months."""
    unit: str
    says: str

    def of(self, sums: Callable[[str], Any]) -> Any:
        """The outcome, `sums` giving the sum of a count of Cuts over the months wanted (of accounts: their number)."""
        over = sum(sums(name) for name in self.added) - sum(sums(name) for name in self.taken)
        return divided(np.asarray(over), np.asarray(sums(self.under)))


def _months(added: tuple[str, ...], taken: tuple[str, ...], says: str) -> OfCuts:
    return OfCuts(added, taken, "accounts", "months", f"{says}, per account of the population at month 0, from month 0 on")


OF_CUTS: dict[str, OfCuts] = {
    "months_without": _months(("at_zero", "blocked"), (), "months current and without a usable line"),
    "months_at_zero": _months(("at_zero",), (), "of them, with no line"),
    "months_put_off": _months(
        ("returned",), ("waiting",), "of these, what only comes later: less what decisions to zero wait"
    ),
    "months_decided": _months(
        ("at_zero", "waiting"), ("returned",), "of these, the rest: as if decisions took effect at once"
    ),
    "months_blocked": _months(("blocked",), (), "of those without a usable line, with a line of which nothing can be used"),
    "zero_decided": OfCuts(
        ("decided",), (), "open_lines", "share", "cuts to zero decided, over on-time payers with a line and not on notice"
    ),
    "zero_withdrawn": OfCuts(
        ("withdrawn",),
        (),
        "decided",
        "share",
        "of these decisions, those that never took effect",
    ),
}
"""What a window does not hide. With Z, B, N, R (at zero, blocked, waiting, returned) of A accounts, summed over the months:

    months_without = (Z + B) / A     = months_at_zero + months_blocked
    months_at_zero = Z / A           = months_put_off + months_decided
    months_put_off = (R - N) / A:      the same decisions, later: what they wait, less what their ends then come later too
    months_decided = (Z + N - R) / A:  as if each decision had taken effect at once; a difference is fewer or more

so that of a difference between two worlds, b - a, each part is known, and a world that only puts its decisions off by n
months differs in `months_put_off` alone, wherever the run ends. (R cannot know of lines that come back behind that end.)
"""


def over_run(name: str, counts: Mapping[str, Array], since: int, unfollowed: int) -> Array:
    """An outcome of OF_CUTS over a run, from the counts of Cuts by month (in the last axis).

    What is per account counts from month 0 on, since leaving out a beginning is what hides a delay; decisions are those
    taken from month `since` on, and of those that never took effect not those of the last `unfollowed` months.
    """
    declared = OF_CUTS[name]
    months = counts[declared.under].shape[-1]
    first = 0 if declared.under == "accounts" else since
    last = max(first, months - unfollowed) if name == "zero_withdrawn" else months

    def sums(count: str) -> Array:
        return counts[count][..., 0] if count == "accounts" else counts[count][..., first:last].sum(axis=-1)

    return np.asarray(declared.of(sums), np.float64)


def zeroed_now(simulation: Simulation) -> list[Array]:
    """Who had a zero-limit event in the month that has just been run."""
    last = simulation.episodes.starts[-1:]
    return [one["borrower"][one["kind"] == int(ZERO_LIMIT)] for one in last if one["month"][0] == simulation.month - 1]


class Accounts:
    """The states of the accounts that a world begins with: made before its first month, `record()` is called after each."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.first = self.raw("generation").copy()
        here = self.raw("status") != int(LEFT)
        self.number = int(here.sum())
        self.state = np.where(here, OPEN_LINE, GONE).astype(np.int8)
        """Positions in STATES."""
        self.same = here
        """Whose slot is still theirs."""
        self._charged = np.zeros(simulation.size, np.bool_)

    def raw(self, name: str) -> Array:
        """A column as it is stored now."""
        return np.asarray(self.simulation.engine.raw(name, self.simulation.month))

    def record(self) -> None:
        """Take in the month that has just been run."""
        self.same = self.raw("generation") == self.first
        self._charged |= self.same & (self.raw("standing") == CHARGED_OFF_STANDING)
        np.copyto(self.state, (self.raw("without_line") > 0).view(np.int8))
        self.state[self.raw("late") > 0] = ARREARS
        self.state[~self.same | (self.raw("status") == int(LEFT))] = GONE
        self.state[self._charged] = CHARGED_OFF


class Decisions:
    """Cuts to zero from the decision to the effect: made before the first month, `record()` follows that of the accounts."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.least = accounts.simulation.terms["minimum_loan"]
        self._before = self._now()
        self._waits_for = np.full(accounts.simulation.size, -1, np.int64)
        """The number of the decision that a slot waits for; -1: none."""
        self._taken: list[int] = []
        """Of each decision, the month in which it was taken,"""
        self._counts: list[bool] = []
        """whether it was on an on-time payer,"""
        self._became: list[int] = []
        """and what became of it."""
        self._waiting: list[Array] = []
        """By month, the decisions for which first accounts wait."""
        self._waited = np.zeros(accounts.simulation.size, np.int16)
        """Months from the decision by which a slot has no line to its effect; 0: none, or it took effect at once."""
        self._covered: list[Array] = []
        """By month, the first accounts that wait or have no line, as bits."""
        self._returned: list[int] = []
        self._at_zero: list[int] = []
        self._blocked: list[int] = []
        self._open: list[int] = []

    def _now(self) -> tuple[Array, ...]:
        return tuple(self.accounts.raw(name).copy() for name in ("generation", "limit", "notice_left", "status"))

    def record(self) -> None:
        """Take in the month that has just been run."""
        of, month = self.accounts, len(self._open)
        before, now = self._before, self._now()
        stays, gone = before[0] == now[0], now[3] == int(LEFT)
        had_line = (before[1] >= self.least) & (before[3] == int(OPEN))
        open_lines = stays & had_line & (before[2] == 0) & (of.raw("standing") == ON_TIME)
        keeps = (now[1] >= self.least) & ~gone
        announced = keeps & (now[2] > 0) & (of.raw("announced") < self.least)
        waited = np.flatnonzero(self._waits_for >= 0)
        over = waited[~(announced & stays)[waited]]
        lost = (stays & ~keeps & (of.raw("late") == 0) & ~gone)[over]
        for row, number, took in zip(over.tolist(), self._waits_for[over].tolist(), lost.tolist(), strict=True):
            self._became[number] = TOOK_EFFECT if took else WITHDRAWN
            self._waited[row] = month - self._taken[number] if took else 0
        self._waits_for[over] = -1
        self._come_back(month, stays & keeps & (now[3] == int(OPEN)), ~stays | keeps | gone)
        begins = np.flatnonzero(announced & (self._waits_for < 0))
        self._waits_for[begins] = len(self._taken) + np.arange(len(begins))
        self._take(month, open_lines[begins], PENDING)
        for rows in zeroed_now(of.simulation):
            self._take(month, open_lines[rows][open_lines[rows]], TOOK_EFFECT)
        current = (of.state == OPEN_LINE) | (of.state == UNUSABLE)
        self._waiting.append(self._waits_for[(self._waits_for >= 0) & current])
        self._covered.append(np.packbits(current & ((self._waits_for >= 0) | ~keeps)))
        self._returned.append(0)
        lacking = keeps[of.state == UNUSABLE]
        self._blocked.append(int(lacking.sum()))
        self._at_zero.append(len(lacking) - self._blocked[-1])
        self._open.append(int(open_lines.sum()))
        self._before = now

    def _come_back(self, month: int, usable: Array, over: Array) -> None:
        """Lines that were lost by a decision that waited w months, and are back: at once, they had been w months earlier."""
        ended = np.flatnonzero((self._waited > 0) & over)
        back = ended[usable[ended]]
        for wait in np.unique(self._waited[back]).tolist():
            rows = back[self._waited[back] == wait]
            for earlier in range(max(0, month - wait), month):
                self._returned[earlier] += int((self._covered[earlier][rows >> 3] >> (7 - (rows & 7)) & 1).sum())
        self._waited[ended] = 0

    def _take(self, month: int, counts: Array, became: int) -> None:
        self._taken += [month] * len(counts)
        self._counts += counts.tolist()
        self._became += [became] * len(counts)

    def cuts(self) -> Cuts:
        """What was counted so far."""
        taken, became = np.array(self._taken, np.int64), np.array(self._became, np.int64)
        counts, months = np.array(self._counts, np.bool_), len(self._open)

        def by_month(some: Any) -> Array:
            return np.bincount(taken[counts & some], minlength=months)

        return Cuts(
            np.full(months, self.accounts.number),
            np.array(self._at_zero, np.int64),
            np.array(self._blocked, np.int64),
            np.array([int((became[some] != WITHDRAWN).sum()) for some in self._waiting], np.int64),
            np.array(self._returned, np.int64),
            np.array(self._open, np.int64),
            by_month(became >= 0),
            by_month(became == TOOK_EFFECT),
            by_month(became == WITHDRAWN),
        )
