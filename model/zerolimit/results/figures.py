"""summary.png: one picture of a run. matplotlib is imported when it is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.names import CAPS, SEGMENTS
from zerolimit.results.columns import Array, cube, divided, rates, values
from zerolimit.results.store import Tables
from zerolimit.results.table import trust
from zerolimit.terms import FEN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from zerolimit.scenario import Scenario

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
"""Okabe and Ito 2008, told apart by colour-blind readers."""
STACK = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE, YELLOW)
GREY = "#999999"
MILLION = 1e6 * FEN
DPI = 110


def draw_summary(tables: Tables, scenario: Scenario, file: Path) -> None:
    """Six panels: rates by reason, pool, segments, deciles, lines, trust."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 10.5), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, 2)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.93, bottom=0.05, hspace=0.36, wspace=0.2)
    figure.suptitle(
        f"{scenario.name}: {scenario.borrowers:,} borrowers, {tables.months} months", fontsize=13, x=0.075, ha="left"
    )
    _by_reason(axes[0, 0], tables)
    _pool(axes[0, 1], tables)
    _bars(axes[1, 0], tables, (0, 2), SEGMENTS, "Rates by segment", "segment")
    _bars(axes[1, 1], tables, (0, 1), [str(k + 1) for k in range(10)], "Rates by first income decile", "decile (1 lowest)")
    _lines(axes[2, 0], tables)
    _moods(axes[2, 1], tables)
    for ax in axes.flat:
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        ax.tick_params(labelsize=8)
        ax.set_axisbelow(True)
        ax.grid(axis="y", color="#dddddd", linewidth=0.6)
    for ax in (axes[0, 0], axes[0, 1], axes[2, 0], axes[2, 1]):
        ax.set_xlim(-0.5, max(tables.months - 0.5, 0.5))
        ax.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(file, dpi=DPI)


def _title(ax: Axes, title: str, across: str, up: str) -> None:
    ax.set_title(title, fontsize=10, loc="left")
    ax.set_xlabel(across, fontsize=8)
    ax.set_ylabel(up, fontsize=8)


def _legend(ax: Axes, columns: int = 1) -> None:
    ax.margins(y=0.0)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + (high - low) * 0.35)
    legend = ax.legend(fontsize=7.5, framealpha=1.0, ncols=columns, loc="upper left", borderaxespad=0.2, handlelength=1.4)
    legend.get_frame().set_linewidth(0.0)


def _empty(ax: Axes, words: str) -> None:
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", color="#666666", fontsize=10)
    ax.set_ylim(0.0, 1.0)
    ax.set_yticks([])


def _dot(tables: Tables) -> str:
    """A line over one month needs a marker to be seen."""
    return "o" if tables.months == 1 else ""


def _stacked(ax: Axes, base: Array, heights: Array, colour: str, label: str) -> Array:
    """Monthly bars on top of others, drawn as one shape (hundreds of bars cost a quarter of a second); gives the new top."""
    edges = np.repeat(np.arange(len(base) + 1) - 0.5, 2)[1:-1]
    top = base + heights
    ax.fill_between(edges, np.repeat(base, 2), np.repeat(top, 2), color=colour, linewidth=0.0, label=label)
    return top


def _by_reason(ax: Axes, tables: Tables) -> None:
    _title(ax, "On-time payers at risk who lost the line, by reason", "month", "% a month")
    at_risk = cube(tables.monthly, "at_risk").sum(axis=(1, 2))
    events = {cap.name: cube(tables.monthly, f"zero_by_{cap.name}").sum(axis=(1, 2)) for cap in CAPS}
    order = sorted((name for name in events if events[name].any()), key=lambda name: -int(events[name].sum()))
    shown = {name: events[name] for name in order[: len(STACK)]}
    rest = order[len(STACK) :]
    if rest:
        shown[f"{len(rest)} others"] = np.sum([events[name] for name in rest], axis=0)
    blocked = 100.0 * np.nan_to_num(rates(tables.monthly, "blocked", (1, 2)))
    if not shown and not blocked.any():
        _empty(ax, "no zero limits in these months")
        return
    months = np.arange(tables.months)
    base = np.zeros(tables.months)
    for colour, (name, number) in zip((*STACK, GREY), shown.items(), strict=False):
        base = _stacked(ax, base, 100.0 * np.nan_to_num(divided(number, at_risk)), colour, name.replace("_", " "))
    ax.plot(months, blocked, color=BLACK, linewidth=1.3, marker=".", markersize=4, label="blocked after repayment")
    ax.set_ylim(0.0, 1.05 * max(float(base.max()), float(blocked.max())))
    _legend(ax, 3)


