"""The network: who hears of whom, coloured by state, shaped by segment; above some thousands a connected part of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import solara

from zerolimit.app.charts import Chart, Ink, Option, option_of
from zerolimit.app.fields import choose
from zerolimit.app.language import Words
from zerolimit.app.parts import Ended, Progress
from zerolimit.app.work import Desk, Job
from zerolimit.basics.wording import FEN
from zerolimit.results.columns import Array
from zerolimit.results.drawing import BLUE, ORANGE, RED
from zerolimit.vocabulary.names import LEFT, OPEN, SEGMENTS

if TYPE_CHECKING:
    from zerolimit.agents.market import CreditMarket
    from zerolimit.app.session import Session

STATES = ("usable", "cut", "zero", "late", "left")
SHAPES = dict(zip(SEGMENTS, ("circle", "triangle", "rect"), strict=True))
SIZES = (300, 1_000, 3_000)
"""Borrowers that can be shown."""


def colours(ink: Ink) -> dict[str, str]:
    """A colour for each state."""
    return dict(
        zip(STATES, (BLUE, ORANGE, RED, ink.strong, "#bdbdbd" if ink.ground == "#ffffff" else "#6a6a6a"), strict=True)
    )


@dataclass(frozen=True)
class Part:
    """Some borrowers and the ties between them; `whole` when it is everybody."""

    slots: Array
    at: Array
    """Places in the unit square, a row a borrower."""
    ties: Array
    """Pairs of positions in `slots`."""
    whole: bool


def part_of_network(market: CreditMarket, most: int, start: int) -> Part:
    """At most `most` borrowers: all, or the nearest to `start` by ties. No coordinates: layout is slow (`placed`)."""
    size = market.simulation.size
    starts, others = market.simulation.network().adjacency()
    slots = np.arange(size) if size <= most else nearest(starts, others, start, most)
    place = np.full(size, -1)
    place[slots] = np.arange(len(slots))
    counts = (starts[slots + 1] - starts[slots]).astype(np.int64)
    ones = np.repeat(np.arange(len(slots)), counts)
    spots = np.repeat(starts[slots], counts) + np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    ends = place[others[spots]]
    once = (ends >= 0) & (ones < ends)
    return Part(slots, np.zeros((len(slots), 2)), np.column_stack([ones[once], ends[once]]), size <= most)


def placed(part: Part) -> Part:
    """The part with places: those near in the network are near here (Fruchterman and Reingold, by networkx)."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(len(part.slots)))
    graph.add_edges_from(part.ties.tolist())
    places = nx.spring_layout(graph, seed=1, iterations=50 if len(part.slots) <= SIZES[1] else 15, method="force")
    return replace(part, at=spread_out(np.array([places[k] for k in range(len(part.slots))]).reshape(-1, 2)))


def spread_out(at: Array) -> Array:
    """Places by rank in each direction, half and half with the places themselves: no knot, no far stragglers."""
    ranks = np.argsort(np.argsort(at, axis=0), axis=0) / max(1, len(at) - 1)
    low, high = at.min(axis=0), at.max(axis=0)
    return 0.5 * ranks + 0.5 * (at - low) / np.where(high > low, high - low, 1.0)


def nearest(starts: Array, others: Array, start: int, most: int) -> Array:
    """Slots by their distance from `start` in ties; where its component ends, the next slot begins another."""
    seen = np.zeros(len(starts) - 1, np.bool_)
    found: list[int] = []
    unseen = iter(range(len(starts) - 1))
    queue = [start]
    seen[start] = True
    while len(found) < most:
        if not queue:
            fresh = next((slot for slot in unseen if not seen[slot]), None)
            if fresh is None:
                break
            seen[fresh] = True
            queue = [fresh]
        following: list[int] = []
        for slot in queue:
            found.append(slot)
            for other in others[starts[slot] : starts[slot + 1]].tolist():
                if not seen[other]:
                    seen[other] = True
                    following.append(other)
        queue = following
    return np.sort(np.array(found[:most]))


@dataclass(frozen=True)
class Look:
    """The borrowers of a part as they stand."""

    part: Part
    state: Array
    """Position in STATES."""
    segment: Array
    values: dict[str, Array]
    ids: tuple[str | None, ...]
    """The clients' names in their file."""


def look(market: CreditMarket, part: Part) -> Look:
    """States and what hovering shows; money in fen."""
    column = market.simulation.column
    names = ("status", "limit", "late", "risk", "trust", "reason", "without_line", "age", "generation")
    found = {name: np.asarray(column(name))[part.slots].copy() for name in names}
    found["owed"] = (column("scheduled")[part.slots] + column("overdue")[part.slots]).astype(np.float64)
    least = market.simulation.terms["minimum_loan"]
    usable = (found["status"] == OPEN) & (found["limit"] >= least)
    state = np.where(usable, np.where(found["reason"] > 0, 1, 0), 2)
    state = np.where(found["late"] > 0, 3, state)
    state = np.where(found["status"] == LEFT, 4, state)
    who = zip(part.slots.tolist(), found["generation"].tolist(), strict=True)
    ids = tuple(market.simulation.client(slot, generation) for slot, generation in who)
    return Look(part, state, np.asarray(column("segment"))[part.slots].astype(int), found, ids)


