"""Are the ordinary Mesa agents of bench/mesa_agents.py the same model? No timing counts before they are.

The same scenario over the same months and several seeds on both. Borrowers' draws differ, the economy's path is the same
for a seed (else its noise would hide everything), so the differences by seed are taken: their mean may be at most four
of its standard errors from 0. OPTIONS compares what the baseline leaves off. How small a change of the model this finds is
tested (tests/test_mesa_port.py).

    python -m bench.agreement [--borrowers 1000] [--months 12] [--seeds 20] [--engine compiled] [--options]
                              [--all]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.mesa_agents import RECORDED, Market
from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import load_scenario
from zerolimit.platform.world import World
from zerolimit.run.phases import Recorded
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import OPEN

BORROWERS, MONTHS, SEEDS = 1_000, 12, 20
STANDARD_ERRORS = 4.0

OUTCOMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "on-time payers at risk": (("at_risk",), ()),
    "on-time payers with a line": (("line_on_time",), ()),
    "zero-limit events and blocked": (("zero_limit", "blocked"), ()),
    "zero-limit events of those at risk": (("zero_at_risk",), ()),
    "principal lent (fen)": (("sum_principal",), ()),
    "open lines": (("accounts",), ("frozen", "closed")),
    "accounts in arrears": (("late_1", "late_2", "late_3"), ()),
    "drawn (fen)": (("sum_drawn",), ()),
    "loans asked for": (("asked_count",), ()),
    "lines reviewed": (("reviewed",), ()),
    "shortfalls": (("shortfalls",), ()),
    "closed and frozen lines": (("closed", "frozen"), ()),
    "events by the cutoff": (("zero_by_cutoff", "zero_by_cutoff_shift"), ()),
    "events by the trigger": (("zero_by_trigger",), ()),
    "events by the pool": (("zero_by_grant", "blocked_by_grant"), ()),
    "lines raised": (("increases",), ()),
    "lines cut by half": (("large_decreases",), ()),
    "first lines opened": (("admitted",), ()),
    "loans paid off early": (("paid_off_early",), ()),
    "sales lost (fen)": (("sum_slip_cost",), ()),
    "cuts announced": (("noticed",), ()),
    "appeals before the desk": (("appeals_pending",), ()),
    "open line (fen)": (("open_line",), ()),
    "risk score": (("risk_mean",), ()),
    "low risk score": (("risk_low",), ()),
}
"""Monthly outcomes: the counts that are added, and those that are taken off.

A binding pool pins what is lent and drawn, and a campaign that only one side calls hides the rest in noise; so they look
too at what neither decides, the scores of open lines above all.
"""

OPTIONS: dict[str, Any] = {
    "adopt": "appealing",
    "appeal_order": "score",
    "appeals_capacity": 0.001,
    "trigger_frequency": 0.5,
    "notice_months": 1,
    "adaptation_months": 3,
    "early_warning": True,
    "term_open": 0.3,
    "open_repay_rate": 0.1,
}
"""What the baseline leaves off, with appeals and policy's cuts enough to see it."""


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


def of_lines(status: Array, limit: Array, risk: Array) -> dict[str, float]:
    """What open lines look like when a month ends: the mean line, the mean score, and the score that 2 % are below."""
    here = status == OPEN
    return {
        "open_line": float(limit[here].mean()),
        "risk_mean": float(risk[here].mean()),
        "risk_low": float(np.quantile(risk[here], 0.02)),
    }


def ours_month(simulation: Simulation) -> dict[str, float]:
    """One month on our engine."""
    return {**totals(simulation.step()), **of_lines(*(simulation.column(name) for name in ("status", "limit", "risk")))}


def mesa_month(market: Market) -> dict[str, float]:
    """One month of ordinary Mesa agents."""
    market.step()
    columns = (np.array(market.agents.get(name), np.float64) for name in ("status", "limit", "risk"))
    return {**{name: float(market.seen[name]) for name in RECORDED}, **of_lines(*columns)}


def compare(
    borrowers: int = BORROWERS,
    months: int = MONTHS,
    seeds: int = SEEDS,
    engine: str = "compiled",
    *,
    everything: bool = False,
    both: dict[str, Any] | None = None,
    mesa_only: dict[str, Any] | None = None,
) -> list[Comparison]:
    """Both models over the same months; the outcomes above, or all that the Mesa port records.

    The compiled engine may stand in for the objects: they are equal bit for bit (tests). `both` are parameters other than
    the baseline's; `mesa_only` those that only the Mesa port gets, to see that the gate closes.
    """
    wanted = [*OUTCOMES, *(RECORDED if everything else ())]
    scenario = load_scenario("baseline", borrowers=borrowers, **(both or {}))
    ours, mesa = np.empty((len(wanted), seeds)), np.empty((len(wanted), seeds))
    for seed in range(seeds):
        simulation = Simulation(scenario, seed, engine=engine, threads=1)
        market = Market(scenario, rng=1_000 + seed, **(mesa_only or {}))
        market.world = World(seed)
        months_of_ours = [ours_month(simulation) for _ in range(months)]
        months_of_mesa = [mesa_month(market) for _ in range(months)]
        for k, outcome in enumerate(wanted):
            ours[k, seed] = np.mean([monthly(counts, outcome) for counts in months_of_ours])
            mesa[k, seed] = np.mean([monthly(counts, outcome) for counts in months_of_mesa])
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
    parser.add_argument("--options", action="store_true", help="compare what the baseline leaves off")
    parser.add_argument("--all", action="store_true", help="compare everything that the Mesa port records")
    given = parser.parse_args()
    both = OPTIONS if given.options else {}
    found = compare(given.borrowers, given.months, given.seeds, given.engine, everything=given.all, both=both)
    show(found, f"{given.engine} engine and Mesa, {given.borrowers:,} borrowers, {given.months} months, {given.seeds} seeds")
    return 0 if all(one.agrees for one in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
