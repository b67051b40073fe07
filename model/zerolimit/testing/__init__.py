"""For tests of user-defined parts: valid scenarios at random, and suites that a rule or an allocation must pass."""

from zerolimit.testing.caps import check_cap
from zerolimit.testing.scenarios import Where, draw_scenario

__all__ = ["Where", "check_cap", "draw_scenario"]
