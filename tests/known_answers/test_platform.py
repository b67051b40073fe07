"""What the platform computes between its questions to an engine: plain functions on one world, with answers by hand."""

import pytest
from docs.declarations import imports

from zerolimit.basics.errors import BadDeclaration
from zerolimit.parameters.scenario import load_scenario
from zerolimit.platform.costs import charge
from zerolimit.platform.declared import on_one_world
from zerolimit.platform.shares import exact
from zerolimit.platform.steps import ROOMS, STEPS, source
from zerolimit.platform.tightness import announce, call_campaign
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.world_fields import DRAWS, NO_END, RECORDED, WORLD, WORLD_FIELDS

RULES = tuple(dict.fromkeys(rule for some in STEPS.values() for rule in some))
CALM = {"macro": 0.0, "loss_rate": 0.0, "event_tightness": 0.0, "event_cutoff_shift": 0.0}
CALM |= {"event_funding_stress": 0.0}
CALM |= {"event_person_cap": 0.0, "event_person_cap_income": 0.0}


def test_tightness_adds_up_and_stays_within_0_and_1() -> None:
    given = {"base_tightness": 0.1, "macro_tightness": 0.5, "loss_tightness": 0.2, "loss_norm": 0.04, "cutoff_gain": 100.0}
    scenario = load_scenario("defaults", stress_gain=2.0, slump_demand=0.5, **given)
    found = announce.of(scenario, {**CALM, "macro": -0.2, "loss_rate": 0.06, "event_tightness": 0.1})
    assert found["tightness"] == pytest.approx(0.1 + 0.1 + 0.5 * 0.2 + 0.2 * 0.5)
    stressed = announce.of(scenario.change(funding_tightness=0.8), {**CALM, "event_funding_stress": 0.5})
    assert (stressed["tightness"], stressed["stress"], stressed["demand"]) == (pytest.approx(0.1 + 0.8 * 0.5), 1.0, 1.0)
    assert (found["slump"], found["stress"], found["demand"]) == (0.2, 1.4, 0.9)
    assert found["cutoff_shift"] == 100.0 * found["tightness"]
    assert found["person_cap"] == NO_CAP
    for event, tightness in ((5.0, 1.0), (-5.0, 0.0)):
        assert announce.of(scenario, {**CALM, "event_tightness": event})["tightness"] == tightness
    assert announce.of(scenario, {**CALM, "event_person_cap": 300.25})["person_cap"] == 30_025.0


@pytest.mark.parametrize(
    ("change", "called"),
    [
        ({}, False),
        ({"tightness": 0.5}, True),
        ({"tightness": 0.49}, False),
        ({"pool": 899}, True),
        ({"pool": 900}, False),
        ({"pool": 899, "month": 0}, False),
        ({"overrun": 1}, True),
        ({"overrun": 1, "pool": NO_END, "pool_before": NO_END}, False),
    ],
)
def test_a_campaign_is_called_by_a_rise_a_fall_or_an_overrun(change: dict[str, object], called: bool) -> None:
    """Tightness at least 0.25 above its low of 0.25; a pool more than a tenth below its peak of 1,000 fen."""
    scenario = load_scenario("defaults", campaign_rise=0.25, campaign_share=0.5)
    fields = {"month": 3, "tightness": 0.3, "tightness_low": 0.25, "pool": 1_000, "pool_before": 1_000}
    fields |= {"pool_peak": 1_000, "overrun": 0, "fall_share": exact(0.1), **change}
    found = call_campaign.of(scenario, fields)
    assert (found["campaign"] > 0.0) is called
    wanted = (fields["tightness"], max(0, fields["pool"])) if called else (0.25, 1_000)
    assert (found["tightness_low"], found["pool_peak"]) == wanted


def test_costs_are_counts_times_prices() -> None:
    prices = {"review_cost": 0.5, "notice_cost": 0.2, "appeal_cost": 30.0}
    prices |= {"acquisition_cost": 50.0, "servicing_cost": 1.5, "collection_cost": 20.0}
    counted = {"reviewed": 7, "decreases": 3, "warned": 2, "noticed": 1, "appeals_heard": 4}
    counted |= {"opened": 6, "serviced": 100, "chased": 8}
    fields = {"pool": 1_000_000, "principal": 400_000, "funding_price": exact(0.06 / 12), **counted}
    found = charge.of(load_scenario("defaults", reasons_sent=True, **prices), fields)
    assert list(found.values()) == [5_000, 350, 60, 40, 20, 12_000, 30_000, 15_000, 16_000, 78_470]
    assert charge.of(load_scenario("defaults", reasons_sent=False, **prices), fields)["reason_costs"] == 0
    unlimited = charge.of(load_scenario("defaults", **prices), {**fields, "pool": NO_END})
    assert unlimited["funding_costs"] == 2_000


def test_every_field_of_a_world_is_declared_once_and_used() -> None:
    assert len(WORLD_FIELDS) == len(WORLD)
    computed = {name for rule in RULES for name in (*rule.reads, *rule.writes)} - {"terms"}
    kept = {*BEGINNINGS, *IN_BALANCE, *RECORDED, *DRAWS, "event_target_age", "event_target_income"}
    assert computed | kept == set(WORLD_FIELDS)


BEGINNINGS = {"first_capital", "first_own", "first_partners", "first_pool"}
IN_BALANCE = {"owed", "kept", "lent", "served", "granted_on_appeal", "requested"}


def test_the_loops_over_worlds_can_be_read() -> None:
    """Each function is called once in each step that it belongs to, with what it declares."""
    text = source()
    for step, rules in STEPS.items():
        lines = text.partition(f"def {step}(")[2].partition("\n\n")[0]
        assert [
            line.split(" = ")[1].partition("(")[0]
            for line in lines.splitlines()
            if line.strip().endswith(")") and line.split(" = ")[1].partition("(")[0] in {rule.name for rule in rules}
        ] == [rule.name for rule in rules]


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadDeclaration, match="mistaken: 'tightnes' is no field of a world; did you mean 'tightness'"):

        @on_one_world("slump")
        def mistaken(tightnes: float) -> tuple[float]:
            return (tightnes,)


def test_an_edit_of_whatever_the_loops_are_made_of_compiles_them_anew() -> None:
    """Also of constants that a function takes from elsewhere, as the places of the choices of macro_model."""
    found, left = set(), [rule.function.__module__.removeprefix("zerolimit.") for rule in RULES]
    known = imports()
    while left:
        module = left.pop()
        if module not in found:
            found.add(module)
            left += known[module][0]
    assert {module.partition(".")[0] for module in found} <= {*ROOMS, "zerolimit"}
