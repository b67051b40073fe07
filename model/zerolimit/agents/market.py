"""CreditMarket(mesa.Model): a face on the month, which itself knows no Mesa (simulation.py).

In three lines:

    market = CreditMarket("jiebei-2020", seed=7, borrowers=50_000).run(months=36)
    market.rate("zero_limit", by="month").plot()
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial, wraps
from pathlib import Path
from threading import RLock, get_ident
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary, ref

import mesa
import numpy as np
from mesa.agentset import _HardKeyAgentSet
from mesa.experimental.scenarios import Scenario as MesaScenario
from mesa.time import EventGenerator

from zerolimit.agents.borrower import Borrower, Borrowers, View, closed_to_writers, overridden, storable, view_of
from zerolimit.agents.lender import Platform
from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, quoted, refuse_others
from zerolimit.basics.progress import Progress, reporting
from zerolimit.basics.terminal import tell
from zerolimit.basics.wording import number_of
from zerolimit.engine.plan import FLOW_NAMES
from zerolimit.engine.registry import AUTO, named
from zerolimit.parameters.scenario import Scenario, load_scenario, takes_parameters
from zerolimit.parameters.terms import in_yuan
from zerolimit.results.columns import parts_of
from zerolimit.results.counted import Counted
from zerolimit.results.panel import SAMPLE, Panel, parse_panel
from zerolimit.rules.rule import Rule
from zerolimit.run.recorded import Recorded
from zerolimit.run.simulation import IN_THE_MIDDLE, Simulation
from zerolimit.vocabulary.draws import as_seed, fresh_seed
from zerolimit.vocabulary.fields import Field
from zerolimit.vocabulary.names import END_LEFT, LEFT, MOST_MONTHS
from zerolimit.vocabulary.outcomes import RATES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from zerolimit.portfolio.portfolio import Portfolio
    from zerolimit.results.lazy import Lazy
    from zerolimit.results.store import Draw

PLATFORM_REPORTERS = ("pool", "principal", "cash", "pool_use", "tightness")
"""Properties of Platform that the market's own DataCollector reports beside all rates."""


class Weakly:
    """A market, held weakly; in a copy or pickle it is the market's copy."""

    def __init__(self, market: CreditMarket) -> None:
        self._held = ref(market)

    def __call__(self) -> CreditMarket:
        market = self._held()
        if market is None:
            raise BadInput("market: it is gone, and what is left of it cannot run alone; keep a name for the market")
        return market

    def __reduce__(self) -> Any:
        return Weakly, (self(),)


@dataclass(frozen=True)
class InPython:
    """What the engine calls in place of a rule: the method of the borrower in a row; vacant slots take the rule."""

    market: Weakly
    name: str

    def __call__(self, row: int) -> None:
        self.market()._run_phase(self.name, row)


class Recurring(EventGenerator):  # type: ignore[misc]
    """Mesa's recurring events; they hold their model weakly, or a market would outlive its last name."""

    @property
    def model(self) -> CreditMarket:
        held: Weakly = self.__dict__["model"]
        return held()

    @model.setter
    def model(self, market: CreditMarket) -> None:
        self.__dict__["model"] = Weakly(market)


def recurring(generator: Any) -> Any:
    """A recurring event of Mesa's that holds its model weakly."""
    market = generator.model
    generator.__class__ = Recurring
    generator.model = market
    return generator


def as_step(own: Callable[[Any], None]) -> Callable[[Any], None]:
    """A class's `step`: called from outside, time moves on by one, and Mesa's clock calls it again for the month itself.

    Mesa puts a bound method in its place into each model, which so would outlive its last name.
    """

    @wraps(own)
    def step(self: CreditMarket) -> None:
        if self._runner == get_ident():
            own(self)
        else:
            self._wrapped_step()

    step.__dict__["is_step"] = True
    return step


