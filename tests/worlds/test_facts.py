"""Signs and sizes of real behaviour, each with its number in the fact sheet, under common draws.

C12 (own share 2 % to 30 %) and C10 are in tests/known_answers/test_pool.py, waves (A18, A21, C1) in test_mechanisms.py;
how far levels are from data is what `zerolimit validate` measures.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest

from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import LEFT, OPEN

SEED, SIZE, MONTHS, EVENT = 1, 6_000, 36, 12
SMALLEST = 50_000
"""The minimum loan, fen."""
RECENT = 3
"""Months that recent arrears are looked for in."""


def market(size: int = SIZE, **parameters: Any) -> Simulation:
    return Simulation(load_scenario("defaults", borrowers=size, **parameters), SEED, engine="compiled", threads=1)


def from_month(kind: str, value: float, month: int = EVENT) -> list[dict[str, Any]]:
    return [{"month": month, "kind": kind, "value": value}]


def follow(simulation: Simulation, months: int, *names: str) -> dict[str, Array]:
    """Columns at the start and after each month: month x borrower."""
    seen = {name: [simulation.column(name).astype(np.float64)] for name in names}
    for _ in range(months):
        simulation.step()
        for name in names:
            seen[name].append(simulation.column(name).astype(np.float64))
    return {name: np.array(rows) for name, rows in seen.items()}


def totals(simulation: Simulation, name: str, since: int = 0) -> Array:
    """A count or sum by month, over all cells."""
    return np.array([int(month.counts[name].sum()) for month in simulation.history[since:]], np.float64)


class Cuts:
    """Decreases (docs/ODD.md, 7.15), L+ < 0.95 L-, with what the borrower was like before and after."""

    columns = ("status", "limit", "late", "generation", "scheduled", "overdue", "since_paid")

    def __init__(self, simulation: Simulation, months: int, *more: str) -> None:
        seen = follow(simulation, months, *self.columns, *more)
        self.seen = seen
        self.line_before = np.where(seen["status"][:-1] == OPEN, seen["limit"][:-1], 0.0)
        self.line_after = seen["limit"][1:]
        same = seen["generation"][1:] == seen["generation"][:-1]
        self.had_line = same & (self.line_before >= SMALLEST)
        self.had_line[:RECENT] = False
        self.cut = self.had_line & (self.line_after < 0.95 * self.line_before)
        self.balance = (seen["scheduled"] + seen["overdue"])[1:]
        late = seen["late"] > 0
        self.clean = np.array([~late[max(0, month + 2 - RECENT) : month + 2].any(axis=0) for month in range(months)])
        self.on_time = (seen["late"][1:] == 0) & (seen["since_paid"][1:] == 0) & (seen["status"][1:] != LEFT)

    def sizes(self, who: Array) -> Array:
        return 1.0 - self.line_after[who] / self.line_before[who]

    def rate(self, who: Array, among: Array) -> float:
        return float((self.cut & who & among).sum() / (who & among).sum())


@cache
def plain() -> Cuts:
    return Cuts(market(), MONTHS)


def test_a8_most_who_are_cut_had_no_recent_arrears() -> None:
    """In the data 67 %, and a decrease is several times as common after arrears."""
    seen = plain()
    assert seen.clean[seen.cut].mean() > 0.5
    assert seen.rate(~seen.clean, seen.had_line) > 4.0 * seen.rate(seen.clean, seen.had_line)


def test_a9_cuts_are_few_and_large() -> None:
    """In the data the median decrease is 75 % of the line."""
    seen = plain()
    sizes = seen.sizes(seen.cut & seen.clean)
    assert seen.rate(seen.clean, seen.had_line) < 0.02
    assert 0.75 / 2.0 < np.median(sizes) <= 1.0


def test_a10_what_is_left_of_a_line_that_is_cut_is_in_use() -> None:
    """In the data utilisation jumps to 94 %; a line cut by k with its balance kept has it 1 / (1 - k) times as high."""
    seen = plain()
    kept = seen.cut & seen.clean & (seen.line_after > 0.0)
    before, after = seen.balance[kept] / seen.line_before[kept], seen.balance[kept] / seen.line_after[kept]
    assert np.median(after) > 0.8
    assert np.median(after) > np.median(before) + 0.15
    assert np.allclose(after * (1.0 - seen.sizes(kept)), before)


def test_a14_the_sign_of_the_trigger_says_who_is_cut_first() -> None:
    """Idle accounts, as in the US in 2009, or frequent small loans, as the article has it (section H)."""
    alone: dict[str, Any] = {"off": ["rescoring", "positioning", "tightening", "scarcity", "contagion"]}
    never: dict[str, Any] = {"trigger_idle": 120.0, "trigger_frequency": 2.0, "trigger_early": 1.0}
    rates = {}
    for sign, chosen in (("idle", {"trigger_idle": 12.0}), ("frequent", {"trigger_frequency": 0.6, "trigger_size": 0.45})):
        seen = Cuts(market(**alone, **{**never, **chosen}), 24, "idle", "frequency", "loan_size")
        idle = seen.seen["idle"][:-1] >= 12.0
        frequent = (seen.seen["frequency"][:-1] > 0.6) & (seen.seen["loan_size"][:-1] < 0.45)
        current = seen.had_line & (seen.seen["late"][1:] == 0)
        rates[sign] = {name: seen.rate(who, current) for name, who in (("idle", idle), ("frequent", frequent))}
    assert rates["idle"]["idle"] > 10.0 * rates["idle"]["frequent"]
    assert rates["frequent"]["frequent"] > 10.0 * rates["frequent"]["idle"]


def test_a27_new_lines_are_low_and_grow() -> None:
    seen = follow(market(), MONTHS, "limit", "tenure", "generation", "status")
    new = (seen["generation"] > 0) & (seen["tenure"] == 1) & (seen["status"] == OPEN)
    first = np.median(seen["limit"][0][seen["status"][0] == OPEN])
    assert np.median(seen["limit"][new]) < 0.7 * first
    month, who = np.nonzero(new[: MONTHS - 24])
    stayed = seen["generation"][month + 24, who] == seen["generation"][month, who]
    month, who = month[stayed], who[stayed]
    grown = seen["limit"][month + 24, who] / seen["limit"][month, who]
    assert len(grown) > 100
    assert np.median(grown) > 1.5


def arrears(**parameters: Any) -> Array:
    """Balances 30 and more days late over all, by month."""
    seen = follow(market(20_000, **parameters), EVENT + 5, "scheduled", "overdue", "late")
    balance = seen["scheduled"] + seen["overdue"]
    return (balance * (seen["late"] > 0)).sum(axis=1) / balance.sum(axis=1)


def test_c7_a_shock_as_large_as_covid_multiplies_arrears() -> None:
    """In the data by 1.7 in four months."""
    ratio = arrears(calendar=from_month("macro", -0.3)) / arrears()
    assert (ratio[: EVENT + 1] == 1.0).all()
    assert 1.3 < ratio[EVENT + 1 : EVENT + 5].max() < 2.5


def test_c14_young_users_are_cut_although_they_always_paid_on_time() -> None:
    """In the data by 30 to 85 %."""
    rates = {}
    for target, calendar in (("as before", []), ("older", from_month("target_age", 45.0))):
        seen = Cuts(market(calendar=calendar), EVENT + 8, "age")
        young, old = seen.seen["age"][:-1] < 28, seen.seen["age"][:-1] > 35
        payers = seen.had_line & seen.on_time & (np.arange(EVENT + 8) >= EVENT)[:, None]
        rates[target] = seen.rate(young, payers), seen.rate(old, payers)
        cut_young = seen.cut & young & payers
    assert rates["older"][0] > 2.0 * rates["older"][1]
    assert rates["older"][0] > 2.0 * rates["as before"][0]
    assert rates["as before"][0] < 2.0 * rates["as before"][1]
    never_late = (seen.seen["late"] == 0).all(axis=0)
    assert (cut_young & never_late).sum() > 0.8 * cut_young.sum()
    assert 0.2 < np.median(seen.sizes(cut_young)) < 0.85


def test_c15_a_ceiling_hits_only_the_lines_above_it() -> None:
    """Where nothing is shared, whoever never had more than the ceiling is the same in every column and month."""
    apart: dict[str, Any] = {"off": ["scarcity", "contagion"], "loss_tightness": 0.0, "appeals_capacity": 0.0}
    names = ("limit", "status", "generation", "cash", "scheduled", "overdue", "risk", "trust")
    ceiling = 20_000.0
    free = follow(market(**apart), EVENT + 12, *names)
    capped = follow(market(**apart, calendar=from_month("person_cap", ceiling)), EVENT + 12, *names)
    below = (free["limit"] <= ceiling * 100.0).all(axis=0)
    above = free["limit"][EVENT] > ceiling * 100.0 / 0.9
    assert below.sum() > SIZE / 4
    assert above.sum() > SIZE / 10
    for name in names:
        assert (free[name][:, below] == capped[name][:, below]).all(), name
    assert capped["limit"][EVENT + 6].max() <= ceiling * 100.0 / 0.9
    lower = capped["limit"][EVENT + 6] < 0.95 * free["limit"][EVENT + 6]
    assert lower[above].mean() > 0.75


def test_c16_after_a_tightening_borrowers_ask_other_lenders() -> None:
    """In the data one platform saw about a third more applications."""
    plain, tight = (market(calendar=calendar).run(24) for calendar in ([], from_month("tightness", 0.6)))
    ratio = totals(tight, "other_applications", EVENT).sum() / totals(plain, "other_applications", EVENT).sum()
    assert ratio > 1.15


def test_d7_and_d8_without_trust_lines_are_drawn_while_they_are_there_and_the_money_is_kept() -> None:
    """D8: of households in the US a third hold debt and savings together, for fear of their limits. With money for all."""
    timid: dict[str, Any] = {"first_trust": 0.3, "mend": 0.0, "off": ["scarcity"]}
    calm, afraid = (market(**timid, fear_gain=gain).run(6) for gain in (0.0, 1.0))
    assert totals(afraid, "asked_count").sum() > 1.05 * totals(calm, "asked_count").sum()

    def hold_both(simulation: Simulation) -> float:
        """Share who owe here and have savings of a month and a half."""
        owes = simulation.column("scheduled").astype(np.float64) + simulation.column("overdue") > 0
        saved = simulation.column("cash") > 1.5 * simulation.column("income_true")
        return float((owes & saved).sum() / (simulation.column("status") != LEFT).sum())

    assert hold_both(afraid) > 1.2 * hold_both(calm)


SLUMP = {"calendar": from_month("macro", -0.3)}


def wanted(since: int = EVENT, months: int = 6, **parameters: Any) -> tuple[float, float]:
    """Loans wanted within lines (fen; drawn or refused), and how many were refused because the pool was used up."""
    simulation = market(**parameters).run(since + months)
    asked = totals(simulation, "sum_drawn", since) + totals(simulation, "sum_refused_amount", since)
    return float(asked.sum()), float(totals(simulation, "used_up", since).sum())


def test_d9_in_a_slump_borrowing_falls_and_there_is_no_run() -> None:
    """In the data US card borrowing fell in 2020: spending fell with incomes. Without that the same slump raises demand."""
    (plain, refused), (slump, refused_in_slump) = wanted(), wanted(**SLUMP)
    assert 0.5 * plain < slump < 0.9 * plain
    assert refused_in_slump < 0.1 * refused
    assert wanted(**SLUMP, slump_demand=0.0)[0] > 1.2 * slump
    unlimited: dict[str, Any] = {"off": ["scarcity", "tightening"]}
    assert wanted(**unlimited, **SLUMP)[0] < 0.95 * wanted(**unlimited)[0]


def test_d10_and_more_falls_the_more_spending_does() -> None:
    """Monotone in the parameter, where nothing rations."""
    unlimited: dict[str, Any] = {"off": ["scarcity", "tightening"], **SLUMP}
    found = [wanted(**unlimited, slump_demand=demand)[0] for demand in (0.0, 0.3, 0.6, 1.2)]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    "run",
    [{"notice_months": 2, "notice_rush": 0.9}, {"fear_gain": 1.0, "fear_level": 0.95}],
    ids=["after a notice (D6)", "for fear (D5)"],
)
def test_d5_and_d6_the_same_slump_can_set_off_a_run(run: dict[str, Any]) -> None:
    """In the data lines were drawn down at once, in anticipation: reachable by parameters, until the pool is used up."""
    (calm, refused), (rush, refused_in_rush) = wanted(months=3, **SLUMP), wanted(months=3, **SLUMP, **run)
    assert rush > 1.75 * calm
    assert refused_in_rush > max(1_000, 10.0 * refused)
