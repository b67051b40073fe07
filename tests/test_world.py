"""The world: how the economy moves, what tightness answers to, and users' calendars and series."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some
from typer.testing import CliRunner

from zerolimit.agents.market import CreditMarket
from zerolimit.basics.errors import BadInput
from zerolimit.commands.cli import app
from zerolimit.engine.base import Array
from zerolimit.parameters.declarations import CALENDAR_KINDS, CalendarItem
from zerolimit.parameters.scenario import FILE_ONLY, Scenario, load_scenario, presets, schema
from zerolimit.parameters.terms import as_vector, from_scenario
from zerolimit.platform.books import Books
from zerolimit.platform.steps import take
from zerolimit.platform.world import due, follow_series, happen, index_from
from zerolimit.run.phases import Live
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.draws import WORLD, uniform
from zerolimit.vocabulary.names import SECTORS
from zerolimit.vocabulary.world_fields import DRAWS, TRENDS

STILL = {"macro_volatility": 0.0, "sector_volatility": 0.0}
"""The economy does not move by itself."""


def moved(months: int, seed: int = 1, **parameters: Any) -> tuple[Array, Array, Array]:
    """The world alone: macro index, sector trends and slumps, month by month."""
    scenario, books, alive = load_scenario("defaults", **parameters), Books(1), np.ones(1, np.bool_)
    books.base[0] = as_vector(from_scenario(scenario))
    rows = []
    for month in range(months):
        for name in DRAWS:
            books[name] = uniform(seed, WORLD, 0, month, name)
        take("move", books, alive)
        if scenario.macro:
            follow_series(books, scenario, month)
        happen(books, due(scenario, month))
        rows.append([books.value(name) for name in ("macro", *TRENDS, "slumping")])
    found = np.array(rows, np.float64)
    return found[:, 0], found[:, 1:-1], found[:, -1]


def rows(values: list[float], **sectors: list[float]) -> list[dict[str, float]]:
    """A macro series by month."""
    others = [dict(zip(sectors, one, strict=True)) for one in zip(*sectors.values(), strict=True)] or [{}] * len(values)
    return [{"month": month, "macro": value, **others[month]} for month, value in enumerate(values)]


# how the economy moves


MONTHS = 10_000


@pytest.mark.parametrize(("start", "end"), [(0.015, 0.1), (0.2, 0.3)])
def test_slumps_take_their_share_of_months(start: float, end: float) -> None:
    """start / (start + end) within four standard errors, those of a chain with correlation 1 - start - end."""
    _, _, slumps = moved(MONTHS, macro_model="regimes", regime_start=start, regime_end=end)
    share, kept = start / (start + end), 1.0 - start - end
    error = math.sqrt(share * (1.0 - share) / MONTHS * (1.0 + kept) / (1.0 - kept))
    assert abs(slumps.mean() - share) < 4.0 * error


def assert_autoregressive(values: Array, persistence: float, volatility: float) -> None:
    """Variance volatility^2 / (1 - persistence^2), mean 0 and correlation persistence, each within four standard errors."""
    variance, n = volatility**2 / (1.0 - persistence**2), len(values)
    spread = variance * math.sqrt(2.0 / n * (1.0 + persistence**2) / (1.0 - persistence**2))
    assert abs((values**2).mean() - variance) < 4.0 * spread
    assert abs(values.mean()) < 4.0 * volatility / (1.0 - persistence) / math.sqrt(n)
    correlation = np.corrcoef(values[1:], values[:-1])[0, 1]
    assert abs(correlation - persistence) < 4.0 * math.sqrt((1.0 - persistence**2) / n)


@pytest.mark.parametrize(("persistence", "volatility"), [(0.9, 0.012), (0.5, 0.1)])
def test_the_macro_index_varies_as_much_as_it_should(persistence: float, volatility: float) -> None:
    macro, _, _ = moved(MONTHS, macro_persistence=persistence, macro_volatility=volatility)
    assert abs(macro).max() < 1.0
    assert_autoregressive(macro, persistence, volatility)


def test_sector_trends_vary_as_much_as_they_should_and_each_on_its_own() -> None:
    macro, trends, _ = moved(MONTHS, sector_persistence=0.8, sector_volatility=0.05)
    assert abs(trends).max() < 1.0
    for trend in trends.T:
        assert_autoregressive(trend, 0.8, 0.05)
    correlations = np.corrcoef(np.column_stack((macro, trends)).T)
    # the error of one is sqrt((1 + k k') / (1 - k k') / n), at most 3 / sqrt(n) here
    assert abs(correlations - np.eye(5)).max() < 4.0 * 3.0 / math.sqrt(MONTHS)


def test_without_shocks_a_slump_deepens_by_the_persistence() -> None:
    """x_t = -depth (1 - persistence^(t + 1))."""
    macro, _, slumps = moved(
        12, **STILL, macro_model="regimes", regime_start=1.0, regime_end=0.0, regime_depth=0.3, macro_persistence=0.9
    )
    assert slumps.all()
    assert macro == pytest.approx([-0.3 * (1.0 - 0.9 ** (t + 1)) for t in range(12)])


def test_a_shock_of_the_calendar_fades_in_a_model() -> None:
    shock = [{"month": 2, "kind": "macro", "value": -0.4}]
    macro, _, _ = moved(6, **STILL, calendar=shock, macro_persistence=0.5)
    assert macro == pytest.approx([0.0, 0.0, -0.4, -0.2, -0.1, -0.05])


# a user's series


def test_a_series_is_followed_and_its_last_values_stay() -> None:
    series = rows([0.1, -0.5, 1.0], retail=[-1.0, 0.25, 0.5])
    macro, trends, _ = moved(6, macro=series)
    assert macro.tolist() == [0.1, -0.5, 1.0, 1.0, 1.0, 1.0]
    assert trends[:, SECTORS.index("retail")].tolist() == [-1.0, 0.25, 0.5, 0.5, 0.5, 0.5]


def test_sectors_that_are_no_columns_move_as_without_the_series() -> None:
    _, alone, _ = moved(24)
    _, beside, _ = moved(24, macro=rows([0.0, 0.1], retail=[0.3, 0.4]))
    others = [k for k, sector in enumerate(SECTORS) if sector != "retail"]
    assert np.array_equal(alone[:, others], beside[:, others])
    assert abs(alone).min(axis=0).all()


def test_a_shock_of_the_calendar_lasts_a_month_in_a_series() -> None:
    shocks = [{"month": 1, "kind": "macro", "value": -0.4}, {"month": 3, "kind": "macro", "value": -1.0}]
    macro, _, _ = moved(5, macro=rows([0.1, 0.1, 0.1, -0.2]), calendar=shocks)
    assert macro == pytest.approx([0.1, -0.3, 0.1, -1.0, -0.2])


def test_a_series_takes_the_place_of_a_model_and_back() -> None:
    series = load_scenario("defaults", macro=rows([0.0, 0.1]))
    assert (series.macro_model, len(series.macro)) == ("series", 2)
    regimes = series.change(macro_model="regimes")
    assert (regimes.macro_model, regimes.macro) == ("regimes", ())
    assert regimes.change(macro=rows([0.5])).macro_model == "series"
    assert series.change(need_rate=0.1).macro == series.macro
    assert load_scenario(series.model_dump(mode="json")) == series


# tightness


def tightness(months: int = 14, loss: int = 0, **parameters: Any) -> Array:
    """Of the world's phase alone, all else frozen: each month `loss` is lost of a principal of a million."""
    given = {"off": ["scarcity"], "campaign_share": 0.0, **parameters}
    simulation = Simulation(load_scenario("defaults", borrowers=2, **given), 1, engine="objects")
    found = []
    for _ in range(months):
        Live(simulation.alone()).world()
        found.append(simulation.terms["tightness"])
        simulation.books.note("losses", simulation.month, loss)
        simulation.books.note("principal", simulation.month, 1_000_000)
        simulation.month += 1
    return np.array(found)


