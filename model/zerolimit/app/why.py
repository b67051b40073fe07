"""Why: zero limits by reason and month, and the counterfactual shares of mechanisms when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import solara

from zerolimit.app.charts import Chart, Ink, Option, axis, bars, legend, looks, months_axis, option_of, points
from zerolimit.app.language import Words, reason_in
from zerolimit.app.parts import Ended, Progress, Table
from zerolimit.app.picture import Picture
from zerolimit.app.work import Desk, Job
from zerolimit.basics.wording import adding_up
from zerolimit.explanation.reasons import SAYS
from zerolimit.results.drawing import GREY, PALETTE
from zerolimit.vocabulary.mechanisms import MECHANISMS

if TYPE_CHECKING:
    from zerolimit.app.session import Session
    from zerolimit.study.attribution import Attribution

KINDS = ("zero", "blocked")
COLOURS = {name: PALETTE[one.colour] for name, one in MECHANISMS.items()}


@solara.component
def Why(picture: Picture, words: Words, ink: Ink) -> Any:
    """Zero limits (and blocked borrowers) by reason, month by month."""
    kind, set_kind = solara.use_state("zero")
    with solara.v.Html(tag="section", class_="zl-card", attributes={"aria-labelledby": "zl-why"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-why"}, children=[words("why.title")])
        with solara.v.Html(tag="div", class_="zl-choices", attributes={"role": "group", "aria-label": words("why.which")}):
            for one in KINDS:
                solara.Button(
                    words("why." + one),
                    on_click=lambda one=one: set_kind(one),
                    text=True,
                    small=True,
                    classes=["zl-on"] if one == kind else [],
                    attributes={"aria-pressed": str(one == kind).lower()},
                )
        solara.v.Html(tag="p", class_="zl-lead", children=[words("why.lead_" + kind)])
        reasons = picture.by_reason(kind)
        if not reasons:
            solara.v.Html(tag="p", class_="zl-empty", children=[words("why.none" if picture.months else "page.not_run")])
            return
        Chart(by_reason(picture, kind, words, ink), words("why.chart_" + kind), f"why-{kind}", words, ink, 300)
        total = sum(int(events.sum()) for events in reasons.values())
        with solara.v.Html(tag="table", class_="zl-table"):
            solara.v.Html(tag="caption", children=[words("why.table", n=words.number(total))])
            with solara.v.Html(tag="tbody"):
                for name, events in reasons.items():
                    number = int(events.sum())
                    with solara.v.Html(tag="tr"):
                        style = f"background: {looks(name, ink)['color']}"
                        solara.v.Html(
                            tag="th",
                            attributes={"scope": "row"},
                            children=[
                                solara.v.Html(tag="i", class_="zl-dot", style_=style),
                                words.english(SAYS[name]),
                            ],
                        )
                        solara.v.Html(tag="td", children=[words.number(number)])
                        solara.v.Html(tag="td", children=[words.percent(number / total)])


def by_reason(picture: Picture, kind: str, words: Words, ink: Ink) -> Option:
    """Bars stacked by reason, in per cent of those to whom it can happen."""
    series = [
        bars(reason_in(words, name), points(share, words.percent, 100.0), looks(name, ink), "reasons", barCategoryGap="8%")
        for name, share in picture.share_by_reason(kind).items()
    ]
    return option_of(
        ink,
        legend=legend(ink),
        tooltip={"trigger": "axis", "head": words("page.month_n", n="{}"), "confine": True},
        xAxis=months_axis(ink, words, picture.months),
        yAxis=axis(ink, words(f"why.over_{kind}"), min=0),
        series=series,
    )


class Shares:
    """The counterfactual shares that one session asked for, computed at a desk of their own."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.desk = Desk(session.redraw, session.drawn)
        self.found: Attribution | None = None
        self.of: tuple[int, int] | None = None
        """Number of the market and months that the shares belong to."""

    def current(self) -> bool:
        """Whether the shares belong to the run as it stands."""
        return self.of == (self.session.built, self.session.month)

    def shown(self) -> Attribution | None:
        """Shares computed for this run, even if some months ago; None if not computed or computed for another run."""
        return self.found if self.of is not None and self.of[0] == self.session.built else None

    def ask(self) -> None:
        """All worlds of the mechanisms that are on, in the background."""
        from zerolimit.study.attribution import attribute

        market = self.session.market
        if market is None or market.month == 0:
            return
        simulation = market.simulation
        players = [name for name in MECHANISMS if name not in simulation.first_scenario.off]
        asked = self.session.built, market.month

        def work(job: Job) -> None:
            found = attribute(
                simulation.first_scenario,
                months=asked[1],
                seed=simulation.seed,
                players=players,
                portfolio=simulation.portfolio,
                progress=lambda done, of: self.desk.report(job, done),
                cancel=job.stopped.is_set,
            )
            self.found, self.of = found, asked

        self.desk.start("shares", work, 2 ** len(players))


