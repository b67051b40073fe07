"""A study's folder notices damage, and a study can grow. The runs are made up: what is held against what is the same."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_results import MadeUp

import zerolimit
from zerolimit.basics.errors import BadInput
from zerolimit.commands.studies import export_study
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.results.digest import read_json, write_json
from zerolimit.study.definition import Study, read_study
from zerolimit.study.folder import ASIDE, ERRORS, MERGED, STUDY, Folder, Part
from zerolimit.study.identity import DEFAULTS, world_hash
from zerolimit.study.lock import acquire
from zerolimit.study.screen import status
from zerolimit.study.sweep import Swept, sweep
from zerolimit.study.worker import Failed, Job, Place, Task

WISH: dict[str, Any] = {
    "name": "made up",
    "months": 2,
    "replications": 2,
    "outcomes": ["zero_limit", "principal", "gini_lines"],
    "vary": {"lgd": [0.5, 0.6], "campaign_order": ["risk", "target"]},
}


class Counting(MadeUp):
    """Numbers that follow from what a run is; remembers which runs it was given."""

    def __init__(self) -> None:
        self.runs: list[str] = []

    def submit(self, function: Any, /, *arguments: Any, **words: Any) -> Future[Any]:
        self.runs += [task.run for task in arguments[1]]
        return super().submit(function, *arguments, **words)

    def numbers(self, job: Job, task: Task) -> dict[str, list[Any]]:
        number = int(task.run[:6], 16)
        return {
            "months": [2],
            "zero_limit": [number % 100],
            "line_on_time": [100],
            "principal_over_months": [2.0],
            "gini_lines": [0.5],
        }


def wish(**settings: Any) -> Study:
    return read_study({**WISH, **settings})


def swept(path: Path, study: Study | None = None, **words: Any) -> tuple[Swept, list[str], list[str]]:
    """How it ended, what was run, and what was said."""
    executor, said = Counting(), list[str]()
    return sweep(study or wish(), path, executor=executor, say=said.append, **words), executor.runs, said


def exported(path: Path) -> bytes:
    target = path.parent / f"{path.name}.parquet"
    Folder(path).export(target)
    return target.read_bytes()


@pytest.fixture
def done(tmp_path: Path) -> tuple[Path, bytes]:
    """A finished study, and its export; each run is a part of its own."""
    swept(tmp_path / "a")
    in_parts(tmp_path / "a", 8)
    return tmp_path / "a", exported(tmp_path / "a")


def parts(path: Path) -> list[Part]:
    return list(Folder(path).parts())


def flip(path: Path, byte: int = -1, bit: int = 3) -> None:
    data = bytearray(path.read_bytes())
    data[byte] ^= 1 << bit
    path.write_bytes(data)


# damage


def cut(part: Part) -> None:
    part.path.write_bytes(part.path.read_bytes()[:-9])


def empty(part: Part) -> None:
    part.path.write_bytes(b"")


def flipped(part: Part) -> None:
    flip(part.path, 40)


def nameless(part: Part) -> None:
    part.path.rename(part.path.with_name(f"{part.run}.parquet"))


def renamed(part: Part) -> None:
    """The digest of its bytes, under the hash of another run."""
    part.path.rename(part.path.with_name(part.path.name.replace(part.run, part.run[:2] + "0" * 22)))


def of_more(part: Part) -> None:
    part.path.rename(part.path.with_name(part.path.name.replace(part.run, f"{part.run}-2")))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (cut, "is damaged: its bytes are not those that were written"),
        (empty, "is damaged: its bytes are not those that were written"),
        (flipped, "is damaged: its bytes are not those that were written"),
        (nameless, "its name holds no digest"),
        (renamed, "is named as another run than it holds"),
        (of_more, "is named as another run than it holds"),
    ],
)
def test_a_part_that_is_not_what_was_written_is_named_set_aside_and_run_again(
    damage: Callable[[Part], None], says: str, done: tuple[Path, bytes]
) -> None:
    path, before = done
    part = parts(path)[2]
    damage(part)
    (path / MERGED).unlink()
    for reading in (lambda: exported(path), lambda: zerolimit.load(path).table()):
        with pytest.raises(BadInput, match=says) as error:
            reading()
        assert "sweep the study with --resume" in str(error.value)
        assert "\n" not in str(error.value)
    end, runs, said = swept(path, resume=True)
    assert (end.done, runs) == (8, [part.run])
    assert len(said) == 1
    assert said[0].endswith(f"{says}; set aside in {path / ASIDE}, and what is lacking is run again")
    (aside,) = (path / ASIDE).iterdir()
    assert aside.name in said[0]
    assert exported(path) == before
    assert (path / MERGED).read_bytes() == before
    assert swept(path, resume=True)[1:] == ([], [])


def test_parts_of_the_design_that_have_changed_names_are_both_noticed(done: tuple[Path, bytes]) -> None:
    path, before = done
    one, other = parts(path)[1:3]
    of_one, of_other = one.path.read_bytes(), other.path.read_bytes()
    for part, data, whose in ((one, of_other, other), (other, of_one, one)):
        part.path.unlink()
        part.path.with_name(whose.path.name.replace(whose.run, part.run)).write_bytes(data)
    with pytest.raises(BadInput, match=r"2 parts are not what they should be: .*is named as another run than it holds"):
        exported(path)
    assert {*swept(path, resume=True)[1]} == {one.run, other.run}
    assert exported(path) == before


def test_many_damaged_parts_are_one_line(done: tuple[Path, bytes]) -> None:
    path, before = done
    for part in parts(path)[1:7]:
        flipped(part)
    with pytest.raises(
        BadInput, match=r"6 parts are not what they should be: parts/.* and 3 more; sweep the study"
    ) as error:
        exported(path)
    assert "\n" not in str(error.value)
    assert not list(path.parent.glob(".*.tmp"))
    assert len(swept(path, resume=True)[1]) == 6
    assert exported(path) == before


def test_a_part_of_another_study_or_code_is_set_aside(done: tuple[Path, bytes], tmp_path: Path) -> None:
    path, before = done
    swept(tmp_path / "b", wish(months=3))
    strange = parts(tmp_path / "b")[0].path
    (path / "parts" / strange.name[:2]).mkdir(exist_ok=True)
    shutil.copy(strange, path / "parts" / strange.name[:2])
    with pytest.raises(BadInput, match="is of another study; sweep the study with --resume"):
        exported(path)
    assert Folder(path).count() == 8
    _, runs, said = swept(path, resume=True)
    assert runs == []
    assert "is of another study; set aside in" in said[0]
    assert exported(path) == before
    part = parts(path)[0]
    table = pq.ParquetFile(part.path).read()
    of_old = read_json(path / STUDY) or {}
    of_old["declared"]["code"] = "0" * 16
    write_json(path / STUDY, of_old)
    part.path.unlink()
    Folder(path).keep(table)
    of_old["declared"]["code"] = wish().declared["code"]
    write_json(path / STUDY, of_old)
    with pytest.raises(BadInput, match="was made by another version of the code"):
        exported(path)
    assert swept(path, resume=True)[1] == [part.run]
    assert exported(path) == before


def test_a_copy_of_a_part_counts_for_no_run(done: tuple[Path, bytes]) -> None:
    path, before = done
    first, second, *_ = parts(path)
    first.path.with_name(f"{first.path.stem} (1).parquet").write_bytes(first.path.read_bytes())
    second.path.unlink()
    assert Folder(path).count() == 7
    assert swept(path, resume=True)[1] == [second.run]
    assert exported(path) == before


def test_a_run_in_two_parts_counts_once(done: tuple[Path, bytes]) -> None:
    path, _ = done
    first = parts(path)[0]
    other = pq.ParquetFile(first.path).read()
    other = other.set_column(other.column_names.index("zero_limit"), "zero_limit", pa.array([7_777]))
    Folder(path).keep(other)
    with pytest.raises(BadInput, match=rf"holds the run {first.run}, which another part has too"):
        exported(path)
    swept(path, resume=True)
    assert Folder(path).count() == 8
    assert len(list((path / ASIDE).iterdir())) == 1


def in_parts(path: Path, number: int) -> list[Part]:
    """The runs of a folder in so many parts, in turn."""
    whole = pa.concat_tables([pq.ParquetFile(part.path).read() for part in parts(path)])
    for part in parts(path):
        part.path.unlink()
    for first in range(number):
        Folder(path).keep(whole.take([*range(first, len(whole), number)]))
    return parts(path)


def test_a_part_may_hold_several_runs(done: tuple[Path, bytes]) -> None:
    path, before = done
    ledger = list(Folder(path).done())
    assert sorted(part.number for part in in_parts(path, 3)) == [2, 3, 3]
    assert list(Folder(path).done()) == ledger
    assert exported(path) == before
    assert swept(path, resume=True)[1:] == ([], [])
    damaged = parts(path)[1]
    lost = Folder(path).runs_in(damaged)
    flipped(damaged)
    with pytest.raises(BadInput, match="is damaged"):
        exported(path)
    assert {*swept(path, resume=True)[1]} == {*lost}
    assert exported(path) == before


def test_of_a_part_with_several_runs_the_designs_are_read(done: tuple[Path, bytes], tmp_path: Path) -> None:
    path, _ = done
    in_parts(path, 3)
    smaller = wish(vary={"lgd": [0.5], "campaign_order": ["risk", "target"]})
    assert swept(path, smaller, extend=True)[1] == []
    swept(tmp_path / "b", smaller)
    assert exported(path) == exported(tmp_path / "b")
    assert Folder(path).count() == 4


def test_a_damaged_merged_file_is_not_read_and_made_anew_from_the_parts(done: tuple[Path, bytes]) -> None:
    path, before = done
    table = zerolimit.load(path).table()
    flip(path / MERGED, 200)
    with pytest.warns(UserWarning, match=r"runs.parquet: is damaged, and not used; sweep the study with --resume"):
        pd.testing.assert_frame_equal(zerolimit.load(path).table(), table)
    assert swept(path, resume=True)[1:] == ([], [])
    assert (path / MERGED).read_bytes() == before
    (path / MERGED).unlink()
    swept(path, resume=True)
    assert (path / MERGED).read_bytes() == before


def test_a_whole_merged_file_is_read_though_a_part_is_damaged(done: tuple[Path, bytes]) -> None:
    path, _ = done
    table = zerolimit.load(path).table()
    flipped(parts(path)[0])
    pd.testing.assert_frame_equal(zerolimit.load(path).table(), table)


def test_a_damaged_study_json_is_one_line_and_written_anew_for_its_own_study(done: tuple[Path, bytes]) -> None:
    path, before = done
    said = (path / STUDY).read_bytes()
    for wrong in (
        said.replace(b'"int64"', b'"inu64"', 1),
        said.replace(b"sha256", b"sha257"),
        said[:-9],
        b"",
        b"[]",
        b"\xff",
    ):
        (path / STUDY).write_bytes(wrong)
        readings: list[Callable[[], Any]] = [
            lambda: exported(path),
            lambda: zerolimit.load(path).table(),
            lambda: status(path),
            lambda: export_study(path, None, force=True),
            lambda: swept(path),
        ]
        for reading in readings:
            with pytest.raises(BadInput, match=r"study\.json: is damaged: ") as error:
                reading()
            assert "\n" not in str(error.value)
        with pytest.raises(BadInput, match="no part in it is of this study and this code"):
            swept(path, wish(months=3), resume=True)
        assert swept(path, resume=True)[1:] == ([], [])
        assert (path / STUDY).read_bytes() == said
        assert exported(path) == before
    (path / STUDY).unlink()
    with pytest.raises(BadInput, match=r"holds 8 runs, and no study.json; --resume writes it anew"):
        swept(path)
    assert swept(path, resume=True)[1:] == ([], [])
    assert (path / STUDY).read_bytes() == said


def test_damaged_points_are_one_line_and_written_anew(done: tuple[Path, bytes]) -> None:
    path, before = done
    (file,) = path.glob("design.*.parquet")
    flip(file, 100)
    (path / MERGED).unlink()
    for reading in (lambda: exported(path), lambda: zerolimit.load(path).table(), lambda: status(path)):
        with pytest.raises(BadInput, match=rf"{file.name}: is damaged: .*; sweep the study with --resume"):
            reading()
    assert swept(path, resume=True)[1:] == ([], [])
    assert exported(path) == before


def test_a_damaged_record_of_a_failure_is_named_and_its_run_done_again(tmp_path: Path) -> None:
    class Failing(Counting):
        def submit(self, function: Any, /, *arguments: Any, **words: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result([Failed(one.run, "the weather", "", Place("here", 1, 0.1, 0.1)) for one in arguments[1]])
            return future

    path = tmp_path / "a"
    sweep(wish(), path, executor=Failing())
    first, *rest = sorted((path / ERRORS).iterdir())
    first.write_bytes(re.sub(rb'"seed": \d', b'"seed": 9', first.read_bytes()))
    found = zerolimit.load(path).failures().set_index("run")["error"]
    assert {*found.drop(first.stem)} == {"the weather"}
    assert found[first.stem] == f"{first}: is damaged: it does not say what was written"
    assert len(found) == len(rest) + 1
    assert swept(path, resume=True)[0].done == 8
    assert not any((path / ERRORS).iterdir())


def test_what_only_tells_of_progress_harms_nothing(done: tuple[Path, bytes]) -> None:
    path, before = done
    mine = acquire(path)
    for file in ("progress.json", "lock.json"):
        flip(path / file, 30)
    assert len(status(path)) >= 2
    assert "a lock that cannot be read" in status(path)[1]
    mine.ended.set()
    (path / "lock.json").unlink()
    assert swept(path, resume=True)[1:] == ([], [])
    assert exported(path) == before


# folders of before


def as_before(path: Path) -> None:
    """A folder as it was written when files had no digests and parts said where their runs stand."""
    at = Folder(path)
    declared = read_json(path / STUDY) or {}
    rows = pa.concat_tables(at.batches())
    points = at.points().drop_columns("world")
    for part in at.parts():
        mine = rows.filter(pa.compute.equal(rows["run"], part.run))
        pq.write_table(mine.replace_schema_metadata(None), part.path.with_name(f"{part.run}.parquet"))
        part.path.unlink()
    for file in path.glob("design.*"):
        file.unlink()
    pq.write_table(points, path / "design.parquet")
    old = {word: value for word, value in declared.items() if word not in ("format", "frame", "design", "merged")}
    (path / STUDY).write_text(json.dumps(old))


@pytest.mark.parametrize("complete", [True, False])
def test_a_folder_written_before_there_were_digests_is_read_and_said_to_be_unverified(
    complete: bool, done: tuple[Path, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    path, before = done
    table, points = zerolimit.load(path).table(), zerolimit.load(path).design
    as_before(path)
    if not complete:
        (path / MERGED).unlink()
    old = zerolimit.load(path)
    with pytest.warns(UserWarning, match="was written before files had digests: what it holds is unverified"):
        pd.testing.assert_frame_equal(old.table(), table)
    pd.testing.assert_frame_equal(old.design, points.drop(columns="world"))
    assert repr(old) == f"<results {path}: made up, 8 of 8 runs>"
    export_study(path, None, force=False)
    assert "what it holds is unverified" in capsys.readouterr().err
    assert (path / "export.parquet").read_bytes() == before
    assert "what it holds is unverified" in status(path)[1]
    with pytest.raises(BadInput, match="before files had digests: it can be read and exported, not gone on with"):
        swept(path, resume=True)


def test_a_damaged_folder_of_before_is_one_line(done: tuple[Path, bytes]) -> None:
    path, _ = done
    as_before(path)
    first, second, *_ = parts(path)
    first.path.write_bytes(first.path.read_bytes()[:-20])
    with pytest.raises(BadInput, match=rf"{first.path.name}: is damaged"):
        exported(path)
    shutil.copy(second.path, first.path)
    with pytest.raises(BadInput, match=rf"{first.path.name}: is named as another run than it holds"):
        exported(path)
    (path / "runs.parquet").write_bytes(b"PAR1")
    with pytest.warns(UserWarning, match="unverified"), pytest.raises(BadInput, match=r"cannot be read: .*runs\.parquet"):
        zerolimit.load(path).table()


# growing


LARGER: list[dict[str, Any]] = [
    {"replications": 4},
    {"vary": {"lgd": [0.4, 0.5, 0.6], "campaign_order": ["risk", "target"]}},
    {"vary": {"campaign_order": ["target", "risk"], "lgd": [0.6, 0.5]}},
    {"vary": {"lgd": [0.5, 0.6], "campaign_order": ["risk", "target"], "gamma": [load_scenario("defaults").gamma, 0.1]}},
    {"vary": {"lgd": [0.5, 0.6], "campaign_order": ["risk", "target"], "pool_share@1": [0.2]}},
    {"design": "list", "vary": {}, "points": [{"lgd": 0.6, "campaign_order": "risk"}, {"lgd": 0.7}]},
    {"seed": 2},
]
REUSED = [8, 8, 8, 8, 0, 2, 4]


@pytest.mark.parametrize(("change", "reused"), [*zip(LARGER, REUSED, strict=True)], ids=[str(k) for k in range(len(LARGER))])
def test_a_study_grows_and_keeps_the_runs_that_both_designs_have(
    change: dict[str, Any], reused: int, done: tuple[Path, bytes], tmp_path: Path
) -> None:
    path, before = done
    larger = wish(**change)
    total = swept(tmp_path / "fresh", larger)[0].total
    with pytest.raises(BadInput, match=r"holds another design of this study \(.*\); --extend keeps the runs of both"):
        swept(path, larger, resume=True)
    assert exported(path) == before
    end, runs, _ = swept(path, larger, extend=True)
    assert (end.done, end.total, len(runs)) == (total, total, total - reused)
    assert exported(path) == exported(tmp_path / "fresh")
    assert (path / MERGED).read_bytes() == exported(path)
    pd.testing.assert_frame_equal(zerolimit.load(path).table(), zerolimit.load(tmp_path / "fresh").table())
    assert status(path) == [f"made up: {total} of {total} runs done (100.0%), 0 failed", "complete"]
    assert len(list(path.glob("design.*"))) == 1
    assert swept(path, wish(), extend=True)[1] == []  # and back: what was run stays known
    assert exported(path) == before


def test_a_study_that_grows_can_be_broken_off(done: tuple[Path, bytes], tmp_path: Path) -> None:
    class Broken(Counting):
        def submit(self, function: Any, /, *arguments: Any, **words: Any) -> Future[Any]:
            if len(self.runs) >= 2:
                raise KeyboardInterrupt
            return super().submit(function, *arguments, **words)

    path, _ = done
    larger = wish(replications=4)
    with pytest.raises(KeyboardInterrupt):
        sweep(larger, path, executor=Broken(), workers=1, extend=True)
    some = zerolimit.load(path)
    assert 8 <= some.done < some.total == 16
    assert len(some.table()) == some.done  # not the smaller design's merged file
    left = some.total - some.done
    assert len(swept(path, larger, resume=True)[1]) == left
    swept(tmp_path / "fresh", larger)
    assert exported(path) == exported(tmp_path / "fresh")


def test_more_sobol_samples_keep_the_fewer() -> None:
    def runs(samples: int) -> set[str]:
        vary = {"lgd": {"from": 0.4, "to": 0.8}, "gamma": {"from": 0.0, "to": 0.5}}
        return {one.run for one in wish(design="sobol", samples=samples, vary=vary).placed()}

    assert runs(8) < runs(16)


def test_the_word_extend_works_in_python_and_on_a_new_folder(tmp_path: Path) -> None:
    words: dict[str, Any] = {"out": tmp_path / "a", "executor": MadeUp()}
    assert zerolimit.study(WISH, extend=True, **words).done == 8
    assert zerolimit.study(WISH, replications=3, extend=True, **words).done == 12


def made_by_another_code(path: Path) -> None:
    """A folder as another version of the code would have left it."""
    record = read_json(path / STUDY) or {}
    record["declared"]["code"] = "0" * 16
    write_json(path / STUDY, record)
    for part in parts(path):
        table = pq.ParquetFile(part.path).read()
        part.path.unlink()
        Folder(path).keep(table)


def test_runs_of_another_code_are_kept_where_some_of_them_run_again_give_the_same(
    done: tuple[Path, bytes], tmp_path: Path
) -> None:
    path, before = done
    made_by_another_code(path)
    assert exported(path) == before
    with pytest.raises(BadInput, match=r"runs of another version of the code \(code: there .*--extend runs some of them"):
        swept(path, resume=True)
    first = list(Folder(path).done())[:5]
    end, runs, said = swept(path, wish(replications=3), extend=True)
    assert (end.done, runs[:5], len(runs)) == (12, first, 5 + 4)
    assert said == ["8 runs of another version of the code are kept: 5 of them, run again with this one, gave the same"]
    swept(tmp_path / "fresh", wish(replications=3))
    assert exported(path) == exported(tmp_path / "fresh")
    assert swept(path, wish(replications=3), resume=True)[1:] == ([], [])


def test_runs_of_another_code_that_could_not_be_tried_are_not_kept(done: tuple[Path, bytes]) -> None:
    path, before = done
    made_by_another_code(path)
    _, runs, said = swept(path, wish(seed=11), extend=True)
    assert len(runs) == 8
    assert said[0].startswith("8 parts are not what they should be: parts/")
    assert "was made by another version of the code" in said[0]
    assert len(swept(path, extend=True)[1]) == 8
    assert exported(path) == before


def test_runs_of_another_code_with_other_numbers_are_refused_and_left(done: tuple[Path, bytes]) -> None:
    class Other(Counting):
        def numbers(self, job: Job, task: Task) -> dict[str, list[Any]]:
            return {**super().numbers(job, task), "zero_limit": [101]}

    path, before = done
    made_by_another_code(path)
    with pytest.raises(BadInput, match=r"another version of the code, which gave other numbers \(run [0-9a-f]{24}\)"):
        sweep(wish(), path, executor=Other(), extend=True)
    assert exported(path) == before


# what a run is


def test_levels_that_differ_by_rounding_alone_are_one_level() -> None:
    one, other = wish(vary={"lgd": [0.1 + 0.2, 0.6]}), wish(vary={"lgd": [0.3, 0.6]})
    assert 0.1 + 0.2 != 0.3
    assert [*one.placed()] == [*other.placed()]
    assert one.points == other.points
    assert wish(vary={"lgd": [0.1 + 0.2, 0.3, 0.6]}).points == other.points
    assert wish(set={"gamma": 0.1 + 0.2}).run_hash(0, 0) == wish(set={"gamma": 0.3}).run_hash(0, 0)
    listed = wish(design="list", vary={}, points=[{"lgd": 0.1 + 0.2}, {"lgd": 0.3}])
    assert len([*listed.placed()]) == 2  # of two points and two replications


def test_where_a_value_is_said_is_no_part_of_what_a_run_is() -> None:
    gamma = load_scenario("defaults").gamma
    plain = wish().run_hash(0, 0)
    assert wish(set={"gamma": gamma}).run_hash(0, 0) == plain
    assert wish(vary={**WISH["vary"], "gamma": [gamma]}).run_hash(0, 0) == plain
    assert wish(vary={"campaign_order": ["risk"]}, set={"lgd": 0.5}).run_hash(0, 0) == plain
    assert wish(set={"gamma": gamma + 0.1}).run_hash(0, 0) != plain
    assert wish(set={"gamma@1": gamma + 0.1}).run_hash(0, 0) != plain


class Later(Scenario):
    """The scenario of a later version, with a parameter more."""

    added: float = 0.5


def test_a_new_parameter_at_its_default_leaves_every_hash() -> None:
    values = load_scenario("jiebei-2020").model_dump()
    assert world_hash(Later(**values), None, {}) == world_hash(Scenario(**values), None, {})
    assert world_hash(Later(**values, added=0.6), None, {}) != world_hash(Scenario(**values), None, {})


def test_the_version_of_the_defaults_goes_up_when_one_changes() -> None:
    """tests/study/defaults.json has the defaults of the version. Add a new parameter; for a changed one DEFAULTS goes up."""
    kept = json.loads((Path(__file__).parent / "defaults.json").read_text(encoding="utf-8"))
    now = Scenario.model_construct().model_dump(mode="json")
    assert kept == {"version": DEFAULTS, "defaults": json.loads(json.dumps(now))}


# code


LOUD = """
import pathlib, zerolimit
pathlib.Path(__file__).with_name("was run").touch()

