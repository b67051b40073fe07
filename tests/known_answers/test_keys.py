"""A client's draws are the client's: keyed by the id in the file, whatever row it stands in."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerolimit import CreditMarket, explain, tell
from zerolimit.allocation.ended import Last
from zerolimit.basics.errors import BadInput
from zerolimit.engine.base import Array
from zerolimit.engine.level import share_out
from zerolimit.engine.prefix import serve_fitting, serve_prefix
from zerolimit.parameters.scenario import load_scenario
from zerolimit.portfolio.keys import keys_of, refuse_shared
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.draws import PURPOSES, WORLD, bits, counter, uniform
from zerolimit.vocabulary.fields import STATE

SEED = 2**40 + 11
CLIENTS = 30
MONTHS = 9
UNCOUPLED: dict[str, Any] = {
    "off": ("scarcity",),
    "admissions": 1.0,
    "appeals_capacity": 1.0,
    "campaign_share": 0.0,
    "loss_tightness": 0.0,
    "neighbour_weight": 0.0,
    "macro_tightness": 0.6,
    "entry_rate": 0.5,
    "leave_rate": 0.3,
}
"""Nothing that a client gets depends on others; what the economy does to all stays."""
COUPLED: dict[str, Any] = {
    "pool_share": 0.2,
    "admissions": 0.1,
    "appeals_capacity": 0.1,
    "appeals_share": 0.05,
    "campaign_share": 0.4,
    "neighbour_weight": 0.0,
    "loss_tightness": 0.3,
    "entry_rate": 0.5,
    "leave_rate": 0.3,
}
"""Pool, desk, admissions, campaigns and losses act; only the network, which ties rows, does not."""


def clients(count: int = CLIENTS) -> pd.DataFrame:
    """A file of clients, with nothing in it that is the row's."""
    numbers = np.arange(count)
    return pd.DataFrame(
        {
            "id": [f"C-{7 * k % 101}" for k in numbers],
            "limit": 4_000.0 + 1_700.0 * (numbers * 13 % 29),
            "balance": 300.0 * (numbers * 5 % 23),
            "segment": np.array(["salaried", "gig", "owner"])[numbers % 3],
        }
    )


Lives = Mapping[str, Mapping[str, Array]]


def lives(frame: pd.DataFrame, engine: str, **parameters: Any) -> Lives:
    """Each client's fields at the end of each month, by id: whoever has the slot by then."""
    world = Simulation(load_scenario("defaults", **parameters), SEED, engine=engine, portfolio=frame, threads=1)
    months = []
    for _ in range(MONTHS):
        world.step()
        months.append({field.name: np.array(world.engine.raw(field.name, world.month)) for field in STATE})
    stacked = {name: np.stack([month[name] for month in months], axis=1) for name in months[0]}
    return {str(one): {name: column[k] for name, column in stacked.items()} for k, one in enumerate(frame["id"])}


@cache
def all_of_them(engine: str) -> Lives:
    return lives(clients(), engine, **UNCOUPLED)


def refuse_another(some: Lives, others: Lives, but: str = "") -> None:
    """AssertionError where a client of both has another value in any month."""
    for one in some.keys() & others.keys():
        for name, column in some[one].items():
            assert name == but or np.array_equal(column, others[one][name]), (one, name, column, others[one][name])


# what a key is


def test_a_key_is_a_hash_that_everybody_has() -> None:
    """The numbers are those of `printf %s TEXT | b2sum -l 64`."""
    wanted = [0xF6FC42039FBA3776, 0x0BAE4FCBD2FA25D2, 0x26D4DAE5C7933A99]
    assert keys_of(["1", "A17", "客户7"]).tolist() == wanted


def test_the_text_of_an_id_makes_the_key_and_not_the_row() -> None:
    texts, numbers = ["7", "12", "3"], [7, 12, 3]
    as_text, as_number = (
        read_portfolio(pd.DataFrame({"id": ids, "limit": [9_000.0, 8_000.0, 7_000.0]})) for ids in (texts, numbers)
    )
    assert as_text.ids.tolist() == as_number.ids.tolist() == texts
    assert as_text.keys.tolist() == as_number.keys.tolist() == keys_of(texts).tolist()
    assert read_portfolio(pd.DataFrame({"limit": [9_000.0]})).keys is None


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([5, 9, 5], "portfolio: id 'a' (row 1) and id 'c' (row 3) have the same key 0000000000000005"),
        ([5, WORLD, 6], "portfolio: id 'b' (row 2) has the key of the world's draws"),
    ],
)
def test_a_key_that_is_not_the_clients_alone_is_refused_by_name(keys: list[int], says: str) -> None:
    with pytest.raises(BadInput) as refused:
        refuse_shared(np.array(keys, np.uint64), ["a", "b", "c"])
    assert str(refused.value).startswith(says)
    refuse_shared(np.array([5, 6, WORLD + 1], np.uint64), ["a", "b", "c"])


# what it keys


