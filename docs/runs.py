"""The generated parts and figures that show what runs give.

A run's text or numbers are kept under build/ by a hash of all that could move them, so that only changed code runs again.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache, wraps
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from docs import month_map
from docs.declarations import HOME, table
from docs.month_map import draw_month, numbers_of_month
from zerolimit.basics.wording import FEN
from zerolimit.explanation.cases.case import load_case, story_with
from zerolimit.explanation.notice import explain
from zerolimit.parameters.scenario import load_scenario
from zerolimit.results.columns import cube, parts_of, values
from zerolimit.results.drawing import BLUE, LOOKS, ORANGE
from zerolimit.results.panel import Panel
from zerolimit.results.table import percent, print_summary
from zerolimit.results.tables import Tables, tables_of
from zerolimit.rules.caps import CAPS
from zerolimit.run.simulation import Simulation
from zerolimit.validation.facts import FACTS
from zerolimit.vocabulary.constants import CUT_BELOW
from zerolimit.vocabulary.names import LEFT, STATUSES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KEPT = HOME / "build" / "docs"
"""What runs gave, in a folder named by the code that gave it."""


@cache
def code_hash() -> str:
    """Hash of all that can move what is shown here: the package with its data, what stands here, libraries, Python."""
    package = (file for file in (HOME / "model").rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    digest = hashlib.sha256(sys.version.encode())
    for file in sorted((*package, Path(__file__), Path(month_map.__file__), HOME / "requirements.lock")):
        digest.update(file.relative_to(HOME).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def kept(make: Callable[..., Any]) -> Callable[..., Any]:
    """What a function of runs gives (JSON), made once by the same code; what other code gave is removed."""

    @wraps(make)
    def found(*arguments: str) -> Any:
        file = KEPT / code_hash() / f"{'-'.join((make.__name__, *arguments))}.json"
        if not file.is_file():
            text = json.dumps(make(*arguments))
            for other in KEPT.glob("*") if not file.parent.is_dir() else ():
                shutil.rmtree(other, ignore_errors=True)
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(f".{os.getpid()}")
            part.write_text(text, encoding="utf-8")
            part.replace(file)
        return json.loads(file.read_text(encoding="utf-8"))

    return found


@cache
def baseline() -> tuple[Tables, pd.DataFrame, float]:
    """What `zerolimit run --borrowers 30000` leaves (seed 1, 36 months): tables, panel, and the minimum loan in fen."""
    simulation = Simulation(load_scenario("baseline", borrowers=30_000), 1, engine="compiled")
    panel = Panel(simulation, "sample=3000")
    for _ in range(36):
        simulation.step()
        panel.record()
    simulation.close()
    return tables_of(simulation), panel.frame(), simulation.terms["minimum_loan"]


@kept
def printed() -> str:
    """What the default scenario prints."""
    console = Console(width=100, record=True, file=io.StringIO())
    print_summary(console, baseline()[0])
    text = "\n".join(line.rstrip() for line in console.export_text().splitlines())
    return f"```text\n{text.strip()}\n```"


@kept
def told() -> str:
    """The case of Li around the zero limit."""
    story = story_with(load_case("li"))
    zero = next((event.month for event in story.events if event.kind == "zero limit"), 0)
    return f"```text\n{replace(story, first=max(0, zero - 6), last=min(story.last, zero + 9))}\n```"


@cache
def runs() -> Path:
    """A folder in which `zerolimit run --borrowers 30000 --out runs/drawn` has been run, as `make run` does."""
    folder = Path(mkdtemp(prefix="zerolimit-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command(folder, "zerolimit run --borrowers 30000 --out runs/drawn")
    return folder


def command(folder: Path, line: str) -> str:
    """What a command prints, at 100 columns."""
    words = [sys.executable, "-c", "from zerolimit.commands.cli import main; main()", *shlex.split(line)[1:]]
    plain = {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(HOME / "model")}
    done = subprocess.run(words, cwd=folder, env=os.environ | plain, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{line}\n{done.stderr}")
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n")


ANSWERS: dict[str, tuple[str, str]] = {
    "explain": (
        "zerolimit explain runs/drawn --borrower {borrower} --month {month}",
        r"\n\nDistance to(.|\n)*?(?=\n\nWhat alone)",
    ),
    "attribute": ("zerolimit attribute --borrowers 10000 --months 24", r"\n\nInteractions(.|\n)*"),
    "compare": (
        "zerolimit compare baseline --b notice_months=3 --set base_tightness=0.4 --borrowers 5000 --months 96",
        r"\n\nWho had a zero limit(.|\n)*",
    ),
    "wrongful": ("zerolimit wrongful --borrowers 20000", ""),
    "clients": (
        "zerolimit run --portfolio uci --set pool_share=0.31",
        r"\nCut found(.|\n)*?(?=\n\nReasons)|\n\nPlatform(.|\n)*",
    ),
}
"""What the guide answers: a command, and what of its output is left out there (shown as ...)."""


@kept
def answer(name: str) -> str:
    """A command of ANSWERS with what it prints."""
    line, less = ANSWERS[name]
    if "{borrower}" in line:
        line = line.format(**one_borrower())
    text = command(runs(), line)
    shown = re.sub(less, "\n...", text) if less else text
    return f"```bash\n{line}\n```\n\n```text\n{shown}\n```"


def one_borrower() -> dict[str, int]:
    """The first borrower of the first population whom the trigger sets to zero after a year of the default scenario."""
    episodes = baseline()[0].episodes
    kind, reason = (episodes[name] for name in ("kind", "reason"))
    wanted = (values(episodes, "month") >= 12) & (values(episodes, "generation") == 0)
    wanted &= values(episodes, "kind") == kind.labels.index("zero limit")
    wanted &= values(episodes, "reason") == reason.labels.index("trigger")
    first = int(np.flatnonzero(wanted)[0])
    return {"borrower": int(values(episodes, "borrower")[first]), "month": int(values(episodes, "month")[first])}


def with_month_before(panel: pd.DataFrame, state: list[str], now: list[str]) -> pd.DataFrame:
    """A row an account and month that has a month before: its state, as it was before too (`_before`), and other columns."""
    key = ["person", "month"]
    before = panel.assign(month=panel.month + 1).set_index(key)[state]
    here = panel.loc[panel.status != STATUSES[int(LEFT)], [*key, *state, *now]]
    return here.join(before.add_suffix("_before"), on=key, how="inner")


@kept
def patterns() -> str:
    """Facts beside the same numbers in the default scenario."""
    tables, panel, least = baseline()
    late, indebted = (sum(values(tables.monthly, one).sum() for one in names) for names in parts_of("late_30"))
    paid, on_time = (sum(values(tables.monthly, one).sum() for one in names) for names in parts_of("paid_at_zero"))
    pairs = with_month_before(panel, ["limit", "scheduled", "overdue"], ["late"])
    had = pairs[pairs.limit_before >= least]
    cut = had[had.limit < CUT_BELOW * had.limit_before]
    both = had[had.limit >= least]
    used = (both.scheduled + both.overdue) / both.limit
    persistence = used.corr((both.scheduled_before + both.overdue_before) / both.limit_before)
    peaks = f"{percent((used >= 0.9).mean())} at 0.9 or more, {percent((used < 0.2).mean())} below 0.2"
    lost, lacked = (had.limit < least).mean(), pairs[pairs.limit_before < least]
    rows = {
        "A3": f"{percent(lost)} and {percent((lacked.limit >= least).mean())}",
        "A5": percent(paid / on_time),
        "A8": f"{percent((cut.late == 0).mean())} not late now",
        "A9": f"median {percent((1 - cut.limit / cut.limit_before).median())} of the line",
        "B2": f"median {used.median():.3f}, {peaks}",
        "B4": f"{persistence:.3f}",
        "C6": f"{percent(late / indebted)} of accounts in debt",
    }
    said = ((one, FACTS[one].what, FACTS[one].value, found) for one, found in rows.items())
    return table(("id", "what", "data", "baseline"), said)


FEWEST = 20
"""Cuts of a cap in the sample, for it to have a row."""


@kept
def victims() -> str:
    """Who is cut by which cap in the default scenario, beside those who are not: medians of the month before."""
    _, panel, least = baseline()
    state = ["limit", "scheduled", "overdue", "cash", "income_seen", "other_debt", "risk", "frequency", "idle"]
    pairs = with_month_before(panel, state, ["late", "reason"])
    had = pairs[pairs.limit_before >= least]
    is_cut = had.limit < CUT_BELOW * had.limit_before

    def row(name: str, some: pd.DataFrame) -> tuple[str, ...]:
        income = some.income_seen_before
        return (
            name,
            f"{len(some):,}",
            percent((some.limit < least).mean()),
            percent((some.late > 0).mean()),
            f"{((some.scheduled_before + some.overdue_before) / some.limit_before).median():.2f}",
            f"{some.risk_before.median():.0f}",
            f"{income.median() / FEN:,.0f}",
            f"{(some.cash_before / income).median():.1f}",
            f"{(some.other_debt_before / income).median():.1f}",
            f"{some.frequency_before.median():.2f}",
            f"{some.idle_before.median():.0f}",
        )

    by_cap = {name: some for name, some in had[is_cut].groupby("reason", observed=True) if len(some) >= FEWEST}
    names = [cap.name for cap in CAPS if cap.name in by_cap]
    rows = [row("not cut", had[~is_cut]), *(row(name, by_cap[name]) for name in names)]
    heads = ("cut by", "account-months", "to zero", "late now", "utilisation", "score", "income, yuan", "savings, months")
    return table((*heads, "debt elsewhere, months", "loans a month", "months idle"), rows)


@kept
def explained() -> str:
    """The notice of Li's zero limit."""
    case = load_case("li")
    zero = next(event.month for event in story_with(case).events if event.kind == "zero limit")
    return f"```text\n{explain(case.world(), case.slot, zero)}\n```"


