"""Measures `zerolimit.worlds` on this machine: many small worlds with all ready moments, beside a loop of simulations.

    python -m bench.worlds [--runs N] [--borrowers N] [--months N] [--workers N]

Each way runs in a process of its own, after one small call that loads what is compiled; the loop runs a tenth of the worlds
and is told per world. The burn-in counts as months. Prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import zerolimit
from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation
from zerolimit.study.worlds import POOLS

WAYS = {"worlds": 1, "loop": 10}
"""What is measured, and which share of the runs it makes."""


def table(runs: int) -> dict[str, Any]:
    """A world a row."""
    rng = np.random.default_rng(1)
    return {"pool_share": rng.uniform(0.3, 1.0, runs).round(4), "cure_1": rng.uniform(0.2, 0.6, runs).round(4)}


def by_worlds(wish: argparse.Namespace, runs: int) -> None:
    """In one call, with all ready moments."""
    keep = ["zero_limit", "net_income", *zerolimit.moments()]
    zerolimit.worlds(table(runs), keep=keep, borrowers=wish.borrowers, months=wish.months, workers=wish.workers)


def by_loop(wish: argparse.Namespace, runs: int) -> None:
    """One simulation after the other, of which only two rates are taken."""
    base = load_scenario("baseline", borrowers=wish.borrowers)
    given = table(runs)
    for k in range(runs):
        one = Simulation(base.change(**{name: values[k] for name, values in given.items()}), 1).run(wish.months)
        for name in ("zero_limit", "line_on_time"):
            sum(int(month.counts[name].sum()) for month in one.history)
        one.close()


def measured(way: str, wish: argparse.Namespace) -> dict[str, float]:
    """Seconds a world, and megabytes at most, of one way; in this process."""
    run, runs = {"worlds": by_worlds, "loop": by_loop}[way], max(1, wish.runs // WAYS[way])
    run(argparse.Namespace(**{**vars(wish), "borrowers": 500, "months": 2}), 2 * (wish.workers or 1))
    began, processor = time.perf_counter(), time.process_time()
    run(wish, runs)
    seconds = time.perf_counter() - began
    pids = [os.getpid(), *(one.pid for pool in POOLS.values() for one in pool.processes.values())]
    most = [int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024 for pid in pids]
    return {"runs": runs, "seconds": seconds, "processor": time.process_time() - processor, "megabytes": sum(most)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--borrowers", type=int, default=3_000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--way", choices=[*WAYS], help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.way:
        print(json.dumps(measured(wish.way, wish)))
        return
    print("| way | runs | seconds | ms a world | ns a borrower-month | MB at most |\n| --- | --- | --- | --- | --- | --- |")
    for way in WAYS:
        command = [sys.executable, "-m", "bench.worlds", "--way", way, *sys.argv[1:]]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        each = found["seconds"] / found["runs"]
        unit = each / wish.borrowers / wish.months
        print(
            f"| {way} | {found['runs']:,} | {found['seconds']:.1f} (processor {found['processor']:.1f}) | {1e3 * each:.1f}"
            f" | {1e9 * unit:.0f} | {found['megabytes']:,.0f} |"
        )


if __name__ == "__main__":
    main()
