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
from test_sweep import Here

import zerolimit
from zerolimit.study.definition import read_study
from zerolimit.study.folder import LOCK, Folder
from zerolimit.study.screen import status
from zerolimit.study.sweep import sweep

HOME = {**os.environ, "PYTHONPATH": str(Path(zerolimit.__file__).parents[1])}
STUDY = """
name = "killed"
months = 3
borrowers = 60
replications = 3
engine = "objects"
outcomes = ["zero_limit", "blocked", "net_income"]
[vary]
pool_share = [0.2, 0.3, 0.4, 0.6]
"""
RUNS = 12
GATED = """
import os, runpy, sys, time
from contextlib import suppress
from pathlib import Path
from zerolimit.run.batch import Batch
from zerolimit.study.portions import Portions

gate, begin = Path(os.environ["GATE"]), Batch.begin

def begun(*given, **words):
    waits = gate / f"waits {os.getpid()}"
    while not (gate / "open").exists():
        with suppress(StopIteration, FileNotFoundError):
            next(gate.glob("ticket *")).unlink()
            break
        waits.touch()
        time.sleep(0.01)
    waits.unlink(missing_ok=True)
    return begin(*given, **words)

Batch.begin = begun
Portions._most = lambda self, workers: (1, 0.0)
if __name__ == "__main__":
    runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""
"""A command whose runs begin one by one: each takes a ticket, or waits until there is one or the gate is open."""


class Gate:
    """Lets so many runs of a gated command through: what is in flight when something is killed hangs on no clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.given = folder / "gate", 0
        self.folder.mkdir()
        self.script = folder / "gated.py"
        self.script.write_text(GATED, encoding="utf-8")
        self.home = {**HOME, "GATE": str(self.folder)}

    def begun(self, module: str, *words: str, quiet: bool = False) -> subprocess.Popen[str]:
        """A command whose runs wait for tickets."""
        stream = subprocess.DEVNULL if quiet else subprocess.PIPE
        command = [sys.executable, str(self.script), module, *words]
        return subprocess.Popen(command, env=self.home, stdout=stream, stderr=stream, text=True)

    def sweep(self, study: Path, out: Path, *words: str) -> subprocess.Popen[str]:
        return self.begun("zerolimit.commands.cli", "sweep", str(study), "--out", str(out), *words)

    def let(self, runs: int) -> None:
        """So many runs more."""
        for _ in range(runs):
            self.given += 1
            (self.folder / f"ticket {self.given}").touch()

    def open(self) -> None:
        (self.folder / "open").touch()

    def waiting(self) -> list[int]:
        """Processes that live, and have a run that waits for a ticket."""
        pids = [int(path.name.split()[1]) for path in self.folder.glob("waits *")]
        return [pid for pid in pids if alive(pid)]


def zero(*words: str) -> list[str]:
    return [sys.executable, "-m", "zerolimit.commands.cli", *words]


