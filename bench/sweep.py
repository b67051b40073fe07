"""Measures a study of 1,000 runs x 20,000 borrowers x 36 months on this machine, and memory over 10,000 small runs.

    python -m bench.sweep [--quick]

The goal: time inside compiled months and recording is at least 80 % of wall time x workers after start-up, and the
coordinator's memory does not grow with the number of runs. Prints a table and writes it to bench/SWEEP.md; `--quick` takes
a tenth of the runs and writes no file.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.small_runs import HEADING
from zerolimit.study.definition import read_study
from zerolimit.study.folder import Folder
from zerolimit.study.screen import Reached
from zerolimit.study.sweep import sweep

RESULTS = Path(__file__).resolve().parent / "SWEEP.md"
WORKERS = 2
GOAL = 0.8


def resident() -> float:
    """MB in memory of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


class Watch:
    """Notes when the first and the last run were finished, and memory as it goes."""

    def __init__(self) -> None:
        self.first = self.last = 0.0
        self.memory: list[tuple[int, float]] = []

    def __call__(self, now: Reached) -> None:
        if now.done and not self.first:
            self.first = time.perf_counter()
        self.last = time.perf_counter()
        if not self.memory or now.done - self.memory[-1][0] >= now.total / 20:
            self.memory.append((now.done, resident()))


def measured(runs: int, borrowers: int, months: int) -> dict[str, Any]:
    """A study of so many runs: seconds, the share inside the months, memory."""
    study = read_study({"name": "bench", "months": months, "borrowers": borrowers, "replications": runs // 10,
                        "vary": {"pool_share": {"from": 0.2, "to": 0.65, "steps": 10}}})  # fmt: skip
    watch = Watch()
    with tempfile.TemporaryDirectory() as room:
        out = Path(room) / "study"
        began = time.perf_counter()
        sweep(study, out, workers=WORKERS, watch=watch)
        took = time.perf_counter() - began
        lines = [json.loads(line) for file in (out / "times").iterdir() for line in file.read_text().splitlines()]
        parts = sum(part.path.stat().st_size for part in Folder(out).parts()) / max(1, len(lines))
    wall = watch.last - watch.first
    # the first run of each worker lies before the first that was finished
    inside = sum(one["inside"] for one in lines[WORKERS:])
    return {
        "runs": len(lines),
        "seconds": took,
        "start": watch.first - began,
        "rate": (len(lines) - 1) / wall,
        "share": inside / (wall * WORKERS),
        "whole": sum(one["seconds"] for one in lines[WORKERS:]) / (wall * WORKERS),
        "memory": watch.memory,
        "part": parts,
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs, and no file")
    quick = parser.parse_args().quick
    some = 10 if quick else 1
    large = measured(1_000 // some, 20_000, 36)
    small = measured(10_000 // some, 500, 3)
    first, last = small["memory"][1][1], small["memory"][-1][1]
    rows = [
        ("runs x borrowers x months", f"{large['runs']:,} x 20,000 x 36", f"{small['runs']:,} x 500 x 3"),
        ("seconds in all", f"{large['seconds']:.0f}", f"{small['seconds']:.0f}"),
        ("of them until the first run was finished", f"{large['start']:.1f}", f"{small['start']:.1f}"),
        ("runs a second after that", f"{large['rate']:.1f}", f"{small['rate']:.1f}"),
        (
            f"inside months and recording, of wall time x {WORKERS} (goal {GOAL:.0%})",
            f"{large['share']:.1%}",
            f"{small['share']:.1%}",
        ),
        ("inside runs, set-up included", f"{large['whole']:.1%}", f"{small['whole']:.1%}"),
        ("coordinator's memory after a twentieth of the runs, MB", f"{large['memory'][1][1]:.0f}", f"{first:.0f}"),
        ("coordinator's memory after all, MB (goal below 1,000)", f"{large['memory'][-1][1]:.0f}", f"{last:.0f}"),
        ("bytes of a part", f"{large['part']:,.0f}", f"{small['part']:,.0f}"),
    ]
    text = "\n".join(["| | large runs | small runs |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])
    load = os.getloadavg()[0]
    heading = (
        f"# Studies: speed and memory\n\n`python -m bench.sweep`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores,"
        f" {WORKERS} workers; load at the end {load:.1f} (above {WORKERS}: the machine was shared).\n\n"
    )
    print(heading + text)
    if not quick:
        _, small_runs, rest = RESULTS.read_text(encoding="utf-8").partition(HEADING)
        RESULTS.write_text(f"{heading}{text}\n" + (f"\n{small_runs}{rest}" if small_runs else ""), encoding="utf-8")


if __name__ == "__main__":
    main()
