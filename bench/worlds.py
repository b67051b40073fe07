"""Measures `zerolimit.worlds` on this machine: many small worlds with all ready moments, beside a loop of simulations.

    python -m bench.worlds [--runs N] [--borrowers N] [--months N] [--workers N] [--few] [--beside CHECKOUT]

Each way runs in a process of its own, after one small call that loads what is compiled. The loop runs one simulation after
the other in as many processes as `worlds` has, a tenth of the worlds, and is told per world; with `--beside` once more with
another checkout's code. The burn-in counts as months. Prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import zerolimit
from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation

WAYS = {"worlds": 1, "loop": 10}
"""What is measured, and which share of the runs it makes."""


def table(runs: int) -> dict[str, Any]:
    """A world a row."""
    rng = np.random.default_rng(1)
    return {"pool_share": rng.uniform(0.3, 1.0, runs).round(4), "cure_1": rng.uniform(0.2, 0.6, runs).round(4)}


def by_worlds(wish: argparse.Namespace, runs: int) -> None:
    """In one call, with all ready moments or with none."""
    keep = ["zero_limit", "net_income", *([] if wish.few else zerolimit.moments())]
    zerolimit.worlds(table(runs), keep=keep, borrowers=wish.borrowers, months=wish.months, workers=wish.workers)


def simulated(given: tuple[argparse.Namespace, dict[str, float]]) -> int:
    """One simulation, of which only two rates are taken."""
    wish, changed = given
    base = load_scenario("defaults", borrowers=wish.borrowers)
    one = Simulation(base.change(**changed), 1, threads=1).run(wish.months)
    found = sum(int(month.counts[name].sum()) for month in one.history for name in ("zero_limit", "line_on_time"))
    one.close()
    return found


def by_loop(wish: argparse.Namespace, runs: int) -> None:
    """One simulation after the other, in processes that have loaded what is compiled."""
    given = table(runs)
    rows = [(wish, {name: float(values[k]) for name, values in given.items()}) for k in range(runs)]
    list(LOOP[0].map(simulated, rows))


LOOP: list[ProcessPoolExecutor] = []
"""The loop's processes."""


def processor_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(way: str, wish: argparse.Namespace) -> dict[str, float]:
    """Seconds a world, and megabytes at most, of one way; in this process."""
    run, runs = {"worlds": by_worlds, "loop": by_loop}[way], max(1, wish.runs // WAYS[way])
    if way == "loop":
        LOOP.append(ProcessPoolExecutor(wish.workers, get_context("spawn")))
    run(argparse.Namespace(**{**vars(wish), "borrowers": 500, "months": 2}), 2 * wish.workers)
    pids = [
        os.getpid(),
        *(int(one) for some in Path("/proc/self/task").glob("*/children") for one in some.read_text().split()),
    ]
    before, began = sum(map(processor_seconds, pids)), time.perf_counter()
    run(wish, runs)
    seconds, processor = time.perf_counter() - began, sum(map(processor_seconds, pids)) - before
    most = [int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024 for pid in pids]
    return {"runs": runs, "seconds": seconds, "processor": processor, "megabytes": sum(most)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--borrowers", type=int, default=3_000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--few", action="store_true", help="keep two columns, and no moments")
    parser.add_argument("--beside", type=Path, help="another checkout, whose code runs the loop too")
    parser.add_argument("--way", choices=[*WAYS], help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.way:
        print(json.dumps(measured(wish.way, wish)))
        return
    print("| way | runs | seconds | ms a world | ns a borrower-month | MB at most |\n| --- | --- | --- | --- | --- | --- |")
    ways = [(way, way, Path(zerolimit.__file__).parents[1]) for way in WAYS]
    ways += [("loop, the other checkout", "loop", wish.beside / "model")] if wish.beside else []
    for name, way, code in ways:
        command = [sys.executable, "-m", "bench.worlds", "--way", way, *sys.argv[1:]]
        home = {**os.environ, "PYTHONPATH": str(code)}
        told = subprocess.run(command, check=True, capture_output=True, text=True, env=home).stdout
        found = json.loads(told.splitlines()[-1])
        each = found["seconds"] / found["runs"]
        unit = each / wish.borrowers / wish.months
        print(
            f"| {name} | {found['runs']:,} | {found['seconds']:.1f} (processor {found['processor']:.1f}) | {1e3 * each:.1f}"
            f" | {1e9 * unit:.0f} | {found['megabytes']:,.0f} |"
        )


if __name__ == "__main__":
    main()
