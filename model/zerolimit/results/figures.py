"""A run in pictures: panels, each by itself or together in summary.png. matplotlib is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.wording import FEN, number_of
from zerolimit.results.columns import Array, cube, divided, rates, values
from zerolimit.results.drawing import (
    BLACK,
    BLUE,
    DPI,
    GREEN,
    LOOKS,
    NOTE,
    ORANGE,
    PALE,
    RED,
    SKY,
    month_axis,
    on_axes,
    our_settings,
)
from zerolimit.results.table import trust
from zerolimit.results.tables import Tables
from zerolimit.rules.caps import CAP, CAPS
from zerolimit.vocabulary.names import SEGMENTS
from zerolimit.vocabulary.outcomes import EVENT_RATES, RATES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zerolimit.parameters.scenario import Scenario

UNITS = ((1e9, "billion yuan"), (1e6, "million yuan"), (1e3, "thousand yuan"), (1.0, "yuan"))
OVER = {"zero": "% of on-time payers with a line, a month", "blocked": "% of on-time payers at risk, a month"}
"""What the rates of events are over, for an axis."""
NO_ZEROS = "no zero limits in these months"


Say = Callable[[str], str]
"""Gives a figure's English words in another language."""


def draw_summary(tables: Tables, scenario: Scenario, file: Path, say: Say = str, fonts: Sequence[str] = ()) -> None:
    """Six panels: zero limits and blocked borrowers by reason, zero limits by group, pool, accounts, trust.

    PNG or SVG, as the file's name ends. `fonts` are families that have the letters of another language.
    """
    with our_settings(**{"figure.constrained_layout.use": False}, **({"font.family": [*fonts]} if fonts else {})):
        _six_panels(tables, scenario, say).savefig(file, dpi=DPI)


def plot_run(tables: Tables, what: str = "reasons", ax: Axes | None = None) -> Axes:
    """One panel of a run (PANELS), on axes given or new ones."""
    if what not in PANELS:
        raise BadInput(f"plot: {quoted(what)} is not one of {', '.join(PANELS)}{nearest(what, PANELS)}")
    with on_axes(ax) as axes:
        _panel(axes, what, tables, str)
        return axes


def _six_panels(tables: Tables, scenario: Scenario, say: Say) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 10.5), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, 2)
    figure.subplots_adjust(left=0.07, right=0.985, top=0.87, bottom=0.05, hspace=0.5, wspace=0.17)
    numbers = counted(scenario.borrowers, "borrower", say), counted(tables.months, "month", say)
    heading = f"{scenario.name}: {', '.join(numbers)}"
    figure.text(0.07, 0.975, heading, fontsize=13, va="center")
    figure.text(0.07, 0.952, _in_words(tables, say), fontsize=9, va="center", color="#444444")
    for ax, what in zip(axes.flat, PANELS, strict=True):
        _panel(ax, what, tables, say)
    return figure


def _panel(ax: Axes, what: str, tables: Tables, say: Say) -> None:
    PANELS[what](ax, tables, say)
    ax.tick_params(labelsize=NOTE)
    ax.grid(visible=False, axis="x")
    if what != "groups":
        ax.set_xlim(tables.first - 0.5, tables.first + max(tables.months - 0.5, 0.5))
        month_axis(ax, say("month, from 0"), fontsize=NOTE)


def counted(number: int, noun: str, say: Say) -> str:
    """A number of things; other languages than English have no plural here."""
    return number_of(number, noun) if say(noun) == noun else f"{number:,} {say(noun)}"


def _in_words(tables: Tables, say: Say) -> str:
    risk, zero, blocked = (int(values(tables.monthly, name).sum()) for name in ("line_on_time", "zero_limit", "blocked"))
    words = say("{zero} and {blocked:,} blocked after repayment, in {risk} of on-time payers with a line")
    return words.format(zero=counted(zero, "zero limit", say), blocked=blocked, risk=counted(risk, "borrower-month", say))


