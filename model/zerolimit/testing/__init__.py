"""For tests of user-defined parts: valid scenarios at random, and suites that a cap, a rule or an allocation must pass."""

from zerolimit.testing.allocation import check_allocation
from zerolimit.testing.caps import check_cap
from zerolimit.testing.rules import check_rule
from zerolimit.testing.scenarios import Where, draw_scenario

__all__ = ["Where", "check_allocation", "check_cap", "check_rule", "draw_scenario"]
