"""Figures of a study: lines with bands, and maps. matplotlib is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.errors import BadInput, nearest
from zerolimit.basics.wording import three_digits
from zerolimit.results.drawing import BLACK, BLUE, GREY, SERIES, on_paper

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLOURS = (*SERIES, BLACK, GREY)
WIDEST = 44
"""Letters in a line beside an axis."""
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


SIZE = (8.0, 4.5)
"""Inches of a figure that is not told its size."""


def needed(frame: pd.DataFrame, *names: str | None) -> None:
    """BadInput where a frame lacks a column."""
    for name in names:
        if name is not None and name not in frame.columns:
            raise BadInput(f"figure: no column {name!r}{nearest(name, frame.columns)}")


def draw_lines(
    frame: pd.DataFrame,
    file: Path | str,
    *,
    x: str,
    y: str,
    per: str | None = None,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    scale: float = 1.0,
    labels: dict[Any, str] | None = None,
) -> None:
    """A line of `y` (times `scale`) against `x` for each value of `per`; a band where there are NAME_low and NAME_high."""
    needed(frame, x, y, per)
    words = {"xlabel": xlabel, "ylabel": ylabel, "title": title}
    with on_paper(file, figsize=SIZE, math=True) as axes:
        plot_lines(axes, frame, x, y, per, scale, labels or {}, **words)


def plot_lines(
    axes: Axes,
    frame: pd.DataFrame,
    x: str,
    y: str,
    per: str | None,
    scale: float,
    labels: Mapping[Any, str],
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
) -> None:
    """The lines of `draw_lines` on given axes."""
    groups = [("", frame)] if per is None else list(frame.groupby(per, sort=True))
    low, high = (f"{y.removesuffix('_rate')}_{end}" for end in ("low", "high"))
    for k, (name, some) in enumerate(groups):
        some = some.sort_values(x)
        colour = COLOURS[k % len(COLOURS)]
        label = labels.get(name, str(name))
        axes.plot(some[x], some[y] * scale, color=colour, marker=MARKS[k % len(MARKS)], markersize=4.5, label=label)
        if low in some and high in some:
            axes.fill_between(some[x], some[low] * scale, some[high] * scale, color=colour, alpha=0.18, linewidth=0)
    axes.set(xlabel=xlabel or x, ylabel=fill(ylabel or y, WIDEST))
    if title:
        axes.set_title(title, fontsize=10)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    if per is not None:
        axes.legend(frameon=False, title=None)


def draw_map(
    frame: pd.DataFrame,
    file: Path | str,
    *,
    x: str,
    y: str,
    z: str,
    xlabel: str = "",
    ylabel: str = "",
    zlabel: str = "",
    title: str = "",
    scale: float = 1.0,
) -> None:
    """Values of `z` (times `scale`) at each pair of `x` and `y`, as colours with their numbers."""
    needed(frame, x, y, z)
    table = frame.pivot_table(index=y, columns=x, values=z, sort=True) * scale
    size = 1.8 + 0.75 * max(6, table.shape[1]), 1.6 + 0.5 * max(4, table.shape[0])
    with on_paper(file, figsize=size, math=True) as axes:
        axes.grid(visible=False)
        drawn = axes.imshow(table.to_numpy(), origin="lower", aspect="auto", cmap="cividis")
        middle = (table.min().min() + table.max().max()) / 2
        for row, values in enumerate(table.to_numpy()):
            for column, value in enumerate(values):
                if value == value:
                    colour = "black" if value > middle else "white"
                    axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(range(table.shape[1]), [f"{value:g}" for value in table.columns])
        axes.set_yticks(range(table.shape[0]), [f"{value:g}" for value in table.index])
        axes.set(xlabel=xlabel or x, ylabel=ylabel or y)
        if title:
            axes.set_title(title, fontsize=10)
        axes.figure.colorbar(drawn, ax=axes, label=zlabel or z)


def draw_bars(frame: pd.DataFrame, file: Path | str, *, name: str, panels: Mapping[str, tuple[str, float]]) -> None:
    """A panel of bars for each column, a bar for each row: column -> (label with unit, scale)."""
    needed(frame, name, *panels)
    some = frame[::-1]
    size = 2.0 + 2.4 * len(panels), 1.1 + 0.34 * len(some)
    with on_paper(file, columns=len(panels), figsize=size) as grid:
        for axes, (column, (label, scale)) in zip(np.atleast_1d(grid), panels.items(), strict=True):
            drawn = axes.barh(some[name].astype(str), some[column] * scale, color=BLUE, height=0.66)
            axes.bar_label(drawn, fmt=three_digits, padding=2, fontsize=8)
            axes.axvline(0.0, color="black", linewidth=0.6)
            axes.margins(x=0.18)
            axes.set_xlabel(label, fontsize=9)
            axes.grid(visible=False)


def spread_labels(axes: Any, frame: pd.DataFrame, x: str, y: str, name: str) -> None:
    """Names beside points, from the lowest up; where one would stand on another it moves up, on a thin line to its point."""
    taken: list[tuple[float, float]] = []
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    wide, tall, gap = 0.2 * (right - left), 0.042 * (top - bottom), 0.012 * (right - left)
    for _, row in frame.sort_values(y).iterrows():
        at, up = float(row[x]) + gap, float(row[y])
        while any(abs(at - other) < wide and abs(up - above) < tall for other, above in taken):
            up += tall / 4
        taken.append((at, up))
        line = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
        look = {
            "fontsize": 8,
            "va": "center",
            "zorder": 4,
            "bbox": {"facecolor": "white", "alpha": 0.75, "pad": 0.5, "lw": 0},
        }
        axes.annotate(row[name], (row[x], row[y]), (at, up), arrowprops=line if up > row[y] else None, **look)
