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

from zerolimit.allocation.rules import allocate, grants_by_order
from zerolimit.allocation.user_defined import UserRule, fields_of, loop_over, one_at
from zerolimit.basics.errors import OutOfRange
from zerolimit.basics.wording import FEN
from zerolimit.engine.base import Array
from zerolimit.engine.prefix import serve_fitting
from zerolimit.engine.rows import Rows, draw_of_worlds, merged
from zerolimit.engine.verbs import Listed, Queue, reals
from zerolimit.month import OUTCOMES, SUMS, WORDS
from zerolimit.parameters.scenario import Scenario
from zerolimit.parameters.terms import switched_off
from zerolimit.platform.costs import charge
from zerolimit.platform.pool import PER, share_of
from zerolimit.platform.tightness import announce, call_campaign
from zerolimit.platform.world import DRAWS
from zerolimit.rules.allocations import ALLOCATIONS, LEVEL, lowest_place
from zerolimit.rules.caps import REASONS
from zerolimit.rules.flags import FLAGS
from zerolimit.run.balance import Totals, look_at_each, look_at_totals
from zerolimit.run.month import Platform
from zerolimit.run.recorded import Counts, Part, Recorded
from zerolimit.vocabulary.cells import CELLS
from zerolimit.vocabulary.draws import PURPOSES, WORLD, unit
from zerolimit.vocabulary.names import ENDS, LEFT, OPEN, REAPPLY
from zerolimit.vocabulary.outcomes import DESK

if TYPE_CHECKING:
    from zerolimit.run.simulation import Simulation
    from zerolimit.run.together import Together


ENOUGH = 2**62
"""Fen beyond which a capacity has no end: more than all borrowers can want, and within whole numbers of 64 bits."""


