"""Are the ordinary Mesa agents of bench/mesa_agents.py the same model? No timing counts before they are.

The same scenario over the same months and several seeds on both. Borrowers' draws differ, the economy's path is the same
for a seed (else its noise would hide everything), so the differences by seed are taken: their mean may be at most four
of its standard errors from 0. How small a change of the model this finds is tested (tests/test_mesa_port.py).

    python -m bench.agreement [--borrowers 1000] [--months 12] [--seeds 20] [--engine compiled] [--all]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.mesa_agents import RECORDED, Market
from zerolimit.scenario import load_scenario
from zerolimit.simulation import Recorded, Simulation
from zerolimit.world import World

BORROWERS, MONTHS, SEEDS = 1_000, 12, 20
STANDARD_ERRORS = 4.0

OUTCOMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "on-time payers at risk": (("at_risk",), ()),
    "zero-limit events and blocked": (("zero_limit", "blocked"), ()),
    "principal lent (fen)": (("sum_principal",), ()),
    "open lines": (("accounts",), ("frozen", "closed")),
    "accounts in arrears": (("late_1", "late_2", "late_3"), ()),
    "drawn (fen)": (("sum_drawn",), ()),
    "loans asked for": (("asked_count",), ()),
    "lines reviewed": (("reviewed",), ()),
    "shortfalls": (("shortfalls",), ()),
}
"""Monthly outcomes: the counts that are added, and those that are taken off.

Six would do; but a binding pool pins what is lent and drawn, so the last three look at what the pool does not decide.
"""


@dataclass(frozen=True)
class Comparison:
    """One outcome, as a mean over months and seeds, on both."""

    outcome: str
    ours: float
    mesa: float
    error: float
    """Standard error of the mean difference by seed."""

    @property
    def distance(self) -> float:
        """The difference in standard errors."""
        if self.error == 0.0:
            return 0.0 if self.ours == self.mesa else float("inf")
        return abs(self.ours - self.mesa) / self.error

    @property
    def agrees(self) -> bool:
        return self.distance <= STANDARD_ERRORS


def monthly(counts: dict[str, float], outcome: str) -> float:
    """One outcome of one month from its counts."""
    added, taken = OUTCOMES.get(outcome, ((outcome,), ()))
    return sum(counts[name] for name in added) - sum(counts[name] for name in taken)


def totals(recorded: Recorded) -> dict[str, float]:
    """Counts over all cells."""
    return {name: float(cells.sum()) for name, cells in recorded.counts.items()}


def compare(
    borrowers: int = BORROWERS,
    months: int = MONTHS,
    seeds: int = SEEDS,
    engine: str = "compiled",
    *,
    everything: bool = False,
    mesa_only: dict[str, Any] | None = None,
) -> list[Comparison]:
    """Both models over the same months; the outcomes above, or all that the Mesa port records.

    The compiled engine may stand in for the objects: they are equal bit for bit (tests). `mesa_only` are parameters that
    only the Mesa port gets, to see that the gate closes.
    """
    wanted = [*OUTCOMES, *(RECORDED if everything else ())]
    scenario = load_scenario("baseline", borrowers=borrowers)
    ours, mesa = np.empty((len(wanted), seeds)), np.empty((len(wanted), seeds))
    for seed in range(seeds):
        simulation = Simulation(scenario, seed, engine=engine, threads=1).run(months)
        history = [totals(recorded) for recorded in simulation.history]
        market = Market(scenario, rng=1_000 + seed, **(mesa_only or {}))
        market.world = World(seed)
        for _ in range(months):
            market.step()
        frame = market.datacollector.get_model_vars_dataframe()
        for k, outcome in enumerate(wanted):
            ours[k, seed] = np.mean([monthly(counts, outcome) for counts in history])
            mesa[k, seed] = np.mean([monthly(row, outcome) for row in frame.to_dict("records")])
    errors = (ours - mesa).std(axis=1, ddof=1) / np.sqrt(seeds)
    columns = (wanted, ours.mean(axis=1).tolist(), mesa.mean(axis=1).tolist(), errors.tolist())
    return [Comparison(*row) for row in zip(*columns, strict=True)]


def show(comparisons: list[Comparison], title: str) -> None:
    """The table on screen."""
    from rich.console import Console
    from rich.table import Table

    table = Table("outcome a month", title=title)
    for name in ("ours", "ordinary Mesa agents", "standard errors apart", "agrees"):
        table.add_column(name, justify="right")
    for one in comparisons:
        table.add_row(
            one.outcome, f"{one.ours:,.1f}", f"{one.mesa:,.1f}", f"{one.distance:.1f}", "yes" if one.agrees else "NO"
        )
    Console().print(table)


def main() -> int:
    """Prints the table; 1 when an outcome disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--borrowers", type=int, default=BORROWERS)
    parser.add_argument("--months", type=int, default=MONTHS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--engine", choices=("objects", "compiled"), default="compiled")
    parser.add_argument("--all", action="store_true", help="compare everything that the Mesa port records")
    given = parser.parse_args()
    found = compare(given.borrowers, given.months, given.seeds, given.engine, everything=given.all)
    show(found, f"{given.engine} engine and Mesa, {given.borrowers:,} borrowers, {given.months} months, {given.seeds} seeds")
    return 0 if all(one.agrees for one in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
