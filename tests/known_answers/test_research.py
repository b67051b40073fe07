"""Event studies, survival curves and bands over seeds against numbers worked out by hand and by SciPy."""

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit

import zerolimit
from zerolimit import CreditMarket
from zerolimit.basics.errors import BadInput
from zerolimit.research.survival import curves
from zerolimit.vocabulary.names import END_APPEAL, END_CHARGEOFF, ENDS

# event studies


def panel(outcomes: dict[int, list[float]], events: dict[int, int], segment: dict[int, str] | None = None) -> pd.DataFrame:
    """Persons with an outcome in months 0, 1, ...; who has the event when; everybody is at risk throughout."""
    return pd.DataFrame(
        [
            {"person": who, "month": month, "y": value, "zero_limit": events.get(who) == month, "line_on_time": True}
            | {"segment": (segment or {}).get(who, "salaried")}
            for who, values in outcomes.items()
            for month, value in enumerate(values)
        ]
    )


TWO = panel(
    {1: [5, 4, 0, 0], 2: [9, 8, 2, 1], 11: [7, 7, 6, 5], 12: [3, 2, 2, 4]},
    {1: 2, 2: 2},
    {1: "gig", 11: "gig"},
)
WORDS: dict[str, Any] = {"match": ["segment"], "window": (-2, 1), "controls": 1}


def test_the_effect_is_the_change_less_the_controls_and_its_interval_students() -> None:
    """Changes since the month before: -4, -6 against -1, 0 in the event's month; -4, -7 against -2, 2 in the next."""
    found = zerolimit.event_study(TWO, "y", **WORDS).to_frame()
    assert found.index.tolist() == [-2, -1, 0, 1]
    assert found.effect.tolist() == [1.0 - 0.5, 0.0, -4.5, -5.5]
    assert found.treated.tolist() == [7.0, 6.0, 1.0, 0.5]
    assert found.control.tolist() == [5.0, 4.5, 4.0, 4.5]
    assert found.events.tolist() == [2] * 4
    variance = 4 / 3 * ((1 / 2) ** 2 * (1 + 1) + (1 / 2) ** 2 * (0.5**2 + 0.5**2))  # month 0: -4, -6 and -1, 0
    assert np.isclose(found.high[0] - found.effect[0], stdtrit(3, 0.975) * sqrt(variance))
    assert (found.low[-1], found.high[-1]) == (0.0, 0.0)


def test_a_control_in_several_episodes_is_one_person() -> None:
    """Both treated have the control 11: its weights add up before they are squared."""
    both = panel({1: [5, 4, 0], 2: [9, 8, 2], 11: [7, 7, 6]}, {1: 2, 2: 2})
    found = zerolimit.event_study(both, "y", match=[], window=(-1, 0), controls=3).to_frame()
    assert found.persons.tolist() == [3, 3]
    variance = 3 / 2 * ((1 / 2) ** 2 * (1 + 1))  # -4 and -6 about -5; the control's changes are all -1
    assert np.isclose(found.high[0] - found.effect[0], stdtrit(2, 0.975) * sqrt(variance))


def test_controls_are_like_the_treated_at_risk_and_without_the_event_in_the_window() -> None:
    many = {who: [float(who)] * 6 for who in range(20)}
    some = panel(many, {0: 2, 1: 3, 2: 5}, dict.fromkeys(range(0, 20, 2), "gig"))
    some.loc[(some.person == 4) & (some.month == 2), "line_on_time"] = False
    found = zerolimit.event_study(some, "y", match=["segment"], window=(-1, 2), controls=50)
    of_first = found.sample[(found.sample.episode == 0) & ~found.sample.treated].person.unique()
    assert found.sample[found.sample.treated].groupby("episode").person.first().tolist() == [0, 1, 2]
    assert sorted(of_first) == [2, 6, 8, 10, 12, 14, 16, 18], "of its kind, at risk; 2 has the event after the window only"
    later = zerolimit.event_study(some, "y", match=["segment"], window=(-1, 3), controls=50)
    assert 2 not in later.sample[(later.sample.episode == 0) & ~later.sample.treated].person.to_numpy()


