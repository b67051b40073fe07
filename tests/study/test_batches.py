"""Runs go to workers in batches. What a run leaves, and the merged file, hang on none of it: size, order, deaths."""

import os
import random
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_sweep import SMALLEST_FIRST, WISH, Here

import zerolimit
from zerolimit.basics.errors import BadInput
from zerolimit.engine.registry import named
from zerolimit.explanation.kept_lines import Shadow
from zerolimit.results.digest import read_json
from zerolimit.run.batch import Batch
from zerolimit.run.simulation import Simulation, bytes_of_ties, plan_of
from zerolimit.study import folder, portions, sweep, worker
from zerolimit.study.accounts import Accounts
from zerolimit.study.definition import Study, read_study
from zerolimit.study.folder import ERRORS, MERGED, Folder
from zerolimit.study.portions import GROWTH, LONGEST, MOST_VALUES, Portions
from zerolimit.study.rounds import A_BORROWER, bytes_of_month, in_rounds
from zerolimit.study.screen import Reached
from zerolimit.study.worker import BatchOfRuns, Done, Failed, Measure, Task, bytes_of, do
from zerolimit.study.writing import Writing

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*/study.toml"))
MIXED: list[dict[str, Any]] = [
    {"borrowers": 20},
    {"borrowers": 45, "off": ["scarcity"]},
    {"allocation": "pro_rata", "pool_share": 0.2},
    {"network": "ring", "neighbour_weight": 0.3},
    {"network": "small_world", "neighbour_weight": 0.3},
    {"pool_share@2": 0.1},
    {"need_rate": 0.9},
]


def tasks(number: int, *borrowers: int) -> list[Task]:
    """Runs of so many borrowers, in turn."""
    sizes = borrowers or (100,)
    return [Task(f"{k:024x}", k, 0, 1, {"borrowers": sizes[k % len(sizes)]}) for k in range(number)]


def portions_of(runs: list[Task], values: int = 1) -> Portions:
    return Portions(iter(runs), len(runs), lambda task: int(task.values["borrowers"]), values)


def handed_out(found: Portions, seconds: float, workers: int = 2) -> list[tuple[Task, ...]]:
    """All batches, each finished before the next is cut; a run takes so long for each borrower."""
    batches = []
    while batch := found.next(workers):
        batches.append(batch)
        found.learn(batch, seconds * sum(int(task.values["borrowers"]) for task in batch))
    return batches


# how large a batch is


def test_batches_have_every_run_once_and_in_order() -> None:
    for number, seconds, sizes in ((1, 1.0, ()), (7, 1e-9, (3, 900)), (500, 1e-4, ()), (300, 0.02, (5, 50, 5_000))):
        runs = tasks(number, *sizes)
        assert [task for batch in handed_out(portions_of(runs), seconds) for task in batch] == runs


def test_the_first_batches_are_one_run_and_later_ones_some_times_as_many() -> None:
    found = portions_of(tasks(4_000))
    assert [len(found.next(2)) for _ in range(4)] == [1, 1, 1, 1]  # nothing is known yet
    sizes = [len(batch) for batch in handed_out(portions_of(tasks(4_000)), 1e-6)]
    assert sizes[:4] == [1, GROWTH, GROWTH**2, GROWTH**3]
    assert max(sizes) > GROWTH**3


def test_what_a_worker_loads_first_does_not_make_batches_small() -> None:
    found = portions_of(tasks(10_000))
    a_run, loading = 0.01, 2.0
    for one in ("one", "other"):
        found.learn(found.next(2), loading + a_run, one)
    assert len(found.next(2)) == LONGEST // (loading + a_run)  # better than nothing
    found.learn(found.next(2), a_run, "one")
    assert len(found.next(2)) == GROWTH
    found.learn(found.next(2), GROWTH * a_run, "third")  # whose time says nothing, while others' is known
    assert len(found.next(2)) == GROWTH**2


def test_a_short_batch_beside_larger_ones_does_not_count() -> None:
    found = portions_of(tasks(10_000))
    fixed, a_run = 0.1, 0.005
    for _ in range(4):
        batch = found.next(2)
        found.learn(batch, fixed + a_run * len(batch), "one")
    last = found.recent[-1]
    assert len(found.next(2)) == int(LONGEST / (last[1] / last[0]) / 100)


