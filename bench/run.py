"""Measures speed and memory in one go on this machine, against the goals and against ordinary Mesa agents.

    python bench/run.py [--quick]          (`make bench`)

First every dense loop must be vectorised; else nothing is timed. What needs much memory or a fresh start runs in a process
of its own. Prints a table and writes it to bench/RESULTS.md. `--quick` leaves out ten million borrowers and writes no file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
SEED, WARM_UP = 1, 3
MONTHS = {10_000: 60, 100_000: 60, 1_000_000: 30, 10_000_000: 8}
"""Months timed after the warm-up, by number of borrowers."""
LARGEST, WHOLE_RUN = 10_000_000, 36
THREADS = 2
SMALL_OBJECTS, LARGE_OBJECTS, OBJECT_MONTHS = 2_000, 100_000, 5
SHARED, SHARING = 1_000_000, ("score", "pro_rata", "water_filling", "equal_floor")
"""Borrowers and rules for the allocation's part of a month: an order, and the levels."""
STUDIED = 100_000
"""Borrowers of the attribution."""
READ = 1_000_000
"""Clients in a file."""
REPEATS = 7
LIBRARIES = ("zerolimit", "numpy", "numba", "llvmlite", "mesa", "pandas", "pyarrow", "pydantic", "matplotlib", "typer")


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of some measurements."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(median(values), min(values), max(values))

    def text(self, digits: int = 1) -> str:
        return f"{self.middle:,.{digits}f} ({self.low:,.{digits}f} to {self.high:,.{digits}f})"


@dataclass(frozen=True)
class Goal:
    """One line of the issue's list: what was wanted, what was found."""

    wanted: str
    measured: str
    met: bool | None
    """None: not measured in this run."""

    @property
    def verdict(self) -> str:
        return "not measured" if self.met is None else "yes" if self.met else "NO"


# parts that run in a process of their own; each returns something that JSON can carry


def timed_months(step: Callable[[], Any], months: int, borrowers: int) -> list[float]:
    """Nanoseconds a borrower-month, month by month, after the warm-up."""
    for _ in range(WARM_UP):
        step()
    found = []
    for _ in range(months):
        start = time.perf_counter()
        step()
        found.append((time.perf_counter() - start) / borrowers * 1e9)
    return found


def part_engine(borrowers: int, threads: int, months: int, engine: str) -> dict[str, Any]:
    """Our engine on `defaults`, with everything on and recorded."""
    import resource

    from zerolimit.parameters.scenario import load_scenario
    from zerolimit.run.simulation import Simulation

    start = time.perf_counter()
    simulation = Simulation(load_scenario("defaults", borrowers=borrowers), SEED, engine=engine, threads=threads)
    set_up = time.perf_counter() - start
    months_ns = timed_months(simulation.step, months, borrowers)
    whole = time.perf_counter() - start
    rows = [recorded.platform for recorded in simulation.history[WARM_UP:]]
    return {
        "ns": months_ns,
        "set_up": set_up,
        "whole": whole,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "pool_use": [row["planned"] / row["pool"] for row in rows],
    }


def part_allocation(borrowers: int, months: int, allocation: str) -> dict[str, Any]:
    """Sharing the pool, month by month: its part of the month's time, and how many contended."""
    from zerolimit.parameters.scenario import load_scenario
    from zerolimit.run.phases import Live
    from zerolimit.run.simulation import Simulation

    spent: list[float] = []
    share = Live.allocate

    def timed(month: Any) -> None:
        start = time.perf_counter()
        share(month)
        spent.append(time.perf_counter() - start)

    Live.allocate = timed  # type: ignore[method-assign]
    scenario = load_scenario("defaults", borrowers=borrowers, allocation=allocation)
    simulation = Simulation(scenario, SEED, engine="compiled", threads=1)
    parts = []
    for month in range(WARM_UP + months):
        start = time.perf_counter()
        simulation.step()
        if month >= WARM_UP:
            parts.append(spent[-1] / (time.perf_counter() - start))
    return {"parts": parts}


