"""The month, run: the platform's phases, the engines, and what is recorded. Knows no Mesa.

`CreditMarket` (market.py), the command line and sweep workers are faces of this class.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.allocation.user_defined import checked, takes_level
from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, quoted
from zerolimit.basics.shown import Shown
from zerolimit.basics.sources import source_hash
from zerolimit.basics.wording import FEN, in_yuan, number_of
from zerolimit.engine.base import Array, Engine, Options, Overrides, Result, unreal
from zerolimit.engine.plan import Plan, check, make_plan
from zerolimit.engine.registry import AUTO, chosen, named
from zerolimit.engine.rows import Rows
from zerolimit.engine.verbs import OneWorld, reals, refuse_rows
from zerolimit.parameters.scenario import USUAL, Scenario, load_scenario
from zerolimit.parameters.terms import ANNOUNCED, TERMS, as_vector, from_scenario, switched_off
from zerolimit.platform.books import TERM, Books, Terms
from zerolimit.platform.pool import Pool, agree, set_pool
from zerolimit.platform.shares import share_of
from zerolimit.portfolio.options import AS_READ
from zerolimit.portfolio.settlement import Columns, Drawn, FirstPopulation
from zerolimit.rules.allocations import USER_DEFINED
from zerolimit.rules.caps import MEASURED
from zerolimit.rules.rule import Rule
from zerolimit.run.month import Platform
from zerolimit.run.recorded import Recorded
from zerolimit.run.together import Together, books_of
from zerolimit.run.warm_up import warm_up
from zerolimit.vocabulary.draws import WORLD, as_seed
from zerolimit.vocabulary.fields import DTYPES, FIELDS
from zerolimit.vocabulary.names import MOST_MONTHS
from zerolimit.vocabulary.world_fields import NO_END

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from zerolimit.platform.network import Network

Watch = Callable[[str, Array | None], None]


@dataclass
class Episodes:
    """Events and ends as they happen, in columns; joined at the end of a run (results/episodes.py)."""

    starts: list[dict[str, Any]] = field(default_factory=list)
    ends: list[dict[str, Array]] = field(default_factory=list)


@public
class Simulation(Shown):
    """One world, month by month. Money in fen inside; results say their unit.

    Options of reading a portfolio from a file or DataFrame go by name (zerolimit.portfolio.options). With `begin=False` its
    borrowers are still to come, together with those of other worlds (run.batch).
    """

    watch: Watch | None = None
    """Called before each stage for borrowers with its name and, of a list, the rows (replay.py)."""

    options: Options
    """How its engine shall run, until there is one."""
    engine: Engine
    """Its borrowers' columns."""
    first_lines: int
    first_principal: int
    first_sectors: Array | None

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        *,
        engine: str = "auto",
        portfolio: FirstPopulation | pd.DataFrame | str | Path | None = None,
        rules: Iterable[Rule] = (),
        overrides: Overrides | None = None,
        threads: int | None = None,
        checks: bool = False,
        shuffle: int | None = None,
        say: Callable[[str], None] | None = None,
        burn_in: int = 0,
        begin: bool = True,
        **options_of_reading: Any,
    ) -> None:
        if isinstance(burn_in, bool) or not isinstance(burn_in, int) or not 0 <= burn_in < MOST_MONTHS:
            raise BadInput(
                f"burn_in: a whole number of months from 0 to {MOST_MONTHS - 1:,} is needed, not {quoted(burn_in)}"
            )
        if engine != AUTO:
            named(engine)
        if portfolio is not None or options_of_reading:
            from zerolimit.portfolio.portfolio import as_portfolio

            portfolio = as_portfolio(portfolio, options_of_reading)
        self.scenario = scenario if portfolio is None else scenario.change(borrowers=portfolio.size, warm_up_months=0)
        self.first_scenario = self.scenario
        self.seed = as_seed(seed)
        self.size = self.scenario.borrowers
        self.portfolio = portfolio
        self.month = -self.scenario.warm_up_months
        """The month that comes next; those below 0 belong to the set-up."""
        self.burn_in = burn_in
        """First months that results leave out."""
        self.books = Books(1)
        """The numbers of the world (vocabulary.world_fields)."""
        self.history: list[Recorded] = []
        self.episodes = Episodes()
        self.changes: list[dict[str, Any]] = []
        self.today: Platform | None = None
        """Who answers for the platform in the month that is being run."""
        self.ties: Network | None = None
        self.kept: dict[str, Array] = {}
        """Of the month, what panels keep of `kept_rows` beside the state at its end; as stored."""
        self.say = say or quiet
        own = scenario.name != USUAL or scenario.warm_up_months != load_scenario().warm_up_months
        if portfolio is not None and scenario.warm_up_months and own:
            self.say(f"warm_up_months = {scenario.warm_up_months} of scenario {scenario.name} is left out: {AS_READ}")
        self._turn = Lock()
        self.user_rules = given = user_rules(rules)
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise BadInput(f"threads: a whole number of at least 1 is needed, not {threads!r}")
        overrides = overrides or {}
        others = tuple(one for one in given if not takes_level(one))
        self.plan: Plan = plan_of(others, frozenset(overrides))
        self.sharing = self._rule_for_sharing(given)
        self.books.base[0] = self.books.terms[0] = self._parameters(self.scenario)
        self.books["tightness_low"] = self.scenario.base_tightness
        self._switch_off()
        keys = None if portfolio is None else portfolio.keys
        cores = threads or os.cpu_count() or 1
        self.options = Options(others, overrides, cores, checks, shuffle, self.say, keys, self.scenario.warm_up_months)
        self.asked_for, self.kind = engine, chosen(engine, self.size, user_rules=bool(others))
        if begin:
            self.refuse_size(available_memory())
            warm_up(begin_together([self]))

    def _in_short(self) -> str:
        size, months = number_of(self.size, "borrower"), number_of(self.month, "month")
        return f"Simulation {self.scenario.name}: {size}, {months} run, seed {self.seed}, engine {self.kind.name}"

    def _rule_for_sharing(self, given: tuple[Rule, ...]) -> Rule | None:
        """The user-defined rule that takes the allocation's place, if there is one."""
        found = [one for one in given if takes_level(one)]
        if len(found) > 1:
            raise BadInput(f"rules: {found[0].name} and {found[1].name} both share the pool; one is enough")
        return checked(found[0], self.plan.columns, lambda rule: check(rule, frozenset(TERMS))) if found else None

    def _parameters(self, scenario: Scenario) -> Array:
        """The scenario's terms, in their order; a user-defined rule stands in place of its allocation."""
        found = from_scenario(scenario)
        return as_vector(found if self.sharing is None else {**found, "allocation": USER_DEFINED})

    def _switch_off(self) -> None:
        """What terms are while the scenario's mechanisms are off."""
        self.books.off[:] = np.nan
        for name, value in switched_off({}, self.scenario.off).items():
            self.books.off[0, TERM[name]] = value

    @property
    def terms(self) -> Terms:
        """What rules read this month, by name: a view."""
        return Terms(self.books.terms[0])

    @property
    def pool(self) -> Pool:
        """The pool and its accounts: a view."""
        return Pool(self.books, self.engine.clock(self.month))

    @property
    def principal(self) -> int:
        """Lent and not repaid, fen."""
        return int(self.books.value("principal"))

    def refuse_size(self, free: int | None) -> None:
        """BadInput where the borrowers do not fit into so many free bytes, or are more than draws can tell apart."""
        needed = self.size * self.bytes_a_borrower
        if free is not None and needed > free:
            raise BadInput(
                f"borrowers: {self.size:,} need about {needed / 1e9:,.1f} GB of memory on the {self.asked_for} engine,"
                f" {free / 1e9:,.1f} GB are free; at most {int(free / needed * self.size):,} fit"
            )
        if self.size >= WORLD:
            raise BadInput(f"borrowers: {self.size:,} are more than draws can tell apart; allowed: 1 to {WORLD - 1:,}")

    @property
    def bytes_a_borrower(self) -> int:
        """Memory that a borrower takes, with acquaintances."""
        return self.kind.bytes_a_borrower(self.plan) + bytes_of_ties(self.scenario.network, self.scenario.acquaintances)

    @property
    def borrowers(self) -> OneWorld:
        """The engine's verbs in this month."""
        return OneWorld(self.engine, self.month)

    @property
    def client_ids(self) -> Array | None:
        """The clients' names in their file, by slot; None where there are none. An entrant has the slot, not the name."""
        return None if self.portfolio is None else self.portfolio.ids

    def client(self, slot: int, generation: int = 0) -> str | None:
        """The name that a slot's first borrower has in the file; None where there is none, and for who enters later."""
        ids = self.client_ids
        return None if ids is None or generation > 0 else str(ids[slot])

    # set-up, as run.together has it

    def settle_traits(self) -> None:
        """What given clients are in place of what was drawn."""
        if self.portfolio is not None:
            self.terms.update(self.portfolio.terms)
            for rows, terms in self.portfolio.births():
                self.engine.listed("enter", rows, self.month, as_vector({**self.terms, **terms}))
            self._settle(self.portfolio.traits)

    def settle_accounts(self) -> None:
        """What their accounts are."""
        if self.portfolio is not None:
            self._settle(self.portfolio.accounts)

    def _settle(self, columns: Callable[[Drawn], Columns]) -> None:
        """Write what given clients bring in place of what was drawn."""
        everybody = np.arange(self.size)
        drawn = Drawn(
            self.size, self.terms, self.column, lambda purpose: self.engine.uniforms(purpose, everybody, self.month)
        )
        for name, values in columns(drawn).items():
            self.engine.put_raw(name, slice(None), stored(name, values), self.month)

    def set_deciles(self, edges: list[float]) -> None:
        """At which income each decile but the lowest begins, fen."""
        for k, value in enumerate(edges, 1):
            self.books.base[0, TERM[f"decile_{k}"]] = self.terms[f"decile_{k}"] = value

    # the engines

    def alone(self) -> Together:
        """This world, run by itself. BadInput: it has no borrowers yet."""
        if not hasattr(self, "engine"):
            raise BadInput("simulation: declared with begin=False; its borrowers come with a batch (run.batch.Batch.begin)")
        return Together([self], self.engine, self.books)

    def through(self, stage: str) -> Result:
        """Every borrower through a stage. BadInput: it is none, or one for lists."""
        return self.alone().through(stage)

    def through_list(self, stage: str, rows: Array) -> Array:
        """The borrowers listed through a stage for lists; gives what was measured of them (caps.MEASURED), if anything.

        BadInput: the stage is none for lists, or the rows are not slots.
        """
        return self.alone().through_list(stage, Rows.alone(refuse_rows(rows, self.size)))

    def column(self, name: str) -> Array:
        """A column as rules see it: money in fen, shares as fractions. A view or a copy; write with `put`."""
        return reals(name, self.engine.raw(name, self.month))

    def measured(self, rows: Array) -> dict[str, Array]:
        """Every cap and distance of the borrowers listed, as they stand now, under the month's announcements."""
        rows = refuse_rows(rows, self.size)
        found = self.engine.listed("measure", rows, self.month, self.books.terms)
        return dict(zip(MEASURED, found, strict=True))

    @property
    def kept_rows(self) -> Array:
        """Of whom the stages leave in `kept` what a panel takes: rows in order."""
        return self.engine.kept_rows

    def keep(self, rows: Array) -> None:
        """Leave what a panel takes of these borrowers too, from the next month on. BadInput: the rows are not slots."""
        self.engine.keep(np.union1d(self.kept_rows, refuse_rows(rows, self.size)))

    def keep_counted(self, name: str, rows: Array, numbers: Any) -> None:
        """What the platform itself has counted of some borrowers."""
        if len(self.kept_rows):
            column = self.kept[name] = np.zeros(len(self.kept_rows), np.int16)
            at = np.minimum(np.searchsorted(self.kept_rows, rows), len(self.kept_rows) - 1)
            mine = self.kept_rows[at] == rows
            column[at[mine]] = np.broadcast_to(numbers, rows.shape)[mine]

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
        self.alone().step()
        return self.history[-1]

    def step_with(self, platform: Platform) -> None:
        """One month in which somebody else answers for the platform."""
        self.alone().step(platform)

    @property
    def counted(self) -> list[Recorded]:
        """The months that results tell of: those from `burn_in` on."""
        return self.history[self.burn_in :]

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
        books, announced, deciles = self.books, [TERM[name] for name in ANNOUNCED], [TERM[name] for name in DECILES]
        terms, base = books.terms[0, announced], books.base[0, deciles]
        books.base[0] = books.terms[0] = self._parameters(changed)
        books.terms[0, announced], books.base[0, deciles] = terms, base
        if self.pool.limit is not None and "pool_yuan" in parameters and changed.pool_yuan is not None:
            set_pool(books, round(changed.pool_yuan * FEN))
        elif self.pool.limit is not None and "pool_share" in parameters and changed.pool_share is not None:
            set_pool(books, share_of(self.first_lines, changed.pool_share))
        if ("scarcity" in changed.off) != ("scarcity" in self.scenario.off):
            books["pool"] = NO_END if "scarcity" in changed.off else books["first_pool"]
        agree(books, changed)
        self.scenario = changed
        self._switch_off()
        self.changes.append({"month": self.month, **changed.model_dump(mode="json", include=set(parameters))})

    def nobody_else(self, what: str) -> ExitStack:
        """Nobody else runs or copies the month while this lasts; BadInput where somebody does."""
        if not self._turn.acquire(blocking=False):
            raise BadInput(f"{what}: {IN_THE_MIDDLE}")
        lasts = ExitStack()
        lasts.callback(self._turn.release)
        return lasts

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
        with self.nobody_else("copy"):
            state = {name: value for name, value in vars(self).items() if name not in ("watch", "_turn")}
        return {**state, "source": source_hash()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state.pop("source") != source_hash():
            raise BadInput("pickle: made by another version of zerolimit's code, which alone can go on with it")
        vars(self).update(state, _turn=Lock())

    def close(self) -> None:
        """Let go of threads."""
        self.engine.close()


def begin_together(worlds: Sequence[Simulation]) -> Together:
    """The borrowers of worlds that are declared, all in the columns of one engine."""
    first = worlds[0]
    keys = None if first.options.keys is None else np.concatenate([one.options.keys for one in worlds])
    options = replace(first.options, keys=keys)
    engine = first.kind(first.plan, TERMS, [one.seed for one in worlds], [one.size for one in worlds], options)
    for number, one in enumerate(worlds):
        one.engine = engine.one(number)
    found = Together(worlds, engine, books_of(worlds))
    found.begin()
    for one in worlds:
        del one.options
        owed, pool = one.principal, one.books.value("pool")
        if one.portfolio is not None and one.portfolio.table is not None and owed > pool:
            more = "lines are cut until it carries them; pool_share or pool_yuan makes it larger"
            one.say(f"the pool of {in_yuan(pool)} is less than the {in_yuan(owed)} that clients owe: {more}")
    return found


@lru_cache(64)
def plan_of(rules: tuple[Rule, ...], overridden: frozenset[str]) -> Plan:
    """The plan for a month, made once."""
    return make_plan(frozenset(TERMS), rules, overridden)


NEVER_WRITTEN = (
    *("scenario", "first_scenario", "portfolio", "plan", "ties", "user_rules", "sharing", "first_sectors", "say"),
)
"""What a simulation has in common with its copies."""

IN_THE_MIDDLE = (
    "a month is being run, by another thread or by one of its own phases; run one month at a time, or copies side by side"
)


def quiet(text: str) -> None:
    """Say nothing."""


def stored(name: str, values: Array) -> Array:
    """Values of a field, as rules see them, rounded to what its column holds."""
    storage = FIELDS[name].storage
    exact = np.asarray(values, np.float64)
    return (exact if storage == "f4" else np.floor(exact * unreal(name, 1.0) + 0.5)).astype(DTYPES[storage])


def user_rules(rules: Any) -> tuple[Rule, ...]:
    """User-defined rules, marked as such."""
    try:
        given = tuple(rules)
    except TypeError:
        raise BadInput(f"rules: a list of rules is needed, not {type(rules).__name__}") from None
    for one in given:
        if not isinstance(one, Rule):
            raise BadInput(f"rules: {one!r} is no rule; declare it with @zerolimit.rule(...)")
    return tuple(replace(one, user_defined=True) for one in given)


DECILES = tuple(name for name in ANNOUNCED if name.startswith("decile_"))
SETUP_ONLY = frozenset(
    {
        "borrowers",
        "warm_up_months",
        "vacant_share",
        "unused_share",
        "high_use_share",
        "line_low",
        "line_high",
        "line_score",
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


def bytes_of_ties(network: str, acquaintances: int) -> int:
    """Bytes a borrower that acquaintances take while a network is made; a ring takes next to none."""
    return 24 + 20 * acquaintances if network in ("small_world", "scale_free", "sector_blocks") else 0


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
