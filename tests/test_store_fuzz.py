"""A bit that flips on the disk is harmless, or is named; nothing is read or exported with other numbers."""

import shutil
import warnings
from collections import Counter
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

import zerolimit
from flips import flip, flips, judged
from zerolimit.results.digest import sealed
from zerolimit.results.writer import this_process
from zerolimit.study.definition import Study, read_study
from zerolimit.study.folder import LOCK, STUDY, Folder
from zerolimit.study.screen import status
from zerolimit.study.sweep import sweep
from zerolimit.study.worker import Done, Failed, Place, Task

FLIPS = 600
WISH: dict[str, Any] = {
    "name": "flipped",
    "months": 3,
    "replications": 2,
    "by": ["month"],
    "outcomes": ["zero_limit", "principal", "gini_lines"],
    "vary": {"lgd": [0.5, 0.6], "campaign_order": ["risk", "target"], "pool_share@1": [0.2]},
}


class MadeUp(Executor):
    """Numbers that follow from what a run is; of the second seed, failures, where they are wanted."""

    def __init__(self, *, failing: bool) -> None:
        self.failing = failing

    def submit(self, function: Any, /, *arguments: Any, **words: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result([self.made_up(task) for task in arguments[1]])
        return future

    def made_up(self, task: Task) -> Done | Failed:
        number, here = int(task.run[:8], 16), Place("here", 1, 0.1, 0.1)
        counts = {"zero_limit": [number % 100 + k for k in range(3)], "line_on_time": [100, 200, number]}
        floats = {"principal": [float(number), 2.0, 3.0], "gini_lines": [0.5, 0.25, 0.125]}
        columns = {"month": [0, 1, 2], "months": [1, 1, 1], **counts, **floats}
        failed = self.failing and task.seed == 2
        return Failed(task.run, "the weather", "a trace", here) if failed else Done(task.run, columns, here)


def read(path: Path) -> tuple[Any, ...]:
    """All that can be read of a study: its export, its table, its points, its failures, how far it is."""
    results = zerolimit.load(path)
    target = path.parent / "export.parquet"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a merged file that is damaged is told of and not used
        table = results.table()
    Folder(path).export(target)
    far = status(path)[0]
    failures = [one for one in Folder(path).failures() if "is damaged" not in one["error"]]
    return target.read_bytes(), table, results.design, failures, far


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A complete study, and one with failed runs and the lock of a coordinator that was killed."""
    home = tmp_path_factory.mktemp("flips")
    for name in ("whole", "failed"):
        sweep(read_study(WISH), home / name, executor=MadeUp(failing=name == "failed"))
    (home / "failed" / LOCK).write_bytes(sealed({"token": "t", **this_process(), "process": "none"}))
    return {name: home / name for name in ("whole", "failed")}


def kinds(path: Path) -> dict[str, list[str]]:
    """Files of a study by what they are."""
    found: dict[str, list[str]] = {}
    for file in sorted(path.rglob("*")):
        if file.is_file():
            place = file.relative_to(path)
            found.setdefault(place.parts[0].partition(".")[0], []).append(str(place))
    return found


def same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two readings are equal. Of failures, those whose record can be read are what they were."""
    frames = all(one[k].equals(other[k]) for k in (1, 2))
    return frames and one[0] == other[0] and all(failure in other[3] for failure in one[3]) and one[4] == other[4]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "files"), [("whole", 6), ("failed", 7)])
def test_a_flipped_bit_is_harmless_or_named(name: str, files: int, studies: dict[str, Path], tmp_path: Path) -> None:
    study: Study = read_study(WISH)
    found = kinds(studies[name])
    assert len(found) == files, found
    path = tmp_path / name
    shutil.copytree(studies[name], path)
    before = read(path)
    tally: Counter[tuple[str, str]] = Counter()
    for kind, draws in flips([*found], FLIPS // 2, seed=13):
        shutil.rmtree(path)
        shutil.copytree(studies[name], path)
        file = draws.choice(found[kind])
        flip(path / file, draws)
        names = [Path(file).name]
        tally[kind, judged(lambda: read(path), lambda now: same(now, before), names)] += 1
        if draws.random() < 0.5:  # and --resume mends it, or says who holds the folder
            mended = judged(
                lambda: sweep(study, path, executor=MadeUp(failing=name == "failed"), resume=True) and read(path),
                lambda now: same(now, before),
                ["held by a lock that cannot be read"] if kind == "lock" else [],
            )
            tally[kind, f"then {mended}"] += 1
    told = {kind for kind, what in tally if what == "named"}
    assert told >= ({"study", "design", "parts"} & {*found})
    assert STUDY in found["study"]
