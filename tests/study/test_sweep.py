"""A sweep leaves every run once, whoever does it and in whatever order; it can be broken off, and goes on."""

import contextlib
import errno
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolimit
from zerolimit.basics.errors import BadInput
from zerolimit.basics.progress import span
from zerolimit.commands.studies import export_study
from zerolimit.results.digest import read_json, write_json
from zerolimit.results.writer import machine
from zerolimit.run.simulation import Simulation
from zerolimit.study import executors, folder, lock
from zerolimit.study.accounts import LAST_HALF, OF_CUTS
from zerolimit.study.code import worker_modules
from zerolimit.study.definition import Study, read_study
from zerolimit.study.folder import ERRORS, LOCK, MERGED, STUDY, Folder
from zerolimit.study.lock import acquire, judged
from zerolimit.study.screen import Reached, status
from zerolimit.study.sweep import sweep
from zerolimit.study.worker import Done, Failed, user_rules_of

WISH: dict[str, Any] = {
    "name": "small",
    "months": 4,
    "borrowers": 60,
    "replications": 2,
    "engine": "objects",
    "outcomes": ["zero_limit", "blocked", "net_income", "gini_lines"],
    "vary": {"pool_share": [0.2, 0.6], "planned_use": [0.1, 0.5]},
}


class Here(Executor):
    """An executor of ten lines, as docs/studies.md shows one: each call is done at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **words))
        except Exception as error:
            future.set_exception(error)
        return future


class Shuffled(Here):
    """Does batches out of order, four at a time: none before there are as many."""

    def __init__(self) -> None:
        self.random = random.Random(1)
        self.waiting: list[tuple[Future[Any], Any]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, lambda: function(*arguments, **words)))
        if len(self.waiting) == 4:
            self.random.shuffle(self.waiting)
            for one, call in self.waiting:
                one.set_result(call())
            self.waiting = []
        return future


class Dying(Here):
    """Does so many batches and is then interrupted, as by Ctrl-C."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return super().submit(function, *arguments, **words)


def wish(**settings: Any) -> Study:
    return read_study({**WISH, **settings})


def exported(path: Path) -> bytes:
    target = path.parent / f"{path.name}.parquet"
    Folder(path).export(target)
    return target.read_bytes()


# what is left


def test_a_run_of_a_study_counts_what_the_same_simulation_counts(tmp_path: Path) -> None:
    sweep(wish(), tmp_path / "a", executor=Here())
    table = zerolimit.load(tmp_path / "a").table()
    assert len(table) == 8
    assert table["planned_use"].tolist() == [0.1, 0.5] * 4  # a parameter, though the platform has a column of that name
    for _, row in table.iterrows():
        market = zerolimit.CreditMarket(
            "baseline",
            seed=int(row["seed"]),
            borrowers=60,
            engine="objects",
            pool_share=row["pool_share"],
            planned_use=row["planned_use"],
        ).run(4)
        monthly = market.monthly
        assert row["zero_limit"] == monthly["zero_limit"].sum()
        assert row["line_on_time"] == monthly["line_on_time"].sum()
        assert row["net_income"] * 4 == sum(one.platform["net_income"] for one in market.simulation.history)
        assert row["zero_limit_rate"] == monthly["zero_limit"].sum() / monthly["line_on_time"].sum()


def test_what_changes_on_the_way_is_changed_before_that_month(tmp_path: Path) -> None:
    study = wish(vary={"pool_share@2": [0.05]}, set={"need_rate@3": 0.9}, replications=1, by=["month"])
    sweep(study, tmp_path / "a", executor=Here())
    table = zerolimit.load(tmp_path / "a").table()
    twin = Simulation(study.scenario, 1, engine="objects")
    twin.run(2)
    twin.change(pool_share=0.05)
    twin.run(1)
    twin.change(need_rate=0.9)
    twin.run(1)
    assert table["month"].tolist() == [0, 1, 2, 3]
    assert table["line_on_time"].tolist() == [int(one.counts["line_on_time"].sum()) for one in twin.history]
    assert table["blocked"].tolist() == [int(one.counts["blocked"].sum()) for one in twin.history]


