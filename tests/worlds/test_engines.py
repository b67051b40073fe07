"""Engines by name: ours pass the suite that anybody's must pass, and the suite finds what is wrong."""

from typing import Any

import numpy as np
import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.engine import registry
from zerolimit.engine.base import Array, Engine, Result
from zerolimit.engine.objects import Objects
from zerolimit.engine.registry import OURS, engine
from zerolimit.engine.rows import Rows
from zerolimit.parameters.scenario import load_scenario
from zerolimit.run.simulation import Simulation
from zerolimit.testing import check_engine


@pytest.fixture
def another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that a test declares are gone after it."""
    monkeypatch.setattr(registry, "DECLARED", {**registry.DECLARED, "objects": Objects})


class Asks(Engine):
    """What engine/base.py asks to be implemented, and nothing else: here by asking another engine."""

    def __init__(self, plan: Any, terms: Any, seeds: Any, sizes: Any, options: Any = None) -> None:
        super().__init__(plan, terms, seeds, sizes, options)
        self.other = Objects(plan, terms, seeds, sizes, options)

    def raw(self, name: str, month: int) -> Array:
        return self.other.raw(name, month)

    def put_raw(self, name: str, rows: Array | slice, values: Any, month: int) -> None:
        self.other.put_raw(name, rows, values, month)

    def stage(self, name: str, month: int, terms: Array) -> Result:
        return self.other.stage(name, month, terms)

    def listed(self, name: str, rows: Rows | Array, month: int, terms: Array) -> Array:
        return self.other.listed(name, rows, month, terms)


@pytest.mark.parametrize("name", OURS)
def test_our_engines_pass_the_suite(name: str) -> None:
    check_engine(name)


@pytest.mark.usefixtures("another")
def test_an_engine_of_five_methods_runs_and_passes() -> None:
    engine("asks")(Asks)
    check_engine(Asks, scenarios=1)
    assert Simulation(load_scenario("defaults", borrowers=20), 1, engine="asks").run(2).engine.name == "asks"


class Unfair(Objects):
    """Serves whoever comes first in the list, of those who stand alike."""

    def lottery(self, *whom: Any) -> Any:
        return lambda positions: np.zeros(len(positions), np.uint64)


class Forgets(Objects):
    """A copy shares its trunk's rows."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class Careless(Objects):
    """Takes any row."""

    def slots(self, rows: Rows) -> Rows:
        return Rows(np.asarray(rows.at, np.int64) % self.size, rows.starts)


class Late(Objects):
    """Loses the last borrower of a selection."""

    def where(self, name: str, value: float, month: int) -> Rows:
        return Rows.alone(super().where(name, value, month).at[:-1])


class Blind(Objects):
    """Draws by row, whoever the client is."""

    def words(self, purpose: str, rows: Rows | Array, month: int) -> Array:
        keys, self.keys = self.keys, None
        try:
            return super().words(purpose, rows, month)
        finally:
            self.keys = keys


@pytest.mark.usefixtures("another")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Unfair, "engine wrong"),
        (Forgets, "copied"),
        (Careless, "read takes row 60 of 60"),
        (Late, "engine wrong"),
        (Blind, "clients with keys"),
    ],
)
def test_the_suite_finds_what_is_wrong(kind: type[Engine], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_engine(engine("wrong")(kind), scenarios=0)


@pytest.mark.usefixtures("another")
def test_a_name_is_declared_once_and_every_method_is_there() -> None:
    for name in ("objects", "compiled", "auto"):
        with pytest.raises(BadInput, match=f"engine {name}: declared twice, by .* and by .*Unfair"):
            engine(name)(Unfair)
    assert engine("mine")(Unfair) is engine("mine")(Unfair)
    with pytest.raises(BadInput, match=r"engine mine: declared twice, by .*Unfair and by .*Late"):
        engine("mine")(Late)
    with pytest.raises(BadInput, match=r"engine half: .*Half does not implement listed, put_raw, raw, stage \(engine/base"):

        @engine("half")
        class Half(Engine):
            pass

    with pytest.raises(BadInput, match=r"engine: 'object' is not one of auto, compiled, objects, .*did you mean 'objects'"):
        Simulation(load_scenario("defaults", borrowers=20), 1, engine="object")