@public
class CreditMarket(Counted, mesa.Model):  # type: ignore[misc]
    """One platform, its borrowers, the month.

    `scenario` is the name of a preset, a path of a TOML file, a Scenario, or Mesa's own scenario object, of which the
    attributes that are parameters are taken on top of its `base` (a preset, default baseline). `market.scenario` is
    Mesa's object: what the run began with; Mesa's Reset makes another one of its class, which keeps the preset.
    `market.simulation.scenario` is what is in force now.

    `seed` (or Mesa's `rng`: a whole number, a Generator to draw one from) gives all draws; without one a fresh seed is
    drawn. `market.seed` records it. Mesa's `model.random` and `model.rng` are seeded with it too, and no result depends
    on them. In Mesa 3 `batch_run(..., rng=[1, 2])` passes its values on as `seed`, and overwrites a `seed` among the
    swept parameters by None: sweep `rng`, not `seed`.

    `datacollector` reports the month's rates and the platform; put your own in its place. It collects at the end of each
    month, unless a subclass has its own `step` and a collector of its own, which then has to call `collect` as in Mesa.

    `burn_in` is how many first months are run and not counted: results begin with that month, under its own number.

    `panel` says which borrowers are kept month by month, for `market.panel` and `save`: all, sample=N or none.

    Plain-Python behaviour: `borrower_class`, a subclass of Borrower that overrides rules of the month. User-defined
    rules, compiled: `rules`. Any parameter of the scenario can be given by name, and with a portfolio from a file or
    DataFrame any option of reading it (`columns`, `scale`, `units`, ...: zerolimit.portfolio.options).
    """

    borrower_class: type[Borrower] = Borrower
    _runner: int | None = None
    """The thread that runs it just now."""
    _made: WeakValueDictionary[int, View]
    _kept: dict[int, dict[str, Any]]
    _turn: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(cls.step, "is_step"):
            cls.step = as_step(cls.step)  # type: ignore[method-assign]

    def __init__(
        self,
        scenario: Any = "baseline",
        *,
        seed: Any = None,
        rng: Any = None,
        borrowers: int | None = None,
        portfolio: Portfolio | pd.DataFrame | str | Path | None = None,
        engine: str = "auto",
        rules: Iterable[Rule] = (),
        threads: int | None = None,
        borrower_class: type[Borrower] | None = None,
        panel: str = SAMPLE,
        burn_in: int = 0,
        **parameters: Any,
    ) -> None:
        if borrower_class is not None:
            self.borrower_class = borrower_class
        in_python = overridden(self.borrower_class)
        if in_python and engine != AUTO and named(engine).compiles:
            raise BadInput(
                f"engine={engine!r} cannot run {self.borrower_class.__name__}.{in_python[0]}, which is plain Python;"
                " use engine='auto'"
            )
        self.__dict__.update(beginnings())
        parse_panel(panel)
        from zerolimit.portfolio.options import split_options
        from zerolimit.portfolio.portfolio import as_portfolio

        reading, parameters = split_options(parameters)
        clients = as_portfolio(portfolio, reading, parameters)
        if borrowers is not None:
            if clients is not None and borrowers != clients.size:
                raise BadInput(f"borrowers: {borrowers} given, but the portfolio has {clients.size} clients; leave it out")
            parameters["borrowers"] = borrowers
        ours = load_scenario(scenario_of(scenario), **parameters)
        self.seed: int = seed_of(seed, rng, scenario)
        super().__init__(scenario=as_mesa(scenario, ours, self.seed))
        for name in ("step", "_user_step"):
            self.__dict__.pop(name, None)
        recurring(self._default_schedule)
        self._rules: dict[str, Rule] = {}
        self._handed_out: tuple[int, int] | None = None
        self._running: tuple[str, int] | None = None
        self.simulation: Simulation = Simulation.__new__(Simulation)
        # rules in plain Python run in the set-up already, and look at the simulation
        Simulation.__init__(
            self.simulation,
            ours,
            self.seed,
            engine=engine,
            portfolio=clients,
            rules=tuple(rules),
            overrides={name: InPython(Weakly(self), name) for name in in_python},
            threads=threads,
            say=tell,
            burn_in=burn_in,
        )
        self._panel = Panel(self.simulation, panel)
        self._own_collector = mesa.DataCollector(
            model_reporters={
                "seed": "seed",
                **{name: partial(last_rate, name=name) for name in RATES},
                **{name: partial(platform_value, name=name) for name in PLATFORM_REPORTERS},
            }
        )
        self.datacollector: Any = self._own_collector

    def _in_short(self) -> str:
        simulation = self.simulation
        told = (
            number_of(simulation.size, "borrower"),
            f"{number_of(simulation.month, 'month')} run",
            f"seed {self.seed}",
            f"engine {simulation.engine.name}",
        )
        return f"{type(self).__name__} {simulation.scenario.name}: {', '.join(told)}"

    # running

    @property
    def month(self) -> int:
        """Months run so far; equal to Mesa's `time`."""
        return self.simulation.month

    @as_step
    def step(self) -> None:
        """One month."""
        self.simulation.step()
        self._panel.record()
        if self.datacollector is self._own_collector or (
            self.datacollector is not None and type(self).step is CreditMarket.step
        ):
            self.datacollector.collect(self)

    def _user_step(self) -> None:
        """What Mesa 3 calls for a month of its clock."""
        with self._alone("step"):
            self.step()

    def _advance_time(self, until: float) -> None:
        with self._alone("step"):
            super()._advance_time(until)

    @contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        """Other threads neither run nor copy the market meanwhile; BadInput where one does."""
        if not self._turn.acquire(blocking=False):
            raise BadInput(f"{what}: {IN_THE_MIDDLE}")
        before, self._runner = self._runner, get_ident()
        try:
            yield
        finally:
            self._runner = before
            self._turn.release()

    def schedule_recurring(self, *args: Any, **kwargs: Any) -> Any:
        """As in Mesa."""
        return recurring(super().schedule_recurring(*args, **kwargs))

    def run(self, months: int = 36, progress: Progress = True) -> Self:
        """More months; may be called again and goes on.

        `progress` shows a bar where it takes long, or is called with the months done and all months.
        """
        if not 1 <= months <= MOST_MONTHS:
            raise BadInput(f"months: a whole number from 1 to {MOST_MONTHS:,} is needed, not {quoted(months)}")
        self._panel.refuse_too_large(months)
        with reporting(progress, self.simulation.scenario.name, "month") as update:
            for done in range(1, months + 1):
                self.step()
                update(done, months)
        return self

    def change(self, **parameters: Any) -> Self:
        """Other parameters from the next month on; recorded in `simulation.changes` and the run's provenance."""
        if not parameters:
            raise BadInput("change: no parameter is given; name at least one, as in change(base_tightness=0.4)")
        self.simulation.change(**parameters)
        return self

    def copy(self) -> Self:
        """A branch: same past, own future. Recorded in its `simulation.changes`.

        `copy.copy` and `copy.deepcopy` do the same; a pickle is the market itself, to go on in another process. Attributes
        of a subclass and of its borrowers come along; who observes it by Mesa's signals does not.
        """
        return copy.deepcopy(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = memo[id(self)] = anew(type(self))
        twin.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        twin.simulation.changes.append({"month": self.month, "copied": True})
        return twin

    def __reduce__(self) -> Any:
        return anew, (type(self),), self.__getstate__()

    def __getstate__(self) -> dict[str, Any]:
        with self._alone("copy"):
            state = {name: value for name, value in vars(self).items() if name not in ("_made", "_turn")}
        return {**state, "_runner": None, "_running": None, "_rules": {}, "subscribers": defaultdict(list)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for unique_id, agent in self._made.items():
            if unique_id in self._kept:
                object.__setattr__(agent, "__dict__", self._kept[unique_id])

    # results

    @property
    def monthly(self) -> pd.DataFrame:
        """Counts and sums in fen, a row per month, segment and first income decile."""
        from zerolimit.results.frames import monthly_frame

        return monthly_frame(self.simulation)

    @property
    def platform_months(self) -> pd.DataFrame:
        """The platform's row of every month, money in fen."""
        from zerolimit.results.frames import platform_frame

        return platform_frame(self.simulation)

    @property
    def episodes(self) -> pd.DataFrame:
        """A row per event, with its end, or censored."""
        from zerolimit.results.frames import episodes_frame

        return episodes_frame(self.simulation)

    @property
    def panel(self) -> pd.DataFrame | Lazy:
        """A row per month and borrower kept: state at the month's end, and what the month counted of him, money in fen.

        Kept is what the market's `panel` says. Beyond 10,000,000 rows it is a lazy table of the same columns.
        """
        return self.frame("panel")

    def frame(self, name: str = "panel", columns: Iterable[str] | None = None, *, vacant: bool = False) -> Any:
        """A table in pandas: monthly, platform, episodes or panel; some of its columns, or all.

        `vacant` takes the panel's rows of slots that nobody had in a month, too.
        """
        from zerolimit.results.frames import chosen, of_panel
        from zerolimit.results.tables import FILES

        refuse_others("frame", name, FILES)
        if name != "panel":
            return chosen(self.platform_months if name == "platform" else getattr(self, name), columns)
        self._has_run("panel")
        if not len(self._panel.rows):
            raise BadInput("panel: the market keeps none; take CreditMarket(..., panel='all') or panel='sample=N'")
        return of_panel(self._panel.table(), columns, vacant=vacant)

    def plot(self, what: str = "reasons", ax: Axes | None = None) -> Axes:
        """A panel of the summary: reasons, blocked, groups, pool, accounts or trust. On `ax`, or new axes."""
        from zerolimit.results.figures import plot_run
        from zerolimit.results.tables import tables_of

        self._has_run("plot")
        return plot_run(tables_of(self.simulation), what, ax)

    def save(self, folder: Path | str, panel: str | None = None, force: bool = False, figure: Draw | None = None) -> Path:
        """Write the run's folder; `zerolimit.load(folder)` reads it.

        `panel` (all, sample=N, none) is some of the borrowers whom the market keeps month by month; without it, all these.
        `figure` draws summary.png in place of the project's own.
        """
        from zerolimit.results.store import save

        self._has_run("save")
        part = self._panel.part(panel or self._panel.what)
        if len(part.rows) and len(part.months) < self.month - self.simulation.burn_in:
            raise BadInput(
                "panel: months were run by market.simulation, past the market, and are not in it; take panel='none'"
            )
        return save(self.simulation, folder, panel=part, force=force, figure=figure)

    def view(self, language: str = "en") -> Any:
        """The page's panels around this market, for a notebook cell; needs the extra `app`. `language` is en or zh."""
        from zerolimit.app.language import LANGUAGES

        if language not in LANGUAGES:
            raise BadInput(f"language: {language!r} is not one of {', '.join(LANGUAGES)}")
        from zerolimit.app.serve import check_installed

        check_installed()
        from zerolimit.app.page import Viewer

        return Viewer(self, language)

    def _has_run(self, what: str) -> None:
        simulation = self.simulation
        if simulation.month == 0:
            raise BadInput(f"{what}: no month has been run yet; run(months=...) first")
        if not simulation.counted:
            so_far = f"the {number_of(simulation.month, 'month')} run so far are burn-in (burn_in={simulation.burn_in})"
            raise BadInput(f"{what}: {so_far}, so that nothing is counted; run(months=...) on")

    # agents

    @property
    def platform(self) -> Platform:
        """The lender: pool, accounts and announcements, to be read."""
        return view_of(self, Platform, Platform.unique_id)

    @property
    def agents(self) -> Borrowers:
        """All borrowers. The platform is an agent of its own: `market.platform`, `agents_by_type[Platform]`."""
        return Borrowers(self)

    @agents.setter
    def agents(self, agents: Any) -> None:
        raise AttributeError("market.agents is everybody and cannot be set")

    @property
    def agent_types(self) -> list[type]:
        """The class of the borrowers, and Platform."""
        return [self.borrower_class, Platform]

    @property
    def agents_by_type(self) -> dict[type, Any]:
        """The borrowers by their class and the classes that it extends; the platform."""
        kinds = [kind for kind in self.borrower_class.__mro__ if issubclass(kind, Borrower)]
        return {**dict.fromkeys(kinds, self.agents), Platform: _HardKeyAgentSet([self.platform], random=self.random)}

    def borrower(self, unique_id: int) -> Borrower:
        """One borrower by unique_id; the first one in slot k has the number k."""
        if unique_id < 0:
            raise BadInput(f"borrower: a whole number from 0 is needed, not {quoted(unique_id)}")
        slot = int(unique_id) % self.simulation.size
        if unique_id not in self._kept and self._generation(slot) != unique_id // self.simulation.size:
            raise BadInput(f"borrower {unique_id}: has left or never was; {self._now_in(slot)}")
        return self._borrower_by_id(int(unique_id))

    def register_agent(self, agent: Any) -> None:
        raise BadInput(
            f"{type(agent).__name__}: agents are not made from outside; borrowers are as many as borrowers= says,"
            " and the platform is market.platform"
        )

    def deregister_agent(self, agent: Borrower) -> None:
        agent.remove()

    def remove_all_agents(self) -> None:
        raise BadInput("remove_all_agents: a market keeps its borrowers; remove() lets one who owes nothing leave")

    # what Borrower and Borrowers ask for

    def _generation(self, slot: int) -> int:
        return int(self.simulation.engine.get("generation", slot, self.simulation.month))

    def _is_here(self, unique_id: int) -> bool:
        generation, slot = divmod(unique_id, self.simulation.size)
        status = self.simulation.engine.get("status", slot, self.simulation.month)
        return status != LEFT and self._generation(slot) == generation

    def _now_in(self, slot: int) -> str:
        return f"in slot {slot} is now borrower {slot + self.simulation.size * self._generation(slot)}"

    def _borrower_by_id(self, unique_id: int) -> Borrower:
        """The object of a borrower, the same one as long as somebody holds it."""
        found: Borrower | None = self._made.get(unique_id)
        if found is None and unique_id in self._kept:
            found = view_of(self, self.borrower_class, unique_id)
        if found is None:
            generation, slot = divmod(unique_id, self.simulation.size)
            self._handed_out = slot, generation
            try:
                found = self.borrower_class(self)
            finally:
                self._handed_out = None
            self._made[unique_id] = found
        return found

    def _keep(self, agent: View) -> None:
        """Somebody gave an agent an attribute of its own: they stay, whoever holds the agent."""
        self._kept[agent.unique_id] = agent.__dict__

    def _readable(self, name: str) -> bool:
        """Flows are kept in columns only where the month needs them."""
        return name not in FLOW_NAMES or name in self.simulation.plan.flow_columns

    def _present(self, borrower: Borrower) -> None:
        if self._generation(borrower.slot) != borrower._generation:
            raise BadInput(f"borrower {borrower.unique_id}: has left; {self._now_in(borrower.slot)}")

    def _get(self, borrower: Borrower, field: Field) -> float:
        """One value in the rules' units."""
        inside = self._running is not None and self._running[1] == borrower.slot
        if not inside:
            self._present(borrower)
        simulation = self.simulation
        if inside or self._readable(field.name):
            try:
                return float(simulation.engine.get(field.name, borrower.slot, simulation.month))
            except KeyError:
                pass
        raise AttributeError(f"{field.name}: is used within the month and not kept; see the table of phases")

    def _set(self, borrower: Borrower, field: Field, value: Any) -> None:
        """Write one value: what the running rule writes, or a state from outside the month."""
        simulation = self.simulation
        inside = self._running is not None and self._running[1] == borrower.slot
        why = closed_to_writers(field.name, value)
        if inside:
            assert self._running is not None
            rule = self._rule(self._running[0])
            if why and field.name not in rule.writes:
                raise BadInput(f"{field.name} {why}; {rule.name} writes {', '.join(rule.writes)}")
        else:
            self._present(borrower)
            if why:
                raise BadInput(f"{field.name} {why}")
        simulation.engine.set(field.name, borrower.slot, storable(field, value, inside=inside), simulation.month)
        if not inside:
            self._note(field.name)

    def _note(self, what: str) -> None:
        """What was written from outside belongs to the run's record, or nobody could repeat it."""
        entry = {"month": self.month, "written": what}
        if entry not in self.simulation.changes:
            self.simulation.changes.append(entry)

    def _rule(self, name: str) -> Rule:
        """The rule that runs under a name: the built-in one, or the one that replaced it."""
        if not self._rules:
            self._rules = {rule.name: rule for stage in self.simulation.plan.stages.values() for rule in stage.rules}
        return self._rules[name]

    def _run_phase(self, name: str, row: int) -> None:
        """A phase in plain Python, for the borrower in a row; a vacant slot takes the rule."""
        engine, month = self.simulation.engine, self.simulation.month
        if engine.get("status", row, month) == LEFT:
            engine.follow(self._rule(name), row)
            return
        self._running = name, row
        try:
            getattr(self._borrower_by_id(row + self.simulation.size * self._generation(row)), name)()
        finally:
            self._running = None

    def _follow(self, borrower: Borrower, name: str) -> None:
        """A rule as it is built in, for the borrower whose turn it is."""
        if self._running != (name, borrower.slot):
            raise BadInput(
                f"{name} is a rule of the month and cannot be run from outside; market.step() runs it,"
                f" and a subclass of Borrower may override it"
            )
        self.simulation.engine.follow(self._rule(name), borrower.slot)

    def _moment(self, borrower: Borrower) -> tuple[int, SimpleNamespace, dict[str, float]]:
        """Month, terms and draws of the rule that runs for a borrower."""
        now = self.simulation.engine.now
        if now is None or self._running is None or self._running[1] != borrower.slot:
            raise BadInput("terms and draws belong to a rule of the month; they are there inside an overridden method only")
        return now

    def _leave(self, borrower: Borrower) -> None:
        """Leaving: the line is 0, the slot vacant, a spell without a line ends."""
        if self._running is not None:
            raise BadInput("remove: nobody leaves in the middle of a phase; call it between months")
        self._present(borrower)
        if borrower.status == LEFT:
            return
        if owed := borrower.owes():
            raise BadInput(f"borrower {borrower.unique_id} owes {in_yuan(owed)} and cannot leave")
        simulation, row = self.simulation, np.array([borrower.slot])
        if borrower.event > 0 and borrower.without_line > 0:
            simulation.episodes.ends.append(
                {
                    "month": np.full(1, max(0, simulation.month - 1)),
                    "borrower": row,
                    "generation": simulation.column("generation")[row],
                    "ended": np.full(1, END_LEFT),
                    "spell": simulation.column("without_line")[row],
                }
            )
        simulation.engine.set("limit", borrower.slot, 0.0, simulation.month)
        simulation.engine.set("status", borrower.slot, LEFT, simulation.month)
        self._kept.pop(borrower.unique_id, None)
        self._note("remove")


takes_parameters(CreditMarket.__init__)
takes_parameters(CreditMarket.change)


def anew[M: CreditMarket](kind: type[M]) -> M:
    """An empty market, to be filled from a pickle."""
    market = kind.__new__(kind)
    market.__dict__.update(beginnings())
    return market


def beginnings() -> dict[str, Any]:
    """What every market, copied ones too, has of its own: agents made, what was set on them, whose turn it is."""
    return {"_made": WeakValueDictionary(), "_kept": {}, "_turn": RLock()}


def seed_of(seed: Any, rng: Any, scenario: Any) -> int:
    """The seed from `seed`, Mesa's `rng`, or that of Mesa's scenario object; a fresh one where none is given."""
    if seed is not None and rng is not None:
        raise BadInput("seed and rng both given: they are two names of one number")
    given = seed if seed is not None else rng
    if given is None and isinstance(scenario, MesaScenario):
        given = copy.deepcopy(scenario.rng)  # a Generator in Mesa 4: the same scenario gives the same seed again
    if given is None:
        return fresh_seed()
    if isinstance(given, str) and given.strip().isdecimal():
        return as_seed(int(given))
    if isinstance(given, np.random.BitGenerator):
        given = np.random.Generator(given)
    if isinstance(given, np.random.Generator):
        return int(given.integers(2**48))
    if isinstance(given, np.random.SeedSequence):
        return int(given.generate_state(1, np.uint64)[0])
    return as_seed(given)


def scenario_of(given: Any) -> Any:
    """What load_scenario takes: of an object with attributes, those that are parameters on top of its `base`."""
    if given is None:
        return "baseline"
    if isinstance(given, str | Path | dict | Scenario) or not hasattr(given, "__dict__"):
        return given
    attributes = {name: getattr(given, name) for name in Scenario.model_fields if hasattr(given, name)}
    if not attributes and not isinstance(given, MesaScenario):
        return given
    base = load_scenario(getattr(given, "base", "baseline"))
    return base.change(**{name: value for name, value in attributes.items() if value != getattr(base, name)})


def as_mesa(given: Any, scenario: Scenario, seed: int) -> MesaScenario:
    """Mesa's scenario object of a run: the one given, made again with the seed, or one of a class that keeps the preset."""
    if isinstance(given, MesaScenario):
        attributes = {name: value for name, value in vars(given).items() if name != "rng"}
        kind: Any = type(given)
        return weak_scenario(kind)(**attributes, rng=seed)
    parameters = {name: getattr(scenario, name) for name in Scenario.model_fields}
    kind = scenario_kind(MesaScenario, "CreditScenario", f"Parameters of {scenario.name}.", {**parameters, "base": scenario})
    made = kind(rng=seed)
    MesaScenario._ids.pop(kind, None)  # Mesa counts objects by class and would keep each run's class for ever
    return made


KNOWS_ITS_MODEL: Any = getattr(MesaScenario, "model", None)
"""Where Mesa 3 keeps a scenario's model; Mesa 4 does not."""


def scenario_kind(base: type[Any], name: str, says: str, parameters: Mapping[str, Any]) -> type[Any]:
    """A class of Mesa's scenarios that hold their model weakly, with parameters as defaults."""

    def model_of(self: Any) -> Any:
        held = KNOWS_ITS_MODEL.__get__(self)
        return held and held()

    def set_model(self: Any, market: Any) -> None:
        KNOWS_ITS_MODEL.__set__(self, market and Weakly(market))

    def reduced(self: Any, protocol: Any) -> Any:
        return empty_scenario, (base, name, says, parameters), *object.__reduce_ex__(self, protocol)[2:]

    words = {"__doc__": says, "__annotations__": dict.fromkeys(parameters, Any), "__reduce_ex__": reduced, "weak": True}
    model = {"model": property(model_of, set_model)} if KNOWS_ITS_MODEL else {}
    return type(name, (base,), {**words, **model, **parameters})


def empty_scenario(*kind: Any) -> Any:
    """Mesa's scenario, to be filled from a pickle."""
    made = scenario_kind(*kind)
    return object.__new__(made)


@cache
def weak_scenario(kind: Any) -> Any:
    """A class of Mesa's scenarios whose own hold their model weakly."""
    return kind if hasattr(kind, "weak") else scenario_kind(kind, kind.__name__, kind.__doc__ or "", {})


def last_rate(market: CreditMarket, name: str) -> float:
    """A rate of the last month; not a number before the first month or where nobody is counted below."""
    history = market.simulation.history
    if not history:
        return float("nan")
    last: Recorded = history[-1]
    over, under = parts_of(name)
    below = sum(int(last.counts[part].sum()) for part in under)
    return sum(int(last.counts[part].sum()) for part in over) / below if below else float("nan")


def platform_value(market: CreditMarket, name: str) -> float:
    """A property of the platform."""
    return float(getattr(market.platform, name))
