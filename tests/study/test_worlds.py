"""`zerolimit.worlds`: the numbers of worlds run one by one, however they are cut into batches; bad rows and failures."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zerolimit
from zerolimit import CreditMarket, Simulation, load_scenario, worlds
from zerolimit.basics.errors import BadInput
from zerolimit.results.columns import monthly_columns, rates
from zerolimit.run import phases
from zerolimit.run.batch import Batch
from zerolimit.study import worlds as home

SMALL: dict[str, Any] = {"borrowers": 40, "months": 4, "burn_in": 1, "engine": "objects", "progress": False}
KEEP = ["utilisation", "on_time", "sum_income", "net_income", "pool", "zero_line", "limit_autocorrelation"]
TABLE = {"scenario": ["baseline", "jiebei-2018"], "pool_share": [0.7, 0.9], "cure_1@2": [0.0, 0.7]}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Two worlds with two seeds."""
    return worlds(TABLE, keep=KEEP, seeds=2, **SMALL)


def test_a_row_a_world_and_seed_with_what_varies_beside_what_was_kept(frame: pd.DataFrame) -> None:
    assert frame.index.names == ["world", "seed"]
    assert frame.index.tolist() == [(0, 1), (0, 2), (1, 1), (1, 2)]
    kept = ["utilisation_rate", *KEEP[1:]]
    assert sorted(frame.columns) == sorted(["scenario", "pool_share", "cure_1@2", *kept])
    assert frame.columns[-len(kept) :].tolist() == kept
    assert frame.scenario.tolist() == ["baseline"] * 2 + ["jiebei-2018"] * 2
    assert frame.pool_share.tolist() == [0.7, 0.7, 0.9, 0.9]
    assert frame.on_time.dtype == np.int64
    assert "failures" not in frame.attrs


def test_numbers_are_those_of_each_world_run_alone(frame: pd.DataFrame) -> None:
    for world, name in enumerate(TABLE["scenario"]):
        scenario = load_scenario(name, borrowers=40, pool_share=TABLE["pool_share"][world])
        for seed in (1, 2):
            one = Simulation(scenario, seed, engine="objects").run(2)
            one.change(cure_1=TABLE["cure_1@2"][world])
            counted = one.run(2).counted[1:]
            found = frame.loc[world, seed]
            assert found.on_time == sum(month.counts["on_time"].sum() for month in counted)
            assert found.sum_income == sum(month.counts["sum_income"].sum() for month in counted)
            assert found.net_income == sum(month.platform["net_income"] for month in counted) / 3
            assert found.utilisation_rate == rates(monthly_columns(counted), "utilisation", (0, 1, 2))


def test_months_apart_add_up(frame: pd.DataFrame) -> None:
    monthly = worlds(TABLE, keep=["on_time", "net_income", "zero_line"], seeds=[2], by="month", **SMALL)
    assert monthly.index.names == ["world", "seed", "month"]
    assert monthly.index.get_level_values("month").tolist() == [1, 2, 3] * 2
    assert monthly.on_time.groupby("world").sum().tolist() == frame.xs(2, level="seed").on_time.tolist()
    assert monthly.net_income.groupby("world").sum().div(3).tolist() == frame.xs(2, level="seed").net_income.tolist()


