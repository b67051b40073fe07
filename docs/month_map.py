"""A month in the life of a client: one client of the shipped data, from the row in the file to the sentence of `explain`.

`numbers_of_month` runs the world and gives what the picture shows; `draw_month` draws it. The file named beside a step is
that of the function that did it. The table of docs/map.md is made of the same functions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from docs.declarations import PACKAGE, table
from zerolimit.allocation.rules import allocate
from zerolimit.basics.wording import FEN
from zerolimit.explanation.notice import explain
from zerolimit.explanation.replay import CloseUp, Origin
from zerolimit.month import BIRTH, MONTH, Phase
from zerolimit.parameters.scenario import load_scenario
from zerolimit.platform.steps import STEPS as WORLD_STEPS
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.portfolio.settlement import accounts, traits
from zerolimit.results.columns import values
from zerolimit.results.drawing import BLACK, BLUE, GREY, LOOKS, ORANGE, PALE, RED
from zerolimit.results.episodes import MEANINGS, episode_columns
from zerolimit.results.figures import DPI
from zerolimit.rules.caps import CAPS, MEASURED, POLICY, REASONS
from zerolimit.rules.decision import weigh
from zerolimit.run.phases import Claims, Live
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.fields import FIELDS, SCHEDULE, STATE
from zerolimit.vocabulary.names import ENDS, EVENTS, SECTORS, SEGMENTS, STATUSES, STRATEGIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLIENTS, SEED, MONTHS = "uci", 1, 36
SHOWN = 5
"""Fields that a phase is shown to change, at most."""
UNSEEN = {*SCHEDULE, *(name for name in FIELDS if FIELDS[name].unit == "bits")}
"""Fields that are left out: the schedule, and words of flags."""

Functions = tuple[Callable[..., Any], ...]

STEPS: dict[str, Functions] = {
    "The client's row is read, and checked": (read_portfolio,),
    "Given columns take the place of drawn ones": (traits, accounts),
    "Each cap gives a line, the lowest decides": (weigh.function, *(cap.function for cap in CAPS)),
    "The pool is shared in order, and ends": (Live.allocate, Claims.capacity, allocate),
    "The event is logged, and joined with its end": (Live.measure, episode_columns),
    "The reason is put into words": (explain,),
}
"""What the picture shows beside the phases, and the functions that did it."""


def file_of(function: Callable[..., Any]) -> str:
    """The file of a function, within the package."""
    return inspect.unwrap(function).__module__.removeprefix(PACKAGE).replace(".", "/") + ".py"


def files_of(functions: Functions) -> list[str]:
    """Their files, once each."""
    return list(dict.fromkeys(map(file_of, functions)))


def functions_of(phase: Phase) -> Functions:
    """What a phase of the month calls: its rules, or the platform's method and the functions on one world that it takes."""
    if phase.rules:
        return tuple(rule.function for rule in phase.rules)
    method = getattr(Live, phase.stage)
    taken = (rule.function for step in method.__code__.co_consts if step in WORLD_STEPS for rule in WORLD_STEPS[step])
    return (method, *taken)


def stepped(phase: Phase) -> str:
    """A phase's number in the month, where it has one."""
    return f"{phase.step}. " if phase.step.isdecimal() else ""


def map_files() -> str:
    """The steps of the picture and the phases of the month, with the files that do them."""

    def linked(functions: Functions) -> str:
        return ", ".join(f"[{file}](../model/zerolimit/{file})" for file in files_of(functions))

    rows = [(f"{stepped(phase)}{phase.name}: {phase.says}", linked(functions_of(phase))) for phase in MONTH]
    first, rest = list(STEPS.items())[:2], list(STEPS.items())[2:]
    steps = [(says, linked(functions)) for says, functions in first]
    after = [(says, linked(functions)) for says, functions in rest]
    return table(("what happens", "files"), [*steps, *rows, *after])


# numbers


Changes = dict[str, tuple[float, float]]
"""Field -> before and after."""


