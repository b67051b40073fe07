"""Measures a study of many small runs as a person starts it: `zerolimit sweep`, two workers, 36 months.

    python -m bench.small_runs [--runs 2000] [--borrowers 2000] [--beside CHECKOUT]

`--beside` is another checkout of the project: its code does the same study, in turn with this one. Its export must be the
same bytes: else the table says that they differ, and the exit code is 1. Prints a table, and writes it to bench/SWEEP.md, a
section for each number of borrowers.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "SWEEP.md"
HERE = Path(__file__).resolve().parent.parent
HEADING = "## Many small runs of {borrowers:,} borrowers"
WORKERS = 2
MONTHS = 36
STUDY = """name = "small runs"
borrowers = {borrowers}
months = {months}
replications = {replications}
[vary]
pool_share = {{ from = 0.2, to = 0.65, steps = 10 }}
"""


def swept(checkout: Path, runs: int, borrowers: int, room: Path) -> tuple[float, float, int, str]:
    """Seconds, seconds of processor, parts, and the hash of the export, of a study that a checkout's code does."""
    home = {**os.environ, "PYTHONPATH": str(checkout / "model")}
    home.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process compiles the package's modules anew
    command = [sys.executable, "-m", "zerolimit.commands.cli"]
    study, out, export = room / "study.toml", room / "out", room / "export.parquet"
    study.write_text(STUDY.format(borrowers=borrowers, months=MONTHS, replications=runs // 10), encoding="utf-8")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    words = ["sweep", str(study), "--out", str(out), "--workers", str(WORKERS), "--quiet"]
    subprocess.run([*command, *words], env=home, check=True, stdout=subprocess.DEVNULL)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, "export", str(out), "--out", str(export)], env=home, check=True, stdout=subprocess.DEVNULL)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    parts = sum(1 for _ in (out / "parts").rglob("*.parquet"))
    return took, processor, parts, hashlib.sha256(export.read_bytes()).hexdigest()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2_000, help="runs of the study, a multiple of ten")
    parser.add_argument("--borrowers", type=int, default=2_000)
    parser.add_argument("--beside", type=Path, help="another checkout, whose code does the same study")
    wish = parser.parse_args()
    rows, hashes = [], set()
    load = os.getloadavg()[0]
    for name, checkout in [("this code", HERE), *([("the other checkout", wish.beside)] if wish.beside else [])]:
        with tempfile.TemporaryDirectory() as room:
            swept(checkout, 10, wish.borrowers, Path(room))  # what compiles, compiles here
        with tempfile.TemporaryDirectory() as room:
            seconds, processor, parts, known = swept(checkout, wish.runs, wish.borrowers, Path(room))
        hashes.add(known)
        rows.append(f"| {name} | {seconds:.1f} | {wish.runs / seconds:.1f} | {processor:.1f} | {parts:,} |")
        print(rows[-1], flush=True)
    same = "" if not wish.beside else f"; the exports {'are the same bytes' if len(hashes) == 1 else 'differ'}"
    study = f"{wish.runs:,} runs x {wish.borrowers:,} borrowers x {MONTHS} months, {WORKERS} workers"
    machine = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load at the start {load:.1f} (above 0: shared){same}"
    heading = HEADING.format(borrowers=wish.borrowers)
    text = (
        f"{heading}\n\n`python -m bench.small_runs --runs {wish.runs} --borrowers {wish.borrowers}`: {study},"
        f" `zerolimit sweep` from start to end; {machine}.\n\n"
        "| | seconds | runs a second | seconds of processor | parts |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )
    print(text)
    before, _, after = RESULTS.read_text(encoding="utf-8").partition(f"{heading}\n")
    rest = after[after.find("\n## ") :].strip() if "\n## " in after else ""
    RESULTS.write_text("\n\n".join(filter(None, (before.rstrip(), text.rstrip(), rest))) + "\n", encoding="utf-8")
    if len(hashes) > 1:
        raise SystemExit("bench: the exports differ")


if __name__ == "__main__":
    main()
