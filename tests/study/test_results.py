"""Reading a study: rates from sums, groups, queries; figures say what they lack."""

import itertools
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pandas as pd
import pytest

import zerolimit
from zerolimit.basics.errors import BadInput
from zerolimit.results.columns import BY, PLATFORM, monthly_meanings
from zerolimit.study.definition import read_study
from zerolimit.study.figures import draw_bars, draw_lines, draw_map
from zerolimit.study.intervals import fieller, half_width
from zerolimit.study.results import Results
from zerolimit.study.sweep import sweep
from zerolimit.study.worker import Done, Job, Place, Task
from zerolimit.vocabulary.outcomes import RATES

WISH: dict[str, Any] = {
    "name": "made up",
    "months": 2,
    "replications": 3,
    "outcomes": ["zero_limit", "principal", "gini_lines"],
    "vary": {"lgd": [0.5, 0.6], "campaign_order": ["risk", "target"]},
}


T_OF_3 = 4.302652729911275
"""Student's 0.975 quantile with 2 degrees of freedom, from tables."""


class MadeUp(Executor):
    """Gives numbers that can be added up by hand in place of runs."""

    def submit(self, function: Any, /, *arguments: Any, **words: Any) -> Future[Any]:
        job, tasks = arguments[:2]
        future: Future[Any] = Future()
        future.set_result([Done(task.run, self.numbers(job, task), Place("here", 1, 0.1, 0.1)) for task in tasks])
        return future

    def numbers(self, job: Job, task: Task) -> dict[str, list[Any]]:
        """Ten with a line in the first replication, a hundred in the others; one zero limit for each point before."""
        paid = 10 if task.replication == 0 else 100
        counts = {"months": [2], "zero_limit": [task.point], "line_on_time": [paid]}
        return {**counts, "principal_over_months": [2.0 * task.seed], "gini_lines": [task.point / 10]}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    path = tmp_path_factory.mktemp("results") / "a"
    sweep(read_study(WISH), path, executor=MadeUp())
    return zerolimit.load(path)


