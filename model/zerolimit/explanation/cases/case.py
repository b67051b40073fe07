"""A scripted case: a borrower of given traits in one slot of a simulated market, and the same with one thing changed.

A case is data (a TOML file beside this one). All other borrowers are drawn, and every world of a case shares all draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.errors import BadInput, nearest
from zerolimit.basics.wording import FEN, amount, number_of
from zerolimit.explanation.replay import Origin, Seen
from zerolimit.explanation.story import QUIET, Event, Life, Story, months_without, says_of, story_of
from zerolimit.parameters.scenario import Scenario, load_scenario, read_toml
from zerolimit.portfolio.settlement import Columns, Drawn, FirstPopulation
from zerolimit.results.table import NONE
from zerolimit.rules.birth import be_born, have_history
from zerolimit.vocabulary.fields import FIELDS
from zerolimit.vocabulary.names import CODES

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


@dataclass(frozen=True)
class Instead:
    """One thing changed: parameters set, parameters multiplied, or traits of the one borrower."""

    name: str
    set: Mapping[str, Any] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """What a case's file says. Amounts in yuan, fields by the names of fields.py."""

    name: str
    title: str
    about: str
    borrower: str
    scenario: str
    borrowers: int
    months: int
    seed: int
    slot: int
    script: tuple[str, ...]
    """Events that happen in this order; in brackets a value of the event, as a reason."""
    months_before: int
    """Months before the first of them, all punctual."""
    partial: tuple[float, float]
    """The line that comes back, as a share of the one that was lost."""
    traits: Mapping[str, Any]
    account: Mapping[str, Any]
    instead: tuple[Instead, ...]

    def world(self, change: Instead | None = None, slots: Sequence[int] = ()) -> Origin:
        """The market of the case, with one thing changed; `slots` in place of the case's own are for `find`."""
        scenario = load_scenario(self.scenario, borrowers=self.borrowers)
        traits = self.traits
        if change is not None:
            scenario = changed(scenario, change)
            traits = {**traits, **change.traits}
        one = Scripted(self.borrowers, tuple(slots) or (self.slot,), stored(traits), stored(self.account))
        return Origin(f"case {self.name}", scenario, self.seed, self.months, portfolio=one)


@dataclass(frozen=True)
class Scripted(FirstPopulation):
    """A first population as drawn, but for some slots."""

    size: int
    slots: tuple[int, ...]
    given_traits: Mapping[str, float]
    given_account: Mapping[str, float]

    def traits(self, drawn: Drawn) -> Columns:
        return self.replaced(drawn, self.given_traits)

    def accounts(self, drawn: Drawn) -> Columns:
        return self.replaced(drawn, self.given_account)

    def replaced(self, drawn: Drawn, values: Mapping[str, float]) -> Columns:
        """Columns as drawn, with the values given in the scripted slots."""
        columns = {name: drawn.column(name).astype(np.float64) for name in values}
        for name, value in values.items():
            columns[name][list(self.slots)] = value
        return columns


def stored(values: Mapping[str, Any]) -> dict[str, float]:
    """A case's values as rules see them: codes for names, fen for yuan."""
    found = {}
    for name, value in values.items():
        if name in CODES:
            found[name] = float(CODES[name].index(value))
        else:
            found[name] = float(value) * (FEN if FIELDS[name].unit.startswith("fen") else 1.0)
    return found


def changed(scenario: Scenario, change: Instead) -> Scenario:
    """A scenario with what an alternative sets and multiplies."""
    times = {name: getattr(scenario, name) * factor for name, factor in change.times.items()}
    return scenario.change(**change.set, **times) if change.set or times else scenario


# the files


@cache
def cases() -> dict[str, Path]:
    """Name -> TOML file of the cases that come with the package."""
    folder = resources.files("zerolimit") / "explanation" / "cases"
    files = sorted((Path(str(file)) for file in folder.iterdir()), key=str)
    return {file.stem: file for file in files if file.suffix == ".toml"}


def load_case(name: str) -> Case:
    """A case by its name."""
    if name not in cases():
        raise BadInput(f"case {name!r}: there is none; there is {', '.join(cases())}{nearest(name, cases())}")
    table = read_toml(cases()[name])
    instead = tuple(Instead(**one) for one in table.pop("instead"))
    for part, rule in (("traits", be_born), ("account", have_history)):
        if missing := set(rule.writes) ^ set(table[part]):
            raise BadInput(f"{cases()[name]}: {part}: {', '.join(sorted(missing))} is missing or is none of {rule.name}'s")
    script, partial = tuple(table.pop("script")), tuple(table.pop("partial"))
    return Case(name=name, script=script, partial=partial, instead=instead, **table)


# outcomes


