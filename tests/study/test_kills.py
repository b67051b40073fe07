"""Real processes are killed with SIGKILL; the export is an undisturbed sweep's, byte for byte."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zerolimit
from zerolimit.study.folder import LOCK, Folder

HOME = {**os.environ, "PYTHONPATH": str(Path(zerolimit.__file__).parents[1])}
STUDY = """
name = "killed"
months = 6
borrowers = 150
replications = 6
engine = "objects"
outcomes = ["zero_limit", "blocked", "net_income"]
[vary]
pool_share = [0.2, 0.3, 0.4, 0.6]
"""
RUNS = 24


def zero(*words: str) -> list[str]:
    return [sys.executable, "-m", "zerolimit.commands.cli", *words]


def begun(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(zero(*words), env=HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(*words: str) -> str:
    done = subprocess.run(zero(*words), env=HOME, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(true: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120) -> None:
    """Wait for something, while a process runs."""
    end = time.monotonic() + seconds
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """Worker processes: children of a process that run spawned Python."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            line = (stat.parent / "cmdline").read_text()
        except OSError:
            continue
        if parent == pid and "spawn_main" in line:
            found.append(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's file, and what an undisturbed sweep exports."""
    path = tmp_path_factory.mktemp("kills")
    (path / "study.toml").write_text(STUDY, encoding="utf-8")
    told("sweep", str(path / "study.toml"), "--out", str(path / "whole"), "--workers", "2")
    told("export", str(path / "whole"), "--out", str(path / "whole.parquet"))
    return path


def written(out: Path) -> dict[str, int]:
    """Every finished run, and when its part was written."""
    at = Folder(out)
    return dict(sorted((run, part.path.stat().st_mtime_ns) for part in at.parts() for run in at.runs_in(part)))


def same(home: Path, out: Path) -> bool:
    told("export", str(out), "--out", str(out.with_suffix(".parquet")))
    return out.with_suffix(".parquet").read_bytes() == (home / "whole.parquet").read_bytes()


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


def test_a_worker_killed_in_the_middle_costs_nothing(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "a"
    sweep = begun("sweep", str(home / "study.toml"), "--out", str(out), "--workers", "2")
    for number in (3, 8):
        until(lambda least=number: Folder(out).count() >= least, sweep)  # type: ignore[misc]
        os.kill(children(sweep.pid)[0], signal.SIGKILL)
    said, wrong = sweep.communicate(timeout=120)
    assert (sweep.returncode, wrong) == (0, "")
    assert f"({RUNS} of {RUNS} runs" in said
    assert same(home, out)


def test_a_killed_coordinator_leaves_no_workers_and_resume_finishes_exactly_the_rest(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "a"
    sweep = begun("sweep", str(home / "study.toml"), "--out", str(out), "--workers", "2")
    until(lambda: Folder(out).count() >= 5, sweep)
    workers = children(sweep.pid)
    sweep.kill()
    sweep.wait()
    end = time.monotonic() + 20
    while any(map(alive, workers)):
        assert time.monotonic() < end
        time.sleep(0.02)
    done = list(Folder(out).done())
    assert 5 <= len(done) < RUNS
    kept = written(out)
    assert [*kept] == done
    assert (out / LOCK).exists()
    assert f"which has ended; go on with zerolimit sweep STUDY --out {out} --resume" in told("sweep", "--status", str(out))
    told("sweep", str(home / "study.toml"), "--out", str(out), "--resume")
    now = written(out)
    assert {run: now[run] for run in done} == kept
    assert Folder(out).count() == RUNS
    assert same(home, out)


def test_a_second_coordinator_is_refused_while_the_first_works(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "a"
    first = begun("sweep", str(home / "study.toml"), "--out", str(out), "--workers", "1")
    until(lambda: Folder(out).count() >= 1, first)
    second = subprocess.run(
        zero("sweep", str(home / "study.toml"), "--out", str(out), "--resume", "--take-over"),
        env=HOME,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 2
    assert f"held by process {first.pid} on" in second.stderr
    assert second.stderr.count("\n") == 1
    assert f"held by process {first.pid} on" in told("sweep", "--status", str(out))
    assert first.wait(120) == 0
    assert same(home, out)


def test_ctrl_c_ends_at_once_in_one_line_and_keeps_what_was_finished(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "a"
    sweep = begun("sweep", str(home / "study.toml"), "--out", str(out), "--workers", "2")
    until(lambda: Folder(out).count() >= 3, sweep)
    workers = children(sweep.pid)
    for pid in (sweep.pid, *workers):
        os.kill(pid, signal.SIGINT)
    _, wrong = sweep.communicate(timeout=30)
    kept = Folder(out).count()
    assert sweep.returncode == 130, wrong
    assert wrong == (
        f"zerolimit: stopped; {kept} finished runs kept; go on with:"
        f" zerolimit sweep {home / 'study.toml'} --out {out} --resume\n"
    )
    assert not any(map(alive, workers))
    assert not (out / LOCK).exists()
    told("sweep", str(home / "study.toml"), "--out", str(out), "--resume")
    assert same(home, out)


def test_a_script_without_a_guard_is_told_what_it_lacks(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import zerolimit\n"
        "zerolimit.study({'months': 2, 'borrowers': 20, 'vary': {'lgd': [0.5, 0.6]}}, out='out', workers=1)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=HOME, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a script that runs a study needs `if __name__ == '__main__':` around it" in done.stderr


PIPED = (
    "import zerolimit\n"
    "def seen(simulation):\n"
    "    return {'seen': 1.0}\n"
    "wish = {'months': 2, 'borrowers': 20, 'vary': {'lgd': [0.5, 0.6]}}\n"
    "found = zerolimit.study(wish, out='out', progress=False, workers=2)\n"
    "print(len(found.table()), __file__)\n"
    "try:\n"
    "    zerolimit.study({'months': 2, 'borrowers': 20}, out='other', progress=False, workers=2, measure=seen)\n"
    "except zerolimit.basics.errors.BadInput as error:\n"
    "    print(error)\n"
)


def test_a_program_without_a_file_runs_studies(tmp_path: Path) -> None:
    """`python - <<EOF` has no file that workers could import; only what is defined in it stays out of their reach."""
    done = subprocess.run(
        [sys.executable, "-"], cwd=tmp_path, env=HOME, input=PIPED, capture_output=True, text=True, check=False, timeout=300
    )
    told = "2 <stdin>\nmeasure: seen cannot be imported by the workers: put it in a file of its own\n"
    assert (done.returncode, done.stdout) == (0, told), done.stderr


def test_a_measure_in_a_script_reaches_the_workers(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import zerolimit\n"
        "def seen(simulation):\n"
        "    return {'seen': float(simulation.size)}\n"
        "if __name__ == '__main__':\n"
        "    found = zerolimit.study({'months': 2, 'borrowers': 20, 'vary': {'lgd': [0.5, 0.6]}}, out='out', measure=seen,\n"
        "                            progress=False, workers=1)\n"
        "    print(found.table()['seen'].tolist())\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=HOME, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[20.0, 20.0]\n"), done.stderr


# a Dask cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers on loopback, each a process of its own, without nannies."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    quiet = {"env": HOME, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    scheduler = subprocess.Popen([*dask, "--scheduler-file", str(file)], **quiet)  # type: ignore[call-overload]
    end = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    address = json.loads(file.read_text())["address"]
    worker = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        address,
        "--nthreads",
        "1",
        "--no-nanny",
        "--no-dashboard",
    ]
    workers = [subprocess.Popen(worker, **quiet) for _ in range(2)]  # type: ignore[call-overload]
    yield address, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_killed_dask_worker_costs_nothing(
    home: Path, tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    out = tmp_path / "a"
    sweep = begun("sweep", str(home / "study.toml"), "--out", str(out), "--cluster", address)
    until(lambda: Folder(out).count() >= 4, sweep)
    workers[0].kill()
    said, wrong = sweep.communicate(timeout=120)
    assert (sweep.returncode, wrong) == (0, "")
    assert f"({RUNS} of {RUNS} runs" in said
    assert same(home, out)


@pytest.mark.slow
def test_a_coordinator_killed_on_a_cluster_goes_on_there(
    home: Path, tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    out = tmp_path / "a"
    words = ("sweep", str(home / "study.toml"), "--out", str(out), "--cluster", cluster[0])
    sweep = begun(*words)
    until(lambda: Folder(out).count() >= 4, sweep)
    sweep.kill()
    sweep.wait()
    assert Folder(out).count() < RUNS
    told(*words, "--resume")
    assert same(home, out)
