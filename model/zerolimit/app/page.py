"""The page: controls on the left, what they do on the right, a room per question.

Mesa's components and reactive models are what it is built on; its own layout, since cards in Mesa's grid overlap.
"""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipyvuetify
import solara
import solara.lab
import traitlets

from zerolimit.app.borrower_view import Borrowers, OneBorrower
from zerolimit.app.charts import use_ink
from zerolimit.app.compare import Compare, Comparison
from zerolimit.app.controls import Controls
from zerolimit.app.downloads import Downloads
from zerolimit.app.fields import Widget, choose
from zerolimit.app.language import LANGUAGES, Words, preferred
from zerolimit.app.network_view import Network, Networks
from zerolimit.app.parts import Ended, Progress
from zerolimit.app.picture import Picture
from zerolimit.app.pool_view import Pool
from zerolimit.app.session import LONGEST, OPENING, SPEEDS, Session
from zerolimit.app.who import Flow, Rates, Spreads
from zerolimit.app.why import Counterfactual, Shares, Why
from zerolimit.explanation.reasons import SAYS

if TYPE_CHECKING:
    from zerolimit.agents.market import CreditMarket

ROOMS = ("overview", "who", "network", "borrower", "compare", "downloads")
begins_with: dict[str, Any] = {"base": "baseline"}
"""What `zerolimit app` was called with: the scenario of a new visitor."""


class Document(ipyvuetify.VuetifyTemplate):
    """What the document itself says: its language, that it may be zoomed, and whether dark is preferred (document.vue)."""

    template_file = (__file__, "document.vue")
    lang = traitlets.Unicode("en").tag(sync=True)

    def vue_prefers_dark(self, *nothing: Any) -> None:
        """The visitor's system is dark, and the visitor has chosen nothing else here."""
        solara.lab.theme.dark = True


@cache
def stylesheet() -> str:
    """The page's CSS."""
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


@solara.component
def Style() -> Any:
    """The page's looks."""
    solara.Style(stylesheet())


@solara.component
def Layout(children: Any = ()) -> Any:
    """Nothing around the page."""
    return solara.v.Html(tag="div", children=list(children))


@solara.component
def Page() -> Any:
    """What a visitor sees at the address."""
    accepted = (solara.lab.headers.value or {}).get("accept-language", [""])
    language, set_language = solara.use_state(preferred(accepted[0] if accepted else ""))
    Viewer(None, language, set_language)


@solara.component
def Viewer(market: CreditMarket | None, language: str = "en", set_language: Any = None) -> Any:
    """The page around a new run, or around a market in a notebook cell."""
    words, ink = Words(language), use_ink()
    tick = solara.use_reactive(0)
    count = solara.use_memo(itertools.count, [])

    def begin() -> Session:
        given = {"market": market} if market is not None else begins_with
        return Session(**given, changed=lambda: tick.set(next(count)))

    session = solara.use_memo(begin, [id(market)])
    rooms = solara.use_memo(lambda: (Shares(session), Networks(session), Borrowers(session), Comparison(session)), [session])
    room, set_room = solara.use_state("overview")
    open_, set_open = solara.use_state(False)

    def live() -> Any:
        if session.market is None:
            session.reset(OPENING)

        def leave() -> None:
            for one in rooms:
                one.desk.stop()
            session.close()

        return leave

    solara.use_effect(live, [session])
    solara.use_effect(session.drawn.done)

    def pick(slot: Any) -> None:
        set_room("borrower")
        rooms[2].pick_slot(int(slot))

    Style()
    if set_language is not None:
        solara.Title(words("page.name"))
        Document.element(lang=language)
    with solara.v.Html(tag="div", class_="zl-page" + (" zl-open" if open_ else ""), attributes={"lang": language}):
        Head(words, language, set_language, open_, set_open)
        with solara.v.Html(tag="div", class_="zl-body"):
            with solara.v.Html(tag="aside", class_="zl-side", attributes={"aria-label": words("page.controls")}):
                Controls(session, words, tick.value)
            with solara.v.Html(tag="main", class_="zl-main"):
                Runs(session, words, tick.value)
                Rooms(room, set_room, words)
                picture = session.picture
                if picture is None:
                    solara.v.Html(tag="p", class_="zl-empty", children=[words("page.preparing")])
                else:
                    with solara.v.Html(tag="div", class_=f"zl-room zl-{room}"):
                        if room == "overview":
                            Headline(picture, words)
                            with solara.v.Html(tag="div", class_="zl-stack"):
                                Why(picture, words, ink)
                                Counterfactual(rooms[0], words, ink, tick.value)
                            Pool(picture, words, ink)
                        elif room == "who":
                            Flow(picture, words, ink)
                            Rates(picture, words, ink)
                            Spreads(picture, words, ink)
                        elif room == "network":
                            Network(rooms[1], words, ink, pick, tick.value)
                        elif room == "borrower":
                            OneBorrower(rooms[2], words, ink, tick.value)
                        elif room == "compare":
                            Compare(rooms[3], words, ink, tick.value)
                        else:
                            Downloads(session, words, tick.value)