class Networks:
    """The part of the network that one session looks at; found at a desk of its own."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.desk = Desk(session.redraw, session.drawn)
        self.most = SIZES[0]
        self.part: Part | None = None
        self._of: tuple[int, int] | None = None

    def ask(self, most: int) -> None:
        """Another number of borrowers."""
        self.most = most
        self.refresh()

    def refresh(self) -> None:
        """Find the part anew where the market or the number is another."""
        market = self.session.market
        if market is None or self._of == (self.session.built, self.most) or self.desk.busy:
            return
        wanted = self.session.built, self.most

        def work(job: Job) -> None:
            start = self.session.at_rest(first_event)
            part = self.session.at_rest(lambda held: part_of_network(held, wanted[1], start or 0))
            if part is not None:
                self.part, self._of = placed(part), wanted

        self.desk.start("network", work)

    def seen(self) -> Look | None:
        """The borrowers as they stand."""
        part = self.part
        if part is None or self._of is None or self._of[0] != self.session.built:
            return None
        found: Look | None = self.session.at_rest(lambda market: look(market, part))
        return found


def first_event(market: CreditMarket) -> int:
    """The slot of the first zero-limit event; 0 before there is one."""
    return next((int(one["borrower"][0]) for one in market.simulation.episodes.starts if len(one["borrower"])), 0)


@solara.component
def Network(networks: Networks, words: Words, ink: Ink, pick: Callable[[Any], None], tick: int) -> Any:
    """The network with its legend; a click picks the borrower."""
    market = networks.session.market
    solara.use_effect(networks.refresh, [networks.session.built, market is None, networks.most])
    with solara.v.Html(tag="section", class_="zl-card zl-wide", attributes={"aria-labelledby": "zl-network"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-network"}, children=[words("network.title")])
        sizes = {str(size): words("network.size", n=words.number(size)) for size in SIZES}
        choose("network-size", words("network.shown"), str(networks.most), sizes, lambda given: networks.ask(int(given)))
        Ended(networks.desk, words)
        seen = networks.seen()
        if networks.desk.busy or seen is None:
            Progress(0, 0, words("network.finding"), words)
            return
        key = "network.whole" if seen.part.whole else "network.part"
        told = words(key, n=words.number(len(seen.part.slots)), of=words.number(market.simulation.size if market else 0))
        solara.v.Html(tag="p", class_="zl-lead", children=[told])
        Legend(seen, words, ink)
        Chart(drawn(seen, words, ink), words("network.chart"), "network", words, ink, 640, on_pick=pick)


@solara.component
def Legend(seen: Look, words: Words, ink: Ink) -> Any:
    """States with their numbers, and segments with their shapes."""
    with solara.v.Html(tag="ul", class_="zl-legend", attributes={"aria-label": words("network.legend")}):
        for k, (state, colour) in enumerate(colours(ink).items()):
            number = words.number(int((seen.state == k).sum()))
            dot = solara.v.Html(tag="i", class_="zl-dot", style_=f"background: {colour}")
            solara.v.Html(tag="li", children=[dot, f"{words('state.' + state)} {number}"])
        for segment in SEGMENTS:
            mark = solara.v.Html(tag="i", class_=f"zl-shape zl-{SHAPES[segment]}")
            solara.v.Html(tag="li", children=[mark, words("segment." + segment)])


def drawn(seen: Look, words: Words, ink: Ink) -> Option:
    """The graph: places are given, so it does not move from month to month."""
    count = len(seen.part.slots)
    size = 13 if count <= 300 else 8 if count <= 1_000 else 5
    palette = list(colours(ink).values())
    rows = []
    for k, slot in enumerate(seen.part.slots.tolist()):
        state, segment = int(seen.state[k]), SEGMENTS[int(seen.segment[k])]
        one = {name: float(column[k]) for name, column in seen.values.items()}
        rows.append(
            {
                "value": seen.part.at[k].round(4).tolist(),
                "key": slot,
                "symbol": SHAPES[segment],
                "symbolSize": size * (1.35 if state in (2, 3) else 1.0),
                "itemStyle": {"color": palette[state]},
                "tip": tip(seen.ids[k] or words.number(slot), STATES[state], segment, one, words),
            }
        )
    ends = seen.part.at.round(4).tolist()
    lines = [{"coords": [ends[a], ends[b]]} for a, b in seen.part.ties.tolist()]
    hidden = {"type": "value", "show": False, "min": -0.02, "max": 1.02}
    return option_of(
        ink,
        tooltip={"trigger": "item", "confine": True},
        grid={"left": 8, "right": 8, "top": 8, "bottom": 8},
        xAxis=hidden,
        yAxis=hidden,
        dataZoom=[
            {"type": "inside", f"{one}AxisIndex": 0, "zoomOnMouseWheel": "ctrl", "filterMode": "none"} for one in ("x", "y")
        ],
        series=[
            {
                "type": "lines",
                "coordinateSystem": "cartesian2d",
                "data": lines,
                "silent": True,
                "z": 1,
                "lineStyle": {"color": ink.faint, "opacity": 0.25 if count <= SIZES[0] else 0.1, "width": 0.7},
            },
            {"type": "scatter", "data": rows, "z": 2},
        ],
    )


def tip(name: str, state: str, segment: str, one: dict[str, float], words: Words) -> str:
    """What hovering shows of a borrower."""
    if state == "left":
        return words("network.vacant", id=name)
    return words(
        "network.tip",
        id=name,
        segment=words("segment." + segment),
        age=words.number(one["age"]),
        state=words("state." + state),
        limit=words.number(one["limit"] / FEN),
        owed=words.number(one["owed"] / FEN),
        risk=words.number(one["risk"]),
        trust=words.number(one["trust"], 2),
    )