@dataclass(frozen=True)
class Outcome:
    """What a world did to the borrower of a case. Money in fen."""

    name: str
    zero: int | None
    """Month of the first zero limit, if any."""
    known: int | None
    """Months from it until the borrower knew, if ever."""
    won: bool | None
    """Whether the first appeal after it was won; none: there was none."""
    heard: int | None
    """Month in which it was heard, and what was owed then."""
    owed: float
    without: int
    """Months without a usable line."""
    cause: str
    """What began them: kind of event and reason."""
    later: str
    """The next time that the line was lost or blocked."""
    unpaid: float
    """Spending that could not be paid, over the whole run."""
    slipped: int
    """Project months lost."""
    heard_of: int
    """Months in which acquaintances reported zero limits."""
    trust: float
    line: float
    """Both when the run ended."""


def outcome_of(name: str, life: Life, months: int) -> Outcome:
    """The outcome of a life."""
    end = life.months[-1].after
    zero = first_of(life, ("zero limit",))
    begun = first_of(life, ("zero limit", "blocked", "line lost", "frozen"))
    after = max((event.month for event in (zero, begun) if event), default=months)
    again = first_of(life, ("zero limit", "blocked", "line lost"), after + 1)
    found = first_of(life, ("found",), zero.month) if zero else None
    heard = first_of(life, ("appeal won", "appeal rejected"), zero.month) if zero else None
    return Outcome(
        name=name,
        zero=zero.month if zero else None,
        known=found.month - zero.month if zero and found else None,
        won=heard.kind == "appeal won" if heard else None,
        heard=heard.month if heard else None,
        owed=next((now.after["principal"] for now in life.months if heard and now.month == heard.month), 0.0),
        without=months_without(life) + months - len(life.months),
        cause=f"{begun.kind}: {says_of(begun)}" if begun else "",
        later=f"{again.kind} in month {again.month} ({says_of(again)})" if again else "",
        unpaid=sum(now.after["shortfall"] for now in life.months),
        slipped=sum(event.kind == "project slips" for event in life.events),
        heard_of=sum(event.kind == "hears" for event in life.events),
        trust=end["trust"],
        line=end["limit"],
    )


def first_of(life: Life, kinds: tuple[str, ...], month: int = 0) -> Event | None:
    """The first event of some kinds, from a month on."""
    return next((event for event in life.events if event.kind in kinds and event.month >= month), None)


COLUMNS: dict[str, tuple[str, Callable[[Outcome], str]]] = {
    "zero": ("month of the first zero limit", lambda one: NONE if one.zero is None else str(one.zero)),
    "known": ("months until it was known", lambda one: NONE if one.known is None else str(one.known)),
    "appeal": (
        "heard in which month",
        lambda one: NONE if one.won is None else f"{'won' if one.won else 'lost'} {one.heard}",
    ),
    "no line": ("months without a usable line", lambda one: str(one.without)),
    "unpaid": ("yuan of bills that could not be paid", lambda one: f"{one.unpaid / FEN:,.0f}"),
    "slips": ("project months lost", lambda one: str(one.slipped)),
    "trust": ("at the end", lambda one: f"{one.trust:.2f}"),
    "line": ("yuan, at the end", lambda one: f"{one.line / FEN:,.0f}"),
}
"""Columns of the comparison: what they hold, and their text."""


def compared(base: Outcome, other: Outcome) -> str:
    """What was different, in one sentence."""
    parts = []
    if other.zero is None:
        parts.append("the line does not go to zero")
        if other.without:
            parts.append(f"but {number_of(other.without, 'month')} without a usable one ({other.cause})")
    elif base.zero is None:
        parts.append(f"the line goes to zero in month {other.zero}")
    elif other.zero != base.zero:
        when = "later" if other.zero > base.zero else "earlier"
        parts.append(f"the line goes to zero {number_of(abs(other.zero - base.zero), 'month')} {when}")
    if other.known != base.known and other.known is not None:
        parts.append("it is known at once" if other.known == 0 else f"it is known after {number_of(other.known, 'month')}")
    if other.zero is not None and other.won != base.won:
        heard = f"the appeal is heard in month {other.heard}, with {amount(other.owed)} yuan owed, and"
        parts.append({True: f"{heard} won", False: f"{heard} rejected", None: "there is no appeal"}[other.won])
    if other.zero is not None and (more := other.without - base.without):
        parts.append(f"{number_of(abs(more), 'month')} {'more' if more > 0 else 'less'} without a line")
    if other.later and other.later != base.later:
        parts.append(f"later {other.later}")
    if more := other.slipped - base.slipped:
        parts.append(f"{number_of(abs(more), 'project month')} {'more' if more > 0 else 'less'} lost")
    more = round((other.unpaid - base.unpaid) / FEN)
    if abs(more) > 0.02 * base.unpaid / FEN:
        parts.append(f"{abs(more):,} yuan {'more' if more > 0 else 'less'} unpaid")
    if abs(other.trust - base.trust) >= 0.05:
        parts.append(f"trust {other.trust:.2f} instead of {base.trust:.2f} at the end")
        if abs(other.heard_of - base.heard_of) >= 6:
            parts.append(f"acquaintances reported zero limits in {other.heard_of} months instead of {base.heard_of}")
    text = ", ".join(parts) or "hardly anything changes"
    return f"{text[:1].upper()}{text[1:]}."