def test_no_batch_is_longer_than_it_should_be_but_of_one_run() -> None:
    a_borrower = 1e-4
    batches = handed_out(portions_of(tasks(900, 10, 200, 3_000)), a_borrower)
    seconds = [a_borrower * sum(int(task.values["borrowers"]) for task in batch) for batch in batches]
    assert all(one <= LONGEST + 1e-9 or len(batch) == 1 for one, batch in zip(seconds, batches, strict=True))
    assert max(len(batch) for batch in batches) > 10


def test_batches_get_smaller_towards_the_end() -> None:
    sizes = [len(batch) for batch in handed_out(portions_of(tasks(2_000)), 1e-4)]
    largest = sizes.index(max(sizes))
    assert sizes[largest:-1] == sorted(sizes[largest:-1], reverse=True)
    assert sizes[-1] * 1e-2 <= portions.SHORTEST + 1e-2


def test_a_slow_batch_makes_the_next_ones_smaller() -> None:
    found = portions_of(tasks(10_000))
    for _ in range(4):
        found.learn(found.next(1), 0.01)
    before = len(found.next(1))
    found.learn(tasks(10), 10 * LONGEST)
    assert len(found.next(1)) == 1 < before


def test_what_a_batch_sends_back_is_bounded() -> None:
    assert {len(batch) for batch in handed_out(portions_of(tasks(40), MOST_VALUES // 3), 1e-9)} == {1, 3}


def test_a_batch_that_is_done_again_is_halved_until_one_run_is_left() -> None:
    found = portions_of([])
    found.halve(tuple(tasks(5)))
    assert [len(found.next(1)) for _ in range(3)] == [2, 3, 0]
    found.halve(tuple(tasks(1)))
    assert found.next(1) == tuple(tasks(1))


def test_rounds_of_memory_hold_every_world_in_order_and_none_too_many() -> None:
    needed = [3, 3, 3, 9, 1, 20, 1, 1]
    rounds = [needed[some] for some in in_rounds(needed, 9)]
    assert rounds == [[3, 3, 3], [9], [1], [20], [1, 1]]
    assert [*in_rounds([], 9)] == []


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.parent.name)
def test_a_study_of_experiments_is_one_batch(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is given all its runs begins them in one batch, and in two where memory holds half of them."""
    begun, begin = [], Batch.begin

    def counting(worlds: Any, **options: Any) -> Batch:
        given = [*worlds]
        begun.append(len(given))
        return begin(given, **options)

    monkeypatch.setattr(Batch, "begin", counting)
    monkeypatch.setattr(BatchOfRuns, "months", lambda runs, batch, numbers: runs.columns.update({k: {} for k in numbers}))
    sampled = {"samples": 2} if path.parent.name == "sensitivity" else {"replications": 2}
    study = read_study(path, borrowers=10, engine="objects", **sampled)
    job, runs = study.job(), [*study.tasks()]
    for rounds in (1, 2):
        monkeypatch.setattr(
            worker, "budget", lambda workers, rounds=rounds: sum(bytes_of(job, one) for one in runs) // rounds
        )
        assert all(isinstance(one, Done) for one in do(job, runs))
        assert begun == [len(runs) // rounds] * rounds
        begun.clear()


# what a batch leaves


def mixed(*, measure: Measure | None = None, **settings: Any) -> Study:
    outcomes = ["zero_limit", "blocked", "net_income", "gini_lines", "months_without", "zero_limit_last_half", "recovered_3"]
    points = {
        "scenario": "defaults",
        "design": "list",
        "points": MIXED,
        "months": 4,
        "borrowers": 30,
        "engine": "objects",
        "outcomes": outcomes,
    }
    return read_study({**points, "name": "mixed", "replications": 2, "burn_in": 1, **settings}, measure=measure)


def goes_on(simulation: Simulation) -> dict[str, float]:
    """A measure that sees the whole history, and lives on in its world."""
    months = simulation.history
    known = float(sum(len(one.counts) for one in months) * 1_000 + sum(one.counts["on_time"].sum() for one in months))
    simulation.run(2)
    twin = simulation.copy().run(1)
    simulation.close()
    return {"known": known, "later": float(simulation.column("cash").sum()), "twin": float(twin.column("cash").sum())}


CLIENTS = "limit,balance\n" + "".join(f"{3_000 + 100 * k},{50 * k}\n" for k in range(40))
SORTS: dict[str, dict[str, Any]] = {
    "any mix": {},
    "shadow worlds": {
        "outcomes": ["zero_limit", "followed", "wrongful"],
        "months": 13,
        "borrowers": 12,
        "points": MIXED[2:6],
        "replications": 1,
    },
    "a measure": {"measure": goes_on, "points": MIXED[2:6], "replications": 1},
    "a portfolio": {"portfolio": "clients.csv", "borrowers": None, "points": MIXED[2:], "replications": 1},
    "a rule": {"rules": ["mine.py:smallest_first"], "replications": 1},
}


@pytest.mark.parametrize("sort", SORTS)
def test_a_batch_of_any_mix_leaves_what_each_of_its_runs_leaves_alone(
    sort: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clients.csv").write_text(CLIENTS)
    (tmp_path / "mine.py").write_text(SMALLEST_FIRST)
    monkeypatch.chdir(tmp_path)
    study = mixed(**SORTS[sort])
    job, runs = study.job(), [*study.tasks()]
    alone = {task.run: do(job, [task])[0] for task in runs}
    random.Random(1).shuffle(runs)
    for some in (runs, runs[:5]):
        found = do(job, some)
        assert [one.run for one in found] == [task.run for task in some]
        for one in found:
            before = alone[one.run]
            assert isinstance(one, Done)
            assert isinstance(before, Done)
            assert repr(one.columns) == repr(before.columns)  # nan as nan


def test_a_run_is_said_to_need_what_is_kept_of_it(tmp_path: Path) -> None:
    """Its borrowers, their ties, its months; a portfolio's clients in their place; all counts for a measure; a shadow."""

    def needed(**settings: Any) -> int:
        study = read_study({**WISH, "vary": {"lgd": [0.5]}, "replications": 1, **settings}, measure=measure)
        return bytes_of(study.job(), next(study.tasks()))

    measure = None
    study = read_study({**WISH, "vary": {"lgd": [0.5]}})
    plain, a_borrower = needed(), named("objects").bytes_a_borrower(plan_of((), frozenset())) + A_BORROWER
    assert needed(borrowers=61) - plain == a_borrower
    assert needed(vary={"borrowers": [70, 90]}) - plain == 10 * a_borrower
    assert needed(vary={"network": ["small_world", "ring"]}) - plain == 60 * bytes_of_ties(
        "small_world", study.scenario.acquaintances
    )
    assert needed(months=5) - plain == bytes_of_month(worker.held(study.kept.counts))
    (tmp_path / "ties.csv").write_text("source,target\n0,1\n")
    assert needed(set={"network": "file", "network_file": str(tmp_path / "ties.csv")}) - plain == len("source,target\n0,1\n")
    (tmp_path / "clients.csv").write_text(CLIENTS)
    assert needed(borrowers=None, portfolio=str(tmp_path / "clients.csv")) == needed(borrowers=40)
    assert needed(outcomes=["followed"]) > 2 * plain
    measure = goes_on
    assert needed(months=5) - needed() == bytes_of_month(None)


def test_a_run_that_fails_at_its_beginning_or_in_the_middle_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    study = mixed(vary={}, points=[{"lgd": 0.5}, {"borrowers": 10**12}, {"lgd": 0.6}, {"lgd": 0.7}], replications=1)
    job, runs = study.job(), [*study.tasks()]
    record = Accounts.record
    count = 0

    def failing(accounts: Accounts) -> None:
        nonlocal count
        mine = accounts.simulation.scenario.lgd == 0.6
        count += mine
        if mine and count == 3:
            raise ZeroDivisionError("in the middle")
        record(accounts)

    expected = do(job, [runs[0], runs[3]])
    monkeypatch.setattr(Accounts, "record", failing)
    found = do(job, runs)
    assert [type(one) for one in found] == [Done, Failed, Failed, Done]
    assert [one.columns for one in found if isinstance(one, Done)] == [
        one.columns for one in expected if isinstance(one, Done)
    ]
    assert "borrowers: 1,000,000,000,000 need about" in found[1].error  # type: ignore[union-attr]
    assert found[2].error == "ZeroDivisionError: in the middle"  # type: ignore[union-attr]
    assert "Traceback" in found[2].trace  # type: ignore[union-attr]


def test_a_batch_that_breaks_as_a_whole_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    study = read_study(WISH)
    runs, begin = [*study.tasks()], Batch.begin
    sizes: list[int] = []

    def begun(worlds: Any, **options: Any) -> Batch:
        given = [*worlds]
        sizes.append(len(given))
        if any(seed == 1 and scenario.pool_share == 0.6 and scenario.planned_use == 0.1 for scenario, seed in given):
            raise MemoryError("too many")
        return begin(given, **options)

    monkeypatch.setattr(Batch, "begin", begun)
    found = do(study.job(), runs)
    assert sizes == [8, 4, 2, 2, 1, 1, 4]
    assert [task for task, one in zip(runs, found, strict=True) if isinstance(one, Failed)] == [
        task for task in runs if (task.seed, task.values) == (1, {"pool_share": 0.6, "planned_use": 0.1})
    ]


def test_a_shadow_world_goes_beside_each_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Simulation] = []
    begin = Shadow.__init__
    monkeypatch.setattr(Shadow, "__init__", lambda self, real: (made.append(real), begin(self, real))[1])
    study = read_study({**WISH, "months": 3, "outcomes": ["followed"], "replications": 1})
    assert all(isinstance(one, Done) for one in do(study.job(), [*study.tasks()]))
    assert len(made) == 4


def test_times_of_a_batch_are_shared_by_borrowers() -> None:
    study = mixed(points=[{"borrowers": 20}, {"borrowers": 60}], replications=1)
    small, large = do(study.job(), [*study.tasks()])
    assert large.place.seconds == pytest.approx(3 * small.place.seconds)
    assert 0 < small.place.inside < small.place.seconds


class Reversed(Executor):
    """Does what was handed out in another order: the last one first."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, lambda: function(*arguments, **words)))
        threading.Timer(0.01, self.one).start()
        return future

    def one(self) -> None:
        future, call = self.waiting.pop()
        future.set_result(call())


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch is a part of its own, however many wait to be written."""
    monkeypatch.setattr(sweep, "MOST_VALUES", 0)


def test_the_merged_file_is_the_same_bytes_for_any_size_order_and_number_of_workers(
    tmp_path: Path, cut: Callable[[int], None]
) -> None:
    study = mixed(replications=1)
    found = set()
    for size, workers, executor in ((1, 1, Here()), (3, 2, Reversed()), (7, 1, Here()), (2, 5, Reversed())):
        cut(size)
        out = tmp_path / f"{size}"
        assert sweep.sweep(study, out, workers=workers, executor=executor).done == 7
        assert sum(part.number for part in Folder(out).parts()) == 7
        found.add((out / MERGED).read_bytes())
    assert len(found) == 1


# the ledger


@pytest.mark.usefixtures("apart")
def test_a_part_holds_the_runs_of_a_batch_in_hash_order(tmp_path: Path, cut: Callable[[int], None]) -> None:
    cut(4)
    study = read_study(WISH)
    sweep.sweep(study, tmp_path / "a", executor=Here(), workers=1)
    at = Folder(tmp_path / "a")
    parts = [*at.parts()]
    assert [part.number for part in parts] == [4, 4]
    for part in parts:
        runs = at.read(part, at.must_be_declared())["run"].to_pylist()
        assert runs == sorted(runs)
        assert part.run == runs[0]
        assert part.path.name.startswith(f"{runs[0]}-{part.number}.")


def test_runs_are_put_in_order_a_span_of_hashes_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = mixed(by=["month"])
    sweep.sweep(study, tmp_path / "a", executor=Here(), workers=1)
    whole = (tmp_path / "a" / MERGED).read_bytes()
    at, largest = Folder(tmp_path / "a"), max(part.path.stat().st_size for part in Folder(tmp_path / "a").parts())
    for held in (largest // 2, 500):
        monkeypatch.setattr(folder, "HELD", held)
        at.export(tmp_path / "b.parquet")
        assert (tmp_path / "b.parquet").read_bytes() == whole
    assert [*folder.spans(0)] == [("", "g")]
    assert [*folder.spans(1_600)] == [("", "4000"), ("4000", "8000"), ("8000", "c000"), ("c000", "g")]


@pytest.mark.usefixtures("apart")
def test_a_run_that_two_parts_have_with_the_same_numbers_counts_once(tmp_path: Path, cut: Callable[[int], None]) -> None:
    """As two coordinators leave it, one of which was thought to be gone."""
    study = read_study({**WISH, "outcomes": ["zero_limit", "zero_withdrawn"]})
    for size, out in ((8, "a"), (3, "b")):
        cut(size)
        sweep.sweep(study, tmp_path / out, executor=Here(), workers=1)
    whole = (tmp_path / "a" / MERGED).read_bytes()
    others = [*Folder(tmp_path / "b").parts()]
    assert sorted(part.number for part in others) == [2, 3, 3]
    for part in others:
        shelf = tmp_path / "a" / "parts" / part.path.parent.name
        shelf.mkdir(exist_ok=True)
        part.path.rename(shelf / part.path.name)
    at = Folder(tmp_path / "a")
    assert at.count() == 8
    at.export(tmp_path / "c.parquet")
    assert (tmp_path / "c.parquet").read_bytes() == whole
    (tmp_path / "a" / MERGED).unlink()
    assert sweep.sweep(study, tmp_path / "a", executor=Here(), resume=True).done == 8
    assert not (tmp_path / "a" / "aside").exists()
    assert (tmp_path / "a" / MERGED).read_bytes() == whole


def test_the_loop_that_hands_out_work_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Callable[[int], None]
) -> None:
    """While the first part is being written all other runs are done; then they are written together."""
    cut(1)
    last = threading.Event()
    keep, threads = Folder.keep, set()

    class Telling(Here):
        runs = 0

        def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
            Telling.runs += 1
            future = super().submit(function, *arguments, **words)
            if Telling.runs == 8:
                last.set()
            return future

    def slow(at: Folder, table: Any) -> None:
        threads.add(threading.current_thread())
        assert last.wait(300)
        keep(at, table)

    monkeypatch.setattr(Folder, "keep", slow)
    assert sweep.sweep(read_study(WISH), tmp_path / "a", executor=Telling(), workers=1).done == 8
    assert threading.current_thread() not in threads
    assert len([*Folder(tmp_path / "a").parts()]) < 8


def test_what_waits_is_written_together_and_after_an_error_nothing() -> None:
    written: list[list[int]] = []
    begun, go = threading.Event(), threading.Event()

    def write(some: list[int]) -> None:
        begun.set()
        assert go.wait(300)
        if 9 in some:
            raise OSError("full")
        written.append(some)

    with Writing(write, most=4) as writing:
        writing.give(1, 2)
        assert begun.wait(300)
        for number in (2, 3, 4):
            writing.give(number, 2)
        assert writing.behind
        go.set()
        writing.flush()
        assert written == [[1], [2, 3], [4]]
        assert not writing.behind

    def full() -> None:
        with Writing(write, most=4) as writing:
            writing.give(9, 1)
            writing.flush()
            writing.give(5, 1)

    with pytest.raises(OSError, match="full"):
        full()
    assert written == [[1], [2, 3], [4]]


def test_ctrl_c_while_the_last_is_written_waits_for_it() -> None:
    """Else the process would end while a thread is in Arrow, which aborts it."""
    written: list[list[int]] = []
    joining = threading.Event()

    def write(some: list[int]) -> None:
        assert joining.wait(300)
        for _ in range(2):
            joining.clear()
            while not joining.is_set():  # one that comes as the thread goes to sleep is heard only when it wakes
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # type: ignore[arg-type]
                joining.wait(5)
        written.append(some)

    def join() -> None:
        joining.set()
        threading.Thread.join(writing._thread)

    writing = Writing(write, most=4)
    writing._thread.join = join  # type: ignore[assignment, method-assign]
    with pytest.raises(KeyboardInterrupt), writing:
        writing.give(1, 2)
    assert written == [[1]]
    assert not writing._thread.is_alive()


def test_what_was_finished_is_written_though_the_sweep_is_broken_off(tmp_path: Path, cut: Callable[[int], None]) -> None:
    cut(2)

    class Broken(Here):
        def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
            if arguments[1][0].replication == 1:
                raise KeyboardInterrupt
            return super().submit(function, *arguments, **words)

    with pytest.raises(KeyboardInterrupt):
        sweep.sweep(read_study(WISH), tmp_path / "a", executor=Broken(), workers=1)
    assert Folder(tmp_path / "a").count() in (2, 4)


# batches that kill


def deadly(simulation: Simulation) -> dict[str, float]:
    if (simulation.seed, simulation.scenario.pool_share) == (2, 0.6):
        os._exit(9)
    return {"one": 1.0}


def test_a_batch_that_kills_its_worker_is_halved_and_the_one_run_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Callable[[int], None]
) -> None:
    """Real processes: one with four runs dies, one with two of them, and one with the one."""
    cut(4)
    monkeypatch.setattr(sweep, "ATTEMPTS", 1)
    study = read_study({**WISH, "vary": {"pool_share": [0.2, 0.6]}}, measure=deadly)
    swept = sweep.sweep(study, tmp_path / "a", workers=1)
    assert (swept.done, swept.failed, swept.total) == (3, 1, 4)
    (record,) = (tmp_path / "a" / ERRORS).iterdir()
    told = read_json(record) or {}
    assert (told["seed"], told["values"]) == (2, {"pool_share": 0.6})
    assert told["error"] == "its worker died (killed, or out of memory)"


class KilledWorker(Exception):
    """As Dask's is named."""


class OneDeskForAll(Here):
    """As a worker of Dask's: what it has been given by then dies with what kills it, though it only waits."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.together: list[list[tuple[int, float]]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if not self.waiting:
            threading.Timer(0.2, self.work).start()
        self.waiting.append((future, function, arguments))
        return future

    def work(self) -> None:
        calls, self.waiting = self.waiting, []
        runs = [(task.seed, task.values["pool_share"]) for _, _, arguments in calls for task in arguments[1]]
        self.together.append(runs)
        for future, function, arguments in calls:
            if (2, 0.6) in runs:
                future.set_exception(KilledWorker("a run was at a worker that died"))
            else:
                future.set_result(function(*arguments))


@pytest.mark.parametrize("size", [1, 4])
def test_who_waited_at_a_worker_that_died_does_not_fail_with_who_killed_it(
    tmp_path: Path, cut: Callable[[int], None], size: int
) -> None:
    """Whatever is accused is tried again alone, after all else."""
    cut(size)
    desk = OneDeskForAll()
    study = read_study({**WISH, "vary": {"pool_share": [0.2, 0.6]}, "replications": 4})
    swept = sweep.sweep(study, tmp_path / "a", executor=desk, workers=1)
    assert (swept.done, swept.failed) == (7, 1)
    (record,) = (tmp_path / "a" / ERRORS).iterdir()
    told = read_json(record) or {}
    assert (told["seed"], told["values"], told["error"]) == (2, {"pool_share": 0.6}, "a run was at a worker that died")
    assert [(2, 0.6)] in desk.together


@pytest.mark.slow
def test_a_batch_that_kills_dask_workers_is_halved_too(tmp_path: Path, cut: Callable[[int], None]) -> None:
    pytest.importorskip("distributed")
    cut(4)
    study = read_study({**WISH, "vary": {"pool_share": [0.2, 0.6]}}, measure=deadly)
    swept = sweep.sweep(study, tmp_path / "a", cluster="local", workers=1)
    assert (swept.done, swept.failed) == (3, 1)
    failures = zerolimit.load(tmp_path / "a").failures()
    assert failures["seed"].tolist() == [2]


@pytest.mark.slow
def test_a_dask_worker_that_dask_does_not_start_again_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Callable[[int], None]
) -> None:
    """As where it dies before its nanny knows that it has started: else the sweep would wait for ever."""
    nanny = pytest.importorskip("distributed.nanny").Nanny

    async def leave(self: Any, exitcode: int) -> None:
        await self._unregister()

    monkeypatch.setattr(nanny, "_on_worker_exit", leave)
    cut(1)
    study = read_study({**WISH, "vary": {"pool_share": [0.2, 0.6]}}, measure=deadly)
    with pytest.importorskip("dask").config.set({"distributed.deploy.lost-worker-timeout": "1s"}):
        swept = sweep.sweep(study, tmp_path / "a", cluster="local", workers=1)
    assert (swept.done, swept.failed) == (3, 1)


# progress


def test_what_is_left_is_less_by_what_the_batches_in_flight_have_taken() -> None:
    assert Reached(10, 0, 100, 2.0, 5.0).left == 40.0
    assert Reached(99, 0, 100, 2.0, 5.0).left == 0.0


def test_the_rate_stays_until_the_next_batch_is_due_and_then_falls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 102.0, 103.0, 104.0, 108.0])
    folder_ = Folder(tmp_path / "a")
    study = read_study(WISH)
    sweep.sweep(study, tmp_path / "a", executor=Here())
    one = sweep.Sweep(study, folder_, None, lambda now: None, lambda text: None)  # type: ignore[arg-type]
    one.total = 1_000
    monkeypatch.setattr(sweep, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    one.note(50)
    one.note(50)
    one.note(50)
    soon, late = one.reached(), one.reached()
    assert (soon.rate, soon.since) == (100 / 3, 1.0)
    assert (late.rate, late.since) == (100 / 6, 2.0)


def test_a_worker_of_another_code_is_no_failure_of_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    study = read_study(WISH)
    job = study.job()
    monkeypatch.setattr(worker, "code_hash", lambda: "another")
    with pytest.raises(BadInput, match="has another zerolimit than the coordinator"):
        do(job, [*study.tasks()])
