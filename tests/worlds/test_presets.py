"""The presets do what the facts say they should."""

from functools import cache

import numpy as np
import pytest

from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import load_scenario, presets
from zerolimit.rules.caps import REASONS
from zerolimit.run.batch import Batch
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import CARD, LEFT, TRANSACTOR


@cache
def history(preset: str, seed: int = 1, borrowers: int = 10_000) -> Simulation:
    return Simulation(load_scenario(preset, borrowers=borrowers), seed, engine="compiled").run(36)


def months(simulation: Simulation, name: str) -> Array:
    """A count by month."""
    return np.array([int(month.counts[name].sum()) for month in simulation.history], np.float64)


def platform(simulation: Simulation, name: str) -> Array:
    return np.array([month.platform[name] for month in simulation.history], np.float64)


def test_the_presets_of_the_issue_are_there_and_say_what_they_are() -> None:
    assert {
        "baseline",
        "cards",
        "cards-2008",
        "cards-2020",
        "defaults",
        "jiebei-2018",
        "jiebei-2020",
        "loss-system",
        "no-mechanisms",
    } <= set(presets())
    for name in presets():
        scenario = load_scenario(name)
        assert scenario.name == name
        assert len(scenario.description) > 20
    assert set(load_scenario("no-mechanisms").off) == set(MECHANISMS)


def test_2018_lending_doubles_in_a_year_and_then_stops() -> None:
    """Facts C1, C2."""
    simulation = history("jiebei-2018")
    lent, pool = platform(simulation, "principal"), platform(simulation, "pool")
    assert 1.8 < lent[11] / lent[0] < 2.4
    assert lent[12:18].max() < lent[11]
    assert pool[12] < lent[11]
    assert not platform(simulation, "campaign")[:12].any()
    assert platform(simulation, "campaign")[12]


def test_2018_the_wave_of_closures_comes_when_the_cap_falls() -> None:
    simulation = history("jiebei-2018")
    lost = months(simulation, "zero_limit") + months(simulation, "blocked")
    rate = lost / months(simulation, "at_risk")
    assert rate[12] > 0.2
    assert rate[12] > 5 * np.median(rate[:12])
    assert rate[20:].mean() < 0.05


@pytest.mark.parametrize(("seed", "borrowers"), [(1, 10_000), (2, 10_000), (3, 30_000), (7, 1_000)])
def test_2020_keeps_a_usable_line_for_some_and_not_for_all(seed: int, borrowers: int) -> None:
    """From the leverage cap on, each month 5 to 80 % of on-time payers keep a usable line, and so of all who are current."""
    simulation = history("jiebei-2020", seed, borrowers)
    first = next(item.month for item in simulation.scenario.calendar if item.kind == "leverage")
    keep = months(simulation, "at_risk") - months(simulation, "zero_at_risk") - months(simulation, "blocked")
    share = keep / months(simulation, "on_time")
    assert (share >= 0.05).all(), share.round(2)
    assert (share[first:] <= 0.8).all(), share.round(2)
    usable = months(simulation, "usable_current") / months(simulation, "current")
    assert (usable >= 0.05).all(), usable.round(2)
    assert (usable[first:] <= 0.8).all(), usable.round(2)


def test_2020_the_pool_takes_the_dated_steps() -> None:
    simulation = history("jiebei-2020")
    pool, lent = platform(simulation, "pool"), platform(simulation, "principal")
    first = simulation.pool.accounts.first_pool
    items = {item.kind: item.month for item in reversed(simulation.scenario.calendar)}
    assert pool[items["leverage"]] == pytest.approx(first * 6.0 / 8.5, rel=1e-6)
    assert pool[items["partners"]] < 0.9 * pool[items["partners"] - 1]
    assert pool[items["own_share"]] < 0.9 * pool[items["own_share"] - 1]
    assert lent[-1] > first / 15
    step = items["own_share"]
    assert 0.5 * lent[step - 1] < lent[step + 4] < 0.9 * lent[step - 1]
    assert simulation.pool.own_used > 3 * simulation.pool.first_own


