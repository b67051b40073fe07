"""For tests of user-defined parts: valid scenarios at random, and suites that a rule or an allocation must pass."""

from zerolimit.testing.scenarios import Where, draw_scenario

__all__ = ["Where", "draw_scenario"]
