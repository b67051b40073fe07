"""The table that a run prints: who lost the line though paying on time, why, and what the pool did."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from zerolimit.basics.wording import FEN
from zerolimit.results.columns import Array, Columns, cube, divided, rates, values
from zerolimit.results.episodes import HORIZONS, usable_again, zero_limits
from zerolimit.results.tables import Tables
from zerolimit.rules.caps import CAPS
from zerolimit.vocabulary.fields import Q2
from zerolimit.vocabulary.names import ENDS, SEGMENTS

NONE = "–"
WITHIN = (
    "Within: cumulative incidence (Aalen and Johansen), censored at the run's end; watched: followed to that month. One seed"
    " has no interval (zerolimit compare does)."
)
WIDE = 110
"""Characters of a screen that has room for what each cap says."""

GROUPS = (
    ("on-time payers", "line_on_time", "zero_limit"),
    ("nothing due", "line_inactive", "zero_inactive"),
    ("in arrears", "line_arrears", "zero_arrears"),
)
"""The three groups that partition everyone who began a month with a line, and who of them lost it."""


def print_summary(console: Console, tables: Tables, notes: Iterable[str] = ()) -> None:
    """Everything, in the order in which it is read."""
    for part in summary(tables, console.width):
        console.print(part)
        console.print()
    for note in notes:
        console.print(Text(note, style="dim"))


def summary(tables: Tables, width: int) -> list[RenderableType]:
    """The parts of the printed table, for a screen `width` characters wide."""
    return [segments(tables.monthly), reasons(tables.monthly, width >= WIDE), platform(tables), episodes(tables)]


# numbers as text


def count(number: float) -> str:
    """A whole number with thousands separators."""
    return f"{number:,.0f}"


def percent(share: float) -> str:
    """A share in per cent with three significant digits."""
    if isnan(share):
        return NONE
    if 0.0 < share < 5e-6:
        return "<0.001 %"
    digits = 0 if share >= 1.0 or share == 0.0 else 1 if share >= 0.1 else 2 if share >= 0.01 else 3
    return f"{100.0 * share:.{digits}f} %"


def yuan(fen: float) -> str:
    """Money in whole yuan."""
    return NONE if isnan(fen) else f"{fen / FEN:,.0f}"


def grid(title: str, *headings: str) -> Table:
    """A plain table: a first column of words, then numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for k, heading in enumerate(headings):
        table.add_column(heading, justify="left" if k == 0 else "right", no_wrap=k > 0, header_style="dim")
    return table


# parts


def by_segment(monthly: Columns, name: str) -> list[int]:
    """Sums of a column over months and deciles: each segment, then all."""
    sums = cube(monthly, name).sum(axis=(0, 2))
    return [*map(int, sums), int(sums.sum())]


def rates_by_segment(monthly: Columns, name: str) -> list[float]:
    """A rate over the whole run: each segment, then all."""
    return [*map(float, rates(monthly, name, (0, 2))), float(rates(monthly, name, (0, 1, 2)))]


def segments(monthly: Columns) -> Table:
    """Events and rates by segment, and the three groups."""
    table = grid("Borrower-months, all months together", "", *SEGMENTS, "total")

    def counts(label: str, name: str, style: str = "") -> None:
        table.add_row(label, *map(count, by_segment(monthly, name)), style=style)

    def share(name: str, label: str) -> None:
        table.add_row(Text(f"  {label}", style="dim"), *map(percent, rates_by_segment(monthly, name)))

    counts("On-time payers with a line", "line_on_time")
    counts("Zero-limit events", "zero_limit", "bold")
    share("zero_limit", "of those with a line, a month")
    counts("On-time payers at risk", "at_risk")
    counts("Blocked after repayment", "blocked", "bold")
    share("blocked", "of those at risk, a month")
    counts("Not restored (below 90 %)", "not_restored")
    share("not_restored", "of those at risk, a month")
    counts("Used up at draw", "used_up")
    share("used_up", "of loans asked for")
    counts("Cut found at need", "found_at_need")
    counts("Cut found by looking", "found_looking")
    counts("Cut known from its notice", "found_by_notice")
    counts("Shortfalls", "shortfalls")
    table.add_row()
    table.add_row(Text("With a line, and who lost it", style="bold"))
    for label, name, lost in GROUPS:
        counts(f"  {label}", name)
        table.add_row(Text("    of them lost it", style="dim"), *map(count, by_segment(monthly, lost)))
    return table


