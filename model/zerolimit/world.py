"""Step 1: the economy, sector trends, and the dated calendar. The same world for every engine."""

from __future__ import annotations

from dataclasses import dataclass, field

from zerolimit.draws import WORLD, uniform
from zerolimit.names import SECTORS
from zerolimit.rules.rule import clip, normal
from zerolimit.scenario import CALENDAR_KINDS, CalendarItem, Scenario


@dataclass
class World:
    """Macro index (0 is normal, -1 the deepest slump), sector trends, and what the calendar has set so far."""

    seed: int
    macro: float = 0.0
    slumping: bool = False
    trends: list[float] = field(default_factory=lambda: [0.0] * len(SECTORS))
    in_force: dict[str, float] = field(default_factory=dict)

    def move(self, month: int, scenario: Scenario) -> list[CalendarItem]:
        """One month on; returns the calendar's items of the month whose mechanism is on.

        autoregressive: x' = persistence x + volatility z. regimes: x falls towards -regime_depth while a slump lasts.
        """
        z = normal(self.draw(month, "u_macro"))
        centre = 0.0
        if scenario.macro_model == "regimes":
            u = self.draw(month, "u_regime")
            self.slumping = u >= scenario.regime_end if self.slumping else u < scenario.regime_start
            centre = -scenario.regime_depth if self.slumping else 0.0
        kept = scenario.macro_persistence
        self.macro = clip(centre + kept * (self.macro - centre) + scenario.macro_volatility * z, -1.0, 1.0)
        for k in range(len(SECTORS)):
            shock = scenario.sector_volatility * normal(self.draw(month, f"u_sector_{k}"))
            self.trends[k] = clip(scenario.sector_persistence * self.trends[k] + shock, -1.0, 1.0)
        due = [
            item for item in scenario.calendar if item.month == month and CALENDAR_KINDS[item.kind][0] not in scenario.off
        ]
        for item in due:
            if item.kind == "macro":
                self.macro = clip(self.macro + item.value, -1.0, 1.0)
            else:
                self.in_force[item.kind] = item.value
        return due

    def draw(self, month: int, purpose: str) -> float:
        return uniform(self.seed, WORLD, 0, month, purpose)
