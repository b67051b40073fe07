"""Markets live and die well: copies and pickles, memory given back, other processes, several threads."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pytest

import zerolimit
from zerolimit import Borrower, CreditMarket, Simulation, load_scenario, rule
from zerolimit.basics.errors import BadInput
from zerolimit.rules.rule import clip
from zerolimit.vocabulary.fields import STATE

ENGINES = [("objects", 60), ("compiled", 20_000)]
"""With so many borrowers two threads have something to do."""


@rule("risk", after="score")
def sour(risk: float) -> float:
    """Everybody is a little riskier than the score says."""
    return clip(risk - 5.0, 0.0, 1000.0)


class Stubborn(Borrower):
    """Remembers, in attributes of its own, what Mesa's and Python's clocks gave it."""

    def __init__(self, model: Any, *args: Any, **given: Any) -> None:
        super().__init__(model, *args, **given)
        self.patience = 3

    def ask(self) -> None:
        self.asked_in = self.model.month
        super().ask()


class Watched(CreditMarket):
    """A market with attributes, a step and a clock of its own."""

    def __init__(self, **given: Any) -> None:
        super().__init__("defaults", seed=5, engine="objects", borrowers=40, **given)
        self.seen: list[int] = []
        self.bells: list[float] = []
        self.lucky = self.borrower(3)
        self.schedule_recurring(self.ring, mesa.time.Schedule(interval=2.0))

    def ring(self) -> None:
        self.bells.append(self.time)

    def step(self) -> None:
        super().step()
        self.seen.append(self.month)


def make(engine: str, size: int, **given: Any) -> CreditMarket:
    return CreditMarket(**{"scenario": "defaults", "seed": 7, "borrowers": size, "engine": engine, "threads": 2, **given})


def state(market: Any) -> list[bytes]:
    """Every field of every borrower, and what was recorded, to the bit."""
    world = getattr(market, "simulation", market)
    columns = [np.asarray(world.engine.raw(field.name, 0)).tobytes() for field in STATE]
    months = [
        repr((one.month, one.platform, {k: v.tolist() for k, v in one.counts.items()})).encode() for one in world.history
    ]
    return columns + months


def pickled(what: Any) -> Any:
    return pickle.loads(pickle.dumps(what))


COPIES = {"copy": lambda one: one.copy(), "copy.copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": pickled}


@pytest.fixture(scope="module", params=ENGINES, ids=[name for name, _ in ENGINES])
def half(request: pytest.FixtureRequest) -> tuple[CreditMarket, list[bytes]]:
    """A market after two months, and how it stands after four."""
    market = make(*request.param)
    market.run(2)
    return market, state(make(*request.param).run(4))


@contextmanager
def without_collector() -> Iterator[None]:
    """Nothing is freed but by its last name."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# copies


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_goes_on_like_the_original_and_alone(half: tuple[CreditMarket, list[bytes]], how: str) -> None:
    market, future = half
    before, drawn = state(market), market.random.getstate()
    twin = COPIES[how](market)
    assert twin.simulation is not market.simulation
    assert twin.random.random() == copy.deepcopy(market.random).random()
    assert twin.rng.random() == copy.deepcopy(market.rng).random()
    twin.run(2)
    assert state(twin) == future
    assert (twin.month, twin.time, len(twin.datacollector.get_model_vars_dataframe())) == (4, 4.0, 4)
    assert (state(market), market.random.getstate(), market.month) == (before, drawn, 2)
    assert len(market.datacollector.get_model_vars_dataframe()) == 2
    assert state(market.copy().run(2)) == future


@pytest.mark.parametrize("how", COPIES)
def test_a_simulation_alone_too(half: tuple[CreditMarket, list[bytes]], how: str) -> None:
    market, future = half
    twin = COPIES[how](market.simulation)
    assert state(twin.run(2)) == future
    assert market.month == 2