def test_tightness_is_the_sum_of_its_causes() -> None:
    """0.05 always; 0.2 of the calendar from month 2; a slump of 0.3 in month 3; losses reach 3 % a year, twice the norm."""
    calendar = [{"month": 2, "kind": "tightness", "value": 0.2}]
    series = rows([0.5, 0.0, 0.0, -0.3, 0.0])
    given = {"base_tightness": 0.05, "macro_tightness": 1.0, "loss_tightness": 0.06, "loss_norm": 0.015}
    found = tightness(14, 2_500, calendar=calendar, macro=series, **given)
    before = [0.05, 0.05, 0.25, 0.55, 0.25, 0.25, 0.25]
    assert found == pytest.approx([*before, 0.26, 0.27, 0.28, 0.29, 0.3, 0.31, 0.31])


INDEX = some.floats(-1.0, 1.0)
SHARE = some.floats(0.0, 1.0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    series=some.lists(some.tuples(INDEX, INDEX), min_size=1, max_size=14),
    events=some.tuples(SHARE, SHARE),
    losses=some.tuples(some.integers(0, 20_000), some.integers(0, 20_000)),
    gains=some.tuples(SHARE, some.floats(0.0, 3.0), some.floats(0.0, 2.0)),
)
def test_more_slump_tighter_events_or_higher_losses_never_loosen(
    series: list[tuple[float, float]],
    events: tuple[float, float],
    losses: tuple[int, int],
    gains: tuple[float, float, float],
) -> None:
    given = dict(zip(("base_tightness", "macro_tightness", "loss_tightness"), gains, strict=True))

    def found(slump: bool, event: bool, loss: bool) -> Array:
        macro = rows([min(pair) if slump else max(pair) for pair in series])
        calendar = [{"month": 3, "kind": "tightness", "value": max(events) if event else min(events)}]
        return tightness(loss=max(losses) if loss else min(losses), macro=macro, calendar=calendar, **given)

    calm = found(False, False, False)
    for causes in ((True, False, False), (False, True, False), (False, False, True), (True, True, True)):
        assert (found(*causes) >= calm).all(), causes


