"""Debt after lines rise from outside: what is known of who fills a share of the line, all of it, or looks at none."""

from types import SimpleNamespace
from typing import Any

import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.run.batch import Batch
from zerolimit.validation.experiment import FOLLOWED, RISE, Rise, rise
from zerolimit.validation.measures import MEASURES
from zerolimit.validation.seen import watch
from zerolimit.vocabulary.mechanisms import MECHANISMS

CALM: dict[str, Any] = {"need_rate": 0.0, "fear_gain": 0.0, "card_habit": 0.0, "bill_size": 0.0, "project_rate": 0.0}
RICH = {f"spend_{segment}": 0.4 for segment in ("salaried", "gig", "owner")}
SURE = {f"miss_{segment}": 0.0 for segment in ("salaried", "gig", "owner")}


def cards(**given: Any) -> Scenario:
    alone = {"off": list(MECHANISMS), "borrowers": 300, "vacant_share": 0.0, "leave_rate": 0.0, "share_card": 1.0}
    return load_scenario("defaults", **alone, **CALM, **RICH, **SURE, **given)


def value(name: str, found: Rise) -> float:
    tried = MEASURES[name].tried
    assert tried is not None
    return tried(found)


@pytest.mark.parametrize(
    ("given", "response"),
    [
        ({"share_revolver": 1.0, "revolver_level": 0.5}, 0.5),
        ({"share_revolver": 1.0, "revolver_level": 0.25}, 0.25),
        ({"share_maxed": 1.0, "maxed_rate": 1.0, "card_minimum": 0.2}, 1.0),
        ({"share_transactor": 1.0, "card_size": 0.01, "first_smallest": 20_000}, 0.0),
    ],
)
def test_debt_follows_the_line_by_what_its_use_says(given: dict[str, Any], response: float) -> None:
    found = rise(cards(**given), 3, 2, "objects")
    assert len(found.more_line) > 200
    assert value("debt_per_line", found) == pytest.approx(response, abs=0.01)


def test_lines_rise_by_a_tenth_and_near_is_who_has_less_than_a_tenth_free() -> None:
    found = rise(cards(share_maxed=0.5, share_revolver=0.5, maxed_rate=1.0, card_minimum=0.2), 3, 2, "objects")
    assert 100 < found.near.sum() < 200
    assert value("debt_per_line_far", found) == pytest.approx(0.5, abs=0.01)
    assert value("debt_per_line_near_over_far", found) == pytest.approx(0.5, abs=0.01)
    assert value("debt_per_line", found) == float(found.more_debt.sum() / found.more_line.sum())
    assert RISE == 0.1
    assert FOLLOWED == 12


def test_no_line_rises_beyond_what_can_be_stored() -> None:
    """First lines of 19 million yuan, all of them; 2e9 fen are the most."""
    large = {"first_largest": 1.9e7, "line_low": 10.0, "line_high": 10.0, "income_salaried": 1e6, "share_gig": 0.0}
    found = rise(cards(**large, share_owner=0.0, pool_yuan=1e10, pool_share=None), 3, 0, "compiled")
    assert found.more_line.min() == 2_000_000_000 - 1_900_000_000


def test_a_copy_that_fails_is_told_as_its_worlds_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two worlds: its lines rise, and then its month is refused; the first is measured as ever."""
    scenarios = [(cards(share_maxed=1.0), seed) for seed in (3, 4)]
    moments = [one.moment for one in (MEASURES["zero_line"],) if one.moment is not None]
    whole, _ = watch(scenarios, 16, moments, "objects", [2])
    run = Batch.run

    def fails(batch: Batch, months: int, *others: Any) -> SimpleNamespace:
        worlds = run(batch, months, *others).worlds
        return SimpleNamespace(worlds={0: worlds[0]}, failures={1: BadInput("month 5: no more")})

    monkeypatch.setattr(Batch, "run", fails)
    seen, failures = watch(scenarios, 16, moments, "objects", [2])
    assert list(seen) == [0]
    assert {number: str(error) for number, error in failures.items()} == {1: "month 5: no more"}
    assert (seen[0].rises[2].more_debt == whole[0].rises[2].more_debt).all()
