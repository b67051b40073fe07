"""The live platform: what its phases of one month read of the borrowers, decide, and pass on to each other.

It answers for all worlds that share an engine at once. Borrowers are lists of all worlds (engine.rows.Rows); what is one
number a world is computed world by world, by the plain functions of `platform`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.allocation.rules import allocate, allocate_in_worlds
from zerolimit.allocation.user_defined import UserRule, fields_of, loop_over, one_at
from zerolimit.basics.errors import OutOfRange
from zerolimit.basics.wording import FEN
from zerolimit.engine.base import Array
from zerolimit.engine.prefix import serve_fitting
from zerolimit.engine.rows import Rows, alike, count_by_kind, draw_of_worlds, merged
from zerolimit.engine.verbs import Listed, Queue, reals
from zerolimit.month import OUTCOMES, WORDS
from zerolimit.parameters.declarations import choices
from zerolimit.platform.books import REAL, TERM, take_places
from zerolimit.platform.pool import fund, plan, refuse_too_large
from zerolimit.platform.shares import Exact
from zerolimit.platform.steps import take
from zerolimit.platform.world import due, follow_series, happen
from zerolimit.rules.allocations import lowest_place
from zerolimit.rules.caps import REASONS
from zerolimit.run.balance import look_at_each, out_of_balance, refuse_totals, whose_rules
from zerolimit.run.month import Platform
from zerolimit.run.recorded import Counts, Part, Recorded, Tables, columns_of
from zerolimit.vocabulary.cells import CELLS, cells
from zerolimit.vocabulary.draws import PURPOSES, WORLD
from zerolimit.vocabulary.names import END_ACCOUNT, END_APPEAL, END_LEFT, LEFT, OPEN, REAPPLY, WITHOUT_LINE
from zerolimit.vocabulary.outcomes import DESK
from zerolimit.vocabulary.world_fields import DRAWS, NO_END, TRENDS

if TYPE_CHECKING:
    from zerolimit.run.simulation import Simulation
    from zerolimit.run.together import Together


SHARED_BY = choices("allocation")
"""Ways to share the pool, in the order of their terms."""
DRAWN_FROM = np.divmod(np.array([PURPOSES[name] for name in DRAWS], np.uint32), np.uint32(4))
"""Blocks, and words in them, from which the economy is drawn."""
DRAWN = np.array([REAL[name] for name in DRAWS])
MOVED, ECONOMY = (np.array([at[name] for name in ("macro", *TRENDS)]) for at in (REAL, TERM))
"""The economy, where it moves and where rules see it."""
ORDERS = choices("appeal_order")
"""The desk's orders, in the order of their terms."""


def follow_calendar(_: int, s: Simulation) -> None:
    """What a world is told of the economy, and what the calendar does to it and to the pool, from month 0 on."""
    if s.month < 0:
        return
    if s.scenario.macro:
        follow_series(s.books, s.scenario, s.month)
    if s.scenario.calendar and (items := due(s.scenario, s.month)):
        happen(s.books, items)
        if s.pool.limit is not None:
            fund(s.books, s.scenario, items)


@dataclass(frozen=True)
class Claims:
    """Who contends for the pool in a month, and what else it must hold: so that it can be shared again at another size."""

    rule: str
    rows: Array
    keys: Array
    """What keys their draws."""
    rank: Array
    need: Array
    """Undrawn part wanted, fen."""
    principal: int
    committed: int
    """Undrawn parts of lines that are not decided, fen."""
    phi: int
    """Expected use of open lines, per 10,000."""
    aside: Exact
    """Share of the pool set aside for appeals."""
    least: int
    floor: int
    lottery: Callable[[Array], Array]
    user_rule: UserRule | None = None
    """A user-defined rule, in place of `rule`."""

    def one(self, level: int, need: int, values: Mapping[str, float]) -> int:
        """What the user-defined rule grants one borrower at a level, fen."""
        assert self.user_rule is not None
        return one_at(self.user_rule.rule, level, need, self.least, values, SimpleNamespace(**self.user_rule.terms))

    def capacity(self, limit: int | None) -> int:
        """What may be granted out of a pool of `limit` (fen; None: without end)."""
        pool, need = NO_END if limit is None else limit, int(self.need.sum(dtype=np.int64))
        return int(plan(pool, need, self.aside, self.aside, self.principal, self.committed, self.phi)[0])

    def shared(self, limit: int | None, queue: Queue | None = None) -> tuple[Array, float]:
        """Grants (fen) out of a pool of `limit` (fen; None: without end), and the level at which it was used up.

        `queue`: those who contend, served by their engine; without it, by what is kept of them here.

        Without end everybody gets what the rule gives at its highest level, as out of a pool that is large enough.
        """
        capacity, floor = self.capacity(limit), self.floor
        queue = queue or Listed(self.keys, self.lottery)
        return allocate(self.rule, self.rank, self.need, capacity, self.least, queue, floor, self.user_rule)


