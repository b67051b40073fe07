"""Measures beside a loop over people and months of a small run; and on columns made by hand."""

from typing import Any

import numpy as np
import pytest

from zerolimit import load_scenario
from zerolimit.results.ready_moments import MOMENTS
from zerolimit.validation.measures import MEASURES, SMALL_INTEREST
from zerolimit.validation.seen import DUE, FLOWS, READ, STATES, Seen, View, watch
from zerolimit.vocabulary.names import CHARGED_OFF, LEFT

FIRST, MONTHS = 6, 16
MOMENT_NAMES = [one.moment.name for one in MEASURES.values() if one.moment is not None]


@pytest.fixture(scope="module")
def seen() -> Seen:
    moments = [MOMENTS[name] for name in MOMENT_NAMES]
    found, _ = watch([(load_scenario("defaults", borrowers=250), 3)], MONTHS, moments, "objects")
    return found[0]


def test_worlds_seen_together_are_those_seen_alone_and_one_that_fails_takes_no_other_with_it() -> None:
    doubling = [{"month": 0, "kind": "funding_growth", "value": 1.0}]
    worlds = [
        (load_scenario("defaults", borrowers=30), 1),
        (load_scenario("defaults", borrowers=20, pool_yuan=1e13, calendar=doubling), 2),
        (load_scenario("defaults", borrowers=50, pool_share=0.3), 3),
    ]
    some = [MOMENTS["zero_line"], MOMENTS["line_lost"]]
    together, failures = watch(worlds, 8, some, "objects")
    assert sorted(together) == [0, 2]
    assert list(failures) == [1]
    for number, one in together.items():
        alone = watch([worlds[number]], 8, some, "objects")[0][0]
        assert all((one.columns[name] == column).all() for name, column in alone.columns.items())
        assert {name: np.array(sums).tolist() for name, sums in one.sums.items()} == {
            name: np.array(sums).tolist() for name, sums in alone.sums.items()
        }


@pytest.fixture(scope="module")
def view(seen: Seen) -> View:
    return View(seen, FIRST, MONTHS)


def people(seen: Seen) -> list[dict[str, Any]]:
    """Each borrower and month from FIRST on as plain numbers, with what they were a month before if they were there."""
    found = []
    for month in range(FIRST, MONTHS):
        for slot in range(seen.columns["status"].shape[1]):
            now, then = ({name: column[k][slot].item() for name, column in seen.columns.items()} for k in (month, month - 1))
            for one in (now, then):
                one["principal"] = one["scheduled"] + one["overdue"]
            known = then["status"] != LEFT and then["generation"] == now["generation"]
            found.append(
                {**now, "then": then if known else None, "here": now["status"] != LEFT, "month": month, "slot": slot}
            )
    return found


@pytest.fixture(scope="module")
def rows(seen: Seen) -> list[dict[str, Any]]:
    return people(seen)


def share(rows: list[dict[str, Any]], over: Any, under: Any) -> float:
    """How many of those of whom one thing holds another holds of."""
    those = [one for one in rows if under(one)]
    return sum(map(over, those)) / len(those)


def staying(one: dict[str, Any]) -> bool:
    return one["then"] is not None and one["here"]


def cut(one: dict[str, Any]) -> bool:
    return one["limit"] < 0.95 * one["then"]["limit"]


def had_line(one: dict[str, Any]) -> bool:
    return staying(one) and one["then"]["limit"] > 0


def bad(one: dict[str, Any]) -> bool:
    return one["late"] >= 3 or one["standing"] == CHARGED_OFF


def slow(one: dict[str, Any]) -> bool:
    return one["then"] is not None and one["then"]["late"] in (1, 2)


def owed(one: dict[str, Any]) -> bool:
    return one["then"] is not None and one["then"]["principal"] > 0


