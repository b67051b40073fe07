"""How episodes end: cumulative incidence with competing ends and censoring, against hand counts and brute force."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from zerolimit.agents.market import CreditMarket
from zerolimit.basics.errors import BadInput
from zerolimit.results.episodes import cumulative_incidence
from zerolimit.results.frames import incidence
from zerolimit.vocabulary.names import ENDS

SCORE, APPEAL, LEFT = (ENDS.index(name) for name in ("score", "appeal", "left"))


def test_five_episodes_by_hand() -> None:
    """Two end by score after a month; one is watched for one month more and no longer; then an appeal, then one leaves."""
    found = cumulative_incidence(np.array([1, 1, 2, 2, 3]), np.array([SCORE, SCORE, 0, APPEAL, LEFT]))
    assert found["at_risk"].tolist() == [5, 5, 2, 1]
    assert found["hazard score"].tolist() == [0.0, 0.4, 0.0, 0.0]
    assert found["incidence score"] == pytest.approx([0.0, 0.4, 0.4, 0.4])
    assert found["incidence appeal"] == pytest.approx([0.0, 0.0, 0.3, 0.3])
    assert found["incidence left"] == pytest.approx([0.0, 0.0, 0.0, 0.3])
    assert found["lasting"] == pytest.approx([1.0, 0.6, 0.3, 0.0])


@given(some.lists(some.tuples(some.integers(0, 12), some.integers(0, len(ENDS) - 1)), max_size=60))
def test_it_is_the_product_of_exact_fractions(episodes: list[tuple[int, int]]) -> None:
    """Month by month, each watched episode asked by name; what has ended and what lasts is everything."""
    episodes = [(duration + (ended == 0), ended) for duration, ended in episodes]
    found = cumulative_incidence(
        *(np.array(part, np.int64) for part in (zip(*episodes, strict=True) if episodes else ([], [])))
    )
    lasting, so_far = Fraction(1), {name: Fraction(0) for name in ENDS[1:]}
    for month in found["month"]:
        watched = [(d, e) for d, e in episodes if d - (e == 0) >= month]
        before = lasting
        for code, name in enumerate(ENDS[1:], 1):
            ends = sum(d == month and e == code for d, e in watched)
            so_far[name] += before * Fraction(ends, len(watched))
            lasting -= before * Fraction(ends, len(watched))
            assert found[f"incidence {name}"][month] == pytest.approx(float(so_far[name]), abs=1e-12)
        assert found["at_risk"][month] == len(watched)
        assert found["lasting"][month] == pytest.approx(float(lasting), abs=1e-12)
        assert float(sum(so_far.values()) + lasting) == 1.0


@given(some.lists(some.tuples(some.integers(0, 12), some.integers(1, len(ENDS) - 1)), min_size=1, max_size=60))
def test_without_censoring_it_is_the_share_that_ended(episodes: list[tuple[int, int]]) -> None:
    duration, ended = (np.array(part) for part in zip(*episodes, strict=True))
    found = cumulative_incidence(duration, ended)
    for code, name in enumerate(ENDS[1:], 1):
        shares = [((ended == code) & (duration <= month)).mean() for month in found["month"]]
        assert found[f"incidence {name}"] == pytest.approx(shares)


def test_a_run_s_episodes_first_and_repeated_apart() -> None:
    market = CreditMarket(
        "defaults", seed=2, borrowers=1_500, engine="compiled", adopt="appealing", appeals_capacity=0.02, appeals_share=0.05
    ).run(20)
    whole, first, later = (market.incidence(repeated=which) for which in (None, False, True))
    assert whole["at_risk"].iloc[0] == first["at_risk"].iloc[0] + (later["at_risk"].iloc[0] if len(later) else 0)
    assert whole["at_risk"].iloc[0] == (market.episodes["kind"] == "zero limit").sum()
    assert whole["incidence appeal"].iloc[-1] > 0.1
    assert (whole[[f"incidence {name}" for name in ENDS[1:]]].sum(axis=1) + whole["lasting"]).to_numpy() == pytest.approx(
        1.0
    )


def test_a_second_block_is_no_first_although_no_line_was_zero() -> None:
    frame = pd.DataFrame(
        {"kind": ["blocked after repayment"] * 3, "ended": ["score", "censored", "score"], "duration": [1, 3, 2]}
        | {"zeros_before": [0, 0, 1], "borrower": [7, 7, 8], "generation": [0, 0, 0], "month": [2, 5, 4]}
    )
    first, later = (incidence(frame, kind="blocked after repayment", repeated=which) for which in (False, True))
    assert (first["at_risk"].iloc[0], later["at_risk"].iloc[0]) == (2, 1)


def test_what_is_no_table_of_episodes_is_said_in_one_line() -> None:
    with pytest.raises(BadInput, match="no column 'kind'"):
        incidence(pd.DataFrame({"month": [1]}))
    frame = pd.DataFrame(
        {"kind": ["zero limit"], "ended": ["censored"], "duration": [3], "zeros_before": [0]}
        | {"borrower": [1], "generation": [0], "month": [2]}
    )
    with pytest.raises(BadInput, match="did you mean 'zero limit'"):
        incidence(frame, kind="zero limits")
