"""Who: rates by segment and income, lines and scores before and after, and where on-time payers go."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import solara

from zerolimit.app.charts import FONT, Chart, Ink, Option, axis, bars, legend, looks, option_of, points
from zerolimit.app.language import Words, reason_in
from zerolimit.app.picture import LINES, SCORES, Picture
from zerolimit.results.columns import Array, values
from zerolimit.results.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY
from zerolimit.rules.caps import REASONS
from zerolimit.vocabulary.names import ENDS, SEGMENTS

OUTCOMES = ("zero_limit", "blocked", "used_up")
FATES: dict[str, tuple[str, ...]] = {
    "recovered": ("score", "loosening", "re-application", "pool", "repayment"),
    "appealed": ("appeal",),
    "left": ("left", "charge-off", "account ended"),
    "without": ("censored",),
}
"""How episodes without a usable line ended, in the page's groups."""
FATE_COLOURS = {"recovered": GREEN, "appealed": SKY, "left": GREY, "without": RED}


@solara.component
def Rates(picture: Picture, words: Words, ink: Ink) -> Any:
    """Rates by segment and by income decile."""
    outcome, set_outcome = solara.use_state("zero_limit")
    with solara.v.Html(tag="section", class_="zl-card", attributes={"aria-labelledby": "zl-who"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-who"}, children=[words("who.title")])
        with solara.v.Html(tag="div", class_="zl-choices", attributes={"role": "group", "aria-label": words("who.which")}):
            for one in OUTCOMES:
                solara.Button(
                    words("who." + one),
                    on_click=lambda one=one: set_outcome(one),
                    text=True,
                    small=True,
                    classes=["zl-on"] if one == outcome else [],
                    attributes={"aria-pressed": str(one == outcome).lower()},
                )
        if not picture.months:
            solara.v.Html(tag="p", class_="zl-empty", children=[words("page.not_run")])
            return
        Chart(by_group(picture, outcome, words, ink), words("who.chart"), f"who-{outcome}", words, ink, 506)


def by_group(picture: Picture, outcome: str, words: Words, ink: Ink) -> Option:
    """The rate by segment, and by income decile to the right of it."""
    segments, deciles = picture.rate(outcome, (0, 2)), picture.rate(outcome, (0, 1))
    names = [words("segment." + name) for name in SEGMENTS]
    unit = words("who.unit_" + outcome)
    return option_of(
        ink,
        tooltip={"trigger": "axis", "confine": True},
        grid=[{"left": 52, "right": 14, "top": 32, "height": 166}, {"left": 52, "right": 14, "top": 286, "height": 176}],
        xAxis=[
            axis(ink, words("who.segment"), "category", below=True, gridIndex=0, data=names),
            axis(ink, words("who.decile"), "category", below=True, gridIndex=1, data=[str(k) for k in range(1, 11)]),
        ],
        yAxis=[axis(ink, unit, gridIndex=0, min=0), axis(ink, unit, gridIndex=1, min=0)],
        series=[
            bars(
                words("who." + outcome), points(segments, words.percent, 100.0), {"color": RED}, xAxisIndex=0, yAxisIndex=0
            ),
            bars(
                words("who." + outcome), points(deciles, words.percent, 100.0), {"color": ORANGE}, xAxisIndex=1, yAxisIndex=1
            ),
        ],
    )


@solara.component
def Spreads(picture: Picture, words: Words, ink: Ink) -> Any:
    """Lines and scores, before and now."""
    with solara.v.Html(tag="section", class_="zl-card", attributes={"aria-labelledby": "zl-spread"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-spread"}, children=[words("who.spread")])
        Chart(of_lines(picture, words, ink), words("who.lines_chart"), "lines", words, ink, 260)
        Chart(of_scores(picture, words, ink), words("who.scores_chart"), "scores", words, ink, 240)


def before_and_now(
    picture: Picture, before: Array, now: Array, names: list[str], unit: str, words: Words, ink: Ink
) -> Option:
    """Two sets of bars beside each other, in per cent of accounts."""
    then, after = (numbers / max(1, int(numbers.sum())) for numbers in (before, now))
    return option_of(
        ink,
        legend=legend(ink),
        tooltip={"trigger": "axis", "confine": True},
        grid={"left": 12, "right": 16, "top": 52, "bottom": 34, "containLabel": True},
        xAxis=axis(ink, unit, "category", below=True, data=names, axisLabel={"fontSize": 10}),
        yAxis=axis(ink, words("who.accounts"), min=0),
        series=[
            bars(words("who.before"), points(then, words.percent, 100.0), {"color": SKY}, barGap="0%"),
            bars(words("who.now", n=picture.months), points(after, words.percent, 100.0), {"color": BLUE}),
        ],
    )


def of_lines(picture: Picture, words: Words, ink: Ink) -> Option:
    """The spread of credit lines."""
    edges = [words.short(edge).replace(",000", "k") if words.language == "en" else words.short(edge) for edge in LINES]
    names = [
        words("who.no_line"),
        *(f"{low}–{high}" for low, high in pairwise(edges[1:])),
        f"{edges[-1]}+",
    ]
    return before_and_now(picture, picture.first.lines, picture.now.lines, names, words("who.yuan"), words, ink)


def of_scores(picture: Picture, words: Words, ink: Ink) -> Option:
    """The spread of the platform's risk score."""
    return before_and_now(
        picture, picture.first.scores, picture.now.scores, [str(edge) for edge in SCORES], words("who.points"), words, ink
    )


@solara.component
def Flow(picture: Picture, words: Words, ink: Ink) -> Any:
    """Where those who repaid on time went."""
    with solara.v.Html(tag="section", class_="zl-card zl-wide", attributes={"aria-labelledby": "zl-flow"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-flow"}, children=[words("who.flow")])
        counted = flows(picture)
        if not counted:
            solara.v.Html(tag="p", class_="zl-empty", children=[words("who.no_flow" if picture.months else "page.not_run")])
            return
        at_risk, kept = picture.total("at_risk"), picture.total("at_risk") - picture.total("not_restored")
        told = words("who.flow_lead", n=words.number(at_risk), kept=words.percent(kept / max(1, at_risk), 2))
        solara.v.Html(tag="p", class_="zl-lead", children=[told])
        Chart(sankey(picture, counted, words, ink), words("who.flow_chart"), "flow", words, ink, 420)


Flows = dict[tuple[str, str], int]


def flows(picture: Picture) -> Flows:
    """Events from `paid` to what happened, and on to how it ended: counts of borrower-months and of events.

    Nodes: paid, kept, cut, zero:REASON, blocked, and the fates. Nothing where no event was.
    """
    episodes = picture.tables.episodes
    if not picture.months or not len(values(episodes, "month")):
        return {}
    kind, reason, ended = (values(episodes, name).astype(int) for name in ("kind", "reason", "ended"))
    group = {ENDS.index(end): fate for fate, ends in FATES.items() for end in ends}
    events = picture.total("zero_limit") + picture.total("blocked")
    found: Flows = {
        ("paid", "kept"): picture.total("at_risk") - picture.total("not_restored"),
        ("paid", "cut"): max(0, picture.total("not_restored") - events),
    }
    seen: Counter[tuple[str, str]] = Counter()
    for one, why, end in zip(kind, reason, ended, strict=True):
        seen[f"zero:{REASONS[why - 1]}" if one == 1 else "blocked", group[end]] += 1
    nodes = Counter({node: sum(n for (start, _), n in seen.items() if start == node) for node, _ in seen})
    found |= {("paid", node): n for node, n in nodes.most_common()}
    found |= {(node, fate): seen[node, fate] for node, _ in nodes.most_common() for fate in FATES}
    return found


def sankey(picture: Picture, counted: Flows, words: Words, ink: Ink) -> Option:
    """The flow. Those who kept their line, and those cut, are drawn narrower than they are, or nobody else were seen."""
    others = sum(n for (start, end), n in counted.items() if start == "paid" and end not in ("kept", "cut"))
    nodes = list(dict.fromkeys(name for pair in counted for name in pair))

    def title(node: str) -> str:
        head, _, reason = node.partition(":")
        return words("flow." + head) + (words("flow.colon") + reason_in(words, reason) if reason else "")

    def style(node: str) -> Option:
        if node.startswith("zero:"):
            return {"color": looks(node[5:], ink)["color"]}
        return {"color": {"paid": BLUE, "kept": GREEN, "cut": ORANGE, "blocked": PURPLE, **FATE_COLOURS}[node]}

    def through(node: str) -> int:
        into = sum(n for (_, end), n in counted.items() if end == node)
        return into or picture.total("at_risk")

    data = [
        {
            "name": title(node),
            "itemStyle": style(node),
            "tip": f"{title(node)}: {words.number(through(node))}",
            "label": {"formatter": f"{title(node)} {words.number(through(node))}"},
        }
        for node in nodes
        if node == "paid" or through(node)
    ]
    links = [
        {
            "source": title(start),
            "target": title(end),
            "value": min(n, others) if end == "kept" else min(n, max(1, others // 2)) if end == "cut" else n,
            "tip": f"{title(start)} → {title(end)}: {words.number(n)}",
        }
        for (start, end), n in counted.items()
        if n
    ]
    return option_of(
        ink,
        tooltip={"trigger": "item", "confine": True},
        series=[
            {
                "type": "sankey",
                "data": data,
                "links": links,
                "left": 8,
                "right": 150,
                "top": 12,
                "bottom": 12,
                "nodeGap": 16,
                "nodeWidth": 14,
                "nodeAlign": "left",
                "layoutIterations": 0,
                "label": {"color": ink.text, "fontSize": 11, "fontFamily": FONT},
                "lineStyle": {"color": "source", "opacity": 0.35},
            }
        ],
    )