@solara.component
def Head(words: Words, language: str, set_language: Any, open_: bool, set_open: Any) -> Any:
    """The name, the question, the language, light or dark."""
    with solara.v.Html(tag="header", class_="zl-head"):
        with solara.v.Html(tag="div"):
            solara.v.Html(tag="h1", children=[words("page.name")])
            solara.v.Html(tag="p", children=[words("page.question")])
        with solara.v.Html(tag="div", class_="zl-tools"):
            solara.Button(
                words("page.controls"),
                on_click=lambda: set_open(not open_),
                outlined=True,
                small=True,
                classes=["zl-toggle"],
                attributes={"aria-expanded": str(open_).lower()},
            )
            if set_language is not None:
                for name, title in LANGUAGES.items():
                    solara.Button(
                        title,
                        on_click=lambda name=name: set_language(name),
                        text=True,
                        small=True,
                        classes=["zl-on"] if name == language else [],
                        attributes={"lang": name, "aria-pressed": str(name == language).lower()},
                    )
                Theme(words)


@solara.component
def Theme(words: Words) -> Any:
    """Light or dark."""
    dark = solara.lab.use_dark_effective()

    def turn() -> None:
        solara.lab.theme.dark = not dark

    solara.Button(words("page.light" if dark else "page.dark"), on_click=turn, text=True, small=True)


@solara.component
def Rooms(room: str, set_room: Any, words: Words) -> Any:
    """Where to look."""
    with solara.v.Html(tag="nav", class_="zl-rooms", attributes={"aria-label": words("page.rooms")}):
        for one in ROOMS:
            solara.Button(
                words("room." + one),
                on_click=lambda one=one: set_room(one),
                text=True,
                classes=["zl-on"] if one == room else [],
                attributes={"aria-current": "page"} if one == room else {},
            )