@solara.component
def Counterfactual(shares: Shares, words: Words, ink: Ink, tick: int) -> Any:
    """What each mechanism adds, over all worlds with some of them on."""
    found = shares.shown()
    with solara.v.Html(tag="section", class_="zl-card", attributes={"aria-labelledby": "zl-shares"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-shares"}, children=[words("why.shares")])
        solara.v.Html(tag="p", class_="zl-lead", children=[words("why.shares_lead")])
        job = shares.desk.job
        if job is not None:
            Progress(job.done, job.of, words("why.worlds", done=job.done, of=job.of), words, shares.desk.stop)
        else:
            solara.Button(
                words("why.again" if found is not None else "why.ask"),
                on_click=shares.ask,
                outlined=True,
                small=True,
                disabled=shares.session.month == 0 or not any_on(shares.session),
            )
        Ended(shares.desk, words)
        if found is None:
            return
        if not shares.current():
            solara.v.Html(tag="p", class_="zl-note", children=[words("why.outdated", n=found.months)])
        elif shares.session.market is not None and shares.session.market.simulation.changes:
            solara.v.Html(tag="p", class_="zl-note", children=[words("why.without_changes")])
        table = found.shares("zero_limit")
        Chart(by_player(table, words, ink), words("why.shares_chart"), "shares", words, ink, 60 + 34 * len(table))
        heads = [words("why." + head) for head in ("mechanism", "shapley", "but_for", "alone")]
        rows = [
            [
                words(f"mechanism.{row['player']}"),
                words.number(share, 1),
                words.number(row["but_for"]),
                words.number(row["alone"]),
            ]
            for row, share in zip(table.to_dict("records"), adding_up(table["shapley"], 1), strict=True)
        ]
        Table(words("why.events"), heads, rows)
        none, whole = words.number(int(table["none"].iloc[0])), words.number(int(table["all"].iloc[0]))
        solara.v.Html(tag="p", class_="zl-says", children=[words("why.sum", none=none, all=whole)])


def any_on(session: Session) -> bool:
    """Whether any mechanism was on when the run began."""
    market = session.market
    return market is not None and len(market.simulation.first_scenario.off) < len(MECHANISMS)


def by_player(table: Any, words: Words, ink: Ink) -> Option:
    """Shapley shares as bars; what has protected goes to the left."""
    rows = table.sort_values("shapley")
    data = [
        {
            "value": round(float(row["shapley"]), 2),
            "tip": words.number(row["shapley"], 1),
            "itemStyle": {"color": COLOURS.get(row["player"], GREY)},
        }
        for row in rows.to_dict("records")
    ]
    return option_of(
        ink,
        grid={"left": 12, "right": 46, "top": 8, "bottom": 36, "containLabel": True},
        tooltip={"trigger": "axis", "confine": True},
        yAxis={
            **axis(ink, "", "category", data=[words(f"mechanism.{row['player']}") for row in rows.to_dict("records")]),
            "splitLine": {"show": False},
        },
        xAxis=axis(ink, words("why.events_axis"), below=True),
        series=[bars(words("why.shapley"), data, {})],
    )
