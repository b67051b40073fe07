"""The commands of studies: sweep, export."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

from zerolimit.basics.errors import BadInput
from zerolimit.basics.files import path_of
from zerolimit.basics.progress import span
from zerolimit.basics.wording import number_of
from zerolimit.study.definition import read_study
from zerolimit.study.folder import Folder
from zerolimit.study.screen import status, watching
from zerolimit.study.sweep import RUNS, failures_told, sweep

FAILED = 1
"""Exit code where some runs failed."""
FORMATS = (".parquet", ".csv")
EXPORT = "export.parquet"


def sweep_study(
    source: str,
    out: Path | None,
    *,
    workers: int | None,
    resume: bool,
    extend: bool,
    cluster: str | None,
    take_over: bool,
    code: bool,
    quiet: bool,
    stopped: int,
) -> int:
    """Run a study with a bar, say how it ended and how to go on; the exit code."""
    began = time.perf_counter()
    study = read_study(source, code=code)
    folder = out if out is not None else Path(RUNS) / study.name
    words = ["zerolimit", "sweep", source, "--out", str(folder), *(["--cluster", cluster] if cluster else []), "--resume"]
    again = shlex.join(words)
    try:
        with watching(study.name, not quiet) as (watch, say):
            swept = sweep(
                study,
                folder,
                workers=workers,
                cluster=cluster,
                resume=resume,
                extend=extend,
                take_over=take_over,
                watch=watch,
                say=say,
            )
    except KeyboardInterrupt:
        kept = Folder(folder).count()
        print(f"zerolimit: stopped; {number_of(kept, 'finished run')} kept; go on with: {again}", file=sys.stderr)
        return stopped
    if quiet:
        print(folder)
    else:
        took = span(time.perf_counter() - began)
        print(f"{folder}  ({swept.done:,} of {number_of(swept.total, 'run')}; {took})")
    for line in failures_told(swept, again):
        print(f"zerolimit: {line}", file=sys.stderr)
    return FAILED if swept.failed else 0


def show_status(folder: Path) -> None:
    """Print how far a study's folder is."""
    for line in status(folder):
        print(line)


def export_study(path: Path, out: Path | None, *, force: bool) -> None:
    """Write the runs of a study's folder as one file; with `force` in place of one that is there."""
    folder = Folder(path_of(path))
    declared = folder.must_be_declared()
    target = path_of(out, "out") if out is not None else path / EXPORT
    if target.suffix not in FORMATS:
        raise BadInput(f"{target}: ends neither in {' nor in '.join(FORMATS)}")
    if target.is_dir():
        raise BadInput(f"{target}: is a folder; a file is needed")
    if target.exists() and not force:
        raise BadInput(f"{target}: already exists; take another --out, or --force to replace it")
    rows = folder.export(target)
    done, total = folder.count(), int(declared["runs"])
    if (said := folder.unverified()) is not None:
        print(f"zerolimit: {said}", file=sys.stderr)
    if done < total:
        print(f"zerolimit: {done:,} of {total:,} runs are done; the file has these", file=sys.stderr)
    print(f"{target}  ({number_of(done, 'run')}, {number_of(rows, 'row')})")