def test_a_key_without_upper_bits_is_a_row() -> None:
    """The counters of worlds without ids, as they always were: (borrower, month, block, generation)."""
    assert counter(7, 2, 11, "u_look") == (7, 11, 2, 2)
    assert counter(7, 2, 11, "u_lottery") == (7, 0xFFFF_FFFF, 8, 2)
    assert counter(WORLD, 0, 3, "u_macro") == (0xFFFF_FFFF, 3, 16, 0)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**64 - 1), st.integers(0, 32_000), st.integers(0, 2**31), st.sampled_from(sorted(PURPOSES))
        ),
        max_size=8,
    )
)
def test_no_two_draws_share_a_counter(draws: list[tuple[int, int, int, str]]) -> None:
    """A counter gives back the key, the generation, the block, and the month of draws that have one."""
    for key, generation, month, purpose in draws:
        low, when, block, other = counter(key, generation, month, purpose)
        assert max(low, when, block, other) < 2**32
        assert low | block >> 16 << 32 | other >> 16 << 48 == key
        assert (block & 0xFFFF, other & 0xFFFF) == (PURPOSES[purpose] // 4, generation)
        assert when in (month, 0xFFFF_FFFF)


def test_every_draw_of_an_engine_is_keyed_by_the_client() -> None:
    frame = clients(8)
    keys = keys_of(frame["id"].tolist())
    engine = Simulation(load_scenario("defaults"), SEED, engine="objects", portfolio=frame).engine
    engine.put_raw("generation", slice(None), np.arange(8), 0)
    for purpose in PURPOSES:
        wanted = [(int(keys[k]), k, 5, purpose) for k in range(8)]
        assert engine.words(purpose, np.arange(8), 5).tolist() == [bits(SEED, *one) for one in wanted]
        assert engine.uniforms(purpose, np.arange(8), 5).tolist() == [uniform(SEED, *one) for one in wanted]


# what follows from it


@pytest.mark.parametrize("engine", ["objects", "compiled"])
@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda file: file.iloc[1:], id="the first row dropped"),
        pytest.param(lambda file: file.iloc[::3], id="two in three dropped"),
        pytest.param(lambda file: file.sort_values("limit"), id="sorted"),
        pytest.param(lambda file: pd.concat([clients(41).iloc[30:], file]), id="eleven more"),
    ],
)
def test_who_shares_nothing_with_others_lives_on_as_before_whatever_rows_there_are(other: Any, engine: str) -> None:
    frame = other(clients()).reset_index(drop=True)
    refuse_another(lives(frame, engine, **UNCOUPLED), all_of_them(engine), but="decile")


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_any_choice_of_rows_in_any_order(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, CLIENTS - 1), unique=True, min_size=1, max_size=12))
    frame = clients().iloc[rows].reset_index(drop=True)
    refuse_another(lives(frame, "objects", **UNCOUPLED), all_of_them("objects"), but="decile")


@pytest.mark.parametrize("engine", ["objects", "compiled"])
@pytest.mark.parametrize("allocation", ["score", "pro_rata"])
def test_sorting_the_rows_changes_nothing_though_clients_compete(allocation: str, engine: str) -> None:
    frame = clients()
    before = lives(frame, engine, allocation=allocation, **COUPLED)
    refuse_another(lives(frame.sort_values("id", ignore_index=True), engine, allocation=allocation, **COUPLED), before)
    by_row = lives(frame.assign(id=frame["id"].to_numpy()[::-1]), engine, allocation=allocation, **COUPLED)
    assert any(not np.array_equal(by_row[one]["cash"], before[one]["cash"]) for one in before)


def test_both_engines_tell_the_same_lives() -> None:
    refuse_another(all_of_them("compiled"), all_of_them("objects"))


def test_who_enters_a_slot_has_its_key_and_a_generation() -> None:
    """Entrants too are the same whatever rows there are; what they draw is not what the client drew."""
    entered = [one for one, life in all_of_them("objects").items() if life["generation"][-1] > 0]
    assert entered
    assert uniform(SEED, 5, 1, 0, "u_born_age") != uniform(SEED, 5, 0, 0, "u_born_age")


# ties


def test_ties_after_the_lottery_go_by_key() -> None:
    """Nobody's lottery differs: the smaller key is served first, in whatever row."""
    keys = np.array([2**63 + 5, 9, 2**40], np.uint64)
    costs, order = np.ones(3, np.int64), np.zeros(3)

    def none(at: Array) -> Array:
        return np.zeros(len(at), np.uint64)

    mask, marginal, left = serve_prefix(order, costs, 2, keys, none)
    assert (mask.tolist(), marginal, left) == ([False, True, True], 0, 0)
    assert serve_fitting(costs, 2, keys, none).tolist() == [False, True, True]
    last = Last.of(order, mask, keys, none)
    assert [last.serves(0.0, 0, int(key)) for key in keys] == mask.tolist()
    granted, level = share_out(OneEach(), 2, keys, none)
    assert (granted.tolist(), level) == ([0, 1, 1], 0)


class OneEach:
    """A fen each at level 1."""

    highest = 1

    def total(self, level: int) -> int:
        return 3 * level

    def grants(self, level: int) -> Array:
        return np.full(3, level)


# where a person sees it


def test_a_person_sees_the_id_of_the_file() -> None:
    """And of who entered the slot later that it is somebody else."""
    frame = clients()
    market = CreditMarket(portfolio=frame, seed=SEED, **COUPLED).run(months=MONTHS)
    world = market.simulation
    generation = world.column("generation")
    stayed, entered = int(np.flatnonzero(generation == 0)[0]), int(np.flatnonzero(generation == 1)[0])
    name = frame["id"][stayed]
    one, other = market.borrower(stayed), market.borrower(entered + CLIENTS)
    assert (one.client_id, other.client_id) == (name, None)
    assert repr(one) == f"<Borrower {stayed}, client {name}>"
    assert tell(market, one).borrower == tell(market, name).borrower == name
    assert str(tell(market, name)).startswith(f"Borrower {name} of ")
    with pytest.raises(BadInput) as refused:
        explain(market, frame["id"][entered], MONTHS - 1)
    assert f"no line of borrower {entered} (an entrant in the slot of {frame['id'][entered]}) was cut" in str(refused.value)
