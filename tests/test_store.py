"""A run's folder: whole or absent, and what is read back is what was counted."""

import gc
import hashlib
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import zerolimit
from zerolimit.agents.market import CreditMarket
from zerolimit.basics.errors import BadInput
from zerolimit.explanation.replay import origin_of
from zerolimit.parameters.scenario import load_scenario
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.results import store, whole
from zerolimit.results.columns import monthly_columns, monthly_meanings, values
from zerolimit.results.drawing import on_paper
from zerolimit.results.episodes import episode_columns, recovered, usable_again, zero_limits
from zerolimit.results.figures import draw_summary
from zerolimit.results.frames import (
    as_frame,
    episodes_frame,
    monthly_frame,
    platform_frame,
    rate,
)
from zerolimit.results.panel import Panel, PanelFiles, parse_panel, sampled
from zerolimit.results.panel_columns import LABELS, column_of
from zerolimit.results.tables import Tables, tables_of
from zerolimit.rules.caps import MEASURED, REASONS
from zerolimit.rules.flags import FLAGS
from zerolimit.rules.rule import clip
from zerolimit.run.simulation import Simulation
from zerolimit.study.figures import draw_bars
from zerolimit.vocabulary.cells import CELLS
from zerolimit.vocabulary.fields import Q2, STATE
from zerolimit.vocabulary.names import BLOCKED, CODES, END_APPEAL, END_CHARGEOFF, END_SCORE, ENDS, SEGMENTS, ZERO_LIMIT
from zerolimit.vocabulary.outcomes import DESK, RATES

MONTHS, BORROWERS = 8, 120


@pytest.fixture(scope="module")
def ran() -> tuple[Simulation, Panel]:
    """A small run in which lines are lost."""
    tight = load_scenario("defaults", borrowers=BORROWERS, base_tightness=0.7, review_months=3, cutoff=640)
    simulation = Simulation(tight, 5, engine="objects")
    panel = Panel(simulation, "sample=7")
    for _ in range(MONTHS):
        simulation.step()
        panel.record()
    return simulation, panel


def no_figure(tables: Tables, scenario: Any, file: Path) -> None:
    file.write_bytes(b"figure")


def keep(ran: tuple[Simulation, Panel], folder: Path, **options: Any) -> Path:
    return store.save(ran[0], folder, panel=ran[1], **{"figure": no_figure, **options})


# the folder


