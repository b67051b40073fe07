"""A stationary market: inflow times mean stay is the stock (Little's law), and flows of accounts in and out balance."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import CLOSED, LEFT

ENDS, YEARS = 1 / 12, 20
"""With which a closed account that owes nothing ends, a month; years that are counted."""
STATIONARY: dict[str, Any] = {
    "borrowers": 4_000,
    "closed_end_rate": ENDS,
    "reapply_rate": 0.0,
    "leave_rate": 0.0,
    "first_closed": 0.1,
    "first_closed_months": 12.0,
    "entry_rate": 0.3,
    "admissions": 0.05,
    "mend": 0.05,
    "macro_volatility": 0.0,
    "warm_up_months": 24,
}
"""Accounts close and are not opened again; one that owes nothing stays for 12 months on average, and frees its slot."""


@pytest.fixture(scope="module")
def months() -> list[dict[str, Any]]:
    """Of each month: who is there, whose closed account owes nothing, and who this is (slots and generations)."""
    world = Simulation(load_scenario("defaults", **STATIONARY), 1, engine="compiled", threads=1)
    found = [seen(world)]
    for _ in range(12 * YEARS):
        world.step()
        found.append(seen(world))
    return found


def seen(world: Simulation) -> dict[str, Any]:
    columns = {name: world.column(name).copy() for name in ("status", "generation", "scheduled", "overdue")}
    here = columns["status"] != LEFT
    free = (columns["status"] == CLOSED) & (columns["scheduled"] + columns["overdue"] == 0)
    counts = {name: int(cells.sum()) for name, cells in world.history[-1].counts.items()} if world.history else {}
    return {"here": here, "free": here & free, "generation": columns["generation"]} | counts


def same_person(before: dict[str, Any], now: dict[str, Any]) -> Array:
    found: Array = before["here"] & (before["generation"] == now["generation"])
    return found


def test_inflow_times_mean_stay_is_the_stock_of_closed_accounts_that_owe_nothing(months: list[dict[str, Any]]) -> None:
    inflow, stock = [], []
    for before, now in pairwise(months):
        stayed = before["free"] & now["free"] & same_person(before, now)
        inflow.append(int(now["free"].sum() - stayed.sum()) + ended_at_once(before, now))
        stock.append(int(now["free"].sum()) + now["left_closed"])
    assert sum(inflow) > 3_000
    assert np.mean(stock) == pytest.approx(np.mean(inflow) / ENDS, rel=0.03)


def ended_at_once(before: dict[str, Any], now: dict[str, Any]) -> int:
    """Accounts that came to owe nothing without a line, and ended in the same month."""
    gone = before["free"] & ~(now["free"] & same_person(before, now))
    return int(now["left_closed"] - (gone & ~now["here"]).sum())


def test_flows_of_accounts_balance_by_reason(months: list[dict[str, Any]]) -> None:
    for before, now in pairwise(months):
        assert now["applied_first"] == (now["generation"] > before["generation"]).sum()
        entered = now["applied_first"] - now["refused_first"]
        assert entered == now["admitted"]
        assert now["here"].sum() == before["here"].sum() + entered - now["left"] - now["charged_off"]
        assert now["left"] == now["left_closed"] + now["left_by_wish"] + now["left_transferred"] + now["left_dormant"]
    assert sum(now["left"] for now in months[1:]) > 1_000
    assert sum(now["charged_off"] for now in months[1:]) > 100