@pytest.mark.parametrize(
    ("calm", "worse"),
    [
        ({"regime_depth": 0.2}, {"regime_depth": 0.6}),
        ({"regime_start": 0.1}, {"regime_start": 0.4}),
        ({"calendar": []}, {"calendar": [{"month": 5, "kind": "macro", "value": -0.5}]}),
    ],
    ids=["depth", "frequency", "shock"],
)
def test_a_worse_economy_is_tighter_under_the_same_draws(calm: dict[str, Any], worse: dict[str, Any]) -> None:
    model = {"macro_model": "regimes", "regime_start": 0.3, "regime_end": 0.3}
    one, other = tightness(36, **{**model, **calm}), tightness(36, **{**model, **worse})
    assert (other >= one).all()
    assert (other > one).any()


def test_losses_of_a_run_tighten_it() -> None:
    """The feedback closes: with the same draws, the run whose platform minds its losses is never the less tight one."""
    given = {"borrowers": 150, "miss_salaried": 0.2, "miss_gig": 0.2, "miss_owner": 0.2, "chargeoff_months": 2}
    runs = [
        [month.platform for month in Simulation(load_scenario("defaults", **given, loss_tightness=gain), 1).run(12).history]
        for gain in (0.0, 0.2)
    ]
    blind, minding = ([month["tightness"] for month in run] for run in runs)
    assert [month["macro"] for month in runs[0]] == [month["macro"] for month in runs[1]]
    assert all(a <= b for a, b in zip(blind, minding, strict=True))
    assert minding[-1] > blind[-1] + 0.1


# files, frames, lists


EVENTS = (CalendarItem(month=2, kind="tightness", value=0.3), CalendarItem(month=13, kind="leverage", value=5.0))
BY_DATE = [{"date": "2018-03", "kind": "tightness", "value": 0.3}, {"date": "2019-02-28", "kind": "leverage", "value": 5}]
FORMS: dict[str, Any] = {
    "months": "month,kind,value\n2,tightness,0.3\n13,leverage,5\n",
    "dates": "date,kind,value\n2018-03,tightness,0.3\n2019-02,leverage,5.0\n",
    "days": "kind;value;date\ntightness;.3;2018-03-31\n\nleverage;5e0;2019-02-01\n",
    "of a spreadsheet": "\ufeffmonth\tkind\tvalue\r\n 2\ttightness \t0.30\r\n13.0\tleverage\t5\r\n",
    "items": EVENTS,
    "mappings": BY_DATE,
    "frame": pd.DataFrame(BY_DATE),
    "frame of days": pd.DataFrame(BY_DATE).assign(date=pd.to_datetime(["2018-03-01", "2019-02-28"])),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_calendar_is_the_same_in_every_form(form: str, tmp_path: Path) -> None:
    source = FORMS[form]
    if isinstance(source, str):
        (tmp_path / "events.csv").write_text(source, encoding="utf-8", newline="")
        source = tmp_path / "events.csv"
    assert load_scenario("defaults", start="2018-01", calendar=source).calendar == EVENTS


def test_a_series_may_have_its_rows_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "economy.csv").write_text("date,macro,services\n2018-02,-0.25,0.5\n2018-01,0.125,-0.5\n")
    scenario = load_scenario("defaults", start="2018-01", macro=str(tmp_path / "economy.csv"))
    assert scenario == load_scenario("defaults", start="2018-01", macro=rows([0.125, -0.25], services=[-0.5, 0.5]))


