"""Where the baseline lies beside the data: the moments of issue 3, over seeds, on the drawn population.

python -m bench.plausible [--seeds N] [--borrowers N]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MONTHS, SEEDS, BORROWERS = 36, 20, 10_000
FACTOR = 2.0
"""A moment is plausible within this factor of the data's."""


@dataclass(frozen=True)
class Moment:
    """One number in the data and how the model's is found in what a run left."""

    name: str
    fact: str
    data: float
    measured: Callable[[dict[str, Any]], float]

    def lies(self, value: float) -> float:
        """Model over data."""
        return value / self.data


def over(numerators: str, denominators: str) -> Callable[[dict[str, Any]], float]:
    """A ratio of sums."""
    return lambda seen: sum(seen[n] for n in numerators.split()) / max(1, sum(seen[d] for d in denominators.split()))


MOMENTS = (
    Moment("line to zero, a month (all causes)", "A3", 0.0081, over("to_zero", "with_line")),
    Moment("zero back to a line, a month", "A3", 0.0003, over("back", "without_line")),
    Moment("paying accounts whose line is zero", "A5", 0.034, over("paid_at_zero", "on_time")),
    Moment("1 to 2 months late: to 3 and more, a month", "B6", 0.063, over("rolled", "late_before")),
    Moment("1 to 2 months late: to current, a month", "B6", 0.253, over("cured", "late_before")),
    Moment("mean utilisation", "B2", 0.424, over("utilisation", "lines")),
    Moment("balances 30 and more days late", "C6", 0.0143, over("late_balance", "balance")),
    Moment("median size of decreases", "A9", 0.75, lambda seen: float(np.median(seen["cuts"]))),
    Moment("median utilisation after a decrease", "A10", 0.94, lambda seen: float(np.median(seen["used_after"]))),
)


def watch(seed: int, borrowers: int, months: int = MONTHS, **parameters: Any) -> dict[str, Any]:
    """One run of the baseline, with what the moments need."""
    from zerolimit.parameters.scenario import load_scenario
    from zerolimit.run.simulation import Simulation
    from zerolimit.vocabulary.names import CLOSED, LEFT

    simulation = Simulation(load_scenario("baseline", borrowers=borrowers, **parameters), seed, engine="compiled", threads=1)
    least = simulation.terms["minimum_loan"]

    def now() -> dict[str, Any]:
        found = {name: simulation.column(name).astype(float) for name in ("status", "limit", "late", "generation", "tenure")}
        found["balance"] = simulation.column("scheduled").astype(float) + simulation.column("overdue")
        found["line"] = np.where(found["status"] < CLOSED, found["limit"], 0.0)
        return found

    sums = "to_zero with_line back without_line paid_at_zero on_time rolled cured late_before"
    seen: dict[str, Any] = dict.fromkeys([*sums.split(), "utilisation", "lines", "late_balance", "balance"], 0.0)
    cuts, used_after = [], []
    before = now()
    for _ in range(months):
        counts = simulation.step().counts
        after = now()
        same = after["generation"] == before["generation"]
        had = (before["line"] >= least) & same
        lost = had & (after["line"] < least)
        none = (before["line"] < least) & (before["status"] != LEFT) & (before["tenure"] > 0) & same
        seen["to_zero"] += lost.sum()
        seen["with_line"] += had.sum()
        seen["back"] += (none & (after["line"] >= least)).sum()
        seen["without_line"] += none.sum()
        for name in ("paid_at_zero", "on_time"):
            seen[name] += int(counts[name].sum())
        late = (before["late"] >= 1) & (before["late"] <= 2) & same
        seen["late_before"] += late.sum()
        seen["rolled"] += (late & ((after["late"] >= 3) | (after["status"] == LEFT))).sum()
        seen["cured"] += (late & (after["late"] == 0) & (after["status"] != LEFT)).sum()
        lines = after["line"] >= least
        seen["lines"] += lines.sum()
        seen["utilisation"] += (after["balance"][lines] / after["line"][lines]).sum()
        seen["balance"] += after["balance"].sum()
        seen["late_balance"] += after["balance"][after["late"] >= 1].sum()
        cut = had & (after["status"] != LEFT) & (after["line"] < 0.95 * before["line"])
        cuts.append(1.0 - after["line"][cut] / before["line"][cut])
        kept = cut & (after["line"] > 0.0)
        used_after.append(after["balance"][kept] / after["line"][kept])
        before = after
    return {**seen, "cuts": np.concatenate(cuts), "used_after": np.concatenate(used_after)}


def table(seeds: int = SEEDS, borrowers: int = BORROWERS, **parameters: Any) -> list[tuple[Moment, float, float, float]]:
    """Each moment with its mean, lowest and highest over seeds."""
    runs = [watch(seed, borrowers, **parameters) for seed in range(seeds)]
    values = {moment: [moment.measured(seen) for seen in runs] for moment in MOMENTS}
    return [(moment, float(np.mean(found)), min(found), max(found)) for moment, found in values.items()]


def as_markdown(rows: list[tuple[Moment, float, float, float]]) -> str:
    """The table for the README."""
    lines = ["| moment | facts | data | baseline (over seeds) | over data |", "|---|---|---|---|---|"]
    for moment, mean, low, high in rows:
        lines.append(
            f"| {moment.name} | {moment.fact} | {moment.data:.3g} | {mean:.3g} ({low:.3g} to {high:.3g}) |"
            f" {moment.lies(mean):.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--borrowers", type=int, default=BORROWERS)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    changed = {name: float(value) for name, value in (one.split("=") for one in given.set)}
    print(as_markdown(table(given.seeds, given.borrowers, **changed)))
