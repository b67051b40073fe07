"""Moments against the same numbers worked out by pandas from a panel, and by hand."""

import re
from collections.abc import Callable
from itertools import pairwise
from math import nan

import numpy as np
import pandas as pd
import pytest

from zerolimit import histogram, moment, worlds
from zerolimit.basics.errors import BadInput
from zerolimit.parameters.scenario import load_scenario
from zerolimit.results.moments import RowMonths, parts_of, pearson
from zerolimit.results.panel import Panel
from zerolimit.results.ready_moments import MOMENTS
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import DTYPES, FIELDS
from zerolimit.vocabulary.names import SEGMENTS

WORLD = {
    "scenario": "jiebei-2020",
    "borrowers": 70,
    "chargeoff_months": 3,
    "cure_1": 0.3,
    "leave_rate": 0.05,
    "entry_rate": 0.5,
    "reapply_rate": 0.3,
}
MONTHS, BURN_IN = 16, 2


@pytest.fixture(scope="module")
def world() -> tuple[pd.Series, pd.DataFrame]:
    """The moments of a small world, and its panel, vacant slots included."""
    found = worlds([WORLD], keep=list(MOMENTS), months=MONTHS, burn_in=BURN_IN, seed=7, engine="objects")
    scenario = load_scenario(WORLD["scenario"], **{name: value for name, value in WORLD.items() if name != "scenario"})
    simulation = Simulation(scenario, 7, engine="compiled", threads=1)
    panel = Panel(simulation, "all")
    for _ in range(MONTHS):
        simulation.step()
        panel.record()
    frame = panel.frame(vacant=True)
    frame["owed"] = frame.scheduled + frame.overdue
    frame["use"] = np.minimum(frame.owed * 1000 // frame.limit.where(frame.limit > 0, 1), 10_000)
    return found.iloc[0], frame


class Views:
    """A panel of the months that count, looked at in several ways, each made once."""

    def __init__(self, panel: pd.DataFrame) -> None:
        self.now = panel[panel.month >= BURN_IN]
        self.there = {0: self.now[self.now.status != "left"]}
        """Who has an account; or had one so many months before and is in the slot still, with what was."""
        for months in (1, 2, 6, 12):
            before = panel.assign(month=panel.month + months)
            both = self.now.merge(before, on=["month", "borrower", "generation"], suffixes=("", "_then"))
            self.there[months] = both[both.status_then != "left"]
        self.stay = {months: both[both.status != "left"] for months, both in self.there.items()}
        """Of them, who has an account still."""


def there(panel: Views, months: int = 0) -> pd.DataFrame:
    return panel.there[months]


def stay(panel: Views, months: int = 1) -> pd.DataFrame:
    return panel.stay[months]


def with_line(panel: Views) -> pd.DataFrame:
    return there(panel)[there(panel).limit > 0]


def had_line(panel: Views) -> pd.DataFrame:
    return stay(panel)[stay(panel).limit_then > 0]


def slow(panel: Views) -> pd.DataFrame:
    both = there(panel, 1)
    return both[both.late_then.between(1, 2)]


def share(of: Callable[[Views], pd.DataFrame], holds: str) -> Callable[[Views], float]:
    return lambda panel: of(panel).eval(holds).mean()


def correlated(of: Callable[[Views], pd.DataFrame], one: str, other: str) -> Callable[[Views], float]:
    return lambda panel: np.corrcoef(of(panel).eval(one), of(panel).eval(other))[0, 1]


def counted(over: str, under: str, segment: str) -> Callable[[Views], float]:
    """A rate of what the panel has as true or false."""

    def rate(panel: Views) -> float:
        inside = panel.now[panel.now.segment == segment]
        return inside[over].sum() / inside[under].sum()

    return rate


def owing(panel: Views) -> pd.DataFrame:
    return there(panel)[there(panel).owed > 0]


def of_owners(panel: Views) -> pd.DataFrame:
    return there(panel)[there(panel).segment == "owner"]


def users(panel: Views) -> pd.DataFrame:
    return there(panel)[(there(panel).owed > 0) | (there(panel).idle < 12)]


def newly_late(panel: Views) -> pd.DataFrame:
    """One month late a month before, and not two months before."""
    both = there(panel, 1).merge(there(panel, 2), on=["month", "borrower", "generation"], suffixes=("", "_two"))
    return both[(both.late_then == 1) & (both.late_then_two == 0)]


def zero(panel: Views) -> pd.DataFrame:
    return there(panel)[there(panel).limit == 0]


EXPECTED: dict[str, Callable[[Views], float]] = {
    "zero_line": share(there, "limit == 0"),
    "zero_line_current": share(zero, "late == 0"),
    "zero_line_unused": share(zero, "owed == 0"),
    "line_lost": share(had_line, "limit == 0"),
    "line_regained": lambda p: (stay(p)[stay(p).limit_then == 0].limit > 0).mean(),
    "no_usable_line": share(there, "without_line > 0"),
    "no_usable_line_3": share(there, "without_line >= 3"),
    "no_usable_line_12": share(there, "without_line >= 12"),
    **{
        f"no_usable_line_lasts_{k}": lambda p, k=k: (stay(p, k)[stay(p, k).without_line_then > 0].without_line > 0).mean()
        for k in (1, 6, 12)
    },
    **{f"zero_limit_{one}": counted("zero_limit", "line_on_time", one) for one in SEGMENTS},
    **{f"blocked_{one}": counted("blocked", "at_risk", one) for one in SEGMENTS},
    "limit_mean": lambda p: with_line(p).limit.sum() / (100 * len(with_line(p))),
    "limit_below_100000": share(with_line, "limit < 100_000"),
    "limit_100000_to_300000": share(with_line, "100_000 <= limit < 300_000"),
    "limit_300000_to_1000000": share(with_line, "300_000 <= limit < 1_000_000"),
    "limit_1000000_to_3000000": share(with_line, "1_000_000 <= limit < 3_000_000"),
    "limit_from_3000000": share(with_line, "limit >= 3_000_000"),
    "limit_decreased": share(had_line, "limit < 0.95 * limit_then"),
    "limit_increased": share(had_line, "limit > limit_then"),
    "limit_autocorrelation": correlated(
        lambda p: had_line(p)[had_line(p).limit > 0], "limit // 10_000", "limit_then // 10_000"
    ),
    "limit_income_correlation": correlated(with_line, "limit // 10_000", "income_seen // 10_000"),
    "utilisation_mean": lambda p: with_line(p).use.sum() / (1000 * len(with_line(p))),
    "utilisation_below_1": share(with_line, "use == 0"),
    "utilisation_1_to_200": share(with_line, "1 <= use < 200"),
    "utilisation_200_to_600": share(with_line, "200 <= use < 600"),
    "utilisation_600_to_900": share(with_line, "600 <= use < 900"),
    "utilisation_from_900": share(with_line, "use >= 900"),
    "over_limit": share(with_line, "owed + overdue_interest > limit"),
    "utilisation_autocorrelation": correlated(lambda p: had_line(p)[had_line(p).limit > 0], "use", "use_then"),
    "limit_utilisation_correlation": correlated(with_line, "limit // 10_000", "use"),
    "utilisation_below_200": share(with_line, "5 * owed < limit"),
    "utilisation_aggregate": lambda p: with_line(p).owed.sum() / with_line(p).limit.sum(),
    "zero_bill": share(with_line, "owed == 0"),
    "balance_of_users": lambda p: users(p).owed.sum() / (100 * len(users(p))),
    "balance_of_owners": lambda p: of_owners(p).owed.sum() / (100 * (of_owners(p).owed > 0).sum()),
    "owners_late_90": lambda p: of_owners(p).owed[of_owners(p).late >= 3].sum() / of_owners(p).owed.sum(),
    "good_record": share(there, "late == 0"),
    "debt_and_savings": share(there, "owed > 0 and cash > 0"),
    "borrowers_with_others": share(owing, "other_debt > 0"),
    "newly_late_cured": share(newly_late, "late == 0 and status != 'left'"),
    "balance_mean": lambda p: there(p).owed.sum() / (100 * (there(p).owed > 0).sum()),
    "balance_late_30": lambda p: there(p).owed[there(p).late >= 1].sum() / there(p).owed.sum(),
    "balance_late_90": lambda p: there(p).owed[there(p).late >= 3].sum() / there(p).owed.sum(),
    "late_3_in_a_month": share(slow, "late >= 3"),
    "cured_in_a_month": share(slow, "late == 0 and status != 'left'"),
    "inquiries_mean": lambda p: (there(p).inquiries * 16_384).sum() / (16_384 * len(there(p))),
    "other_lenders": share(there, "other_debt > 0"),
}
"""Each moment from a panel."""


def test_every_moment_is_what_pandas_makes_of_a_panel(world: tuple[pd.Series, pd.DataFrame]) -> None:
    """Ratios to the bit: both divide the same whole sums; correlations to twelve digits, since pandas adds real numbers."""
    found, panel = world[0], Views(world[1])
    assert set(EXPECTED) == set(MOMENTS)
    for name, expected in EXPECTED.items():
        exact = MOMENTS[name].kind == "ratio"
        assert found[name] == pytest.approx(expected(panel), rel=0 if exact else 1e-12, abs=0), name


def test_the_world_of_that_test_has_what_its_moments_are_about(world: tuple[pd.Series, pd.DataFrame]) -> None:
    found, panel = world
    assert not [name for name in EXPECTED if not np.isfinite(found[name])]
    assert (panel.status == "left").any()
    assert panel.generation.max() > 0
    assert {0.0, 1.0}.isdisjoint(found[["line_lost", "line_regained", "no_usable_line_lasts_6"]])


def columns_of(rows: int) -> dict[str, np.ndarray]:
    """Stored columns of all sorts at random."""
    rng = np.random.default_rng(3)
    most = {"i1": 4, "i2": 50, "q2": 16_384, "i4": 1_000_000, "f4": 900}
    return {
        name: rng.integers(0, most[one.storage], rows).astype(DTYPES[one.storage])
        for name, one in FIELDS.items()
        if not one.flow
    }


def used(c: dict[str, np.ndarray]) -> np.ndarray:
    """Thousandths of the line in use, 0 without one."""
    return np.where(c["limit"] > 0, 1000 * (c["scheduled"] + c["overdue"]) // np.maximum(c["limit"], 1), 0)


FORMULAS = {
    "late >= 2": lambda c: c["late"] >= 2,
    "1 <= late < 3 or not segment == 'gig'": lambda c: ((c["late"] >= 1) & (c["late"] < 3)) | (c["segment"] != 1),
    "principal * (limit > 500_000) - cash": lambda c: (c["scheduled"] + c["overdue"]) * (c["limit"] > 500_000) - c["cash"],
    "1000 * scheduled // limit": lambda c: np.where(c["limit"] > 0, 1000 * c["scheduled"] // np.maximum(c["limit"], 1), 0),
    "(overdue - scheduled) // 100": lambda c: (c["overdue"] - c["scheduled"]) // 100,
    "min(abs(overdue - limit), 7) + max(late, 1)": lambda c: (
        np.minimum(abs(c["overdue"] - c["limit"]), 7) + np.maximum(c["late"], 1)
    ),
    "(1000 * principal // limit) * late": lambda c: used(c) * c["late"],
    "min(1000 * principal // limit, 900) * max(cash // 90_000, late) - abs(cash // 7)": lambda c: (
        np.minimum(used(c), 900) * np.maximum(c["cash"] // 90_000, c["late"]) - abs(c["cash"] // 7)
    ),
    "200 <= 1000 * principal // limit < 600 and cash // (late - 1) > 7": lambda c: (
        (used(c) >= 200) & (used(c) < 600) & (np.where(c["late"] > 1, c["cash"] // np.maximum(c["late"] - 1, 1), 0) > 7)
    ),
    "7": lambda c: np.full(len(c["late"]), 7),
    "punctuality": lambda c: c["punctuality"],
    "risk": lambda c: np.floor(c["risk"]),
    "propensity": lambda c: np.minimum(np.floor(c["propensity"] * 1e6), 1_000_000),
}
"""Formula -> its values by plain NumPy, of everybody who has an account."""


@pytest.mark.parametrize("compiled", [False, True])
def test_formulas_are_summed_world_by_world(compiled: bool) -> None:
    raw = columns_of(9_000)
    values = {name: column.astype(np.float64 if FIELDS[name].storage == "f4" else np.int64) for name, column in raw.items()}
    starts = np.array([0, 1, 400, 9_000])
    parts = [parts_of(moment(f"m{k}", text))[0] for k, text in enumerate(FORMULAS)]
    found = RowMonths(parts, starts, compiled=compiled).take(raw.__getitem__)
    for k, of in enumerate(FORMULAS.values()):
        everybody = np.where(values["status"] != 3, np.asarray(of(values)), 0).astype(np.int64)
        assert found[:, k].tolist() == [everybody[a:b].sum() for a, b in pairwise(starts)]


def test_quotients_are_exact_where_whole_numbers_are_large() -> None:
    """Real numbers round 2**53 - 1 over 2**26 and the like; rounded down they still give the whole quotient."""
    rng = np.random.default_rng(1)
    a = np.concatenate([rng.integers(2**52, 2**53, 5_000), np.arange(1, 5_000) * 1_999_999_999 - 1])
    b = np.concatenate([rng.integers(1, 2**31, 5_000), np.full(4_999, 1_999_999_999)])
    assert (np.int64(np.floor(a / b)) == a // b).all()


def test_a_lag_is_of_the_same_borrower() -> None:
    """Four slots, two months: one stays, one leaves, one is a new borrower's, one was vacant."""
    late = parts_of(moment("m", "lag(late, 1)"))
    taken = RowMonths(late, np.array([0, 4]), compiled=False)
    kinds = {"late": "i1", "status": "i1", "generation": "i2"}
    months = [
        {"late": [1, 2, 4, 8], "status": [0, 0, 0, 3], "generation": [0, 0, 0, 5]},
        {"late": [0, 0, 0, 0], "status": [0, 3, 0, 0], "generation": [0, 0, 1, 5]},
    ]
    found = [taken.take({name: np.array(one[name], kinds[name]) for name in kinds}.__getitem__).tolist() for one in months]
    assert found == [[[0, 0]], [[1 + 2, 2]]]


def test_pearson_by_hand() -> None:
    assert pearson(3, 6, 12, 14, 56, 28) == pytest.approx(1.0, abs=1e-15)
    assert pearson(4, 2, 2, 2, 2, 1) == 0.0
    assert np.isnan(pearson(3, 3, 6, 3, 14, 6))


def test_a_histogram_is_shares_that_add_up() -> None:
    shares = histogram("age", "age", [30, 45])
    assert [one.name for one in shares] == ["age_below_30", "age_30_to_45", "age_from_45"]
    raw = {"age": np.array([20, 30, 44, 45, 60], "i1"), "status": np.array([0, 0, 0, 0, 3], "i1")}
    parts = [parts_of(one)[0] for one in shares]
    assert RowMonths(parts, np.array([0, 5]), compiled=False).take(raw.__getitem__).tolist() == [[1, 2, 1]]


WRONG = [
    ({"over": "lat > 1"}, "over: unknown field, count or sum 'lat'; did you mean 'late'?"),
    ({"over": "asked > 0"}, "over: asked is known only within the month; fields at its end are needed"),
    ({"over": "zero_limit"}, "under: what zero_limit is to be divided by is needed"),
    ({"over": "zero_limit", "under": "accounts", "where": "late > 1"}, "where: late cannot stand beside zero_limit"),
    ({"over": "zero_limit + 1", "under": "accounts"}, "adds numbers to what a month counts"),
    ({"over": "zero_limit * blocked", "under": "accounts"}, "counts can be added, and multiplied by numbers or conditions"),
    ({"over": "lag(zero_limit, 1)", "under": "accounts"}, "lag: zero_limit is counted by month"),
    (
        {"over": "limit * limit * limit"},
        "'limit * limit * limit' can be as large as 8e+27; divide first, as in limit // 10_000",
    ),
    ({"over": "segment == 'gg'"}, "segment: 'gg' is not one of salaried, gig, owner; did you mean 'gig'?"),
    ({"over": "late == 'gig'"}, "'gig' stands beside no field with names; such are"),
    ({"over": "punctuality > 0.9"}, "0.9 is no whole number; take multiples"),
    ({"over": "late >"}, "'late >' is no formula"),
    ({"over": "late and limit"}, "'late': a comparison is needed beside and, or, not"),
    ({"over": "lag(lag(limit, 1), 1)"}, "lag: a field and 1 to 120 months are needed"),
    ({"over": "open('file')"}, "allowed are fields, whole numbers"),
    ({"over": "limit.base"}, "allowed are fields, whole numbers"),
    ({"over": "late", "where": "late"}, "where: a comparison is needed"),
    ({"correlation": ("1000 * limit", "cash")}, "1000 * limit can be as large as 2e+12; divide first"),
    ({"correlation": ("late", "zero_limit")}, "zero_limit is counted by month, and no field of a borrower"),
    ({"over": "late", "correlation": ("late", "limit")}, "correlation: two formulas are needed, and neither over nor under"),
    ({}, "over: a formula is needed"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_what_is_wrong_with_a_formula_is_said_in_a_line(words: dict, said: str) -> None:
    with pytest.raises(BadInput, match=f"^moment m: .*{re.escape(said)}"):
        moment("m", **words)


def test_names_and_edges_are_looked_at() -> None:
    with pytest.raises(BadInput, match=r"^moment: 'two words' is no name"):
        moment("two words", "late")
    with pytest.raises(BadInput, match=r"^histogram h: edges: whole numbers that rise are needed"):
        histogram("h", "late", [3, 3])
    with pytest.raises(
        BadInput, match=r"^histogram h: of: an amount of each borrower is needed, as in limit, not 'late > 1'"
    ):
        histogram("h", "late > 1", [0, 1])


def test_a_moment_with_nobody_in_it_is_no_number() -> None:
    found = worlds(["no-mechanisms"], keep=moment("m", "late", where="age > 120"), borrowers=5, months=1, engine="objects")
    assert found.m.tolist() == [pytest.approx(nan, nan_ok=True)]


def test_formulas_that_are_the_same_are_one_sum() -> None:
    a, b = (parts_of(moment(name, "late >= 1", where="principal > 0")) for name in "ab")
    assert a == b