def test_which_controls_are_drawn_follows_from_the_seed_alone() -> None:
    some = panel({who: [float(who)] * 4 for who in range(40)}, {0: 2})

    def drawn(seed: int, rows: pd.DataFrame = some) -> list[int]:
        found = zerolimit.event_study(rows, "y", match=[], window=(-1, 1), controls=5, seed=seed).sample
        return sorted(found[~found.treated].person.unique())

    assert len(drawn(1)) == 5
    assert drawn(1) == drawn(1, some.sample(frac=1.0, random_state=0))
    assert drawn(1) != drawn(2)


def test_an_event_without_controls_is_left_out_and_counted() -> None:
    found = zerolimit.event_study(TWO[TWO.person != 11], "y", **WORDS)
    assert found.unmatched == 1
    assert found.to_frame().events.tolist() == [1] * 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"outcome": "z"}, "event_study: the panel has no column 'z'"),
        ({"outcome": "y", "event": "zero_limits"}, "no column 'zero_limits'; did you mean 'zero_limit'"),
        ({"outcome": "y", "window": (0, 3)}, "window: months from -1 or earlier to 0 or later are needed, not 0 to 3"),
        ({"outcome": "y", "match": ["y"]}, "event_study: 2 persons have the event, none with a control"),
        ({"outcome": "y", "match": ["person"]}, "match: controls are of the same month and other persons anyway"),
        ({"outcome": "y", "controls": 0}, "controls: at least 1 is needed, not 0"),
    ],
)
def test_an_event_study_that_cannot_be_is_refused(words: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        zerolimit.event_study(TWO, **{**WORDS, **words})


# survival


def of(curve: str, table: pd.DataFrame) -> pd.DataFrame:
    return table[table.curve == curve].reset_index(drop=True)


def test_without_censoring_shares_are_counts_and_their_variance_is_binomial() -> None:
    """Ten episodes: 4 end by an appeal in month 2, 6 by charge-off in month 5. In month 2: 0.4 +- 1.96 sqrt(0.024)."""
    duration, ended = np.array([2] * 4 + [5] * 6), np.array([END_APPEAL] * 4 + [END_CHARGEOFF] * 6, np.int64)
    table = curves(duration, ended)
    appeals = of(ENDS[int(END_APPEAL)], table)
    assert appeals.estimate.tolist() == [0.0, 0.0, 0.4, 0.4, 0.4, 0.4]
    spread = 1.959964 * sqrt(0.4 * 0.6 / 10) / (0.4 * np.log(0.4))
    assert np.allclose([appeals.low[2], appeals.high[2]], [0.4 ** np.exp(-spread), 0.4 ** np.exp(spread)])
    assert np.allclose([appeals.low[5], appeals.high[5]], [appeals.low[2], appeals.high[2]])
    assert of("lasting", table).estimate.tolist() == pytest.approx([1.0, 1.0, 0.6, 0.6, 0.6, 0.0])


def test_with_one_end_the_incidence_mirrors_kaplan_and_meier_with_greenwoods_variance() -> None:
    """Durations 1, 2, 2+, 3, 4+, 5 of one end (+ is censored, so seen to the month before)."""
    duration, ended = np.array([1, 2, 2, 3, 4, 5]), np.array([1, 1, 0, 1, 0, 1]) * int(END_APPEAL)
    table = curves(duration, ended)
    lasting, appeals = of("lasting", table), of(ENDS[int(END_APPEAL)], table)
    assert lasting.at_risk.tolist() == [6, 6, 4, 3, 1, 1]
    expected = np.array([1, 5 / 6, 5 / 8, 5 / 12, 5 / 12, 0])
    assert np.allclose(lasting.estimate, expected)
    assert np.allclose(appeals.estimate, 1 - expected)
    greenwood = expected[3] ** 2 * (1 / (6 * 5) + 1 / (4 * 3) + 1 / (3 * 2))
    spread = 1.959964 * sqrt(greenwood) / (expected[3] * np.log(expected[3]))
    assert np.allclose([lasting.high[3], lasting.low[3]], [expected[3] ** np.exp(spread), expected[3] ** np.exp(-spread)])
    other = 1.959964 * sqrt(greenwood) / (appeals.estimate[3] * np.log(appeals.estimate[3]))
    assert np.allclose([appeals.high[3], appeals.low[3]], appeals.estimate[3] ** np.exp([other, -other]))


# bands


def test_bands_are_students_interval_of_the_mean_and_quantiles_of_the_runs() -> None:
    months = pd.RangeIndex(3, name="month")
    runs = [pd.Series([float(k), 2.0 * k, 5.0], index=months) for k in range(5)]
    table = zerolimit.bands(runs, quantiles=(0.75, 0.25)).to_frame()
    assert table["mean"].tolist() == [2.0, 4.0, 5.0]
    half = stdtrit(4, 0.975) * sqrt(2.5 / 5)
    assert np.allclose(table.high - table["mean"], [half, 2 * half, 0.0])
    assert np.allclose(table["mean"] - table.low, [half, 2 * half, 0.0])
    assert list(table)[3:] == ["q0.25", "q0.75"]
    assert table["q0.25"].tolist() == [1.0, 2.0, 5.0]
    assert table["q0.75"].tolist() == [3.0, 6.0, 5.0]


def test_runs_of_other_months_have_no_band() -> None:
    one, other = (pd.Series(1.0, index=pd.RangeIndex(length, name="month")) for length in (3, 4))
    with pytest.raises(BadInput, match="runs: number 1 is not over the same month as number 0"):
        zerolimit.bands([one, other])
    with pytest.raises(BadInput, match="runs: at least one is needed"):
        zerolimit.bands([])


def test_runs_of_one_seed_or_of_other_scenarios_have_no_band() -> None:
    one, twin, other = (
        CreditMarket("defaults", seed=seed, borrowers=60, engine="objects", panel="none", **words).run(months=2)
        for seed, words in ((1, {}), (1, {}), (2, {"pool_share": 0.2}))
    )
    with pytest.raises(BadInput, match=r"^runs: number 1 has the seed 1 of number 0; each needs its own$"):
        zerolimit.bands([one, twin])
    with pytest.raises(BadInput, match=r"^runs: number 1 is of another scenario than number 0; bands are over seeds$"):
        zerolimit.bands([one, other])
    with pytest.raises(BadInput, match=r"^quantiles: at least one is needed$"):
        zerolimit.bands([one], quantiles=[])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"outcome": "group"}, "outcome: a column of numbers, or of true and false, is needed, not 'group'"),
        ({"outcome": "month"}, "outcome: a column of numbers, or of true and false, is needed, not 'month'"),
        ({"event": "score"}, "event: a column of true and false is needed, not 'score'"),
        ({"risk": "group"}, "risk: a column of true and false is needed, not 'group'"),
    ],
)
def test_columns_that_cannot_be_an_outcome_an_event_or_a_risk_set_are_refused(words: dict[str, str], says: str) -> None:
    """A name is true, and so is a number but 0: as an event or a risk set it would be everybody."""
    panel = pd.DataFrame({"person": [1, 2], "month": [0, 0], "group": ["a", "b"], "score": [1.0, 2.0], "hit": [True, False]})
    given = {"outcome": "score", "event": "hit", "risk": "hit", "match": ["group"], **words}
    with pytest.raises(BadInput) as caught:
        zerolimit.event_study(panel, **given)
    assert str(caught.value) == says


def test_curves_by_a_column_of_their_own_are_refused() -> None:
    """By month of the event they would stand at that month, whatever their duration."""
    market = CreditMarket("defaults", seed=1, borrowers=60, engine="objects", panel="none").run(months=2)
    with pytest.raises(BadInput, match=r"^by: the curves have a column 'month' of their own; give"):
        zerolimit.survival(market, by="month")
