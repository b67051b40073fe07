"""What parameters must hold together: one table for checks, schema, documents and the generator of scenarios."""

import tomllib
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.parameters.constraints import Clash, constraints_on, mended
from zerolimit.parameters.declarations import CALENDAR_KINDS, CONSTRAINTS, DEFAULTS, bounds
from zerolimit.parameters.scenario import Scenario, load_scenario, presets, schema
from zerolimit.testing import Where, draw_scenario
from zerolimit.testing.scenarios import AT_MOST

WAYS: tuple[Where, ...] = get_args(Where)

WRONG: dict[str, dict[str, Any]] = {
    "share_gig + share_owner must be at most 1 together, not 1.2": {"share_gig": 0.6, "share_owner": 0.6},
    "follow_restraint + follow_planning + follow_monitoring + follow_appealing + follow_diversifying must be at most 1 "
    "together, not 1.305": {"follow_planning": 1.0},
    "share_transactor + share_revolver + share_maxed + share_inactive must be at most 1 together, not 1.2": {
        "share_revolver": 0.6,
        "share_maxed": 0.6,
    },
    "term_3 + term_6 must be at most 1 together, not 1.25": {"term_3": 1.0},
    "menu_balance + menu_step + menu_close must be at most 1 together, not 1.4": {"menu_balance": 1.0},
    "unused_share + high_use_share must be at most 1 together, not 1.28": {"unused_share": 1.0},
    "position_segment + position_age + position_income must be at most 1 together, not 1.7": {"position_segment": 1.0},
    "cure_1 + hold_1 must be at most 1 together, not 1.25": {"cure_1": 1.0},
    "cure_2 + step_2 + hold_2 must be at most 1 together, not 1.55": {"cure_2": 1.0},
    "cure_3 + step_3 + hold_3 must be at most 1 together, not 1.15": {"cure_3": 1.0},
    "zhima_history, zhima_identity, zhima_connections, zhima_behaviour, zhima_capacity must sum to 1, not 1.65": {
        "zhima_history": 1.0
    },
    "line_low (2) must not exceed line_high (1)": {"line_low": 2},
    "first_smallest (500000) must not exceed first_largest (300000)": {"first_smallest": 500_000},
    "planned_use_low (0.9) must not exceed planned_use_high (0.6)": {"planned_use_low": 0.9},
    "pool_share and pool_yuan both given: the pool's size is one or the other": {"pool_share": 0.5, "pool_yuan": 1e6},
    "pool_share or pool_yuan is needed: the pool's size is one of them": {"pool_share": None},
    "term_open above 0 needs open_repay_rate above 0, or open loans never end": {"term_open": 0.5},
    "macro_model 'series' needs macro, the series itself": {"macro_model": "series"},
    "macro and macro_model 'regimes' both given: a series is no model; leave one out": {
        "macro_model": "regimes",
        "macro": [{"month": 0, "macro": 0.1}],
    },
    "calendar and macro both say funding_stress: it is the macro series' column or items of the calendar; leave one out": {
        "calendar": [{"month": 2, "kind": "funding_stress", "value": 0.4}],
        "macro": [{"month": 0, "macro": 0.1, "funding_stress": 0.2}],
        "macro_model": "series",
    },
    "acquaintances must be even when network is small_world, not 5": {"network": "small_world", "acquaintances": 5},
    "acquaintances (6) must be below borrowers (6)": {"network": "sector_blocks", "borrowers": 6},
    "network 'file' needs network_file, the file of ties": {"network": "file"},
    "network_file and network 'ring' both given: ties are read when network is 'file'": {"network_file": "ties.csv"},
}
"""Message -> what provokes it: one for each constraint, in the table's order."""


def test_each_constraint_has_its_case() -> None:
    provoked = [next(one for one in CONSTRAINTS if one.wrong(DEFAULTS | given)) for given in WRONG.values()]
    assert provoked == list(CONSTRAINTS)


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_hold_together_is_said_in_one_line(message: str) -> None:
    with pytest.raises(BadInput) as caught:
        load_scenario({"base": "defaults"} | WRONG[message])
    assert str(caught.value) == f"scenario: {message}"


@pytest.mark.parametrize("preset", presets())
def test_the_defaults_and_presets_hold_together(preset: str) -> None:
    assert [one.says for one in CONSTRAINTS if one.wrong(vars(load_scenario(preset)))] == []


def test_families_take_in_every_parameter_of_their_name() -> None:
    wider = constraints_on([*DEFAULTS, "follow_saving", "step_1", "zhima_wealth"])
    named = {name for one in wider for name in one.parameters}
    assert {"follow_saving", "step_1", "zhima_wealth"} <= named


def test_the_given_one_of_two_replaces_the_other() -> None:
    assert load_scenario({"pool_yuan": 1e6}).pool_share is None
    assert load_scenario({"pool_yuan": 1e6}).change(pool_share=0.5).pool_yuan is None
    series = load_scenario({"macro": [{"month": 0, "macro": 0.1}]})
    assert series.macro_model == "series"
    assert series.change(macro_model="regimes").macro == ()
    assert load_scenario(macro_model="regimes").change(macro=[{"month": 0, "macro": 0.1}]).macro_model == "series"


