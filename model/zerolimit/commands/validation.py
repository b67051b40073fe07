"""`zerolimit validate`: the table of targets, beside what the model does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit.basics.terminal import after_saving, console, tell
from zerolimit.basics.wording import number_of, three_digits

if TYPE_CHECKING:
    from rich.console import Console

    from zerolimit.validation.validate import Row, Validation

COLOURS = {"within": "green", "outside": "yellow", "wrong order": "red", "no interval": "dim", "not measured": "dim"}
PARTS = ("fitted", "held out")


def validate_scenarios(
    scenarios: Sequence[Any],
    targets: Path | None,
    seeds: int,
    seed: int,
    out: Path | None,
    parameters: dict[str, Any],
    *,
    quiet: bool,
) -> None:
    """Measure the targets, print the table and the counts, and leave tables and a figure."""
    from zerolimit.results.whole import check_target
    from zerolimit.validation.validate import validate

    if out is not None:
        check_target(out)
    found = validate(*scenarios, targets=targets, seeds=seeds, seed=seed, progress=not quiet, **parameters)
    if out is not None:
        found.save(out)
    with after_saving(out):
        print_table(found)
        if out is not None:
            tell(f"targets, values by seed and a figure: {out}")


def measure_random_sets(
    study: str,
    scenarios: Sequence[Any],
    targets: Path | None,
    sets: int | None,
    seed: int,
    out: Path | None,
    parameters: dict[str, Any],
    *,
    quiet: bool,
) -> None:
    """Measure the targets in random parameter sets, print the share of sets within tolerance, and leave the file."""
    from zerolimit.results.whole import check_target
    from zerolimit.validation.random_sets import MOST, SETS, random_shares

    if out is not None:
        check_target(out)
    found = random_shares(study, *scenarios, targets=targets, sets=sets or SETS, seed=seed, progress=not quiet, **parameters)
    file = None if out is None else found.save(out)
    with after_saving(out):
        from rich.table import Table

        paper = console(highlight=False)
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for name in ("", "where", "tolerance", "sets within", "measured"):
            table.add_column(name)
        for one in found.shares:
            style = "dim" if one.within > MOST else ""
            table.add_row(one.id, one.market, ends(*one.tolerance), f"{one.within:.0%}", f"{one.measured:.0%}", style=style)
        paper.print(table)
        paper.print(f"a row that more than {MOST:.0%} of the sets have within tolerance is shown, and not counted")
        if file is not None:
            tell(f"shares: {file}")


def ends(low: float, high: float) -> str:
    """An interval; of one without an end, from where, or up to where."""
    if math.isinf(high):
        return f"above {three_digits(low)}"
    return f"below {three_digits(high)}" if math.isinf(low) else f"{three_digits(low)} to {three_digits(high)}"


def model_of(row: Row) -> str:
    """The mean over seeds, and half its 95 % interval."""
    mean = row.over_seeds
    half = "" if math.isnan(mean.low) else f" ± {three_digits(mean.high - mean.mean)}"
    return f"{three_digits(mean.mean)}{half}"


WIDTHS = {"what": None, "where": 11, "data": 8, "tolerance": 17, "model": 18, "seeds": 5, "verdict": 13}
"""Columns, and letters of those that have a width of their own."""
WIDE = 118
"""Letters of a terminal from which on all stand in one line; below, what a target is has a line of its own."""


def print_table(found: Validation) -> None:
    """Rows by group with their verdicts, then counts for fitted and held-out groups."""
    from rich.table import Table
    from rich.text import Text

    paper = console(highlight=False)
    wide = paper.width >= WIDE

    def table(*, heading: bool) -> Any:
        made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, expand=wide, show_header=heading, header_style="dim")
        made.add_column("", width=5 if wide else 2)
        for name, width in WIDTHS.items():
            if width or wide:
                made.add_column(name, width=width, no_wrap=True, overflow="ellipsis", ratio=None if width else 1)
        return made

    paper.print(table(heading=True))
    for name in found.targets.groups:
        rows = [row for row in found.rows if row.target.group == name]
        if not rows:
            continue
        good = found.groups.get(name)
        says = "shown" if good is None else ("passes" if good else "does not pass")
        paper.print(Text(f"{name} ({found.targets.part(name)}): {says}", style="bold"))
        measured = table(heading=False)
        for row in rows:
            if row.measured and wide:
                measured.add_row(row.target.id, Text(row.target.what), *numbers(row))
            elif row.measured:
                paper.print(Text(f"{row.target.id:<6}{row.target.what}"), no_wrap=True, overflow="ellipsis")
                alone = table(heading=False)
                alone.add_row("", *numbers(row))
                paper.print(alone)
        if measured.row_count:
            paper.print(measured)
        for remark, some in remarks(rows).items():
            paper.print(Text(f"{', '.join(some)}: {remark}", style="dim"))
    print_counts(paper, found)


def remarks(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Why rows were not measured, or what their verdicts are of, and which rows."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.remark:
            found.setdefault(row.remark if row.measured else f"not measured: {row.remark}", []).append(row.target.id)
    return found


def numbers(row: Row) -> tuple[Any, ...]:
    """What the table says of a row, beside what the target is."""
    from rich.text import Text

    target, colour = row.target, COLOURS[row.verdict]
    return (
        row.place,
        "" if target.data is None else three_digits(target.data),
        ends(*target.tolerance),
        Text(model_of(row), style=colour),
        f"{row.passes:.0%}",
        Text(row.verdict if row.counted else f"({row.verdict})", style=colour),
    )


def print_counts(paper: Console, found: Validation) -> None:
    """Counts within tolerance, for all and by part."""
    paper.print()
    for part in (None, *PARTS):
        one = found.score(part)
        if one.of_rows:
            name = "all" if part is None else part
            paper.print(
                f"{name}: {one.rows} of {number_of(one.of_rows, 'counted row')} and {one.groups} of"
                f" {number_of(one.of_groups, 'group')} within tolerance; {one.measured} could be measured",
                soft_wrap=True,
            )
    paper.print(
        f"seeds: share of {number_of(len(found.seeds), 'seed')} within tolerance; in brackets: shown, not counted; a"
        " group passes with two thirds of its rows; what is not measured does not pass",
        style="dim",
        soft_wrap=True,
    )
