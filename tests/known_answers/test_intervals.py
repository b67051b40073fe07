"""Bands over whole tables, ratios and recovery shares: by hand, and their coverage under common draws."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import t as student

from zerolimit.results.episodes import cumulative_incidence, usable_again
from zerolimit.study.comparison import difference
from zerolimit.study.intervals import FEWEST, fieller, half_width, interval, last_trend
from zerolimit.vocabulary.names import ENDS

SCORE, APPEAL, CHARGEOFF, LEFT = (ENDS.index(name) for name in ("score", "appeal", "charge-off", "left"))

# one row and a whole table


def test_a_band_takes_students_quantile_for_so_many_rows() -> None:
    """Ten seeds, 21 rows: t(9) at 1 - 0.05 / 42 is 4.2 and not 2.262."""
    assert half_width(10) * sqrt(10) == pytest.approx(2.2621571628540993)
    assert half_width(10, rows=21) * sqrt(10) == pytest.approx(float(student.ppf(1.0 - 0.05 / 42.0, 9)))
    values = np.arange(10.0)
    alone, one_of = interval(values), interval(values, rows=21)
    assert (one_of.high - one_of.mean) / (alone.high - alone.mean) == pytest.approx(half_width(10, rows=21) / half_width(10))


def test_below_ten_seeds_there_is_no_band() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, FEWEST))
    whole, fewer = difference(a, b, rows=5), difference(a[1:], b[1:], rows=5)
    assert whole["band_low"] < whole["low"] < whole["difference"] < whole["high"] < whole["band_high"]
    assert np.isnan([fewer["band_low"], fewer["band_high"]]).all()
    assert fewer["low"] < fewer["difference"] < fewer["high"]


@pytest.mark.parametrize(("common", "least", "most"), [(0.0, 0.94, 0.965), (0.8, 0.95, 0.99)])
def test_a_band_holds_all_rows_at_once_under_common_draws(common: float, least: float, most: float) -> None:
    """4,000 tables of 20 rows over ten seeds, with common draws and without; without a band a quarter to two thirds fail."""
    rng = np.random.default_rng(13)
    tables, seeds, rows = 4_000, 10, 20
    shared = rng.normal(size=(tables, seeds, 1))
    values = sqrt(common) * shared + sqrt(1.0 - common) * rng.normal(size=(tables, seeds, rows))
    apart = np.abs(values.mean(axis=1)) / values.std(axis=1, ddof=1)
    together = (apart <= half_width(seeds, rows=rows)).all(axis=1).mean()
    alone = (apart <= half_width(seeds)).all(axis=1).mean()
    assert least < together < most
    assert alone < 0.8
    assert (apart <= half_width(seeds)).mean() == pytest.approx(0.95, abs=0.01)


# ratios


def test_a_ratio_by_hand() -> None:
    """x = 3, 5, 7 over y = 10, 10, 13: t = 4.3027, t^2 = 18.513; v_x = 4/3, v_y = 1, v_xy = 1.

    a = 11^2 - 18.513 = 102.487, b = 5 x 11 - 18.513 = 36.487, c = 25 - 18.513 x 4/3 = 0.316: roots 0.00436 and 0.70767.
    """
    found = fieller([3.0, 5.0, 7.0], [10.0, 10.0, 13.0])
    t2 = 4.302652729749464**2
    a, b, c = 121.0 - t2, 55.0 - t2, 25.0 - t2 * 4.0 / 3.0
    assert found.mean == 5.0 / 11.0
    assert found.low == pytest.approx((b - sqrt(b * b - a * c)) / a)
    assert found.high == pytest.approx((b + sqrt(b * b - a * c)) / a)
    assert (found.low, found.high) == (pytest.approx(0.00436, abs=1e-5), pytest.approx(0.70767, abs=1e-5))


def test_over_a_constant_it_is_students_interval() -> None:
    values = [1.0, 2.0, 4.0, 5.0]
    student_s, ratio = interval(values), fieller(values, [2.0] * 4)
    assert (ratio.low, ratio.high) == (pytest.approx(student_s.low / 2.0), pytest.approx(student_s.high / 2.0))


def test_over_what_may_be_nothing_no_interval_is_finite() -> None:
    for under in ([1.0, -1.0, 0.5], [0.0, 0.0, 0.0], [4.0, 1.0, 1.0]):
        found = fieller([1.0, 2.0, 3.0], under)
        assert np.isnan([found.low, found.high]).all()
    assert np.isnan(fieller([1.0, 2.0], [0.0, 0.0]).mean)
    assert fieller([1.0], [2.0]).mean == 0.5
    assert np.isnan(fieller([1.0], [2.0]).low)


def test_it_holds_the_true_ratio_at_its_level() -> None:
    """Seeds move both sides: the ratio of 2 to 5, in 95 of 100 tables."""
    rng = np.random.default_rng(5)
    shared = rng.normal(size=(3_000, 10))
    over, under = 2.0 + shared + rng.normal(size=shared.shape), 5.0 + shared
    inside = [(one := fieller(x, y)).low <= 0.4 <= one.high for x, y in zip(over, under, strict=True)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.012)


# trends


def test_the_last_quarter_s_trend_by_hand() -> None:
    """Of twelve months the last three: 1, 2, 6 rises by 2.5 a month, 0, 0, 0 by nothing; three months of it."""
    early = [9.0] * 9
    found = last_trend([[*early, 1.0, 2.0, 6.0], [*early, 0.0, 0.0, 0.0]])
    assert found.mean == pytest.approx((7.5 + 0.0) / 2.0)
    assert found.high == pytest.approx(3.75 + 12.706204736174694 * 7.5 / 2.0)
    assert np.isnan(last_trend([[*early, 1.0, 2.0]]).mean)


# recovery


def test_recovery_by_a_hand_computed_table() -> None:
    """Ten events: 2 back after a month, 1 left in month 2, 3 seen for two months and no longer, 1 back in month 4, 3 last.

    Watched in months 0 to 4: 10, 10, 8, 4, 4. Back by month 1: 2/10. Lasting after month 1: 8/10, after month 2: 8/10 x 7/8.
    In month 4 one of the 4 watched: 7/10 x 1/4. So 0.2 + 0.175 by month 4; counting heads it would be 3/10 of all, or 3/7 of
    those who could be watched for 4 months.
    """
    duration = np.array([1, 1, 2, 3, 3, 3, 4, 7, 7, 7])
    ended = np.array([SCORE, APPEAL, LEFT, 0, 0, 0, SCORE, 0, 0, 0])
    (one, four, six, seven) = usable_again(duration, ended, (1, 4, 6, 7))
    assert one == (pytest.approx(0.2), 10)
    assert four == (pytest.approx(0.375), 4)
    assert six == (pytest.approx(0.375), 3)
    assert np.isnan(seven[0])
    assert seven[1] == 0


def test_recovery_without_a_competing_end_is_one_less_kaplan_and_meier() -> None:
    rng = np.random.default_rng(3)
    time, censor = rng.integers(0, 12, 400), rng.integers(1, 14, 400)
    back = time <= censor - 1
    duration, ended = np.where(back, time, censor), np.where(back, SCORE, 0)
    lasting = 1.0
    for month in range(10):
        watched = (np.where(back, duration, duration - 1) >= month).sum()
        lasting *= 1.0 - (back & (duration == month)).sum() / watched
        ((share, number),) = usable_again(duration, ended, (month,))
        assert share == pytest.approx(1.0 - lasting)
        assert number == watched


def test_who_was_charged_off_or_left_has_not_recovered() -> None:
    """Taken as censored (1 - Kaplan and Meier) it would be 1/2 and then all of it; both have really ended without a line."""
    duration, ended = np.array([1, 1, 2, 2]), np.array([CHARGEOFF, LEFT, SCORE, SCORE])
    assert usable_again(duration, ended, (1, 2, 30)) == [(0.0, 4), (0.5, 2), (0.5, 0)]
    assert cumulative_incidence(duration, ended)["lasting"][-1] == 0.0


def test_no_events_have_no_share() -> None:
    ((share, watched),) = usable_again(np.zeros(0, np.int64), np.zeros(0, np.int64), (3,))
    assert np.isnan(share)
    assert watched == 0