def told(*words: str) -> str:
    done = subprocess.run(zero(*words), env=HOME, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(true: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Wait for something, while a process runs."""
    end = time.monotonic() + 300
    while not true():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


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
    sweep(read_study(path / "study.toml"), path / "whole", executor=Here())
    Folder(path / "whole").export(path / "whole.parquet")
    return path


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def reached(gate: Gate, process: subprocess.Popen[str], out: Path, runs: int, workers: int = 2) -> list[int]:
    """Wait until so many runs are on the disk and every worker waits at the gate; the workers."""
    gate.let(runs - Folder(out).count())
    until(lambda: Folder(out).count() == runs and len(gate.waiting()) == workers, process)
    return gate.waiting()


def resumed(home: Path, out: Path) -> None:
    """The rest, in this process."""
    assert sweep(read_study(home / "study.toml"), out, executor=Here(), resume=True).done == RUNS


def written(out: Path) -> dict[str, int]:
    """Every finished run, and when its part was written."""
    at = Folder(out)
    return dict(sorted((run, part.path.stat().st_mtime_ns) for part in at.parts() for run in at.runs_in(part)))


def same(home: Path, out: Path) -> bool:
    Folder(out).export(out.with_suffix(".parquet"))
    return out.with_suffix(".parquet").read_bytes() == (home / "whole.parquet").read_bytes()


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_costs_nothing(home: Path, gate: Gate, tmp_path: Path) -> None:
    out = tmp_path / "a"
    begun = gate.sweep(home / "study.toml", out, "--workers", "2")
    for number in (3, 8):
        os.kill(reached(gate, begun, out, number)[0], signal.SIGKILL)
    gate.open()
    said, wrong = begun.communicate(timeout=300)
    assert (begun.returncode, wrong) == (0, "")
    assert f"({RUNS} of {RUNS} runs" in said
    assert same(home, out)


def test_a_killed_coordinator_leaves_no_workers_and_resume_finishes_exactly_the_rest(
    home: Path, gate: Gate, tmp_path: Path
) -> None:
    out = tmp_path / "a"
    begun = gate.sweep(home / "study.toml", out, "--workers", "2")
    workers = reached(gate, begun, out, 5)
    begun.kill()
    begun.wait()
    until(lambda: not any(map(alive, workers)))
    kept = written(out)
    assert [*kept] == list(Folder(out).done())
    assert len(kept) == 5
    assert (out / LOCK).exists()
    assert f"which has ended; go on with zerolimit sweep STUDY --out {out} --resume" in status(out)[1]
    resumed(home, out)
    now = written(out)
    assert {run: now[run] for run in kept} == kept
    assert same(home, out)


@pytest.mark.slow
def test_a_second_coordinator_is_refused_while_the_first_works(home: Path, gate: Gate, tmp_path: Path) -> None:
    out = tmp_path / "a"
    first = gate.sweep(home / "study.toml", out, "--workers", "1")
    reached(gate, first, out, 1, workers=1)
    second = subprocess.run(
        zero("sweep", str(home / "study.toml"), "--out", str(out), "--resume", "--take-over"),
        env=HOME,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert second.returncode == 2
    assert f"held by process {first.pid} on" in second.stderr
    assert second.stderr.count("\n") == 1
    assert f"held by process {first.pid} on" in told("sweep", "--status", str(out))
    gate.open()
    _, wrong = first.communicate(timeout=300)
    assert (first.returncode, wrong) == (0, "")
    assert same(home, out)


@pytest.mark.slow
def test_ctrl_c_ends_at_once_in_one_line_and_keeps_what_was_finished(home: Path, gate: Gate, tmp_path: Path) -> None:
    out = tmp_path / "a"
    begun = gate.sweep(home / "study.toml", out, "--workers", "2")
    workers = reached(gate, begun, out, 3)
    for pid in (begun.pid, *workers):
        os.kill(pid, signal.SIGINT)
    _, wrong = begun.communicate(timeout=300)
    assert begun.returncode == 130, wrong
    assert wrong == (
        f"zerolimit: stopped; 3 finished runs kept; go on with: zerolimit sweep {home / 'study.toml'} --out {out} --resume\n"
    )
    assert not any(map(alive, workers))
    assert not (out / LOCK).exists()
    resumed(home, out)
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


@pytest.mark.slow
def test_a_program_without_a_file_runs_studies(tmp_path: Path) -> None:
    """`python - <<EOF` has no file that workers could import; only what is defined in it stays out of their reach."""
    done = subprocess.run(
        [sys.executable, "-"], cwd=tmp_path, env=HOME, input=PIPED, capture_output=True, text=True, check=False, timeout=300
    )
    told = "2 <stdin>\nmeasure: seen cannot be imported by the workers: put it in a file of its own\n"
    assert (done.returncode, done.stdout) == (0, told), done.stderr


@pytest.mark.slow
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


Cluster = tuple[str, list[subprocess.Popen[str]]]


@pytest.fixture
def cluster(gate: Gate, tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler and two workers on loopback, each a process of its own, without nannies."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    scheduler = gate.begun("distributed.cli.dask_scheduler", *words, quiet=True)
    until(lambda: file.exists() and file.read_text().rstrip().endswith("}"), scheduler)
    address = json.loads(file.read_text())["address"]
    words = (address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path))
    workers = [gate.begun("distributed.cli.dask_worker", *words, quiet=True) for _ in range(2)]
    yield address, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_killed_dask_worker_costs_nothing(home: Path, gate: Gate, tmp_path: Path, cluster: Cluster) -> None:
    address, workers = cluster
    out = tmp_path / "a"
    begun = gate.sweep(home / "study.toml", out, "--cluster", address)
    reached(gate, begun, out, 4)
    workers[0].kill()
    gate.open()
    said, wrong = begun.communicate(timeout=300)
    assert (begun.returncode, wrong) == (0, "")
    assert f"({RUNS} of {RUNS} runs" in said
    assert same(home, out)


@pytest.mark.slow
def test_a_coordinator_killed_on_a_cluster_goes_on_there(home: Path, gate: Gate, tmp_path: Path, cluster: Cluster) -> None:
    out = tmp_path / "a"
    begun = gate.sweep(home / "study.toml", out, "--cluster", cluster[0])
    reached(gate, begun, out, 4)
    begun.kill()
    begun.wait()
    assert Folder(out).count() == 4
    gate.open()
    told("sweep", str(home / "study.toml"), "--out", str(out), "--cluster", cluster[0], "--resume")
    assert same(home, out)