def test_the_table_is_tidy_and_in_the_order_of_the_design(results: Results) -> None:
    table = results.table()
    assert table["point"].tolist() == [0, 1, 2, 3] * 3
    assert table["replication"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert table["seed"].tolist() == [1] * 4 + [2] * 4 + [3] * 4
    assert table["lgd"].tolist() == [0.5, 0.5, 0.6, 0.6] * 3
    assert table["campaign_order"].tolist() == ["risk", "target"] * 6
    assert table["zero_limit_rate"].tolist()[:4] == [0.0, 0.1, 0.2, 0.3]
    assert table["principal"].tolist()[::4] == [1.0, 2.0, 3.0]  # a mean a month


def test_rates_are_divided_from_sums_not_averaged(results: Results) -> None:
    found = results.by("lgd")
    assert found["zero_limit"].tolist() == [3, 15]
    assert found["line_on_time"].tolist() == [420, 420]
    assert found["zero_limit_rate"].tolist() == [3 / 420, 15 / 420]


def test_an_effect_whose_arguments_are_swapped_says_so(results: Results) -> None:
    with pytest.raises(BadInput, match="is needed, not 'zero_limit'; 'lgd' is one: are they swapped"):
        results.effect("lgd", "zero_limit", 0.5)
    with pytest.raises(BadInput, match="is needed, not 'ldg'; did you mean 'lgd'"):
        results.effect("zero_limit", "ldg", 0.5)


def test_intervals_are_students_over_replications(results: Results) -> None:
    found = results.by("point").set_index("point")
    each = np.array([3 / 10, 3 / 100, 3 / 100])
    error = T_OF_3 * each.std(ddof=1) / np.sqrt(3)
    assert found.loc[3, "zero_limit_rate"] == 9 / 210
    assert found.loc[3, "zero_limit_low"] == pytest.approx(9 / 210 - error)
    assert found.loc[3, "zero_limit_high"] == pytest.approx(9 / 210 + error)


def test_an_effect_is_taken_within_replications(results: Results) -> None:
    """At the points 0 to 3, rates are point / 10 in the first replication and point / 100 in the others."""
    found = results.effect("zero_limit", "lgd", 0.5, per=["campaign_order"]).set_index(["campaign_order", "lgd"])
    apart = np.array([2 / 10, 2 / 100, 2 / 100])
    error = T_OF_3 * apart.std(ddof=1) / np.sqrt(3)
    ends = ["effect", "low", "high"]
    assert found.loc[("risk", 0.5), ends].tolist() == [0.0, 0.0, 0.0]
    assert found[["band_low", "band_high"]].isna().all(axis=None)
    assert (found["rows"] == 0).all()
    for name in ("risk", "target"):
        row = found.loc[(name, 0.6), ends]
        assert row.tolist() == pytest.approx([apart.mean(), apart.mean() - error, apart.mean() + error])
    with pytest.raises(BadInput, match=r"effect: lgd is never 0.7, but 0.5, 0.6"):
        results.effect("zero_limit", "lgd", 0.7)


def test_effects_of_ten_replications_have_a_band_and_ratios_fieller_s_interval(tmp_path: Path) -> None:
    wish = {"months": 3, "borrowers": 60, "engine": "objects", "replications": 10, "vary": {"pool_share": [0.2, 0.3, 0.5]}}
    made = read_study({**wish, "outcomes": ["used_up", "sum_drawn", "months_without"]})
    sweep(made, tmp_path / "ten", executor=Here())
    found = zerolimit.load(tmp_path / "ten")
    assert isinstance(found, Results)
    effect = found.effect("sum_drawn", "pool_share", 0.2).set_index("pool_share")
    each = found.by(["pool_share", "replication"], ["sum_drawn"]).pivot(
        index="replication", columns="pool_share", values="sum_drawn"
    )
    apart = each[0.5] - each[0.2]
    assert effect["rows"].tolist() == [2, 2, 2]
    half = half_width(10, rows=2) * apart.std()
    assert effect.loc[0.5, "band_high"] == pytest.approx(apart.mean() + half)
    assert effect.loc[0.5, "high"] == pytest.approx(apart.mean() + half_width(10) * apart.std())
    ratio = found.ratio("months_without", "sum_drawn", "pool_share", 0.2).set_index("pool_share")
    line = found.by(["pool_share", "replication"], ["months_without"]).pivot(
        index="replication", columns="pool_share", values="months_without"
    )
    known = fieller(line[0.5] - line[0.2], apart)
    assert ratio.index.tolist() == [0.3, 0.5]
    assert ratio.loc[0.5].tolist() == pytest.approx([known.mean, known.low, known.high], nan_ok=True)
    with pytest.raises(BadInput, match=r"effect: pool_share is never 0\.7"):
        found.ratio("months_without", "sum_drawn", "pool_share", 0.7)


def test_columns_bring_what_they_need_and_no_more(results: Results) -> None:
    table = results.table(["zero_limit_rate"])
    assert {"zero_limit", "line_on_time", "zero_limit_rate"} <= {*table.columns}
    assert not {"principal", "gini_lines"} & {*table.columns}
    for wrong, told in (("zero_limit_rat", "did you mean 'zero_limit_rate'"), ("blocked", "was not kept")):
        with pytest.raises(BadInput, match=told):
            results.table([wrong])
    with pytest.raises(BadInput, match=r"by: 'ldg' is not one of .*; did you mean 'lgd'"):
        results.by("ldg")


def test_arrow_takes_columns_and_rows(results: Results) -> None:
    import pyarrow.dataset as ds

    found = results.arrow(["run", "zero_limit"], where=ds.field("zero_limit") > 2)
    assert found.column_names == ["run", "zero_limit"]
    assert found["zero_limit"].to_pylist() == [3, 3, 3]
    assert results.arrow().schema.field("zero_limit").metadata[b"unit"] == b"borrowers"
    assert results.arrow().schema.field("lgd").metadata == {b"unit": b"share", b"meaning": b"parameter lgd"}


def test_a_query_sees_the_raw_sums(results: Results) -> None:
    pytest.importorskip("duckdb")
    found = results.sql("select lgd, sum(zero_limit) / sum(line_on_time) as rate from runs group by lgd order by lgd")
    assert found["rate"].tolist() == [3 / 420, 15 / 420]
    with pytest.raises(BadInput, match="sql: "):
        results.sql("select nothing from runs")


class Here(Executor):
    """Each run at once, in this process."""

    def submit(self, function: Any, /, *arguments: Any, **words: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **words))
        return future


