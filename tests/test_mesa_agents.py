"""The ordinary Mesa agents of the benchmark run our month: else their time would mean nothing."""

import sys
from pathlib import Path

import mesa
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.mesa_agents import NAME, MesaAgents

from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation


def begun(seed: int, borrowers: int = 400) -> Simulation:
    return Simulation(load_scenario("defaults", borrowers=borrowers), seed, engine=NAME)


def test_they_are_agents_of_a_model_whose_ledger_closes() -> None:
    """The platform's balances are held against each other after each of its phases, to the fen."""
    simulation = begun(3)
    engine = simulation.engine
    assert isinstance(engine, MesaAgents)
    assert isinstance(engine.model, mesa.Model)
    assert len(engine.model.agents) == 400
    simulation.run(14)
    assert simulation.principal == sum(int(agent.scheduled + agent.overdue) for agent in engine.model.agents)


def test_the_same_seed_gives_the_same_run() -> None:
    one, other = (begun(5, 60).run(4) for _ in range(2))
    assert [month.platform for month in one.history] == [month.platform for month in other.history]


def test_they_live_as_ours_do() -> None:
    """Other draws, the same rules: means over seeds and months within four standard errors of our engine's."""
    wanted = ("accounts", "line_on_time", "reviewed", "asked_count", "zero_limit", "late_1", "sum_principal", "sum_income")
    seeds, means = 8, {}
    for name in (NAME, "compiled"):
        runs = [
            Simulation(load_scenario("defaults", borrowers=200), seed, engine=name).run(6).history for seed in range(seeds)
        ]
        means[name] = np.array([[np.mean([month.counts[one].sum() for month in run]) for one in wanted] for run in runs])
    theirs, ours = means.values()
    errors = (theirs - ours).std(axis=0, ddof=1) / np.sqrt(seeds)
    distance = np.abs(theirs.mean(axis=0) - ours.mean(axis=0)) / errors
    assert dict(zip(wanted, distance < 4.0, strict=True)) == dict.fromkeys(wanted, True)
