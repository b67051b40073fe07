"""Charts by ECharts: one widget, axes with units, the project's colours, and what a screen reader is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipyvuetify
import solara
import traitlets

from zerolimit.app.language import Words
from zerolimit.results.columns import Array
from zerolimit.results.drawing import BLACK, LOOKS

FONT = "Roboto, 'Zerolimit Sans', sans-serif"
HATCHES: dict[str, dict[str, Any]] = {
    "": {"symbol": "none"},
    "///": {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [2, 4], "rotation": -0.8},
    "...": {"symbol": "circle", "symbolSize": 0.8, "dashArrayX": [[0, 6], [6, 0]], "dashArrayY": [6, 0]},
}
"""The figures' hatching in ECharts' words."""


@dataclass(frozen=True)
class Ink:
    """Colours that depend on light or dark."""

    text: str
    faint: str
    grid: str
    ground: str
    strong: str


LIGHT = Ink("#2b2b2b", "#5c5c5c", "#dddddd", "#ffffff", "#000000")
DARK = Ink("#eeeeee", "#b5b5b5", "#444444", "#1e1e1e", "#ffffff")
Option = dict[str, Any]


class Widget(ipyvuetify.VuetifyTemplate):
    """An ECharts option on the page (chart.vue). `data` with a `key` can be clicked, with a `tip` be hovered."""

    template_file = (__file__, "chart.vue")
    option = traitlets.Dict().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    height = traitlets.Int(300).tag(sync=True)
    file = traitlets.Unicode("chart").tag(sync=True)
    saves = traitlets.Unicode("Save as").tag(sync=True)
    ground = traitlets.Unicode("#ffffff").tag(sync=True)
    on_pick = traitlets.Callable(None, allow_none=True)

    def vue_picked(self, event: Mapping[str, Any]) -> None:
        """A mark was clicked."""
        if self.on_pick is not None:
            self.on_pick(event["key"])


@solara.component
def Chart(
    option: Option,
    label: str,
    file: str,
    words: Words,
    ink: Ink = LIGHT,
    height: int = 300,
    on_pick: Callable[[Any], None] | None = None,
) -> Any:
    """A chart with its buttons to save it. `label` says in a sentence what is drawn."""
    return Widget.element(
        option=option, label=label, file=file, height=height, saves=words("page.save_as"), ground=ink.ground, on_pick=on_pick
    )


def use_ink() -> Ink:
    """Light or dark, as the visitor has it."""
    return DARK if solara.lab.use_dark_effective() else LIGHT


def option_of(ink: Ink, **parts: Any) -> Option:
    """What all charts have in common."""
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT, "color": ink.text},
        "aria": {"enabled": True, "label": {"enabled": False}, "decal": {"show": False}},
        "grid": {"left": 12, "right": 16, "top": 58, "bottom": 34, "containLabel": True},
        **parts,
    }


def axis(ink: Ink, name: str, kind: str = "value", **more: Any) -> Option:
    """An axis labelled with its unit: y label above the axis, x label centred below."""
    upright = not more.pop("below", False)
    place = (
        {"nameLocation": "end", "nameTextStyle": {"align": "left", "color": ink.faint, "padding": [0, 0, 2, 0]}}
        if upright
        else {"nameLocation": "middle", "nameGap": 24, "nameTextStyle": {"color": ink.faint}}
    )
    line = {"splitLine": {"show": upright, "lineStyle": {"color": ink.grid}}}
    label = {"color": ink.text, "fontSize": 11, "hideOverlap": True, **more.pop("axisLabel", {})}
    return {"type": kind, "name": name, **place, **line, "axisLabel": label, **more}


def months_axis(ink: Ink, words: Words, months: int) -> Option:
    """Months of the run, from 0."""
    return axis(ink, words("page.month_from_0"), "category", below=True, data=[str(month) for month in range(months)])


def legend(ink: Ink, **more: Any) -> Option:
    """The legend above the chart, in a row that can be paged."""
    return {
        "type": "scroll",
        "top": 0,
        "left": 0,
        "itemWidth": 16,
        "itemHeight": 11,
        "textStyle": {"color": ink.text},
        **more,
    }


def looks(reason: str, ink: Ink) -> Option:
    """Colour and hatching of a reason, the same as in the figures."""
    colour, hatch = LOOKS[reason]
    return {
        "color": ink.strong if colour == BLACK else colour,
        "decal": {**HATCHES[hatch], "color": "rgba(255,255,255,0.65)"},
    }


def points(values: Array | Sequence[float], tell: Callable[[float], str], scale: float = 1.0) -> list[Option | None]:
    """Values with what hovering tells; None where there is no number."""
    return [
        None if value != value else {"value": round(float(value) * scale, 6), "tip": tell(float(value))} for value in values
    ]


def line(name: str, data: list[Any], colour: str, dashed: bool = False, **more: Any) -> Option:
    """A line over the months."""
    style = {"color": colour, "width": 2, "type": "dashed" if dashed else "solid"}
    few = sum(one is not None for one in data) < 2
    return {
        "type": "line",
        "name": name,
        "data": data,
        "symbol": "circle" if few else "none",
        "itemStyle": {"color": colour},
        "lineStyle": style,
        **more,
    }


def bars(name: str, data: list[Any], style: Option, stack: str | None = None, **more: Any) -> Option:
    """Bars, stacked or beside each other."""
    return {"type": "bar", "name": name, "data": data, "itemStyle": style, "stack": stack, "barCategoryGap": "12%", **more}
