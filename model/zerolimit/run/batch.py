"""Several worlds run together, month by month: each is equal bit for bit to the same world run alone.

Worlds stand in one set of columns where the same code runs them: scenario, seed, number of borrowers, calendar, mechanisms
and allocation are each world's own. What parts them are user-defined rules, overridden rules, and clients with and without
keys; then there are several sets, and nobody needs to know.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from zerolimit.basics.errors import BadInput
from zerolimit.parameters.scenario import Scenario
from zerolimit.run.simulation import Simulation, available_memory, begin_together
from zerolimit.run.together import Together, joined


class Batch:
    """Worlds in the same month, by number. One that fails is left behind with its error, and the others go on."""

    def __init__(
        self, sets: Iterable[Together], numbers: Iterable[Sequence[int]], failures: Mapping[int, Exception]
    ) -> None:
        self.sets = list(sets)
        """The worlds that share an engine."""
        self.numbers = [list(some) for some in numbers]
        """Their numbers."""
        self.failures = dict(failures)
        """What the others failed with."""
        self._drop_failed()

    @classmethod
    def begin(cls, worlds: Iterable[tuple[Scenario, int]], **options: Any) -> Batch:
        """Worlds that begin, each with its scenario and seed; `options` are those of Simulation, the same for all."""
        declared: dict[int, Simulation] = {}
        failures: dict[int, Exception] = {}
        free = available_memory()
        for number, (scenario, seed) in enumerate(worlds):
            try:
                one = Simulation(scenario, seed, begin=False, **options)
                one.refuse_size(free)
                declared[number] = one
            except Exception as error:
                failures[number] = error
        parts = parted(declared, lambda one: (one.kind, id(one.plan), one.options.keys is None, one.month, *alone(one)))
        sets = []
        for numbers in parts:
            try:
                sets.append(begin_together([declared[number] for number in numbers]))
            except Exception as error:
                if len(numbers) > 1:
                    raise
                failures |= dict.fromkeys(numbers, error)
                numbers.clear()
        found = cls(sets, [numbers for numbers in parts if numbers], failures)
        found.warm_up()
        return found

    def warm_up(self) -> None:
        """The months before month 0, of which no results tell."""
        while any(some.month < 0 for some in self.sets):
            self._step([some.month < 0 for some in self.sets])
        for some in self.sets:
            some.forget()

    @classmethod
    def of(cls, simulations: Sequence[Simulation]) -> Batch:
        """Worlds that have been begun, and are in the same month. BadInput: they are in different ones."""
        worlds = dict(enumerate(simulations))
        if len({one.month for one in worlds.values()}) > 1:
            raise BadInput("worlds: they are in different months; a batch begins with all in one")
        parts = parted(
            worlds, lambda one: (one.kind, id(one.plan), one.engine.keys is None, one.engine.warm_up, *alone(one))
        )
        return cls([joined([worlds[number] for number in numbers]) for numbers in parts], parts, {})

    @property
    def worlds(self) -> dict[int, Simulation]:
        """Those that are alive, by number."""
        found = {
            number: one
            for some, numbers in zip(self.sets, self.numbers, strict=True)
            for number, one in zip(numbers, some.worlds, strict=True)
        }
        return dict(sorted(found.items()))

    def fail(self, number: int, error: Exception) -> None:
        """Leave a world behind."""
        for some, numbers in zip(self.sets, self.numbers, strict=True):
            if number in numbers:
                some.failures[numbers.index(number)] = error
        self._drop_failed()

    def step(self) -> None:
        """One month of all worlds."""
        self._step([True] * len(self.sets))

    def _step(self, which: Sequence[bool]) -> None:
        """One month of some sets."""
        for some, numbers, wanted in zip(self.sets, self.numbers, which, strict=True):
            if not wanted:
                continue
            try:
                some.step()
            except Exception as error:
                if len(numbers) > 1:
                    raise
                some.failures[0] = error
        self._drop_failed()

    def _drop_failed(self) -> None:
        """Go on without the worlds that have failed."""
        there = []
        for some, numbers in zip(self.sets, self.numbers, strict=True):
            self.failures |= {numbers[at]: error for at, error in some.failures.items()}
            left = dict(some.alive())
            if left:
                again = joined(list(left.values())) if some.failures else some
                there.append((again, [numbers[at] for at in left]))
        self.sets, self.numbers = [some for some, _ in there], [numbers for _, numbers in there]

    def run(self, months: int, after: Callable[[Batch], None] | None = None) -> Batch:
        """More months; `after` is called when each is over."""
        for _ in range(months):
            self.step()
            if after is not None:
                after(self)
        return self

    def close(self) -> None:
        """Let go of threads."""
        for some in self.sets:
            some.engine.close()


def alone(one: Simulation) -> tuple[int, ...]:
    """What keeps a world apart from all others, if anything does: its engine, methods in place of rules, a panel."""
    overrides = one.options.overrides if hasattr(one, "options") else one.engine.overrides
    kept = hasattr(one, "engine") and len(one.kept_rows) > 0
    return (id(one),) if overrides or kept or one.watch is not None or not one.kind.several else ()


def parted(worlds: Mapping[int, Simulation], key: Callable[[Simulation], Hashable]) -> list[list[int]]:
    """The numbers of worlds that can share an engine."""
    found: dict[Hashable, list[int]] = {}
    for number, one in worlds.items():
        found.setdefault((key(one), one.sharing), []).append(number)
    return list(found.values())