def test_the_folder_is_complete(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    keep(ran, tmp_path / "made" / "run")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["run"]
    assert sorted(path.name for path in (tmp_path / "made" / "run").iterdir()) == [
        "episodes.parquet",
        "manifest.json",
        "monthly.parquet",
        "panel.parquet",
        "platform.parquet",
        "provenance.json",
        "scenario.toml",
        "summary.png",
    ]


def test_what_is_read_back_is_what_was_counted(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    simulation, panel = ran
    run = store.load_run(keep(ran, tmp_path / "run"))
    pd.testing.assert_frame_equal(run.monthly, monthly_frame(simulation))
    pd.testing.assert_frame_equal(run.platform, platform_frame(simulation))
    pd.testing.assert_frame_equal(run.episodes, episodes_frame(simulation))
    pd.testing.assert_frame_equal(run.panel, panel.frame())
    assert run.scenario == simulation.scenario
    pd.testing.assert_series_equal(run.rate("zero_limit"), rate(monthly_frame(simulation), "zero_limit"))


def test_provenance_says_where_a_run_comes_from(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    told = store.load_run(keep(ran, tmp_path / "run", command=["zerolimit", "run"], seconds=1.23456)).provenance
    assert told["seed"] == 5
    assert told["engine"] == "objects"
    assert (told["months"], told["borrowers"]) == (MONTHS, BORROWERS)
    assert told["command"] == ["zerolimit", "run"]
    assert told["seconds"] == 1.235
    assert told["source_hash"] == store.source_hash()
    assert {name: told[name] for name in ("git_commit", "git_dirty")} == store.git_state(store.HOME)
    assert told["scenario_hash"] == ran[0].scenario.digest()
    assert told["numpy"] == np.__version__
    assert told["panel"] == "sample=7"
    assert told["portfolio"] is None


def test_provenance_says_whether_the_source_was_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    nothing = {"git_commit": None, "git_dirty": None}
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("a = 1\n")
    assert store.git_state(package) == nothing
    git("init")
    assert store.git_state(package) == nothing, "installed into a folder of some other repository"
    git("add", "package")
    git("commit", "--message", "first")
    clean = {"git_commit": git("rev-parse", "HEAD"), "git_dirty": False}
    (tmp_path / "letter.txt").write_text("mine")
    assert store.git_state(package) == clean
    (package / "new.py").write_text("b = 1\n")
    assert store.git_state(package) == {**clean, "git_dirty": True}
    (package / "new.py").unlink()
    (package / "__init__.py").write_text("a = 2\n")
    assert store.git_state(package) == {**clean, "git_dirty": True}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert store.git_state(package) == nothing


def test_changes_are_recorded(tmp_path: Path) -> None:
    simulation = Simulation(load_scenario("defaults", borrowers=10), 1, engine="objects").run(1)
    simulation.change(need_rate=0.5, off=("trigger",))
    simulation.run(1)
    told = store.load_run(store.save(simulation, tmp_path / "run", figure=no_figure)).provenance
    assert told["changes"] == [{"month": 1, "need_rate": 0.5, "off": ["trigger"]}]


def test_every_column_of_the_files_has_a_unit_and_a_meaning(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    folder = keep(ran, tmp_path / "run")
    for name in ("monthly", "platform", "episodes", "panel"):
        for field in pq.read_schema(folder / f"{name}.parquet"):
            metadata = field.metadata or {}
            assert metadata.get(b"unit"), f"{name}.{field.name}"
            assert metadata.get(b"meaning"), f"{name}.{field.name}"
    assert pq.read_schema(folder / "monthly.parquet").field("sum_trust").metadata[b"unit"] == b"1/16384"
    assert pq.read_schema(folder / "monthly.parquet").field("sum_principal").metadata[b"unit"] == b"fen"


def test_an_existing_folder_is_refused_and_kept(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(BadInput, match="already exists"):
        keep(ran, folder)
    with pytest.raises(BadInput, match="not a run folder"):
        keep(ran, folder, force=True)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_force_replaces_a_run_as_a_whole(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    folder = keep(ran, tmp_path / "run")
    (folder / "old.txt").write_text("of the old run")
    keep(ran, folder, force=True, command=["again"])
    assert store.load_run(folder).provenance["command"] == ["again"]
    assert not (folder / "old.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("a mistake")])
@pytest.mark.parametrize("there", [False, True], ids=["new", "replaced"])
def test_broken_off_half_way_nothing_changes(
    ran: tuple[Simulation, Panel], tmp_path: Path, failure: BaseException, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "deep" / "run"
    if there:
        keep(ran, folder, command=["the first"])

    def broken(file: Path, columns: Any, meanings: Any) -> None:
        file.write_bytes(b"half")
        raise failure

    monkeypatch.setattr(store, "write_parquet", broken)
    with pytest.raises(BadInput if isinstance(failure, OSError) else type(failure)):
        keep(ran, folder, force=there)
    if there:
        assert store.load_run(folder).provenance["command"] == ["the first"]
        assert [path.name for path in folder.parent.iterdir()] == ["run"]
    else:
        assert list(tmp_path.iterdir()) == []


def test_a_replaced_run_comes_back_when_the_last_step_fails(
    ran: tuple[Simulation, Panel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = keep(ran, tmp_path / "run", command=["the first"])
    rename = Path.rename
    monkeypatch.setattr(whole, "exchanged", lambda one, other: False)

    def fails(self: Path, target: Path) -> Path:
        if self.name == "whole":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(BadInput, match="cannot be written"):
        keep(ran, folder, force=True)
    monkeypatch.undo()
    assert store.load_run(folder).provenance["command"] == ["the first"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def abandoned(folder: Path, name: str, seconds: float) -> Path:
    """A hidden folder beside a run's, as a writer leaves it that is killed on the spot, last touched so long ago."""
    left = folder / name
    (left / "whole").mkdir(parents=True)
    (left / "whole" / "monthly.parquet").write_bytes(b"half")
    for path in (left / "whole" / "monthly.parquet", left / "whole", left):
        os.utime(path, (time.time() - seconds,) * 2)
    return left


def test_a_successful_write_clears_what_killed_writers_left(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    old = abandoned(tmp_path, ".run.abcd1234.tmp", 2 * whole.ABANDONED)
    kept = [
        abandoned(tmp_path, ".run.abcd5678.tmp", 0.5 * whole.ABANDONED),  # perhaps still being written
        abandoned(tmp_path, ".run.b.abcd1234.tmp", 2 * whole.ABANDONED),  # of a folder run.b
        abandoned(tmp_path, ".other.abcd1234.tmp", 2 * whole.ABANDONED),
        abandoned(tmp_path, "run.abcd1234.tmp", 2 * whole.ABANDONED),
    ]
    fresh = abandoned(tmp_path, ".run.wxyz1234.tmp", 2 * whole.ABANDONED)
    (fresh / "whole" / "episodes.parquet").write_bytes(b"of this moment")
    keep(ran, tmp_path / "run")
    assert not old.exists()
    assert all(path.exists() for path in (*kept, fresh))
    with whole.room_beside(tmp_path / "run") as room:
        os.utime(room, (time.time() - 2 * whole.ABANDONED,) * 2)
        keep(ran, tmp_path / "run", force=True)
        assert room.exists(), "its writer, this process, is there still"


OWN = """
from zerolimit import rule
FACTOR = {factor}
def halved(x):
    return x * {inner}
@rule("frequency", after="receive")
def forget(frequency, terms):
    return halved(frequency) * FACTOR if terms.trigger_size > {constant} else clip(frequency, 0.0, 1.0)
"""


def own_rule(factor: float = 0.9, inner: float = 0.5, constant: float = 2.0) -> Any:
    """A user-defined rule from text that is in no file."""
    space: dict[str, Any] = {"clip": clip, "__name__": "notebook"}
    exec(OWN.format(factor=factor, inner=inner, constant=constant), space)
    return space["forget"]


def test_the_hash_of_an_own_rule_is_of_its_constants_and_of_what_it_calls_too() -> None:
    assert store.rule_hash(own_rule()) == store.rule_hash(own_rule())
    others = [own_rule(factor=0.8), own_rule(inner=0.6), own_rule(constant=3.0)]
    assert len({store.rule_hash(one) for one in (own_rule(), *others)}) == 4


def test_the_hash_of_an_own_rule_is_the_same_in_another_process() -> None:
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from test_store import own_rule, store"
    home = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "77"}
    command = [sys.executable, "-c", f"{code}; print(store.rule_hash(own_rule()))"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=home, timeout=300)
    assert done.stdout.strip() == store.rule_hash(own_rule())


def test_a_folder_that_appears_meanwhile_is_not_overwritten(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    def somebody_else(tables: Tables, scenario: Any, file: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "theirs").write_text("x")

    with pytest.raises(BadInput, match="has appeared"):
        keep(ran, tmp_path / "run", figure=somebody_else)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["theirs"]


def test_damaged_files_are_one_clear_line(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    run = store.load_run(keep(ran, tmp_path / "run"))
    (tmp_path / "run" / "monthly.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "run" / "provenance.json").write_text("{")
    (tmp_path / "run" / "panel.parquet").unlink()
    damaged = "is damaged: its bytes are not those that were written"
    told = {"monthly": f"monthly.parquet: {damaged}", "provenance": f"provenance.json: {damaged}"}
    for name, words in {**told, "panel": "panel.parquet is missing"}.items():
        with pytest.raises(BadInput, match=words) as caught:
            getattr(run, name)
        assert "\n" not in str(caught.value)


def flipped(file: Path, at: int = 0) -> None:
    """One bit of a file is not what it was."""
    data = bytearray(file.read_bytes())
    data[at % len(data)] ^= 1
    file.write_bytes(bytes(data))


def test_the_manifest_has_the_digest_of_every_other_file(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    folder = keep(ran, tmp_path / "run")
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    files.pop("manifest.json")
    assert listed == files
    store.load_run(folder).verify()


@pytest.mark.parametrize("file", ["monthly", "platform", "episodes", "panel", "scenario", "provenance", "summary"])
def test_a_flipped_bit_is_named_with_its_file(ran: tuple[Simulation, Panel], tmp_path: Path, file: str) -> None:
    folder = keep(ran, tmp_path / "run")
    (path,) = (path for path in folder.iterdir() if path.stem == file)
    flipped(path, path.stat().st_size // 2)
    run = store.load_run(folder)
    with pytest.raises(BadInput, match=f"{path.name}: is damaged: its bytes are not those that were written$"):
        run.verify() if file == "summary" else getattr(run, file)


def test_a_damaged_manifest_and_a_file_that_it_misses_are_named(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    folder = keep(ran, tmp_path / "run")
    (folder / "summary.png").rename(tmp_path / "summary.png")
    with pytest.raises(BadInput, match=r"summary.png: is missing; manifest.json lists it$"):
        store.load_run(folder)
    (tmp_path / "summary.png").rename(folder / "summary.png")
    text = (folder / "manifest.json").read_text()
    for wrong in (text.replace("monthly", "monthlx"), text[: len(text) // 2], text.replace('"sha256"', '"sha257"'), "{}"):
        (folder / "manifest.json").write_text(wrong)
        with pytest.raises(BadInput, match=r"manifest\.json: is damaged"):
            store.load_run(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(BadInput, match=r"manifest\.json is missing"):
        store.load_run(folder)


def test_a_file_put_into_the_folder_later_is_not_read_as_the_runs(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    with_panel = keep(ran, tmp_path / "a")
    without = store.save(ran[0], tmp_path / "b", figure=no_figure)
    (without / "panel.parquet").write_bytes((with_panel / "panel.parquet").read_bytes())
    with pytest.raises(BadInput, match="kept no panel"):
        store.load_run(without).panel  # noqa: B018


def parcel_of(folder: Path, file: Path, **others: bytes) -> Path:
    """A run's folder as a zip, as the page packs it, with other files in it."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parcel:
        for one in sorted(folder.iterdir()):
            parcel.write(one, f"run/{one.name}")
        for name, data in others.items():
            parcel.writestr(name, data)
    return file


def test_a_zip_is_read_as_its_folder(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    folder = keep(ran, tmp_path / "run")
    run = zerolimit.load(parcel_of(folder, tmp_path / "run-8.zip", **{"run/command.txt": b"zerolimit run"}))
    assert isinstance(run, store.Run)
    there = store.load_run(folder)
    for name in ("monthly", "platform", "episodes", "panel"):
        pd.testing.assert_frame_equal(getattr(run, name), getattr(there, name))
    assert (run.scenario, run.provenance) == (there.scenario, there.provenance)
    assert repr(run).startswith(f"<run {tmp_path / 'run-8.zip'}: defaults")
    room = run.folder
    del run
    gc.collect()
    assert not room.exists()


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({"run/../../evil.txt": b"x"}, r"'run/\.\./\.\./evil\.txt' has no place in a run's zip"),
        ({"/etc/evil": b"x"}, "has no place"),
        ({"run/deep/er.txt": b"x"}, "has no place"),
        ({"C:evil.txt": b"x"}, "has no place"),
        ({"other/run.txt": b"x"}, "is no run's zip: it holds 9 files in 2 folders"),
        ({"elsewhere": b"x"}, "in 2 folders"),
        ({"run/bomb": bytes(200 * 2**20)}, "unpacks to more than a run's results of its size can be"),
        ({f"run/{k}": b"" for k in range(100)}, "108 files"),
    ],
)
def test_a_zip_that_no_page_has_made_is_refused(
    ran: tuple[Simulation, Panel], others: dict[str, bytes], says: str, tmp_path: Path
) -> None:
    file = parcel_of(keep(ran, tmp_path / "run"), tmp_path / "run.zip", **others)
    with pytest.raises(BadInput, match=says) as told:
        store.load_run(file)
    assert str(told.value).startswith(f"{file}: ")
    assert "\n" not in str(told.value)


def test_a_damaged_zip_is_one_line_that_names_it(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    folder = keep(ran, tmp_path / "run")
    flipped(folder / "monthly.parquet", 500)
    file = parcel_of(folder, tmp_path / "run.zip")
    with pytest.raises(BadInput, match=r"run\.zip/monthly\.parquet: is damaged: its bytes are not those that were written$"):
        store.load_run(file)
    flipped(file, file.stat().st_size // 2)
    with pytest.raises(BadInput, match=r"run\.zip: cannot be read as a zip: "):
        store.load_run(file)
    file.write_bytes(b"no zip")
    with pytest.raises(BadInput, match=r"run\.zip: cannot be read as a zip: "):
        store.load_run(file)


def before_manifests(folder: Path) -> Path:
    """A run's folder as earlier versions have written it."""
    record = json.loads((folder / "provenance.json").read_text())
    del record["manifest"]
    (folder / "provenance.json").write_text(json.dumps(record))
    (folder / "manifest.json").unlink()
    return folder


def test_folders_written_before_there_were_manifests_are_read_and_said_to_be_unverified_once(
    ran: tuple[Simulation, Panel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = before_manifests(keep(ran, tmp_path / "run"))
    run = store.load_run(folder)
    pd.testing.assert_frame_equal(run.monthly, monthly_frame(ran[0]))
    assert run.scenario == ran[0].scenario
    store.load_run(folder)
    assert capsys.readouterr().err == f"{folder}: unverified: it was written before run folders had a manifest.json\n"
    with pytest.raises(BadInput, match="cannot be verified"):
        run.verify()
    (folder / "provenance.json").write_text("{")
    with pytest.raises(BadInput, match=r"provenance\.json: cannot be read as JSON"):
        store.load_run(folder)


def test_a_damaged_portfolio_is_not_told_of(tmp_path: Path) -> None:
    clients = pd.DataFrame({"limit": [1000.0, 2000.0, 3000.0]})
    simulation = Simulation(load_scenario("defaults"), 1, engine="objects", portfolio=read_portfolio(clients)).run(1)
    folder = store.save(simulation, tmp_path / "run", figure=no_figure)
    assert origin_of(folder).months == 1
    flipped(folder / "portfolio.parquet", 40)
    with pytest.raises(BadInput, match=r"portfolio\.parquet: is damaged"):
        origin_of(folder)


# the figure


def test_a_figure_that_fails_loses_no_table(
    ran: tuple[Simulation, Panel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(tables: Tables, scenario: Any, file: Path) -> None:
        file.write_bytes(b"half")
        raise RuntimeError("latex was not found\n\nor has failed")

    run = store.load_run(keep(ran, tmp_path / "run", figure=broken))
    run.verify()
    pd.testing.assert_frame_equal(run.monthly, monthly_frame(ran[0]))
    assert not (tmp_path / "run" / "summary.png").exists()
    assert capsys.readouterr().err == (
        "zerolimit: summary.png could not be drawn, and everything else is kept: latex was not found or has failed\n"
    )


def test_figures_are_drawn_under_our_own_settings_whatever_the_users_are(
    ran: tuple[Simulation, Panel], tmp_path: Path
) -> None:
    theirs = {"text.usetex": True, "axes.facecolor": "red", "savefig.dpi": 30, "font.size": 30, "savefig.format": "pdf"}
    scenario = ran[0].scenario.change(name=r"a $\frac 5 $")
    draw_summary(tables_of(ran[0]), scenario, tmp_path / "a.png")
    with matplotlib.rc_context(theirs):
        draw_summary(tables_of(ran[0]), scenario, tmp_path / "b.png")
        draw_bars(pd.DataFrame({"name": ["$"], "x": [1.0]}), tmp_path / "c.png", name="name", panels={"x": ("x", 1.0)})
        with on_paper(tmp_path / "d.png") as axes:
            axes.plot([1, 2])
        assert matplotlib.rcParams["savefig.dpi"] == 30
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert all((tmp_path / name).stat().st_size > 3_000 for name in ("c.png", "d.png"))


# counts and rates


def test_cells_add_up_to_the_counts(ran: tuple[Simulation, Panel]) -> None:
    simulation, _ = ran
    frame = monthly_frame(simulation)
    assert len(frame) == MONTHS * CELLS
    by_month = frame.drop(columns=["segment", "decile"]).groupby("month").sum()
    assert by_month["accounts"].between(1, BORROWERS).all()
    for recorded in simulation.history:
        for name, cells in recorded.counts.items():
            assert by_month.loc[recorded.month, name] == cells.sum()
        assert by_month.loc[recorded.month, "sum_principal"] == recorded.platform["principal"]


def test_everything_that_was_counted_is_kept_as_whole_numbers(ran: tuple[Simulation, Panel]) -> None:
    frame = monthly_frame(ran[0])
    outcomes = set(FLAGS)
    assert outcomes <= set(frame.columns)
    assert set(frame.columns) == set(monthly_meanings())
    assert all(frame[name].dtype == np.int64 for name in frame.columns if name not in ("segment", "date"))
    assert frame["segment"].cat.categories.tolist() == list(SEGMENTS)


def test_events_counted_by_reason_are_the_events_and_the_episodes(ran: tuple[Simulation, Panel]) -> None:
    simulation, _ = ran
    frame, episodes = monthly_frame(simulation), episodes_frame(simulation)
    zero = frame[[f"zero_by_{reason}" for reason in REASONS]].sum(axis=1)
    assert (zero == frame["zero_limit"]).all()
    assert frame["zero_limit"].sum() == (episodes["kind"] == "zero limit").sum() > 0
    assert frame["blocked"].sum() >= (episodes["kind"] == "blocked after repayment").sum()


def test_three_groups_partition_those_who_began_with_a_line(ran: tuple[Simulation, Panel]) -> None:
    frame = monthly_frame(ran[0])
    groups = frame[["line_on_time", "line_inactive", "line_arrears"]].sum(axis=1)
    assert (groups <= BORROWERS).all()
    assert groups.sum() > frame["at_risk"].sum() > 0


@pytest.mark.parametrize("name", RATES)
def test_a_rate_divides_the_sums_that_it_declares(name: str, ran: tuple[Simulation, Panel]) -> None:
    frame = monthly_frame(ran[0])
    over, under, _ = RATES[name]
    mine = frame[frame["segment"] == "gig"]

    def total(parts: Sequence[str]) -> int:
        return int(sum(mine[part if part in mine.columns else f"sum_{part}"].sum() for part in parts))

    found = rate(frame, name, "segment")["gig"]
    assert found == total(over) / total(under) if total(under) else np.isnan(found)


def test_rates_by_several_keys_and_where_there_is_nothing_to_divide_by(ran: tuple[Simulation, Panel]) -> None:
    frame = monthly_frame(ran[0])
    both = rate(frame, "zero_limit", ["segment", "decile"])
    assert both.index.names == ["segment", "decile"]
    assert len(both) == CELLS
    frame["line_on_time"] = 0
    assert rate(frame, "zero_limit").isna().all()


def test_wrong_rates_and_keys_are_one_clear_line(ran: tuple[Simulation, Panel]) -> None:
    frame = monthly_frame(ran[0])
    for name, by, words in (
        ("zero_limt", "month", "zero_limit"),
        ("zero_limit", "segments", "segment"),
        ("zero_limit", [], "segment"),
    ):
        with pytest.raises(BadInput, match=words):
            rate(frame, name, by)
    with pytest.raises(BadInput, match="line_on_time"):
        rate(frame.drop(columns="line_on_time"), "zero_limit")


@pytest.fixture(scope="module")
def everybody() -> CreditMarket:
    """A market of everybody in which all happens that rates are of, with a start."""
    busy = {"cutoff": 640, "base_tightness": 0.5, "appeals_capacity": 0.05, "appeal_rate": 0.9, "notice_months": 2}
    busy |= {"start": "2017-01", "vacant_share": 0.6, "entry_rate": 0.5, "admissions": 0.09, "review_months": 3}
    return CreditMarket("defaults", seed=3, borrowers=300, engine="objects", panel="all", **busy).run(15)


@pytest.fixture(scope="module")
def panel(everybody: CreditMarket) -> pd.DataFrame:
    return everybody.panel


@pytest.fixture(scope="module")
def monthly(everybody: CreditMarket) -> pd.DataFrame:
    return everybody.monthly


def panels_column(count: str, panel: pd.DataFrame) -> str:
    """The column of the panel that a column of monthly counts adds up."""
    name = count.removeprefix("sum_")
    return f"{name}_counted" if count != name and f"{name}_counted" in panel else name


def test_a_panel_of_everybody_adds_up_to_every_monthly_count(panel: pd.DataFrame, monthly: pd.DataFrame) -> None:
    cells = panel.groupby(["month", "segment", "decile"], observed=False)
    for count in monthly.columns.drop(["month", "date", "segment", "decile"]):
        if count.startswith(("zero_by_", "blocked_by_")):
            kind, _, reason = count.partition("_by_")
            flag = "zero_limit" if kind == "zero" else kind
            mine = panel[panel[flag] & (panel["reason"] == reason)]
            assert len(mine) == monthly[count].sum(), count
            continue
        scale = Q2 if count == "sum_trust" else 1
        assert (cells[panels_column(count, panel)].sum().to_numpy() * scale == monthly[count]).all(), count


@pytest.mark.parametrize("by", ["month", "year", "segment", "decile"])
def test_every_rate_can_be_made_of_the_panel(by: str, panel: pd.DataFrame, monthly: pd.DataFrame) -> None:
    keyed = panel.groupby(panel["date"].dt.year if by == "year" else by, observed=False)

    def total(parts: Sequence[str]) -> pd.Series:
        columns = [panels_column(part if part in FLAGS or part in DESK else f"sum_{part}", panel) for part in parts]
        return sum(keyed[column].sum() for column in columns)

    for name, (over, under, _) in RATES.items():
        assert total(over).sum() > 0, f"{name}: nothing to divide"
        ours = total(over) / total(under).replace(0, np.nan)
        pd.testing.assert_series_equal(ours, rate(monthly, name, by), check_names=False, check_exact=True)


def test_frames_are_wide_and_named(everybody: CreditMarket, panel: pd.DataFrame) -> None:
    assert (panel["age"] ** 2 == panel["age"].astype(float) ** 2).all()
    assert (panel["limit"] ** 2 == panel["limit"].astype(float) ** 2).all()
    for frame in (everybody.monthly, everybody.platform_months, everybody.episodes, panel):
        kinds = {str(kind) for kind in frame.dtypes}
        assert kinds <= {"int64", "float64", "bool", "category", "datetime64[s]"}
        assert (frame["date"].dt.day == 1).all()
        assert ((frame["date"].dt.year - 2017) * 12 + frame["date"].dt.month - 1 == frame["month"]).all()
    for name in ("segment", "sector", "strategy", "status", "event", "appealed"):
        assert panel[name].cat.categories.tolist() == list(CODES[name])
    assert everybody.rate("zero_limit", "year").index.tolist() == [2017, 2018]
    undated = rate(everybody.monthly.drop(columns="date"), "zero_limit", ["year", "segment"])
    assert undated.index.get_level_values("year").unique().tolist() == [0, 1]


def test_a_person_is_a_slots_borrower_and_vacant_slots_are_left_out(everybody: CreditMarket, panel: pd.DataFrame) -> None:
    slots = everybody.frame(vacant=True)
    assert (panel["person"] == panel["borrower"] + 300 * panel["generation"]).all()
    assert panel["generation"].max() > 0
    assert panel.groupby("person")["segment"].nunique().max() == 1
    assert len(slots) == 300 * 15
    assert 0 < slots["vacant"].sum() == len(slots) - len(panel)
    assert "vacant" not in panel
    here = panel[(panel["month"] == 14) & (panel["status"] != "left")]
    assert everybody.borrower(int(here["person"].iloc[-1])).limit == here["limit"].iloc[-1]


def test_a_client_has_the_name_of_the_file_until_another_has_the_slot(tmp_path: Path) -> None:
    clients = pd.DataFrame({"id": [f"c{k}" for k in range(40)], "limit": [9_000.0] * 40})
    words = {"leave_rate": 0.6, "entry_rate": 0.9, "base_tightness": 0.9, "cutoff": 700}
    market = CreditMarket(seed=2, portfolio=clients, engine="objects", panel="all", **words).run(8)
    panel, episodes = market.panel, market.episodes
    for frame in (panel, episodes):
        first = frame["generation"] == 0
        assert (frame["client"][first] == [f"c{slot}" for slot in frame["borrower"][first]]).all()
        assert frame["client"][~first].isna().all()
    assert (panel["generation"] > 0).any()
    assert len(episodes) > 0
    run = store.load_run(market.save(tmp_path / "run", figure=no_figure))
    pd.testing.assert_frame_equal(run.panel, panel)
    pd.testing.assert_frame_equal(run.episodes, episodes)


def test_what_bounds_nothing_is_missing(everybody: CreditMarket) -> None:
    caps = everybody.episodes[[f"cap_{reason}" for reason in REASONS if reason != "grant"]]
    assert caps.isna().any(axis=None)
    assert caps.max(axis=None) < 2e9
    endless = Simulation(load_scenario("defaults", borrowers=20, off=("scarcity",)), 1, engine="objects").run(1)
    assert platform_frame(endless)["pool"].isna().all()


def test_a_lazy_panel_is_the_frame(
    everybody: CreditMarket, panel: pd.DataFrame, monthly: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerolimit.results.frames.MOST_ROWS", 100)
    lazy = everybody.panel
    assert [name for name in lazy.columns if name != "vacant"] == panel.columns.tolist()
    pd.testing.assert_frame_equal(lazy.frame(["person", "on_time"]), panel[["person", "on_time"]])
    told = lazy.sql("SELECT month, sum(zero_limit::int) AS n, sum(drawn) AS lent FROM panel GROUP BY month ORDER BY month")
    counted = monthly.groupby("month")[["zero_limit", "sum_drawn"]].sum()
    assert told[["n", "lent"]].to_numpy().tolist() == counted.to_numpy().tolist()
    with pytest.raises(BadInput, match=r"columns: 'on_tyme' .*on_time"):
        lazy.frame(["on_tyme"])
    with pytest.raises(BadInput, match="sql: "):
        lazy.sql("SELECT nothing FROM panel")


# episodes


def starts(*rows: tuple[int, int, int, float]) -> list[dict[str, Any]]:
    """Events as a simulation logs them: (month, borrower, generation, kind)."""
    log = []
    for month, borrower, generation, kind in rows:
        one = {"month": month, "borrower": borrower, "generation": generation, "kind": kind, "reason": 4, "mask": 8}
        one |= {"segment": 1, "decile": 3, "zeros": 1, "limit": 0, "since_paid": 0}
        log.append({**{name: np.array([value]) for name, value in one.items()}, "measured": np.ones((len(MEASURED), 1))})
    return log


def ends(*rows: tuple[int, int, int, float]) -> list[dict[str, Any]]:
    """Ends: (month, borrower, generation, how)."""
    names = ("month", "borrower", "generation", "ended")
    return [dict(zip((*names, "spell"), (np.array([value]) for value in (*row, 1)), strict=True)) for row in rows]


def test_each_event_meets_its_own_end_or_is_censored() -> None:
    begun = starts(
        (2, 7, 0, ZERO_LIMIT),  # ended by score in month 5
        (6, 7, 0, ZERO_LIMIT),  # the same borrower again: not ended
        (3, 8, 0, ZERO_LIMIT),  # the slot's next borrower has an end, this one has none
        (4, 9, 0, BLOCKED),  # runs on into a zero limit, both end together
        (6, 9, 0, ZERO_LIMIT),
        (5, 10, 0, ZERO_LIMIT),  # an appeal granted in the month of the event
    )
    over = ends(
        (5, 7, 0, END_SCORE), (7, 8, 1, END_SCORE), (9, 9, 0, END_CHARGEOFF), (5, 10, 0, END_APPEAL), (1, 9, 0, END_SCORE)
    )
    frame = as_frame(episode_columns(begun, over, 12))
    score, charged, appeal, censored = (ENDS[int(code)] for code in (END_SCORE, END_CHARGEOFF, END_APPEAL, 0))
    assert frame["ended"].tolist() == [score, censored, censored, charged, charged, appeal]
    assert frame["end_month"].fillna(-1).tolist() == [5, -1, -1, 9, 9, 5]
    assert frame["duration"].tolist() == [3, 6, 9, 5, 3, 0]
    assert frame["reason"].tolist() == [REASONS[3]] * 6
    assert frame["zeros_before"].tolist() == [0, 0, 0, 1, 0, 0]


def test_recovery_counts_each_event_for_as_long_as_it_was_seen() -> None:
    """Events in months 0 to 9 of ten: one is back after 2 months, one after 5, one after 1; one is charged off after 1.

    Watched at 1, 2, 5 months: 9, 7, 3 (of ten, those seen so long and not ended before). Back: 1/9, then of 7/9 lasting 1/7,
    then of 7/9 x 6/7 one in three.
    """
    begun = starts(*((month, month, 0, ZERO_LIMIT) for month in range(10)), (0, 99, 0, BLOCKED))
    over = ends((2, 0, 0, END_SCORE), (6, 1, 0, END_SCORE), (3, 2, 0, END_CHARGEOFF), (9, 8, 0, END_SCORE))
    world: Any = SimpleNamespace(starts=begun, ends=over)
    first = 1 / 9 + 7 / 9 / 7
    assert recovered(world, 10)[:1] == pytest.approx([first])
    columns = episode_columns(begun, over, 10)
    zeros = zero_limits(columns)
    duration, ended = (values(columns, name)[zeros] for name in ("duration", "ended"))
    ((five, watched),) = usable_again(duration, ended, (5,))
    assert five == pytest.approx(first + 7 / 9 * 6 / 7 / 3)
    assert watched == 3
    assert np.isnan(recovered(world, 10)[1:]).all()


def test_a_run_without_events_has_empty_episodes() -> None:
    frame = as_frame(episode_columns([], [], 12))
    assert len(frame) == 0
    assert set(MEASURED) <= set(frame.columns)
    assert len(as_frame(episode_columns([], ends((1, 2, 0, END_SCORE)), 12))) == 0


# the panel


def test_the_panel_is_the_state_of_the_borrowers_kept(ran: tuple[Simulation, Panel]) -> None:
    simulation, panel = ran
    frame = panel.frame()
    assert len(panel.frame(vacant=True)) == 7 * MONTHS
    last = frame[frame["month"] == MONTHS - 1].set_index("borrower")
    assert last.index.tolist() == panel.rows.tolist()
    for field in STATE:
        expected = simulation.column(field.name)[panel.rows].astype(float)
        if field.name.startswith("due_"):
            expected = np.where(last["scheduled"] == 0, 0, expected)
        if field.name in LABELS:
            expected = np.array(LABELS[field.name])[expected.astype(int)]
        told = last[column_of(field)]
        assert (told.to_numpy() == expected).all(), field.name
        assert told.dtype in ("int64", "float64", "category")
    assert (last["trust"] * Q2 % 1 == 0).all()


def test_the_panel_says_how_far_the_thresholds_are(ran: tuple[Simulation, Panel]) -> None:
    simulation, panel = ran
    frame, last = panel.frame(), MONTHS - 1
    cutoff = frame["month"].map({month.month: month.platform["cutoff"] for month in simulation.history})
    assert np.allclose(frame["points_to_cutoff"], frame["risk"] - cutoff, atol=1e-3)
    assert np.allclose(frame["loans_to_trigger"], simulation.scenario.trigger_frequency - frame["frequency"], atol=1e-6)
    away = simulation.column("distance")[panel.rows]
    ours = frame.loc[frame["month"] == last, "distance_to_tolerance"]
    assert np.allclose(ours, simulation.scenario.position_tolerance - away, atol=1e-6)


def test_the_schedule_in_the_panel_adds_up_to_what_is_scheduled(ran: tuple[Simulation, Panel]) -> None:
    frame = ran[1].frame()
    due = frame[[name for name in frame.columns if name.startswith("due_")]].sum(axis=1)
    assert (due == frame["scheduled"]).all()
    assert (frame["scheduled"] > 0).any()


@pytest.mark.parametrize(("part", "together", "files"), [(500_000, 250_000, 1), (500_000, 100, 1), (23, 1, 6)])
def test_a_panel_that_is_written_as_it_is_recorded_is_the_same(
    part: int, together: int, files: int, ran: tuple[Simulation, Panel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerolimit.results.panel.PART", part)
    monkeypatch.setattr("zerolimit.results.panel.TOGETHER", together)
    simulation = Simulation(ran[0].first_scenario, 5, engine="objects")
    kept = Panel(simulation, "all")
    with whole.whole_folder(tmp_path / "run") as folder:
        with PanelFiles(folder) as out:
            written = Panel(simulation, "all", write=out.month)
            for _ in range(3):
                simulation.step()
                for one in (kept, written):
                    one.record()
        store.fill(folder, simulation, store.provenance(simulation, panel=written), no_figure)
    run = store.load_run(tmp_path / "run")
    assert len(list(run.folder.glob("panel*.parquet"))) == files
    pd.testing.assert_frame_equal(run.frame(vacant=True), kept.frame(vacant=True))
    run.verify()
    field = pq.read_schema(next(run.folder.glob("panel*.parquet"))).field("age")
    assert (field.type, field.metadata[b"unit"]) == ("int8", b"years")


def test_the_sample_depends_on_the_seed_alone() -> None:
    few, more = sampled(3, 50_000, 10), sampled(3, 50_000, 100)
    assert set(few) <= set(more)
    assert sampled(3, 50_000, 10).tolist() == few.tolist()
    assert sampled(4, 50_000, 10).tolist() != few.tolist()
    assert len(set(sampled(3, 50_001, 10)) - set(few)) <= 1
    assert abs(sampled(3, 50_000, 5_000).mean() / 25_000 - 1) < 0.03
    assert sampled(3, 5, 10).tolist() == [0, 1, 2, 3, 4]
    assert sampled(3, 5, None).tolist() == [0, 1, 2, 3, 4]
    assert sampled(3, 5, 0).tolist() == []


def test_a_large_sample_is_drawn_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sampled(3, 10_000, 100).tolist()
    monkeypatch.setattr("zerolimit.results.panel.PIECE", 999)
    assert sampled(3, 10_000, 100).tolist() == whole


def test_no_panel_no_file(ran: tuple[Simulation, Panel], tmp_path: Path) -> None:
    store.save(ran[0], tmp_path / "run", panel=Panel(ran[0], "none"), figure=no_figure)
    assert not (tmp_path / "run" / "panel.parquet").exists()
    assert json.loads((tmp_path / "run" / "provenance.json").read_text())["panel"] == "none"
    assert parse_panel("all") is None


def test_no_months_no_rows() -> None:
    assert len(monthly_columns([])["month"]) == 0  # type: ignore[arg-type]