SHARES: dict[str, tuple[Any, Any]] = {
    "zero_line": (lambda one: one["limit"] == 0, lambda one: one["here"]),
    "zero_line_current": (lambda one: one["late"] == 0, lambda one: one["here"] and one["limit"] == 0),
    "line_lost": (lambda one: one["limit"] == 0, had_line),
    "zero_bill": (lambda one: one["principal"] == 0, lambda one: one["here"] and one["limit"] > 0),
    "utilisation_below_200": (
        lambda one: one["principal"] < 0.2 * one["limit"],
        lambda one: one["here"] and one["limit"] > 0,
    ),
    "good_record": (lambda one: one["late"] == 0, lambda one: one["here"]),
    "debt_and_savings": (lambda one: one["principal"] > 0 and one["cash"] > 0, lambda one: one["here"]),
    "borrowers_with_others": (lambda one: one["other_debt"] > 0, lambda one: one["here"] and one["principal"] > 0),
    "inactive": (lambda one: one["principal"] == 0 and one["drawn"] == 0, lambda one: one["here"]),
    "paid_at_zero": (
        lambda one: one["limit"] == 0,
        lambda one: one["here"] and one["principal_paid"] + one["interest_paid"] > 0,
    ),
    "late_to_three_or_out": (bad, slow),
    "late_cured": (lambda one: one["late"] == 0 and one["here"], slow),
    "pays_nothing": (lambda one: one["principal_paid"] + one["interest_paid"] == 0, owed),
    "pays_in_full": (lambda one: one["principal_paid"] >= one["then"]["principal"], owed),
}


@pytest.mark.parametrize("name", SHARES)
def test_a_share_is_what_a_loop_over_people_counts(name: str, view: View, rows: list[dict[str, Any]]) -> None:
    over, under = SHARES[name]
    assert MEASURES[name].value(view) == pytest.approx(share(rows, over, under), rel=1e-12)


def test_quotients_of_rates_are_what_a_loop_counts(view: View, rows: list[dict[str, Any]]) -> None:
    def use(one: dict[str, Any]) -> float:
        line = one["then"]["limit"] if one["then"] else 0
        return one["then"]["principal"] / line if line else -1.0

    little = share(rows, cut, lambda one: had_line(one) and use(one) < 0.1)
    others = share(rows, cut, lambda one: had_line(one) and use(one) >= 0.1)
    assert MEASURES["cut_little_used_over_others"].value(view) == pytest.approx(little / others)
    high = share(rows, bad, lambda one: 0.7 <= use(one) <= 0.9)
    low = share(rows, bad, lambda one: 0.0 < use(one) <= 0.3)
    assert MEASURES["bad_high_over_low_use"].value(view) == pytest.approx(high / low if low else float("nan"), nan_ok=True)


def test_sizes_of_cuts_and_draws_are_what_a_loop_finds(view: View, rows: list[dict[str, Any]]) -> None:
    sizes = [1.0 - one["limit"] / one["then"]["limit"] for one in rows if had_line(one) and cut(one) and one["limit"] > 0]
    assert MEASURES["cut_size"].value(view) == pytest.approx(float(np.median(sizes)))
    draws = [one["drawn"] for one in rows if one["drawn"] > 0]
    assert MEASURES["drawdown_mean"].value(view) == pytest.approx(sum(draws) / len(draws) / 100.0)


def test_cuts_without_arrears_look_six_months_back(seen: Seen, view: View, rows: list[dict[str, Any]]) -> None:
    clean = []
    for one in rows:
        if had_line(one) and cut(one):
            before = range(one["month"] - 6, one["month"])
            mine = [k for k in before if seen.columns["generation"][k][one["slot"]] == one["generation"]]
            clean.append(all(seen.columns["late"][k][one["slot"]] == 0 for k in mine))
    assert MEASURES["cut_without_arrears"].value(view) == pytest.approx(sum(clean) / len(clean))


def by_hand(start: str | None = None, **columns: list[list[int]]) -> View:
    """Columns made by hand, zeros where nothing is said; all months but the first."""
    shape = np.shape(next(iter(columns.values())))
    found = {name: np.zeros(shape, np.int64) for name in (*STATES, *FLOWS, *READ, DUE)}
    found.update({name: np.array(column) for name, column in columns.items()})
    return View(Seen(start, found, {}), 1, shape[0])


def test_due_money_is_early_on_the_day_or_late() -> None:
    """100 due of each: 100 paid; 40 paid; 100 and 300 more; an older 50 is paid first, and 30 are left for what is due."""
    paid = [[0, 0, 0, 0], [100, 40, 400, 80]]
    view = by_hand(due_next=[[100] * 4, [0] * 4], principal_paid=paid, overdue=[[0, 0, 0, 50], [0, 60, 0, 70]])
    assert MEASURES["paid_before_due"].value(view) == pytest.approx(300 / 700)
    assert MEASURES["due_paid_late"].value(view) == pytest.approx((60 + 70) / 700)


