"""Several worlds run together, month by month: each is equal bit for bit to the same world run alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from zerolimit.parameters.scenario import Scenario
from zerolimit.run.simulation import Simulation


class Batch:
    """Worlds in the same month, by number. One that fails is left behind with its error, and the others go on."""

    def __init__(self, worlds: Mapping[int, Simulation], failures: Mapping[int, Exception] | None = None) -> None:
        self.worlds = dict(worlds)
        """Those that are alive."""
        self.failures = dict(failures or {})
        """What the others failed with."""

    @classmethod
    def begin(cls, worlds: Iterable[tuple[Scenario, int]], **options: Any) -> Batch:
        """Worlds that begin, each with its scenario and seed; `options` are those of Simulation, the same for all."""
        found: dict[int, Simulation] = {}
        failures: dict[int, Exception] = {}
        for number, (scenario, seed) in enumerate(worlds):
            try:
                found[number] = Simulation(scenario, seed, **options)
            except Exception as error:
                failures[number] = error
        return cls(found, failures)

    @classmethod
    def of(cls, simulations: Sequence[Simulation]) -> Batch:
        """Worlds that have been begun, and are in the same month."""
        return cls(dict(enumerate(simulations)))

    def step(self) -> None:
        """One month of all worlds."""
        for number, one in list(self.worlds.items()):
            try:
                one.step()
            except Exception as error:
                self.failures[number] = error
                del self.worlds[number]

    def run(self, months: int, after: Callable[[Batch], None] | None = None) -> Batch:
        """More months; `after` is called when each is over."""
        for _ in range(months):
            self.step()
            if after is not None:
                after(self)
        return self

    def close(self) -> None:
        """Let go of threads."""
        for one in self.worlds.values():
            one.close()