@pytest.mark.parametrize("by", [["month"], ["segment"], ["month", "segment", "decile"], ["decile"]])
def test_what_is_kept_apart_sums_to_the_whole(by: list[str], tmp_path: Path) -> None:
    sweep(wish(replications=1), tmp_path / "whole", executor=Here())
    sweep(wish(replications=1, by=by), tmp_path / "apart", executor=Here())
    whole = zerolimit.load(tmp_path / "whole").table()
    apart = zerolimit.load(tmp_path / "apart").table()
    rows = int(np.prod([{"month": 4, "segment": 3, "decile": 10}[name] for name in by]))
    assert len(apart) == 4 * rows
    sums = apart.groupby("point")[["zero_limit", "line_on_time", "blocked"]].sum()
    assert sums.to_numpy().tolist() == whole[["zero_limit", "line_on_time", "blocked"]].to_numpy().tolist()


def test_burn_in_is_run_and_not_counted(tmp_path: Path) -> None:
    sweep(wish(by=["month"]), tmp_path / "months", executor=Here())
    sweep(wish(burn_in=3), tmp_path / "last", executor=Here())
    months = zerolimit.load(tmp_path / "months").table()
    last = zerolimit.load(tmp_path / "last").table()
    assert last["line_on_time"].tolist() == months[months["month"] == 3]["line_on_time"].tolist()
    assert last["months"].tolist() == [1] * 8


def test_wrongful_zeros_are_counted_by_the_shadow_world(tmp_path: Path) -> None:
    from zerolimit.explanation.kept_lines import follow

    study = wish(outcomes=["wrongful", "followed"], months=14, vary={"pool_share": [0.2]}, replications=1)
    sweep(study, tmp_path / "a", executor=Here())
    row = zerolimit.load(tmp_path / "a").table().iloc[0]
    followed = follow(Simulation(study.scenario.change(pool_share=0.2), 1, engine="objects"), 14)
    assert row["followed"] == (followed.wrongful >= 0).sum()
    assert row["wrongful"] == (followed.wrongful == 1).sum()


def test_what_a_window_hides_is_measured_as_a_comparison_counts_it(tmp_path: Path) -> None:
    names = [*OF_CUTS, LAST_HALF, "recovered_3", "recovered_12"]
    options: dict[str, Any] = {"base_tightness": 0.4, "months": 10, "borrowers": 500}
    study = {
        "scenario": "defaults",
        "outcomes": names,
        "set": {"base_tightness": 0.4},
        "vary": {"notice_months": [0, 2]},
        "replications": 2,
    }
    sweep(read_study({**study, "months": 10, "borrowers": 500, "burn_in": 3}), tmp_path / "a", executor=Here())
    table = zerolimit.load(tmp_path / "a").table()
    pair = zerolimit.compare("defaults", seeds=2, since=3, only_b={"notice_months": 2}, **options)
    for name in names:
        found = table[name].to_numpy().reshape(2, 2)
        compared = pair.values(name)
        if name == "zero_withdrawn":  # a run by itself follows for its own notice, a pair for the longer one of both
            found, compared = found[:, 1:], compared[:, 1:]
        assert np.array_equal(found, compared, equal_nan=True), name


SMALLEST_FIRST = """
import zerolimit

@zerolimit.rule("rank", after="decide")
def smallest_first(wanted, scheduled, overdue):
    return -(wanted - scheduled - overdue)
"""


@pytest.mark.parametrize("executor", [Here(), pytest.param(None, marks=pytest.mark.slow)], ids=["here", "processes"])
def test_a_rule_of_ones_own_reaches_the_workers(executor: Executor | None, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SMALLEST_FIRST, encoding="utf-8")
    study = wish(rules=[f"{tmp_path / 'mine.py'}:smallest_first"])
    sweep(study, tmp_path / "a", workers=1, executor=executor)
    sweep(wish(), tmp_path / "without", executor=Here())
    table = zerolimit.load(tmp_path / "a").table()
    assert table["blocked"].tolist() != zerolimit.load(tmp_path / "without").table()["blocked"].tolist()
    world = study.scenario.change(pool_share=0.2, planned_use=0.1)
    twin = Simulation(world, 1, engine="objects", rules=user_rules_of(study.rules)).run(4)
    assert table["blocked"].iloc[0] == sum(int(one.counts["blocked"].sum()) for one in twin.history)
    with pytest.raises(BadInput, match="rules: there"):
        sweep(wish(), tmp_path / "a", executor=Here(), resume=True)