def reasons(monthly: Columns, meanings: bool) -> RenderableType:
    """Which cap decided each event; on request what the cap says."""
    zero = {cap.name: int(values(monthly, f"zero_by_{cap.name}").sum()) for cap in CAPS}
    blocked = {cap.name: int(values(monthly, f"blocked_by_{cap.name}").sum()) for cap in CAPS}
    zeros, blocks = sum(zero.values()), sum(blocked.values())
    if zeros + blocks == 0:
        return Text.assemble(("Reasons\n", "bold"), "No zero limits and nobody blocked in these months.")
    table = grid("Reasons", "the lowest cap", "mechanism", "zero limit", "share", "blocked", "share")
    if meanings:
        table.add_column("what it says", header_style="dim", style="dim")
    table.columns[1].justify = "left"
    table.columns[1].style = "dim"
    for cap in sorted(CAPS, key=lambda one: (-zero[one.name], -blocked[one.name])):
        if zero[cap.name] + blocked[cap.name]:
            table.add_row(
                cap.name,
                cap.mechanism,
                count(zero[cap.name]),
                percent(zero[cap.name] / zeros) if zeros else NONE,
                count(blocked[cap.name]),
                percent(blocked[cap.name] / blocks) if blocks else NONE,
                *([cap.says] if meanings else []),
            )
    return table if zeros else Group(table, Text("No zero limits in these months.", style="dim"))


def platform(tables: Tables) -> RenderableType:
    """Pool use and idle cash over the months; over the whole run overhang, losses, trust."""
    used = ("pool", "principal", "planned", "cash", "overhang", "gini")
    row = {name: values(tables.platform, name).astype(float) for name in used}
    table = grid("Platform", "", "mean", "lowest", "highest")

    def spread(label: str, numbers: Array, shown: Any) -> None:
        known = numbers[~np.isnan(numbers)]
        cells = [shown(float(f(known))) for f in (np.mean, np.min, np.max)] if len(known) else [NONE] * 3
        table.add_row(label, *cells)

    pool = row["pool"]
    endless = np.isnan(pool)
    without_end = ": unlimited" if endless.all() else " (unlimited in some months)" if endless.any() else ""
    spread(f"Pool, yuan{without_end}", pool, yuan)
    spread("Principal, yuan", row["principal"], yuan)
    spread("Pool use: principal", divided(row["principal"], pool), percent)
    spread("Pool use: planned exposure", divided(row["planned"], pool), percent)
    spread("Idle cash, yuan", row["cash"], yuan)
    spread("Gini coefficient of lines", row["gini"], "{:.3f}".format)
    lost = int(values(tables.monthly, "sum_written_off").sum() - values(tables.monthly, "sum_recovered").sum())
    mean = float(row["principal"].mean()) if tables.months else 0.0
    first, last = trust(tables.monthly)[[0, -1]] if tables.months else (float("nan"), float("nan"))
    whole = grid("", "", "whole run")
    whole.add_row("Months with principal above the pool", count(int((row["overhang"] > 0).sum())))
    whole.add_row("Losses less recoveries, yuan", yuan(lost))
    whole.add_row("  of mean principal, a year", percent(lost * 12 / tables.months / mean if mean > 0 else float("nan")))
    for label, one in (("Mean trust, first month", first), ("Mean trust, last month", last)):
        whole.add_row(label, NONE if isnan(one) else f"{one:.3f}")
    return Group(table, Text(), whole)


def trust(monthly: Columns) -> Array:
    """Mean trust by month, 0 to 1."""
    total = cube(monthly, "sum_trust").sum(axis=(1, 2))
    return divided(total / Q2, cube(monthly, "accounts").sum(axis=(1, 2)))


def episodes(tables: Tables) -> RenderableType:
    """How zero-limit events ended: with a usable line again, otherwise, or not yet."""
    mine = zero_limits(tables.episodes)
    total = int(mine.sum())
    if total == 0:
        return Text.assemble(("After a zero limit\n", "bold"), "No zero limits, so nothing to recover from.")
    table = grid("After a zero limit", "", "events", "share")
    ended = values(tables.episodes, "ended")[mine]
    shares = usable_again(values(tables.episodes, "duration")[mine], ended)
    for horizon, (share, watched) in zip(HORIZONS, shares, strict=True):
        told = f"{count(watched)} watched" if watched else NONE if not isnan(share) else "run too short"
        table.add_row(f"Usable line again within {horizon} months", told, percent(share))
    for code, name in enumerate(ENDS):
        number = int((ended == code).sum())
        if number or code == 0:
            label = "Still without at the end (censored)" if code == 0 else f"  ended by: {name}"
            table.add_row(label, count(number), percent(number / total))
    repeated = int((values(tables.episodes, "zeros_before")[mine] > 0).sum())
    table.add_row("Not the borrower's first", count(repeated), percent(repeated / total))
    return Group(table, Text(WITHIN, style="dim"))
