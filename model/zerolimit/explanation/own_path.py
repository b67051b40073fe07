"""One's own path: one borrower alone, by the rules in plain Python, with the platform and the others as they were.

Announcements (tightness and all other terms), the level at which the pool was used up, the last who was admitted, heard
or served at the draw, and the neighbours' reports are held as recorded; only this borrower changes: "for me, with the
others as they were". With nothing changed the path is the recorded one, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from zerolimit.allocation.ended import Ended, Last, ended
from zerolimit.engine.base import Array, as_stored
from zerolimit.engine.objects import Objects
from zerolimit.engine.plan import Plan
from zerolimit.explanation.reasons import usable_line
from zerolimit.explanation.replay import NAMES, Seen
from zerolimit.parameters.terms import TERMS, as_vector, switched_off
from zerolimit.rules.allocations import lowest_place
from zerolimit.rules.rule import Rule
from zerolimit.run.phases import Claims, Month
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.draws import bits, unit
from zerolimit.vocabulary.names import NOT_QUEUED, OPEN, REAPPLY

Values = dict[str, float]
Edit = Callable[[Values], None]
NOBODY = Last(float("inf"))


@dataclass
class Held:
    """What is held of one month: announcements, and where each queue ended."""

    month: int
    terms: dict[str, float]
    off: tuple[str, ...] = ()
    """Mechanisms that were off for all."""
    endless: bool = False
    """The pool has no end."""
    sharing: Ended = field(default_factory=lambda: Ended(1))
    admissions: Last = NOBODY
    desk: Last = NOBODY
    queue: str = "waiting"
    """The desk's order (scenario: appeal_order)."""
    aside: Last = NOBODY
    """The last whose appeal the set-aside could serve."""
    turned_away: int | None = None
    """Arrival of the first request that was refused."""
    heard: float = 0.0
    asked: float = 0.0
    refused: float = 0.0
    pool: int = 0
    """Fen."""
    claims: Claims | None = None
    """Where this borrower contends."""


class Recorder:
    """Takes down what is held, month by month, for one slot: give it to `Simulation.watch`."""

    def __init__(self, world: Simulation, slot: int) -> None:
        self.world, self.slot = world, slot
        self.held: list[Held] = []
        self.order_of: dict[int, float] = {}

    def __call__(self, stage: str, rows: Array | None) -> None:
        """The stage that the world is about to run."""
        world, today = self.world, self.world.today
        if stage == "account":
            self.held.append(Held(world.month, dict(world.terms), world.scenario.off))
        assert today is not None
        if stage == "decision":
            self.take_allocation(today)
        elif stage == "hear" and rows is not None:
            self.take_desk(today, rows)
        elif stage == "restore" and rows is not None:
            self.take_aside(today, rows)
        elif stage == "living":
            now = self.held[-1]
            now.turned_away = today.turned_away
            now.heard = world.engine.get("heard", self.slot, world.month)
            now.asked = world.engine.get("asked", self.slot, world.month)
            now.refused = world.engine.get("refused", self.slot, world.month)

    def tickets(self, purpose: str, rows: Array) -> Callable[[Array], Array]:
        return lambda at: self.world.engine.long_words(purpose, rows[at], self.world.month)

    def last(self, order: Array, served: Array, rows: Array, purpose: str, places: int) -> Last:
        """The last of a queue for so many places; everybody, where one was left beside those that others took."""
        more = places > int((rows != self.slot).sum())
        return Last.of(order, served, rows, self.tickets(purpose, rows), more=more)

    def take_allocation(self, today: Month) -> None:
        """The level, and the last who was admitted."""
        world, now, claims = self.world, self.held[-1], today.claims
        assert claims is not None
        roll = today.results["account"].rolls["contenders"]
        new = np.flatnonzero(roll["review"] >= int(REAPPLY))
        rows = roll["rows"][new]
        admitted = today._within_budget(roll["rows"], roll["rank"], roll["review"])[new]
        now.admissions = self.last(roll["rank"][new], admitted, rows, "u_lottery", today.budget)
        limit = world.pool.limit
        now.endless = limit is None
        grants = world.column("granted")[claims.rows].astype(np.int64)
        now.sharing = ended(
            claims.rule,
            claims.rank,
            claims.need,
            claims.capacity(limit),
            claims.least,
            claims.rows,
            claims.lottery,
            grants,
            claims.floor,
            claims.own,
            claims.one,
        )
        if limit is None:
            return
        now.pool = limit
        if (claims.rows == self.slot).any():
            words = claims.lottery(np.arange(len(claims.rows)))
            kept = {name: getattr(claims, name).copy() for name in ("rows", "rank", "need")}
            now.claims = replace(claims, **kept, lottery=lambda at: words[at])

    def take_desk(self, today: Month, heard: Array) -> None:
        """The last appeal that was heard."""
        appellants = today.results["decision"].rolls["appellants"]
        rows, order = appellants["rows"], today.desk_order
        self.order_of = dict(zip(rows.tolist(), order.tolist(), strict=True))
        self.held[-1].queue = self.world.scenario.appeal_order
        self.held[-1].desk = self.last(order, np.isin(rows, heard), rows, "u_desk", today.hearings)
        self.heard = heard

    def take_aside(self, today: Month, granted: Array) -> None:
        """The last appeal that the set-aside served."""
        won = self.heard[self.world.column("appealed_line")[self.heard] > 0]
        order = np.array([self.order_of[int(row)] for row in won])
        more = today.totals.aside is None or today.totals.aside > 0
        self.held[-1].aside = Last.of(order, np.isin(won, granted), won, self.tickets("u_desk", won), more=more)