def test_a_rule_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SMALLEST_FIRST, encoding="utf-8")
    for text, told in (
        ("mine.py", "write it as FILE.py:NAME"),
        ("none.py:smallest_first", "no such file"),
        (f"{tmp_path / 'mine.py'}:smalest_first", "did you mean 'smallest_first'"),
    ):
        with pytest.raises(BadInput, match=told):
            assert wish(rules=[text]).rules


def test_a_rule_that_was_edited_is_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SMALLEST_FIRST, encoding="utf-8")
    before = wish(rules=[f"{file}:smallest_first"])
    assert before.rules
    file.write_text(SMALLEST_FIRST.replace("return -", "return +"), encoding="utf-8")
    after = wish(rules=[f"{file}:smallest_first"])
    assert after.rules != before.rules
    assert sweep(after, tmp_path / "a", executor=Here()).done == 8


def test_a_study_with_ties_is_the_same_from_every_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ties.csv").write_text("source,target\n0,1\n1,2\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    first = wish(set={"network": "file", "network_file": "ties.csv"})
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    second = wish(set={"network": "file", "network_file": "../ties.csv"})
    assert second.declared == first.declared
    assert sweep(first, tmp_path / "a", executor=Here()).done == 8
    (tmp_path / "ties.csv").write_text("source,target\n0,1\n1,3\n", encoding="utf-8")
    assert sweep(first, tmp_path / "b", executor=Here()).failed == 8
    assert zerolimit.load(tmp_path / "b").failures()["error"].str.contains("another file than the coordinator's").all()


def count_lines(simulation: Simulation) -> dict[str, float]:
    return {"lines": float(simulation.column("limit").sum())}


def test_a_measure_of_ones_own_has_a_column(tmp_path: Path) -> None:
    results = zerolimit.study(WISH, out=tmp_path / "a", executor=Here(), measure=count_lines, progress=False)
    study = wish()
    for _, row in results.table().iterrows():
        point = {"pool_share": row["pool_share"], "planned_use": row["planned_use"]}
        twin = Simulation(study.scenario.change(**point), int(row["seed"]), engine="objects").run(4)
        assert row["lines"] == float(twin.column("limit").sum())


# the same bytes


def test_the_export_is_the_same_bytes_whoever_did_the_runs(tmp_path: Path, cut: Callable[[int], None]) -> None:
    cut(1)
    study = wish()
    sweep(study, tmp_path / "here", executor=Here())
    sweep(study, tmp_path / "shuffled", executor=Shuffled(), workers=2)
    with ThreadPoolExecutor(2) as threads:
        sweep(study, tmp_path / "threads", executor=threads, workers=2)
    found = {exported(tmp_path / name) for name in ("here", "shuffled", "threads")}
    assert len(found) == 1
    assert (tmp_path / "here" / MERGED).read_bytes() in found


@pytest.mark.slow
def test_processes_give_the_same_bytes(tmp_path: Path) -> None:
    study = wish()
    sweep(study, tmp_path / "here", executor=Here())
    sweep(study, tmp_path / "processes", workers=2)
    assert exported(tmp_path / "processes") == exported(tmp_path / "here")


@pytest.mark.slow
def test_a_dask_cluster_on_loopback_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    study = wish()
    sweep(study, tmp_path / "here", executor=Here())
    sweep(study, tmp_path / "dask", cluster="local", workers=2)
    assert exported(tmp_path / "dask") == exported(tmp_path / "here")


def test_the_export_is_sorted_by_run_and_as_csv_says_the_same(tmp_path: Path) -> None:
    import pandas as pd

    sweep(wish(), tmp_path / "a", executor=Here())
    assert Folder(tmp_path / "a").export(tmp_path / "a.csv") == 8
    whole = zerolimit.load(tmp_path / "a").arrow().to_pandas()
    assert whole["run"].tolist() == sorted(whole["run"])
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.csv", dtype={"seed": "uint64"}), whole, check_dtype=False)


def test_an_export_replaces_a_file_only_when_asked_to(tmp_path: Path) -> None:
    sweep(wish(), tmp_path / "a", executor=Here())
    target = tmp_path / "a.csv"
    target.write_text("mine")
    with pytest.raises(BadInput, match="already exists"):
        export_study(tmp_path / "a", target, force=False)
    assert target.read_text() == "mine"
    export_study(tmp_path / "a", target, force=True)
    assert len(target.read_text().splitlines()) == 1 + 8


# broken off, and on


