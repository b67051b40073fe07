"""Platform(mesa.Agent): the lender's pool, accounts and announcements, to be read. Money in yuan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zerolimit.agents.borrower import View
from zerolimit.basics.errors import BadInput
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import FEN
from zerolimit.platform.pool import PER

if TYPE_CHECKING:
    from zerolimit.agents.market import CreditMarket


class Platform(Shown, View):
    """The platform of a CreditMarket, as it stands after the last month. Read only: `market.change(...)` acts on it."""

    unique_id = -1
    """Borrowers count from 0."""

    pos = None
    current_action = None

    def __init__(self, model: CreditMarket, *args: Any, **kwargs: Any) -> None:
        raise BadInput("Platform: a market has one platform, market.platform, and none is made from outside")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(getattr(Platform, name, None), property):
            raise BadInput(f"platform.{name} can only be read; market.change(...) acts from the next month")
        object.__setattr__(self, name, value)
        if name != "model":
            self.model._keep(self)

    def remove(self) -> None:
        raise BadInput("platform: a market without its platform cannot run")

    def _in_short(self) -> str:
        pool = "unlimited" if math.isinf(self.pool) else f"{self.pool:,.0f} yuan"
        return f"platform: pool {pool}, principal {self.principal:,.0f} yuan, tightness {self.tightness:.2f}"

    @property
    def pool(self) -> float:
        """Cap on principal K, yuan; infinite with scarcity off."""
        limit = self.model.simulation.pool.limit
        return math.inf if limit is None else limit / FEN

    @property
    def principal(self) -> float:
        """Principal lent, yuan."""
        return self.model.simulation.principal / FEN

    @property
    def cash(self) -> float:
        """Cash at hand, yuan."""
        return self.model.simulation.pool.cash / FEN

    @property
    def pool_use(self) -> float:
        """Principal over the pool, a share; 0 with scarcity off."""
        return self.principal / self.pool if self.pool else 0.0

    @property
    def overhang(self) -> float:
        """Principal above the pool, yuan."""
        return max(0.0, self.principal - self.pool)

    @property
    def capital(self) -> float:
        """Capital, yuan, before past losses that are not made good (deficit)."""
        return self.model.simulation.pool.capital / FEN

    @property
    def deficit(self) -> float:
        """Past losses not made good yet, yuan."""
        return self.model.simulation.pool.deficit / FEN

    @property
    def leverage(self) -> float:
        """Leverage cap in force, times capital."""
        return self.model.simulation.pool.leverage

    @property
    def own_share(self) -> float:
        """Own share of new joint loans in force."""
        return self.model.simulation.pool.own_share

    @property
    def own_funds(self) -> float:
        """Own funds for joint loans, yuan."""
        return self.model.simulation.pool.own_funds / FEN

    @property
    def partner_lines(self) -> float:
        """What partners lend alone, at most, yuan."""
        return self.model.simulation.pool.partner_lines / FEN

    @property
    def planned_use(self) -> float:
        """Expected use of open lines for the next decision, a share."""
        return self.model.simulation.pool.planned_use() / PER

    @property
    def tightness(self) -> float:
        """Tightness in force, 0 to 1."""
        return self.model.simulation.terms["tightness"]

    @property
    def cutoff(self) -> float:
        """Risk score below which there is no line, with the shift in force, points."""
        return self.model.simulation.terms["cutoff"] + self.model.simulation.terms["cutoff_shift"]

    @property
    def macro(self) -> float:
        """Macro index, 0 is normal."""
        return self.model.simulation.books.value("macro")

    @property
    def interest(self) -> float:
        """Interest received since the start, yuan."""
        return self.model.simulation.pool.accounts.interest / FEN

    @property
    def written_off(self) -> float:
        """Principal written off since the start, yuan."""
        return self.model.simulation.pool.accounts.written_off / FEN

    @property
    def recovered(self) -> float:
        """Recovered of what was written off, since the start, yuan."""
        return self.model.simulation.pool.accounts.recovered / FEN

    @property
    def costs(self) -> float:
        """Costs since the start, funding included, yuan."""
        return self.model.simulation.pool.accounts.costs / FEN

    @property
    def distributed(self) -> float:
        """Net income distributed since the start, yuan."""
        return self.model.simulation.pool.accounts.distributed / FEN