def test_order_and_batches_change_nothing(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of one, in a memory that holds no two worlds; the other world first, seeds by name."""
    sizes = []
    begin = Batch.begin.__func__
    monkeypatch.setattr(
        Batch, "begin", classmethod(lambda cls, some, **words: sizes.append(len(some)) or begin(cls, some, **words))
    )
    turned = {name: values[::-1] for name, values in TABLE.items()}
    found = worlds(turned, keep=KEEP, seeds=[2, 1], memory=1e-6, **SMALL)
    assert sizes == [1] * 4
    assert found.index.tolist() == [(0, 2), (0, 1), (1, 2), (1, 1)]
    found.index = frame.index[[3, 2, 1, 0]]
    pd.testing.assert_frame_equal(found.sort_index(), frame, check_exact=True)


def test_nothing_is_remembered_that_was_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its past a world holds the last month, and no events, when the next one begins."""
    held = []
    step = Batch.step

    def watched(batch: Batch) -> None:
        held.extend((len(one.history), len(one.episodes.starts), len(one.episodes.ends)) for one in batch.worlds.values())
        step(batch)

    monkeypatch.setattr(Batch, "step", watched)
    worlds(["jiebei-2020"], keep="on_time", seeds=2, **SMALL)
    assert sorted(set(held)) == [(0, 0, 0), (1, 0, 0)]


def test_the_compiled_engine_gives_the_same_bits(frame: pd.DataFrame) -> None:
    compiled = worlds(TABLE, keep=KEEP, seeds=2, **{**SMALL, "engine": "compiled"})
    pd.testing.assert_frame_equal(compiled, frame, check_exact=True)


@pytest.mark.slow
def test_other_processes_give_the_same_bits_and_stay(frame: pd.DataFrame) -> None:
    for _ in range(2):
        pd.testing.assert_frame_equal(worlds(TABLE, keep=KEEP, seeds=2, workers=2, **SMALL), frame, check_exact=True)
        assert len(home.POOLS[2].processes) == 2
    home.POOLS.pop(2).kill()


FORMS: list[tuple[Any, list[str]]] = [
    ("baseline", []),
    (["baseline", {"scenario": "jiebei-2020", "pool_share": 0.9}], ["scenario", "pool_share"]),
    ([load_scenario("defaults"), load_scenario("defaults", cure_1=0.1)], ["cure_1"]),
    ({"pool_share": 0.7}, ["pool_share"]),
    ({"pool_share": np.array([0.7, 0.8]), "target_weight": 0.0}, ["pool_share", "target_weight"]),
    (pd.DataFrame({"off": ["trigger", "scarcity"], "seed": [5, 6]}, index=["a", "b"]), ["off"]),
]


@pytest.mark.parametrize(("given", "shown"), FORMS, ids=[str(k) for k in range(len(FORMS))])
def test_worlds_are_given_in_any_of_these_ways(given: Any, shown: list[str]) -> None:
    table = home.read_worlds(given, "baseline", {"borrowers": 40}, 4, None, None)
    assert set(shown) <= set(table[0].shown)
    assert {one.scenario.borrowers for one in table} == {40}
    if isinstance(given, pd.DataFrame):
        assert [(one.name, one.seeds) for one in table] == [("a", (5,)), ("b", (6,))]


BAD: list[tuple[str, Callable[[], Any]]] = [
    ("worlds: row 1 (pool_share=-0.5): pool_share: ", lambda: worlds({"pool_share": [0.7, -0.5]}, **SMALL)),
    ("worlds: unknown parameter 'pool_shar'; did you mean 'pool_share'?", lambda: worlds({"pool_shar": [0.7]}, **SMALL)),
    (
        "worlds: row b (pool_share=nan): pool_share: a value is missing; give one in each row, or leave the column out",
        lambda: worlds(pd.DataFrame({"pool_share": [0.7, None]}, index=["a", "b"]), **SMALL),
    ),
    ("worlds: row 1 (cure_1@2=3): cure_1: ", lambda: worlds({"cure_1@2": [0.5, 3]}, **SMALL)),
    ("worlds: cure_1@9: a month from 1 to 3 is needed after @, not '9'", lambda: worlds({"cure_1@9": [0.5]}, **SMALL)),
    (
        "worlds: columns of one length are needed, not cure_1 1, cure_2 2",
        lambda: worlds({"cure_1": [0], "cure_2": [0, 1]}, **SMALL),
    ),
    ("worlds: row 0: scenario 'jiebei': neither a preset", lambda: worlds(["jiebei"], **SMALL)),
    (
        "worlds: row 1: a scenario's name, path, Scenario or mapping is needed, not 7",
        lambda: worlds(["defaults", 7], **SMALL),
    ),
    ("worlds: at least one is needed", lambda: worlds([], **SMALL)),
    ("worlds: seed is a column and seeds are given; one is enough", lambda: worlds({"seed": [1]}, seeds=3, **SMALL)),
    (
        "worlds: seed is a column and is given for all worlds; one is enough",
        lambda: worlds({"seed": [1]}, seed=1, **SMALL),
    ),
    (
        "worlds: cure_1 is given for all worlds and in the table; one is enough",
        lambda: worlds({"cure_1": [0.5]}, cure_1=0.2, **SMALL),
    ),
    (
        "keep: 'zero_limt' is no rate, count or platform column (docs/results.md), and no moment",
        lambda: worlds(["defaults"], keep="zero_limt", **SMALL),
    ),
    (
        "keep: with_line is a measure of a whole run; a study keeps it",
        lambda: worlds(["defaults"], keep="with_line", **SMALL),
    ),
    (
        "keep: zero_line is there twice; give a moment another name",
        lambda: worlds(["defaults"], keep=["zero_line"] * 2, **SMALL),
    ),
    (
        "keep: m: a borrower adds up to 4e+18 a month, and the sum over 40 borrowers and 3 months may not be exact; divide",
        lambda: worlds(["defaults"], keep=zerolimit.moment("m", "limit * limit"), **SMALL),
    ),
    ("by: 'segment' is not 'month'", lambda: worlds(["defaults"], by="segment", **SMALL)),
    ("burn_in: 4 is not one of 0 to 3, the months of the run", lambda: worlds(["defaults"], **{**SMALL, "burn_in": 4})),
    ("workers: a whole number of at least 1 is needed, not 0", lambda: worlds(["defaults"], workers=0, **SMALL)),
    ("memory: gigabytes above 0 are needed, not -1", lambda: worlds(["defaults"], memory=-1.0, **SMALL)),
    (
        "worlds: 't.csv' is a file of rows, not a scenario; read it first, as in worlds(pandas.read_csv('t.csv'), ...)",
        lambda: worlds("t.csv", **SMALL),
    ),
]


@pytest.mark.parametrize(("said", "call"), BAD, ids=[said[:50] for said, _ in BAD])
def test_what_cannot_be_run_is_said_before_anything_runs(
    said: str, call: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "take", lambda *given: pytest.fail("it ran"))
    with pytest.raises(BadInput, match=f"^{re.escape(said)}") as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_a_run_that_fails_is_missing_and_said_and_the_others_go_on(
    engine: str, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One world fails in a month, with both seeds; a run of the other where it changes on the way."""
    follow, change = phases.follow_calendar, Simulation.change

    def fails(number: int, one: Simulation) -> None:
        if (one.month, one.scenario.pool_share) == (2, 0.7):
            raise ZeroDivisionError("by nought")
        follow(number, one)

    def refuses(one: Simulation, **words: Any) -> None:
        if (one.seed, one.scenario.pool_share) == (1, 0.9):
            raise BadInput("change: refused")
        change(one, **words)

    monkeypatch.setattr(phases, "follow_calendar", fails)
    monkeypatch.setattr(Simulation, "change", refuses)
    said = re.escape("3 of 4 runs failed; world 0, seed 1: ZeroDivisionError: by nought; .attrs['failures'] has them all")
    with pytest.warns(UserWarning, match=said):
        found = worlds(TABLE, keep=KEEP, seeds=2, **{**SMALL, "engine": engine})
    assert found.attrs["failures"] == [
        {"world": 0, "seed": 1, "error": "ZeroDivisionError: by nought"},
        {"world": 0, "seed": 2, "error": "ZeroDivisionError: by nought"},
        {"world": 1, "seed": 1, "error": "change: refused"},
    ]
    assert found.loc[[(0, 1), (0, 2), (1, 1)], frame.columns[3:]].isna().all(axis=None)
    pd.testing.assert_frame_equal(found.loc[[(1, 2)]], frame.loc[[(1, 2)]], check_dtype=False, check_exact=True)


def test_a_market_says_the_same(frame: pd.DataFrame) -> None:
    """The face that most know: a market's rate over its months."""
    market = CreditMarket("jiebei-2018", borrowers=40, pool_share=0.9, seed=1, engine="objects", burn_in=1).run(months=2)
    market.change(cure_1=0.7)
    monthly = market.run(months=2).monthly
    assert frame.loc[1, 1].on_time == monthly.on_time.sum()


def test_progress_counts_runs() -> None:
    told: list[tuple[int, int]] = []
    worlds(["defaults"], keep="on_time", seeds=3, **{**SMALL, "progress": lambda done, total: told.append((done, total))})
    assert told[-1] == (3, 3)
