"""The month, run: the platform's phases, the engines, and what is recorded. Knows no Mesa.

`CreditMarket` (market.py), the command line and sweep workers are faces of this class.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.allocation.own import checked, takes_level
from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput
from zerolimit.basics.sources import source_hash
from zerolimit.basics.wording import FEN
from zerolimit.engine.base import Array, Engine, Overrides, Result, reals
from zerolimit.engine.plan import Plan, check, make_plan
from zerolimit.parameters.scenario import Scenario
from zerolimit.parameters.terms import ANNOUNCED, NO_CAMPAIGN, TERMS, as_vector, from_scenario, switched_off
from zerolimit.platform.pool import Pool, share_of
from zerolimit.platform.world import World
from zerolimit.rules.allocations import USER_DEFINED
from zerolimit.rules.caps import MEASURED
from zerolimit.rules.rule import Rule
from zerolimit.run.balance import look_at_borrowers
from zerolimit.run.phases import Month, Recorded
from zerolimit.vocabulary.draws import WORLD, as_seed

if TYPE_CHECKING:
    from zerolimit.platform.network import Network

Watch = Callable[[str, Array | None], None]
ENGINES = ("auto", "compiled", "objects")
SMALL = 400
"""Below this many borrowers `auto` takes the object engine: nothing need be compiled."""


@dataclass
class Episodes:
    """Events and ends as they happen, in columns; joined at the end of a run (results/episodes.py)."""

    starts: list[dict[str, Any]] = field(default_factory=list)
    ends: list[dict[str, Array]] = field(default_factory=list)


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
            from zerolimit.basics.errors import nearest

            raise BadInput(f"engine: {engine!r} is not one of {', '.join(ENGINES)}{nearest(str(engine), ENGINES)}")
        if portfolio is not None:
            from zerolimit.portfolio.portfolio import as_portfolio

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
        return found if self.sharing is None else {**found, "allocation": USER_DEFINED}

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
        return dict(zip(MEASURED, found, strict=True))

    def network(self) -> Network:
        """Who hears of whom, made when it is first needed: `.edges()`, `.degrees()`, `.adjacency()`."""
        if self.ties is None:
            from zerolimit.platform.network import build

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