def outputs(results: Results, folder: Path) -> dict[str, pd.DataFrame]:
    """All that a study's numbers come out by, in the same order of rows."""
    found = {"table": results.table(), "arrow": results.arrow().to_pandas(), "sql": results.sql("select * from runs")}
    for name, read in (("export.parquet", pd.read_parquet), ("export.csv", pd.read_csv)):
        results.folder.export(folder / name)
        found[name] = read(folder / name)
    return {name: frame.sort_values([*results.kept_apart]) if results.kept_apart else frame for name, frame in found.items()}


def test_one_name_is_one_number_in_every_output(tmp_path: Path) -> None:
    every = [*RATES, *monthly_meanings(), *PLATFORM, "gini_lines", "with_line"]
    words = {"scenario": "defaults", "borrowers": 60, "months": 3, "engine": "objects", "replications": 1}
    wanted = {**words, "outcomes": [name for name in every if name not in BY], "vary": {"lgd": [0.6]}}
    market = zerolimit.CreditMarket("defaults", seed=1, borrowers=60, engine="objects", lgd=0.6).run(3)
    for by in ([], ["month"]):
        sweep(read_study({**wanted, "by": by}), tmp_path / f"by{len(by)}", executor=Here())
        results = zerolimit.load(tmp_path / f"by{len(by)}")
        assert isinstance(results, Results)
        frames = outputs(results, tmp_path)
        counts = market.monthly.drop(columns=["segment", "decile"]).groupby("month").sum()
        platform = market.platform_months.drop(columns=[*counts], errors="ignore")
        if by:
            frames |= {"monthly": counts, "platform": platform}
        else:
            frames |= {"monthly": counts.sum().to_frame().T, "platform": platform.mean().to_frame().T}
        for one, other in itertools.combinations(frames, 2):
            for name in frames[one].columns.intersection(frames[other].columns).difference(["run", "seed", "month"]):
                ours, theirs = frames[one][name].to_numpy(), frames[other][name].to_numpy()
                assert pd.Series(ours).equals(pd.Series(theirs)) or np.allclose(
                    ours.astype(float), theirs.astype(float), rtol=1e-12, atol=0, equal_nan=True
                ), f"{name}: {ours} in {one}, {theirs} in {other}, by {by}"
        shared = set(frames["table"]) & set(frames["platform"])
        assert {"net_income", "pool", "gini", "cash"} <= shared
        raw = frames["arrow"]
        assert ("net_income" in raw) == bool(by)
        if not by:
            assert raw["net_income_over_months"].item() == platform["net_income"].sum()
        for field in results.arrow().schema:
            if field.name not in {*RUN_KEYS, *by}:
                told = field.metadata[b"meaning"].decode()
                assert ("summed over" in told) == (field.type == "int64" or field.name.endswith("_over_months")), field.name


RUN_KEYS = ("run", "point", "replication", "seed", "months", "lgd")


def test_an_unfinished_study_can_be_read(tmp_path: Path) -> None:
    class Broken(MadeUp):
        left = 2

        def submit(self, function: Any, /, *arguments: Any, **words: Any) -> Future[Any]:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            return super().submit(function, *arguments, **words)

    with pytest.raises(KeyboardInterrupt):
        sweep(read_study(WISH), tmp_path / "a", executor=Broken(), workers=1)
    some = zerolimit.load(tmp_path / "a")
    assert 0 < len(some.table()) == some.done < some.total == 12
    assert repr(some) == f"<results {tmp_path / 'a'}: made up, {some.done} of 12 runs>"


