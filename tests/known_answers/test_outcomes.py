"""Outcomes as docs/ODD.md, 7.15, defines them, counted again by hand from the borrowers' columns."""

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from zerolimit.engine import gini
from zerolimit.engine.base import Array
from zerolimit.month import FLAGS
from zerolimit.parameters.scenario import load_scenario
from zerolimit.results.columns import monthly_columns, rates
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.names import CLOSED, FROZEN, LEFT, OPEN, SEGMENTS
from zerolimit.vocabulary.outcomes import RATES

SIZE, MONTHS = 1_500, 10
LATE: dict[str, Any] = {"miss_salaried": 0.1, "miss_gig": 0.1, "first_late": 0.2, "chargeoff_months": 4}


def begun(**parameters: Any) -> Simulation:
    return Simulation(load_scenario("defaults", borrowers=SIZE, **parameters), 6, engine="compiled", threads=1)


def columns(simulation: Simulation, *names: str) -> dict[str, Array]:
    return {name: simulation.column(name).astype(np.int64) for name in ("segment", "status", "generation", *names)}


def by_segment(counts: dict[str, Array], name: str) -> list[int]:
    return [int(part.sum()) for part in np.split(counts[name], len(SEGMENTS))]


def number(seen: dict[str, Array], who: Array, values: Array | None = None) -> list[int]:
    """How many there are in each segment, or the sum of their values."""
    weights = np.ones(len(who), np.int64) if values is None else values
    return [int(weights[who & (seen["segment"] == segment)].sum()) for segment in range(len(SEGMENTS))]


lines = some.lists(
    some.tuples(some.integers(0, 2**31 - 1), some.sampled_from([OPEN, OPEN, FROZEN, CLOSED, LEFT])), min_size=1, max_size=40
)


def mean_difference(values: list[Any]) -> float:
    """Mean absolute difference over twice the mean, pair by pair."""
    whole = sum(values)
    return float(sum(abs(one - other) for one in values for other in values) / (2 * len(values) * whole)) if whole else 0.0


def in_parts(length: int) -> Callable[[Callable[[int, int], Any], int], list[Any]]:
    """Work in parts of this length."""
    return lambda work, size: [work(start, min(start + length, size)) for start in range(0, size, length)]


def binned(lines: list[int]) -> list[Fraction]:
    """Each line as the mean of the lines in its declared bin."""
    bins = (np.searchsorted(gini.edges(), lines, side="right") - 1).tolist()
    members = {at: [line for line, one in zip(lines, bins, strict=True) if one == at] for at in set(bins)}
    return [Fraction(sum(members[at]), len(members[at])) for at in bins]


@settings(deadline=None)
@given(accounts=lines, length=some.integers(1, 50))
def test_the_gini_is_the_mean_difference_over_twice_the_mean_of_lines_in_bins(
    accounts: list[tuple[int, float]], length: int
) -> None:
    """To the last bits with each line as its bin's mean; below the exact one by no more than the bound that it states."""
    limit = np.array([0 if status in (CLOSED, LEFT) else line for line, status in accounts], np.int32)
    status = np.array([status for _, status in accounts], np.int8)
    here = [int(line) if one == OPEN else 0 for line, one in zip(limit, status, strict=True) if one != LEFT]
    found = gini.gini(limit, status, np.array([0, len(limit)]), in_parts(length))[0]
    assert found == gini.gini(limit, status, np.array([0, len(limit)]), in_parts(len(limit)))[0]
    assert found == pytest.approx(mean_difference(binned(here)), abs=1e-14)
    missing = mean_difference(here) - found
    assert -1e-14 <= missing <= gini.WIDEST / 4


def test_bins_are_whole_declared_and_narrow() -> None:
    """32 an octave from 1 fen; the last octave that columns hold, up to 2^31 fen, lies within them."""
    edges = gini.edges()
    assert len(edges) == gini.BINS == 1024
    assert edges[:3].tolist() == [0.0, 1.0, 1.0 + 1.0 / 32.0]
    assert (np.diff(edges)[1:] / edges[1:-1] <= gini.WIDEST).all()
    assert edges[31 * 32 + 1] == 2.0**31
    wanted = np.unique(np.concatenate([np.ceil(edges[1:993]), np.floor(edges[2:994]) - 1, [1, 2**31 - 1]]).astype(np.int64))
    for line in wanted[wanted > 0].tolist():
        counts, sums = np.zeros(gini.BINS, np.int64), np.zeros(gini.BINS, np.int64)
        gini.fill_bins(np.array([line], np.int32), np.zeros(1, np.int8), np.int8(OPEN), np.int8(LEFT), counts, sums)
        at = int(np.flatnonzero(counts)[0])
        assert edges[at] <= line < edges[at + 1]
        assert int(sums[at]) == line


