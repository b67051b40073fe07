"""Two worlds side by side on the same draws: the run, and the run with one thing otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import solara

from zerolimit.app.borrower_view import switched_off
from zerolimit.app.charts import Chart, Ink, Option, axis, legend, line, months_axis, option_of, points
from zerolimit.app.fields import Widget, choose
from zerolimit.app.language import Words
from zerolimit.app.parts import Ended, Progress, Table, Wrong
from zerolimit.app.picture import Picture, picture_of
from zerolimit.app.work import Desk, Job
from zerolimit.basics.errors import BadInput
from zerolimit.explanation.replay import Origin, origin_of
from zerolimit.parameters.scenario import parse_setting
from zerolimit.results.columns import Array
from zerolimit.results.drawing import BLUE, RED
from zerolimit.results.table import trust
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.study.accounts import DELAYING
from zerolimit.vocabulary.mechanisms import MECHANISMS

if TYPE_CHECKING:
    from zerolimit.app.session import Session

REMEDIES: dict[str, dict[str, Any]] = {
    "reasons_sent": {"reasons_sent": True},
    "early_warning": {"early_warning": True},
    "notice_months": {"notice_months": 3},
    "adaptation_months": {"adaptation_months": 3},
    "appeals_capacity": {"appeals_capacity": 0.01, "appeals_share": 0.01},
}
"""Remedies that can be added, and what they set."""
OWN = "own"


def differences(words: Words) -> dict[str, str]:
    """What can be otherwise in the second world, in words."""
    return {
        **{f"off:{one}": words("compare.without", what=words("mechanism." + one).lower()) for one in MECHANISMS},
        **{f"set:{one}": words("compare.with_" + one) for one in REMEDIES},
        **{f"by:{one}": words("compare.by", what=words("option." + one).lower()) for one in ALLOCATIONS},
        OWN: words("compare.own"),
    }


def another(origin: Origin, difference: str, own: str) -> Origin:
    """The run with something otherwise from its beginning; BadInput on what cannot be."""
    kind, _, name = difference.partition(":")
    if kind == "off":
        return switched_off(origin, name)
    if kind == "set":
        given = REMEDIES[name]
    elif kind == "by":
        given = {"allocation": name}
    else:
        key, value = parse_setting(own)
        if key in ("borrowers", "name", "network_file", "calendar", "macro"):
            raise BadInput(f"{key}: cannot differ in the second world; choose another parameter")
        given = {key: value}
    changes = tuple({key: value for key, value in change.items() if key not in given} for change in origin.changes)
    return replace(origin, scenario=origin.scenario.change(**given), changes=changes, principal=())


class Comparison:
    """The second world of one session, run at a desk of its own."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.desk = Desk(session.redraw, session.drawn)
        self.difference = "off:trigger"
        self.own = "pool_share=0.4"
        self.wrong = ""
        self.found: tuple[Picture, Picture, str, str, int] | None = None
        """The run, the second world, what was otherwise, what was typed for it, and the number of the market."""

    def choose(self, difference: str) -> None:
        """What is to be otherwise."""
        self.difference, self.wrong = difference, ""
        self.session.redraw()

    def type(self, own: str) -> None:
        """Another parameter, as name=value."""
        self.own, self.wrong = own, ""
        self.session.redraw()

    def ask(self) -> None:
        """Run the second world as long as the first."""
        self.wrong = ""
        base, difference, own, built = self.session.picture, self.difference, self.own, self.session.built
        try:
            origin = self.session.at_rest(origin_of)
            if origin is None or base is None:
                return
            other = another(origin, difference, own)
        except BadInput as error:
            self.wrong = str(error).removeprefix("--set: ").removeprefix("--set ").removeprefix("parameter: ")
            self.session.redraw()
            return

        def work(job: Job) -> None:
            world = other.begin()
            try:
                picture_of(world)
                other.run(world, lambda month: self.desk.report(job, month))
                self.found = base, picture_of(world), difference, own, built
            finally:
                world.close()

        self.desk.start("compare", work, origin.months)