def test_a_sweep_that_is_broken_off_goes_on_with_exactly_the_rest(tmp_path: Path) -> None:
    study = wish()
    sweep(study, tmp_path / "whole", executor=Here())
    with pytest.raises(KeyboardInterrupt):
        sweep(study, tmp_path / "a", executor=Dying(2), workers=1)
    assert Folder(tmp_path / "a").count() == 2  # nobody knows yet how long a run takes: batches of one
    with pytest.raises(BadInput, match=r"of 8 runs of this study already; go on with --resume"):
        sweep(study, tmp_path / "a", executor=Here())
    done = {*Folder(tmp_path / "a").done()}

    class Counting(Here):
        runs: list[str] = []  # noqa: RUF012

        def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
            self.runs += [task.run for task in arguments[1]]
            return super().submit(function, *arguments, **words)

    swept = sweep(study, tmp_path / "a", executor=Counting(), resume=True)
    assert {*Counting.runs} == {one.run for one in study.tasks()} - done
    assert len(Counting.runs) == 8 - len(done)
    assert (swept.done, swept.failed, swept.total) == (8, 0, 8)
    assert exported(tmp_path / "a") == exported(tmp_path / "whole")


def test_a_changed_study_is_refused_with_what_differs(tmp_path: Path) -> None:
    sweep(wish(), tmp_path / "a", executor=Here())
    before = exported(tmp_path / "a")
    for change, kind, told in [
        ({"months": 5}, "another study", "months: there 4, now 5"),
        ({"set": {"lgd": 0.5}}, "another study", "scenario.lgd: there 0.8, now 0.5"),
        ({"months": 5, "replications": 3}, "another study", "replications: there 2, now 3"),
        ({"replications": 3}, "another design of this study", "replications: there 2, now 3"),
        ({"vary": {"pool_share": [0.2]}}, "another design of this study", 'there ["pool_share", "planned_use"], now'),
    ]:
        with pytest.raises(BadInput) as error:
            sweep(wish(**change), tmp_path / "a", executor=Here(), resume=True)
        assert f"holds {kind} (" in str(error.value)
        assert told in str(error.value)
    with pytest.raises(BadInput, match=r"holds another study \(months: there 4, now 5\); --extend changes the design alone"):
        sweep(wish(months=5, replications=3), tmp_path / "a", executor=Here(), extend=True)
    assert exported(tmp_path / "a") == before


