"""The command line. What a command needs is imported when it runs, so that help stays quick.

Bad input ends in one line on standard error and exit code 2; Ctrl-C in one line and 130. Nothing is left half-written.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

from zerolimit import __version__
from zerolimit.basics.errors import WRONG, BadInput, fail
from zerolimit.basics.progress import reporting
from zerolimit.basics.terminal import Stopped, after_saving, console, forgiving_streams, teller
from zerolimit.basics.wording import number_of
from zerolimit.engine.registry import choices
from zerolimit.portfolio.options import OPTIONS, Option, flag, from_texts, refuse_warm_up
from zerolimit.vocabulary.names import BURN_IN, MOST_MONTHS

if TYPE_CHECKING:
    from zerolimit.parameters.scenario import Scenario
    from zerolimit.portfolio.portfolio import Portfolio

STOPPED = 130
RUNS = "runs"


class OneLine(TyperGroup):
    """Ends every failure in one line."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        try:
            with ended_by_signals():
                code = super().main(*args, **kwargs)
            sys.stdout.flush()
        except BadInput as error:
            fail(str(error))
        except Stopped as error:
            fail(str(error), STOPPED)
        except (KeyboardInterrupt, typer.Abort):
            fail("stopped; nothing was written", STOPPED)
        except MemoryError:
            fail("not enough memory; take fewer borrowers, a smaller panel or fewer months", WRONG)
        except OSError as error:
            fail(f"{error.filename or 'input or output'}: {(error.strerror or str(error)).lower()}", WRONG)
        except Exception as error:
            message = getattr(error, "format_message", None)
            if message is None:
                raise
            fail(f"{message()} (see --help)", WRONG)
        if code == STOPPED:
            fail("stopped; nothing was written", STOPPED)
        sys.exit(code if isinstance(code, int) else 0)