@solara.component
def Runs(session: Session, words: Words, tick: int) -> Any:
    """Reset, step, play with its speed, and many months at once."""
    months, set_months = solara.use_state("12")
    job, busy = session.desk.job, session.desk.busy
    playing = job is not None and job.what == "play"
    wrong = "" if months.isdecimal() and 1 <= int(months) <= LONGEST else words("page.months_range", most=LONGEST)
    with solara.v.Html(tag="section", class_="zl-runs", attributes={"aria-label": words("page.run")}):
        with solara.v.Html(tag="div", class_="zl-buttons"):
            solara.v.Html(
                tag="span",
                class_="zl-month",
                attributes={"aria-live": "polite"},
                children=[words("page.month_n", n=session.month)],
            )
            solara.Button(words("page.reset"), on_click=lambda: session.reset(), outlined=True, disabled=busy)
            solara.Button(words("page.step"), on_click=lambda: session.run(1), outlined=True, disabled=busy)
            solara.Button(
                words("page.pause" if playing else "page.play"),
                on_click=session.stop if playing else session.play,
                color="primary",
                disabled=busy and not playing,
            )
            speeds = {str(speed): words("page.speed", n=f"{speed:g}") for speed in SPEEDS}

            def set_speed(given: Any) -> None:
                session.speed = float(given)
                session.redraw()

            choose("speed", words("page.speed_label"), str(session.speed), speeds, set_speed)
            Widget.element(
                id="months",
                kind="text",
                label=words("page.months"),
                value=months,
                error=wrong,
                on_change=lambda given: set_months(str(given).strip()),
            )
            solara.Button(
                words("page.run_months"),
                on_click=lambda: session.run(int(months)),
                outlined=True,
                disabled=busy or bool(wrong),
            )
        if session.policy() and session.month:
            solara.v.Html(tag="p", class_="zl-note", children=[words("page.policy_waits")])
        if session.differs_at_start() and session.month:
            solara.v.Html(tag="p", class_="zl-note", children=[words("page.reset_waits")])
        if job is not None and not playing:
            told = words("page.months_done", done=job.done, of=job.of) if job.of else words("page.preparing")
            Progress(job.done, job.of, told, words, session.stop)
        Ended(session.desk, words)


@solara.component
def Headline(picture: Picture, words: Words) -> Any:
    """What is going on, in a sentence and six figures."""
    with solara.v.Html(tag="section", class_="zl-card zl-wide zl-headline", attributes={"aria-labelledby": "zl-headline"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-headline"}, children=[words("headline.title")])
        for text in sentences(picture, words):
            solara.v.Html(tag="p", children=[text])
        with solara.v.Html(tag="dl", class_="zl-figures"):
            for name, value, says in figures(picture, words):
                with solara.v.Html(tag="div", class_="zl-figure"):
                    solara.v.Html(tag="dt", children=[name])
                    solara.v.Html(tag="dd", children=[value])
                    solara.v.Html(tag="dd", class_="zl-small", children=[says])


def sentences(picture: Picture, words: Words) -> list[str]:
    """The situation in plain words."""
    if not picture.months:
        return [
            words("headline.begins", n=words.number(picture.size), pool=of_pool(picture, words)),
            words("headline.press"),
        ]
    exposed, zero = picture.total("line_on_time"), picture.total("zero_limit")
    found = [
        words(
            "headline.so_far", n=words.number(exposed), zero=words.number(zero), rate=words.percent(zero / max(1, exposed))
        )
    ]
    reasons = picture.by_reason()
    if reasons:
        name = next(iter(reasons))
        says = words.english(SAYS[name])
        share = words.percent(float(reasons[name].sum()) / max(1, zero), 0)
        found.append(words("headline.reason", reason=says, share=share))
    return found


def of_pool(picture: Picture, words: Words) -> str:
    """The pool's size in words."""
    return words("headline.endless") if picture.pool is None else words.yuan(picture.pool)


def figures(picture: Picture, words: Words) -> list[tuple[str, str, str]]:
    """Six figures: name, value, what it is over."""
    if not picture.months:
        return []

    def now(rate: str) -> str:
        return words.percent(float(picture.rate(rate, (1, 2))[-1]))

    def whole(rate: str) -> str:
        return words("headline.whole", rate=words.percent(float(picture.rate(rate, (0, 1, 2)))))

    tight = float(picture.platform("tightness")[-1])
    trusted = picture.by_month("sum_trust")[-1] / max(1, picture.by_month("accounts")[-1]) / 16_384.0
    use = "–" if picture.pool is None else words.percent(picture.principal / max(1, picture.pool))
    return [
        (words("headline.zero"), now("zero_limit"), whole("zero_limit")),
        (words("headline.blocked"), now("blocked"), whole("blocked")),
        (words("headline.used_up"), now("used_up"), whole("used_up")),
        (words("headline.use"), use, words("headline.of_pool", pool=of_pool(picture, words))),
        (words("headline.trust"), words.number(trusted, 2), words("headline.trust_says")),
        (words("headline.tightness"), words.number(tight, 2), words("headline.tightness_says")),
    ]