@pytest.mark.parametrize("how", COPIES)
def test_a_subclass_takes_everything_along(how: str) -> None:
    """Attributes, its clock's events, its own borrowers and what was set on them: bound to the copy."""
    market = Watched(borrower_class=Stubborn, rules=[sour]).run(3)
    ones = market.agents[:3]
    ones[0].friend, ones[0].patience, market.platform.note = ones[1], 9, "mine"
    twin = COPIES[how](market)
    assert (twin.seen, twin.bells) == ([1, 2, 3], [2.0])
    assert twin.seen is not market.seen
    assert twin.lucky.model is twin
    assert twin.lucky is twin._borrower_by_id(3)
    twins = [twin.borrower(one.unique_id) for one in ones]
    assert twins[0].friend is twins[1]
    assert (twins[0].patience, twins[2].patience, twin.platform.note) == (9, 3, "mine")
    assert twin.scenario.model is twin

    def asked(one: CreditMarket) -> dict[int, int]:
        return {agent.unique_id: getattr(agent, "asked_in", -1) for agent in one.agents}

    before = asked(market)
    twin.run(2)
    assert asked(market) == before
    assert max(asked(twin).values()) == 4
    market.run(2)
    assert asked(market) == asked(twin)
    assert (twin.seen, twin.bells) == (market.seen, market.bells) == ([1, 2, 3, 4, 5], [2.0, 4.0])
    assert state(twin) == state(market)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_of_a_borrower_is_the_borrower_of_a_copied_market(how: Any) -> None:
    market = make("objects", 40).run(2)
    one = market.borrower(3)
    one.mood = ["calm"]
    twin = how(one)
    assert twin.model is not market
    assert twin.model.borrower(3) is twin
    assert (twin.unique_id, twin.cash, twin.mood) == (3, one.cash, ["calm"])
    assert twin.mood is not one.mood
    twin.cash += 100
    assert twin.cash == one.cash + 100
    both = how([market, one])
    assert both[0].borrower(3) is both[1] or how is copy.copy


def test_copies_say_so_and_pickles_are_the_market_itself() -> None:
    market = make("objects", 40).run(2)
    for how in ("copy", "copy.copy", "deepcopy"):
        assert COPIES[how](market).simulation.changes == [{"month": 2, "copied": True}]
    assert pickled(market).simulation.changes == []


def test_who_looks_on_is_left_behind() -> None:
    market = make("objects", 40).run(1)
    seen: list[Any] = []

    class Listener:
        def hear(self, signal: Any) -> None:
            seen.append(signal)

    listener = Listener()
    market.observe("time", "changed", listener.hear)
    market.simulation.watch = lambda stage, rows: seen.append(stage)
    twin = pickled(market)
    twin.run(1)
    assert seen == []
    assert twin.simulation.watch is None
    market.step()
    assert len(seen) > 1


def test_a_pickle_goes_on_in_another_process(tmp_path: Path, half: tuple[CreditMarket, list[bytes]]) -> None:
    market, future = half
    (tmp_path / "market.pickle").write_bytes(pickle.dumps(market))
    code = (
        "import pickle, sys; m = pickle.load(open('market.pickle', 'rb')).run(2); pickle.dump(m, open('later.pickle', 'wb'))"
    )
    package = {"PYTHONPATH": str(Path(zerolimit.__file__).parent.parent)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, **package}, check=True, timeout=300)
    assert state(pickle.loads((tmp_path / "later.pickle").read_bytes())) == future


def test_what_pickle_cannot_find_again_it_says() -> None:
    @rule("risk", after="score")
    def local(risk: float) -> float:
        return risk

    with pytest.raises(pickle.PicklingError, match="rule local: pickle finds rules by name"):
        pickle.dumps(make("objects", 40, rules=[local]))
    assert copy.deepcopy(make("objects", 40, rules=[local])).run(1).month == 1


def test_another_version_does_not_go_on_with_a_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = pickle.dumps(make("objects", 40))
    monkeypatch.setattr("zerolimit.run.simulation.source_hash", lambda: "another")
    with pytest.raises(BadInput, match="pickle: made by another version"):
        pickle.loads(saved)


def test_what_is_left_of_a_market_says_that_it_is_gone() -> None:
    world = make("objects", 40, borrower_class=Stubborn).simulation
    with pytest.raises(BadInput, match="market: it is gone"):
        world.step()


def test_slots_of_a_borrowers_own_are_refused() -> None:
    class Slotted(Borrower):
        __slots__ = ("mood",)

    with pytest.raises(BadInput, match=r"Slotted\.__slots__"):
        make("objects", 40, borrower_class=Slotted)


# memory