app = typer.Typer(
    cls=OneLine,
    help="Why a borrower who repays on time finds a credit limit of zero: a fixed-pool consumer-credit simulator.",
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)
scenarios = typer.Typer(help="Presets and scenario files: list, show, check, schema.", no_args_is_help=False)
app.add_typer(scenarios, name="scenario")


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context, asked: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False
) -> None:
    """Why a borrower who repays on time finds a credit limit of zero: a fixed-pool consumer-credit simulator."""
    if asked:
        print(f"zerolimit {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def version() -> None:
    """Print the version."""
    print(f"zerolimit {__version__}")


# options of several commands

ScenarioName = Annotated[str, typer.Argument(help="A preset's name or a TOML file.")]
Reading = Any
"""The options of reading a portfolio, as given; see `reads_clients`."""
Clients = Annotated[
    str | None, typer.Option(metavar="FILE", help="Real clients: CSV, also in gzip or zip, Parquet, or [b]uci[/b].")
]
CalendarFile = Annotated[str | None, typer.Option(metavar="FILE", help="Dated events: CSV.")]
MacroFile = Annotated[str | None, typer.Option(metavar="FILE", help="The economy, month by month: CSV.")]
Borrowers = Annotated[int | None, typer.Option(metavar="N", help="Size of a simulated population.")]
Months = Annotated[int, typer.Option(metavar="T", help="Months to run.")]
Seed = Annotated[int, typer.Option(help="Seed of every draw.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="K=V", help="A parameter, as in TOML.")]
Changes = Annotated[list[str] | None, typer.Option(metavar="MONTH:K=V", help="Set a parameter from a month of the run on.")]

KINDS: dict[type, Any] = {
    str: str | None,
    int: int | None,
    float: float | None,
    dict: list[str] | None,
    tuple: list[str] | None,
}
"""What an option of reading is on the command line."""


def reads_clients[Command: Callable[..., None]](command: Command) -> Command:
    """A command's parameter `reading` becomes every option of reading a portfolio (portfolio/options.py), as given."""
    signature = inspect.signature(command, eval_str=True)
    parameters = []
    for one in signature.parameters.values():
        if one.name != "reading":
            parameters.append(one)
            continue
        for name, option in OPTIONS.items():
            about = typer.Option(
                flag(name), metavar=option.metavar, help=help_of(option), rich_help_panel="Reading a portfolio"
            )
            kind: Any = cast(Any, Annotated)[KINDS[option.kind], about]
            parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind))

    @functools.wraps(command)
    def taking(**given: Any) -> None:
        reading = {name: given.pop(name) for name in OPTIONS}
        command(**given, reading=reading)

    ordered = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    taking.__signature__ = signature.replace(parameters=ordered)  # type: ignore[attr-defined]
    taking.__annotations__ = {one.name: one.annotation for one in ordered}
    return taking  # type: ignore[return-value]


def help_of(option: Option) -> str:
    """An option in the help."""
    told = option.meaning.replace("`", "")
    takes = f": {option.takes}" if option.kind is str else ""
    return f"{told[:1].upper()}{told[1:]}{takes}."


# run


@app.command()
@reads_clients
def run(
    scenario: ScenarioName = "baseline",
    portfolio: Clients = None,
    reading: Reading = None,
    calendar: CalendarFile = None,
    macro: MacroFile = None,
    borrowers: Borrowers = None,
    months: Months = 36,
    seed: Seed = 1,
    engine: Annotated[str, typer.Option(help=f"{choices()}; all give the same.")] = "auto",
    setting: Settings = None,
    change: Changes = None,
    panel: Annotated[str, typer.Option(help="Borrowers kept month by month: all, sample=N or none.")] = "sample=1000",
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder for the results; without it, one under runs/.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the results that are in the folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the folder only.")] = False,
    burn_in: Annotated[int, typer.Option(metavar="N", help=f"{BURN_IN.capitalize()}.")] = 0,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Threads; without it, all cores.")] = None,
) -> None:
    """Run a scenario and leave a folder with what happened."""
    began, started = time.perf_counter(), datetime.now(UTC)
    if not 1 <= months <= MOST_MONTHS:
        raise BadInput(f"months: {months} is not in 1 to {MOST_MONTHS:,}")
    if threads is not None and threads < 1:
        raise BadInput(f"threads: {threads} is not at least 1")
    if not 0 <= burn_in < months:
        raise BadInput(f"--burn-in: {burn_in} is not in 0 to {months - 1}, below the months that are run")
    world = wanted_scenario(scenario, setting or [], borrowers, portfolio, {"calendar": calendar, "macro": macro})
    changes = wanted_changes(change or [], months)
    # what is wrong so far has been said without the libraries that a run needs
    from zerolimit.parameters.scenario import not_reached
    from zerolimit.results.panel import Panel, PanelFiles, parse_panel
    from zerolimit.results.store import fill, provenance
    from zerolimit.results.tables import tables_of
    from zerolimit.results.whole import check_target, whole_folder
    from zerolimit.vocabulary.names import LEFT

    parse_panel(panel)
    target = check_target(free_folder(world.name, force=force) if out is None else out, force=force)
    clients = wanted_portfolio(portfolio, reading, world)
    from zerolimit.run.simulation import Simulation

    screen = console(stderr=True, quiet=quiet)
    for text in not_reached(world, months):
        screen.print(text, style="dim", highlight=False, soft_wrap=True)
    simulation = Simulation(
        world, seed, engine=engine, portfolio=clients, threads=threads, say=teller(not quiet), burn_in=burn_in
    )
    try:
        vacant = len(simulation.borrowers.where("status", LEFT))
        with whole_folder(target, force=force) as folder:
            bar = reporting(not quiet, f"{world.name}, {number_of(simulation.size, 'borrower')}", "month")
            with PanelFiles(folder) as files, bar as update:
                kept = Panel(simulation, panel, months, write=files.month)
                for month in range(months):
                    if month in changes:
                        simulation.change(**changes[month])
                    simulation.step()
                    kept.record()
                    update(month + 1, months)
            told = ["zerolimit", *sys.argv[1:]]
            seconds = time.perf_counter() - began
            fill(folder, simulation, provenance(simulation, told, started, seconds, kept))
    finally:
        simulation.close()
    if quiet:
        print(target)
        return
    from zerolimit.commands.worlds import print_statement
    from zerolimit.results.store import FIGURE
    from zerolimit.results.table import print_summary

    with after_saving(target):
        paper = console()
        heading = f"{world.name}: {number_of(simulation.size, 'borrower')}, {number_of(months, 'month')}, seed {seed}"
        paper.print(heading, style="bold", highlight=False)
        if burn_in:
            left_out = f"the first {number_of(burn_in, 'month')} left out of all results"
            paper.print(f"  {left_out}", style="dim", highlight=False, soft_wrap=True)
        if vacant:
            slots = f"{vacant:,} of {simulation.size:,} slots are vacant at the start, for those who apply later"
            paper.print(f"  {slots}", style="dim", highlight=False, soft_wrap=True)
        if clients:
            print_statement(paper, clients, world.minimum_loan)
        paper.print()
        print_summary(paper, tables_of(simulation))
        took = time.perf_counter() - began
        written = f"{FIGURE} and tables" if (target / FIGURE).is_file() else "tables"
        print(f"{target}  ({written}; {took:.1f} s)")


def wanted_scenario(
    name: str, settings: Sequence[str], borrowers: int | None, portfolio: str | None, files: Mapping[str, str | None]
) -> Scenario:
    """The scenario with what the command line sets."""
    from zerolimit.parameters.scenario import load_scenario

    return load_scenario(name, **wanted_parameters(settings, borrowers, portfolio, files))


def wanted_parameters(
    settings: Sequence[str], borrowers: int | None, portfolio: str | None, files: Mapping[str, str | None]
) -> dict[str, Any]:
    """What the command line sets, by parameter."""
    if borrowers is not None and portfolio is not None:
        raise BadInput("--borrowers: not with --portfolio, whose clients are the borrowers")
    from zerolimit.parameters.scenario import parse_setting

    given: dict[str, Any] = {}
    for text in settings:
        key, value = parse_setting(text)
        if key in given:
            raise BadInput(f"--set: {key} is given twice")
        if key == "borrowers" and portfolio is not None:
            raise BadInput("--set borrowers: not with --portfolio, whose clients are the borrowers")
        if portfolio is not None:
            refuse_warm_up({key: value}, "--set ")
        given[key] = value
    for key, option in {"borrowers": borrowers, **files}.items():
        if option is None:
            continue
        if key in given:
            raise BadInput(f"{key}: given by --{key} and by --set; one is enough")
        given[key] = option
    return given


def wanted_changes(texts: Sequence[str], months: int) -> dict[int, dict[str, Any]]:
    """What --change sets, by month."""
    from zerolimit.parameters.scenario import parse_setting

    found: dict[int, dict[str, Any]] = {}
    for text in texts:
        month, colon, setting = text.partition(":")
        if not colon or not month.strip().isdecimal():
            raise BadInput(f"--change {text!r}: write it as month:name=value, as in 12:pool_share=0.25")
        if int(month) >= months:
            raise BadInput(f"--change {text!r}: the run has the months 0 to {months - 1}")
        name, value = parse_setting(setting, "--change")
        if name in found.setdefault(int(month), {}):
            raise BadInput(f"--change: {name} is given twice for month {int(month)}")
        found[int(month)][name] = value
    return found


def wanted_portfolio(source: str | None, reading: Mapping[str, Any], *worlds: Scenario) -> Portfolio | None:
    """The portfolio that the command line names, if any, with lines that are open in the worlds to be run."""
    given = {name: value for name, value in reading.items() if value not in (None, [])}
    if source is None:
        for name in given:
            raise BadInput(f"{flag(name)}: only with --portfolio")
        return None
    options = {name: from_texts(name, value) for name, value in given.items()}
    from zerolimit.portfolio.portfolio import read_portfolio

    clients = read_portfolio(source, **options)
    for world in worlds:
        clients.refuse_closed(world.minimum_loan)
    return clients


def free_folder(name: str, *, force: bool) -> Path:
    """A folder under runs/ that is not taken yet: name, name-2, ... (with --force, the first)."""
    from zerolimit.results.whole import recover

    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name).strip(".") or "run"
    first = Path(RUNS) / plain
    folder, number = first, 2
    recover(folder)
    while folder.exists() and not force:
        folder, number = Path(RUNS) / f"{plain}-{number}", number + 1
        recover(folder)
    return folder


ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""A polite kill, and a terminal that is closed."""
TOGETHER = 1.0
"""Seconds within which several of them are one: a second would break off the clearing up."""


def swallows(frame: Any) -> bool:
    """Whether an interrupt would be lost here: in an import, where some catch everything, or in a callback of LLVM."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib") or f"{os.sep}llvmlite{os.sep}" in file:
            return True
        frame = frame.f_back
    return False


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """What ends a command politely ends it like Ctrl-C: nothing is left half-written. What is ignored (nohup) stays so.

    What comes where it would be lost (`swallows`) is sent again a moment later.
    """

    told = -TOGETHER
    later: list[threading.Timer] = []

    def stop(number: int, frame: Any) -> None:
        nonlocal told
        if swallows(frame):
            again = threading.Timer(0.1, os.kill, (os.getpid(), number))
            again.daemon = True
            later.append(again)
            again.start()
            return
        since, told = time.monotonic() - told, time.monotonic()
        if since >= TOGETHER:
            raise KeyboardInterrupt

    before = {one: signal.getsignal(one) for one in ENDING if signal.getsignal(one) != signal.SIG_IGN}
    try:
        for one in before:
            signal.signal(one, stop)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        for again in later:
            again.cancel()
        for one, handler in before.items():
            signal.signal(one, handler)


