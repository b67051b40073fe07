"""A market of b months of warm-up is, from month 0 on, the market without from month b on, to the bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zerolimit import CreditMarket, attribute, compare, explain, worlds
from zerolimit.basics.errors import BadInput
from zerolimit.parameters.scenario import load_scenario
from zerolimit.results.tables import episodes_of, platform_of
from zerolimit.run import warm_up
from zerolimit.run.batch import Batch
from zerolimit.run.simulation import Simulation
from zerolimit.testing.engines import BUSY, same
from zerolimit.vocabulary.fields import STATE

LIVELY: dict[str, Any] = {"closed_end_rate": 0.05, "network": "small_world", "trigger_frequency": 0.1, "trigger_idle": 4}
BUSY_WORLD: dict[str, Any] = {**BUSY, **LIVELY, "borrowers": 40}
BEFORE, AFTER, FEW = 13, 3, 2


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Starts are kept apart from everybody's."""
    folder = tmp_path / "starts"
    monkeypatch.setattr(warm_up, "cache_folder", lambda: folder)
    return folder / warm_up.FOLDER


def market(warm: int = FEW, engine: str = "objects", **others: Any) -> Simulation:
    return Simulation(load_scenario("defaults", **{**BUSY_WORLD, "warm_up_months": warm, **others}), 7, engine=engine)


def refuse_difference(warmed: Simulation, plain: Simulation) -> None:
    """Columns, books and the last months of the two are equal."""
    assert warmed.month == plain.month - BEFORE
    due = warmed.column("scheduled") > 0
    for state in STATE:
        mine, theirs = (one.engine.raw(state.name, one.month) for one in (warmed, plain))
        assert (mine[due] == theirs[due]).all() if state.void else (mine == theirs).all(), state.name
    for mine, theirs in zip(warmed.history, plain.history[BEFORE:], strict=True):
        assert mine.month == theirs.month - BEFORE
        assert mine.platform == theirs.platform
        assert all((cells == theirs.counts[name]).all() for name, cells in mine.counts.items())


@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_months_after_a_warm_up_are_the_later_months_of_a_market_without(engine: str, own_cache: Path) -> None:
    plain = market(0, engine).run(BEFORE + AFTER)
    assert sum(one.counts["zero_limit"].sum() for one in plain.history) > 5
    for what in ("simulated", "taken from the cache"):
        warmed = market(BEFORE, engine)
        assert (warmed.month, warmed.history, warmed.episodes.starts) == (0, [], []), what
        assert len(list(own_cache.iterdir())) == 1
        refuse_difference(warmed.run(AFTER), plain)
    others = (plain.scenario, 7), (plain.scenario.change(warm_up_months=FEW), 3)
    batch = Batch.begin([(warmed.scenario, 7), *others], engine=engine)
    assert len(batch.sets) == 3
    same(batch.run(AFTER).worlds[0], warmed, "in a batch")


def test_results_tell_of_no_month_before_month_0() -> None:
    warmed = market(first_closed=0.2).run(AFTER)
    assert platform_of(warmed)["month"].tolist() == list(range(AFTER))
    assert (np.asarray(episodes_of(warmed)["month"]) >= 0).all()
    assert (np.asarray(episodes_of(warmed)["duration"]) <= AFTER).all()


def test_the_calendar_and_a_series_begin_with_month_0() -> None:
    calendar = [{"month": 0, "kind": "macro", "value": -0.5}, {"month": 2, "kind": "cutoff_shift", "value": 40.0}]
    told = market(calendar=calendar, macro_volatility=0.0).run(3)
    assert [one.platform["macro"] < -0.1 for one in told.history] == [True, True, True]
    assert told.history[0].platform["macro"] == -0.5
    before, shifted = (told.history[month].platform["cutoff"] for month in (1, 2))
    assert before < shifted - 30.0
    series = market(macro=[{"month": 0, "macro": -0.4}, {"month": 1, "macro": 0.2}]).run(2)
    assert [one.platform["macro"] for one in series.history] == [-0.4, 0.2]