@pytest.mark.parametrize("given", WRONG.values(), ids=[one.says for one in CONSTRAINTS])
def test_what_does_not_hold_is_mended_with_any_one_of_its_parameters_fixed(given: dict[str, Any]) -> None:
    values = DEFAULTS | given
    one = next(one for one in CONSTRAINTS if one.wrong(values))
    for fixed in [(), *((name,) for name in one.parameters if values[name] != "file" and name != "network_file")]:
        for seed in range(5):
            found = mended(CONSTRAINTS, values, fixed, Random(seed))
            assert [one.says for one in CONSTRAINTS if one.wrong(found)] == []
            assert all(found[name] == values[name] for name in fixed)
            changed = {name for name in found if found[name] != values[name]}
            assert changed, fixed
            assert changed <= set(one.parameters)


# schema


def test_the_schema_lists_every_constraint_and_expresses_every_clash() -> None:
    found = schema()
    assert [one["description"] for one in found["x-constraints"]] == [one.says for one in CONSTRAINTS]
    assert len(found["allOf"]) == sum(isinstance(one, Clash) for one in CONSTRAINTS)


def refused(file: dict[str, Any]) -> list[str]:
    """What the schema says against a scenario file's table."""
    jsonschema = pytest.importorskip("jsonschema")
    return [error.message for error in jsonschema.Draft202012Validator(schema()).iter_errors(file)]


@pytest.mark.parametrize("given", WRONG.values(), ids=[one.says for one in CONSTRAINTS])
def test_the_schema_refuses_a_file_with_a_clash(given: dict[str, Any]) -> None:
    clash = isinstance(next(one for one in CONSTRAINTS if one.wrong(DEFAULTS | given)), Clash)
    assert bool(refused(given)) == clash


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"pool_yuan": 1e6},
        {"base": "loss-system", "term_open": 0.5},
        {"macro_model": "series", "macro_file": "index.csv"},
        {"macro": [{"month": 0, "macro": 0.1}]},
        {"base": "jiebei-2018", "acquaintances": 5},
        {"network": "file", "network_file": "ties.csv"},
    ],
)
def test_the_schema_leaves_alone_what_a_file_may_say(file: dict[str, Any]) -> None:
    assert refused(file) == []


@pytest.mark.parametrize("preset", presets().values(), ids=list(presets()))
def test_presets_obey_the_schema(preset: Path) -> None:
    assert refused(tomllib.loads(preset.read_text(encoding="utf-8"))) == []


# scenarios at random


@pytest.mark.parametrize("where", WAYS)
def test_drawn_scenarios_are_valid_and_obey_the_schema(where: Where) -> None:
    """Each as drawn; some as the table of a file, a few written as one."""
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    for seed in range(100):
        found = draw_scenario(seed, where)
        assert [one.says for one in CONSTRAINTS if one.wrong(vars(found))] == []
        if seed % 20 == 0:
            assert Scenario.model_validate(dict(found)) == found
            file = found.model_dump(mode="json", exclude_none=True) if seed % 50 else tomllib.loads(found.toml())
            assert [error.message for error in validator.iter_errors(file)] == []


@pytest.mark.parametrize("where", WAYS)
def test_the_same_seed_draws_the_same_scenario_and_what_is_given_stays(where: Where) -> None:
    one = draw_scenario(5, where)
    assert draw_scenario(5, where) == one
    assert draw_scenario(6, where) != one
    assert draw_scenario(Random(5), where) == draw_scenario(Random(5), where)
    other = draw_scenario(5, where, borrowers=40, first_smallest=5_000.0)
    assert (other.borrowers, other.first_smallest) == (40, 5_000.0)
    moved = {name for name in Scenario.model_fields if getattr(one, name) != getattr(other, name)}
    assert moved <= {"borrowers", "first_smallest", "first_largest", "acquaintances"}


def test_draws_reach_every_parameter_and_corners_are_corners() -> None:
    for where in WAYS:
        drawn = [draw_scenario(seed, where) for seed in range(40)]
        stay = {name for name in Scenario.model_fields if len({str(getattr(one, name)) for one in drawn}) == 1}
        assert stay == {"name", "description", "network_file"}
    numbers = [name for name in Scenario.model_fields if bounds(name)[0] is not None]
    mended = {name for one in CONSTRAINTS for name in one.parameters} | set(AT_MOST)
    for seed in range(20):
        found = draw_scenario(seed, "corners")
        inside = {name for name in numbers if getattr(found, name) not in (*bounds(name), None)}
        assert inside <= mended


def test_every_kind_of_event_is_drawn() -> None:
    kinds = {event.kind for seed in range(20) for event in draw_scenario(seed, "inside").calendar}
    assert kinds == set(CALENDAR_KINDS)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"where": "corner"},
            "draw_scenario: where: 'corner' is not one of inside, corners, mixed; did you mean 'corners'?",
        ),
        ({"lgdd": 0.5}, "draw_scenario: unknown parameter 'lgdd'; did you mean 'lgd'?"),
        ({"lgd": 5}, "draw_scenario: lgd: input should be less than or equal to 1, not 5 (allowed: 0 to 1 share)"),
        ({"acquaintances": "many", "network": "ring"}, "draw_scenario: acquaintances: a number is needed, not 'many'"),
        (
            {"share_gig": 0.8, "share_owner": 0.8},
            "draw_scenario: share_gig + share_owner must be at most 1 together, not 1.6",
        ),
        ({"network": "file"}, "draw_scenario: network 'file' needs network_file, the file of ties"),
        ({"seed": -1}, "seed must lie from 0 to 2^64 - 1, not -1"),
    ],
)
def test_what_no_scenario_can_have_is_said(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        draw_scenario(**{"seed": 1, **asked})
    assert str(caught.value).startswith(message)