def test_another_code_is_refused_in_an_old_folder(tmp_path: Path) -> None:
    sweep(wish(), tmp_path / "a", executor=Here())
    file = tmp_path / "a" / STUDY
    record = read_json(file)
    assert record is not None
    record["declared"]["code"] = "0" * 16
    write_json(file, record)
    with pytest.raises(BadInput, match="code: there"):
        sweep(wish(), tmp_path / "a", executor=Here(), resume=True)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(BadInput, match="is not a study's folder"):
        sweep(wish(), tmp_path, executor=Here())
    assert [one.name for one in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(BadInput, match="is not a folder"):
        sweep(wish(), tmp_path / "letter.txt", executor=Here())


def test_a_file_that_a_killed_coordinator_half_wrote_is_no_other_folder(tmp_path: Path) -> None:
    for name in (".design.parquet.1.ab.tmp", ".clock.ab.tmp"):
        (tmp_path / name).touch()
    assert sweep(wish(), tmp_path, executor=Here(), resume=True).done == 8
    assert not list(tmp_path.glob(".*"))


# runs that fail


def test_a_run_that_fails_is_recorded_with_its_seed_and_stops_no_other(tmp_path: Path) -> None:
    study = wish(vary={"borrowers": [60, 10**12]}, seed=3)
    swept = sweep(study, tmp_path / "a", executor=Here())
    assert (swept.done, swept.failed, swept.total) == (2, 2, 4)
    failures = zerolimit.load(tmp_path / "a").failures()
    assert sorted(failures["seed"]) == [3, 4]
    assert all(one == {"borrowers": 10**12} for one in failures["values"])
    assert failures["error"].str.contains("borrowers: 1,000,000,000,000 need about").all()
    assert failures["trace"].str.contains("Traceback").all()


FAIL = {"now": True}


def sometimes(simulation: Simulation) -> dict[str, float]:
    if FAIL["now"] and simulation.seed == 2:
        raise OSError("the weather")
    return {"one": 1.0}


def test_runs_that_failed_are_done_again_by_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = read_study(WISH, measure=sometimes)
    swept = sweep(study, tmp_path / "a", executor=Here())
    assert (swept.done, swept.failed) == (4, 4)
    assert len(list((tmp_path / "a" / ERRORS).iterdir())) == 4
    monkeypatch.setitem(FAIL, "now", False)
    swept = sweep(study, tmp_path / "a", executor=Here(), resume=True)
    assert (swept.done, swept.failed) == (8, 0)
    assert list((tmp_path / "a" / ERRORS).iterdir()) == []


def names_that_differ(simulation: Simulation) -> dict[str, float]:
    return {"one": 1.0} if simulation.seed == 1 else {"one": 1.0, "two": 2.0}


def test_a_measure_with_other_names_fails_its_run_only(tmp_path: Path) -> None:
    study = read_study(WISH, measure=names_that_differ)
    swept = sweep(study, tmp_path / "a", executor=Here())
    assert (swept.done, swept.failed, swept.total) == (4, 4, 8)
    failures = zerolimit.load(tmp_path / "a").failures()
    assert {*failures["seed"]} == {2}
    assert failures["error"].str.contains("gave two in some runs only").all()
    assert sweep(study, tmp_path / "a", executor=Here(), resume=True).failed == 4


def test_a_full_disk_is_one_line_that_says_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Callable[[int], None]
) -> None:
    """Full as soon as a part is written."""
    cut(1)
    real = os.fsync

    def full(handle: int) -> None:
        if any((tmp_path / "a" / "parts").rglob("*.parquet")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(folder.os, "fsync", full)
    with pytest.raises(BadInput) as error:
        sweep(wish(), tmp_path / "a", executor=Here(), workers=1)
    kept = Folder(tmp_path / "a").count()
    assert str(error.value) == (
        f"{tmp_path / 'a'}: cannot be written: no space left on device; {kept} finished runs are kept; go on with --resume"
    )
    assert kept > 0
    assert not list((tmp_path / "a" / "parts").rglob("*.tmp"))
    monkeypatch.setattr(folder.os, "fsync", real)
    sweep(wish(), tmp_path / "a", executor=Here(), resume=True)
    sweep(wish(), tmp_path / "whole", executor=Here())
    assert exported(tmp_path / "a") == exported(tmp_path / "whole")


def test_a_worker_with_another_code_stops_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zerolimit.study import worker

    monkeypatch.setattr(worker, "code_hash", lambda: "another")
    with pytest.raises(BadInput, match="has another zerolimit than the coordinator"):
        sweep(wish(), tmp_path / "a", executor=Here())


# one coordinator


def test_a_second_coordinator_is_refused_with_who_holds_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = acquire(tmp_path / "a")
    with pytest.raises(
        BadInput, match=rf"held by process {os.getpid()} on {socket.gethostname()} since .*, last seen \d+ s ago$"
    ):
        sweep(wish(), tmp_path / "a", executor=Here())
    with pytest.raises(BadInput, match="held by process"):
        sweep(wish(), tmp_path / "a", executor=Here(), take_over=True)
    first.release()
    assert sweep(wish(), tmp_path / "a", executor=Here()).done == 8
    assert not (tmp_path / "a" / LOCK).exists()


def elsewhere(path: Path, *, age: float) -> float:
    """A lock of another machine, last touched so long ago; when that was said."""
    path.mkdir(exist_ok=True)
    held = {
        "token": "t",
        "host": "node7",
        "pid": 4,
        "machine": ["node7"],
        "process": "1",
        "since": "2026-11-25T01:02:03+00:00",
    }
    (path / LOCK).write_text(json.dumps(held))
    touched = (path / LOCK).stat().st_mtime - age
    os.utime(path / LOCK, (touched, touched))
    return time.monotonic()


def refused(path: Path, told: str, age: float, made: float, **words: Any) -> None:
    """A sweep is refused, and told the lock's age (s): what it was when it was made, and what has gone by since."""
    with pytest.raises(BadInput, match=told) as error:
        sweep(wish(), path, executor=Here(), **words)
    found = re.search(told, str(error.value))
    assert found is not None
    assert age - 1 <= float(found[1].replace(",", "")) <= age + time.monotonic() - made + 1


def test_a_stale_lock_of_another_machine_is_taken_over_only_when_asked_to(tmp_path: Path) -> None:
    made = elsewhere(tmp_path / "a", age=5)
    refused(tmp_path / "a", r"held by process 4 on node7 since .*, last seen (\d+) s ago$", 5, made, take_over=True)
    made = elsewhere(tmp_path / "a", age=300)
    refused(tmp_path / "a", r"last seen (\d+) s ago; if that has ended for sure, say --take-over", 300, made)
    assert sweep(wish(), tmp_path / "a", executor=Here(), take_over=True).done == 8


def test_a_lock_dated_ahead_is_taken_over_as_a_stale_one_is(tmp_path: Path) -> None:
    elsewhere(tmp_path / "a", age=-50)
    with pytest.raises(BadInput, match=r"on node7 since .*, dated (50|[34]\d) s ahead of the folder's clock$"):
        sweep(wish(), tmp_path / "a", executor=Here(), take_over=True)
    elsewhere(tmp_path / "a", age=-7200)
    ahead = r"dated 7[012]\d\d s ahead of the folder's clock; if that has ended for sure, say --take-over"
    with pytest.raises(BadInput, match=ahead):
        sweep(wish(), tmp_path / "a", executor=Here())
    assert sweep(wish(), tmp_path / "a", executor=Here(), take_over=True).done == 8
    (tmp_path / "a" / LOCK).write_text("{")
    later = (tmp_path / "a" / LOCK).stat().st_mtime + 7200
    os.utime(tmp_path / "a" / LOCK, (later, later))
    assert judged(tmp_path / "a" / LOCK, None)[0] == "stale"
    assert sweep(wish(), tmp_path / "a", executor=Here(), resume=True, take_over=True).done == 8


def test_a_lock_whose_process_is_gone_from_this_machine_needs_no_word(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    code = f"from pathlib import Path; from zerolimit.study.lock import acquire; acquire(Path({str(tmp_path / 'a')!r}))"
    subprocess.run([sys.executable, "-c", f"{code}; import os; os._exit(0)"], check=True, env=HOME)
    held = json.loads((tmp_path / "a" / LOCK).read_text())
    assert judged(tmp_path / "a" / LOCK, held)[0] == "dead"
    assert sweep(wish(), tmp_path / "a", executor=Here()).done == 8


def test_a_process_number_used_again_is_not_taken_for_the_holder(tmp_path: Path) -> None:
    mine = acquire(tmp_path)
    held = json.loads((tmp_path / LOCK).read_text())
    assert judged(tmp_path / LOCK, held)[0] == "alive"
    assert judged(tmp_path / LOCK, {**held, "process": "1"})[0] == "dead"
    mine.release()


def test_a_coordinator_that_lost_its_lock_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT", 0.01)
    held: list[lock.Lock] = []

    class Kept(lock.Lock):
        def __init__(self, path: Path, token: str) -> None:
            super().__init__(path, token)
            held.append(self)

    class Robbed(Here):
        def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
            elsewhere(tmp_path / "a", age=0)
            held[0].thread.join()  # it has seen that it lost the lock
            return super().submit(function, *arguments, **words)

    monkeypatch.setattr(lock, "Lock", Kept)
    with pytest.raises(BadInput, match="taken over by process 4 on node7"):
        sweep(wish(), tmp_path / "a", executor=Robbed(), workers=1)
    assert json.loads((tmp_path / "a" / LOCK).read_text())["host"] == "node7"


def dead(path: Path) -> None:
    """A lock of this machine whose process is gone."""
    held = {"token": "t", "host": "here", "pid": os.getpid(), "machine": machine(), "process": "1", "since": "then"}
    (path / LOCK).write_text(json.dumps(held))


def no_links(*_: Any) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("links", [True, False])
def test_of_many_coordinators_on_a_dead_lock_one_holds_it(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(lock.os, "link", no_links)
    for attempt in range(60):
        path = tmp_path / str(attempt)
        path.mkdir()
        dead(path)
        start, locks = threading.Barrier(4), []

        def contend(path: Path = path, start: threading.Barrier = start, locks: list[lock.Lock] = locks) -> None:
            start.wait()
            with contextlib.suppress(BadInput):
                locks.append(acquire(path))

        threads = [threading.Thread(target=contend) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len(locks) == 1
        assert json.loads((path / LOCK).read_text())["token"] == locks[0].token
        locks[0].release()
        assert list(path.iterdir()) == []


def test_a_lock_made_since_it_was_judged_dead_is_left(tmp_path: Path) -> None:
    mine = acquire(tmp_path)
    lock.put_aside(tmp_path / LOCK, take_over=True)
    assert json.loads((tmp_path / LOCK).read_text())["token"] == mine.token
    mine.release()


def test_a_take_over_that_was_killed_is_forgotten_after_a_minute(tmp_path: Path) -> None:
    dead(tmp_path)
    taking = tmp_path / f".{LOCK}.taking.tmp"
    taking.touch()
    with pytest.raises(BadInput, match="another coordinator is taking it just now"):
        acquire(tmp_path)
    os.utime(taking, (1, 1))
    acquire(tmp_path).release()


def test_a_lock_without_a_process_is_told_by_its_age(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text(json.dumps({"machine": machine()}))
    with pytest.raises(BadInput, match="held by process None"):
        acquire(tmp_path)


HOME = {**os.environ, "PYTHONPATH": str(Path(zerolimit.__file__).parents[1])}


# what is seen


def test_status_says_how_far_and_who(tmp_path: Path) -> None:
    study = wish()
    with pytest.raises(KeyboardInterrupt):
        sweep(study, tmp_path / "a", executor=Dying(2), workers=1)
    done = Folder(tmp_path / "a").count()
    assert status(tmp_path / "a") == [
        f"small: {done} of 8 runs done ({done / 8:.1%}), 0 failed",
        f"nobody works on it; go on with zerolimit sweep STUDY --out {tmp_path / 'a'} --resume",
    ]
    mine = acquire(tmp_path / "a")
    assert status(tmp_path / "a")[1].startswith(f"held by process {os.getpid()} on {socket.gethostname()}")
    mine.release()
    sweep(study, tmp_path / "a", executor=Here(), resume=True)
    assert status(tmp_path / "a") == ["small: 8 of 8 runs done (100.0%), 0 failed", "complete"]
    with pytest.raises(BadInput, match="is not a study's folder"):
        status(tmp_path)


def test_progress_is_told_as_it_goes(tmp_path: Path) -> None:
    seen: list[Reached] = []
    sweep(wish(), tmp_path / "a", executor=Here(), workers=1, watch=seen.append)
    assert [seen[0].done, seen[-1].done, seen[-1].total] == [0, 8, 8]
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert seen[-1].left == 0
    assert Reached(10, 0, 100, 2.0).left == 45.0
    assert [span(one) for one in (9, 61, 3_660, 90_000)] == ["9 s", "1 min 01 s", "1 h 01 min", "1 d 1 h"]


def test_times_and_hosts_stand_apart_from_results(tmp_path: Path) -> None:
    sweep(wish(), tmp_path / "a", executor=Here())
    (file,) = (tmp_path / "a" / "times").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(one["run"] for one in lines) == list(Folder(tmp_path / "a").done())
    assert all(one["host"] == socket.gethostname() and 0 < one["inside"] < one["seconds"] for one in lines)
    columns = zerolimit.load(tmp_path / "a").arrow().column_names
    assert not {"host", "pid", "seconds"} & {*columns}


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_runs(tmp_path: Path) -> None:
    """Of a run the coordinator remembers its hash: under a kilobyte, so 10,000 runs take 10 MB and their results none."""
    import gc
    import tracemalloc

    from test_results import MadeUp

    sizes: dict[int, int] = {}

    def watch(now: Reached) -> None:
        if now.done in (0, 5_000):
            gc.collect()  # what is remembered counts, not what waits to be collected: in a large process that is much
            sizes[now.done] = tracemalloc.get_traced_memory()[0]

    study = read_study(
        {"replications": 5_000, "outcomes": ["zero_limit", "principal", "gini_lines"], "vary": {"lgd": [0.5]}}
    )
    tracemalloc.start()
    try:
        sweep(study, tmp_path / "a", executor=MadeUp(), workers=1, watch=watch)
    finally:
        tracemalloc.stop()
    assert sizes[5_000] - sizes[0] < 5_000 * 1_000


# workers


def test_a_worker_imports_neither_mesa_nor_figures_nor_pandas() -> None:
    code = (
        "import sys, zerolimit.study.worker, zerolimit.run.simulation;"
        "print([name for name in ('mesa', 'matplotlib', 'rich', 'typer', 'pandas', 'SALib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=HOME)
    assert done.stdout.strip() == "[]"


def test_runs_in_one_process_share_the_compiled_month() -> None:
    """The same functions, so nothing is compiled, nor loaded from the cache, again for a run."""
    first, second = (Simulation(wish().scenario, seed, engine="compiled", threads=1) for seed in (1, 2))
    assert first.engine.loops.module is second.engine.loops.module  # type: ignore[attr-defined]
    entry = next(iter(first.engine.loops.entries()))  # type: ignore[attr-defined]
    first.run(2)
    before = len(first.engine.loops[entry].signatures)  # type: ignore[attr-defined]
    second.run(2)
    assert len(second.engine.loops[entry].signatures) == before  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", ["compiled", pytest.param("objects", marks=pytest.mark.slow)])
def test_the_code_that_a_folder_is_held_to_is_all_that_a_worker_runs(engine: str) -> None:
    """Every module of the package that a run with all measures has loaded, and none that only draws or prints."""
    code = (
        "import json, sys; from zerolimit.study.worker import *; from zerolimit.study.code import *;"
        "from zerolimit.parameters.scenario import load_scenario;"
        "world = load_scenario('defaults', borrowers=450, network='small_world');"
        "kept = ((), ('zero_limit',), ('pool',), tuple(RUN_MEASURES));"
        "job = Job(world, {}, 14, 0, *kept, None, None, (), 'ENGINE', code_hash());"
        "(done,) = do(job, [Task('ab', 0, 0, 1, {})]); assert isinstance(done, Done), done;"
        "print(json.dumps([name for name in sys.modules if name.split('.')[0] == 'zerolimit']))"
    )
    code = code.replace("ENGINE", engine)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=HOME)
    loaded = {name.removeprefix("zerolimit").removeprefix(".") for name in json.loads(done.stdout.splitlines()[-1])}
    assert loaded <= {*worker_modules()}
    assert not {"study.figures", "results.figures", "cli", "market", "study.sweep"} & {*worker_modules()}


def threads_here(_: Any) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in executors.SINGLE}


def test_workers_are_single_threaded_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    for name in executors.SINGLE[1:]:
        monkeypatch.delenv(name, raising=False)
    with executors.local_pool(1) as pool:
        found = pool.submit(threads_here, None).result()
    assert found == {"OMP_NUM_THREADS": "3", **dict.fromkeys(executors.SINGLE[1:], "1")}
    assert "MKL_NUM_THREADS" not in os.environ


def end_process(code: int) -> None:
    os._exit(code)


@pytest.mark.slow
def test_a_call_that_kills_its_worker_every_time_fails_and_the_next_one_works() -> None:
    with executors.local_pool(1) as pool:
        fatal, good = pool.submit(end_process, 9), pool.submit(os.getpid)
        with pytest.raises(executors.WorkerDied, match="its worker died 3 times"):
            fatal.result(timeout=300)
        assert good.result(timeout=300) != os.getpid()


class Unknown:
    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, ("no_such_module",)


def test_what_a_worker_cannot_do_comes_back_and_the_next_call_works() -> None:
    with executors.local_pool(1) as pool:
        strange, wrong, good = pool.submit(repr, Unknown()), pool.submit(divmod, 1, 0), pool.submit(os.getpid)
        with pytest.raises(executors.CannotStart, match=r"cannot import .*no_such_module.*put it in a file"):
            strange.result(timeout=300)
        with pytest.raises(ZeroDivisionError):
            wrong.result(timeout=300)
        assert good.result(timeout=300) != os.getpid()


def test_a_measure_typed_at_a_prompt_is_refused_before_anything_runs(tmp_path: Path) -> None:
    code = (
        "import zerolimit; seen = lambda simulation: {'one': 1.0}\n"
        f"try: zerolimit.study({WISH!r}, out={str(tmp_path / 'a')!r}, measure=seen, progress=False)\n"
        "except zerolimit.basics.errors.BadInput as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=HOME)
    assert "cannot be imported by the workers: put it in a file" in done.stdout
    assert not (tmp_path / "a").exists()


def test_results_of_a_run_are_small_and_plain() -> None:
    import pickle

    from zerolimit.study.worker import do

    study = wish()
    (done,) = do(study.job(), [next(study.tasks())])
    assert isinstance(done, Done)
    assert not isinstance(done, Failed)
    assert len(pickle.dumps(done)) < 2_000
    assert all(type(one) in (int, float, str) for column in done.columns.values() for one in column)