def test_2020_the_ceiling_of_two_hundred_thousand_binds_on_the_top_only() -> None:
    """Facts C15; changes below min_change are not made, so a line may stay a tenth above."""
    rich = load_scenario("jiebei-2020", borrowers=8_000, income_owner=60_000)
    ceiling = max(item.month for item in rich.calendar if item.kind == "person_cap")
    simulation = Simulation(rich, 1, engine="compiled").run(ceiling)
    first = simulation.column("limit").copy()
    above, below = np.flatnonzero(first > 23_000_000), np.flatnonzero(first < 15_000_000)
    after = simulation.run(5).column("limit")
    assert len(above) > 20
    assert (after[above] <= 20_000_000 / (1 - rich.min_change)).all()
    assert (after[below] > 0).mean() > 0.1


def test_baseline_binds_its_pool_without_a_collapse() -> None:
    simulation = history("baseline")
    planned = platform(simulation, "planned") / platform(simulation, "pool")
    lent = platform(simulation, "principal")
    lines = months(simulation, "sum_limit")
    assert np.median(planned[3:]) > 0.98
    assert planned.max() <= 1.0
    assert lent[12:].min() > 0.85 * lent[0]
    assert lines[12:].min() > 0.85 * lines[0]
    assert lines.max() < 1.15 * lines[0]


def test_baseline_is_near_the_facts() -> None:
    """C6 arrears, B2 utilisation, the level of zero limits: rough levels, not a calibration."""
    simulation = history("baseline")
    late = sum(months(simulation, f"late_{k}") for k in (1, 2, 3))
    assert 0.005 < (late / months(simulation, "indebted")).mean() < 0.04
    assert 0.42 / 2 < (months(simulation, "sum_principal") / months(simulation, "sum_limit")).mean() < 0.42 * 2
    rate = months(simulation, "zero_limit").sum() / months(simulation, "line_on_time").sum()
    assert 0.0005 < rate < 0.02
    events = {name: months(simulation, f"zero_by_{name}").sum() for name in REASONS}
    assert events["arrears"] == 0
    assert sum(count > 0 for count in events.values()) >= 4


def test_baseline_returns_from_zero_are_rare() -> None:
    """Facts A3: 0.03 % a month in the data; here a few per cent at most of those in a spell without a line."""
    simulation = history("baseline")
    closed = months(simulation, "closed")
    assert months(simulation, "readmitted").sum() / closed.sum() < 0.03


def test_cards_are_cards() -> None:
    """Everybody has one, without a schedule; interest stands on the bills of those who carry a balance, and of no others."""
    simulation = Simulation(load_scenario("cards", borrowers=2_000), 1, engine="compiled").run(12)
    column = simulation.column
    here, current = column("status") != LEFT, column("late") == 0
    assert (column("product")[here] == CARD).all()
    owed, billed = column("scheduled") + column("overdue"), column("overdue_interest")
    assert not (billed > 0)[here & current & (owed == 0)].any()
    in_full = column("use_type") == TRANSACTOR
    assert (billed > 0)[here & current & ~in_full & (owed > 0)].mean() > 0.6
    assert (billed > 0)[here & current & in_full & (owed > 0)].mean() < 0.4


def test_2008_lines_fall_and_arrears_rise_in_the_slump() -> None:
    """Facts A18, B14, means of ten seeds: between 17 and 45 % of all lines; more are late in the worst quarter of 2009."""
    scenario, falls, rises = load_scenario("cards-2008", borrowers=3_000), [], []
    batch = Batch.begin([(scenario, seed) for seed in range(1, 11)], engine="compiled").run(132)
    for simulation in batch.worlds.values():
        lines = months(simulation, "sum_limit")
        falls.append(lines[102:].min() / lines[90:102].mean())
        late = sum(months(simulation, f"late_{k}") for k in (1, 2, 3)) / months(simulation, "accounts")
        rises.append(late[108:120].reshape(4, 3).mean(axis=1).max() / late[84:96].mean())
    batch.close()
    assert len(falls) == 10
    assert 0.55 < np.mean(falls) < 0.85
    assert np.mean(rises) > 1.1
