"""Re-run a recorded run and trace one borrower through every phase.

A run repeats bit for bit from its scenario, seed, changes and portfolio. Beside the world, the rules in plain Python take
one borrower through every phase, with the draws, the announcements and the platform's decisions of the world: so all that
happened within a month is known, also what compiled loops never store. After each stage the row must equal the world's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.errors import BadInput, quoted
from zerolimit.basics.shown import Shown
from zerolimit.basics.sources import source_hash
from zerolimit.engine.base import Array
from zerolimit.engine.objects import Objects
from zerolimit.engine.rows import Rows
from zerolimit.parameters.scenario import Scenario
from zerolimit.parameters.terms import TERMS
from zerolimit.rules.rule import Rule
from zerolimit.run.simulation import Simulation, Watch, user_rules
from zerolimit.vocabulary.fields import STATE

if TYPE_CHECKING:
    from zerolimit.results.store import Run

NAMES = tuple(state.name for state in STATE)
NOT_A_CHANGE = {"month", "copied"}
"""Parts of a recorded change that are no parameters. A branch has its market's past, so the copying changes nothing."""


@dataclass(repr=False)
class Seen(Shown):
    """One month of one borrower: all fields as rules see them (fen, shares, codes) at three moments, and the platform."""

    month: int
    before: dict[str, float]
    """When the month began; for an entrant, at birth."""
    stages: list[str] = field(default_factory=list)
    """Stages that the borrower went through; `enter`, `hear`, `restore` only where it happened."""
    decided: dict[str, float] = field(default_factory=dict)
    """After the decision, before the appeals desk and new loans."""
    measured: dict[str, float] = field(default_factory=dict)
    """Every cap and distance at the decision (fields.MEASURES)."""
    terms: dict[str, float] = field(default_factory=dict)
    """Parameters and announcements in force."""
    after: dict[str, float] = field(default_factory=dict)
    """When the month ended, with everything that was set on the way."""
    platform: Mapping[str, float] = field(default_factory=dict)
    """The platform's row of the month."""

    def _in_short(self) -> str:
        return f"month {self.month} of a borrower: {', '.join(self.stages)}"


class CloseUp(Objects):
    """One borrower of a world beside it, by the rules in plain Python: give it to `Simulation.watch`."""

    def __init__(self, world: Simulation, slot: int) -> None:
        super().__init__(world.plan, TERMS, [world.seed], [1])
        self.world, self.slot = world, slot
        self.seen: list[Seen] = []
        self.only = np.zeros(1, np.int64)
        self.given = (*NAMES, *{name for phase in world.plan.phases for name in phase.writes})

    def uniforms(self, purpose: str, rows: Rows | Array, month: int) -> Array:
        return self.world.engine.uniforms(purpose, np.array([self.slot]), month)

    def __call__(self, stage: str, rows: Array | None) -> None:
        """The stage that the world is about to run."""
        if rows is not None and self.slot not in rows:
            return
        month, values = self.world.month, self.rows[0]
        if stage != "enter":
            self.compare()
        for name in self.given:
            values[name] = self.world.engine.get(name, self.slot, 0)
        if not self.seen or self.seen[-1].month != month:
            self.seen.append(Seen(month, dict(values)))
        now = self.seen[-1]
        now.stages.append(stage)
        terms = self.world.terms.row
        self.listed(stage, self.only, month, terms)
        if stage == "enter":
            now.before = dict(values)
        elif stage == "decision":
            now.decided, now.terms = dict(values), self.world.terms.copied()
            self.listed("measure", self.only, month, terms)
            now.measured = dict(self.measured)
        now.after = dict(values)

    def compare(self) -> None:
        """The world's row equals what the rules gave, bit for bit."""
        if not self.seen:
            return
        for name in NAMES:
            theirs, ours = self.world.engine.get(name, self.slot, 0), self.rows[0][name]
            if theirs != ours:
                raise AssertionError(
                    f"month {self.seen[-1].month}: {name} of borrower {self.slot} is {theirs!r} in the world,"
                    f" {ours!r} by the rules"
                )