# scenarios


@app.command()
@reads_clients
def attribute(
    scenario: ScenarioName = "baseline",
    players: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Mechanisms, fear, habits, policies; without it, the six mechanisms."),
    ] = None,
    outcome: Annotated[str, typer.Option(help="A monthly count, docs/results.md.")] = "zero_limit",
    portfolio: Clients = None,
    reading: Reading = None,
    borrowers: Borrowers = None,
    months: Annotated[int, typer.Option(metavar="T", help="Months after --since.")] = 36,
    seed: Seed = 1,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", help="Number of seeds, counted from --seed, for intervals.")
    ] = None,
    since: Annotated[int, typer.Option(metavar="M", help="Months of common past.")] = 0,
    borrower: Annotated[
        str | None, typer.Option(metavar="ID", help="One borrower's shares too: a portfolio's id, else a slot.")
    ] = None,
    setting: Settings = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for Parquet files and a figure.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Whose zero limits? Exact Shapley shares of mechanisms, over all worlds with some of them on."""
    for name, value, least in (("months", months, 1), ("since", since, 0)):
        if not least <= value <= MOST_MONTHS:
            raise BadInput(f"{name}: {value} is not in {least} to {MOST_MONTHS:,}")
    world = wanted_scenario(scenario, setting or [], borrowers, portfolio, {})
    clients = wanted_portfolio(portfolio, reading, world)
    from zerolimit.commands.worlds import attribute_scenario

    attribute_scenario(world, clients, players, outcome, months, seed, seeds, since, borrower, out, quiet=quiet)


@app.command()
@reads_clients
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A preset's name or a TOML file.")],
    second: Annotated[str | None, typer.Argument(metavar="B", help="Another; default: A again.")] = None,
    only_a: Annotated[list[str] | None, typer.Option("--a", metavar="K=V", help="A parameter of A alone.")] = None,
    only_b: Annotated[list[str] | None, typer.Option("--b", metavar="K=V", help="A parameter of B alone.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="K=V", help="A parameter of both, as in TOML.")
    ] = None,
    outcome: Annotated[
        str, typer.Option(help="A rate, money or monthly count, docs/results.md, to draw and list first.")
    ] = "zero_limit",
    portfolio: Clients = None,
    reading: Reading = None,
    borrowers: Borrowers = None,
    months: Months = 36,
    since: Annotated[
        int, typer.Option(metavar="M", help="First month that tables and rates count; those before are kept by month.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 1,
    seeds: Annotated[int, typer.Option(metavar="N", help="Number of seeds, counted from --seed.")] = 10,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for Parquet files and a figure.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Two scenarios on the same borrowers and draws: who has a zero limit in one only, and how certain the difference is."""
    if not 1 <= months <= MOST_MONTHS:
        raise BadInput(f"months: {months} is not in 1 to {MOST_MONTHS:,}")
    both = setting or []
    a = wanted_scenario(first, [*both, *(only_a or [])], borrowers, portfolio, {})
    b = wanted_scenario(second or first, [*both, *(only_b or [])], borrowers, portfolio, {})
    clients = wanted_portfolio(portfolio, reading, a, b)
    from zerolimit.commands.worlds import compare_scenarios

    compare_scenarios(a, b, clients, outcome, months, since, seed, seeds, out, quiet=quiet)