def test_what_happens_before_month_0_hangs_on_neither_calendar_nor_words(own_cache: Path) -> None:
    first = market()
    market(calendar=[{"month": 1, "kind": "tightness", "value": 0.9}], name="another", description="told otherwise")
    assert len(list(own_cache.iterdir())) == 1
    market(cure_1=0.2)
    Simulation(first.scenario, 8, engine="objects")
    assert len(list(own_cache.iterdir())) == 3


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 no such archive", "half", "another"])
def test_a_start_that_cannot_be_read_is_made_again(broken: bytes | str, own_cache: Path) -> None:
    wanted = market().run(1)
    [file] = own_cache.iterdir()
    whole = file.read_bytes()
    if broken == "another":
        market(borrowers=81)
        file.write_bytes(next(one for one in own_cache.iterdir() if one != file).read_bytes())
    else:
        file.write_bytes(whole[: len(whole) // 2] if broken == "half" else bytes(broken))  # type: ignore[arg-type]
    same(market().run(1), wanted, "made again")
    assert file.stat().st_size == len(whole)


def test_it_works_where_nothing_can_be_kept(own_cache: Path) -> None:
    wanted = market().run(1)
    for file in own_cache.iterdir():
        file.unlink()
    own_cache.rmdir()
    own_cache.write_text("a file where the folder should be")
    same(market().run(1), wanted, "without a folder")


def test_what_was_used_longest_ago_goes_first(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    market()
    [first] = own_cache.iterdir()
    monkeypatch.setattr(warm_up, "MOST", int(2.5 * first.stat().st_size))
    for seed in (1, 2, 3):
        Simulation(market(0).scenario.change(warm_up_months=1), seed, engine="objects")
    assert len(list(own_cache.iterdir())) == 2
    assert not first.exists()
    monkeypatch.setattr(warm_up, "MOST", 1_000)
    market(borrowers=79)
    assert len(list(own_cache.iterdir())) == 2, "one that is too large is not kept"


def test_a_borrower_of_a_warmed_up_market_can_be_explained() -> None:
    run = CreditMarket(market(5).scenario, seed=7, engine="objects", panel="none").run(months=6)
    episodes = run.episodes
    zero = episodes[(episodes.kind == "zero limit") & (episodes.month > 1)].iloc[0]
    told = explain(run, int(zero.borrower), int(zero.month))
    assert str(zero.reason) in repr(told) + str(vars(told))


def test_a_copy_goes_on_alike() -> None:
    one = market().run(1)
    same(one.copy().run(2), one.run(2), "a copy")


def clients() -> Any:
    import pandas as pd

    return pd.DataFrame({"limit": [10_000.0] * 20})


AS_READ = "a portfolio starts as it was read, with no months simulated before month 0; leave it out"
REFUSED = (
    (r"warm_up_months: .* not -1 \(allowed: 0 to 24 months\)", lambda: load_scenario("defaults", warm_up_months=-1)),
    (r"warm_up_months: .* not 25 \(allowed: 0 to 24 months\)", lambda: load_scenario("defaults", warm_up_months=25)),
    (f"^warm_up_months: {AS_READ}", lambda: CreditMarket("defaults", portfolio=clients(), warm_up_months=3)),
    (f"^warm_up_months: {AS_READ}", lambda: attribute("defaults", portfolio=clients(), warm_up_months=3)),
    (f"^warm_up_months: {AS_READ}", lambda: compare("defaults", portfolio=clients(), only_b={"warm_up_months": 3})),
    (f"^warm_up_months: {AS_READ}", lambda: worlds(["defaults"], keep=["trust"], portfolio=clients(), warm_up_months=3)),
    ("^warm_up_months: acts only at the start of a run", lambda: market(0).change(warm_up_months=2)),
)


@pytest.mark.parametrize(("says", "do"), REFUSED)
def test_what_cannot_be_is_one_line(says: str, do: Any) -> None:
    with pytest.raises(BadInput, match=says) as error:
        do()
    assert "\n" not in str(error.value)


def test_a_portfolio_starts_as_read_where_the_scenario_has_a_warm_up() -> None:
    said: list[str] = []
    scenario = load_scenario("defaults", name="warm", warm_up_months=6)
    one = Simulation(scenario, 1, engine="objects", portfolio=clients(), say=said.append)
    assert (one.month, one.scenario.warm_up_months) == (0, 0)
    assert said[0].startswith("warm_up_months = 6 of scenario warm is left out: a portfolio starts as it was read")


@pytest.mark.parametrize(("months", "told"), [(6, 1), (24, 0)])
def test_the_baseline_s_own_warm_up_is_left_out_without_a_word_and_no_other(months: int, told: int) -> None:
    said: list[str] = []
    scenario = load_scenario({"warm_up_months": months})
    assert scenario.name == "baseline"
    Simulation(scenario, 1, engine="objects", portfolio=clients(), say=said.append)
    assert sum(line.startswith("warm_up_months") for line in said) == told
