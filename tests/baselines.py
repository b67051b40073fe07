"""What every preset gave when it was last accepted: `python tests/baselines.py` (`make accept`) writes it anew.

A file a world in tests/baselines: whole numbers only, so that equal means equal on every machine. Counts and sums are of a
year's months together, the platform's amounts are those of the year's last month.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from zerolimit.parameters.scenario import load_scenario, presets, read_toml
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.run.simulation import Simulation

FOLDER = Path(__file__).parent / "baselines"
YEAR, YEARS, SEED = 12, 3, 1
BORROWERS = 3_000
"""Drawn where a preset does not say how many."""
REAL_CLIENTS = "baseline-uci"
"""The baseline with the shipped portfolio, beside each preset with a drawn population."""
Numbers = dict[str, tuple[int, ...]]


def worlds() -> tuple[str, ...]:
    """Every world that has a file."""
    return (*presets(), REAL_CLIENTS)


def played(world: str) -> Numbers:
    """Outcome -> its number in each year."""
    portfolio = read_portfolio("uci") if world == REAL_CLIENTS else None
    scenario = load_scenario("baseline" if portfolio else world)
    if portfolio is None and "borrowers" not in read_toml(presets()[world]):
        scenario = scenario.change(borrowers=BORROWERS)
    simulation = Simulation(scenario, SEED, engine="compiled", portfolio=portfolio).run(YEAR * YEARS)
    simulation.close()
    years = [simulation.history[start : start + YEAR] for start in range(0, YEAR * YEARS, YEAR)]
    found = {
        name: tuple(int(sum(month.counts[name].sum() for month in year)) for year in years)
        for name in sorted(simulation.history[0].counts)
    }
    for name, value in sorted(simulation.history[0].platform.items()):
        if isinstance(value, int | np.integer):
            found[f"platform {name}"] = tuple(int(year[-1].platform[name]) for year in years)
    return found


def written(numbers: Numbers) -> str:
    """As CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["outcome", *(f"year {year + 1}" for year in range(YEARS))])
    writer.writerows([name, *values] for name, values in numbers.items())
    return text.getvalue()


def accepted(world: str) -> Numbers:
    """What was accepted last; nothing for a world that is new."""
    file = FOLDER / f"{world}.csv"
    if not file.is_file():
        return {}
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))[1:]
    return {name: tuple(map(int, values)) for name, *values in rows}


def difference(before: Numbers, now: Numbers) -> str:
    """Outcome by outcome, what was and what is; empty where all is equal."""
    lines = []
    for name in dict.fromkeys((*before, *now)):
        for year in range(YEARS):
            was, is_now = (numbers[name][year] if name in numbers else None for numbers in (before, now))
            if was == is_now:
                continue
            share = f"{100.0 * (is_now / was - 1.0):+.2f} %" if was and is_now is not None else ""
            was_said, now_said = ("-" if one is None else f"{one:,}" for one in (was, is_now))
            lines.append(f"{name:<28} {year + 1:>4} {was_said:>22} {now_said:>22} {share:>10}")
    if not lines:
        return ""
    return "\n".join([f"{'outcome':<28} year {'accepted':>22} {'now':>22} {'change':>10}", *lines])


def accept() -> None:
    """Write every file that differs, and say what moved."""
    FOLDER.mkdir(exist_ok=True)
    moved = 0
    for world in worlds():
        now = played(world)
        if told := difference(accepted(world), now):
            moved += 1
            print(f"{world}\n{told}\n")
            (FOLDER / f"{world}.csv").write_text(written(now), encoding="utf-8")
    for file in FOLDER.glob("*.csv"):
        if file.stem not in worlds():
            file.unlink()
    print("say what moved in CHANGELOG.md, under Regression information" if moved else "all as accepted")


if __name__ == "__main__":
    accept()