def _title(ax: Axes, title: str, up: str, legend: bool = True, columns: int = 4) -> None:
    """The title, what the vertical axis counts, and the legend between title and axes."""
    rows = 0
    if legend:
        drawn = ax.legend(
            fontsize=NOTE,
            frameon=False,
            ncols=columns,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            borderaxespad=0.0,
            borderpad=0.3,
            handlelength=1.4,
            columnspacing=1.2,
        )
        rows = -(-len(drawn.get_texts()) // columns)
    ax.set_title(title, fontsize=10, pad=6.0 + 13.0 * rows)
    ax.set_ylabel(up, fontsize=NOTE)


def _empty(ax: Axes, words: str) -> None:
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", color="#666666", fontsize=10)
    ax.set_ylim(0.0, 1.0)
    ax.set_yticks([])


def _dot(tables: Tables) -> str:
    """A line over one month needs a marker to be seen."""
    return "o" if tables.months == 1 else ""


def _stacked(ax: Axes, tables: Tables, base: Array, heights: Array, colour: str, label: str, hatch: str = "") -> Array:
    """Monthly bars on top of others, drawn as one shape (hundreds of bars cost a quarter of a second); gives the new top."""
    edges = np.repeat(tables.first + np.arange(len(base) + 1) - 0.5, 2)[1:-1]
    top = base + heights
    sides = np.repeat(base, 2), np.repeat(top, 2)
    ax.fill_between(edges, *sides, facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0.0, label=label)
    return top


def _by_month(tables: Tables, name: str) -> Array:
    return cube(tables.monthly, name).sum(axis=(1, 2))


def _reasons(ax: Axes, tables: Tables, say: Say) -> None:
    _by_reason(ax, tables, "zero", "Zero limits by reason", NO_ZEROS, say)


def _blocked(ax: Axes, tables: Tables, say: Say) -> None:
    _by_reason(ax, tables, "blocked", "Blocked after repayment by reason", "nobody blocked in these months", say)


def _by_reason(ax: Axes, tables: Tables, kind: str, title: str, none: str, say: Say) -> None:
    (under,) = RATES[EVENT_RATES[kind]][1]
    exposed = _by_month(tables, under)
    events = {cap.name: _by_month(tables, f"{kind}_by_{cap.name}") for cap in CAPS}
    shown = sorted((name for name in events if events[name].any()), key=lambda name: -int(events[name].sum()))
    base = np.zeros(tables.months)
    for name in shown:
        colour, hatch = LOOKS[name]
        height = 100.0 * np.nan_to_num(divided(events[name], exposed))
        base = _stacked(ax, tables, base, height, colour, say(CAP[name].short), hatch)
    if shown:
        ax.set_ylim(0.0, 1.05 * float(base.max()))
    else:
        _empty(ax, say(none))
    _title(ax, say(title), say(OVER[kind]), legend=bool(shown), columns=5)


def _groups(ax: Axes, tables: Tables, say: Say) -> None:
    """The rate by segment, and by income decile to the right of it."""
    at = np.array([0.3, 1.9, 3.5, *range(6, 16)])
    height = 100.0 * np.nan_to_num(np.concatenate([rates(tables.monthly, "zero_limit", axes) for axes in ((0, 2), (0, 1))]))
    ax.set_xticks(at, [*map(say, SEGMENTS), *map(str, range(1, 11))])
    for where, words in ((1.9, "segment"), (10.5, "income decile at the start, 1 lowest")):
        ax.text(where, -0.16, say(words), transform=ax.get_xaxis_transform(), ha="center", va="center", fontsize=NOTE)
    ax.set_xlim(-0.7, 15.7)
    if height.any():
        ax.bar(at, height, width=0.7, color=RED)
        ax.axvline(4.75, color="#bbbbbb", linewidth=0.8)
        ax.set_ylim(0.0, 1.05 * float(height.max()))
    else:
        _empty(ax, say(NO_ZEROS))
    _title(ax, say("Zero limits by segment and income"), say(OVER["zero"]), legend=False)


def _pool(ax: Axes, tables: Tables, say: Say) -> None:
    """The pool as an area; what is lent and planned as lines."""
    months = tables.first + np.arange(tables.months)
    pool = values(tables.platform, "pool").astype(float)
    planned, principal = (values(tables.platform, name).astype(float) for name in ("planned", "principal"))
    most = max(1.0, *(float(numbers.max(initial=0.0)) for numbers in (pool[pool >= 0], planned, principal)))
    unit, words = next((unit, words) for unit, words in UNITS if most >= 10.0 * unit * FEN or unit == 1.0)
    if (pool >= 0).any():
        _stacked(ax, tables, np.zeros(len(pool)), pool / (unit * FEN), PALE, say("pool (cap on principal)"))
    ax.plot(
        months,
        planned / (unit * FEN),
        color=ORANGE,
        linestyle="--",
        linewidth=1.6,
        marker=_dot(tables),
        label=say("planned exposure, at the decision"),
    )
    ax.plot(months, principal / (unit * FEN), color=BLUE, linewidth=1.6, marker=_dot(tables), label=say("principal"))
    ax.set_ylim(0.0, 1.05 * most / (unit * FEN))
    _title(ax, say("Pool" if (pool >= 0).any() else "Pool (unlimited)"), say(words), columns=3)


def _accounts(ax: Axes, tables: Tables, say: Say) -> None:
    kinds = (
        ("current, usable line", SKY, ("usable_current",)),
        ("current, no usable line", RED, ("unusable_current",)),
        ("past due", BLACK, ("late_1", "late_2", "late_3")),
    )
    numbers = [np.sum([_by_month(tables, name) for name in names], axis=0) for _, _, names in kinds]
    total = np.sum(numbers, axis=0)
    base = np.zeros(tables.months)
    for (label, colour, _), number in zip(kinds, numbers, strict=True):
        base = _stacked(ax, tables, base, 100.0 * np.nan_to_num(divided(number, total)), colour, say(label))
    ax.set_ylim(0.0, 100.0)
    _title(ax, say("Accounts when the month ends"), say("% of accounts"))


def _trust(ax: Axes, tables: Tables, say: Say) -> None:
    months = tables.first + np.arange(tables.months)
    label = say("mean trust of borrowers")
    ax.plot(months, trust(tables.monthly), color=GREEN, linewidth=1.6, marker=_dot(tables), label=label)
    tightness = values(tables.platform, "tightness")
    label = say("platform's tightness")
    ax.plot(months, tightness, color=RED, linewidth=1.6, linestyle="--", marker=_dot(tables), label=label)
    ax.set_ylim(0.0, 1.0)
    _title(ax, say("Trust and tightness"), say("index, 0 to 1"))


PANELS: dict[str, Callable[[Axes, Tables, Say], None]] = {
    "reasons": _reasons,
    "blocked": _blocked,
    "groups": _groups,
    "pool": _pool,
    "accounts": _accounts,
    "trust": _trust,
}
"""What can be seen of a run: zero limits and blocked borrowers by reason, zero limits by group, pool, accounts, trust."""