def part_attribution(borrowers: int, months: int) -> dict[str, Any]:
    """Exact shares of the six mechanisms: all 64 worlds, with what is kept of every borrower."""
    import resource

    from zerolimit.study.attribution import attribute

    start = time.perf_counter()
    attribute("defaults", borrowers=borrowers, months=months, seed=SEED, workers=THREADS)
    took = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"seconds": took, "cpu": usage.ru_utime + usage.ru_stime, "peak_bytes": usage.ru_maxrss * 1024}


def part_mesa(borrowers: int, months: int) -> dict[str, Any]:
    """Ordinary Mesa agents on the same scenario."""
    from bench.mesa_agents import NAME

    return part_engine(borrowers, 1, months, NAME)


def part_first_compilation() -> dict[str, Any]:
    """From a fresh start without cache to the end of the first month."""
    start = time.perf_counter()
    from zerolimit.parameters.scenario import load_scenario
    from zerolimit.run.simulation import Simulation

    said: list[str] = []
    Simulation(load_scenario("defaults", borrowers=10_000), SEED, engine="compiled", say=said.append).step()
    return {"seconds": time.perf_counter() - start, "said": said}


def write_clients(file: Path, clients: int) -> None:
    """A CSV file of six columns."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv

    chance = np.random.default_rng(SEED)
    limit = chance.integers(5, 600, clients) * 100
    columns = {
        "id": [f"C{k:07d}" for k in range(clients)],
        "limit": limit,
        "balance": np.round(limit * chance.random(clients), 2),
        "late": (chance.random(clients) < 0.05) * chance.integers(1, 4, clients),
        "income": chance.integers(2_000, 20_000, clients),
        "age": chance.integers(20, 70, clients),
    }
    pyarrow.csv.write_csv(pa.table(columns), file)


def part_reading(file: str) -> dict[str, Any]:
    """A portfolio from a file, with its statement."""
    import resource

    start = time.perf_counter()
    from zerolimit.portfolio.portfolio import read_portfolio

    said = str(read_portfolio(file).statement)
    took = time.perf_counter() - start
    return {"seconds": took, "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "said": said}


def part_facts() -> dict[str, Any]:
    """How big the model is."""
    from zerolimit.engine.plan import make_plan
    from zerolimit.month import MONTH, all_rules
    from zerolimit.parameters.terms import TERMS
    from zerolimit.vocabulary.fields import BYTES, FIELDS, STATE

    plan = make_plan(frozenset(TERMS))
    monthly = {draw for phase in MONTH if not phase.listed for rule in phase.rules for draw in rule.draws}
    return {
        "phases": len(MONTH),
        "rules": len(all_rules()),
        "monthly_rules": len({rule.name for phase in MONTH if not phase.listed for rule in phase.rules}),
        "monthly_draws": len(monthly),
        "draws": len({draw for rule in all_rules() for draw in rule.draws}),
        "states": len(STATE),
        "state_bytes": sum(BYTES[field.storage] for field in STATE),
        "flows": len(plan.flow_columns),
        "flow_bytes": sum(BYTES[FIELDS[name].storage] for name in plan.flow_columns),
    }


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "engine": part_engine,
    "allocation": part_allocation,
    "attribution": part_attribution,
    "mesa": part_mesa,
    "first_compilation": part_first_compilation,
    "reading": part_reading,
    "facts": part_facts,
}


# the measuring


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that finds what we found."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *(path for path in sys.path if path)]), **more}


def apart(name: str, *arguments: Any, **variables: str) -> dict[str, Any]:
    """One part in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--part", json.dumps([name, *arguments])]
    done = subprocess.run(command, env=environment(**variables), stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def seconds(command: list[str], repeats: int = REPEATS) -> Spread:
    """Wall time of a whole process, the files in cache."""
    found = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run(command, env=environment(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found.append(time.perf_counter() - start)
    return Spread.of(found[1:])


def zerolimit_command() -> list[str]:
    """The installed command, or the same without installation."""
    script = Path(sys.executable).parent / "zerolimit"
    if script.exists():
        return [str(script)]
    return [sys.executable, "-c", "import sys; from zerolimit.commands.cli import main; sys.exit(main())"]


def said(text: str) -> None:
    """What is going on, on standard error."""
    print(text, file=sys.stderr, flush=True)


def compiled_speeds(sizes: list[int]) -> dict[tuple[int, int], dict[str, Any]]:
    """The compiled engine by size and threads; the largest on two threads runs as long as the goal says."""
    found = {}
    for size in sizes:
        for threads in (1, THREADS):
            whole = size == LARGEST and threads == THREADS
            months = WHOLE_RUN - WARM_UP if whole else MONTHS[size]
            said(f"compiled engine, {size:,} borrowers, {threads} thread{'s' if threads > 1 else ''}")
            found[size, threads] = apart("engine", size, threads, months, "compiled")
    return found


def measure(quick: bool) -> tuple[list[Goal], list[tuple[str, str]], list[str]]:
    """Everything: the goals, further numbers, and remarks."""
    from bench.mesa_agents import BY_HAND

    sizes = [size for size in MONTHS if not (quick and size == LARGEST)]
    facts = apart("facts")
    said("compiling, where that is not done yet")
    apart("engine", 10_000, 1, 1, "compiled")
    speeds = compiled_speeds(sizes)
    ns = {key: Spread.of(result["ns"]) for key, result in speeds.items()}
    said("the object engine and ordinary Mesa agents")
    objects = Spread.of(apart("engine", SMALL_OBJECTS, 1, OBJECT_MONTHS, "objects")["ns"])
    mesa = {size: Spread.of(apart("mesa", size, OBJECT_MONTHS)["ns"]) for size in (SMALL_OBJECTS, LARGE_OBJECTS)}
    said("sharing the pool, and exact shares of mechanisms")
    sharing = {name: Spread.of(apart("allocation", SHARED, MONTHS[SHARED], name)["parts"]) for name in SHARING}
    worlds = apart("attribution", STUDIED, WHOLE_RUN)
    said("imports and the command line")
    bare = seconds([sys.executable, "-c", "import numpy"])
    package = seconds([sys.executable, "-c", "import numpy, zerolimit"])
    market = seconds([sys.executable, "-c", "import numpy; from zerolimit import CreditMarket"])
    simulation = seconds([sys.executable, "-c", "import numpy; from zerolimit import Simulation"])
    command = zerolimit_command()
    helped = seconds([*command, "--help"])
    with tempfile.TemporaryDirectory() as folder:
        run = [
            *command,
            "run",
            "--portfolio",
            "uci",
            "--months",
            "36",
            "--out",
            str(Path(folder, "run")),
            "--force",
            "--quiet",
        ]
        clients = seconds(run, 5)
        write_clients(Path(folder, "clients.csv"), READ)
        reading = [apart("reading", str(Path(folder, "clients.csv"))) for _ in range(REPEATS)]
    said("first compilation, without cache")
    with tempfile.TemporaryDirectory() as folder:
        first = apart("first_compilation", ZEROLIMIT_CACHE=folder, NUMBA_CACHE_DIR=folder)

    one, two = ns[1_000_000, 1].middle, ns[1_000_000, THREADS].middle
    flat_sizes = [size for size in sizes if size >= 100_000]
    flat = max(ns[size, 1].middle for size in flat_sizes) / min(ns[size, 1].middle for size in flat_sizes)
    times = mesa[LARGE_OBJECTS].middle / ns[LARGE_OBJECTS, 1].middle
    use = [share for result in speeds.values() for share in result["pool_use"]]
    over = package.middle - bare.middle
    most_read = max(one["peak_bytes"] for one in reading)
    state = facts["state_bytes"]
    goals = [
        Goal("at most 50 ns a borrower-month on one core at 10^6", f"{ns[1_000_000, 1].text()} ns", one <= 50.0),
        Goal(
            f"flat within 1.5 times from 10^5 to {'10^6 (--quick)' if quick else '10^7'}, one thread",
            f"{flat:.2f} times",
            flat <= 1.5,
        ),
        Goal("at least 1.5 times faster on two threads at 10^6", f"{one / two:.2f} times", one / two >= 1.5),
        Goal(
            "at least 100 times ordinary Mesa agents at 10^5, one thread",
            f"{times:,.0f} times, {times / BY_HAND:,.0f} times those written by hand",
            times >= 100.0 * BY_HAND,
        ),
        Goal("at most 160 bytes of state a borrower", f"{state} bytes", state <= 160),
        *largest_goals(speeds.get((LARGEST, THREADS)), state),
        Goal(
            "allocation binding: pool use at least 99 %",
            f"{median(use):.2%} ({min(use):.2%} to {max(use):.2%})",
            median(use) >= 0.99,
        ),
        Goal(
            "allocation at most 20 % of a month at 10^6, every rule",
            f"{max(part.middle for part in sharing.values()):.1%} at most",
            all(part.middle <= 0.2 for part in sharing.values()),
        ),
        Goal(
            "shares of six mechanisms (64 worlds), 10^5 borrowers, 36 months under 20 s on two cores",
            f"{worlds['seconds']:.1f} s ({worlds['cpu']:.1f} s of processor, {worlds['peak_bytes'] / 1e9:.1f} GB at most)",
            worlds["seconds"] < 20.0,
        ),
        Goal("`import zerolimit` under 0.4 s above bare NumPy", f"{over:.3f} s", over < 0.4),
        Goal("`zerolimit --help` under 0.6 s", f"{helped.text(2)} s", helped.middle < 0.6),
        Goal(
            "30,000 clients for 36 months under 4 s, whole process with figure", f"{clients.text(2)} s", clients.middle < 4.0
        ),
        Goal(
            "10^6 clients of six columns from CSV, with a statement, under 3 s and 450 MB",
            f"{Spread.of([one['seconds'] for one in reading]).text(2)} s, {most_read / 1e6:,.0f} MB at most",
            median(one["seconds"] for one in reading) < 3.0 and most_read < 450e6,
        ),
        Goal(
            "first compilation under 30 s, said on screen",
            f"{first['seconds']:.1f} s",
            first["seconds"] < 30.0 and bool(first["said"]),
        ),
    ]
    numbers = [
        *(
            (f"compiled, {size:,} borrowers, {threads} thread(s)", f"{ns[size, threads].text()} ns")
            for size, threads in speeds
        ),
        *(
            (
                f"speed-up on {THREADS} threads, {size:,} borrowers",
                f"{ns[size, 1].middle / ns[size, THREADS].middle:.2f} times",
            )
            for size in sizes
        ),
        *(
            (
                f"allocation by {name}, {SHARED:,} borrowers, of the month",
                f"{100.0 * part.middle:.1f} % ({100.0 * part.low:.1f} to {100.0 * part.high:.1f})",
            )
            for name, part in sharing.items()
        ),
        (f"objects, {SMALL_OBJECTS:,} borrowers", f"{objects.text(0)} ns"),
        *((f"ordinary Mesa agents, {size:,} borrowers", f"{mesa[size].text(0)} ns") for size in mesa),
        ("`from zerolimit import Simulation` above bare NumPy", f"{simulation.middle - bare.middle:.3f} s"),
        ("`from zerolimit import CreditMarket` (with Mesa) above bare NumPy", f"{market.middle - bare.middle:.3f} s"),
    ]
    months = [len(result["pool_use"]) for result in speeds.values()]
    remarks = [
        f"Scenario `defaults`, every mechanism and phase on, results recorded. {facts['phases']} phases; {facts['rules']}"
        f" rules, of which {facts['monthly_rules']} belong to everybody's month with {facts['monthly_draws']} draws"
        f" ({facts['draws']} with those at birth); {facts['states']} state columns ({state} bytes a borrower) and"
        f" {facts['flows']} flow columns ({facts['flow_bytes']} bytes).",
        f"ns are nanoseconds a borrower-month: the median over months after {WARM_UP} of warm-up ({min(months)} to"
        f" {max(months)} months on the compiled engine, {OBJECT_MONTHS} on objects), smallest and largest in brackets. Pool"
        " use is planned exposure over the pool.",
    ]
    return goals, numbers, remarks


def largest_goals(result: dict[str, Any] | None, state: int) -> list[Goal]:
    """Memory and time of ten million borrowers; memory above the state counts flows, lists, libraries, everything."""
    most = (1.5 * state * LARGEST + 300e6) / 1e9
    memory, wall = (
        f"peak memory at 10^7 under 1.5 times the state + 300 MB ({most:.2f} GB)",
        "10^7 borrowers for 36 months under 30 s",
    )
    if result is None:
        return [Goal(memory, "-", None), Goal(wall, "-", None)]
    peak, months = result["peak_bytes"] / 1e9, result["whole"] - result["set_up"]
    return [
        Goal(memory, f"{peak:.2f} GB", peak < most),
        Goal(
            f"{wall} on two threads",
            f"{result['whole']:.1f} s (set-up {result['set_up']:.1f}, months {months:.1f})",
            result["whole"] < 30.0,
        ),
    ]


def machine() -> list[str]:
    """What this ran on."""
    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
    except OSError:
        pass
    from llvmlite import binding

    libraries = ", ".join(f"{name} {version_of(name)}" for name in LIBRARIES)
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {cpu} ({binding.get_host_cpu_name()}), {os.cpu_count()} cores{load};"
        f" {platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}, {libraries}",
    ]


def version_of(name: str) -> str:
    """A library's version."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return str(getattr(__import__(name), "__version__", "?"))


# the report


def on_screen(goals: list[Goal], numbers: list[tuple[str, str]], notes: list[str]) -> None:
    """Two tables for a person."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("goal", "measured", "met", title="goals")
    for goal in goals:
        table.add_row(goal.wanted, goal.measured, goal.verdict, style="red" if goal.met is False else None)
    console.print(table)
    table = Table("further numbers", "measured")
    for row in numbers:
        table.add_row(*row)
    console.print(table)
    for note in notes:
        console.print(note)


def as_markdown(goals: list[Goal], numbers: list[tuple[str, str]], notes: list[str]) -> str:
    """The same for the repository."""
    lines = ["# Benchmark", "", "Written by `make bench` (bench/run.py); do not edit.", "", *(f"{note}\n" for note in notes)]
    lines += ["| goal | measured | met |", "|---|---|---|"]
    lines += [f"| {goal.wanted} | {goal.measured} | {goal.verdict} |" for goal in goals]
    lines += ["", "| further numbers | measured |", "|---|---|", *(f"| {name} | {value} |" for name, value in numbers)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """0 when everything was measured; 1 when a check before the timing failed. A goal that is missed is in the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without ten million borrowers; writes no file")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        name, *arguments = json.loads(given.part)
        print(json.dumps(PARTS[name](*arguments)))
        return 0
    where = machine()
    said("does every dense loop vectorise?")
    from bench.vectorised import loops_not_vectorised

    if failed := loops_not_vectorised():
        said(f"NOT VECTORISED: {', '.join(failed)}. No timing counts before that is mended.")
        return 1
    goals, numbers, remarks = measure(given.quick)
    notes = [*where, *remarks, "Every dense loop is vectorised (bench/vectorised.py)."]
    on_screen(goals, numbers, notes)
    if not given.quick:
        RESULTS.write_text(as_markdown(goals, numbers, notes), encoding="utf-8")
        said(f"written to {RESULTS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