@kept
def numbers_of_why() -> dict[str, Any]:
    """What why.png shows: Li's line and debt (yuan), and the baseline's events by reason and month."""
    frame = story_with(load_case("li")).to_frame()
    found: dict[str, Any] = {
        "line": (frame.limit / FEN).tolist(),
        "owed": ((frame.scheduled + frame.overdue) / FEN).tolist(),
    }
    monthly = baseline()[0].monthly
    for cap in CAPS:
        events = [cube(monthly, f"{kind}_by_{cap.name}").sum(axis=(1, 2)) for kind in ("zero", "blocked")]
        if (total := sum(events)).any():
            found[cap.name] = total.tolist()
    return found


def draw_why(numbers: dict[str, Any]) -> Figure:
    """One borrower on the left, everybody on the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 3.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    line, owed = numbers.pop("line"), numbers.pop("owed")
    months = np.arange(len(line))
    zero = np.flatnonzero(np.array(line) == 0)
    spells = np.split(zero, np.flatnonzero(np.diff(zero) > 1) + 1)
    for spell in spells:
        left.axvspan(spell[0] - 0.5, spell[-1] + 0.5, color="#eeeeee", linewidth=0)
    middle = max(spells, key=len).mean()
    left.step(months, line, where="mid", color=BLUE, linewidth=1.8, label="credit line")
    left.step(months, owed, where="mid", color=ORANGE, linewidth=1.4, label="owed")
    left.annotate("zero", (middle, 0.0), (middle, max(line) * 0.97), ha="center", va="top", fontsize=9)
    left.set(title="One borrower, never late", xlabel="month", ylabel="yuan", ylim=(0, None))
    left.yaxis.set_major_formatter("{x:,.0f}")
    base = np.zeros(len(next(iter(numbers.values()))))
    says = {cap.name: cap.says for cap in CAPS}
    for name in sorted(numbers, key=lambda one: -sum(numbers[one])):
        colour, hatch = LOOKS[name]
        looks = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0.3}
        right.bar(np.arange(len(base)), numbers[name], 1.0, base, label=says[name], **looks)
        base += numbers[name]
    right.set(
        title="30,000 borrowers, and why", xlabel="month", ylabel="on-time payers who lost\ntheir line or were blocked"
    )
    for axes in (left, right):
        axes.title.set(fontsize=11, fontweight="bold", ha="left", x=0.0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.01)
    left.legend(frameon=False, fontsize=8, loc="center right", bbox_to_anchor=(0.94, 0.5))
    handles, labels = right.get_legend_handles_labels()
    right.legend(handles[::-1], labels[::-1], frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


FIGURES: dict[str, tuple[Callable[[], dict[str, Any]], Callable[[dict[str, Any]], Figure]]] = {
    "docs/figures/why.png": (numbers_of_why, draw_why),
    "docs/figures/month.png": (kept(numbers_of_month), draw_month),
}
"""File -> what it shows, and how that is drawn."""


def digest(file: str) -> str:
    """Of what a figure shows; it is written into the file, so that a stale figure is noticed."""
    return hashlib.sha256(json.dumps(FIGURES[file][0](), sort_keys=True).encode()).hexdigest()


def is_current(file: str) -> bool:
    """Whether a figure in the repository shows the numbers of today."""
    from PIL import Image

    return (HOME / file).is_file() and Image.open(HOME / file).info.get("Description") == digest(file)


def write_figure(file: str) -> None:
    """Draw a figure anew."""
    numbers, draw = FIGURES[file]
    (HOME / file).parent.mkdir(exist_ok=True)
    draw(numbers()).savefig(HOME / file, metadata={"Software": None, "Description": digest(file)})


PARTS: dict[str, Callable[..., str]] = {
    part.__name__: part
    for part in (
        answer,
        explained,
        patterns,
        printed,
        told,
        victims,
    )
}
