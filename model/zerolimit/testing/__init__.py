"""For tests of user-defined parts: valid scenarios at random, and the suites that each must pass."""

from zerolimit.testing.allocation import check_allocation
from zerolimit.testing.caps import check_cap
from zerolimit.testing.engines import check_engine
from zerolimit.testing.rules import check_rule
from zerolimit.testing.scenarios import Where, draw_scenario

__all__ = ["Where", "check_allocation", "check_cap", "check_engine", "check_rule", "draw_scenario"]
