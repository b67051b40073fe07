"""One borrower: a timeline with events, the notice that was due, and the same borrower in a second world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import solara

from zerolimit.app.charts import Chart, Ink, Option, axis, legend, line, months_axis, option_of
from zerolimit.app.fields import Widget, choose
from zerolimit.app.language import Words
from zerolimit.app.parts import Ended, Progress, Table
from zerolimit.app.work import Desk, Job
from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import FEN, adding_up, listed
from zerolimit.explanation.notice import Enough, Explanation, explain, in_columns, what_was_cut
from zerolimit.explanation.replay import Origin, Seen, origin_of
from zerolimit.explanation.story import Life, Story, introduced, paragraphs, story_of, summed_up, whom
from zerolimit.results.columns import values
from zerolimit.results.drawing import BLUE, GREEN, ORANGE, PURPLE, RED
from zerolimit.results.episodes import episode_columns
from zerolimit.rules.caps import CAP
from zerolimit.vocabulary.constants import SCORE_HIGH, SCORE_LOW
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import LEFT, OWNER, SEGMENTS, ZERO_LIMIT

if TYPE_CHECKING:
    from zerolimit.agents.market import CreditMarket
    from zerolimit.app.session import Session

MARKED = {
    **dict.fromkeys(("zero limit", "line lost", "written off"), RED),
    **dict.fromkeys(("blocked", "cut", "frozen", "announced", "warned"), ORANGE),
    **dict.fromkeys(("line back", "raised", "appeal won"), GREEN),
    **dict.fromkeys(
        ("found", "appeals", "appeal rejected", "over the trigger", "used up", "late", "leaves", "enters"), PURPLE
    ),
}
"""Events that are marked on the timeline, and their colour."""


@dataclass(frozen=True)
class Somebody:
    """A borrower by slot, with the name that it is shown by; story.whom takes it as it is."""

    slot: int
    unique_id: str


@dataclass(frozen=True)
class Worlds:
    """A borrower in the run, and in a second world where there is one."""

    who: Somebody
    story: Story
    seen: tuple[Seen, ...]
    notice: Explanation | None
    """Of the last zero limit or block, else of the last cut; None where nothing was cut."""
    other: tuple[Seen, ...] = ()
    off: str = ""
    built: int = 0
    """Number of the market (session.Session)."""


class Borrowers:
    """The borrower that one session looks at; the run is run again beside it, at a desk of its own."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.desk = Desk(session.redraw, session.drawn)
        self.found: Worlds | None = None
        self.typed = ""
        self.wrong = ""

    def pick(self, given: Any) -> None:
        """A borrower by what was typed, a portfolio's id or a slot; an unknown one is answered beside the box."""
        self.typed, self.wrong = str(given), ""
        try:
            origin = self.session.at_rest(origin_of)
            if origin is not None:
                self._watch(origin, Somebody(*whom(origin, str(given).replace(",", "").strip())), "")
        except BadInput as error:
            self.wrong = str(error)
            self.session.redraw()

    def pick_slot(self, slot: int) -> None:
        """The borrower in a slot."""
        origin = self.session.at_rest(origin_of)
        if origin is not None:
            ids = None if origin.portfolio is None else origin.portfolio.ids
            self.pick(slot if ids is None else ids[slot])

    def like_li(self) -> None:
        """Somebody like Li of the article."""
        slot = self.session.at_rest(someone_like_li)
        if slot is not None:
            self.pick_slot(slot)

    def without(self, mechanism: str) -> None:
        """The same borrower with one mechanism off; the empty name takes the second world away."""
        origin = self.session.at_rest(origin_of)
        if self.found is not None and origin is not None:
            self._watch(origin, self.found.who, mechanism)

    def shown(self) -> Worlds | None:
        """The borrower of this run; None where nobody is picked, or somebody of another run."""
        return self.found if self.found is not None and self.found.built == self.session.built else None

    def _watch(self, origin: Origin, who: Somebody, off: str) -> None:
        built = self.session.built

        def work(job: Job) -> None:
            done = 0

            def progress(month: int) -> None:
                nonlocal done
                done += 1
                self.desk.report(job, done)

            seen = tuple(origin.watched(who.slot, progress=progress)[0])
            story = story_of(origin, who.slot, who.unique_id, seen, 0, origin.months - 1)
            cut = month_cut(seen)
            notice = None if cut is None else explain(origin, who, cut, progress=lambda done, every: progress(done))
            other = tuple(switched_off(origin, off).watched(who.slot, progress=progress)[0]) if off else ()
            self.found = Worlds(who, story, seen, notice, other, off, built)

        self.desk.start("borrower", work, origin.months * (3 if off else 2))