@pytest.mark.parametrize(("engine", "size"), ENGINES)
def test_memory_is_given_back_with_the_last_name(engine: str, size: int) -> None:
    threads = {*threading.enumerate()}
    with without_collector():
        market = make(engine, size)
        market.run(2)
        market.borrower(3).note = "kept"
        sum(one.cash for one in market.agents.select(at_most=5))
        market.agents_by_type[type(market.platform)].do("step")
        market.datacollector = mesa.DataCollector(model_reporters={"use": "month"}, agent_reporters={"cash": "cash"})
        market.run(1)
        market.datacollector.get_agent_vars_dataframe()
        others = [market.copy(), market.copy()]
        world = market.simulation
        parts = [*world.engine.arrays.values()] if engine == "compiled" else []
        dead = [weakref.ref(one) for one in (market, world, world.engine, market.platform, *parts, *others)]
        del market, world, parts, others
        assert [one() for one in dead] == [None] * len(dead)
        until = time.monotonic() + 300.0
        while more := {*threading.enumerate()} - threads:
            assert time.monotonic() < until, more
            time.sleep(0.01)


def test_memory_of_a_subclass_too() -> None:
    with without_collector():
        market = Watched(borrower_class=Stubborn)
        del market.lucky  # a borrower held by its market keeps it alive, as an agent does in Mesa
        market.run(2)
        dead = [weakref.ref(one) for one in (market, market.simulation, market.simulation.engine)]
        del market
        assert [one() for one in dead] == [None] * 3


def test_what_is_set_on_a_borrower_stays_without_the_object() -> None:
    market = make("objects", 40, borrower_class=Stubborn)
    market.borrower(3).patience = 8
    with without_collector():
        gone = weakref.ref(market.borrower(3))
        assert gone() is None
    assert market.borrower(3).patience == 8
    assert market.borrower(3).unique_id == 3


def test_engines_of_a_process_share_their_threads() -> None:
    markets = [make("compiled", 20_000) for _ in range(5)]
    before = threading.active_count()
    for market in markets:
        market.run(1)
    assert threading.active_count() <= before + 2


# other processes and threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_runs_on(half: tuple[CreditMarket, list[bytes]]) -> None:
    market, future = half
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(state(market.run(2)), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    deadline = threading.Timer(600.0, os.kill, (child, 9))
    deadline.start()
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    deadline.cancel()
    assert told, "the child did not end"
    assert pickle.loads(told) == future
    assert market.month == 2
    assert state(market.copy().run(2)) == future


def test_several_threads_are_refused() -> None:
    inside, go = threading.Event(), threading.Event()

    class Slow(Borrower):
        def earn(self) -> None:
            if not inside.is_set():
                inside.set()
                go.wait(300.0)
            super().earn()

    market = make("objects", 40, borrower_class=Slow)
    runner = threading.Thread(target=market.run, args=(2,))
    runner.start()
    try:
        assert inside.wait(300.0)
        for what in (market.step, market.run, lambda: market.run_for(1), market.simulation.step, market.copy):
            with pytest.raises(BadInput, match=r"^(step|copy): a month is being run, by another thread"):
                what()
        for how in COPIES.values():
            with pytest.raises(BadInput, match=r"^copy: a month is being run"):
                how(market.simulation)
    finally:
        go.set()
        runner.join()
    assert state(market) == state(make("objects", 40).run(2))


def test_a_phase_cannot_run_the_month_that_it_is_in() -> None:
    class Recursive(Borrower):
        def ask(self) -> None:
            self.model.step()

    with pytest.raises(BadInput, match="by one of its own phases"):
        make("objects", 40, borrower_class=Recursive).run(1)


def test_a_step_that_failed_leaves_the_market_free() -> None:
    market = make("objects", 40)
    market.simulation.watch = lambda stage, rows: 1 / 0
    with pytest.raises(ZeroDivisionError):
        market.step()
    with pytest.raises(ZeroDivisionError):
        market.simulation.step()


def test_simulations_of_their_own_run_side_by_side() -> None:
    worlds = [Simulation(load_scenario("defaults", borrowers=20_000), 7, engine="compiled", threads=2) for _ in range(2)]
    runners = [threading.Thread(target=world.run, args=(2,)) for world in worlds]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert state(worlds[0]) == state(worlds[1]) == state(make("compiled", 20_000).run(2))