@dataclass(frozen=True)
class Played:
    """A case played: the story, and what came of it here and in each other world."""

    case: Case
    story: Story
    outcomes: tuple[Outcome, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table
        from rich.text import Text

        yield Text(self.case.title, style="bold")
        yield Text(self.case.about)
        yield Text()
        yield self.story
        yield Text()
        yield Text("What would have changed: the same market and draws, one thing different", style="bold")
        yield Text()
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        table.add_column("")
        for heading in COLUMNS:
            table.add_column(heading, justify="right", no_wrap=True)
        for one in self.outcomes:
            cells = [text(one) for _, text in COLUMNS.values()]
            table.add_row(one.name, *cells, style="bold" if one is self.outcomes[0] else "")
        yield table
        yield Text("; ".join(f"{heading}: {says}" for heading, (says, _) in COLUMNS.items()), style="dim")
        yield Text()
        sentences = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
        for one in self.outcomes[1:]:
            sentences.add_row(one.name, Text(compared(self.outcomes[0], one)))
        yield sentences


def play(case: Case, progress: Callable[[int], None] | None = None, say: Callable[[str], None] | None = None) -> Played:
    """The case, and each of its alternatives. `progress` is called after each month of each world."""
    outcomes: list[Outcome] = []
    story: Story | None = None
    for change in (None, *case.instead):
        here = story_with(case, change, progress, say)
        story = story or here
        outcomes.append(outcome_of(change.name if change else "as scripted", here.lives[0], case.months))
    assert story is not None
    return Played(case, story, tuple(outcomes))


def story_with(
    case: Case,
    change: Instead | None = None,
    progress: Callable[[int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Story:
    """The story of the case's borrower, with one thing changed where that is asked for."""
    world = case.world(change)
    [seen] = world.watched(case.slot, progress=progress, say=say)
    return story_of(world, case.slot, case.borrower, seen, 0, case.months - 1)


# finding a slot whose draws tell the story


def follows(case: Case, life: Life) -> bool:
    """Whether a life goes by the case's script, punctual throughout, and gets back a part of the line."""
    kinds = [beat.partition(" (") for beat in case.script]
    found: list[Event] = []
    for event in life.events:
        if event.kind in ("late", "written off", "leaves"):
            return False
        if len(found) < len(kinds):
            kind, _, value = kinds[len(found)]
            if event.kind == kind and (not value or value.rstrip(")") in event.values.values()):
                found.append(event)
            elif found and event.kind not in QUIET and event.kind in [one for one, _, _ in kinds]:
                return False
    if len(found) < len(kinds) or found[0].month < case.months_before:
        return False
    low, high = case.partial
    return low <= float(found[-1].values.get("after", 0.0)) / float(found[0].values["before"]) <= high


def find(case: Case, crowd: int = 600) -> Iterator[int]:
    """Slots whose draws tell the case's story, to be written into its file after the model has changed.

    The traits are given to a crowd of slots in one world. Of those whose line comes back by an appeal, after a zero limit
    for the script's reason, who follows the script is tried alone.
    """
    from zerolimit.results.frames import episodes_frame

    slots = range(0, case.borrowers, max(1, case.borrowers // crowd))
    origin = case.world(slots=slots)
    world = origin.begin()
    origin.run(world)
    world.close()
    events = episodes_frame(world)
    reason = case.script[0].partition(" (")[2].rstrip(")")
    mine = events[events["borrower"].isin(slots) & (events["ended"] == "appeal") & (events["reason"] == reason)]
    candidates = sorted(mine["borrower"].unique().tolist())
    for slot, seen in zip(candidates, origin.watched(*candidates), strict=True):
        if follows(case, first_life(case, slot, seen)):
            [alone] = case.world(slots=(slot,)).watched(slot)
            if follows(case, first_life(case, slot, alone)):
                yield int(slot)


def first_life(case: Case, slot: int, seen: Sequence[Seen]) -> Life:
    """Of the borrower whom the case is about."""
    return story_of(case.world(), slot, case.borrower, seen, 0, case.months - 1).lives[0]