def test_loading_says_what_a_folder_is_not(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a run folder"):
        zerolimit.load(tmp_path)
    with pytest.raises(BadInput, match="no such run folder"):
        zerolimit.load(tmp_path / "none")


def test_another_design_has_no_indices(results: Results) -> None:
    with pytest.raises(BadInput, match="the design is grid; this needs a study with design = 'sobol'"):
        results.sobol()
    with pytest.raises(BadInput, match="this needs a study with design = 'morris'"):
        results.morris()


def test_the_package_can_be_called_and_is_still_a_package(tmp_path: Path) -> None:
    import zerolimit.study.attribution
    from zerolimit.study import attribution

    assert zerolimit.study.attribution is attribution
    found = zerolimit.study(WISH, out=tmp_path / "a", executor=MadeUp(), progress=False)
    again = zerolimit.study(WISH, out=tmp_path / "a", executor=MadeUp(), progress=False)
    pd.testing.assert_frame_equal(found.table(), again.table())


# figures


def drawn(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000


def test_figures_are_drawn_from_tables_and_name_a_column_that_is_missing(results: Results, tmp_path: Path) -> None:
    table = results.by(["lgd", "campaign_order"])
    draw_lines(table, tmp_path / "lines.png", x="lgd", y="zero_limit_rate", per="campaign_order")
    draw_map(results.by(["lgd", "point"]), tmp_path / "map.png", x="lgd", y="point", z="zero_limit_rate")
    draw_bars(table, tmp_path / "bars.png", name="campaign_order", panels={"zero_limit_rate": ("zero limits, %", 100)})
    assert all(drawn(tmp_path / f"{name}.png") for name in ("lines", "map", "bars"))
    with pytest.raises(BadInput, match="no column 'ldg'; did you mean 'lgd'"):
        draw_lines(table, tmp_path / "none.png", x="ldg", y="zero_limit_rate")
    assert not (tmp_path / "none.png").exists()


# Mesa's own sweep


@pytest.mark.skipif(not hasattr(mesa, "batch_run"), reason="gone in Mesa 4, whose runner takes an executor")
@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_batch_run_counts_what_a_study_counts_for_the_same_seeds(processes: int, tmp_path: Path) -> None:
    parameters = {"scenario": "defaults", "borrowers": 60, "engine": "objects", "pool_share": [0.2, 0.6]}
    rows = mesa.batch_run(
        zerolimit.CreditMarket,
        parameters,
        rng=[5, 6],
        max_steps=4,
        number_processes=processes,
        data_collection_period=1,
        display_progress=False,
    )
    wish = {
        "scenario": "defaults",
        "months": 4,
        "borrowers": 60,
        "engine": "objects",
        "seed": 5,
        "replications": 2,
        "by": ["month"],
    }
    made = read_study({**wish, "vary": {"pool_share": [0.2, 0.6]}, "outcomes": ["zero_limit", "blocked", "principal"]})
    sweep(made, tmp_path / "a", executor=Here())
    ours = zerolimit.load(tmp_path / "a").table()
    theirs = pd.DataFrame(rows).sort_values(["seed", "pool_share", "Step"], ignore_index=True)
    ours = ours.sort_values(["seed", "pool_share", "month"], ignore_index=True)
    assert theirs["seed"].tolist() == ours["seed"].tolist() == [5] * 8 + [6] * 8
    assert theirs["principal"].tolist() == (ours["principal"] / 100).tolist()  # yuan, fen
    for name in ("zero_limit", "blocked"):
        np.testing.assert_array_equal(theirs[name].to_numpy(float), ours[f"{name}_rate"].to_numpy(float))
