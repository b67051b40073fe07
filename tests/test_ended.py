"""Commands that are killed, hung up or no longer read: nothing that was finished is lost, nothing half-written is left."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import zerolimit
from zerolimit.basics.errors import BadInput
from zerolimit.parameters.scenario import load_scenario
from zerolimit.results import whole
from zerolimit.results.store import save
from zerolimit.results.writer import machine, this_process
from zerolimit.run.simulation import Simulation
from zerolimit.study.results import load

HOME = {**os.environ, "PYTHONPATH": str(Path(zerolimit.__file__).parents[1])}
SMALL = ["--borrowers", "40", "--months", "2"]
LATER = ["--borrowers", "400", "--months", "9000", "--engine", "objects", "--panel", "none"]

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


def zero(*words: str) -> list[str]:
    return [sys.executable, "-m", "zerolimit.commands.cli", *words]


def saved(folder: Path, told: str, force: bool = False) -> Path:
    """A run's folder whose provenance says which it is."""
    world = Simulation(load_scenario("defaults", borrowers=20), 1, engine="objects").run(1)
    return save(world, folder, command=[told], force=force, figure=lambda *_: None)


SAVES = """
import os, signal, sys, time
from pathlib import Path
from zerolimit.results import whole
from zerolimit.results.store import save
from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation
folder, how = Path(sys.argv[1]), sys.argv[2]
rename, exchanged = Path.rename, whole.exchanged

def killed(*paths):
    os.kill(os.getpid(), signal.SIGKILL)

def between(self, other):
    return killed() if self.name == "whole" else rename(self, other)

def afterwards(one, other):
    done = exchanged(one, other)
    return killed() if done else False

def slow(tables, scenario, file):
    (folder.parent / "writing").touch()
    while not (folder.parent / "go on").exists():
        time.sleep(0.01)

def half(tables, scenario, file):
    killed()

figure = {"slow": slow, "half": half}.get(how, lambda *paths: None)
if how == "between":
    whole.exchanged, Path.rename = lambda one, other: False, between
if how == "afterwards":
    whole.exchanged = afterwards
world = Simulation(load_scenario("defaults", borrowers=20), 1, engine="objects").run(1)
save(world, folder, command=["the second"], force=how in ("between", "afterwards"), figure=figure)
"""


