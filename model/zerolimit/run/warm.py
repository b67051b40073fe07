"""python -m zerolimit.run.warm: compile the ordinary month into the cache, so that what follows starts at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from zerolimit.engine.registry import AUTO, chosen
from zerolimit.platform import steps

if TYPE_CHECKING:
    from zerolimit.engine.base import Engine


def prepare(engine: type[Engine], say: Callable[[str], None]) -> None:
    """What can be compiled once for all runs on an engine, before there are processes that run it."""
    engine.prepare(say)
    steps.prepare()


if __name__ == "__main__":
    prepare(chosen(AUTO, 10**6, user_rules=False), print)
