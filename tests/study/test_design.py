"""The points of every design, exactly."""

import math
from typing import Any

import numpy as np
import pytest

from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.study.definition import read_study
from zerolimit.study.design import Factor


def points(**settings: Any) -> list[dict[str, Any]]:
    return list(read_study({"borrowers": 50, **settings}).points)


def test_a_grid_is_every_combination_the_last_factor_fastest() -> None:
    found = points(vary={"pool_share": [0.2, 0.4], "campaign_order": ["risk", "target"]})
    assert found == [
        {"pool_share": 0.2, "campaign_order": "risk"},
        {"pool_share": 0.2, "campaign_order": "target"},
        {"pool_share": 0.4, "campaign_order": "risk"},
        {"pool_share": 0.4, "campaign_order": "target"},
    ]


def test_steps_are_even_on_their_scale_with_both_ends() -> None:
    found = points(vary={"pool_share": {"from": 0.1, "to": 0.5, "steps": 5}})
    assert [one["pool_share"] for one in found] == [0.1, 0.2, 0.3, 0.4, 0.5]
    found = points(vary={"lgd": {"from": 0.01, "to": 1, "steps": 3, "scale": "log"}})
    assert [one["lgd"] for one in found] == [0.01, 0.1, 1.0]
    found = points(vary={"notice_months": {"from": 0, "to": 6, "steps": 3}})
    assert [one["notice_months"] for one in found] == [0, 3, 6]
    assert all(type(one["notice_months"]) is int for one in found)


def test_names_and_switches_vary_over_all_that_is_declared() -> None:
    assert [one["allocation"] for one in points(vary={"allocation": {}})] == list(ALLOCATIONS)
    assert [one["reasons_sent"] for one in points(vary={"reasons_sent": {}})] == [False, True]


def test_one_at_a_time_is_the_scenario_and_then_each_level_alone() -> None:
    found = points(design="one_at_a_time", vary={"lgd": [0.5, 0.8], "gamma": [0.1], "pool_share@6": [0.2]})
    start = {"lgd": 0.8, "gamma": 0.0, "pool_share@6": None}
    assert found == [start, {**start, "lgd": 0.5}, {**start, "gamma": 0.1}, {**start, "pool_share@6": 0.2}]


def test_a_list_leaves_what_it_does_not_say_as_the_scenario_has_it() -> None:
    found = points(design="list", points=[{"name": "a"}, {"name": "b", "lgd": 1, "gamma@3": 0.5}])
    assert found == [
        {"name": "a", "lgd": 0.8, "gamma@3": None},
        {"name": "b", "lgd": 1.0, "gamma@3": 0.5},
    ]
    assert type(found[1]["lgd"]) is float


def test_a_latin_hypercube_has_one_point_in_each_slice_of_each_factor() -> None:
    design = read_study({"design": "latin", "samples": 20, "vary": {"lgd": {}, "gamma": {}, "mend": {}}}).design
    assert design.units is not None
    assert np.array_equal(np.sort(np.floor(design.units * 20), axis=0), np.tile(np.arange(20.0)[:, None], 3))


def test_sobol_points_are_saltellis_blocks() -> None:
    """A, then A with one column of B for each factor, then B: SALib's order for each of the N rows."""
    design = read_study({"design": "sobol", "samples": 8, "vary": {"lgd": {}, "gamma": {}, "mend": {}}}).design
    assert design.units is not None
    assert design.units.shape == (8 * 5, 3)
    for block in design.units.reshape(8, 5, 3):
        first, *mixed, last = block
        for k, row in enumerate(mixed):
            assert row[k] == last[k]
            assert np.array_equal(np.delete(row, k), np.delete(first, k))