class Steps(CloseUp):
    """One borrower of a world, rule by rule; and who contended for the pool beside."""

    def __init__(self, world: Simulation, slot: int) -> None:
        super().__init__(world, slot)
        self.changes: dict[tuple[int, str], dict[str, Changes]] = {}
        """Month and stage -> rule -> what it changed."""
        self.through = ""
        self.queue: dict[str, Any] = {}

    def listed(self, name: str, *others: Any) -> Any:
        self.through = name
        return super().listed(name, *others)

    def apply(self, rule: Any, row: int, *others: Any) -> None:
        before = dict(self.rows[row])
        super().apply(rule, row, *others)
        now = {name: (before.get(name, 0.0), value) for name, value in self.rows[row].items() if before.get(name) != value}
        self.changes.setdefault((self.world.month, self.through), {})[rule.name] = now

    def __call__(self, stage: str, rows: Any) -> None:
        today = self.world.today
        if stage == "decision" and isinstance(today, Live):
            self.queue = queue_of(today.claims(0), self.world.pool.limit, self.slot)
        super().__call__(stage, rows)


def queue_of(claims: Claims, limit: int | None, slot: int) -> dict[str, Any]:
    """Cumulative claims (million yuan) at 200 places of the pool's order, what it holds, and the client's place."""
    order = np.lexsort((claims.rows, claims.lottery(np.arange(len(claims.rows))), -claims.rank))
    total = np.cumsum(claims.need[order].astype(np.float64)) / FEN / 1e6
    places = np.unique(np.linspace(0, len(order) - 1, 200).astype(int))
    mine = np.flatnonzero(claims.rows[order] == slot)
    capacity = claims.capacity(limit) / FEN / 1e6
    return {
        "places": (places + 1).tolist(),
        "claims": total[places].tolist(),
        "capacity": capacity,
        "ended": int(np.searchsorted(total, capacity)),
        "mine": int(mine[0]) + 1 if len(mine) else None,
        "rank": float(claims.rank[order[mine[0]]]) if len(mine) else None,
        "contenders": len(order),
    }


def whose(world: Simulation) -> tuple[int, dict[str, Any]]:
    """The first client whom the end of the pool left without a usable line, until that ended; with the row of episodes."""
    episodes = episode_columns(world.episodes.starts, world.episodes.ends, world.month)
    names = [cap.name for cap in CAPS if cap not in POLICY]
    reasons = episodes["reason"].labels  # type: ignore[union-attr]
    wanted = np.isin(values(episodes, "reason"), [reasons.index(name) for name in names])
    wanted &= values(episodes, "end_month") >= 0
    at = int(np.flatnonzero(wanted)[0])
    columns = {
        name: column.labels[column.codes[at]] if hasattr(column, "labels") else column[at].item()  # type: ignore[union-attr]
        for name, column in episodes.items()
    }
    return int(columns["borrower"]), columns


def numbers_of_month() -> dict[str, Any]:
    """All that the picture shows, as JSON holds it."""
    clients = read_portfolio(CLIENTS)
    scenario = load_scenario("baseline")
    world = Simulation(scenario, SEED, engine="compiled", portfolio=clients).run(MONTHS)
    world.close()
    slot, episode = whose(world)
    month = int(episode["month"])
    origin = Origin(CLIENTS, scenario.change(borrowers=clients.size), SEED, month + 1, portfolio=clients)
    watched: list[Steps] = []

    def beside(again: Simulation) -> Steps:
        watched.append(Steps(again, slot))
        return watched[0]

    seen = origin.watched(slot, beside=beside)[0][-1]
    row = clients.table.slice(slot, 1).to_pylist()[0]
    notice = explain(replace(origin, name="market"), row.get("id", slot), month)
    first = watched[0].seen[0].before
    decided = seen.decided | {"balance": seen.decided["principal_after"]}
    given = {cap.name: cap.function(*map(decided.__getitem__, cap.reads)) for cap in CAPS if cap not in POLICY}
    return {
        "client": str(row.get("id", slot)),
        "month": month,
        "row": {name: value for name, value in row.items() if value is not None},
        "columns": {
            field.name: first[field.name] for field in STATE if field.name not in UNSEEN and first[field.name] != 0.0
        },
        "phases": [changed(phase, watched[0].changes.get((month, phase.stage), {})) for phase in MONTH],
        "caps": {name.removeprefix("cap_"): line for name, line in seen.measured.items() if name.startswith("cap_")} | given,
        "line": [seen.before["limit"], seen.after["limit"]],
        "least": seen.terms["minimum_loan"],
        "queue": watched[0].queue,
        "episode": episode,
        "headline": notice.headline,
        "reasons": list(notice.reason_texts),
        "files": map_files(),
    }


