"""A world of a batch is the same world run alone, bit for bit; what goes wrong in one is its own."""

from random import Random
from typing import Any

import numpy as np
import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.rules.rule import rule
from zerolimit.run.batch import Batch
from zerolimit.run.simulation import Simulation
from zerolimit.testing.engines import BUSY, same
from zerolimit.testing.scenarios import draw_scenario

MONTHS = 8
MOST = {"objects": 50, "compiled": 1_200}
"""Borrowers of a world at most."""


def mixed(seed: int, count: int, most: int) -> list[tuple[Scenario, int]]:
    """Presets and drawn scenarios of any size, with mechanisms off, other allocations, calendars and rings."""
    rng, found = Random(seed), []
    for k in range(count):
        size = rng.randint(1, most)
        if k % 3 == 0:
            scenario = draw_scenario(rng, where="mixed", borrowers=size, network="ring", warm_up_months=0)
        else:
            changes: dict[str, Any] = dict(BUSY) if k % 2 else {}
            changes["allocation"] = rng.choice([*ALLOCATIONS])
            changes["off"] = rng.choice([(), ("scarcity",), ("positioning",)])
            changes["skip_refused"] = rng.random() < 0.3
            changes["appeal_order"] = rng.choice(["waiting", "score", "lottery"])
            preset = rng.choice(["defaults", "jiebei-2018", "jiebei-2020", "loss-system"])
            scenario = load_scenario(preset, borrowers=size, warm_up_months=0, **changes)
        found.append((scenario, rng.randrange(2**64)))
    return found


def alone(scenario: Scenario, seed: int, engine: str) -> Simulation | str:
    """A world by itself, or in what it ended."""
    try:
        return Simulation(scenario, seed, engine=engine, threads=1).run(MONTHS)
    except (BadInput, ArithmeticError) as error:
        return str(error)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_worlds_of_a_batch_are_as_they_are_alone_in_any_order(engine: str, threads: int) -> None:
    worlds = mixed(threads, 9, MOST[engine])
    wanted = [alone(scenario, seed, engine) for scenario, seed in worlds]
    for order in (range(9), [4, 8, 0, 2], [7]):
        batch = Batch.begin([worlds[k] for k in order], engine=engine, threads=threads).run(MONTHS)
        assert len(batch.sets) <= 1, "one set of columns for all"
        for number, k in enumerate(order):
            what = f"{engine}, world {k} as number {number}"
            found, one = batch.worlds.get(number), wanted[k]
            if isinstance(one, str) or found is None:
                assert str(batch.failures.get(number)) == one, what
            else:
                same(found, one, what)


@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_worlds_that_were_begun_alone_go_on_together_and_change_on_the_way(engine: str) -> None:
    worlds = [(one.change(pool_rule="fixed"), seed) for one, seed in mixed(5, 4, MOST[engine] // 2)]
    begun = [Simulation(scenario, seed, engine=engine, threads=1).run(3) for scenario, seed in worlds]
    again = [one.copy() for one in begun]
    batch = Batch.of(again)
    batch.worlds[1].change(base_tightness=0.7)
    batch.run(3)
    begun[1].change(base_tightness=0.7)
    for number, one in enumerate(begun):
        same(batch.worlds[number], one.run(3), f"{engine}, world {number}")


def test_a_world_of_a_batch_can_be_copied_and_go_on_alone() -> None:
    batch = Batch.begin(mixed(8, 4, 40), engine="objects").run(3)
    branch = batch.worlds[2].copy().run(2)
    batch.run(2)
    same(branch, batch.worlds[2], "the branch")


@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_a_world_that_fails_is_left_behind_with_its_error_and_the_others_go_on(engine: str) -> None:
    doubling = [{"month": 0, "kind": "funding_growth", "value": 1.0}]
    growing = load_scenario("defaults", borrowers=40, pool_yuan=1e13, calendar=doubling)
    ordinary = load_scenario("defaults", borrowers=60, **BUSY)
    batch = Batch.begin([(ordinary, 1), (growing, 2), (ordinary, 3)], engine=engine, threads=1).run(MONTHS)
    assert sorted(batch.worlds) == [0, 2]
    assert "calendar, month 6: pool" in str(batch.failures[1])
    for number, seed in ((0, 1), (2, 3)):
        same(batch.worlds[number], Simulation(ordinary, seed, engine=engine).run(MONTHS), f"{engine}, world {number}")


def test_a_rule_that_lies_in_one_world_fails_there_alone() -> None:
    @rule("cash", after="spend")
    def lavish(cash: float, terms: Any) -> float:
        return cash if terms.entry_rate < 0.9 else 0.5

    worlds = [(load_scenario("defaults", borrowers=30, entry_rate=rate), 1) for rate in (0.1, 0.95, 0.2)]
    batch = Batch.begin(worlds, engine="objects", rules=[lavish]).run(2)
    assert sorted(batch.worlds) == [0, 2]
    assert str(batch.failures[1]) == "rule lavish: cash = 0.5 is outside the storable range or not whole"
    for number in batch.worlds:
        one = Simulation(*worlds[number], engine="objects", rules=[lavish]).run(2)
        same(batch.worlds[number], one, f"world {number}")


def test_worlds_in_different_months_are_no_batch() -> None:
    one, other = (Simulation(load_scenario("defaults", borrowers=20), seed, engine="objects") for seed in (1, 2))
    with pytest.raises(BadInput, match="worlds: they are in different months"):
        Batch.of([one.run(1), other])


def test_counts_of_a_world_are_its_own_part_of_the_batch() -> None:
    batch = Batch.begin(mixed(3, 3, 30), engine="objects").run(1)
    owed = [int(np.sum(one.history[0].counts["sum_principal"])) for one in batch.worlds.values()]
    assert owed == [int(one.column("principal").sum()) for one in batch.worlds.values()]
    assert len({*owed}) == 3


@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_a_pool_that_could_grant_more_than_64_bits_hold_grants_what_is_wanted(engine: str) -> None:
    """10^15 fen over an expected use of 1 per 10,000 are 10^19."""
    vast = load_scenario("defaults", borrowers=30, pool_yuan=1e13, planned_use=0.0001, admissions=1.0)
    found = Simulation(vast, 1, engine=engine, threads=1).run(2)
    assert all(0 < month.platform["granted"] == month.platform["contended"] for month in found.history)


def test_a_world_that_was_stepped_by_itself_stops_its_batch_in_one_line() -> None:
    batch = Batch.begin(mixed(4, 3, 20), engine="objects").run(1)
    batch.worlds[1].step()
    with pytest.raises(
        BadInput, match=r"^step: a world of the batch has been run by itself; all must be in the same month$"
    ):
        batch.step()


def test_a_panel_of_a_world_of_a_batch_is_refused_and_the_others_go_on() -> None:
    batch = Batch.begin(mixed(4, 3, 20), engine="objects")
    batch.worlds[1].keep(np.arange(1))
    batch.step()
    assert (sorted(batch.worlds), str(batch.failures[1])[:5]) == ([0, 2], "keep:")


def test_a_world_without_borrowers_says_so() -> None:
    declared = Simulation(load_scenario("defaults", borrowers=20), 1, engine="objects", begin=False)
    assert "20 borrowers" in repr(declared)
    with pytest.raises(BadInput, match=r"^simulation: declared with begin=False"):
        declared.step()