@app.command()
def validate(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SCENARIO]...", help="Markets of the targets, presets or TOML files; default: all markets."),
    ] = None,
    targets: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Targets of one's own, TOML; default: those of the package.")
    ] = None,
    setting: Settings = None,
    borrowers: Borrowers = None,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 1,
    seeds: Annotated[int, typer.Option(metavar="N", help="Number of seeds, counted from --seed.")] = 20,
    random: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY", help="In place of the table: how many random parameter sets pass, over what STUDY varies."
        ),
    ] = None,
    sets: Annotated[int | None, typer.Option(metavar="N", help="Random sets, with --random; default 300.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for Parquet files and a figure.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """How true is the model? Facts as targets, each measured in its market, within tolerance or not."""
    from zerolimit.commands.validation import measure_random_sets, validate_scenarios

    given = wanted_parameters(setting or [], borrowers, None, {})
    if random is not None:
        measure_random_sets(random, scenarios or [], targets, sets, seed, out, given, quiet=quiet)
        return
    if sets is not None:
        raise BadInput("sets: they are drawn with --random STUDY, over what the study varies")
    validate_scenarios(scenarios or [], targets, seeds, seed, out, given, quiet=quiet)


@app.command()
@reads_clients
def wrongful(
    scenario: ScenarioName = "baseline",
    portfolio: Clients = None,
    reading: Reading = None,
    calendar: CalendarFile = None,
    macro: MacroFile = None,
    borrowers: Borrowers = None,
    months: Months = 36,
    seed: Seed = 1,
    setting: Settings = None,
    change: Changes = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Wrongful zero limits: who would not have defaulted within a year, had the line been kept."""
    if not 1 <= months <= MOST_MONTHS:
        raise BadInput(f"months: {months} is not in 1 to {MOST_MONTHS:,}")
    world = wanted_scenario(scenario, setting or [], borrowers, portfolio, {"calendar": calendar, "macro": macro})
    changes = wanted_changes(change or [], months)
    clients = wanted_portfolio(portfolio, reading, world)
    from zerolimit.commands.worlds import follow_zeros

    follow_zeros(world, clients, changes, months, seed, quiet=quiet)


@app.command()
def tell(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    borrower: Annotated[str, typer.Option(metavar="ID", help="A portfolio's id; without ids, the number of a slot.")],
    months: Annotated[str | None, typer.Option(metavar="A:B", help="First and last month of the story.")] = None,
) -> None:
    """What happened to one borrower of a run, month by month."""
    from zerolimit.explanation.replay import origin_of
    from zerolimit.explanation.story import parse_months
    from zerolimit.explanation.story import tell as tell_borrower

    origin = origin_of(folder)
    span = parse_months(months, origin.months)
    console().print(tell_borrower(origin, borrower, months=span))


@app.command()
def explain(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    borrower: Annotated[str, typer.Option(metavar="ID", help="A portfolio's id; without ids, the number of a slot.")],
    month: Annotated[int, typer.Option(metavar="M", help="The month of the cut, zero or refusal.")],
) -> None:
    """An adverse-action notice: why a borrower's line was cut, closed or refused, and what would have been enough."""
    from zerolimit.explanation.notice import explain as explain_borrower
    from zerolimit.explanation.replay import origin_of

    origin = origin_of(folder)
    console().print(explain_borrower(origin, borrower, month))


@app.command()
def case(name: Annotated[str | None, typer.Argument(help="A case; without one, their list.")] = None) -> None:
    """Play a scripted case, and what would have changed it; without a name, list the cases."""
    from zerolimit.explanation.cases.case import cases, load_case, play

    if name is None:
        table = plain_table("case", "subject")
        for known in cases():
            table.add_row(known, load_case(known).title)
        console().print(table)
        return
    chosen = load_case(name)
    every, number = (1 + len(chosen.instead)) * chosen.months, itertools.count(1)
    with reporting(True, name, "month") as update:
        played = play(chosen, progress=lambda month: update(next(number), every), say=teller(True))
    console().print(played)


@app.command()
def sweep(
    study: Annotated[
        str | None, typer.Argument(help="A study: its folder or its TOML file. Rule files that it names are code, and run.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the results; without it, runs/NAME.")] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Processes; without it, all cores.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a folder that has some of the runs.")] = False,
    extend: Annotated[
        bool, typer.Option("--extend", help="Continue with a larger design; runs in both designs are kept.")
    ] = False,
    no_code: Annotated[bool, typer.Option("--no-code", help="Refuse a study that names rule files.")] = False,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask cluster's scheduler, or [b]local[/b] for one on loopback.")
    ] = None,
    take_over: Annotated[bool, typer.Option("--take-over", help="Take a folder whose coordinator is gone.")] = False,
    status: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Show the progress of a sweep's folder and exit.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the folder only.")] = False,
) -> None:
    """Run a study: thousands of runs, in processes or on a cluster; finished runs survive any interruption."""
    from zerolimit.commands.studies import show_status, sweep_study

    if status is not None:
        if study is not None:
            raise BadInput("--status: takes the folder of the results, and no study beside it")
        show_status(status)
        return
    if study is None:
        raise BadInput("sweep: a study is needed, its folder or its TOML file; or --status DIR")
    sys.exit(
        sweep_study(
            study,
            out,
            workers=workers,
            resume=resume,
            extend=extend,
            cluster=cluster,
            take_over=take_over,
            code=not no_code,
            quiet=quiet,
            stopped=STOPPED,
        )
    )


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A study's folder.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Parquet, or CSV by its ending; without it, DIR/export.parquet.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a study's runs as one file, sorted by hash: the same bytes whatever computed them, in any order."""
    from zerolimit.commands.studies import export_study

    export_study(folder, out, force=force)


@scenarios.callback(invoke_without_command=True)
def about_scenarios(context: typer.Context) -> None:
    """Presets and scenario files: list, show, check, schema."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@scenarios.command("list")
def list_scenarios() -> None:
    """The presets and what they are for."""
    from zerolimit.parameters.scenario import load_scenario, presets

    table = plain_table("preset", "what it is for")
    for name in presets():
        table.add_row(name, load_scenario(name).description)
    console().print(table)


@scenarios.command("show")
def show_scenario(name: Annotated[str, typer.Argument(help="A preset's name or a TOML file.")]) -> None:
    """Every parameter of a scenario, as TOML."""
    from zerolimit.parameters.scenario import load_scenario

    sys.stdout.write(load_scenario(name).toml())


@scenarios.command("check")
def check_scenario(file: Annotated[str, typer.Argument(help="A TOML file or a preset's name.")]) -> None:
    """Check a scenario file; says what it sets."""
    from zerolimit.parameters.scenario import base_of, load_scenario

    found, base = load_scenario(file), base_of(file)
    others = [
        name for name, value in load_scenario(base) if name not in ("name", "description") and getattr(found, name) != value
    ]
    differ = "differs from it" if len(others) == 1 else "differ from it"
    print(
        f"{file}: good, on {base}; {number_of(len(others), 'parameter')} {differ}{': ' if others else ''}{', '.join(others)}"
    )


@scenarios.command("schema")
def show_schema() -> None:
    """JSON Schema of a scenario file, for editors."""
    import json

    from zerolimit.parameters.scenario import schema

    print(json.dumps(schema(), indent=2, ensure_ascii=False))


# the page


@app.command("app")
def page(
    scenario: ScenarioName = "baseline",
    port: Annotated[int, typer.Option(metavar="P", help="Port; 0: any that is free.")] = 8765,
    host: Annotated[str, typer.Option(metavar="H", help="Address; another than loopback lets others in.")] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
) -> None:
    """The page: sliders and pictures, in a browser, without the internet."""
    from zerolimit.parameters.scenario import load_scenario

    load_scenario(scenario)
    from zerolimit.app.serve import serve

    serve(scenario, host=host, port=port, browser=not no_browser)


# phases


@app.command()
def phases(source: Annotated[bool, typer.Option("--source", help="Print the fused loops instead.")] = False) -> None:
    """The month in order: what each phase reads, draws and writes."""
    if source:
        sys.stdout.write(fused_source())
        return
    from rich.text import Text

    from zerolimit.month import BIRTH, MONTH

    table = plain_table("step", "phase", "what it does, reads, draws, writes")
    for phase in (*BIRTH, *MONTH):
        reads = names((*phase.reads, *(one for rule in phase.rules for one in rule.fields)))
        draws = names(one for rule in phase.rules for one in rule.draws)
        writes = names((*phase.writes, *(one for rule in phase.rules for one in rule.writes)))
        who = f"{phase.kind}, where {phase.where}" if phase.where else phase.kind
        lines = [Text(phase.says)]
        for label, listed in (("reads", reads), ("draws", draws), ("writes", writes)):
            if listed:
                lines.append(Text.assemble((f"{label} ", "bold"), (listed, "dim")))
        table.add_row(phase.step, Text.assemble(phase.name, "\n", (who, "dim")), Text("\n").join(lines))
        table.add_row()
    console().print(table)


def names(found: Iterable[str]) -> str:
    """Names once each, in order."""
    return ", ".join(dict.fromkeys(found))


def fused_source() -> str:
    """The generated loops of the built-in month: over borrowers, then over worlds."""
    from zerolimit.engine.plan import make_plan
    from zerolimit.engine.source import month_source
    from zerolimit.parameters.terms import TERMS
    from zerolimit.platform.steps import source

    of_borrowers = month_source(make_plan(frozenset(TERMS)), {name: k for k, name in enumerate(TERMS)}, {}, False)
    return f"{of_borrowers}\n\n{source()}"


def plain_table(*headings: str) -> Any:
    """A table without lines."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def main() -> None:
    """The `zerolimit` command."""
    forgiving_streams()
    app()


if __name__ == "__main__":
    main()