@dataclass(frozen=True)
class Contend:
    """Who contends for the pools of all worlds in a month."""

    rows: Rows
    rank: Array
    need: Array
    """Undrawn part wanted, fen."""


class Live(Platform):
    """The platform of one month: it reads totals, decides, announces, and keeps the books, in each of some worlds."""

    def __init__(self, borrowers: Together) -> None:
        super().__init__()
        self.borrowers, self.engine, self.month = borrowers, borrowers.engine, borrowers.month
        self.clock = self.engine.clock(self.month)
        self.worlds, self.books = borrowers.worlds, borrowers.books
        self.books["owed"] = self.books["principal"]
        self.own_sharing = np.array([one.sharing is not None for one in self.worlds])
        """The worlds with a user-defined rule for sharing the pool."""
        nobody = Rows(np.zeros(0, np.int32), np.zeros(len(self.worlds) + 1, np.int64))
        self.extra: dict[str, Array] = {}
        """Counts that the platform makes itself, (worlds, cells)."""
        self.restored = self.refused = self.granted = nobody
        self.contend: Contend
        self.desk_order = np.zeros(0)
        self.summed: dict[tuple[str, str], Array] = {}
        """Stages' counts and sums over all cells, by world."""
        self.turned_away: list[int | None] = [None for _ in self.worlds]
        """Arrival (64 bits) of the first request refused by the hard constraint, by world."""

    def after(self, stage: str) -> None:
        """The totals must hold."""
        for w, says in out_of_balance(stage, self.books, self.borrowers.going).items():
            try:
                refuse_totals(stage, says, self.worlds[w].engine, self.month)
            except OutOfRange as error:
                self.borrowers.fail(w, error)

    def end(self) -> None:
        """The month joins the histories."""
        tables, rows = self.tables(), self.books.recorded()
        for w, s in self.borrowers.alive():
            s.history.append(Recorded(s.month, tables, w, rows))

    def take(self, step: str) -> None:
        """All worlds through a step of platform.steps."""
        take(step, self.books, self.borrowers.going)

    def total(self, name: str) -> Array:
        """A stage's sum, or its count of an outcome flag, over everybody, by world."""
        stage, kind, at = columns_of(self.borrowers.plan)[name]
        if (stage, kind) not in self.summed:
            self.summed[stage, kind] = getattr(self.results[stage], kind).sum(axis=1)
        everywhere: Any = (slice(None), *at)
        found: Array = self.summed[stage, kind][everywhere]
        return found

    def read(self, name: str, rows: Rows) -> Array:
        return reals(name, self.engine.read_raw(name, rows, self.month))

    def put(self, name: str, rows: Rows, values: Any) -> None:
        if len(rows):
            self.engine.put_raw(name, self.engine.places(rows), values, self.month)

    # platform phases, named as in month.MONTH

    def world(self) -> None:
        """Step 1: the world moves, events take effect; they and recent losses set the tightness."""
        books, terms = self.books, self.books.terms
        (key0, key1), (blocks, lanes) = self.engine.keyed, DRAWN_FROM
        draw_of_worlds(key0, key1, np.uint64(WORLD), np.uint32(self.clock), blocks, lanes, DRAWN, books.real)
        books.look_back(self.clock)
        self.take("move")
        books["pool_before"] = books["pool"]
        self.borrowers.each(follow_calendar)
        self.take("announce")
        books["rescoring"] = 1.0
        take_places(books.real, MOVED, ECONOMY, terms)
        for name, unit_of in (("target_age", 1.0), ("target_income", FEN)):
            there = books[f"event_{name}"] > 0.0
            if there.any():
                terms[there, TERM[name]] = books[f"event_{name}"][there] * unit_of
        self.borrowers.switch_off()
        if books["too_large"].any():
            self.borrowers.each(lambda w, s: refuse_too_large(s.books, s.month))
        self.take("call_campaign")
        self._campaigns()
        books["cutoff"] = terms[:, TERM["cutoff"]] + books["cutoff_shift"]

    def _campaigns(self) -> None:
        """A campaign over a share of lines, where one is called."""
        called = (self.books["campaign"] > 0.0) & self.borrowers.going
        if not called.any():
            return
        mine = self.engine.where("status", OPEN, self.month)
        mine = mine.where(mine.each(called))
        wanted = (mine.counts * self.books.parameter("campaign_share")).astype(np.int64)
        mine = mine.where(mine.each(wanted > 0))
        if len(mine):
            self.borrowers.through_list("campaign", mine)
            places = [[count - 1] if count > 0 else [] for count in wanted.tolist()]
            for w, cut in enumerate(self.engine.ordered("closeness", places, mine, self.month)):
                if len(cut):
                    self.worlds[w].terms["campaign_cut"] = float(cut[0])
            self.engine.renew("closeness")

    def enter(self) -> None:
        """Applicants take slots of those who left, each with probability entry_rate."""
        rows = self.engine.where("status", LEFT, self.month)
        if len(rows):
            rate = rows.each(self.books.parameter("entry_rate"))
            rows = rows.where(self.engine.uniforms("u_arrive", rows, self.month) < rate)
            self.engine.clear(rows, self.month, "enter")
            self.borrowers.through_list("enter", rows)

    def allocate(self) -> None:
        """Step 6: the admissions budget, then the pool by its rule: sum B + phi sum max(0, L - B) <= K."""
        books = self.books
        for name in ("written_off", "principal_paid", "interest_paid", "recovered"):
            books[name] = self.total(f"sum_{name}")
        books["kept"] = books["owed"] - books["written_off"] - books["principal_paid"]
        books["principal"] = books["owed"] = self.total("sum_principal_after")
        books["committed"] = self.total("sum_committed") + self.total("sum_on_notice")
        roll = self.results["account"].rolls["contenders"]
        rows, rank, review = roll["rows"], roll["rank"], roll["review"]
        need = roll["wanted"] - roll["principal_after"]
        books["contended"] = rows.total(need)
        contends = self._within_budget(rows, rank, review)
        lowest = [lowest_place(one) for one in books["allocation"].tolist()]
        if max(lowest) > -inf:
            contends &= rank >= rows.each(np.array(lowest))
        if not contends.all():
            rows, rank, need = rows.where(contends), rank[contends], need[contends]
        self.contend = Contend(rows, rank, need)
        books["need"] = rows.total(need)
        self.take("plan")
        shared, books["rank_cutoff"] = self._shared(rows, rank, need)
        gets = shared > 0
        self.granted = rows.where(gets)
        self.put("granted", self.granted, shared[gets])
        books["granted"] = rows.total(shared)
        self.take("promise")
        books.note("open_lines", self.clock, books["open_lines"])

    def _shared(self, rows: Rows, rank: Array, need: Array) -> tuple[Array, Array]:
        """What everybody is granted (fen), and the level at which each world's pool was used up.

        User-defined rules are followed in one world after the other.
        """
        codes = self.books.parameter("allocation").tolist()
        rules = [None if own else SHARED_BY[int(code)] for own, code in zip(self.own_sharing, codes, strict=True)]
        capacity, floors = self.books["capacity"], self.books["floor_yuan"].astype(np.int64)

        def prefix(order: Array, costs: Array, room: Array) -> Any:
            return self.engine.prefix(order, costs, room, rows, "u_lottery", self.month)

        least = self.books["least_grant"]
        shared, levels = allocate_in_worlds(rules, rank, need, capacity, least, floors, rows.starts, prefix)

        def share(w: int, s: Simulation) -> None:
            if self.own_sharing[w]:
                shared[rows.starts[w] : rows.starts[w + 1]], levels[w] = self.claims(w).shared(s.pool.limit)

        if self.own_sharing.any():
            self.borrowers.each(share)
        return shared, levels

    def claims(self, w: int) -> Claims:
        """Who contends in a world, and what else its pool must hold."""
        s, contend = self.worlds[w], self.contend
        some = slice(contend.rows.starts[w], contend.rows.starts[w + 1])
        rows, need = contend.rows.at[some], contend.need[some]
        return Claims(
            s.scenario.allocation,
            rows,
            s.engine.keys_of(rows),
            contend.rank[some],
            need,
            s.books.value("principal"),
            s.books.value("committed"),
            s.books.value("phi"),
            s.books.exact("aside_share"),
            s.books.value("least_grant"),
            int(s.terms["floor_yuan"]),
            s.borrowers.lottery("u_lottery", rows),
            self._own_sharing(s, rows, need),
        )

    def _own_sharing(self, s: Simulation, rows: Array, need: Array) -> UserRule | None:
        """A user-defined rule over those who contend."""
        if s.sharing is None:
            return None
        columns = tuple(s.borrowers.read(name, rows).astype(np.float64) for name in fields_of(s.sharing))
        found = UserRule(
            s.sharing, need, columns, s.terms.copied(), s.books.value("least_grant"), loop_over(s.sharing, s.engine)
        )
        if not s.history:
            found.verify()
        return found

    @property
    def budgets(self) -> Array:
        """First applications and re-applications that are admitted this month, by world."""
        return self.books["admission_budget"]

    @property
    def hearings(self) -> Array:
        """Appeals that the desk hears this month, by world."""
        return self.books["hearings"]

    def _within_budget(self, rows: Rows, rank: Array, review: Array) -> Array:
        """First applications and re-applications beyond the month's budget do not contend."""
        contends = np.ones(len(rows), np.bool_)
        new = review >= int(REAPPLY)
        some, budgets = rows.where(new), self.budgets
        if (some.counts > budgets).any():
            ones = np.ones(len(some), np.int64)
            served, _, _ = self.engine.prefix(rank[new], ones, budgets, some, "u_lottery", self.month)
            contends[new] = served
        return contends

    def measure(self) -> None:
        """Events are logged with every cap and distance; ends of spells with their route."""
        self.put("granted", self.granted, 0)
        events = self.results["decision"].rolls["events"]
        rows = events["rows"]
        began, ended = events["happened"] > 0, events["ended"] > 0
        starts = rows.where(began)
        counts = np.zeros((2 * len(REASONS), len(self.worlds), CELLS), np.int64)
        if len(starts):
            measured = self.borrowers.through_list("measure", starts)
            names = ("generation", "reason", "mask", "segment", "decile", "zeros", "limit", "since_paid")
            take = dict(zip(names, self.engine.read_several(names, starts, self.month), strict=True))
            kind = events["happened"][began]
            event = {**when_and_who(self.month, starts.at), **take, "kind": kind}
            self._log("starts", starts, {**event, "measured": in_few_bytes(measured)})
            which = (kind.astype(np.int64) - 1) * len(REASONS) + np.maximum(take["reason"].astype(np.int64) - 1, 0)
            count_by_kind(which, cells(take["segment"], take["decile"]), starts.starts, counts)
        for k, reason in enumerate(REASONS):
            self.extra[f"zero_by_{reason}"] = counts[k]
            self.extra[f"blocked_by_{reason}"] = counts[len(REASONS) + k]
        self._log_ends(rows.where(ended), events["ended"][ended], events["spell"][ended])

    def _log(self, which: str, rows: Rows, columns: dict[str, Any]) -> None:
        """Rows of all worlds join the worlds' episodes, each world's its own."""
        starts = rows.starts.tolist()
        for w, s in self.borrowers.alive():
            if starts[w] < starts[w + 1]:
                part: Any = columns if len(self.worlds) == 1 else Part(columns, starts[w], starts[w + 1])
                getattr(s.episodes, which).append(part)

    def _log_ends(self, rows: Rows, how: Any, spell: Array) -> None:
        if len(rows):
            columns = {
                **when_and_who(self.month, rows.at),
                "generation": self.read("generation", rows),
                "ended": how if isinstance(how, np.ndarray) else np.broadcast_to(how, len(rows)),
                "spell": spell.copy(),
            }
            self._log("ends", rows, columns)

    def desk(self) -> None:
        """Step 9: the desk hears appeals in its order, up to its capacity; what succeeds is granted from the set-aside."""
        appellants = self.results["decision"].rolls["appellants"]
        rows = appellants["rows"]
        queues = {"waiting": appellants["waited"], "score": appellants["risk"], "lottery": np.zeros(len(rows))}
        wanted = self.books.parameter("appeal_order").astype(np.int64)
        order = self.desk_order = queues[ORDERS[wanted[0]]].astype(np.float64)
        for other in {*wanted.tolist()} - {int(wanted[0])}:
            mine = rows.each(wanted == other)
            order[mine] = queues[ORDERS[other]][mine]
        ones = np.ones(len(rows), np.int64)
        served, _, _ = self.engine.prefix(order, ones, self.hearings, rows, "u_desk", self.month)
        heard = rows.where(served)
        waited = appellants["waited"][served]
        order = order[served]
        self.borrowers.through_list("hear", heard)
        names = ("appealed_line", "scheduled", "overdue")
        line, scheduled, overdue = self.engine.read_several(names, heard, self.month)
        line, owed = line.astype(np.int64), scheduled.astype(np.int64) + overdue
        success = line > 0
        won, need = heard.where(success), (line - owed)[success]
        self.take("keep_aside")
        aside = np.where(self.books["aside"] == NO_END, won.total(need), self.books["aside"])
        granted, _, _ = self.engine.prefix(order[success], need, aside, won, "u_desk", self.month)
        restored = self.restored = won.where(granted)
        self.books["granted_on_appeal"] = restored.total(need[granted])
        self._log_ends(restored, END_APPEAL, self.read("without_line", restored))
        self.put("granted", restored, need[granted])
        self.borrowers.through_list("restore", restored)
        if whose_rules(self.engine):
            self.borrowers.each(lambda w, s: look_at_each("decision", restored.in_world(w), s.engine, s.month))
        self.put("granted", restored, 0)
        self.put("appealed_line", heard, 0)
        where = self.engine.cells_of(heard, self.month)
        cells_of = (where, where[success], where[success][granted], where)
        for name, whom, number, found_in in zip(
            DESK, (heard, won, restored, heard), (1, 1, 1, waited), cells_of, strict=True
        ):
            self.extra[name] = self.engine.sums(whom, number, self.month, found_in)
            if len(self.worlds) == 1:
                self.worlds[0].keep_counted(name, whom.at, number)
            self.books[name] = self.extra[name].sum(axis=1)

    def accounts(self) -> None:
        """Costs and distributions; what is left is the cash to lend."""
        books = self.books
        for name in ("reviewed", "decreases", "warned", "noticed"):
            books[name] = self.total(name)
        books["opened"] = self.total("admitted") + self.total("readmitted")
        books["serviced"] = self.total("accounts")
        books["chased"] = self.total("was_late_1") + self.total("was_late_2") + self.total("was_late_3")
        self.take("settle")
        books.note("losses", self.clock, books["written_off"] - books["recovered"])
        books.note("principal", self.clock, books["principal"])

    def serve(self) -> None:
        """Step 10: requests in keyed order of arrival while sum B <= K and cash lasts; then used up."""
        askers = self.results["decision"].rolls["askers"]
        rows, asked = askers["rows"], askers["asked"]
        late = self.read("asked", self.restored)
        if late.any():
            rows, asked = merged(rows, self.restored.where(late > 0), asked, late[late > 0])
        total = self.books["requested"] = rows.total(asked)
        self.take("make_room")
        skips = (self.books.parameter("skip_refused") > 0.0) & (self.books["room"] < total)
        room = np.where(skips, total, self.books["room"])
        served = np.ones(len(rows), np.bool_)
        arrival = self.engine.lottery("u_arrival", rows, self.month)
        short = room < total
        if short.any():
            theirs = rows.each(short)
            some = rows.where(theirs)
            first_come = ~self.engine.words("u_arrival", some, self.month)
            served[theirs], _, _ = self.engine.prefix(first_come, asked[theirs], room, some, "u_arrival", self.month)
        for w in np.flatnonzero(skips & self.borrowers.going).tolist():
            most = int(self.books["room"][w])
            mine = slice(rows.starts[w], rows.starts[w + 1])
            keys, drawn = self.worlds[w].engine.keys_of(rows.at[mine]), self.worlds[w].borrowers.lottery
            served[mine] = serve_fitting(asked[mine], most, keys, drawn("u_arrival", rows.at[mine]))
        refused = np.flatnonzero(~served)
        self.refused = rows.where(~served)
        if len(refused):
            tickets = arrival(refused)
            for w, (first, last) in enumerate(zip(self.refused.starts[:-1], self.refused.starts[1:], strict=True)):
                if first < last:
                    self.turned_away[w] = int(tickets[first:last].min())
        self.books["served"] = total - self.refused.total(asked[refused])
        self.put("refused", self.refused, 1)

    def gossip(self) -> None:
        """Step 12: the share of a borrower's acquaintances who reported last month."""
        acts = (self.books["neighbour_weight"] > 0.0).tolist()
        self.engine.hear([s.network() if does else None for s, does in zip(self.worlds, acts, strict=True)], self.month)

    def close(self) -> None:
        """The books are closed: cash by the accounts equals cash by hand."""
        self.put("refused", self.refused, 0)
        books = self.books
        books["lent"], books["principal"] = self.total("sum_drawn"), self.total("sum_principal")
        books["gini"] = self.engine.gini(self.month)
        self.take("pay_out")
        books.note("drawn", self.clock, books["lent"])
        leavers = self.results["living"].rolls["leavers"]
        ends = (leavers["event"] > 0) & (leavers["without_line"] > 0)
        how = np.where(leavers["leaves"][ends] == WITHOUT_LINE, END_ACCOUNT, END_LEFT)
        self._log_ends(leavers["rows"].where(ends), how, leavers["without_line"][ends])

    def tables(self) -> Counts:
        """Counts and sums by world and cell, ready for monthly.parquet."""
        if whose_rules(self.engine):
            self._refuse_bits()
        return Tables(self.borrowers.plan, self.results, self.extra)

    def _refuse_bits(self) -> None:
        """A word of a user-defined rule may have no bits beyond its flags."""
        for stage, words in WORDS.items():
            for k, (word, _) in enumerate(words):
                beyond = self.results[stage].counts[:, :, k, len(OUTCOMES[word]) :].any(axis=(1, 2))
                for w in np.flatnonzero(beyond).tolist():
                    self.borrowers.fail(w, OutOfRange(f"{word}: a bit beyond its {len(OUTCOMES[word])} flags is set"))


def when_and_who(month: int, rows: Array) -> dict[str, Any]:
    """The first two columns of a log, in few bytes: millions of rows are kept to the end of a run."""
    return {"month": np.full(len(rows), month, np.int32), "borrower": rows.astype(np.uint32)}


def in_few_bytes(columns: Array) -> list[Array]:
    """The same float64 numbers, (columns, rows): kept once where all of a column are one, in 4 bytes where that is exact."""
    equal, short = alike(columns)
    first = np.ascontiguousarray(columns[:, 0])
    first.flags.writeable = False
    narrow = np.array(columns[short & ~equal], np.float32, order="C")
    wide = np.array(columns[~short & ~equal], order="C")
    rest = {True: iter(narrow), False: iter(wide)}
    return [
        np.ndarray(columns.shape[1:], first.dtype, first, first.itemsize * k, (0,)) if same else next(rest[few])
        for k, (same, few) in enumerate(zip(equal.tolist(), short.tolist(), strict=True))
    ]
