"""The month, run: the platform's phases, the engines, and what is recorded. Knows no Mesa.

`CreditMarket` (market.py), the command line and sweep workers are faces of this class.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.allocation.gini import gini
from zerolimit.allocation.own import Own, checked, fields_of, one_at, takes_level
from zerolimit.allocation.prefix import serve_fitting, serve_prefix
from zerolimit.allocation.rules import allocate
from zerolimit.arguments import public
from zerolimit.balance import Totals, look_at_borrowers, look_at_each, look_at_totals
from zerolimit.draws import WORLD, as_seed
from zerolimit.engine.base import Array, Engine, Overrides, Result, reals
from zerolimit.engine.plan import Plan, check, make_plan
from zerolimit.errors import BadInput, OutOfRange
from zerolimit.fields import MEASURES
from zerolimit.month import SUMS, WORDS
from zerolimit.names import BY_OWN, BY_PROFIT, ENDS, LEFT, OPEN, REAPPLY, REASONS
from zerolimit.pool import PER, Pool, share_of
from zerolimit.results.outcomes import DESK, OUTCOMES
from zerolimit.results.record import CELLS, by_cell, cells
from zerolimit.rules.decision import NO_CAP
from zerolimit.rules.rule import Rule
from zerolimit.scenario import Scenario
from zerolimit.sources import source_hash
from zerolimit.terms import ANNOUNCED, FEN, NEVER, NO_CAMPAIGN, TERMS, as_vector, from_scenario, switched_off
from zerolimit.world import World

if TYPE_CHECKING:
    from zerolimit.network import Network

Watch = Callable[[str, Array | None], None]
ENGINES = ("auto", "compiled", "objects")
SMALL = 400
"""Below this many borrowers `auto` takes the object engine: nothing need be compiled."""


@dataclass
class Recorded:
    """What one month left: counts and sums by cell, and the platform's row."""

    month: int
    counts: dict[str, Array]
    platform: dict[str, float]


@dataclass
class Episodes:
    """Events and ends as they happen, in columns; joined at the end of a run (results/episodes.py)."""

    starts: list[dict[str, Any]] = field(default_factory=list)
    ends: list[dict[str, Array]] = field(default_factory=list)