def test_files_are_found_beside_the_scenario_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "events.csv").write_text("date,kind,value\n2017-04,tightness,0.5\n")
    (tmp_path / "mine" / "economy.csv").write_text("month,macro\n0,-0.5\n")
    text = 'base = "jiebei-2018"\ncalendar_file = "events.csv"\nmacro_file = "economy.csv"\n'
    (tmp_path / "mine" / "world.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    scenario = load_scenario("mine/world.toml")
    assert scenario.calendar == (CalendarItem(month=3, kind="tightness", value=0.5),)
    assert (scenario.macro_model, scenario.macro[0].macro) == ("series", -0.5)


def test_a_calendar_may_be_taken_away() -> None:
    assert load_scenario("jiebei-2018", calendar=None).calendar == load_scenario("jiebei-2018", calendar=[]).calendar == ()


def test_presets_with_a_history_say_when_it_starts() -> None:
    assert {name: load_scenario(name).start for name in presets() if load_scenario(name).start} == {
        "cards": "2001-01",
        "cards-2008": "2000-01",
        "cards-2020": "2018-01",
        "jiebei-2018": "2017-01",
        "jiebei-2020": "2019-07",
    }


@some.composite
def worlds(draw: some.DrawFn) -> Scenario:
    """Any calendar and any series."""
    calendar = []
    for month, kind in draw(some.sets(some.tuples(some.integers(0, 500), some.sampled_from(sorted(CALENDAR_KINDS))))):
        low, high = CALENDAR_KINDS[kind][2:4]
        calendar.append({"month": month, "kind": kind, "value": draw(some.floats(low, high))})
    given = {}
    for sector in draw(some.sets(some.sampled_from(SECTORS))):
        given[sector] = draw(some.lists(INDEX, min_size=9, max_size=9))
    return load_scenario("defaults", calendar=calendar, macro=rows(draw(some.lists(INDEX, min_size=9, max_size=9)), **given))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenario=worlds())
