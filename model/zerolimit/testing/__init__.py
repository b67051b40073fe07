"""For tests of user-defined parts: valid scenarios at random, and suites that a cap or an engine must pass."""

from zerolimit.testing.caps import check_cap
from zerolimit.testing.engines import check_engine
from zerolimit.testing.scenarios import Where, draw_scenario

__all__ = ["Where", "check_cap", "check_engine", "draw_scenario"]