def changed(phase: Phase, of: Mapping[str, Changes]) -> Changes | None:
    """What a phase's rules changed; None where the client did not go through it."""
    gone = [of[rule.name] for rule in phase.rules if rule.name in of]
    if not gone:
        return None
    found: Changes = {}
    for changes in gone:
        for name, (before, after) in changes.items():
            found[name] = (found.get(name, (before, after))[0], after)
    return found


# the picture

WIDE, MARGIN, RIGHT = 10.0, 0.25, 7.45
"""Inches: the picture, its margins, and where the column of files begins."""
TEXT, SMALL, LINE = 8.6, 7.8, 0.175
"""Points of text and of what is small, and inches of a line."""
HARD = "\u00a0"
"""A space at which no line is broken."""
CODES: dict[str, tuple[str, ...]] = {
    "segment": SEGMENTS,
    "sector": SECTORS,
    "strategy": STRATEGIES,
    "status": STATUSES,
    "event": EVENTS,
    "happened": EVENTS,
    "ended": ("not", *ENDS[1:]),
    "reason": ("none", *REASONS),
    "cap_reason": ("none", *REASONS),
}


def shown(name: str, value: float) -> str:
    """A field's value for a reader."""
    unit, storage = FIELDS[name].unit, FIELDS[name].storage
    if name in CODES:
        return CODES[name][int(value)]
    if unit.startswith("fen"):
        return yuan(value)
    return f"{value:.3g}" if storage in ("q2", "f4") and unit != "points" else f"{value:.0f}"


def yuan(fen: float) -> str:
    return f"{'-' if fen < 0 else ''}¥{abs(fen) / FEN:,.0f}"


def in_words(changes: Changes) -> str:
    """Changes of a phase: states before and after, flows as they are now."""
    parts = [
        f"{name} {shown(name, after)}" if FIELDS[name].flow else f"{name} {shown(name, before)} → {shown(name, after)}"
        for name, (before, after) in changes.items()
        if name not in UNSEEN
    ]
    if not parts:
        return "flags, or the schedule, only" if changes else "nothing changes"
    more = [f"and {len(parts) - SHOWN} more"] if len(parts) > SHOWN else []
    return ", ".join(part.replace(" ", HARD) for part in [*parts[:SHOWN], *more])


def chips(named: Iterable[tuple[str, str]]) -> str:
    """Names and values in a row."""
    return "   ".join(f"{name} {value}".replace(" ", HARD) for name, value in named)


