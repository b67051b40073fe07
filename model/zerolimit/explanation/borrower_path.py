"""A borrower's path: one borrower alone, by the rules in plain Python, with the platform and the others as they were.

Announcements (tightness and all other terms), the level at which the pool was used up, the last who was admitted, heard
or served at the draw, and the neighbours' reports are held as recorded; only this borrower changes: "for me, with the
others as they were". With nothing changed the path is the recorded one, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np

from zerolimit.allocation.ended import Ended, Last, ended
from zerolimit.engine.base import Array, Options, as_stored
from zerolimit.engine.objects import Objects
from zerolimit.engine.plan import Plan
from zerolimit.engine.rows import Rows
from zerolimit.explanation.reasons import usable_line
from zerolimit.explanation.replay import NAMES, Seen
from zerolimit.parameters.terms import TERMS, as_vector, switched_off
from zerolimit.rules.allocations import lowest_place
from zerolimit.rules.rule import Rule
from zerolimit.run.month import Month, Platform
from zerolimit.run.phases import Claims, Live
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.draws import bits, unit
from zerolimit.vocabulary.fields import FIELDS
from zerolimit.vocabulary.names import OPEN, REAPPLY

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
            self.held.append(Held(world.month, world.terms.copied(), world.scenario.off))
        assert isinstance(today, Live)
        if stage == "decision":
            self.take_allocation(today)
        elif stage == "hear" and rows is not None:
            self.take_desk(today, rows)
        elif stage == "restore" and rows is not None:
            self.take_aside(today, rows)
        elif stage == "living":
            now = self.held[-1]
            [now.turned_away] = today.turned_away
            now.heard = world.engine.get("heard", self.slot, world.month)
            now.asked = world.engine.get("asked", self.slot, world.month)
            now.refused = world.engine.get("refused", self.slot, world.month)

    def tickets(self, purpose: str, rows: Array) -> Callable[[Array], Array]:
        return lambda at: self.world.engine.long_words(purpose, rows[at], self.world.month)

    def last(self, order: Array, served: Array, rows: Array, purpose: str, places: int) -> Last:
        """The last of a queue for so many places; everybody, where one was left beside those that others took."""
        more = places > int((rows != self.slot).sum())
        return Last.of(order, served, self.world.engine.keys_of(rows), self.tickets(purpose, rows), more=more)

    def take_allocation(self, today: Live) -> None:
        """The level, and the last who was admitted."""
        world, now, claims = self.world, self.held[-1], today.claims(0)
        roll = today.results["account"].rolls["contenders"]
        new = np.flatnonzero(roll["review"] >= int(REAPPLY))
        rows = roll["rows"].at[new]
        admitted = today._within_budget(roll["rows"], roll["rank"], roll["review"])[new]
        now.admissions = self.last(roll["rank"][new], admitted, rows, "u_lottery", int(today.budgets[0]))
        limit = world.pool.limit
        now.endless = limit is None
        grants = world.column("granted")[claims.rows].astype(np.int64)
        now.sharing = ended(
            claims.rule,
            claims.rank,
            claims.need,
            claims.capacity(limit),
            claims.least,
            claims.keys,
            claims.lottery,
            grants,
            claims.floor,
            claims.user_rule,
            claims.one,
        )
        if limit is None:
            return
        now.pool = limit
        if (claims.rows == self.slot).any():
            words = claims.lottery(np.arange(len(claims.rows)))
            kept = {name: getattr(claims, name).copy() for name in ("rows", "keys", "rank", "need")}
            now.claims = replace(claims, **kept, lottery=lambda at: words[at])

    def take_desk(self, today: Live, heard: Array) -> None:
        """The last appeal that was heard."""
        appellants = today.results["decision"].rolls["appellants"]
        rows, order = appellants["rows"].at, today.desk_order
        self.order_of = dict(zip(rows.tolist(), order.tolist(), strict=True))
        self.held[-1].queue = self.world.scenario.appeal_order
        self.held[-1].desk = self.last(order, np.isin(rows, heard), rows, "u_desk", int(today.hearings[0]))
        self.heard = heard

    def take_aside(self, today: Live, granted: Array) -> None:
        """The last appeal that the set-aside served."""
        won = self.heard[self.world.column("appealed_line")[self.heard] > 0]
        order = np.array([self.order_of[int(row)] for row in won])
        more = today.books.value("aside") != 0
        keys = self.world.engine.keys_of(won)
        self.held[-1].aside = Last.of(order, np.isin(won, granted), keys, self.tickets("u_desk", won), more=more)


@dataclass(frozen=True)
class Change:
    """The actions laid over a borrower's path, and what else differs on it; nothing by default."""

    off: tuple[str, ...] = ()
    """Mechanisms that are off for this borrower alone, in all months."""
    terms: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """Other announcements, by month."""
    begins: Mapping[str, float] = field(default_factory=dict)
    """Fields set when the first month begins."""
    after: Mapping[tuple[int, str], Edit] = field(default_factory=dict)
    """What happens to the fields after a rule, by month and rule."""
    no_loans_from: int | None = None
    """From this month on nothing is borrowed."""
    repaid: Mapping[int, int] = field(default_factory=dict)
    """Fen repaid early, by month, after the month's instalment: of what is scheduled first, then of what is overdue."""
    granted: int | None = None
    """Fen that the pool grants in the last month, in place of what the level gives."""

    def act(self, month: int, rule: str, values: Values) -> None:
        """The actions that follow a rule."""
        if rule == "ask" and self.no_loans_from is not None and month >= self.no_loans_from:
            values["asked"] = 0.0
        if rule == "charge_off" and month in self.repaid:
            part = min(values["scheduled"], self.repaid[month])
            values["scheduled"] -= part
            values["overdue"] = max(0.0, values["overdue"] - (self.repaid[month] - part))
        edit = self.after.get((month, rule))
        if edit is not None:
            edit(values)