def saving(folder: Path, how: str) -> subprocess.Popen[str]:
    """Another process that writes a run's folder, and is killed on the way."""
    words = [sys.executable, "-c", SAVES, str(folder), how]
    return subprocess.Popen(words, env=HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


# --force


@pytest.fixture(scope="module")
def killed_between(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is left where a process was killed between two renames."""
    folder = saved(tmp_path_factory.mktemp("killed") / "run", "the first")
    killed = saving(folder, "between")
    assert killed.wait(120) == -signal.SIGKILL, killed.communicate()
    assert not folder.exists()
    return folder.parent


@pytest.mark.parametrize("next_command", ["load", "check", "save"])
def test_killed_between_two_renames_the_old_results_are_put_back(
    killed_between: Path, tmp_path: Path, next_command: str
) -> None:
    shutil.copytree(killed_between, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "run"
    if next_command == "check":
        with pytest.raises(BadInput, match="already exists"):
            whole.check_target(folder)
    if next_command == "save":
        with pytest.raises(BadInput, match="already exists"):
            saved(folder, "the third")
    assert load(folder).provenance["command"] == ["the first"]
    load(folder).verify()
    assert names(tmp_path) == ["run"]


def test_an_exchange_leaves_no_moment_without_results(tmp_path: Path) -> None:
    folder = saved(tmp_path / "run", "the first")
    if not whole.exchanged(folder, saved(tmp_path / "other", "another")):
        pytest.skip("this system cannot exchange two names")
    assert load(folder).provenance["command"] == ["another"]
    killed = saving(folder, "afterwards")
    assert killed.wait(120) == -signal.SIGKILL, killed.communicate()
    assert load(folder).provenance["command"] == ["the second"]
    assert len(names(tmp_path)) == 3
    saved(folder, "the third", force=True)
    assert names(tmp_path) == ["other", "run"]


def room(target: Path, who: dict[str, object] | None, *parts: str) -> Path:
    """What a writer leaves beside a folder, with results of `who` it replaces."""
    left = target.parent / f".{target.name}.abcd1234.tmp"
    left.mkdir()
    for part in parts:
        saved(left / part, f"of {part}")
    if who is not None:
        (left / whole.OWNER).write_text(json.dumps(who))
    return left


GONE = {"machine": machine(), "pid": os.getpid(), "process": "0"}


def test_what_may_be_the_only_copy_is_never_cleared(tmp_path: Path) -> None:
    left = room(tmp_path / "run", GONE, whole.WHOLE, whole.REPLACED)
    saved(tmp_path / "other", "somebody's")
    (tmp_path / "other").rename(tmp_path / "run")
    saved(tmp_path / "run", "the third", force=True)
    assert load(left / whole.REPLACED).provenance["command"] == ["of replaced"]


@pytest.mark.parametrize("how", ["gone", "here", "elsewhere", "unknown"])
def test_leftovers_are_cleared_when_their_writer_is_gone(tmp_path: Path, how: str) -> None:
    elsewhere = {"machine": ["node7"], "pid": 4, "process": "1"}
    who = {"gone": GONE, "here": this_process(), "elsewhere": elsewhere, "unknown": None}[how]
    left = room(tmp_path / "run", who, whole.WHOLE)
    saved(tmp_path / "run", "the first")
    assert left.exists() == (how != "gone")
    for path in (*left.rglob("*"), *([left] if left.exists() else [])):
        os.utime(path, (1, 1))
    saved(tmp_path / "run", "the second", force=True)
    assert left.exists() == (how == "here")


def test_a_killed_writers_leftover_goes_and_a_living_ones_stays(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    killed, slow = saving(folder, "half"), saving(folder, "slow")
    assert killed.wait(120) == -signal.SIGKILL, killed.communicate()
    until((tmp_path / "writing").exists, slow)
    saved(folder, "the first")
    assert [name[-4:] for name in names(tmp_path)] == [".tmp", "run", "ting"], "the slow writer's room is left alone"
    (tmp_path / "go on").touch()
    _, wrong = slow.communicate(timeout=120)
    assert "has appeared while the run went on" in wrong
    assert load(folder).provenance["command"] == ["the first"]
    assert names(tmp_path) == ["go on", "run", "writing"]


# signals


def running(tmp_path: Path, *before: str) -> subprocess.Popen[str]:
    """A long run that has begun."""
    words = [*before, *zero("run", *LATER, "--out", str(tmp_path / "a"))]
    begun = subprocess.Popen(words, env=HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    mask = f"/proc/{begun.pid}/status"
    bit = 1 << (signal.SIGTERM - 1)
    caught = lambda: bit & int(Path(mask).read_text().partition("SigCgt:")[2].split()[0], 16)  # noqa: E731
    until(lambda: bool(caught()), begun)
    return begun


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_kill_and_a_closed_terminal_end_a_run_in_one_line(tmp_path: Path, number: signal.Signals) -> None:
    begun = running(tmp_path)
    time.sleep(0.5)
    for _ in range(2):
        begun.send_signal(number)
    said, wrong = begun.communicate(timeout=300)
    assert (said, wrong) == ("", "zerolimit: stopped; nothing was written\n")
    assert begun.returncode in (130, -signal.SIGINT), "CPython's own 130 where it was stopped within exec()"
    assert names(tmp_path) == []


def test_a_run_under_nohup_goes_on_without_its_terminal(tmp_path: Path) -> None:
    begun = running(tmp_path, "nohup")
    begun.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        begun.wait(0.5)
    begun.terminate()
    assert "stopped" in begun.communicate(timeout=300)[1]


# readers who leave


@pytest.mark.parametrize(
    "words",
    [
        ["run", "defaults", *SMALL, "--engine", "objects"],
        ["compare", "defaults", "--b", "gamma=0.1", *SMALL, "--seeds", "2"],
        pytest.param(["attribute", "defaults", "--players", "trigger", *SMALL], marks=pytest.mark.slow),
    ],
    ids=["run", "compare", "attribute"],
)
def test_results_are_kept_when_nobody_reads_what_is_printed(tmp_path: Path, words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*zero(*words), "--out", str(tmp_path / "a")], env=HOME, stdout=write, stderr=write, timeout=300)
    os.close(write)
    assert done.returncode == 0
    listed = json.loads((tmp_path / "a" / whole.MANIFEST).read_text())["files"]
    assert names(tmp_path / "a") == sorted([*listed, whole.MANIFEST])


def test_a_full_disk_behind_standard_output_is_said() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(zero("version"), env=HOME, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (2, "zerolimit: input or output: no space left on device\n")


# terminals


EACH = """
import json, sys
from zerolimit.commands.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as left:
        if left.code:
            raise
    print("\\f")
"""
"""Several commands in one process; a form feed behind each."""


def on_a_terminal(commands: list[list[str]], env: dict[str, str]) -> tuple[int, str]:
    """Exit code and what stood on the screen."""
    master, slave = pty.openpty()
    words = [sys.executable, "-c", EACH, json.dumps(commands)]
    begun = subprocess.Popen(words, env=env, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(master)
    return begun.wait(120), seen.decode()


NAME = "数据 [/b] [red]x–y :smile: $\\\\frac"


@pytest.mark.parametrize("letters", ["ascii", pytest.param("utf-8", marks=pytest.mark.slow)])
def test_every_name_is_printed_as_it_is_on_any_terminal(tmp_path: Path, letters: str) -> None:
    (tmp_path / "x.toml").write_text(f'name = "{NAME}"\nbase_tightness = 0.7\n', encoding="utf-8")
    env = {**HOME, "PYTHONIOENCODING": letters, "TERM": "xterm", "COLUMNS": "200"}
    shown = {"ascii": r"\u6570\u636e [/b] [red]x-y :smile: $\frac", "utf-8": "数据 [/b] [red]x–y :smile: $\\frac"}[letters]
    scenario, out = str(tmp_path / "x.toml"), str(tmp_path / "a[/b]")
    commands = [
        ["run", scenario, *SMALL, "--engine", "objects", "--out", out],
        ["tell", out, "--borrower", "1"],
        ["compare", scenario, "--b", "gamma=0.1", *SMALL, "--seeds", "2"],
    ]
    code, screen = on_a_terminal(commands, env)
    assert code == 0, screen
    assert "Traceback" not in screen
    assert screen.count("\f") == len(commands)
    for seen in screen.split("\f")[:-1]:
        plain = "".join(part.partition("m")[2] if k else part for k, part in enumerate(seen.split("\x1b[")))
        assert shown in plain, seen
