"""Shares of cooperative games worked out by hand, and of a small market: whole, exact, nothing for who does nothing."""

from fractions import Fraction
from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from zerolimit.basics.errors import BadInput
from zerolimit.explanation.shapley import alone, but_for, interactions, owen, owen_scale, shapley
from zerolimit.study.attribution import attribute
from zerolimit.vocabulary.mechanisms import MECHANISMS, groups

GLOVES = np.array([0, 0, 0, 1, 0, 1, 0, 1])
"""Player 0 has a left glove, 1 and 2 a right one; a pair is worth 1: shares 4/6, 1/6, 1/6."""


def test_the_glove_game() -> None:
    assert shapley(GLOVES).tolist() == [4, 1, 1]
    assert but_for(GLOVES).tolist() == [1, 0, 0]
    assert alone(GLOVES).tolist() == [0, 0, 0]


def test_two_causes_that_need_each_other_share_what_either_alone_would_prevent() -> None:
    both = np.array([0, 0, 0, 10])
    assert shapley(both).tolist() == [10, 10]
    assert but_for(both).tolist() == [10, 10]
    assert interactions(both)[0, 1] == 10


def test_two_causes_of_which_either_suffices_share_what_switching_one_off_would_not_show() -> None:
    either = np.array([0, 10, 10, 10])
    assert shapley(either).tolist() == [10, 10]
    assert but_for(either).tolist() == [0, 0]
    assert interactions(either)[0, 1] == -10


def test_owen_values_let_a_group_come_together() -> None:
    groups = [[0], [1, 2]]
    values = [Fraction(int(v), owen_scale(groups)) for v in owen(GLOVES, groups)]
    assert values == [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]


def by_orders(game: list[int], k: int) -> list[int]:
    """k! x Shapley by going through every order in which players may come."""
    found = [0] * k
    for order in permutations(range(k)):
        coalition = 0
        for p in order:
            found[p] += game[coalition | 1 << p] - game[coalition]
            coalition |= 1 << p
    return found


@given(some.integers(1, 4).flatmap(lambda k: some.lists(some.integers(-50, 50), min_size=2**k, max_size=2**k)))
@settings(deadline=None, max_examples=60)
def test_shapley_is_the_mean_over_all_orders_and_owen_sums_to_the_same(game: list[int]) -> None:
    k = len(game).bit_length() - 1
    assert shapley(np.array(game)).tolist() == by_orders(game, k)
    groups = [list(range(k))[: k // 2], list(range(k))[k // 2 :]] if k > 1 else [[0]]
    assert owen(np.array(game), groups).sum() == owen_scale(groups) * (game[-1] - game[0])


@given(some.lists(some.integers(-20, 20), min_size=4, max_size=4))
def test_one_without_effect_gets_exactly_nothing(game: list[int]) -> None:
    worlds = np.array(game + game)
    assert shapley(worlds)[2] == 0
    assert owen(worlds, [[0, 2], [1]])[2] == 0


@pytest.fixture(scope="module")
def market():
    return attribute("defaults", borrowers=1_500, months=12, seed=3, players=("trigger", "tightening", "scarcity"))


def test_shares_of_a_market_sum_to_the_last_event(market) -> None:
    game = market.game("zero_limit")
    exact = market.exact("zero_limit")
    assert sum(exact.values()) == int(game[-1]) - int(game[0])
    assert int(game[-1]) > int(game[0])
    monthly = shapley(market.game("zero_limit", ("month", "segment"))).sum(axis=(1, 2))
    assert monthly.tolist() == [int(share * factorial(3)) for share in exact.values()]
    rates = market.rate("zero_limit")
    exposed = market.game("line_on_time")
    last, first = (Fraction(int(game[at]), int(exposed[at])) for at in (-1, 0))
    assert sum(rates.values()) == last - first


def test_one_borrowers_states_sum_to_zero(market) -> None:
    for borrower in range(0, 1_500, 50):
        table = market.borrower(borrower)
        states = table.filter(like="state_").loc[list(market.players)]
        assert np.allclose(states.sum(axis=1), 0.0)
        assert ((states >= -1.0) & (states <= 1.0)).all().all()
        shares = table.months_unusable[list(market.players)].sum()
        assert shares == pytest.approx(table.months_unusable["all"] - table.months_unusable["none"])


def test_what_does_nothing_has_no_share() -> None:
    still = attribute("defaults", borrowers=800, months=6, players=("contagion", "trigger"), neighbour_weight=0.0)
    assert still.exact("zero_limit")["contagion"] == 0
    assert (still.borrower(5).loc["contagion"] == 0.0).all()


def test_the_world_with_all_on_is_the_run_itself(market) -> None:
    from zerolimit.parameters.scenario import load_scenario
    from zerolimit.run.simulation import Simulation

    run = Simulation(load_scenario("defaults", borrowers=1_500), 3, engine="compiled").run(12)
    assert int(market.game("zero_limit")[-1]) == sum(int(month.counts["zero_limit"].sum()) for month in run.history)


def test_groups_are_the_mechanisms_and_bad_players_are_refused() -> None:
    assert sorted(name for group in groups() for name in group) == sorted(MECHANISMS)
    for players in ((), ("triger",), ("trigger", "trigger")):
        with pytest.raises(BadInput, match="players"):
            attribute("defaults", borrowers=10, months=1, players=players)
    with pytest.raises(BadInput, match="off"):
        attribute("no-mechanisms", borrowers=10, months=1, players=("trigger",))