def test_morris_trajectories_move_one_factor_at_a_time_by_two_thirds() -> None:
    design = read_study({"design": "morris", "samples": 6, "vary": {"lgd": {}, "gamma": {}, "mend": {}}}).design
    assert design.units is not None
    steps = np.diff(design.units.reshape(6, 4, 3), axis=1)
    assert np.all((steps != 0).sum(axis=2) == 1)
    assert np.allclose(np.abs(steps).sum(axis=2), 2 / 3)
    assert np.all((steps != 0).sum(axis=1) == 1)


def test_a_design_is_the_same_again_and_another_with_another_seed() -> None:
    wish: dict[str, Any] = {"design": "sobol", "samples": 4, "vary": {"lgd": {}, "gamma": {}}}
    assert points(**wish) == points(**wish)
    assert points(**wish) != points(**wish, design_seed=2)


def test_whole_numbers_and_names_take_equal_shares_of_the_unit_interval() -> None:
    u = (np.arange(12_000) + 0.5) / 12_000
    whole = [Factor("notice_months", low=1, high=4).at(float(one)) for one in u]
    assert np.bincount(whole).tolist() == [0, 3000, 3000, 3000, 3000]
    named = [Factor("campaign_order", ("risk", "target")).at(float(one)) for one in u]
    assert named.count("risk") == 6000
    assert Factor("notice_months", low=1, high=4).at(1.0) == 4


def test_a_log_scale_spreads_evenly_in_the_logarithm() -> None:
    factor = Factor("lgd", low=0.01, high=1.0, scale="log")
    assert factor.at(0.0) == pytest.approx(0.01, rel=1e-12)
    assert factor.at(0.5) == pytest.approx(0.1, rel=1e-12)
    assert math.isclose(factor.at(1.0), 1.0)


def test_the_declared_bounds_are_the_span_where_none_is_given() -> None:
    design = read_study({"design": "latin", "samples": 2, "vary": {"cutoff": {}}}).design
    assert (design.factors[0].low, design.factors[0].high, design.factors[0].unit) == (350.0, 950.0, "points")


def test_points_share_their_seeds_unless_told_otherwise() -> None:
    paired = read_study({"vary": {"lgd": [0.5, 0.6]}, "replications": 3, "seed": 7})
    assert [(one.point, one.replication, one.seed) for one in paired.tasks()] == [
        (0, 0, 7), (1, 0, 7), (0, 1, 8), (1, 1, 8), (0, 2, 9), (1, 2, 9),
    ]  # fmt: skip
    apart = read_study({"vary": {"lgd": [0.5, 0.6]}, "replications": 3, "seed": 7, "paired": False})
    assert len({one.seed for one in apart.tasks()}) == 6


def test_a_point_that_is_repeated_is_run_once() -> None:
    study = read_study({"design": "list", "points": [{"lgd": 0.5}, {"lgd": 0.6}, {"lgd": 0.5}], "replications": 2})
    assert [one.point for one in study.tasks()] == [0, 1, 0, 1]
    assert study.run_hash(0, 1) == study.run_hash(2, 1)


def test_a_run_keeps_its_hash_and_changes_it_with_what_it_is() -> None:
    first = read_study({"vary": {"lgd": [0.5]}})
    assert first.run_hash(0, 0) == read_study({"vary": {"lgd": [0.4, 0.5]}, "replications": 9}).run_hash(1, 0)
    others = [
        {"months": 35},
        {"burn_in": 1},
        {"by": ["month"]},
        {"seed": 2},
        {"set": {"gamma": 0.1}},
        {"outcomes": ["blocked"]},
    ]
    hashes = {read_study({"vary": {"lgd": [0.5]}, **other}).run_hash(0, 0) for other in others}
    assert len({first.run_hash(0, 0), *hashes}) == 1 + len(others)


def test_the_scenarios_name_is_no_part_of_what_a_run_is() -> None:
    named = load_scenario("defaults", name="another")
    assert (
        read_study({"vary": {"lgd": [0.5]}}).identity["scenario"]
        == read_study({"vary": {"lgd": [0.5]}, "set": {"name": named.name}}).identity["scenario"]
    )