@dataclass(frozen=True)
class Claims:
    """Who contends for the pool in a month, and what else it must hold: so that it can be shared again at another size."""

    rule: str
    rows: Array
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
    own: Own | None = None
    """A rule of one's own, in place of `rule`."""

    def one(self, level: int, need: int, values: Mapping[str, float]) -> int:
        """What one's own rule grants one borrower at a level, fen."""
        assert self.own is not None
        return one_at(self.own.rule, level, need, self.least, values, SimpleNamespace(**self.own.terms))

    def free(self, limit: int) -> int:
        """What a pool of `limit` (fen) has left: K - set-aside - sum B - phi x what is committed."""
        return limit - share_of(limit, self.aside) - self.principal - -(-self.phi * self.committed // PER)

    def capacity(self, limit: int | None) -> int:
        """What may be granted (fen): what is free over phi; without expected use or end (None), everything."""
        everything = int(self.need.sum(dtype=np.int64))
        return everything if limit is None or self.phi == 0 else max(0, self.free(limit)) * PER // self.phi

    def shared(self, limit: int | None) -> tuple[Array, float]:
        """Grants (fen) out of a pool of `limit` (fen; None: without end), and the level at which it was used up.

        Without end everybody gets what the rule gives at its highest level, as out of a pool that is large enough.
        """
        capacity, floor = self.capacity(limit), self.floor
        return allocate(self.rule, self.rank, self.need, capacity, self.least, self.rows, self.lottery, floor, self.own)


@public
class Simulation:
    """One world, month by month. Money in fen inside; results say their unit."""

    watch: Watch | None = None
    """Called before each stage for borrowers with its name and, of a list, the rows (replay.py)."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        *,
        engine: str = "auto",
        portfolio: Any = None,
        rules: Iterable[Rule] = (),
        overrides: Overrides | None = None,
        threads: int | None = None,
        checks: bool = False,
        shuffle: int | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        if engine not in ENGINES:
            from zerolimit.errors import nearest

            raise BadInput(f"engine: {engine!r} is not one of {', '.join(ENGINES)}{nearest(str(engine), ENGINES)}")
        if portfolio is not None:
            from zerolimit.portfolio import as_portfolio

            portfolio = as_portfolio(portfolio)
        self.scenario = scenario if portfolio is None else scenario.change(borrowers=portfolio.size)
        self.first_scenario = self.scenario
        self.seed = as_seed(seed)
        self.size = self.scenario.borrowers
        self.portfolio = portfolio
        self.month = 0
        self.world = World(self.seed)
        self.history: list[Recorded] = []
        self.episodes = Episodes()
        self.changes: list[dict[str, Any]] = []
        self.today: Month | None = None
        self.ties: Network | None = None
        self.tightness_before = self.scenario.base_tightness
        self.pool_before = 0
        self.overrun = False
        self.phi = 0
        self.say = say or quiet
        self._turn = Lock()
        own = own_rules(rules)
        self.own = own
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise BadInput(f"threads: a whole number of at least 1 is needed, not {threads!r}")
        overrides = overrides or {}
        others = tuple(one for one in own if not takes_level(one))
        self.plan: Plan = make_plan(frozenset(TERMS), others, frozenset(overrides))
        self.sharing = self._own_rule_for_sharing(own)
        self.base = self._parameters(self.scenario)
        self.terms = dict(self.base)
        self.engine = self._make_engine(engine, others, overrides, threads or os.cpu_count() or 1, checks, shuffle)
        self._begin()

    def _own_rule_for_sharing(self, own: tuple[Rule, ...]) -> Rule | None:
        """The rule of one's own that takes the allocation's place, if there is one."""
        found = [one for one in own if takes_level(one)]
        if len(found) > 1:
            raise BadInput(f"rules: {found[0].name} and {found[1].name} both share the pool; one is enough")
        return checked(found[0], self.plan.columns, lambda rule: check(rule, frozenset(TERMS))) if found else None

    def _parameters(self, scenario: Scenario) -> dict[str, float]:
        """The scenario's terms; a rule of one's own stands in place of its allocation."""
        found = from_scenario(scenario)
        return found if self.sharing is None else {**found, "allocation": BY_OWN}

    def _make_engine(
        self, name: str, own: tuple[Rule, ...], overrides: Overrides, threads: int, checks: bool, shuffle: int | None
    ) -> Engine:
        a_borrower = self.plan.bytes_a_borrower if name != "objects" else 8_000
        needed = self.size * (a_borrower + bytes_of_ties(self.scenario))
        free = available_memory()
        if free is not None and needed > free:
            raise BadInput(
                f"borrowers: {self.size:,} need about {needed / 1e9:,.1f} GB of memory on the {name} engine,"
                f" {free / 1e9:,.1f} GB are free; at most {int(free / needed * self.size):,} fit"
            )
        if self.size >= WORLD:
            raise BadInput(f"borrowers: {self.size:,} are more than draws can tell apart; allowed: 1 to {WORLD - 1:,}")
        if name == "objects" or (name == "auto" and self.size < SMALL and not own):
            from zerolimit.engine.objects import Objects

            return Objects(self.plan, TERMS, self.seed, self.size, overrides=overrides, shuffle=shuffle, checks=checks)
        from zerolimit.engine.compiled import Compiled

        return Compiled(
            self.plan,
            TERMS,
            self.seed,
            self.size,
            own=own,
            threads=threads,
            checks=checks,
            overrides=overrides,
            say=self.say,
        )

    # set-up

    def _begin(self) -> None:
        """The first population: drawn, replaced by a portfolio's columns where there are some, and its first book."""
        switched_off(self.terms, self.scenario.off)
        self.terms["rescoring"] = 1.0
        self._for_all("be_born")
        if self.portfolio is not None:
            self.portfolio.put_traits(self)
        self._set_deciles()
        self._for_all("rank")
        self._for_all("history")
        if self.portfolio is not None:
            self.portfolio.put_accounts(self)
        self._for_all("first_book")
        self.engine.drop(("owed", "months_left"))
        self.terms["rescoring"] = 0.0 if "rescoring" in self.scenario.off else 1.0
        lines = int(self.column("limit").sum(dtype=np.int64))
        principal = int(self.column("scheduled").sum(dtype=np.int64) + self.column("overdue").sum(dtype=np.int64))
        self.first_lines, self.first_principal = lines, principal
        self.pool = Pool.start(self.scenario, lines, principal)
        self.principal = principal
        if "scarcity" in self.scenario.off:
            self.pool.limit = None
        self.first_sectors = self.column("sector").copy() if self.scenario.network == "sector_blocks" else None
        if self.terms["neighbour_weight"] > 0.0:
            self.network()

    def _set_deciles(self) -> None:
        income = self.column("income_true")
        ordered = np.sort(income)
        for k in range(1, 10):
            value = float(ordered[min(len(ordered) - 1, len(ordered) * k // 10)])
            self.base[f"decile_{k}"] = self.terms[f"decile_{k}"] = value

    # the engines

    def _stage(self, name: str) -> Result:
        if self.watch is not None:
            self.watch(name, None)
        result = self.engine.stage(name, self.month, as_vector(self.terms))
        look_at_borrowers(name, result, self.engine, self.month)
        return result

    def _for_all(self, name: str) -> None:
        """Everybody through a listed stage, a million at a time."""
        for start in range(0, self.size, 1_000_000):
            self._listed(name, np.arange(start, min(start + 1_000_000, self.size)))

    def _listed(self, name: str, rows: Array) -> Array:
        if self.watch is not None:
            self.watch(name, rows)
        return self.engine.listed(name, rows, self.month, as_vector(self.terms))

    def column(self, name: str) -> Array:
        """A column as rules see it: money in fen, shares as fractions. A view or a copy; write with `put`."""
        return reals(name, self.engine.raw(name, self.month))

    def measured(self, rows: Array) -> dict[str, Array]:
        """Every cap and distance of the borrowers listed, as they stand now, under the month's announcements."""
        rows = np.asarray(rows)
        if rows.size and (rows.ndim != 1 or rows.dtype.kind not in "iu" or not 0 <= rows.min() <= rows.max() < self.size):
            raise BadInput(f"rows: whole numbers from 0 to {self.size - 1} are needed")
        found = self.engine.listed("measure", rows, self.month, as_vector(self.terms))
        return dict(zip(MEASURES, found, strict=True))

    def network(self) -> Network:
        """Who hears of whom, made when it is first needed: `.edges()`, `.degrees()`, `.adjacency()`."""
        if self.ties is None:
            from zerolimit.network import build

            table = None if self.portfolio is None else self.portfolio.table
            ids = table["id"].combine_chunks() if table is not None and "id" in table.column_names else None
            self.ties = build(self.scenario, self.seed, self.first_sectors, ids)
        return self.ties

    # running

    def step(self) -> Recorded:
        """One month, phase by phase, as month.MONTH has it."""
        with self._alone("step"):
            m = self.today = Month(self)
            try:
                for _, phase in m.order():
                    phase()
                recorded = m.recorded()
            finally:
                self.today = None  # it knows this simulation, which would outlive its last name
            self.history.append(recorded)
            self.month += 1
            self.terms["campaign_cut"] = NO_CAMPAIGN
        return recorded

    def run(self, months: int, progress: Callable[[int], None] | None = None) -> Simulation:
        """More months."""
        for _ in range(months):
            self.step()
            if progress is not None:
                progress(self.month)
        return self

    def change(self, **parameters: Any) -> None:
        """Other parameters from the next month on."""
        fixed = [name for name in parameters if name in SETUP_ONLY]
        if fixed:
            raise BadInput(f"{fixed[0]}: acts only at the start of a run; build another market with it")
        changed = self.scenario.change(**parameters)
        deciles = {name: self.base[name] for name in ANNOUNCED if name.startswith("decile_")}
        announced = {name: self.terms[name] for name in ANNOUNCED}
        self.base = {**self._parameters(changed), **deciles}
        self.terms = {**self.base, **announced}
        if self.pool.limit is not None and "pool_yuan" in parameters and changed.pool_yuan is not None:
            self._set_pool(round(changed.pool_yuan * FEN))
        elif self.pool.limit is not None and "pool_share" in parameters and changed.pool_share is not None:
            self._set_pool(share_of(self.first_lines, changed.pool_share))
        if ("scarcity" in changed.off) != ("scarcity" in self.scenario.off):
            self.pool.limit = None if "scarcity" in changed.off else self.pool.accounts.first_pool
        self.scenario = changed
        self.changes.append({"month": self.month, **changed.model_dump(mode="json", include=set(parameters))})

    def _set_pool(self, size: int) -> None:
        self.pool.limit = size
        self.pool.follow()

    @contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        """Nobody else runs or copies the month meanwhile; BadInput where somebody does."""
        if not self._turn.acquire(blocking=False):
            raise BadInput(f"{what}: {IN_THE_MIDDLE}")
        try:
            yield
        finally:
            self._turn.release()

    # copies

    def copy(self) -> Simulation:
        """A branch: same past, own future. `copy.copy`, `copy.deepcopy` and pickle give the same."""
        return deepcopy(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Simulation:
        state = self.__getstate__()
        same = (state[name] for name in NEVER_WRITTEN)
        memo.update((id(one), one) for one in (*same, *self.history, *self.episodes.starts, *self.episodes.ends))
        twin = memo[id(self)] = type(self).__new__(type(self))
        twin.__setstate__(deepcopy(state, memo))
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """All that the future hangs on; who watches is left behind."""
        with self._alone("copy"):
            state = {name: value for name, value in vars(self).items() if name not in ("watch", "_turn")}
        return {**state, "source": source_hash()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state.pop("source") != source_hash():
            raise BadInput("pickle: made by another version of zerolimit's code, which alone can go on with it")
        vars(self).update(state, _turn=Lock())

    def close(self) -> None:
        """Let go of threads."""
        self.engine.close()


NEVER_WRITTEN = ("scenario", "first_scenario", "portfolio", "plan", "ties", "own", "sharing", "first_sectors", "say")
"""What a simulation has in common with its copies."""

IN_THE_MIDDLE = (
    "a month is being run, by another thread or by one of its own phases; run one month at a time, or copies side by side"
)


def quiet(text: str) -> None:
    """Say nothing."""


def own_rules(rules: Any) -> tuple[Rule, ...]:
    """Rules of one's own, marked as such."""
    try:
        given = tuple(rules)
    except TypeError:
        raise BadInput(f"rules: a list of rules is needed, not {type(rules).__name__}") from None
    for one in given:
        if not isinstance(one, Rule):
            raise BadInput(f"rules: {one!r} is no rule; declare it with @zerolimit.rule(...)")
    return tuple(replace(one, own=True) for one in given)


SETUP_ONLY = frozenset(
    {
        "borrowers",
        "vacant_share",
        "unused_share",
        "high_use_share",
        "line_low",
        "line_high",
        "other_share",
        "pool_rule",
        "own_share",
        "network",
        "network_file",
        "acquaintances",
        "rewiring",
        "sector_ties",
    }
    | {name for name in Scenario.model_fields if name.startswith("first_") and name not in ("first_share", "first_trust")}
    | {"partner_share", "leverage", "leverage_slack", "name", "description", "start"}
)
"""Parameters that act only at the start."""


class Month:
    """One month of one simulation: the platform's phases, and what they pass on to each other."""

    def __init__(self, simulation: Simulation) -> None:
        self.s = simulation
        self.results: dict[str, Result] = {}
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

    def order(self) -> list[tuple[str, Callable[[], None]]]:
        """What runs, by name, in the order of the table of phases: each stage once, each platform phase once."""
        steps: list[tuple[str, Callable[[], None]]] = []
        seen: set[str] = set()
        for phase in self.s.plan.phases:
            if phase.stage in seen or phase.stage in CALLED_BY:
                continue
            seen.add(phase.stage)
            if phase.rules and not phase.listed:
                steps.append((phase.stage, self._runner(phase.stage)))
            else:
                steps.append((phase.stage, self._watched(phase.stage)))
        return steps

    def _watched(self, stage: str) -> Callable[[], None]:
        """A platform phase, after which totals must hold."""
        phase = getattr(self, stage)

        def run() -> None:
            phase()
            look_at_totals(stage, self.totals, self.s.engine, self.s.month)

        return run

    def _runner(self, stage: str) -> Callable[[], None]:
        def run() -> None:
            self.results[stage] = self.s._stage(stage)

        return run

    def total(self, stage: str, name: str) -> int:
        """A stage's sum over everybody."""
        return int(self.results[stage].sums[:, self.s.plan.stages[stage].sum_names.index(name)].sum())

    def flagged(self, name: str) -> int:
        """How many borrowers have an outcome flag."""
        for stage, words in WORDS.items():
            for k, (word, _) in enumerate(words):
                if name in OUTCOMES[word]:
                    return int(self.results[stage].counts[:, k, list(OUTCOMES[word]).index(name)].sum())
        raise KeyError(name)

    # platform phases, named as in month.MONTH

    def world(self) -> None:
        """Step 1: the world moves, events take effect; they and recent losses set the tightness."""
        s = self.s
        scenario, terms = s.scenario, s.terms
        due = s.world.move(s.month, scenario)
        in_force = s.world.in_force
        slump = max(0.0, -s.world.macro)
        losses = max(0.0, s.pool.loss_rate() / scenario.loss_norm - 1.0)
        wished = (
            scenario.base_tightness
            + in_force.get("tightness", 0.0)
            + scenario.macro_tightness * slump
            + scenario.loss_tightness * losses
        )
        tightness = min(1.0, max(0.0, wished))
        cap, years = in_force.get("person_cap", 0.0), in_force.get("person_cap_income", 0.0)
        terms.update(
            macro=s.world.macro,
            slump=slump,
            stress=1.0 + scenario.stress_gain * slump,
            demand=max(0.0, 1.0 - scenario.slump_demand * slump),
            tightness=tightness,
            cutoff_shift=in_force.get("cutoff_shift", 0.0) + scenario.cutoff_gain * tightness,
            person_cap=float(round(cap * FEN)) if cap > 0.0 else NO_CAP,
            person_cap_income=years if years > 0.0 else NEVER,
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
        """A campaign over a share of lines: tightness rose since its last low, the pool fell, or it is overcommitted."""
        s = self.s
        s.tightness_before = min(s.tightness_before, s.terms["tightness"])
        rise = s.terms["tightness"] - s.tightness_before >= s.scenario.campaign_rise
        limit = s.pool.limit
        if before is not None and limit is not None:
            s.pool_before = max(s.pool_before, before, limit)
        fall = limit is not None and limit < s.pool_before - share_of(s.pool_before, s.scenario.campaign_fall)
        called = (rise or fall or (s.overrun and limit is not None)) and s.month > 0 and s.scenario.campaign_share > 0.0
        self.row["campaign"] = float(called)
        if called:
            s.tightness_before = s.terms["tightness"]
            s.pool_before = limit or 0
            rows = s.engine.find("status", OPEN, s.month)
            count = int(len(rows) * s.scenario.campaign_share)
            if count > 0:
                s._listed("campaign", rows)
                standing = s.column("closeness")[rows]
                standing.partition(count - 1)
                s.terms["campaign_cut"] = float(standing[count - 1])
                s.engine.renew("closeness")

    def campaign(self) -> None:
        """Called by the world phase when it is due."""

    def enter(self) -> None:
        """Applicants take slots of those who left, each with probability entry_rate."""
        s = self.s
        rows = s.engine.find("status", LEFT, s.month)
        if len(rows):
            arrives = s.engine.uniforms("u_arrive", rows, s.month) < s.scenario.entry_rate
            rows = rows[arrives]
            s.engine.clear(rows, s.month, "enter")
            s._listed("enter", rows)

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
        if s.terms["allocation"] == BY_PROFIT:
            contends &= rank >= 0.0
        if not contends.all():
            rows, rank, need = rows[contends], rank[contends], need[contends]
        self.claims = claims = Claims(
            s.scenario.allocation,
            rows,
            rank,
            need,
            principal,
            committed,
            phi,
            s.scenario.appeals_share if s.scenario.appeals_capacity > 0.0 else 0.0,
            max(1, int(s.terms["minimum_loan"])),
            int(s.terms["floor_yuan"]),
            lambda at: s.engine.long_words("u_lottery", rows[at], s.month),
            self._own_sharing(rows, need),
        )
        s.overrun = limit is not None and claims.free(limit) < -share_of(limit, s.scenario.campaign_fall)
        shared, level = claims.shared(limit)
        gets = shared > 0
        self.granted = rows[gets]
        s.engine.put_raw("granted", self.granted, shared[gets], s.month)
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

    def _own_sharing(self, rows: Array, need: Array) -> Own | None:
        """A rule of one's own over those who contend."""
        s = self.s
        if s.sharing is None:
            return None
        columns = tuple(s.column(name)[rows].astype(np.float64) for name in fields_of(s.sharing))
        least = max(1, int(s.terms["minimum_loan"]))
        own = Own(s.sharing, need, columns, dict(s.terms), least, s.engine.name == "compiled")
        if not s.history:
            own.verify()
        return own

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
        s = self.s
        contends = np.ones(len(rows), np.bool_)
        new = np.flatnonzero(review >= int(REAPPLY))
        if len(new) > self.budget:
            served, _, _ = serve_prefix(
                rank[new],
                np.ones(len(new), np.int64),
                self.budget,
                rows[new],
                lambda at: s.engine.long_words("u_lottery", rows[new][at], s.month),
            )
            contends[new[~served]] = False
        return contends

    def measure(self) -> None:
        """Events are logged with every cap and distance; ends of spells with their route."""
        s = self.s
        s.engine.put_raw("granted", self.granted, 0, s.month)
        events = self.results["decision"].rolls["events"]
        rows = events["rows"]
        began, ended = events["happened"] > 0, events["ended"] > 0
        starts = rows[began].astype(np.int64)
        counts = np.zeros((2 * len(REASONS), CELLS), np.int64)
        if len(starts):
            measured = s._listed("measure", starts)
            take = {
                name: s.column(name)[starts]
                for name in ("generation", "reason", "mask", "segment", "decile", "zeros", "limit", "since_paid")
            }
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
                    "generation": s.column("generation")[rows],
                    "ended": np.broadcast_to(how, rows.shape),
                    "spell": spell.copy(),
                }
            )

    def desk(self) -> None:
        """Step 9: the desk hears so many appeals a month in its order; what succeeds is granted from the set-aside."""
        s = self.s
        appellants = self.results["decision"].rolls["appellants"]
        rows = appellants["rows"]
        queue = {"waiting": appellants["waited"], "score": appellants["risk"], "lottery": np.zeros(len(rows))}
        order = self.desk_order = queue[s.scenario.appeal_order].astype(np.float64)
        served, _, _ = serve_prefix(
            order,
            np.ones(len(rows), np.int64),
            self.hearings,
            rows,
            lambda at: s.engine.long_words("u_desk", rows[at], s.month),
        )
        heard = rows[served]
        waited = appellants["waited"][served]
        order = order[served]
        s._listed("hear", heard)
        line = s.column("appealed_line")[heard].astype(np.int64)
        owed = s.column("scheduled")[heard].astype(np.int64) + s.column("overdue")[heard]
        won = np.flatnonzero(line > 0)
        need = (line - owed)[won]
        if s.pool.limit is None or s.phi == 0:
            granted = np.ones(len(won), np.bool_)
        else:
            self.totals.aside = share_of(s.pool.limit, s.scenario.appeals_share) * PER // s.phi
            granted, _, _ = serve_prefix(
                order[won],
                need,
                self.totals.aside,
                heard[won],
                lambda at: s.engine.long_words("u_desk", heard[won][at], s.month),
            )
        self.totals.granted_on_appeal = int(need[granted].sum())
        rows = heard[won[granted]]
        self._log_ends(rows, float(ENDS.index("appeal")), s.column("without_line")[rows])
        s.engine.put_raw("granted", rows, need[granted], s.month)
        s._listed("restore", rows)
        look_at_each("decision", rows, s.engine, s.month)
        s.engine.put_raw("granted", rows, 0, s.month)
        s.engine.put_raw("appealed_line", heard, 0, s.month)
        self.restored = rows
        for name, whom, number in zip(DESK, (heard, heard[won], rows, heard), (1, 1, 1, waited), strict=True):
            self.extra[name] = by_cell(s.column("segment")[whom], s.column("decile")[whom], number)
            self.row[name] = int(self.extra[name].sum())

    def accounts(self) -> None:
        """Costs and distributions; what is left is the cash to lend."""
        s = self.s
        c = s.scenario
        letter = round(c.notice_cost * FEN)
        lines = {
            "funding_costs": share_of(max(s.pool.limit or 0, s.principal), c.funding_rate / 12.0),
            "review_costs": self.flagged("reviewed") * round(c.review_cost * FEN),
            "reason_costs": self.flagged("decreases") * letter if c.reasons_sent else 0,
            "warning_costs": self.flagged("warned") * letter,
            "notice_costs": self.flagged("noticed") * letter,
            "appeal_costs": int(self.row["appeals_heard"]) * round(c.appeal_cost * FEN),
        }
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
        late = self.restored[s.engine.raw("asked", s.month)[self.restored] > 0]
        if len(late):
            rows = np.concatenate([rows, late])
            asked = np.concatenate([asked, s.engine.raw("asked", s.month)[late]])

        def arrival(at: Array) -> Array:
            return s.engine.long_words("u_arrival", rows[at], s.month)

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
                served = serve_fitting(asked, room, rows, arrival)
            else:
                first_come = ~s.engine.words("u_arrival", rows, s.month)
                served, marginal, _ = serve_prefix(first_come, asked, room, rows, arrival)
                self.turned_away = int(arrival(np.array([marginal]))[0])
        refused = np.flatnonzero(~served)
        if self.turned_away is None and len(refused):
            self.turned_away = int(arrival(refused).min())
        self.refused = rows[refused]
        self.totals.served = total - int(asked[refused].sum(dtype=np.int64))
        s.engine.put_raw("refused", self.refused, 1, s.month)

    def gossip(self) -> None:
        """Step 12: the share of one's acquaintances who reported last month."""
        s = self.s
        acts = s.terms["neighbour_weight"] > 0.0
        heard = s.network().hear(s.engine.raw("told", s.month)) if acts else 0
        s.engine.put_raw("heard", slice(None), heard, s.month)

    def close(self) -> None:
        """The books are closed: cash by the accounts equals cash by hand."""
        s = self.s
        s.engine.put_raw("refused", self.refused, 0, s.month)
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
            gini=gini(s.engine.raw("limit", s.month), s.engine.raw("status", s.month), s.engine.parts, s.engine.map),
        )

    def recorded(self) -> Recorded:
        """Counts and sums by cell, ready for monthly.parquet."""
        counts: dict[str, Array] = {}
        for stage, words in WORDS.items():
            for k, (word, _) in enumerate(words):
                flags = self.results[stage].counts[:, k]
                if flags[:, len(OUTCOMES[word]) :].any():
                    raise OutOfRange(f"{word}: a bit beyond its {len(OUTCOMES[word])} flags is set (results/outcomes.py)")
                for bit, name in enumerate(OUTCOMES[word]):
                    counts[name] = flags[:, bit]
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


CALLED_BY = frozenset({"campaign", "hear", "restore"})
"""Lists that a platform phase calls itself when it needs them."""


def bytes_of_ties(scenario: Scenario) -> int:
    """Bytes a borrower that acquaintances take while a network is made; a ring takes next to none."""
    made = scenario.network in ("small_world", "scale_free", "sector_blocks")
    return 24 + 20 * scenario.acquaintances if made else 0


def available_memory() -> int | None:
    """Bytes of memory that are free, where the system tells."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None