def _pool(ax: Axes, tables: Tables) -> None:
    _title(ax, "Pool", "month", "million yuan")
    months = np.arange(tables.months)
    pool = values(tables.platform, "pool").astype(float)
    series: list[tuple[str, Array, str, str]] = [
        ("planned exposure", values(tables.platform, "planned") / MILLION, ORANGE, "--"),
        ("principal", values(tables.platform, "principal") / MILLION, BLUE, "-"),
    ]
    if (pool >= 0).any():
        series.insert(0, ("pool K", np.where(pool < 0, np.nan, pool) / MILLION, BLACK, "-"))
    for label, numbers, colour, style in series:
        ax.plot(months, numbers, color=colour, linestyle=style, linewidth=1.6, marker=_dot(tables), label=label)
    ax.set_ylim(0.0, 1.05 * max(1e-9, *(float(np.nanmax(numbers)) for _, numbers, _, _ in series)))
    if (pool < 0).all():
        ax.set_title("Pool (without end)", fontsize=10, loc="left")
    _legend(ax, 3)


def _bars(ax: Axes, tables: Tables, axes: tuple[int, ...], names: Any, title: str, across: str) -> None:
    _title(ax, title, across, "% of on-time payers at risk, a month")
    at = np.arange(len(names))
    zero = 100.0 * np.nan_to_num(rates(tables.monthly, "zero_limit", axes))
    blocked = 100.0 * np.nan_to_num(rates(tables.monthly, "blocked", axes))
    ax.set_xticks(at, names)
    if not zero.any() and not blocked.any():
        _empty(ax, "no zero limits in these months")
        return
    ax.bar(at - 0.2, zero, width=0.38, color=RED, label="zero limit")
    ax.bar(at + 0.2, blocked, width=0.38, color=SKY, label="blocked after repayment")
    ax.set_ylim(0.0, 1.05 * max(float(zero.max()), float(blocked.max())))
    _legend(ax, 2)


def _lines(ax: Axes, tables: Tables) -> None:
    _title(ax, "Accounts when the month ends", "month", "% of accounts")
    kinds = (
        ("current, usable line", SKY, ("usable_current",)),
        ("current, no usable line", RED, ("unusable_current",)),
        ("past due", BLACK, ("late_1", "late_2", "late_3")),
    )
    numbers = [np.sum([cube(tables.monthly, name).sum(axis=(1, 2)) for name in names], axis=0) for _, _, names in kinds]
    total = np.sum(numbers, axis=0)
    base = np.zeros(tables.months)
    for (label, colour, _), number in zip(kinds, numbers, strict=True):
        base = _stacked(ax, base, 100.0 * np.nan_to_num(divided(number, total)), colour, label)
    ax.set_ylim(0.0, 100.0)
    _legend(ax, 3)
    ax.set_yticks(range(0, 101, 20))


def _moods(ax: Axes, tables: Tables) -> None:
    _title(ax, "Trust and tightness", "month", "0 to 1")
    months = np.arange(tables.months)
    ax.plot(months, trust(tables.monthly), color=GREEN, linewidth=1.6, marker=_dot(tables), label="mean trust")
    tightness = values(tables.platform, "tightness")
    ax.plot(months, tightness, color=RED, linewidth=1.6, linestyle="--", marker=_dot(tables), label="tightness")
    ax.set_ylim(0.0, 1.0)
    _legend(ax, 2)
    ax.set_yticks(np.arange(0.0, 1.01, 0.2))
