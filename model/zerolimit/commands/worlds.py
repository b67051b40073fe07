"""Commands that run many worlds: shares of mechanisms, lines kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit.basics.errors import BadInput
from zerolimit.basics.terminal import after_saving, console, tell
from zerolimit.basics.wording import adding_up, number_of

if TYPE_CHECKING:
    from pandas import DataFrame
    from rich.console import Console
    from rich.table import Table

    from zerolimit.parameters.scenario import Scenario
    from zerolimit.portfolio.portfolio import Portfolio
    from zerolimit.study.attribution import Attribution
    from zerolimit.study.comparison import Comparison


def attribute_scenario(
    scenario: Scenario,
    clients: Portfolio | None,
    players: str | None,
    outcome: str,
    months: int,
    seed: int,
    seeds: int | None,
    since: int,
    borrower: str | None,
    out: Path | None,
    *,
    quiet: bool,
) -> None:
    """Run every world of some players, print their shares of an outcome, and leave tidy files and a figure."""
    from zerolimit.explanation.replay import Origin
    from zerolimit.explanation.story import whom
    from zerolimit.results.whole import check_target
    from zerolimit.study.attribution import attribute, checked_players
    from zerolimit.study.intervals import as_seeds
    from zerolimit.vocabulary.mechanisms import MECHANISMS

    if out is not None:
        check_target(out)
    known_count(outcome)
    as_seeds(seeds, seed)
    sized = scenario if clients is None else scenario.change(borrowers=clients.size)
    who = None if borrower is None else whom(Origin(scenario.name, sized, seed, months, portfolio=clients), borrower)
    named = [name.strip() for name in players.split(",")] if players is not None else tuple(MECHANISMS)
    chosen = checked_players(named, scenario)
    tell_clients(clients, quiet, scenario.minimum_loan)
    tell_not_reached(since + months, quiet, scenario)
    found = attribute(
        scenario,
        months=months,
        seed=seed,
        seeds=seeds,
        players=chosen,
        since=since,
        portfolio=clients,
        progress=not quiet,
    )
    if out is not None:
        found.save(out, outcome)
    with after_saving(out):
        print_shares(found, outcome)
        if who is not None:
            print_borrower(found, *who)
        if out is not None:
            tell(f"shares by month, segment and decile, totals, pairs, borrowers and a figure: {out}")


def print_statement(paper: Console, clients: Portfolio, minimum_loan: float) -> None:
    """What was read of the clients: a line a column, and what is odd; questions stand out."""
    from rich.padding import Padding
    from rich.table import Table

    from zerolimit.portfolio.statement import HEADINGS

    statement = clients.statement
    paper.print("  " + "; ".join((statement.name, *statement.read)), style="dim", soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", style="dim")
    for k, name in enumerate(HEADINGS):
        table.add_column(name, justify="right" if k > 2 else "left", overflow="fold")
    for row in statement.rows():
        table.add_row(*row)
    paper.print(Padding(table, (0, 0, 0, 2)))
    for note in clients.told(minimum_loan):
        paper.print(f"  {note}", style="yellow" if note.startswith("?") else "dim", soft_wrap=True)


def tell_clients(clients: Portfolio | None, quiet: bool, minimum_loan: float) -> None:
    """The same before a long work, apart from results."""
    if clients is not None and not quiet:
        print_statement(console(stderr=True, highlight=False), clients, minimum_loan)


def known_count(outcome: str, others: tuple[str, ...] = ()) -> None:
    """BadInput where an outcome is no monthly count, and none of the rates and money that do as well."""
    from zerolimit.basics.errors import nearest
    from zerolimit.results.columns import monthly_meanings

    counts = (name for name, (unit, _) in monthly_meanings().items() if unit in ("borrowers", "events"))
    known, kinds = [*others, *counts], "rate, money or monthly count" if others else "monthly count"
    if outcome not in known:
        raise BadInput(f"outcome: {outcome!r} is no {kinds} (docs/results.md lists them){nearest(outcome, known)}")


def tell_not_reached(months: int, quiet: bool, *scenarios: Scenario) -> None:
    """Say what is dated beyond the months that are run, a line once."""
    from zerolimit.parameters.scenario import not_reached

    for text in dict.fromkeys(text for one in scenarios for text in not_reached(one, months)):
        if not quiet:
            tell(text)


def print_shares(found: Attribution, outcome: str) -> None:
    """The table of shares of one outcome over all months, the rate of that name, pairs, and which counterfactual it is."""
    from zerolimit.explanation.reasons import NOT_THE_SAME
    from zerolimit.study.accounts import DELAYING
    from zerolimit.study.attribution import EVERYBODY
    from zerolimit.vocabulary.mechanisms import PLAYERS
    from zerolimit.vocabulary.outcomes import RATES

    shares = found.shares(outcome)
    names = {"shapley": "share", "owen": "in its group", "but_for": "but for", "alone": "alone"}
    columns = {name: heading for name, heading in names.items() if name in shares}
    rate = found.rate(outcome) if outcome in RATES else None
    table = right_table("", *columns.values(), *(["of the rate"] if rate else []))
    cells = [
        [f"{value:,.1f}" for value in adding_up(shares[name], 1)]
        if name in ("shapley", "owen")
        else [f"{value:,.0f}" for value in shares[name]]
        for name in columns
    ]
    cells += [[points(value) for value in adding_up(map(float, rate.values()), 5)]] if rate else []
    for player, share, told in zip(shares.player, shares.shapley, zip(*cells, strict=True), strict=True):
        table.add_row(player, *told, style="green" if share < 0.0 else None)
    table.add_section()
    rest = [""] * (len(columns) - 1)
    table.add_row("sum", f"{shares.shapley.sum():,.0f}", *rest, *([points(float(sum(rate.values())))] if rate else []))
    paper = console(highlight=False)
    without, full = int(shares["none"].iloc[0]), int(shares["all"].iloc[0])
    paper.print(f"{outcome}, seed {found.seed}: {full:,} with all players on, {without:,} with none", style="bold")
    paper.print(table)
    if len(found.seeds) > 1:
        over = found.intervals(outcome)
        band = ("band_low", "band_high") if over.rows.any() else ()
        ends = right_table("", "mean share", "95 % from", "to", *([f"all {len(over)} from", "to"] if band else []))
        for _, row in over.iterrows():
            ends.add_row(row["player"], *(f"{row[name]:,.1f}" for name in ("shapley", "low", "high", *band)))
        paper.print(f"\nOver {len(found.seeds)} seeds", style="bold")
        paper.print(ends)
        paper.print(f"95 %: Student's t, for one row. {bands(over)}", style="dim")
    if len(found.players) > 1:
        paper.print("\nInteractions: the effect of two together less the sum of their separate effects", style="bold")
        paper.print(pairs_table(found, outcome))
    notes = "But for: all on, less all but this one. Alone: this one on, less none. A negative share means protection."
    paper.print(f"\n{NOT_THE_SAME}", style="dim")
    paper.print(f"{notes} {EVERYBODY}", style="dim")
    if late := [name for name in found.players if name in PLAYERS and set(PLAYERS[name].without) & set(DELAYING)]:
        text = f"{' and '.join(late)}: a share of what was counted in these months; what comes only later looks prevented."
        paper.print(f"{text} `zerolimit compare` tells the two apart.", style="yellow")


def points(rate: float) -> str:
    """A part of a rate in percentage points."""
    return f"{100.0 * rate:,.3f} pp"


def right_table(first: str, *others: str) -> Table:
    """A plain table with numbers to the right."""
    from rich.table import Table

    table = Table(first, box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in others:
        table.add_column(name, justify="right", overflow="fold")
    return table


def pairs_table(found: Attribution, outcome: str) -> Table:
    """The lower triangle of the interactions."""
    values = found.pairs(outcome).to_numpy()
    table = right_table("", *found.players[:-1])
    for p, name in enumerate(found.players[1:], 1):
        table.add_row(name, *(f"{values[p, q]:,.1f}" for q in range(p)))
    return table


def print_borrower(found: Attribution, number: int, name: str) -> None:
    """One borrower's shares, by the months and the state games."""
    values = found.borrower(number)
    columns = [str(name) for name in values if (values[name] != 0.0).any()]
    table = right_table("", *(name.removeprefix("state_").replace("_", " ") for name in columns))
    shares, worlds = values[columns].iloc[:-2], values[columns].iloc[-2:].to_numpy().tolist()
    rounded = [adding_up(shares[name], 2) for name in columns]
    for player, row in zip(found.players, zip(*rounded, strict=True), strict=True):
        table.add_row(player, *(f"{value:+.2f}" for value in row))
    table.add_section()
    for world, numbers in zip(("with none on", "with all on"), worlds, strict=True):
        table.add_row(world, *(f"{value:.0f}" for value in numbers))
    paper = console(highlight=False)
    last = found.since + found.months - 1
    says = f"months current and without a usable line, and the state at the end of month {last}"
    paper.print(f"\nBorrower {name}, seed {found.seed}: {says}", style="bold")
    paper.print(table)