class Sheet:
    """A tall picture, filled from the top: inches from the left, and from the top."""

    def __init__(self, high: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure, self.high, self.at = Figure(figsize=(WIDE, high), dpi=DPI), high, 0.4
        FigureCanvasAgg(self.figure)

    def text(self, x: float, *lines: str, **looks: Any) -> None:
        """Lines, the first at the height reached."""
        for k, line in enumerate(lines):
            y = 1.0 - (self.at + k * LINE) / self.high
            self.figure.text(x / WIDE, y, line, **{"fontsize": TEXT, "va": "baseline", **looks})

    def heading(self, number: int, says: str) -> None:
        """A numbered step, under a line."""
        from matplotlib.lines import Line2D

        y = 1.0 - (self.at + 0.02) / self.high
        ends = [MARGIN / WIDE, 1.0 - MARGIN / WIDE]
        self.figure.add_artist(Line2D(ends, [y, y], color=PALE, linewidth=1.0))
        self.at += 0.25
        self.text(MARGIN, f"{number}  {says}", fontsize=10.5, fontweight="bold")
        self.at += 0.24

    def files(self, functions: Functions) -> int:
        """The files of functions, in the right column, from here down; how many."""
        files = files_of(functions)
        self.text(RIGHT, *files, color=BLUE, family="monospace", fontsize=SMALL)
        return len(files)

    def paragraph(self, text: str, letters: int = 100, least: int = 0, **looks: Any) -> None:
        """Text in lines, and at least so many lines of room."""
        lines = wrap(text, letters, break_on_hyphens=False)
        self.text(MARGIN + 0.18, *lines, **looks)
        self.at += LINE * max(least, len(lines))

    def axes(self, high: float) -> Axes:
        """Room for a chart, between the names at the left and the files at the right."""
        left, right = 1.25, RIGHT - 0.25
        top = self.at - 0.12
        box = (left / WIDE, 1.0 - (top + high) / self.high, (right - left) / WIDE, high / self.high)
        found = self.figure.add_axes(box)
        found.spines[["top", "right"]].set_visible(False)
        found.tick_params(labelsize=SMALL)
        self.at = top + high
        return found


def draw_month(numbers: dict[str, Any]) -> Figure:
    """The picture, as high as it needs to be."""
    return filled(Sheet(filled(Sheet(20.0), numbers).at), numbers).figure


def filled(sheet: Sheet, numbers: dict[str, Any]) -> Sheet:
    """The steps, and the month between them, from the top down."""
    (reading, settling, deciding, sharing, logging, telling), month = STEPS, numbers["month"]
    sheet.text(MARGIN, "A month in the life of a client", fontsize=15, fontweight="bold")
    sheet.text(RIGHT, "files in model/zerolimit/", color=BLUE, family="monospace", fontsize=SMALL)
    sheet.at += 0.28
    where = f"Client {numbers['client']} of the shipped portfolio {CLIENTS}: scenario baseline, seed {SEED}, month {month}."
    sheet.paragraph(where, color="#444444")

    sheet.heading(1, reading)
    read = ((name, f"{value:,.10g}" if isinstance(value, float) else str(value)) for name, value in numbers["row"].items())
    sheet.paragraph(chips(read), 84, sheet.files(STEPS[reading]), family="monospace", fontsize=SMALL)

    sheet.heading(2, f"{settling}: the columns before the first month")
    files = sheet.files((*STEPS[settling], *(function for phase in BIRTH for function in functions_of(phase))))
    sheet.paragraph(chips((name, shown(name, value)) for name, value in numbers["columns"].items()), 100, files)

    sheet.heading(3, f"Month {month}, phase by phase: states before → after, flows as they are set")
    for phase, changes in zip(MONTH, numbers["phases"], strict=True):
        idle = changes is None
        words = phase.says if not phase.rules else "not this client, this month" if idle else in_words(changes)
        looks: dict[str, Any] = {"color": GREY if idle else BLACK}
        lines = wrap(words, 76)
        sheet.text(MARGIN + 0.18, stepped(phase), color=GREY)
        sheet.text(MARGIN + 0.45, phase.name, **looks)
        sheet.text(MARGIN + 1.85, *lines, **looks, style="normal" if phase.rules else "italic")
        sheet.at += LINE * max(len(lines), sheet.files(functions_of(phase))) + 0.02

    sheet.heading(4, deciding)
    draw_caps(sheet, numbers)
    sheet.heading(5, sharing)
    sheet.files(STEPS[sharing])
    draw_queue(sheet, numbers["queue"])

    sheet.heading(6, logging)
    row = {name: value for name, value in numbers["episode"].items() if name not in MEASURED}
    said = ((name, yuan(value) if MEANINGS[name][0] == "fen" else str(value)) for name, value in row.items())
    sheet.paragraph(chips(said), 96, sheet.files(STEPS[logging]))

    sheet.heading(7, telling)
    sheet.files(STEPS[telling])
    sheet.at += 0.03
    for text in (numbers["headline"], *(f"Reason: {reason}." for reason in numbers["reasons"])):
        sheet.paragraph(text, 84, fontsize=10.0)
        sheet.at += 0.05
    return sheet


def draw_caps(sheet: Sheet, numbers: dict[str, Any]) -> None:
    """All caps as bars, the lowest marked; the file of each at its right."""
    lines = {cap: numbers["caps"][cap.name] for cap in sorted(CAPS, key=lambda cap: cap.place)}
    before, after = numbers["line"]
    lowest = min(lines, key=lambda cap: lines[cap])
    axes = sheet.axes(LINE * 1.12 * len(lines))
    white: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
    for k, (cap, line) in enumerate(lines.items()):
        (colour, hatch), bounds = LOOKS[cap.name], line < NO_CAP
        if bounds:
            axes.barh(k, line / FEN, 0.72, color=colour, hatch=hatch, edgecolor="white", linewidth=0.3)
        mark = f": the lowest, {cap.says}" if cap is lowest else ""
        looks: dict[str, Any] = {
            "color": BLACK if bounds else GREY,
            "fontweight": "bold" if mark else "normal",
            "fontsize": SMALL,
        }
        says = yuan(line) + mark if bounds else "sets no bound"
        at = (line / FEN if bounds else 0.0, k)
        axes.annotate(says, at, (4, 0), textcoords="offset points", va="center", **looks, zorder=3, bbox=white)
        beside = axes.get_yaxis_transform()
        blue: dict[str, Any] = {"color": BLUE, "family": "monospace", "fontsize": SMALL}
        axes.text(1.0 + 0.25 / (RIGHT - 1.5), k, file_of(cap.function), transform=beside, va="center", **blue)
    axes.axvline(before / FEN, color=BLACK, linewidth=1.0, linestyle="--", zorder=0)
    widest = max(before, *(line for line in lines.values() if line < NO_CAP)) / FEN
    axes.set(xlim=(0, 1.14 * widest), ylim=(len(lines) - 0.4, -0.6))
    axes.set_yticks(range(len(lines)), [cap.name for cap in lines])
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.tick_params(axis="y", length=0)
    sheet.at += 0.38
    files = sheet.files((weigh.function,))
    says = f"Yuan. Dashed: the line before, {yuan(before)}. The line after is {yuan(after)}."
    sheet.paragraph(says, 100, files, color="#444444")


def draw_queue(sheet: Sheet, queue: dict[str, Any]) -> None:
    """Claims in the pool's order, where they reach what the pool holds, and the client's place."""
    places, claims, end = np.array(queue["places"]), np.array(queue["claims"]), queue["ended"]
    axes = sheet.axes(1.55)
    served = places <= end
    axes.fill_between(places[served], claims[served], color=BLUE, alpha=0.25, linewidth=0)
    axes.plot(places[served], claims[served], color=BLUE, linewidth=1.6)
    axes.plot(places[~served], claims[~served], color=GREY, linewidth=1.6)
    axes.axhline(queue["capacity"], color=ORANGE, linewidth=1.4)
    axes.axvline(end, color=ORANGE, linewidth=1.0, linestyle="--")
    client = (queue["mine"], float(np.interp(queue["mine"], places, claims)))
    axes.plot(*client, "o", color=RED, markersize=6)
    room = f"the pool has room for {queue['capacity']:,.0f} million yuan"
    axes.text(places[-1] * 0.01, queue["capacity"] * 1.03, room, fontsize=SMALL, va="bottom")
    axes.text(end * 0.985, claims[-1] * 0.06, f"the pool ends at place {end:,}", fontsize=SMALL, ha="right")
    says = f"this client: place {queue['mine']:,}, at {queue['rank']:.0f} points"
    arrow: dict[str, Any] = {"arrowstyle": "-", "color": RED, "linewidth": 0.9}
    at = (end * 0.985, claims[-1] * 0.4)
    axes.annotate(says, client, at, ha="right", va="center", fontsize=SMALL, arrowprops=arrow)
    axes.set(xlim=(0, places[-1] * 1.01), ylim=(0, claims[-1] * 1.14))
    axes.set_ylabel("claims, million yuan", fontsize=SMALL)
    axes.set_xlabel(f"place in the order of the pool, of {queue['contenders']:,} who contend", fontsize=SMALL)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    sheet.at += 0.5


PARTS: dict[str, Callable[..., str]] = {map_files.__name__: map_files}
"""The generated part of docs/map.md; it takes no run."""
