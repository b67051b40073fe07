"""The pool: a gauge of what is lent, promised, left and lost, and its months."""

from __future__ import annotations

from typing import Any

import numpy as np
import solara

from zerolimit.app.charts import Chart, Ink, Option, axis, bars, legend, line, months_axis, option_of, points
from zerolimit.app.language import SCALES, Words
from zerolimit.app.picture import Picture
from zerolimit.basics.wording import FEN
from zerolimit.results.columns import Array
from zerolimit.results.drawing import BLUE, GREY, ORANGE, PALE, RED, SKY


@solara.component
def Pool(picture: Picture, words: Words, ink: Ink) -> Any:
    """The gauge, the figures beside it, and the pool month by month."""
    with solara.v.Html(tag="section", class_="zl-card", attributes={"aria-labelledby": "zl-pool"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-pool"}, children=[words("pool.title")])
        solara.v.Html(tag="p", class_="zl-lead", children=[in_words(picture, words)])
        Gauge(picture, words)
        if picture.months:
            Chart(by_month(picture, words, ink), words("pool.chart"), "pool", words, ink, 250)
            Chart(used_up(picture, words, ink), words("pool.used_up_chart"), "used-up", words, ink, 190)


def in_words(picture: Picture, words: Words) -> str:
    """How full the pool is."""
    if picture.pool is None:
        return words("pool.without_end", principal=words.yuan(picture.principal))
    share = picture.principal / picture.pool if picture.pool else 0.0
    return words("pool.in_words", share=words.percent(share), pool=words.yuan(picture.pool))


@solara.component
def Gauge(picture: Picture, words: Words) -> Any:
    """The pool as a bar: lent, and planned for open lines; below it the figures."""
    pool = picture.pool
    planned = int(picture.platform("planned")[-1]) if picture.months else picture.principal
    if pool is not None:
        full = max(pool, planned, picture.principal, 1)
        lent, open_lines = picture.principal / full, max(0, planned - picture.principal) / full
        parts = (("lent", lent), ("planned", open_lines))
        with solara.v.Html(
            tag="div",
            class_="zl-gauge",
            attributes={
                "role": "img",
                "aria-label": words("pool.gauge", share=words.percent(picture.principal / max(pool, 1))),
            },
        ):
            for kind, share in parts:
                solara.v.Html(tag="span", class_="zl-" + kind, style_=f"width: {100.0 * share:.2f}%")
            solara.v.Html(tag="i", class_="zl-cap", style_=f"left: {100.0 * pool / full:.2f}%")
    lost = picture.total("sum_written_off") - picture.total("sum_recovered")
    figures = (
        ("lent", words("pool.lent"), words.yuan(picture.principal)),
        ("planned", words("pool.planned"), words.yuan(max(0, planned - picture.principal))),
        ("open", words("pool.open"), words.yuan(max(0, picture.lines - picture.principal))),
        ("cash", words("pool.cash"), words.yuan(picture.cash)),
        ("lost", words("pool.lost"), words.yuan(lost)),
        ("refused", words("pool.refused"), words.number(picture.total("used_up"))),
    )
    with solara.v.Html(tag="dl", class_="zl-figures"):
        for kind, name, value in figures:
            with solara.v.Html(tag="div", class_="zl-figure zl-key-" + kind):
                solara.v.Html(tag="dt", children=[name])
                solara.v.Html(tag="dd", children=[value])


def scale_of(most: float, words: Words) -> tuple[float, str]:
    """A unit of money for an axis, and its name."""
    for size, word in (*SCALES[words.language], (1.0, "")):
        if most >= size * FEN or size == 1.0:
            return size * FEN, words("pool.unit", word=word).replace("  ", " ").strip()
    raise AssertionError("the last scale is one yuan")


def by_month(picture: Picture, words: Words, ink: Ink) -> Option:
    """What is lent and planned beside the pool, month by month."""
    pool = picture.platform("pool")
    planned, principal = picture.platform("planned"), picture.platform("principal")
    unit, name = scale_of(float(np.nanmax(np.concatenate([pool, planned, principal]))), words)

    def over(values: Array) -> list[Any]:
        return points(values, words.yuan, 1.0 / unit)

    series = [
        line(words("pool.planned_exposure"), over(planned), ORANGE, dashed=True),
        line(words("pool.principal"), over(principal), BLUE),
    ]
    if not np.isnan(pool).all():
        area = {"areaStyle": {"color": PALE if ink.ground == "#ffffff" else "#3a3a3a"}, "z": 0, "lineStyle": {"width": 0}}
        series.insert(0, {**line(words("pool.pool"), over(pool), GREY, step="middle"), **area})
    return option_of(
        ink,
        legend=legend(ink),
        tooltip={"trigger": "axis", "head": words("page.month_n", n="{}"), "confine": True},
        xAxis=months_axis(ink, words, picture.months),
        yAxis=axis(ink, name, min=0),
        series=series,
    )


def used_up(picture: Picture, words: Words, ink: Ink) -> Option:
    """Loans refused within the line because the pool was used up, beside the shortfalls."""
    data = points(picture.by_month("used_up"), words.number)
    short = points(picture.by_month("rollover_refused"), words.number)
    return option_of(
        ink,
        legend=legend(ink),
        tooltip={"trigger": "axis", "head": words("page.month_n", n="{}"), "confine": True},
        xAxis=months_axis(ink, words, picture.months),
        yAxis=axis(ink, words("pool.loans"), min=0, minInterval=1),
        series=[
            bars(words("pool.refused"), data, {"color": SKY}, barGap="0%"),
            bars(words("pool.rollover"), short, {"color": RED}),
        ],
    )