def compare_scenarios(
    a: Scenario,
    b: Scenario,
    clients: Portfolio | None,
    outcome: str,
    months: int,
    since: int,
    seed: int,
    seeds: int,
    out: Path | None,
    *,
    quiet: bool,
) -> None:
    """Run two scenarios on the same borrowers and draws, print what differs, and leave tidy files and a figure."""
    from zerolimit.results.whole import check_target
    from zerolimit.study.accounts import OF_CUTS
    from zerolimit.study.comparison import MONEY, check_months, compare, same_people
    from zerolimit.study.intervals import as_seeds
    from zerolimit.vocabulary.outcomes import RATES

    if out is not None:
        check_target(out)
    known_count(outcome, (*RATES, *MONEY, *OF_CUTS))
    as_seeds(seeds, seed)
    check_months(months, since)
    same_people(a, b)
    tell_clients(clients, quiet, a.minimum_loan)
    tell_not_reached(months, quiet, a, b)
    options: dict[str, Any] = {"portfolio": clients, "progress": not quiet}
    found = compare(a, b, months=months, since=since, seed=seed, seeds=seeds, **options)
    if out is not None:
        found.save(out, outcome)
    with after_saving(out):
        print_comparison(found, outcome)
        if out is not None:
            tell(f"differences, months, segments, borrowers, transitions and a figure: {out}")


