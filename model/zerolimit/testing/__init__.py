"""For tests of user-defined parts: valid scenarios at random, and suites that an engine or a rule must pass."""

from zerolimit.testing.engines import check_engine
from zerolimit.testing.scenarios import Where, draw_scenario

__all__ = ["Where", "check_engine", "draw_scenario"]