def test_a_scenario_file_gives_back_calendar_and_series(
    scenario: Scenario, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("worlds") / "scenario.toml"
    file.write_text(scenario.toml(), encoding="utf-8")
    again = load_scenario(file)
    assert again == scenario
    assert again.digest() == scenario.digest()


TABLES = ("monthly.parquet", "platform.parquet", "episodes.parquet", "panel.parquet", "scenario.toml")


def ran(*arguments: str) -> None:
    result = CliRunner().invoke(app, ["run", *arguments, "--borrowers", "60", "--months", "8", "--quiet"])
    assert result.exit_code == 0, result.stderr


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_a_run_is_repeated_from_its_folder_without_the_files(engine: str, tmp_path: Path) -> None:
    events, economy = tmp_path / "events.csv", tmp_path / "economy.csv"
    events.write_text("date,kind,value\n2018-03,tightness,0.37\n2018-05,macro,-0.21\n")
    values = "".join(f"2018-0{k},{-0.1 / k},{0.07 * k}\n" for k in range(1, 7))
    economy.write_text(f"date,macro,retail\n{values}")
    files = ("--calendar", str(events), "--macro", str(economy))
    ran("--engine", engine, "--set", "start=2018-01", *files, "--out", str(tmp_path / "a"))
    events.unlink()
    economy.unlink()
    ran(str(tmp_path / "a" / "scenario.toml"), "--engine", "objects", "--out", str(tmp_path / "b"))
    for name in TABLES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    platform = pd.read_parquet(tmp_path / "a" / "platform.parquet")
    assert platform["macro"].tolist() == pytest.approx([-0.1, -0.05, -0.1 / 3, -0.025, -0.23, -0.1 / 6, -0.1 / 6, -0.1 / 6])
    assert (platform["tightness"].iloc[2:] >= 0.37).all()


def test_a_market_takes_calendar_and_series() -> None:
    market = CreditMarket("defaults", seed=1, borrowers=20, macro=rows([0.0, -0.4]), calendar=EVENTS[:1]).run(months=3)
    assert market.platform_months["macro"].tolist() == [0.0, -0.4, -0.4]
    assert market.platform_months["tightness"].iloc[2] >= 0.7


def test_the_schema_knows_files_rows_and_dates() -> None:
    found = schema()
    assert set(FILE_ONLY) == {"base", "calendar_file", "macro_file"}
    assert set(FILE_ONLY) <= set(found["properties"])
    for kind, columns in {"CalendarItem": {"kind", "value"}, "MacroMonth": {"macro", *SECTORS, "funding_stress"}}.items():
        row = found["$defs"][kind]
        assert set(row["properties"]) == {"month", "date", *columns}
        assert row["oneOf"] == [{"required": ["month"]}, {"required": ["date"]}]
        assert set(row["required"]) <= columns


# an ordinary series as an index


def test_an_index_is_zero_at_the_median_and_deepest_at_the_worst() -> None:
    rate = [3.0, 4.0, 5.0, 6.0, 9.0]
    assert index_from(rate)["macro"].tolist() == [0.5, 0.25, 0.0, -0.25, -1.0]
    assert index_from(rate, depth=0.4)["macro"].tolist() == pytest.approx([0.2, 0.1, 0.0, -0.1, -0.4])
    assert index_from(rate, worse="lower")["macro"].tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert index_from(rate)["month"].tolist() == [0, 1, 2, 3, 4]


@settings(max_examples=50, deadline=None)
@given(values=some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=30), worse=some.sampled_from(["higher", "lower"]))
def test_an_index_is_within_bounds_and_falls_as_the_series_worsens(values: list[float], worse: Any) -> None:
    assume((max(values) if worse == "higher" else min(values)) != np.median(values))
    macro = index_from(values, worse)["macro"].to_numpy()
    assert macro.min() == -1.0
    assert macro.max() <= 1.0
    ordered = np.argsort(values)
    steps = np.diff(macro[ordered])
    assert (steps <= 0.0).all() if worse == "higher" else (steps >= 0.0).all()


def test_quarters_hold_for_their_months_and_become_a_series() -> None:
    """US card delinquency (facts B14), 2008 to 2009: worst in the second quarter of 2009."""
    quarters = pd.Series(
        [4.73, 4.87, 4.78, 5.68, 6.58, 6.77, 6.58, 6.36], index=pd.period_range("2008Q1", periods=8, freq="Q").to_timestamp()
    )
    economy = index_from(quarters)
    assert economy["date"].iloc[[0, 1, -1]].tolist() == ["2008-01", "2008-02", "2009-10"]
    assert economy["macro"].iloc[:3].nunique() == 1
    assert economy.loc[economy["macro"] == -1.0, "date"].tolist() == ["2009-04", "2009-05", "2009-06"]
    scenario = load_scenario("defaults", start="2009-01", macro=economy[economy["date"] >= "2009-01"])
    assert [row.macro for row in scenario.macro] == economy["macro"].iloc[12:].tolist()
    text = quarters.set_axis(quarters.index.strftime("%Y-%m-%d"))
    pd.testing.assert_frame_equal(index_from(text), economy)


@pytest.mark.parametrize(
    ("series", "options", "says"),
    [
        ([1.0, 2.0], {"worse": "highr"}, "did you mean 'higher'"),
        ([1.0, 2.0], {"depth": 1.5}, "depth"),
        ([], {}, "at least one"),
        ([1.0, math.nan], {}, "finite"),
        (["much"], {}, "numbers"),
        ([2.0, 2.0], {}, "worse than the median"),
        (pd.Series([1.0, 2.0], index=["spring", "summer"]), {}, "dates or numbers"),
        (pd.Series([1.0, 2.0], index=["2008-01-01", "2008-01-31"]), {}, "2008-01 is there twice"),
    ],
)
def test_what_is_no_series_is_said_in_one_line(series: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        index_from(series, **options)
    assert "\n" not in str(caught.value)