def print_comparison(found: Comparison, outcome: str) -> None:
    """What a window hides, who was zeroed on which side, states at the end, and differences with intervals."""
    from zerolimit.study.comparison import INTERVALS, MONEY, RECOVERED
    from zerolimit.vocabulary.outcomes import RATES

    paper = console(highlight=False)
    paper.print(f"a: {found.a.name}; b: {found.b.name}", style="bold")
    for text in found.differing():
        paper.print(f"  {text}", style="dim")
    if found.delays:
        print_headline(paper, found)
    people = int(found.here.sum())
    span = f" in months {found.since} to {found.months - 1}" if found.since else ""
    seeds = number_of(len(found.seeds), "seed")
    paper.print(f"\nWho had a zero limit{span}, of {people:,} borrowers ({seeds})", style="bold")
    paper.print(counts_table(found.who()))
    paper.print("\nState at the end: a in rows, b in columns", style="bold")
    paper.print(counts_table(found.transitions()))
    paper.print(f"\nDifference b less a{span or ' over the run'}", style="bold")
    listed = dict.fromkeys([outcome, *RATES, *RECOVERED, *MONEY])
    rows = found.differences(listed)
    money = rows.outcome.isin(MONEY)
    paper.print(differences_table(rows[~money]))
    fewer = rows[(rows.seeds > 0) & (rows.seeds < len(found.seeds))]
    if len(fewer):
        some = ", ".join(f"{row.outcome} ({row.seeds})" for _, row in fewer.iterrows())
        paper.print(f"From fewer seeds, those with a case on both sides: {some}.", style="dim")
    flows = ", ".join(name for name in MONEY if MONEY[name][2] != "yuan")
    stocks = ", ".join(name for name in MONEY if MONEY[name][2] == "yuan")
    paper.print(f"\nMoney, yuan: {flows} a month; {stocks} as the mean of the months", style="bold")
    paper.print(differences_table(rows[money]))
    paper.print(f"\n{found.paired()}", style="yellow" if found.single or found.unlike else "dim")
    paper.print(f"{INTERVALS} {bands(rows)}", style="dim")
    if found.since:
        left = number_of(found.since, "month")
        paper.print(
            f"The first {left} are left out of these tables, and kept by month (--out, months.parquet).", style="dim"
        )


