"""Any valid scenario, at random: both engines are equal, nothing leaves what columns hold, the books close every month."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from tests.worlds.test_engines_agree import assert_equal

from zerolimit.basics.errors import BadInput
from zerolimit.parameters.scenario import Scenario
from zerolimit.run.simulation import Simulation
from zerolimit.testing import Where, draw_scenario

WAYS: tuple[Where, ...] = get_args(Where)
PARTS = 20
"""Each property is cut into so many tests, which workers share."""
REFUSED = ("ties within sector", "ties between sectors", "can be counted exactly")
"""What bounds cannot say and a run refuses in a line: more ties than sectors have pairs, a pool grown too large."""


def lived(scenario: Scenario, seed: int, months: int, **how: Any) -> tuple[Simulation | None, str]:
    """A run as far as it comes, and the line with which it was refused, if it was."""
    simulation = None
    try:
        simulation = Simulation(scenario, seed, threads=1, **how)
        return simulation.run(months), ""
    except BadInput as refused:
        return simulation, str(refused)


def equal_on_both(scenario: Scenario, seed: int) -> str:
    """12 months on either engine: equal, and to the same end."""
    objects, one = lived(scenario, seed, 12, engine="objects", shuffle=seed)
    compiled, other = lived(scenario, seed, 12, engine="compiled")
    assert one == other
    if objects is not None and compiled is not None:
        assert_equal(objects, compiled)
    return one


def storable(scenario: Scenario, seed: int) -> str:
    """60 months in which the compiled engine looks at all that rules return; the ledger is closed in each."""
    simulation, refused = lived(scenario, seed, 60, engine="compiled", checks=True)
    if simulation is not None:
        simulation.close()
    return refused


def broken(holds: Callable[[Scenario, int], str], number: int, borrowers: int, part: int) -> list[str]:
    """Of every PARTS-th scenario of so many, those of which a property does not hold; most are not refused."""
    found, refusals, seeds = [], 0, range(part, number, PARTS)
    for seed in seeds:
        where = WAYS[seed % len(WAYS)]
        try:
            refused = holds(draw_scenario(seed, where, borrowers=borrowers), seed)
        except Exception as error:
            refused = f"{type(error).__name__}: {error}"
        refusals += bool(refused)
        if refused and not any(words in refused for words in REFUSED):
            found.append(f'draw_scenario({seed}, "{where}", borrowers={borrowers}): {refused}')
    assert refusals < len(seeds) / 2
    return found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_2000_scenarios_are_equal_on_both_engines(part: int) -> None:
    assert broken(equal_on_both, 2_000, 40, part) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_3000_scenarios_stay_within_what_columns_hold(part: int) -> None:
    assert broken(storable, 3_000, 300, part) == []