@solara.component
def Compare(comparison: Comparison, words: Words, ink: Ink, tick: int) -> Any:
    """Choose what is otherwise, run it, and see both."""
    session = comparison.session
    with solara.v.Html(tag="section", class_="zl-card zl-wide", attributes={"aria-labelledby": "zl-compare"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-compare"}, children=[words("compare.title")])
        solara.v.Html(tag="p", class_="zl-lead", children=[words("compare.lead")])
        with solara.v.Html(tag="div", class_="zl-pick"):
            choose("difference", words("compare.difference"), comparison.difference, differences(words), comparison.choose)
            if comparison.difference == OWN:
                Widget.element(
                    id="own-difference",
                    kind="text",
                    label=words("compare.own_label"),
                    value=comparison.own,
                    says=words("compare.own_says"),
                    error=comparison.wrong,
                    on_change=comparison.type,
                )
            solara.Button(
                words("compare.run"),
                on_click=comparison.ask,
                color="primary",
                disabled=session.month == 0 or comparison.desk.busy or session.desk.busy,
            )
        if comparison.difference != OWN:
            Wrong(comparison.wrong, words)
        job = comparison.desk.job
        if job is not None:
            Progress(job.done, job.of, words("compare.running", done=job.done, of=job.of), words, comparison.desk.stop)
        Ended(comparison.desk, words)
        if comparison.found is None or comparison.found[4] != session.built:
            solara.v.Html(tag="p", class_="zl-empty", children=[words("compare.none" if session.month else "page.not_run")])
            return
        one, other, difference, own, _ = comparison.found
        name = own if difference == OWN else differences(words)[difference]
        same_run = session.picture is not None and one.tables is session.picture.tables
        if not same_run:
            solara.v.Html(tag="p", class_="zl-note", children=[words("compare.outdated")])
        solara.v.Html(tag="p", class_="zl-lead", children=[in_words(one, other, name, words)])
        if puts_off(difference, own):
            solara.v.Html(tag="p", class_="zl-note", children=[words("compare.delays")])
        with solara.v.Html(tag="div", class_="zl-two"):
            rate = both(one, other, "zero_limit", name, words("why.over_zero"), words, ink)
            Chart(rate, words("compare.rate_chart"), "compare-zero-limits", words, ink, 280)
            use = both(one, other, "usable", name, words("compare.usable_axis"), words, ink)
            Chart(use, words("compare.usable_chart"), "compare-usable", words, ink, 280)
        heads = [words("compare.what"), words("compare.this"), name, words("compare.apart")]
        Table(words("compare.table"), heads, table(one, other, words))


def puts_off(difference: str, own: str) -> bool:
    """Whether cuts take effect later in one of the worlds, so that the months shown hide something."""
    names = set(REMEDIES.get(difference.partition(":")[2], {})) if difference != OWN else {own.partition("=")[0].strip()}
    return bool(names & set(DELAYING))


def in_words(one: Picture, other: Picture, name: str, words: Words) -> str:
    """What the difference does to zero limits."""
    here, there = one.total("zero_limit"), other.total("zero_limit")
    key = "compare.fewer" if there < here else "compare.more" if there > here else "compare.same"
    return words(key, name=name, here=words.number(here), there=words.number(there), n=words.number(abs(there - here)))


def both(one: Picture, other: Picture, rate: str, name: str, unit: str, words: Words, ink: Ink) -> Option:
    """A rate by month in both worlds."""
    return option_of(
        ink,
        legend=legend(ink),
        tooltip={"trigger": "axis", "head": words("page.month_n", n="{}"), "confine": True},
        xAxis=months_axis(ink, words, one.months),
        yAxis=axis(ink, unit, min=0),
        series=[
            line(words("compare.this"), points(one.rate(rate, (1, 2)), words.percent, 100.0), BLUE),
            line(name, points(other.rate(rate, (1, 2)), words.percent, 100.0), RED, dashed=True),
        ],
    )


COUNTS = ("at_risk", "zero_limit", "blocked", "decreases", "used_up", "found_at_need", "shortfalls", "complaints", "left")
MONEY = ("sum_drawn", "sum_elsewhere", "sum_shortfall", "sum_written_off")


def table(one: Picture, other: Picture, words: Words) -> list[list[str]]:
    """Counts, money and trust of both worlds, all months together, and how far apart they are."""

    def row(name: str, pair: tuple[float, float], tell: Any) -> list[str]:
        apart = pair[1] - pair[0]
        sign = "+" if apart > 0 else "−" if apart < 0 else ""
        return [words("outcome." + name), tell(pair[0]), tell(pair[1]), sign + tell(abs(apart))]

    rows = [row(name, (one.total(name), other.total(name)), words.number) for name in COUNTS]
    rows += [row(name, (one.total(name), other.total(name)), words.yuan) for name in MONEY]
    rows.append(row("net_income", (sum_of(one, "net_income"), sum_of(other, "net_income")), words.yuan))
    rows.append(
        row("trust", (last(trust(one.tables.monthly)), last(trust(other.tables.monthly))), lambda t: words.number(t, 3))
    )
    return rows


def sum_of(picture: Picture, name: str) -> float:
    """A platform's number over all months."""
    return float(np.nansum(picture.platform(name)))


def last(numbers: Array) -> float:
    """The value in the last month."""
    return float(numbers[-1])
