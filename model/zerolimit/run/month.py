"""One month: the table of phases (zerolimit/month.py) run in its order, whoever answers for the platform.

Three platforms answer: the live one (run/phases.py), the one recorded, beside which one borrower's path is taken again
(explanation/borrower_path.py), and the one that keeps the lines of those who lost theirs (explanation/kept_lines.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar, Protocol

from zerolimit.engine.base import Result
from zerolimit.engine.plan import Plan

CALLED_BY = frozenset({"campaign", "hear", "restore"})
"""Lists that a platform phase calls itself when it needs them."""


class World(Protocol):
    """Borrowers who can be taken through a stage: a simulation's, or one borrower's path again."""

    plan: Plan

    def through(self, stage: str) -> Result | None:
        """Every borrower through a stage; gives its totals and lists, where somebody reads them."""


class Platform:
    """Answers the platform's phases of one month, each by a method with the name of its stage in month.MONTH."""

    silent: ClassVar[frozenset[str]] = frozenset()
    """Phases at which this platform does nothing."""

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        """What the borrowers' stages left so far, by stage."""

    def after(self, stage: str) -> None:
        """After each of the platform's phases."""

    def end(self) -> None:
        """When the month is over."""


class Month:
    """The phases of one month that are left to run."""

    def __init__(self, world: World, platform: Platform) -> None:
        self.platform = platform
        self.steps = [
            (stage, self._stage(world, stage) if borrowers else self._phase(stage)) for stage, borrowers in order(world.plan)
        ]

    def run(self, last: str | None = None) -> None:
        """What is left, or what is left up to the stage `last`."""
        while self.steps:
            stage, step = self.steps.pop(0)
            step()
            if stage == last:
                return

    def _stage(self, world: World, stage: str) -> Callable[[], None]:
        """A stage for every borrower."""

        def step() -> None:
            result = world.through(stage)
            if result is not None:
                self.platform.results[stage] = result

        return step

    def _phase(self, stage: str) -> Callable[[], None]:
        """A phase of the platform; TypeError where it has no answer to it."""
        platform = self.platform
        answer = None if stage in platform.silent else getattr(platform, stage, None)
        if answer is None and stage not in platform.silent:
            raise TypeError(f"{type(platform).__name__}: no answer to the platform's phase {stage!r} of month.MONTH")

        def step() -> None:
            if answer is not None:
                answer()
            platform.after(stage)

        return step


@lru_cache(64)
def order(plan: Plan) -> list[tuple[str, bool]]:
    """Each stage and each phase of the platform once, in the order of the table, and whether it is for every borrower."""
    found: dict[str, bool] = {}
    for phase in plan.phases:
        if phase.stage not in CALLED_BY:
            found.setdefault(phase.stage, bool(phase.rules) and not phase.listed)
    return list(found.items())