UNCHANGED = Change()


class Copies(Objects):
    """One borrower in as many rows as there are changes: all draw as that borrower, each with terms of its own."""

    def __init__(self, plan: Plan, seed: int, client: int, generation: int, warm_up: int) -> None:
        super().__init__(plan, TERMS, [seed], [0], Options(warm_up=warm_up))
        self.client, self.generation = client, generation
        self.changes: Sequence[Change] = ()
        self.terms_of: list[SimpleNamespace] = []
        self.drawn: dict[tuple[int, int, str], int] = {}

    def begin(self, values: Mapping[str, float], changes: Sequence[Change]) -> None:
        """A row for each change, that begins as recorded but for what the change sets."""
        self.size, self.changes, self.generation = len(changes), changes, int(values["generation"])
        self.bases = np.array([0, self.size])
        begins = [{name: as_stored(name, value) for name, value in change.begins.items()} for change in changes]
        self.rows = [{**dict.fromkeys(FIELDS, 0.0), **values, **others} for others in begins]

    def word(self, purpose: str, month: int) -> int:
        """The 32 bits of one of the borrower's draws."""
        key = (self.generation, month, purpose)
        if key not in self.drawn:
            self.drawn[key] = bits(self.seeds[0], self.client, key[0], self.clock(month), purpose)
        return self.drawn[key]

    def ticket(self, purpose: str, month: int) -> int:
        """The 64 bits of a lottery or queue."""
        return self.word(purpose, month) << 32 | self.word(f"{purpose}_low", month)

    def uniforms(self, purpose: str, rows: Rows | Array, month: int) -> Array:
        return np.full(len(rows), unit(self.word(purpose, month)))

    def apply(self, rule: Rule, row: int, draws: dict[str, float], terms: SimpleNamespace, month: int) -> None:
        super().apply(rule, row, draws, self.terms_of[row], month)
        self.changes[row].act(month, rule.name, self.rows[row])


