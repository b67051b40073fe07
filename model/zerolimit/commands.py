"""Commands that run many worlds: shares of mechanisms, lines kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit.errors import BadInput

if TYPE_CHECKING:
    from zerolimit.scenario import Scenario
    from zerolimit.study.attribution import Attribution


def attribute_scenario(
    scenario: Scenario,
    players: str | None,
    outcome: str,
    months: int,
    seed: int,
    since: int,
    out: Path | None,
    *,
    quiet: bool,
) -> None:
    """Run every world of some players, print their shares of an outcome, and leave tidy files and a figure."""
    from zerolimit.names import MECHANISMS
    from zerolimit.study.attribution import attribute, checked_players

    if out is not None and out.exists():
        raise BadInput(f"{out}: exists already; name another folder")
    from zerolimit.errors import nearest
    from zerolimit.results.columns import monthly_meanings

    known = [name for name, (unit, _) in monthly_meanings().items() if unit in ("borrowers", "events")]
    if outcome not in known:
        raise BadInput(f"outcome: {outcome!r} is no monthly count (docs/results.md lists them){nearest(outcome, known)}")
    named = [name.strip() for name in players.split(",")] if players is not None else MECHANISMS
    chosen = checked_players(named, scenario)
    with bar("worlds", quiet) as advance:
        found = attribute(
            scenario, months=months, seed=seed, players=chosen, since=since, progress=advance, say=None if quiet else tell
        )
    print_shares(found, outcome)
    if out is not None:
        found.save(out)
        found.draw(out / "shares.png", outcome)
        tell(f"shares by month, segment and decile, totals and a figure: {out}")


def tell(text: str) -> None:
    """A line for the person, apart from results."""
    import sys

    print(text, file=sys.stderr)


def print_shares(found: Attribution, outcome: str) -> None:
    """The table of shares of one outcome over all months."""
    from rich.console import Console
    from rich.table import Table

    shares = found.shares(outcome)
    without, full = int(shares["none"].iloc[0]), int(shares["all"].iloc[0])
    table = Table(box=None, pad_edge=False)
    columns = [name for name in ("shapley", "owen", "but_for", "alone") if name in shares]
    table.add_column("player")
    for name in columns:
        table.add_column(
            {"shapley": "share", "owen": "in its group", "but_for": "but for", "alone": "alone"}[name], justify="right"
        )
    for _, row in shares.iterrows():
        table.add_row(
            row["player"], *(f"{row[name]:,.1f}" if name in ("shapley", "owen") else f"{row[name]:,.0f}" for name in columns)
        )
    table.add_row("sum", f"{shares.shapley.sum():,.0f}", *([""] * (len(columns) - 1)))
    console = Console()
    console.print(f"{outcome}: {full:,} with all players on, {without:,} with none", highlight=False)
    console.print(table)
    console.print(
        "Everybody's world, the same draws in all. A negative share has protected. But for: all less all without it."
    )


def follow_zeros(scenario: Scenario, months: int, seed: int, *, quiet: bool) -> None:
    """Run a scenario beside its shadow in which lines are kept; print how many zeros were wrongful."""
    from rich.console import Console
    from rich.table import Table

    from zerolimit.kept import WITHIN, Shadow
    from zerolimit.names import REASONS, SEGMENTS
    from zerolimit.simulation import Simulation

    shadow = Shadow(Simulation(scenario, seed, engine="compiled", threads=1, say=None if quiet else tell))
    with bar("months", quiet) as advance:
        for month in range(months):
            shadow.step()
            advance(month + 1, months)
    frame = shadow.followed().frame()
    console = Console()
    if frame.empty:
        console.print(f"no zero-limit events in {months} months")
        return
    table = Table("", "zero limits", f"followed {WITHIN} months", "wrongful", "share", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    rows = [("all", frame)]
    rows += [(name, frame[frame.segment == name]) for name in SEGMENTS]
    rows += [(f"reason {name}", frame[frame.reason == name]) for name in REASONS if (frame.reason == name).any()]
    for name, some in rows:
        known = some.wrongful.dropna()
        share = f"{100 * known.mean():.1f} %" if len(known) else "-"
        table.add_row(name, f"{len(some):,}", f"{len(known):,}", f"{int(known.sum()):,}", share)
    console.print(table)
    console.print(
        f"Wrongful: no default (three months past due, or charge-off) within {WITHIN} months had the line been kept,"
        " the others' totals as recorded.",
        highlight=False,
    )


@contextmanager
def bar(what: str, quiet: bool) -> Iterator[Any]:
    """A progress bar on standard error; yields what to call with (done, all)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    parts = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*parts, console=Console(stderr=True), disable=quiet, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