def test_states_and_moves_by_hand() -> None:
    """Never used; unused, then carried on; carried on, then cleared; carried on, then late."""
    owed = [[0, 0, 9, 9], [0, 0, 8, 8], [0, 0, 7, 8], [0, 5, 0, 8], [0, 4, 0, 8]]
    paid = [[0] * 4, [0, 0, 1, 1], [0, 0, 1, 0], [0, 0, 7, 0], [0, 1, 0, 0]]
    late = [[0] * 4, [0] * 4, [0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 0, 3]]
    drawn = [[0] * 4, [0] * 4, [0] * 4, [0, 5, 0, 0], [0] * 4]
    view = by_hand(scheduled=owed, principal_paid=paid, late=late, drawn=drawn)
    # into months 2 to 4: clear stays clear 3, 2, 0 and 1 times, once it revolves; revolving stays, clears, is late
    assert MEASURES["clear_stays_clear"].value(view) == pytest.approx(6 / 7)
    assert MEASURES["clear_to_revolving"].value(view) == pytest.approx(1 / 7)
    assert MEASURES["revolving_to_clear"].value(view) == pytest.approx(1 / 3)
    assert MEASURES["revolving_to_late"].value(view) == pytest.approx(1 / 3)


def test_paths_by_hand() -> None:
    lines = [[50, 50], [60, 60], [60, 60], [50, 50], [30, 30], [60, 0], [60, 60]]
    view = by_hand(limit=lines)
    assert MEASURES["limits_peak_to_trough"].value(view) == pytest.approx(60 / 120 - 1.0)
    assert MEASURES["limits_worst_quarter"].value(view) == pytest.approx(60 / 120 - 1.0)
    assert MEASURES["accounts_peak_to_trough"].value(view) == pytest.approx(-0.5)


def test_an_event_is_measured_between_the_months_around_it() -> None:
    """Draws 8, 10 and 12 in three quarters: a growth of a quarter before, 1.2 after, is a fall of 4 %."""
    drawn = [[2, 0]] + [[4, 4]] + [[0, 0]] * 2 + [[10, 0]] + [[0, 0]] * 2 + [[12, 0]] + [[0, 0]] * 3
    view = by_hand("2020-01", drawn=drawn)
    view.at = 7
    assert MEASURES["draws_after_shock"].value(view) == pytest.approx(12 * 8 / 100 - 1.0)
    assert view.seen.month_of("2021-03") == 14
    view.at = 2
    assert np.isnan(MEASURES["draws_after_shock"].value(view))


def test_owners_loans_share_the_interest_of_a_time_in_debt() -> None:
    """Two draws for 100 yuan each in one time, one draw for more in another; a time that began before is left out."""
    dear = SMALL_INTEREST + 1
    debt = [[0, 0, 5], [5, 5, 5], [9, 5, 0], [0, 0, 0]]
    drawn = [[0, 0, 0], [5, 5, 5], [4, 0, 0], [0, 0, 0]]
    interest = [[0, 0, 0], [0, 0, 0], [SMALL_INTEREST, dear, 0], [SMALL_INTEREST, 0, 0]]
    view = by_hand(scheduled=debt, drawn=drawn, interest_paid=interest, segment=[[2] * 3] * 4)
    assert MEASURES["owners_small_interest"].value(view) == pytest.approx(2 / 3)


def test_growth_of_lines_follows_the_lowest_fifth_who_stay() -> None:
    """Ten accounts open in month 1, those with the lowest scores with 10 and 30; five years on, one has 40, one is gone."""
    months = 62
    lines, status = np.full((months, 10), 50), np.zeros((months, 10), int)
    lines[1:, 0], lines[61, 0] = 10, 40
    lines[1:, 1] = 30
    status[0] = int(LEFT)
    status[61, 1] = int(LEFT)
    risk = np.tile(np.arange(10.0), (months, 1))
    view = by_hand(limit=lines.tolist(), status=status.tolist(), risk=risk.tolist())
    assert MEASURES["growth_five_years"].value(view) == pytest.approx(4.0)
    assert np.isnan(MEASURES["growth_eight_years"].value(view))