def switched_off(origin: Origin, mechanism: str) -> Origin:
    """The same run with one mechanism off from the start, in the changes made on the way too."""
    off = tuple(dict.fromkeys((*origin.scenario.off, mechanism)))
    changes = tuple(
        {**change, "off": [*dict.fromkeys((*change["off"], mechanism))]} if "off" in change else change
        for change in origin.changes
    )
    return replace(origin, scenario=origin.scenario.change(off=off), changes=changes, principal=())


def someone_like_li(market: CreditMarket) -> int | None:
    """The slot of one whose line fell to zero for frequent small loans though all was paid: an owner where there is one.

    Where the trigger struck nobody, of another zero limit; None where there was none.
    """
    logs = market.simulation.episodes
    episodes = episode_columns(logs.starts, logs.ends, market.month)
    kind, reason, segment, slots = (values(episodes, name) for name in ("kind", "reason", "segment", "borrower"))
    zero = kind == int(ZERO_LIMIT)
    trigger = zero & (reason == CAP["trigger"].number)
    for wanted in (trigger & (segment == int(OWNER)), trigger, zero, kind > 0):
        if wanted.any():
            return int(slots[wanted][0])
    return None


def month_cut(seen: tuple[Seen, ...]) -> int | None:
    """The month that the notice is about: of the last zero limit or block, else of the last cut of any kind."""
    cuts = [(now.month, event.kind) for now in seen if (event := what_was_cut(now)) is not None]
    events = [month for month, kind in cuts if kind in ("zero limit", "blocked")]
    return events[-1] if events else cuts[-1][0] if cuts else None


@solara.component
def OneBorrower(borrowers: Borrowers, words: Words, ink: Ink, tick: int) -> Any:
    """Pick somebody; then what happened, why, and how it would have been otherwise."""
    found = borrowers.shown()
    with solara.v.Html(tag="div", class_="zl-stack zl-wide"):
        Choice(borrowers, words, ink, tick)
        if found is not None and borrowers.session.month:
            with solara.v.Html(tag="div", class_="zl-room"):
                Notice(found, words)
                Told(found, words)