def test_the_gini_of_one_line_among_many_and_of_equal_lines() -> None:
    open_ = np.zeros(1_000, np.int8)
    whole = np.array([0, 1_000]), in_parts(1_000)
    assert gini.gini(np.r_[np.zeros(999, np.int32), np.int32(7)], open_, *whole)[0] == 0.999
    assert gini.gini(np.full(1_000, 2**31 - 1, np.int32), open_, *whole)[0] == 0.0


def test_the_gini_of_a_month_is_that_of_its_lines() -> None:
    simulation = begun()
    for _ in range(MONTHS):
        found = simulation.step().platform["gini"]
        seen = columns(simulation, "limit")
        line = np.sort(np.where(seen["status"] == OPEN, seen["limit"], 0)[seen["status"] != LEFT])
        means = np.sort(np.array(binned(line.tolist()), np.float64))
        places = np.arange(1, len(line) + 1)
        exact, coarse = (
            2.0 * (places * values).sum() / (len(line) * values.sum()) - (len(line) + 1) / len(line)
            for values in (line.astype(np.float64), means)
        )
        assert found == pytest.approx(coarse, abs=1e-12)
        assert 0.0 <= exact - found < 0.0008
        assert 0.2 < found < 0.8


def test_the_zero_limit_rate_counts_above_only_who_is_counted_below() -> None:
    """Lines hardly above the minimum loan: most events are of borrowers whose own use had left nothing available."""
    simulation = begun(minimum_loan=8_000.0, base_tightness=0.4)
    owed: dict[str, Array] = {}

    def watch(stage: str, rows: Array | None) -> None:
        if stage == "account":
            begun = columns(simulation, "limit")
            owed["line"] = np.where(begun["status"] == OPEN, begun["limit"], 0)
        if stage == "decision":
            owed.update(columns(simulation, "scheduled", "overdue"))

    simulation.watch = watch
    inside, every, risk, lines = 0, 0, 0, 0
    for _ in range(MONTHS):
        counts = simulation.step().counts
        seen = columns(simulation, "limit", "standing")
        before, balance = owed["line"], owed["scheduled"] + owed["overdue"]
        least = int(simulation.terms["minimum_loan"])
        on_time, free = seen["standing"] == 1, before - balance >= least
        zero = on_time & (before >= least) & ((seen["limit"] < least) | (seen["status"] == LEFT))
        assert by_segment(counts, "zero_limit") == number(seen, zero)
        assert by_segment(counts, "zero_at_risk") == number(seen, zero & free)
        assert by_segment(counts, "at_risk") == number(seen, on_time & free)
        lines += int((on_time & (before >= least)).sum())
        inside, every, risk = inside + int((zero & free).sum()), every + int(zero.sum()), risk + int((on_time & free).sum())
    assert 0 < inside < every
    whole = monthly_columns(simulation.history)
    assert float(rates(whole, "zero_limit", (0, 1, 2))) == every / lines <= 1.0
    assert 0.0 < float(rates(whole, "zero_limit_at_risk", (0, 1, 2))) == inside / risk <= 1.0


def test_moves_in_and_out_of_arrears() -> None:
    """Everybody's months past due before and after; whoever is written off has rolled on."""
    simulation = begun(**LATE)
    before = columns(simulation, "late")
    seen_rolled = 0
    for _ in range(MONTHS):
        counts = simulation.step().counts
        after = columns(simulation, "late")
        same = (before["generation"] == after["generation"]) & (before["status"] != LEFT)
        was, now = before["late"], np.where(after["status"] == LEFT, 99, after["late"])
        stayed_current = (was == 0) & (after["status"] == LEFT)
        for k, bucket in ((1, was == 1), (2, was == 2), (3, was >= 3)):
            assert by_segment(counts, f"was_late_{k}") == number(before, bucket & (before["status"] != LEFT))
            assert by_segment(counts, f"cured_{k}") == number(before, same & bucket & (now == 0))
        for k, bucket in ((1, was == 1), (2, was == 2)):
            assert by_segment(counts, f"rolled_{k}") == number(before, same & bucket & (now > was))
            seen_rolled += int((same & bucket & (now > was)).sum())
        assert by_segment(counts, "missed") == number(before, same & (was == 0) & ~stayed_current & (now > 0))
        before = after
    assert seen_rolled > 100


