"""What was measured, at a glance: data's interval, tolerance and model of every row on one axis, by group."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import three_digits
from zerolimit.results.drawing import BLACK, BLUE, GREY, NOTE, ORANGE, PALE, RED, on_axes, on_paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from zerolimit.validation.validate import Row, Validation

EDGE = 3.0
"""Where the axis ends; what lies further out is drawn there, as an arrow."""
COLOURS = {"within": BLUE, "outside": ORANGE, "wrong order": RED, "no interval": BLACK}
INCHES, HEAD = 0.24, 1.6
LONGEST = 62


def placed(row: Row, value: float) -> float:
    """Where a value lies: -1 and 1 are the ends of the tolerance; of one without an end, the model is the middle."""
    low, high = row.target.tolerance
    if math.isinf(low) or math.isinf(high):
        null, up = (low, 1.0) if math.isinf(high) else (high, -1.0)
        half = abs(row.over_seeds.mean - null) or 1.0
        return -up + (value - null) / half
    return 2.0 * (value - low) / (high - low) - 1.0


def within_axis(value: float) -> float:
    """A place, or the axis's end."""
    return max(-EDGE, min(EDGE, value))


def draw(found: Validation, ax: Axes | None = None) -> Axes:
    """On axes given, or new ones. BadInput: no row was measured."""
    rows = by_group(found)
    if not rows:
        raise BadInput("plot: no target could be measured; `to_frame()` says why, row by row")
    with on_axes(ax, figsize=size_of(rows), layout="constrained") as axes:
        on(axes, found, rows)
        drawn: Axes = axes
    return drawn


def write(found: Validation, file: Path) -> None:
    """As a file."""
    rows = by_group(found)
    if rows:
        with on_paper(file, figsize=size_of(rows)) as axes:
            on(axes, found, rows)


def by_group(found: Validation) -> list[Row]:
    """The rows that were measured, group after group."""
    return [row for name in found.targets.groups for row in found.rows if row.measured and row.target.group == name]


def size_of(rows: list[Row]) -> tuple[float, float]:
    """Inches."""
    return 11.0, HEAD + INCHES * (len(rows) + len({row.target.group for row in rows}))


def on(ax: Any, found: Validation, rows: list[Row]) -> None:
    """All of it on some axes."""
    height, group = 0.0, ""
    for row in rows:
        if row.target.group != group:
            group = row.target.group
            passes = "passes" if found.groups.get(group) else "does not pass"
            text = f"{group} ({found.targets.part(group)}): {passes}" if group in found.groups else group
            ax.text(-EDGE - 0.15, height, text, ha="right", va="center", fontsize=NOTE, fontweight="bold")
            height += 1.0
        one_row(ax, row, height)
        height += 1.0
    ax.axvspan(-1.0, 1.0, color=PALE, zorder=0, linewidth=0)
    ax.set_xlim(-EDGE - 0.1, EDGE + 0.1)
    ax.set_ylim(height - 0.4, -0.6)
    ax.set_yticks([])
    ax.set_xticks([-1.0, 1.0], ["lower end", "upper end"])
    ax.set_xlabel("place of data and model between the ends of each row's tolerance", fontsize=NOTE)
    ax.grid(visible=False)
    for side in ("left", "right"):
        ax.spines[side].set_visible(False)
    all_of = found.score()
    ax.set_title(
        f"{all_of.rows} of {all_of.of_rows} counted rows and {all_of.groups} of {all_of.of_groups} groups within tolerance;"
        f" {all_of.of_rows - all_of.measured} rows are not measured and do not pass\n"
        f"pale: tolerance; grey: data; dot: model, mean over {len(found.seeds)} seeds with its 95 % interval;"
        " random sets: share of random parameter sets within\n"
        "blue: within, orange: outside, red: wrong order, black: order without an interval; hollow: shown, not counted",
        fontsize=NOTE,
        loc="center",
    )


def one_row(ax: Any, row: Row, height: float) -> None:
    """The data's interval, the model, and both in words."""
    target, mean = row.target, row.over_seeds
    colour = COLOURS[row.verdict]
    if target.interval is not None:
        ends = [within_axis(placed(row, end)) for end in target.interval]
        ax.plot(ends, [height, height], color=GREY, linewidth=6, solid_capstyle="butt", zorder=1)
    if not math.isnan(mean.low):
        ends = [within_axis(placed(row, end)) for end in (mean.low, mean.high)]
        ax.plot(ends, [height, height], color=colour, linewidth=1.4, zorder=2)
    place = placed(row, mean.mean)
    marker = "o" if abs(place) <= EDGE else (">" if place > 0.0 else "<")
    face = colour if row.counted else "white"
    ax.plot([within_axis(place)], [height], marker=marker, color=colour, markerfacecolor=face, markersize=6, zorder=3)
    what = target.what if len(target.what) <= LONGEST else f"{target.what[: LONGEST - 3].rstrip()}..."
    ax.text(-EDGE - 0.15, height, f"{target.id}  {what}", ha="right", va="center", fontsize=NOTE - 1, color=BLACK)
    low, high = map(three_digits, target.tolerance)
    says = [f"{three_digits(mean.mean)}   ({low} to {high})", row.place]
    says += [f"measured in {len(row.known)} of {len(row.values)} seeds"] if len(row.known) < len(row.values) else []
    says += [f"random sets: {row.random:.0%}"] if row.random is not None else []
    ax.text(EDGE + 0.15, height, "   ".join(says), ha="left", va="center", fontsize=NOTE - 1, color=colour)