@dataclass(frozen=True)
class Origin:
    """All that a run came from, so that it can be run again."""

    name: str
    """For messages: the folder, or what the market calls itself."""
    scenario: Scenario
    seed: int
    months: int
    changes: tuple[Mapping[str, Any], ...] = ()
    portfolio: Any = None
    rules: tuple[Rule, ...] = ()
    principal: tuple[float | None, ...] = ()
    """What was lent at the end of each month (fen), as recorded: the run again must give the same."""
    engine: str = "auto"
    """With user-defined rules the engine of the run, or a small one would be compiled for long."""

    def begin(self, **options: Any) -> Simulation:
        """The world as it was before its first month."""
        engine = self.engine if self.rules else "auto"
        given = {"portfolio": self.portfolio, "rules": self.rules, "engine": engine, **options}
        return Simulation(self.scenario, self.seed, **given)

    def run(self, world: Simulation, progress: Callable[[int], None] | None = None) -> None:
        """All months, with the changes made on the way."""
        for _ in range(self.months):
            for change in self.changes:
                if change["month"] == world.month and (given := {k: v for k, v in change.items() if k not in NOT_A_CHANGE}):
                    world.change(**given)
            world.step()
            if progress is not None:
                progress(world.month)

    def watched(
        self,
        *slots: int,
        beside: Callable[[Simulation], Watch] | None = None,
        progress: Callable[[int], None] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> list[list[Seen]]:
        """The run again, and what happened to the borrowers of some slots, month by month.

        `beside` is given the world and returns somebody else who watches it.
        """
        world = self.begin(say=say)
        views = [CloseUp(world, slot) for slot in slots]
        watchers: list[Watch] = [*views, *([beside(world)] if beside is not None else [])]

        def watch(stage: str, rows: Array | None) -> None:
            for watcher in watchers:
                watcher(stage, rows)

        world.watch = watch
        try:
            self.run(world, progress)
        finally:
            world.close()
        self.refuse_another(world)
        for view in views:
            view.compare()
            for now in view.seen:
                now.platform = world.history[now.month].platform
        return [view.seen for view in views]

    def refuse_another(self, world: Simulation) -> None:
        """BadInput where the world is not the one recorded."""
        for month, (then, now) in enumerate(zip(self.principal, world.history, strict=False)):
            if then is not None and then != now.platform["principal"]:
                raise BadInput(
                    f"{self.name}: repeated, it is another world from month {month} on (loans differ): it was changed in a"
                    " way that was not recorded"
                )


def origin_of(run: Any, rules: tuple[Rule, ...] = ()) -> Origin:
    """Where a run comes from: a run folder, what `zerolimit.load` gives, a CreditMarket or its simulation."""
    from zerolimit.results.store import Run, load_run

    if isinstance(run, Origin):
        return run
    simulation = getattr(run, "simulation", run)
    if isinstance(simulation, Simulation):
        return of_market(simulation, rules)
    return of_folder(run if isinstance(run, Run) else load_run(run), rules)


def of_market(world: Simulation, rules: tuple[Rule, ...]) -> Origin:
    """A world in memory, with its user-defined rules."""
    name = f"market {world.first_scenario.name}"
    if rules:
        raise BadInput(f"rules: {name} brings its own; they are given only with a run folder")
    if world.month == 0:
        raise BadInput(f"{name}: no month has been run yet; run(months=...) first")
    refuse_untold(name, sorted(world.engine.overrides), world.changes)
    lent = tuple(one.platform["principal"] for one in world.history)
    changes = tuple(world.changes)
    return Origin(
        name,
        world.first_scenario,
        world.seed,
        world.month,
        changes,
        world.portfolio,
        world.user_rules,
        lent,
        world.engine.name,
    )


def of_folder(run: Run, rules: tuple[Rule, ...]) -> Origin:
    """A run folder; BadInput where this version of the code would not give the same."""
    from zerolimit.results.store import PORTFOLIO, rule_hash

    record, name = run.provenance, str(run.folder)
    refuse_incomplete(name, record)
    refuse_other_version(name, record)
    missing = {rule: digest for rule, digest in record["rules"].items() if digest not in map(rule_hash, user_rules(rules))}
    if missing:
        raise BadInput(
            f"{name}: was run with {', '.join(missing)}, a user-defined rule; call zerolimit.tell or"
            " zerolimit.explain from Python with rules=[...], the same rules"
        )
    if len(record["rules"]) < len(rules):
        raise BadInput(f"rules: {name} was run with {len(record['rules'])}, not {len(rules)}")
    refuse_untold(name, record["in_python"], record["changes"])
    portfolio = None
    if record.get("portfolio") is not None:
        from zerolimit.portfolio.portfolio import read_portfolio

        portfolio = read_portfolio(run.checked(PORTFOLIO))
    left_out = (None,) * int(run.platform["month"].min())
    lent = (*left_out, *run.platform["principal"].tolist())
    changes = tuple(record["changes"])
    return Origin(name, run.scenario, record["seed"], record["months"], changes, portfolio, rules, lent, record["engine"])


RECORDED: dict[str, Any] = {
    "source_hash": str,
    "zerolimit": str,
    "seed": int,
    "months": int,
    "engine": str,
    "rules": Mapping,
    "in_python": list,
    "changes": list,
}
"""Entries of provenance.json that repeating a run needs, and their types."""


def refuse_incomplete(name: str, record: Mapping[str, Any]) -> None:
    """BadInput where a record is not as runs write it."""
    for word, kind in RECORDED.items():
        if not isinstance(record.get(word), kind) or isinstance(record.get(word), bool):
            raise BadInput(f"{name}: its provenance is damaged: {word} is {quoted(record.get(word))}")
    for change in record["changes"]:
        if not isinstance(change, Mapping) or not isinstance(change.get("month"), int):
            raise BadInput(f"{name}: its provenance is damaged: changes holds {quoted(change)}")


def refuse_untold(name: str, in_python: Iterable[str], changes: Iterable[Mapping[str, Any]]) -> None:
    """What a record says happened, but not how."""
    if methods := ", ".join(in_python):
        raise BadInput(
            f"{name}: {methods} ran as plain Python of a subclass of Borrower, which a repeated run does not have"
        )
    for change in changes:
        if "written" in change:
            raise BadInput(
                f"{name}: {change['written']} was written from outside in month {change['month']}; a repeated run"
                " cannot know what was written"
            )


def refuse_other_version(name: str, record: Mapping[str, Any]) -> None:
    """Only the code that made a run gives the same run again."""
    from zerolimit import __version__

    if record["source_hash"] == source_hash():
        return
    commit = record.get("git_commit")
    which = f"zerolimit {record['zerolimit']}" + (f" at commit {str(commit)[:12]}" if commit else "")
    which += ", with changes that were not committed," if record.get("git_dirty") else ""
    raise BadInput(
        f"{name}: was run by {which} (source {record['source_hash'][:12]}), and this is {__version__}"
        f" (source {source_hash()[:12]}); install {which} to tell its stories"
    )
