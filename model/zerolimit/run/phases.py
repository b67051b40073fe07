"""The live platform: what its phases of one month read of the borrowers, decide, and pass on to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.allocation.rules import allocate
from zerolimit.allocation.user_defined import UserRule, fields_of, loop_over, one_at
from zerolimit.basics.errors import OutOfRange
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import FEN
from zerolimit.engine.base import Array
from zerolimit.engine.prefix import serve_fitting
from zerolimit.engine.verbs import Listed, Queue
from zerolimit.month import OUTCOMES, SUMS, WORDS
from zerolimit.parameters.terms import switched_off
from zerolimit.platform.costs import charge
from zerolimit.platform.pool import PER, share_of
from zerolimit.platform.tightness import announce, call_campaign
from zerolimit.rules.allocations import lowest_place
from zerolimit.rules.caps import REASONS
from zerolimit.rules.flags import FLAGS
from zerolimit.run.balance import Totals, look_at_each, look_at_totals
from zerolimit.run.month import Platform
from zerolimit.vocabulary.cells import CELLS, cells
from zerolimit.vocabulary.names import ENDS, LEFT, OPEN, REAPPLY
from zerolimit.vocabulary.outcomes import DESK

if TYPE_CHECKING:
    from zerolimit.run.simulation import Simulation


@dataclass(repr=False)
class Recorded(Shown):
    """What one month left: counts and sums by cell, and the platform's row."""

    month: int
    counts: dict[str, Array]
    platform: dict[str, float]

    def _in_short(self) -> str:
        return f"recorded in month {self.month}: {len(self.counts)} counts by cell, {len(self.platform)} of the platform"


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

    def free(self, limit: int) -> int:
        """What a pool of `limit` (fen) has left: K - set-aside - sum B - phi x what is committed."""
        return limit - share_of(limit, self.aside) - self.principal - -(-self.phi * self.committed // PER)

    def capacity(self, limit: int | None) -> int:
        """What may be granted (fen): what is free over phi; without expected use or end (None), everything."""
        everything = int(self.need.sum(dtype=np.int64))
        return everything if limit is None or self.phi == 0 else max(0, self.free(limit)) * PER // self.phi

    def shared(self, limit: int | None, queue: Queue | None = None) -> tuple[Array, float]:
        """Grants (fen) out of a pool of `limit` (fen; None: without end), and the level at which it was used up.

        `queue`: those who contend, served by their engine; without it, by what is kept of them here.

        Without end everybody gets what the rule gives at its highest level, as out of a pool that is large enough.
        """
        capacity, floor = self.capacity(limit), self.floor
        queue = queue or Listed(self.keys, self.lottery)
        return allocate(self.rule, self.rank, self.need, capacity, self.least, queue, floor, self.user_rule)


class Live(Platform):
    """The platform of one month of one simulation: it reads totals, decides, announces, and keeps the books."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__()
        self.s = simulation
        self.borrowers = simulation.borrowers
        self.row: dict[str, float] = {}
        self.extra: dict[str, Array] = {}
        self.totals = Totals(simulation.pool, simulation.principal)
        self.restored = np.zeros(0, np.int64)
        self.refused = np.zeros(0, np.int64)
        self.granted = np.zeros(0, np.int64)
        self.claims: Claims | None = None
        self.desk_order = np.zeros(0)
        self.turned_away: int | None = None
        """Arrival (64 bits) of the first request refused by the hard constraint."""

    def after(self, stage: str) -> None:
        """The totals must hold."""
        look_at_totals(stage, self.totals, self.s.engine, self.s.month)

    def end(self) -> None:
        """The month joins the simulation's history."""
        self.s.history.append(self.recorded())

    def total(self, stage: str, name: str) -> int:
        """A stage's sum over everybody."""
        return int(self.results[stage].sums[:, self.s.plan.stages[stage].sum_names.index(name)].sum())

    def flagged(self, name: str) -> int:
        """How many borrowers have an outcome flag."""
        for stage, words in WORDS.items():
            for k, (word, _) in enumerate(words):
                if word == FLAGS[name].word:
                    return int(self.results[stage].counts[:, k, FLAGS[name].bit].sum())
        raise KeyError(name)

    # platform phases, named as in month.MONTH

    def world(self) -> None:
        """Step 1: the world moves, events take effect; they and recent losses set the tightness."""
        s = self.s
        scenario, terms = s.scenario, s.terms
        due = s.world.move(s.month, scenario)
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
        before = s.pool.limit
        if before is not None:
            s.pool.events(due)
            s.pool.resize(scenario, s.principal)
            s.pool.refuse_too_large(s.month)
        self._call_campaign(before)
        self.row.update(macro=s.world.macro, tightness=terms["tightness"], cutoff=terms["cutoff"] + terms["cutoff_shift"])

    def _call_campaign(self, before: int | None) -> None:
        """A campaign over a share of lines, where one is called."""
        s = self.s
        fields = {
            "month": s.month,
            "tightness": s.terms["tightness"],
            "tightness_low": s.tightness_low,
            "pool_limit": s.pool.limit,
            "pool_limit_before": before,
            "pool_peak": s.pool_peak,
            "overrun": s.overrun,
        }
        found = call_campaign.of(s.scenario, fields)
        s.tightness_low, s.pool_peak = found["tightness_low"], found["pool_peak"]
        self.row["campaign"] = float(found["called"])
        if found["called"]:
            rows = self.borrowers.where("status", OPEN)
            count = int(len(rows) * s.scenario.campaign_share)
            if count > 0:
                s.through_list("campaign", rows)
                s.terms["campaign_cut"] = float(self.borrowers.ordered("closeness", [count - 1], rows)[0])
                s.engine.renew("closeness")

    def enter(self) -> None:
        """Applicants take slots of those who left, each with probability entry_rate."""
        s = self.s
        rows = self.borrowers.where("status", LEFT)
        if len(rows):
            arrives = s.engine.uniforms("u_arrive", rows, s.month) < s.scenario.entry_rate
            rows = rows[arrives]
            s.engine.clear(rows, s.month, "enter")
            s.through_list("enter", rows)

    def allocate(self) -> None:
        """Step 6: the admissions budget, then the pool by its rule: sum B + phi sum max(0, L - B) <= K."""
        s = self.s
        principal = self.total("account", "principal_after")
        committed = self.total("account", "committed") + self.total("account", "on_notice")
        written, paid = self.total("account", "written_off"), self.total("account", "principal_paid")
        s.pool.release(principal + written + paid, written + paid)
        s.pool.collect(self.total("account", "interest_paid"), paid, self.total("account", "recovered"), written)
        self.totals.kept, self.totals.owed = self.totals.owed - paid - written, principal
        s.principal = principal
        roll = self.results["account"].rolls["contenders"]
        rows, rank, review = roll["rows"], roll["rank"], roll["review"]
        need = roll["wanted"] - roll["principal_after"]
        phi = s.phi = s.pool.planned_use(s.scenario)
        limit = s.pool.limit
        wanted = int(need.sum(dtype=np.int64))
        contends = self._within_budget(rows, rank, review)
        if (lowest := lowest_place(s.terms["allocation"])) > -inf:
            contends &= rank >= lowest
        if not contends.all():
            rows, rank, need = rows[contends], rank[contends], need[contends]
        self.claims = claims = Claims(
            s.scenario.allocation,
            rows,
            s.engine.keys_of(rows),
            rank,
            need,
            principal,
            committed,
            phi,
            s.scenario.appeals_share if s.scenario.appeals_capacity > 0.0 else 0.0,
            max(1, int(s.terms["minimum_loan"])),
            int(s.terms["floor_yuan"]),
            self.borrowers.lottery("u_lottery", rows),
            self._own_sharing(rows, need),
        )
        s.overrun = limit is not None and claims.free(limit) < -share_of(limit, s.scenario.campaign_fall)
        shared, level = claims.shared(limit, self.borrowers.queue(rows, "u_lottery"))
        gets = shared > 0
        self.granted = rows[gets]
        self.borrowers.put("granted", self.granted, shared[gets])
        self.totals.granted = given = int(shared.sum())
        self.totals.capacity = claims.capacity(limit)
        self.row.update(
            planned_use=phi / PER,
            contended=wanted,
            granted=given,
            planned=principal + -(-phi * (committed + given) // PER),
            rank_cutoff=level,
        )
        s.pool.open_history.append(committed + given)

    def _own_sharing(self, rows: Array, need: Array) -> UserRule | None:
        """A user-defined rule over those who contend."""
        s = self.s
        if s.sharing is None:
            return None
        columns = tuple(self.borrowers.read(name, rows).astype(np.float64) for name in fields_of(s.sharing))
        least = max(1, int(s.terms["minimum_loan"]))
        found = UserRule(s.sharing, need, columns, dict(s.terms), least, loop_over(s.sharing, s.engine))
        if not s.history:
            found.verify()
        return found

    @property
    def budget(self) -> int:
        """First applications and re-applications that are admitted this month."""
        return monthly_number(self.s.scenario.admissions, self.s.size, self.s.month)

    @property
    def hearings(self) -> int:
        """Appeals that the desk hears this month."""
        return monthly_number(self.s.scenario.appeals_capacity, self.s.size, self.s.month)

    def _within_budget(self, rows: Array, rank: Array, review: Array) -> Array:
        """First applications and re-applications beyond the month's budget do not contend."""
        contends = np.ones(len(rows), np.bool_)
        new = np.flatnonzero(review >= int(REAPPLY))
        if len(new) > self.budget:
            ones = np.ones(len(new), np.int64)
            served, _, _ = self.borrowers.prefix(rank[new], ones, self.budget, rows[new], "u_lottery")
            contends[new[~served]] = False
        return contends

    def measure(self) -> None:
        """Events are logged with every cap and distance; ends of spells with their route."""
        s = self.s
        self.borrowers.put("granted", self.granted, 0)
        events = self.results["decision"].rolls["events"]
        rows = events["rows"]
        began, ended = events["happened"] > 0, events["ended"] > 0
        starts = rows[began].astype(np.int64)
        counts = np.zeros((2 * len(REASONS), CELLS), np.int64)
        if len(starts):
            measured = s.through_list("measure", starts)
            names = ("generation", "reason", "mask", "segment", "decile", "zeros", "limit", "since_paid")
            take = self.borrowers.fields(names, starts)
            kind = events["happened"][began]
            event: dict[str, Any] = {**when_and_who(s.month, starts), **take, "kind": kind}
            s.episodes.starts.append({**event, "measured": [*map(in_few_bytes, measured)]})
            cell = cells(take["segment"], take["decile"])
            which = (kind.astype(np.int64) - 1) * len(REASONS) + np.maximum(take["reason"].astype(np.int64) - 1, 0)
            np.add.at(counts, (which, cell), 1)
        for k, reason in enumerate(REASONS):
            self.extra[f"zero_by_{reason}"] = counts[k]
            self.extra[f"blocked_by_{reason}"] = counts[len(REASONS) + k]
        self._log_ends(rows[ended], events["ended"][ended], events["spell"][ended])

    def _log_ends(self, rows: Array, how: Any, spell: Array) -> None:
        s = self.s
        if len(rows):
            s.episodes.ends.append(
                {
                    **when_and_who(s.month, rows),
                    "generation": self.borrowers.read("generation", rows),
                    "ended": np.broadcast_to(how, rows.shape),
                    "spell": spell.copy(),
                }
            )

    def desk(self) -> None:
        """Step 9: the desk hears appeals in its order, up to its capacity; what succeeds is granted from the set-aside."""
        s = self.s
        appellants = self.results["decision"].rolls["appellants"]
        rows = appellants["rows"]
        queue = {"waiting": appellants["waited"], "score": appellants["risk"], "lottery": np.zeros(len(rows))}
        order = self.desk_order = queue[s.scenario.appeal_order].astype(np.float64)
        served, _, _ = self.borrowers.prefix(order, np.ones(len(rows), np.int64), self.hearings, rows, "u_desk")
        heard = rows[served]
        waited = appellants["waited"][served]
        order = order[served]
        s.through_list("hear", heard)
        read = self.borrowers.read
        line = read("appealed_line", heard).astype(np.int64)
        owed = read("scheduled", heard).astype(np.int64) + read("overdue", heard)
        won = np.flatnonzero(line > 0)
        need = (line - owed)[won]
        if s.pool.limit is None or s.phi == 0:
            granted = np.ones(len(won), np.bool_)
        else:
            self.totals.aside = share_of(s.pool.limit, s.scenario.appeals_share) * PER // s.phi
            granted, _, _ = self.borrowers.prefix(order[won], need, self.totals.aside, heard[won], "u_desk")
        self.totals.granted_on_appeal = int(need[granted].sum())
        rows = heard[won[granted]]
        self._log_ends(rows, float(ENDS.index("appeal")), read("without_line", rows))
        self.borrowers.put("granted", rows, need[granted])
        s.through_list("restore", rows)
        look_at_each("decision", rows, s.engine, s.month)
        self.borrowers.put("granted", rows, 0)
        self.borrowers.put("appealed_line", heard, 0)
        self.restored = rows
        for name, whom, number in zip(DESK, (heard, heard[won], rows, heard), (1, 1, 1, waited), strict=True):
            self.extra[name] = self.borrowers.sums(whom, number)
            s.keep_counted(name, whom, number)
            self.row[name] = int(self.extra[name].sum())

    def accounts(self) -> None:
        """Costs and distributions; what is left is the cash to lend."""
        s = self.s
        c = s.scenario
        counted = {name: self.flagged(name) for name in ("reviewed", "decreases", "warned", "noticed")}
        heard = int(self.row["appeals_heard"])
        fields = {"pool_limit": s.pool.limit, "principal": s.principal, "appeals_heard": heard, **counted}
        lines = charge.of(c, fields)
        costs = sum(lines.values())
        written, recovered = self.total("account", "written_off"), self.total("account", "recovered")
        net = s.pool.settle(c, self.total("account", "interest_paid"), recovered, written, costs)
        s.pool.loss_history.append(written - recovered)
        s.pool.principal_history.append(s.principal)
        self.row.update(**lines, costs=costs, net_income=net)

    def serve(self) -> None:
        """Step 10: requests in keyed order of arrival while sum B <= K and cash lasts; then used up."""
        s = self.s
        askers = self.results["decision"].rolls["askers"]
        rows, asked = askers["rows"], askers["asked"]
        late = self.borrowers.read("asked", self.restored)
        if late.any():
            rows = np.concatenate([rows, self.restored[late > 0]])
            asked = np.concatenate([asked, late[late > 0]])
        arrival = self.borrowers.lottery("u_arrival", rows)
        total = int(asked.sum(dtype=np.int64))
        if s.pool.limit is None:
            served = np.ones(len(rows), np.bool_)
            if total > s.pool.cash:
                s.pool.fund(total - s.pool.cash)
        else:
            room = max(0, min(s.pool.limit - s.principal, s.pool.cash))
            if total <= room:
                served = np.ones(len(rows), np.bool_)
            elif s.scenario.skip_refused:
                served = serve_fitting(asked, room, s.engine.keys_of(rows), arrival)
            else:
                first_come = ~s.engine.words("u_arrival", rows, s.month)
                served, marginal, _ = self.borrowers.prefix(first_come, asked, room, rows, "u_arrival")
                self.turned_away = int(arrival(np.array([marginal]))[0])
        refused = np.flatnonzero(~served)
        if self.turned_away is None and len(refused):
            self.turned_away = int(arrival(refused).min())
        self.refused = rows[refused]
        self.totals.served = total - int(asked[refused].sum(dtype=np.int64))
        self.borrowers.put("refused", self.refused, 1)

    def gossip(self) -> None:
        """Step 12: the share of a borrower's acquaintances who reported last month."""
        s = self.s
        acts = s.terms["neighbour_weight"] > 0.0
        self.borrowers.hear(s.network() if acts else None)

    def close(self) -> None:
        """The books are closed: cash by the accounts equals cash by hand."""
        s = self.s
        self.borrowers.put("refused", self.refused, 0)
        self.totals.lent = drawn = self.total("living", "drawn")
        s.pool.lend(drawn, 1.0 - s.scenario.partner_share)
        s.pool.drawn_history.append(drawn)
        s.principal = self.totals.at_end = self.total("living", "principal")
        leavers = self.results["living"].rolls["leavers"]
        ends = (leavers["event"] > 0) & (leavers["without_line"] > 0)
        self._log_ends(leavers["rows"][ends], float(ENDS.index("left")), leavers["without_line"][ends])
        a = s.pool.accounts
        self.row.update(
            pool=-1 if s.pool.limit is None else s.pool.limit,
            principal=s.principal,
            cash=s.pool.cash,
            overhang=0 if s.pool.limit is None else max(0, s.principal - s.pool.limit),
            funding_change=a.funding,
            distributed=a.distributed,
            capital=s.pool.capital,
            deficit=s.pool.deficit,
            gini=self.borrowers.gini(),
        )

    def recorded(self) -> Recorded:
        """Counts and sums by cell, ready for monthly.parquet."""
        counts: dict[str, Array] = {}
        for stage, words in WORDS.items():
            for k, (word, _) in enumerate(words):
                flags = self.results[stage].counts[:, k]
                if flags[:, len(OUTCOMES[word]) :].any():
                    raise OutOfRange(f"{word}: a bit beyond its {len(OUTCOMES[word])} flags is set")
                for one in OUTCOMES[word]:
                    counts[one.name] = flags[:, one.bit]
        for stage in SUMS:
            for k, name in enumerate(self.s.plan.stages[stage].sum_names):
                counts[f"sum_{name}"] = self.results[stage].sums[:, k]
        counts.update(self.extra)
        return Recorded(self.s.month, counts, self.row)


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