@zerolimit.rule("rank", after="decide")
def first(wanted):
    return -wanted
"""


def test_a_studys_code_is_run_when_all_else_has_been_checked(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LOUD, encoding="utf-8")
    trace, rules = tmp_path / "was run", [f"{tmp_path / 'mine.py'}:first"]
    study = wish(rules=rules)
    (tmp_path / "letter").mkdir()
    (tmp_path / "letter" / "dear.txt").touch()
    swept(tmp_path / "other", wish(months=3))
    held = tmp_path / "held"
    held.mkdir()
    lock = acquire(held)
    for out, told in [
        (tmp_path / "mine.py", "is not a folder"),
        (tmp_path / "mine.py" / "below", "cannot be written"),
        (tmp_path / "letter", "is not a study's folder"),
        (tmp_path / "other", "holds another study"),
        (held, "held by process"),
    ]:
        with pytest.raises(BadInput, match=told):
            swept(out, study)
    lock.release()
    with pytest.raises(BadInput, match=r"mine\.py is code that the study would run, and --no-code refuses it"):
        read_study({**WISH, "rules": rules}, code=False)
    assert not trace.exists()
    assert read_study(WISH, code=False).rules == ()
    _, runs, said = swept(tmp_path / "a", study)
    assert trace.exists()
    assert len(runs) == 8
    assert said[0] == f"runs code of the study's: {(tmp_path / 'mine.py').resolve()}, for the rule first"


def test_a_rule_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("first = 1\n", encoding="utf-8")
    with pytest.raises(BadInput, match="'first' is no rule in it"):
        swept(tmp_path / "runs" / "a", wish(rules=[f"{tmp_path / 'mine.py'}:first"]))
    assert not (tmp_path / "runs").exists()


def test_a_study_of_experiments_whose_folder_is_another_codes_is_one_line(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import zerolimit\nfrom zerolimit.basics.errors import in_one_line\n"
        f"with in_one_line():\n    zerolimit.study({WISH | {'months': 3}!r}, out={str(tmp_path / 'a')!r}, progress=False)\n"
    )
    swept(tmp_path / "a")
    home = {**os.environ, "PYTHONPATH": str(Path(zerolimit.__file__).parents[1])}
    ended = subprocess.run([sys.executable, str(script)], env=home, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"zerolimit: {tmp_path / 'a'}: holds another study (months: there 2, now 3)")


@pytest.mark.parametrize("script", sorted((Path(__file__).parents[2] / "experiments").glob("*/run.py")), ids=str)
def test_every_study_of_experiments_ends_in_one_line(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert text.count("with in_one_line():\n        results = zerolimit.study(HERE") == text.count("zerolimit.study(HERE")
    assert text.count("with in_one_line():") == 1
