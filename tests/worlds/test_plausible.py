"""No zero limit without one of the mechanisms that cause them."""

from typing import Any

from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.caps import CAPS
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.mechanisms import MECHANISMS

CAUSES = ("tightening", "scarcity", "trigger")


def found(off: list[str]) -> tuple[float, dict[str, int]]:
    """Zero limits a month over on-time payers at risk, and what of it each reason has, under the plain rules."""
    scenario = load_scenario("defaults", borrowers=10_000, off=off)
    simulation = Simulation(scenario, 1, engine="compiled", threads=1).run(36)

    def total(name: str) -> int:
        return sum(int(month.counts[name].sum()) for month in simulation.history)

    return total("zero_limit") / total("line_on_time"), {cap.name: total(f"zero_by_{cap.name}") for cap in CAPS}


def test_zero_limits_do_not_appear_from_nowhere() -> None:
    """Without tightening, scarcity and triggers a score that fell is left, and takes a few lines; without it none."""
    plain, _ = found([])
    without, reasons = found([*CAUSES])
    assert 0.0 < without < plain / 4.0
    blamed: dict[str, Any] = {cap.mechanism: 0 for cap in CAPS}
    for cap in CAPS:
        blamed[cap.mechanism] += reasons[cap.name]
    assert all(blamed[cause] == 0 for cause in CAUSES)
    assert reasons["cutoff"] > sum(reasons.values()) / 2
    assert found([*MECHANISMS])[0] == 0.0