@solara.component
def Choice(borrowers: Borrowers, words: Words, ink: Ink, tick: int) -> Any:
    """Who is followed, in which worlds, and the timeline."""
    session, found = borrowers.session, borrowers.shown()
    run = session.month > 0 and not session.desk.busy
    with solara.v.Html(tag="section", class_="zl-card", attributes={"aria-labelledby": "zl-borrower"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-borrower"}, children=[words("borrower.title")])
        solara.v.Html(tag="p", class_="zl-lead", children=[words("borrower.lead")])
        with solara.v.Html(tag="div", class_="zl-pick"):
            Widget.element(
                id="borrower-id",
                kind="text",
                label=words("borrower.id"),
                value=borrowers.typed,
                error=borrowers.wrong,
                says=words("borrower.id_says", most=words.number(session.wanted.borrowers - 1)),
                disabled=not run,
                on_change=borrowers.pick,
            )
            solara.Button(words("borrower.li"), on_click=borrowers.like_li, outlined=True, disabled=not run)
            if found is not None and session.month:
                choose(
                    "second-world",
                    words("borrower.other"),
                    found.off,
                    {"": words("borrower.no_other"), **{one: words("mechanism." + one) for one in MECHANISMS}},
                    borrowers.without,
                    disabled=borrowers.desk.busy,
                    says=words("borrower.other_says"),
                )
        job = borrowers.desk.job
        if job is not None:
            Progress(job.done, job.of, words("borrower.again"), words, borrowers.desk.stop)
        Ended(borrowers.desk, words)
        if session.month == 0 or found is None:
            solara.v.Html(
                tag="p", class_="zl-empty", children=[words("borrower.nobody" if session.month else "page.not_run")]
            )
            return
        if found.story.last + 1 != session.month:
            solara.v.Html(tag="p", class_="zl-note", children=[words("borrower.outdated", n=found.story.last + 1)])
        solara.v.Html(tag="h3", children=[who_is(found, words)])
        chart = words("borrower.chart", id=found.who.unique_id)
        Chart(timeline(found, words, ink), chart, f"borrower-{found.who.slot}", words, ink, 460)


def who_is(found: Worlds, words: Words) -> str:
    """A borrower in a line."""
    first = found.seen[0].before
    return words(
        "borrower.who",
        id=found.who.unique_id,
        segment=words("segment." + SEGMENTS[int(first["segment"])]),
        age=words.number(first["age"]),
        income=words.number(first["income_true"] / FEN),
    )


def timeline(found: Worlds, words: Words, ink: Ink) -> Option:
    """Line and balance above, score and trust below, events marked; a second world dashed."""
    months = found.story.last + 1

    def over(seen: tuple[Seen, ...], value: Any, tell: Any) -> list[Any]:
        rows: list[Any] = [None] * months
        for now in seen:
            if now.after["status"] != LEFT:
                number = value(now.after)
                rows[now.month] = {"value": round(number, 4), "tip": tell(number)}
        return rows

    wholly = words.number
    parts: tuple[tuple[str, Any, Any, str, int, int, dict[str, Any]], ...] = (
        ("limit", lambda after: after["limit"] / FEN, wholly, BLUE, 0, 0, {"step": "middle"}),
        ("owed", lambda after: after["principal"] / FEN, wholly, ORANGE, 0, 0, {}),
        ("risk", lambda after: after["risk"], wholly, PURPLE, 1, 1, {}),
        ("trust", lambda after: after["trust"], lambda share: words.number(share, 2), GREEN, 1, 2, {}),
    )
    series = []
    for name, value, tell, colour, x, y, more in parts:
        place = {"xAxisIndex": x, "yAxisIndex": y, **more}
        series.append(line(words("borrower." + name), over(found.seen, value, tell), colour, **place))
        if found.other:
            label = words("borrower.in_other", what=words("borrower." + name))
            series.append(line(label, over(found.other, value, tell), colour, dashed=True, **place))
    series[0]["markPoint"] = {"data": marks(found, words), "symbolSize": 14, "label": {"show": False}}
    month = months_axis(ink, words, months)
    return option_of(
        ink,
        legend=legend(ink),
        tooltip={"trigger": "axis", "head": words("page.month_n", n="{}"), "confine": True},
        axisPointer={"link": [{"xAxisIndex": "all"}]},
        grid=[
            {"left": 64, "right": 56, "top": 58, "height": 180},
            {"left": 64, "right": 56, "top": 288, "height": 118},
        ],
        xAxis=[{**month, "name": "", "gridIndex": 0}, {**month, "gridIndex": 1}],
        yAxis=[
            axis(ink, words("who.yuan"), gridIndex=0, min=0),
            axis(ink, words("borrower.points"), gridIndex=1, min=SCORE_LOW, max=SCORE_HIGH, interval=200),
            {
                **axis(ink, words("borrower.trust_axis"), gridIndex=1, min=0, max=1, interval=0.5),
                "splitLine": {"show": False},
            },
        ],
        series=series,
    )


def marks(found: Worlds, words: Words) -> list[Option]:
    """Events on the line, where it stood when they happened."""
    at = {now.month: now.after["limit"] / FEN for now in found.seen}
    return [
        {
            "coord": [event.month, at.get(event.month, 0.0)],
            "symbol": "pin" if MARKED[event.kind] == RED else "circle",
            "symbolSize": 26 if MARKED[event.kind] == RED else 9,
            "itemStyle": {"color": MARKED[event.kind]},
            "tip": words("page.month_n", n=event.month) + "\n" + words.english(event.text),
        }
        for event in found.story.events
        if event.kind in MARKED
    ]


@solara.component
def Notice(found: Worlds, words: Words) -> Any:
    """The letter that this borrower would have got, and what would have been enough."""
    notice = found.notice
    with solara.v.Html(tag="section", class_="zl-card", attributes={"aria-labelledby": "zl-notice"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-notice"}, children=[words("borrower.notice")])
        if notice is None:
            solara.v.Html(tag="p", class_="zl-empty", children=[words("borrower.never_cut")])
            return
        before, after = words.number(notice.before / FEN), words.number(notice.after / FEN)
        with solara.v.Html(tag="blockquote", class_="zl-letter"):
            solara.v.Html(tag="p", children=[words("borrower.letter", n=notice.month, before=before, after=after)])
            with solara.v.Html(tag="ol"):
                for text in notice.reason_texts:
                    solara.v.Html(tag="li", children=[words.english(text)])
            if notice.lowering:
                solara.v.Html(tag="p", children=[words("borrower.lowering")])
                with solara.v.Html(tag="ul"):
                    for text in notice.lowering_texts:
                        solara.v.Html(tag="li", children=[words.english(text)])
        solara.v.Html(tag="h3", children=[words("borrower.enough")])
        line = words.number(notice.target / FEN)
        solara.v.Html(tag="p", class_="zl-lead", children=[words("borrower.enough_says", line=line)])
        with solara.v.Html(tag="ul"):
            for one in notice.enough:
                solara.v.Html(tag="li", children=[in_words(one, words)])
            if not notice.enough:
                solara.v.Html(tag="li", children=[words("borrower.nothing")])
        rows = [[words.english(one.says), *(words.english(text) for text in in_columns(one))] for one in notice.thresholds]
        heads = ("threshold", "unit", "own", "needed", "distance", "left")
        Table(words("borrower.thresholds"), [words("borrower." + head) for head in heads], rows)
        rounded = zip(notice.shares, adding_up((one.shapley for one in notice.shares), 2), strict=True)
        shares = [(one.mechanism, share) for one, share in rounded if one.shapley != 0.0]
        if shares:
            parts = [f"{words('mechanism.' + name)} {words.number(share, 2)}" for name, share in shares]
            solara.v.Html(tag="p", class_="zl-says", children=[words("borrower.shares", shares=", ".join(parts))])


def in_words(one: Enough, words: Words) -> str:
    """A change that would have been enough: the notice's own sentence, or the same in another language."""
    if words.language == "en":
        return one.text
    return words.declared("enough", one.kind, one.text).format(
        amount=measured(one.amount, one, words),
        own=measured(one.own, one, words),
        required=measured(one.required, one, words),
    )


def measured(value: float, one: Enough, words: Words) -> str:
    """A number in its unit."""
    if one.unit.startswith("fen"):
        return words.yuan(value)
    if one.unit.startswith("share"):
        return words.percent(value, 1)
    return words.number(value, 0 if value == int(value) else 3 if one.kind == "distance" else 1)


@solara.component
def Told(found: Worlds, words: Words) -> Any:
    """The story month by month."""
    with solara.v.Html(tag="section", class_="zl-card", attributes={"aria-labelledby": "zl-told"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-told"}, children=[words("borrower.told")])
        for life in found.story.lives:
            who = words.english(introduced(life, alone=len(found.story.lives) == 1))
            solara.v.Html(tag="p", class_="zl-lead", children=[who])
            Table(
                words("borrower.months"),
                [words("borrower.when"), words("borrower.line"), words("borrower.what")],
                rows_of(life, words),
                wordy=True,
            )
            for text in summed_up(life):
                solara.v.Html(tag="p", class_="zl-says", children=[words.english(text)])


def rows_of(life: Life, words: Words) -> list[list[str]]:
    """Months of a life with the line and what happened."""
    return [
        [
            f"{one.first}" if one.first == one.last else f"{one.first}–{one.last}",
            words.english(one.limit),
            words.english(listed((text for _, text in one.sentences), " ")),
        ]
        for one in paragraphs(life, 0, life.months[-1].month)
    ]