@dataclass(frozen=True)
class Change:
    """What is different on one's own path; nothing by default."""

    off: tuple[str, ...] = ()
    """Mechanisms that are off for this borrower alone, in all months."""
    terms: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """Other announcements, by month."""
    begins: Mapping[str, float] = field(default_factory=dict)
    """Fields set when the first month begins."""
    after: Mapping[tuple[int, str], Edit] = field(default_factory=dict)
    """What happens to the fields behind a rule, by month and rule."""
    no_loans_from: int | None = None
    """From this month on nothing is borrowed."""
    granted: int | None = None
    """Fen that the pool grants in the last month, in place of what the level gives."""


class OwnPath(Objects):
    """One borrower alone: `run` takes it from one month to the decision of another."""

    def __init__(self, plan: Plan, seed: int, slot: int, held: Sequence[Held], seen: Sequence[Seen]) -> None:
        super().__init__(plan, TERMS, seed, 1)
        self.slot = slot
        self.held = {now.month: now for now in held}
        self.seen = {now.month: now for now in seen}
        self.only = np.zeros(1, np.int64)
        self.drawn: dict[tuple[int, int, str], int] = {}
        self.change = Change()

    def word(self, purpose: str, month: int) -> int:
        """The 32 bits of one of the borrower's draws."""
        key = (int(self.rows[0]["generation"]), month, purpose)
        if key not in self.drawn:
            self.drawn[key] = bits(self.seed, self.slot, key[0], month, purpose)
        return self.drawn[key]

    def ticket(self, purpose: str, month: int) -> int:
        """The 64 bits of a lottery or queue."""
        return self.word(purpose, month) << 32 | self.word(f"{purpose}_low", month)

    def uniforms(self, purpose: str, rows: Array, month: int) -> Array:
        return np.array([unit(self.word(purpose, month))])

    def apply(self, rule: Rule, row: int, draws: dict[str, float], terms: SimpleNamespace, month: int) -> None:
        super().apply(rule, row, draws, terms, month)
        if rule.name == "ask" and self.change.no_loans_from is not None and month >= self.change.no_loans_from:
            self.rows[0]["asked"] = 0.0
        edit = self.change.after.get((month, rule.name))
        if edit is not None:
            edit(self.rows[0])

    def run(self, first: int, last: int, change: Change | None = None) -> Values:
        """The fields after the decision of month `last`, on a path that begins as recorded with month `first`."""
        self.change = change or Change()
        self.rows[0].update(self.seen[first].before)
        self.rows[0].update({name: as_stored(name, value) for name, value in self.change.begins.items()})
        for month in range(first, last):
            self.decide(month, None)
            self.live(month)
        self.decide(last, self.change.granted)
        return dict(self.rows[0])

    def terms_of(self, month: int) -> Any:
        """The month's announcements, as they are on this path."""
        terms = {**self.held[month].terms, **self.change.terms.get(month, {})}
        return as_vector(switched_off(terms, self.change.off))

    def decide(self, month: int, granted: int | None) -> None:
        """From the beginning of a month to its decision."""
        now, values, terms = self.held[month], self.rows[0], self.terms_of(month)
        self.listed("account", self.only, month, terms)
        given = self.share(now, values, month) if granted is None else granted
        values["granted"] = float(given if values["contends"] > 0.0 else 0)
        self.listed("decision", self.only, month, terms)
        self.endless = now.endless or "scarcity" in self.change.off

    def share(self, now: Held, values: Values, month: int) -> int:
        """Fen that the pool grants at its recorded level."""
        need = int(values["wanted"] - values["principal_after"])
        ticket = self.ticket("u_lottery", month)
        if values["review"] >= REAPPLY and not now.admissions.serves(values["rank"], ticket, self.slot):
            return 0
        if values["rank"] < lowest_place(now.terms["allocation"]):
            return 0
        if now.endless or "scarcity" in self.change.off:
            return now.sharing.in_full(need, values)
        return now.sharing.grant(need, values["rank"], ticket, self.slot, values)

    def live(self, month: int) -> None:
        """From the decision to the end of a month."""
        now, values, terms = self.held[month], self.rows[0], self.terms_of(month)
        values["granted"] = 0.0
        if values["appeals"] > NOT_QUEUED:
            self.appeal(now, values, month, terms)
        refused = now.turned_away is not None and self.ticket("u_arrival", month) >= now.turned_away
        if values["asked"] == now.asked:
            refused = now.refused > 0.0
        values["refused"] = 1.0 if refused and values["asked"] > 0.0 and not self.endless else 0.0
        values["heard"] = now.heard
        self.listed("living", self.only, month, terms)
        values["refused"] = 0.0

    def appeal(self, now: Held, values: Values, month: int, terms: Any) -> None:
        """The desk: heard if no later in the queue than the last who was."""
        order = {"waiting": values["waited"], "score": values["risk"], "lottery": 0.0}[now.queue]
        ticket = self.ticket("u_desk", month)
        if not now.desk.serves(order, ticket, self.slot):
            return
        self.listed("hear", self.only, month, terms)
        if values["appealed_line"] > 0.0 and (self.endless or now.aside.serves(order, ticket, self.slot)):
            values["granted"] = values["appealed_line"] - values["scheduled"] - values["overdue"]
            self.listed("restore", self.only, month, terms)
        values["granted"] = values["appealed_line"] = 0.0

    def check(self, first: int, last: int) -> None:
        """With nothing changed, the path is the recorded one, bit for bit; else what is said of it would be wrong."""
        self.change = Change()
        for month in range(first, last + 1):
            self.rows[0].update(self.seen[month].before)
            self.decide(month, None)
            self.compare(month, "decided", self.seen[month].decided)
            if month < last:
                self.live(month)
                self.compare(month, "ended", self.seen[month].after)

    def compare(self, month: int, when: str, seen: Mapping[str, float]) -> None:
        for name in NAMES:
            if self.rows[0][name] != seen[name]:
                raise AssertionError(
                    f"month {month}: {name} of borrower {self.slot} {when} as {seen[name]!r}, on its own path"
                    f" {self.rows[0][name]!r}"
                )


def in_prospect(values: Values) -> float:
    """The line that a decision leaves (fen), or announces."""
    return values["announced"] if values["notice_left"] > 0.0 else values["limit"]


def is_usable(values: Values, minimum_loan: float) -> bool:
    """Whether a decision leaves a usable line: open, and no smaller than `usable_line`."""
    return values["status"] == OPEN and in_prospect(values) >= usable_line(values, minimum_loan)
