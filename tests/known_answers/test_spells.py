"""Account-months without a line are the overlap of the spells with a window, to the month: stock and flow are one thing."""

from itertools import combinations

import numpy as np
import pytest

from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import load_scenario
from zerolimit.results.columns import values
from zerolimit.results.episodes import episode_columns
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import LEFT

MONTHS = 30


def spells(simulation: Simulation) -> Array:
    """First month and first month after, of each spell; episodes that overlap share the end of the first, and are one."""
    episodes = episode_columns(simulation.episodes.starts, simulation.episodes.ends, simulation.month)
    borrower, generation, start, duration = (
        values(episodes, name).astype(int) for name in ("borrower", "generation", "month", "duration")
    )
    first: dict[tuple[int, int, int], int] = {}
    for *who, begun, end in zip(borrower, generation, start, start + duration, strict=True):
        key = (*who, end)
        first[key] = min(first.get(key, begun), begun)
    return np.array([[begun, key[-1]] for key, begun in first.items()])


@pytest.mark.parametrize("preset", ["defaults", "baseline", "jiebei-2020"])
def test_account_months_without_a_line_are_the_overlap_of_the_spells_with_the_window(preset: str) -> None:
    simulation = Simulation(load_scenario(preset, borrowers=2_000, warm_up_months=0), 1, engine="compiled", threads=1)
    stock = []
    for _ in range(MONTHS):
        simulation.step()
        there = simulation.column("status") != LEFT
        stock.append(int((there & (simulation.column("event") > 0) & (simulation.column("without_line") > 0)).sum()))
    start, end = spells(simulation).T
    assert len(start) > 300
    assert (end < MONTHS).sum() > 100
    for first, after in combinations(range(MONTHS + 1), 2):
        overlap = np.maximum(0, np.minimum(end, after) - np.maximum(start, first)).sum()
        assert overlap == sum(stock[first:after])