def test_arrears_move_only_by_what_is_counted() -> None:
    """Late at the end = late at the start - cured - written off + newly late, in every cell."""
    simulation = begun(**LATE).run(MONTHS)
    for month in simulation.history:
        c = month.counts
        started = c["was_late_1"] + c["was_late_2"] + c["was_late_3"]
        ended = c["late_1"] + c["late_2"] + c["late_3"]
        assert (ended == started - c["cured_1"] - c["cured_2"] - c["cured_3"] - c["charged_off"] + c["missed"]).all()


def test_sizes_of_decreases() -> None:
    """What lines lost of more than 5 %, and what they were."""
    simulation = begun(calendar=[{"month": 4, "kind": "tightness", "value": 0.5}], appeals_capacity=0.0, leave_rate=0.0)
    before = columns(simulation, "limit")
    for _ in range(MONTHS):
        counts = simulation.step().counts
        after = columns(simulation, "limit")
        line = np.where(before["status"] == OPEN, before["limit"], 0)
        cut = (line >= 50_000) & (after["limit"] < 0.95 * line)
        assert by_segment(counts, "decreases") == number(before, cut)
        assert by_segment(counts, "sum_cut") == number(before, cut, line - after["limit"])
        assert by_segment(counts, "sum_cut_from") == number(before, cut, line)
        before = after
    assert sum(int(month.counts["sum_cut"].sum()) for month in simulation.history) > 0


def test_appeals_and_their_waits_by_segment() -> None:
    """Whoever was before the desk and is no more has been heard; with nothing set aside nobody's wait is forgotten."""
    simulation = begun(adopt="appealing", appeals_capacity=0.002, appeals_share=0.0, trigger_frequency=0.5)
    before = columns(simulation, "appealed")
    heard_in_all = 0
    for _ in range(MONTHS + 8):
        month = simulation.step()
        after = columns(simulation, "appealed", "waited")
        heard = (after["appealed"] >= 2) & (before["appealed"] < 2)
        assert by_segment(month.counts, "appeals_heard") == number(after, heard)
        assert by_segment(month.counts, "appeals_won") == number(after, heard & (after["appealed"] == 2))
        assert by_segment(month.counts, "appeal_months_waited") == number(after, heard, after["waited"])
        for name in ("appeals_heard", "appeals_won", "appeals_granted", "appeal_months_waited"):
            assert month.platform[name] == month.counts[name].sum()
        before, heard_in_all = after, heard_in_all + int(heard.sum())
    assert heard_in_all > 20


def test_months_to_the_finding_of_a_cut() -> None:
    """Who looks every month finds it in the month of the last payment; who never looks, later, at need or not at all."""
    wave: dict[str, Any] = {"calendar": [{"month": 2, "kind": "cutoff_shift", "value": 100.0}], "appeals_capacity": 0.0}
    sums = {}
    for look in (0.0, 1.0):
        chosen = {"look_rate": look, "look_monitoring": look}
        simulation = begun(**wave, **chosen).run(MONTHS)
        names = ("found_at_need", "found_looking", "found_by_notice", "sum_months_to_finding")
        sums[look] = [sum(int(month.counts[name].sum()) for month in simulation.history) for name in names]
    assert sums[1.0][1] > 50
    assert sums[1.0][0] == sums[1.0][2] == sums[1.0][3] == 0
    assert sums[0.0][0] > 20
    assert sums[0.0][1] == sums[0.0][2] == 0
    assert sums[0.0][3] > 0
    told = begun(**wave, notice_months=2).run(MONTHS)
    assert sum(int(month.counts["found_by_notice"].sum()) for month in told.history) > 0


@pytest.mark.parametrize("rate", RATES)
def test_every_rate_divides_columns_that_are_there(rate: str) -> None:
    found = rates(monthly_columns(begun().run(3).history), rate, (1, 2))
    assert found.shape == (3,)


# their order


@pytest.mark.parametrize("first", ["repayment", "trust", "borrowing", "caps"])
def test_outcomes_are_in_one_order_whichever_rule_is_imported_first(first: str) -> None:
    """Columns, panels and documents have that order."""
    code = f"import zerolimit.rules.{first}, zerolimit.month; print(*zerolimit.month.FLAGS)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == list(FLAGS)
