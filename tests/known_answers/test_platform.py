"""What the platform computes between its questions to an engine: plain functions on one world, with answers by hand."""

import pytest

from zerolimit.basics.errors import BadDeclaration
from zerolimit.parameters.scenario import load_scenario
from zerolimit.platform.costs import charge
from zerolimit.platform.declared import on_one_world
from zerolimit.platform.tightness import announce, call_campaign
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.world_fields import WORLD, WORLD_FIELDS

RULES = (announce, call_campaign, charge)
CALM = {"macro": 0.0, "loss_rate": 0.0, "event_tightness": 0.0, "event_cutoff_shift": 0.0}
CALM |= {"event_person_cap": 0.0, "event_person_cap_income": 0.0}


def test_tightness_adds_up_and_stays_within_0_and_1() -> None:
    given = {"base_tightness": 0.1, "macro_tightness": 0.5, "loss_tightness": 0.2, "loss_norm": 0.04, "cutoff_gain": 100.0}
    scenario = load_scenario("baseline", stress_gain=2.0, slump_demand=0.5, **given)
    found = announce.of(scenario, {**CALM, "macro": -0.2, "loss_rate": 0.06, "event_tightness": 0.1})
    assert found["tightness"] == pytest.approx(0.1 + 0.1 + 0.5 * 0.2 + 0.2 * 0.5)
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
        ({"pool_limit": 899}, True),
        ({"pool_limit": 900}, False),
        ({"pool_limit": 899, "month": 0}, False),
        ({"overrun": True}, True),
        ({"overrun": True, "pool_limit": None, "pool_limit_before": None}, False),
    ],
)
def test_a_campaign_is_called_by_a_rise_a_fall_or_an_overrun(change: dict[str, object], called: bool) -> None:
    """Tightness at least 0.25 above its low of 0.25; a pool more than a tenth below its peak of 1,000 fen."""
    scenario = load_scenario("baseline", campaign_rise=0.25, campaign_fall=0.1, campaign_share=0.5)
    fields = {"month": 3, "tightness": 0.3, "tightness_low": 0.25, "pool_limit": 1_000, "pool_limit_before": 1_000}
    fields |= {"pool_peak": 1_000, "overrun": False, **change}
    found = call_campaign.of(scenario, fields)
    assert found["called"] is called
    wanted = (fields["tightness"], fields["pool_limit"] or 0) if called else (0.25, 1_000)
    assert (found["tightness_low"], found["pool_peak"]) == wanted


def test_costs_are_counts_times_prices() -> None:
    prices = {"funding_rate": 0.06, "review_cost": 0.5, "notice_cost": 0.2, "appeal_cost": 30.0}
    counted = {"reviewed": 7, "decreases": 3, "warned": 2, "noticed": 1, "appeals_heard": 4}
    fields = {"pool_limit": 1_000_000, "principal": 400_000, **counted}
    found = charge.of(load_scenario("baseline", reasons_sent=True, **prices), fields)
    assert list(found.values()) == [5_000, 350, 60, 40, 20, 12_000]
    assert charge.of(load_scenario("baseline", reasons_sent=False, **prices), fields)["reason_costs"] == 0
    unlimited = charge.of(load_scenario("baseline", **prices), {**fields, "pool_limit": None})
    assert unlimited["funding_costs"] == 2_000


def test_every_field_of_a_world_is_declared_once_and_used() -> None:
    assert len(WORLD_FIELDS) == len(WORLD)
    assert {name for rule in RULES for name in (*rule.reads, *rule.writes)} - {"scenario"} == set(WORLD_FIELDS)


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadDeclaration, match="mistaken: 'tightnes' is no field of a world; did you mean 'tightness'"):

        @on_one_world("slump")
        def mistaken(tightnes: float) -> tuple[float]:
            return (tightnes,)