def print_headline(paper: Console, found: Comparison) -> None:
    """What no window of months hides, where the worlds put off cuts otherwise; a warning where it still moves."""
    from zerolimit.study.accounts import LAST_HALF
    from zerolimit.study.comparison import MOVES

    rows = found.headline()
    title = f"\nWhat a window hides: months 0 to {found.months - 1}, {number_of(len(found.seeds), 'seed')}"
    paper.print(title, style="bold")
    labels = {
        "months_without": "months without a usable line",
        "months_at_zero": "  with no line",
        "months_put_off": "    delay: same decisions, later",
        "months_decided": "    fewer or more",
        "months_blocked": "  with a line, nothing to draw",
        "zero_decided": "cuts to zero decided, % a month",
        "zero_withdrawn": "  that never took effect, %",
        LAST_HALF: f"zero limits, months {found.last_half} to {found.months - 1}, %",
    }
    paper.print(differences_table(rows, labels))
    paper.print(
        "Months: per account of the population at month 0. Delay: less the months from a decision to its effect; fewer or"
        " more: with no line, counted from the decision; a world that only postpones cuts differs in delay alone. Decided:"
        " over on-time payers with a line and not on notice, by the month of the decision. 95 %: for one row."
        f" {bands(rows)}",
        style="dim",
    )
    for name, trend in found.still_moves().items():
        told = labels[name].strip().partition(",")[0]
        if trend.low != trend.low:
            text = f"Whether {told} have settled is unknown: take at least 12 months and 2 seeds."
        else:
            ends = ", ".join(number(100.0 * one, 2, "+") for one in (trend.low, trend.high))
            change = f"{number(100.0 * trend.mean, 2, '+')} [{ends}] accounts in 100"
            text = f"Still moving at the end: the monthly difference in {told}, by {change} ({MOVES}). Take more --months."
        paper.print(text, style="yellow")


def bands(rows: DataFrame) -> str:
    """What is said of the simultaneous band of a table."""
    from zerolimit.study.intervals import FEWEST

    together = int(rows.rows.max())
    if not together:
        return f"No band for all rows at once below {FEWEST} seeds."
    return f"All {together}: simultaneous, by Bonferroni's t."


def differences_table(rows: DataFrame, labels: Mapping[str, str] | None = None) -> Table:
    """Both sides and the paired difference of some outcomes, as they are told; unpaired runs of what is neither money nor
    labelled."""
    from zerolimit.study.comparison import MONEY, SIDES, unit_of

    money, together = set(rows.outcome) <= set(MONEY), int(rows.rows.max())
    band = [f"all {together} from", "to"] if together else []
    runs = [] if money or labels else ["unpaired"]
    table = right_table("", "a", "b", "difference", "95 % from", "to", *band, *runs)
    for _, row in rows.iterrows():
        scale, unit = unit_of(row.outcome)
        digits = {"%": 3, "months": 2 if labels is None else 3}.get(unit, 0 if money else 1)
        waits = unit != "months" or row.a != 0.0 or row.b != 0.0
        told = [number(scale * row[name], digits) if waits and (unit != "months" or row[name]) else "-" for name in SIDES]
        ends = ("difference", "low", "high", *(("band_low", "band_high") if together else ()))
        told += [number(scale * row[name], digits, "+") if waits else "-" for name in ends]
        told += [number(row.unpaired_runs, 0)] if runs else []
        table.add_row((labels or {}).get(row.outcome, row.outcome if money else f"{row.outcome}, {unit}"), *told)
    return table


def number(value: float, digits: int, sign: str = "") -> str:
    """A number with `digits` decimals, no sign before a zero; a dash where it is not finite."""
    from math import isfinite

    return f"{round(value, digits) + 0.0:{sign if round(value, digits) else ''},.{digits}f}" if isfinite(value) else "-"


def counts_table(frame: DataFrame) -> Table:
    """Whole numbers by row and column."""
    table = right_table("", *map(str, frame.columns))
    for name, row in frame.iterrows():
        table.add_row(str(name), *(f"{number:,}" for number in row))
    return table


def follow_zeros(
    scenario: Scenario,
    clients: Portfolio | None,
    changes: Mapping[int, Mapping[str, Any]],
    months: int,
    seed: int,
    *,
    quiet: bool,
) -> None:
    """Run a scenario, with `changes` from some months on, beside its shadow in which lines are kept; print how many zeros
    were wrongful."""
    from rich.table import Table

    from zerolimit.explanation.kept_lines import WITHIN, wrongful
    from zerolimit.rules.caps import REASONS
    from zerolimit.vocabulary.names import SEGMENTS

    tell_clients(clients, quiet, scenario.minimum_loan)
    tell_not_reached(months, quiet, scenario)
    found = wrongful(scenario, months=months, seed=seed, portfolio=clients, changes=changes, progress=not quiet)
    frame = found.to_frame()
    paper = console()
    if frame.empty:
        paper.print(f"no zero-limit events in {months} months")
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
    paper.print(table)
    paper.print(
        f"Wrongful: no default (three months past due, or charge-off) within {WITHIN} months had the line been kept,"
        " the others' totals as recorded.",
        highlight=False,
    )