class AsRecorded(Platform):
    """The platform of a month as it was: its announcements, and where its queues and the pool ended.

    Each row stands where its own fields put it. `last`: the month of the decision that is asked for, in which a change
    may say what is granted.
    """

    silent = frozenset({"enter", "accounts"})

    def __init__(self, path: BorrowerPath, month: int, *, last: bool) -> None:
        super().__init__()
        self.path, self.month, self.last = path, month, last
        self.engine, self.now = path.engine, path.held[month]
        self.vector: Array = np.zeros(0)

    def each(self, where: str | None = None) -> Iterator[tuple[int, Values, Change]]:
        """Rows with their fields and changes: all, or those of whom a field is not 0."""
        for row, (values, change) in enumerate(zip(self.engine.rows, self.engine.changes, strict=True)):
            if where is None or values[where] > 0.0:
                yield row, values, change

    def listed(self, stage: str, rows: Array) -> None:
        """Some rows through a stage."""
        self.engine.listed(stage, rows, self.month, self.vector)

    def endless(self, change: Change) -> bool:
        """The pool has no end for this borrower."""
        return self.now.endless or "scarcity" in change.off

    def serves(self, queue: Last, order: float, purpose: str) -> bool:
        """Whether who stands there comes no later than the last of a queue who was served."""
        return queue.serves(order, self.engine.ticket(purpose, self.month), self.engine.client)

    def world(self) -> None:
        """The month's announcements, as they are on each path."""
        terms = [switched_off({**self.now.terms, **one.terms.get(self.month, {})}, one.off) for one in self.engine.changes]
        self.vector = as_vector(terms[0])
        self.engine.terms_of = [self.engine.named_terms(as_vector(one)) for one in terms]

    def allocate(self) -> None:
        """What the pool grants at its recorded level."""
        for _, values, change in self.each():
            values["granted"] = 0.0
            if values["contends"] > 0.0:
                given = change.granted if self.last else None
                values["granted"] = float(self.share(values, change) if given is None else given)

    def share(self, values: Values, change: Change) -> int:
        """Fen for one row."""
        need = int(values["wanted"] - values["principal_after"])
        if values["review"] >= REAPPLY and not self.serves(self.now.admissions, values["rank"], "u_lottery"):
            return 0
        if values["rank"] < lowest_place(self.now.terms["allocation"]):
            return 0
        if self.endless(change):
            return self.now.sharing.in_full(need, values)
        ticket = self.engine.ticket("u_lottery", self.month)
        return self.now.sharing.grant(need, values["rank"], ticket, self.engine.client, values)

    def measure(self) -> None:
        """What was granted is in the line."""
        for _, values, _ in self.each():
            values["granted"] = 0.0

    def desk(self) -> None:
        """An appeal is heard if it comes no later in the queue than the last that was."""
        for row, values, change in self.each("appeals"):
            order = {"waiting": values["waited"], "score": values["risk"], "lottery": 0.0}[self.now.queue]
            if not self.serves(self.now.desk, order, "u_desk"):
                continue
            rows = np.array([row])
            self.listed("hear", rows)
            won = values["appealed_line"] > 0.0
            if won and (self.endless(change) or self.serves(self.now.aside, order, "u_desk")):
                values["granted"] = values["appealed_line"] - values["scheduled"] - values["overdue"]
                self.listed("restore", rows)
            values["granted"] = values["appealed_line"] = 0.0

    def serve(self) -> None:
        """A request is refused if it comes no earlier than the first that was; as recorded where the same is asked for."""
        now = self.now
        late = now.turned_away is not None and self.engine.ticket("u_arrival", self.month) >= now.turned_away
        for _, values, change in self.each():
            refused = now.refused > 0.0 if values["asked"] == now.asked else late
            values["refused"] = 1.0 if refused and values["asked"] > 0.0 and not self.endless(change) else 0.0

    def gossip(self) -> None:
        """What acquaintances had reported."""
        for _, values, _ in self.each():
            values["heard"] = self.now.heard

    def close(self) -> None:
        for _, values, _ in self.each():
            values["refused"] = 0.0


class BorrowerPath:
    """One borrower alone, by the rules in plain Python, from one month to the decision of another.

    The borrower was in a `slot` of `world`.
    """

    def __init__(self, world: Simulation, slot: int, held: Sequence[Held], seen: Sequence[Seen]) -> None:
        self.plan, self.slot = world.plan, slot
        self.held = {now.month: now for now in held}
        self.seen = {now.month: now for now in seen}
        client, generation = world.engine.key_of(slot), int(seen[0].before["generation"])
        self.engine = Copies(world.plan, world.seed, client, generation, world.engine.warm_up)
        self.platform: AsRecorded | None = None

    def through(self, stage: str) -> None:
        """Every row through a stage."""
        assert self.platform is not None
        self.platform.listed(stage, np.arange(self.engine.size))

    def month(self, month: int, *, last: bool = False) -> Month:
        """A month of the path, about to begin."""
        self.platform = AsRecorded(self, month, last=last)
        return Month(self, self.platform)

    def run(self, first: int, last: int, change: Change = UNCHANGED) -> Values:
        """The fields after the decision of month `last`, on a path that begins as recorded with month `first`."""
        return self.run_each(first, last, [change])[0]

    def run_each(self, first: int, last: int, changes: Sequence[Change]) -> list[Values]:
        """As `run`, a path for each change."""
        self.engine.begin(self.seen[first].before, changes)
        for month in range(first, last):
            self.month(month).run()
        self.month(last, last=True).run("decision")
        return self.engine.rows

    def check(self, first: int, last: int) -> None:
        """With nothing changed, the path is the recorded one, bit for bit; else what is said of it would be wrong."""
        for month in range(first, last + 1):
            self.engine.begin(self.seen[month].before, [UNCHANGED])
            now = self.month(month)
            now.run("decision")
            self.compare(month, "decided", self.seen[month].decided)
            if month < last:
                now.run()
                self.compare(month, "ended", self.seen[month].after)

    def compare(self, month: int, when: str, seen: Mapping[str, float]) -> None:
        for name in NAMES:
            if self.engine.rows[0][name] != seen[name]:
                raise AssertionError(
                    f"month {month}: {name} of borrower {self.slot} {when} as {seen[name]!r}, on its own path"
                    f" {self.engine.rows[0][name]!r}"
                )


def in_prospect(values: Values) -> float:
    """The line that a decision leaves (fen), or announces."""
    return values["announced"] if values["notice_left"] > 0.0 else values["limit"]


def is_usable(values: Values, minimum_loan: float) -> bool:
    """Whether a decision leaves a usable line: open, and no smaller than `usable_line`."""
    return values["status"] == OPEN and in_prospect(values) >= usable_line(values, minimum_loan)