def free(limit: int, aside: float, principal: int, committed: int, phi: int) -> int:
    """What a pool of `limit` (fen) has left: K - set-aside - sum B - phi x what is committed."""
    return limit - share_of(limit, aside) - principal - -(-phi * committed // PER)


def capacity(limit: int | None, everything: int, aside: float, principal: int, committed: int, phi: int) -> int:
    """What may be granted (fen): what is free over phi; without expected use or end (None), everything."""
    if limit is None or phi == 0:
        return everything
    return max(0, free(limit, aside, principal, committed, phi)) * PER // phi


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
    aside: float
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
        everything = int(self.need.sum(dtype=np.int64))
        return capacity(limit, everything, self.aside, self.principal, self.committed, self.phi)

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
    """Who contends for the pools of all worlds in a month, and what else each must hold."""

    rows: Rows
    rank: Array
    need: Array
    """Undrawn part wanted, fen."""
    principal: list[int]
    committed: list[int]
    """Undrawn parts of lines that are not decided, fen."""


def set_aside(scenario: Scenario) -> float:
    """Share of the pool that is kept for appeals."""
    return scenario.appeals_share if scenario.appeals_capacity > 0.0 else 0.0


def least_grant(world: Simulation) -> int:
    """No grant is smaller (fen)."""
    return max(1, int(world.terms["minimum_loan"]))


class Live(Platform):
    """The platform of one month: it reads totals, decides, announces, and keeps the books, in each of some worlds."""

    def __init__(self, borrowers: Together) -> None:
        super().__init__()
        self.borrowers, self.engine, self.month = borrowers, borrowers.engine, borrowers.month
        self.worlds = borrowers.worlds
        nobody = Rows(np.zeros(0, np.int32), np.zeros(len(self.worlds) + 1, np.int64))
        self.rows: list[dict[str, float]] = [{} for _ in self.worlds]
        """The platform's row of each world."""
        self.extra: Counts = {}
        """Counts that the platform makes itself, (worlds, cells)."""
        self.totals = [Totals(one.pool, one.principal) for one in self.worlds]
        self.restored = self.refused = self.granted = nobody
        self.contend: Contend
        self.desk_order = np.zeros(0)
        self.summed: dict[str, Array] = {}
        """Stages' sums over all cells, (worlds, sums)."""
        self.turned_away: list[int | None] = [None for _ in self.worlds]
        """Arrival (64 bits) of the first request refused by the hard constraint, by world."""

    def after(self, stage: str) -> None:
        """The totals must hold."""
        self.borrowers.each(lambda w, s: look_at_totals(stage, self.totals[w], s.engine, s.month))

    def end(self) -> None:
        """The month joins the histories."""
        tables = self.tables()
        for w, s in self.borrowers.alive():
            s.history.append(Recorded(s.month, tables, w, self.rows[w]))

    def numbers(self, of: Callable[[Simulation], Any], kind: Any = np.int64) -> Array:
        """A number of each world, (worlds,)."""
        return np.array([of(one) for one in self.worlds], kind)

    def total(self, stage: str, name: str) -> list[int]:
        """A stage's sum over everybody, by world."""
        if stage not in self.summed:
            self.summed[stage] = self.results[stage].sums.sum(axis=1)
        found: list[int] = self.summed[stage][:, self.borrowers.plan.stages[stage].sum_names.index(name)].tolist()
        return found

    def flagged(self, name: str) -> list[int]:
        """How many borrowers have an outcome flag, by world."""
        for stage, words in WORDS.items():
            for k, (word, _) in enumerate(words):
                if word == FLAGS[name].word:
                    found: list[int] = self.results[stage].counts[:, :, k, FLAGS[name].bit].sum(axis=1).tolist()
                    return found
        raise KeyError(name)

    def read(self, name: str, rows: Rows) -> Array:
        return reals(name, self.engine.read_raw(name, rows, self.month))

    def put(self, name: str, rows: Rows, values: Any) -> None:
        if len(rows):
            self.engine.put_raw(name, self.engine.places(rows), values, self.month)

    # platform phases, named as in month.MONTH

    def world(self) -> None:
        """Step 1: the world moves, events take effect; they and recent losses set the tightness."""
        purposes = [PURPOSES[name] for name in DRAWS]
        words = np.empty((len(self.worlds), len(purposes)), np.uint32)
        blocks, lanes = np.divmod(np.array(purposes, np.uint32), np.uint32(4))
        key0, key1 = self.engine.keyed
        draw_of_worlds(key0, key1, np.uint64(WORLD), np.uint32(self.month), blocks, lanes, words)
        draws = [dict(zip(DRAWS, map(unit, some), strict=True)) for some in words.tolist()]
        before: dict[int, int | None] = {}

        def move(w: int, s: Simulation) -> None:
            scenario, terms = s.scenario, s.terms
            due = s.world.move(s.month, scenario, draws[w])
            in_force = s.world.in_force
            events = ("tightness", "cutoff_shift", "person_cap", "person_cap_income")
            seen = {"macro": s.world.macro, "loss_rate": s.pool.loss_rate()}
            terms.update(
                announce.of(scenario, {**seen, **{f"event_{name}": in_force.get(name, 0.0) for name in events}}),
                macro=s.world.macro,
                rescoring=1.0,
                **{f"trend_{k}": trend for k, trend in enumerate(s.world.trends)},
            )
            for name in ("target_age", "target_income"):
                if name in in_force:
                    terms[name] = in_force[name] * (FEN if name == "target_income" else 1.0)
            switched_off(terms, scenario.off)
            before[w] = s.pool.limit
            if s.pool.limit is not None:
                s.pool.events(due)
                s.pool.resize(scenario, s.principal)
                s.pool.refuse_too_large(s.month)

        self.borrowers.each(move)
        self._call_campaigns(before)
        for w, s in self.borrowers.alive():
            cutoff = s.terms["cutoff"] + s.terms["cutoff_shift"]
            self.rows[w].update(macro=s.world.macro, tightness=s.terms["tightness"], cutoff=cutoff)

    def _call_campaigns(self, before: Mapping[int, int | None]) -> None:
        """A campaign over a share of lines, where one is called."""
        called: dict[int, Simulation] = {}

        def decide(w: int, s: Simulation) -> None:
            fields = {
                "month": s.month,
                "tightness": s.terms["tightness"],
                "tightness_low": s.tightness_low,
                "pool_limit": s.pool.limit,
                "pool_limit_before": before[w],
                "pool_peak": s.pool_peak,
                "overrun": s.overrun,
            }
            found = call_campaign.of(s.scenario, fields)
            s.tightness_low, s.pool_peak = found["tightness_low"], found["pool_peak"]
            self.rows[w]["campaign"] = float(found["called"])
            if found["called"]:
                called[w] = s

        self.borrowers.each(decide)
        if not called:
            return
        mine = self.engine.where("status", OPEN, self.month)
        mine = mine.where(mine.each(np.isin(np.arange(len(self.worlds)), list(called))))
        wanted = [int(n * s.scenario.campaign_share) for n, s in zip(mine.counts.tolist(), self.worlds, strict=True)]
        mine = mine.where(mine.each(np.array(wanted) > 0))
        if len(mine):
            self.borrowers.announce()
            self.borrowers.through_list("campaign", mine)
            places = [[count - 1] if w in called and count > 0 else [] for w, count in enumerate(wanted)]
            for w, cut in enumerate(self.engine.ordered("closeness", places, mine, self.month)):
                if len(cut):
                    self.worlds[w].terms["campaign_cut"] = float(cut[0])
            self.engine.renew("closeness")

    def enter(self) -> None:
        """Applicants take slots of those who left, each with probability entry_rate."""
        rows = self.engine.where("status", LEFT, self.month)
        if len(rows):
            rate = rows.each(self.numbers(lambda s: s.scenario.entry_rate, np.float64))
            rows = rows.where(self.engine.uniforms("u_arrive", rows, self.month) < rate)
            self.engine.clear(rows, self.month, "enter")
            self.borrowers.through_list("enter", rows)

    def allocate(self) -> None:
        """Step 6: the admissions budget, then the pool by its rule: sum B + phi sum max(0, L - B) <= K."""
        sums = ("principal_after", "committed", "on_notice", "written_off", "principal_paid", "interest_paid", "recovered")
        principal, committed, on_notice, written, paid, interest, recovered = (self.total("account", name) for name in sums)
        roll = self.results["account"].rolls["contenders"]
        rows, rank, review = roll["rows"], roll["rank"], roll["review"]
        need = roll["wanted"] - roll["principal_after"]
        wanted = rows.total(need).tolist()
        contends = self._within_budget(rows, rank, review)
        lowest = self.numbers(lambda s: lowest_place(s.terms["allocation"]), np.float64)
        if (lowest > -inf).any():
            contends &= rank >= rows.each(lowest)
        if not contends.all():
            rows, rank, need = rows.where(contends), rank[contends], need[contends]
        self.contend = Contend(rows, rank, need, principal, [a + b for a, b in zip(committed, on_notice, strict=True)])
        everything, room = rows.total(need).tolist(), np.zeros(len(self.worlds), np.int64)

        def plan(w: int, s: Simulation) -> None:
            ended = written[w] + paid[w]
            s.pool.release(principal[w] + ended, ended)
            s.pool.collect(interest[w], paid[w], recovered[w], written[w])
            self.totals[w].kept, self.totals[w].owed = self.totals[w].owed - ended, principal[w]
            s.principal = principal[w]
            s.phi = s.pool.planned_use(s.scenario)
            limit, held = s.pool.limit, (set_aside(s.scenario), principal[w], self.contend.committed[w], s.phi)
            s.overrun = limit is not None and free(limit, *held) < -share_of(limit, s.scenario.campaign_fall)
            self.totals[w].capacity = capacity(limit, everything[w], *held)
            room[w] = min(self.totals[w].capacity, ENOUGH)

        self.borrowers.each(plan)
        shared, level = self._shared(rows, rank, need, room)
        gets = shared > 0
        self.granted = rows.where(gets)
        self.put("granted", self.granted, shared[gets])
        given = rows.total(shared).tolist()
        for w, s in self.borrowers.alive():
            open_lines = self.contend.committed[w] + given[w]
            self.totals[w].granted = given[w]
            self.rows[w].update(
                planned_use=s.phi / PER,
                contended=wanted[w],
                granted=given[w],
                planned=principal[w] + -(-s.phi * open_lines // PER),
                rank_cutoff=level[w],
            )
            s.pool.open_history.append(open_lines)

    def _shared(self, rows: Rows, rank: Array, need: Array, room: Array) -> tuple[Array, list[float]]:
        """What everybody is granted (fen), and the level at which each world's pool was used up.

        Orders are served in all worlds at once; a level is found in one world after the other.
        """
        by_level = [s.sharing is not None or ALLOCATIONS[s.scenario.allocation].kind == LEVEL for s in self.worlds]
        costs = need
        if any(by_level):
            costs = need.copy()
            costs[rows.each(np.array(by_level))] = 0
        served = self.engine.prefix(rank, costs, room, rows, "u_lottery", self.month)
        least = self.numbers(least_grant)
        shared, level = grants_by_order(rank, costs, least, rows.starts, *served)
        levels: list[float] = level.tolist()

        def share(w: int, s: Simulation) -> None:
            if by_level[w]:
                shared[rows.starts[w] : rows.starts[w + 1]], levels[w] = self.claims(w).shared(s.pool.limit)

        if any(by_level):
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
            contend.principal[w],
            contend.committed[w],
            s.phi,
            set_aside(s.scenario),
            least_grant(s),
            int(s.terms["floor_yuan"]),
            s.borrowers.lottery("u_lottery", rows),
            self._own_sharing(s, rows, need),
        )

    def _own_sharing(self, s: Simulation, rows: Array, need: Array) -> UserRule | None:
        """A user-defined rule over those who contend."""
        if s.sharing is None:
            return None
        columns = tuple(s.borrowers.read(name, rows).astype(np.float64) for name in fields_of(s.sharing))
        found = UserRule(s.sharing, need, columns, dict(s.terms), least_grant(s), loop_over(s.sharing, s.engine))
        if not s.history:
            found.verify()
        return found

    @property
    def budgets(self) -> Array:
        """First applications and re-applications that are admitted this month, by world."""
        return self.numbers(lambda s: monthly_number(s.scenario.admissions, s.size, s.month))

    @property
    def hearings(self) -> Array:
        """Appeals that the desk hears this month, by world."""
        return self.numbers(lambda s: monthly_number(s.scenario.appeals_capacity, s.size, s.month))

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
            take = {name: self.read(name, starts) for name in names}
            kind = events["happened"][began]
            event = {**when_and_who(self.month, starts.at), **take, "kind": kind}
            self._log("starts", starts, {**event, "measured": [*map(in_few_bytes, measured)]})
            which = (kind.astype(np.int64) - 1) * len(REASONS) + np.maximum(take["reason"].astype(np.int64) - 1, 0)
            place = (which * len(self.worlds) + starts.world) * CELLS + self.engine.cells_of(starts, self.month)
            counts = np.bincount(place, minlength=counts.size).reshape(counts.shape)
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
                "ended": np.broadcast_to(how, len(rows)),
                "spell": spell.copy(),
            }
            self._log("ends", rows, columns)

    def desk(self) -> None:
        """Step 9: the desk hears appeals in its order, up to its capacity; what succeeds is granted from the set-aside."""
        appellants = self.results["decision"].rolls["appellants"]
        rows = appellants["rows"]
        queues = {"waiting": appellants["waited"], "score": appellants["risk"], "lottery": np.zeros(len(rows))}
        wanted = [s.scenario.appeal_order for s in self.worlds]
        order = self.desk_order = queues[wanted[0]].astype(np.float64)
        for other in {*wanted[1:]} - {wanted[0]}:
            mine = rows.each(np.array([one == other for one in wanted]))
            order[mine] = queues[other][mine]
        ones = np.ones(len(rows), np.int64)
        served, _, _ = self.engine.prefix(order, ones, self.hearings, rows, "u_desk", self.month)
        heard = rows.where(served)
        waited = appellants["waited"][served]
        order = order[served]
        self.borrowers.through_list("hear", heard)
        line = self.read("appealed_line", heard).astype(np.int64)
        owed = self.read("scheduled", heard).astype(np.int64) + self.read("overdue", heard)
        success = line > 0
        won, need = heard.where(success), (line - owed)[success]
        asked = won.total(need).tolist()
        aside = np.array(asked, np.int64)

        def keep_for_appeals(w: int, s: Simulation) -> None:
            if s.pool.limit is not None and s.phi != 0:
                most = self.totals[w].aside = share_of(s.pool.limit, s.scenario.appeals_share) * PER // s.phi
                aside[w] = min(most, ENOUGH)

        self.borrowers.each(keep_for_appeals)
        granted, _, _ = self.engine.prefix(order[success], need, aside, won, "u_desk", self.month)
        restored = self.restored = won.where(granted)
        for w, amount in enumerate(restored.total(need[granted]).tolist()):
            self.totals[w].granted_on_appeal = amount
        self._log_ends(restored, float(ENDS.index("appeal")), self.read("without_line", restored))
        self.put("granted", restored, need[granted])
        self.borrowers.through_list("restore", restored)
        self.borrowers.each(lambda w, s: look_at_each("decision", restored.in_world(w), s.engine, s.month))
        self.put("granted", restored, 0)
        self.put("appealed_line", heard, 0)
        for name, whom, number in zip(DESK, (heard, won, restored, heard), (1, 1, 1, waited), strict=True):
            self.extra[name] = self.engine.sums(whom, number, self.month)
            if len(self.worlds) == 1:
                self.worlds[0].keep_counted(name, whom.at, number)
            for w, many in enumerate(self.extra[name].sum(axis=1).tolist()):
                self.rows[w][name] = many

    def accounts(self) -> None:
        """Costs and distributions; what is left is the cash to lend."""
        counted = {name: self.flagged(name) for name in ("reviewed", "decreases", "warned", "noticed")}
        sums = ("written_off", "recovered", "interest_paid")
        written, recovered, interest = (self.total("account", name) for name in sums)

        def settle(w: int, s: Simulation) -> None:
            heard = int(self.rows[w]["appeals_heard"])
            fields = {"pool_limit": s.pool.limit, "principal": s.principal, "appeals_heard": heard}
            lines = charge.of(s.scenario, {**fields, **{name: some[w] for name, some in counted.items()}})
            costs = sum(lines.values())
            net = s.pool.settle(s.scenario, interest[w], recovered[w], written[w], costs)
            s.pool.loss_history.append(written[w] - recovered[w])
            s.pool.principal_history.append(s.principal)
            self.rows[w].update(**lines, costs=costs, net_income=net)

        self.borrowers.each(settle)

    def serve(self) -> None:
        """Step 10: requests in keyed order of arrival while sum B <= K and cash lasts; then used up."""
        askers = self.results["decision"].rolls["askers"]
        rows, asked = askers["rows"], askers["asked"]
        late = self.read("asked", self.restored)
        if late.any():
            rows, asked = merged(rows, self.restored.where(late > 0), asked, late[late > 0])
        total = rows.total(asked)
        room = total.copy()
        skipping = []

        def lend(w: int, s: Simulation) -> None:
            wanted = int(total[w])
            if s.pool.limit is None:
                if wanted > s.pool.cash:
                    s.pool.fund(wanted - s.pool.cash)
                return
            most = max(0, min(s.pool.limit - s.principal, s.pool.cash))
            if wanted > most and s.scenario.skip_refused:
                skipping.append((w, most))
            elif wanted > most:
                room[w] = most

        self.borrowers.each(lend)
        served = np.ones(len(rows), np.bool_)
        arrival = self.engine.lottery("u_arrival", rows, self.month)
        if (room < total).any():
            first_come = ~self.engine.words("u_arrival", rows, self.month)
            served, _, _ = self.engine.prefix(first_come, asked, room, rows, "u_arrival", self.month)
        for w, most in skipping:
            some = np.arange(rows.starts[w], rows.starts[w + 1])
            keys = self.worlds[w].engine.keys_of(rows.at[some])
            served[some] = serve_fitting(
                asked[some], most, keys, self.worlds[w].borrowers.lottery("u_arrival", rows.at[some])
            )
        refused = np.flatnonzero(~served)
        self.refused = rows.where(~served)
        if len(refused):
            tickets = arrival(refused)
            for w, (first, last) in enumerate(zip(self.refused.starts[:-1], self.refused.starts[1:], strict=True)):
                if first < last:
                    self.turned_away[w] = int(tickets[first:last].min())
        turned = self.refused.total(asked[refused])
        for w, amount in enumerate((total - turned).tolist()):
            self.totals[w].served = amount
        self.put("refused", self.refused, 1)

    def gossip(self) -> None:
        """Step 12: the share of a borrower's acquaintances who reported last month."""
        acts = [s.terms["neighbour_weight"] > 0.0 for s in self.worlds]
        self.engine.hear([s.network() if does else None for s, does in zip(self.worlds, acts, strict=True)], self.month)

    def close(self) -> None:
        """The books are closed: cash by the accounts equals cash by hand."""
        self.put("refused", self.refused, 0)
        drawn, principal = self.total("living", "drawn"), self.total("living", "principal")
        gini = self.engine.gini(self.month).tolist()

        def settle(w: int, s: Simulation) -> None:
            self.totals[w].lent = drawn[w]
            s.pool.lend(drawn[w], 1.0 - s.scenario.partner_share)
            s.pool.drawn_history.append(drawn[w])
            s.principal = self.totals[w].at_end = principal[w]
            a = s.pool.accounts
            self.rows[w].update(
                pool=-1 if s.pool.limit is None else s.pool.limit,
                principal=s.principal,
                cash=s.pool.cash,
                overhang=0 if s.pool.limit is None else max(0, s.principal - s.pool.limit),
                funding_change=a.funding,
                distributed=a.distributed,
                capital=s.pool.capital,
                deficit=s.pool.deficit,
                gini=gini[w],
            )

        self.borrowers.each(settle)
        leavers = self.results["living"].rolls["leavers"]
        ends = (leavers["event"] > 0) & (leavers["without_line"] > 0)
        self._log_ends(leavers["rows"].where(ends), float(ENDS.index("left")), leavers["without_line"][ends])

    def tables(self) -> Counts:
        """Counts and sums by world and cell, ready for monthly.parquet."""
        counts: Counts = {}
        for stage, words in WORDS.items():
            for k, (word, _) in enumerate(words):
                flags = self.results[stage].counts[:, :, k]
                if (beyond := flags[:, :, len(OUTCOMES[word]) :].any(axis=(1, 2))).any():
                    says = f"{word}: a bit beyond its {len(OUTCOMES[word])} flags is set"
                    for w in np.flatnonzero(beyond).tolist():
                        self.borrowers.fail(w, OutOfRange(says))
                for one in OUTCOMES[word]:
                    counts[one.name] = flags[:, :, one.bit]
        for stage in SUMS:
            for k, name in enumerate(self.borrowers.plan.stages[stage].sum_names):
                counts[f"sum_{name}"] = self.results[stage].sums[:, :, k]
        counts.update(self.extra)
        return counts


def when_and_who(month: int, rows: Array) -> dict[str, Any]:
    """The first two columns of a log, in few bytes: millions of rows are kept to the end of a run."""
    return {"month": np.full(len(rows), month, np.int32), "borrower": rows.astype(np.uint32)}


def in_few_bytes(column: Array) -> Array:
    """The same float64 numbers, kept once where all are one, and in 4 bytes where that is exact."""
    if (column == column[0]).all():
        return np.broadcast_to(column[0], column.shape)
    short = column.astype(np.float32)
    return short if (short == column).all() else column.copy()


def monthly_number(share: float, size: int, month: int) -> int:
    """A whole number this month, of `share` x slots a month: what is left of a fraction counts in later months."""
    a_month = share * size
    return int(a_month * (month + 1)) - int(a_month * month)
