"""zerolimit: why a borrower who repays on time finds a credit limit of zero.

    from zerolimit import CreditMarket
    market = CreditMarket("jiebei-2020", seed=7, borrowers=50_000).run(months=36)
    market.rate("zero_limit", by="month").plot()

Names are loaded when first used, so that importing the package stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from zerolimit import study
    from zerolimit.borrower import Borrower
    from zerolimit.errors import BadInput
    from zerolimit.lender import Platform
    from zerolimit.market import CreditMarket
    from zerolimit.notice import explain
    from zerolimit.portfolio import read_portfolio
    from zerolimit.results.store import load
    from zerolimit.rules.rule import rule
    from zerolimit.scenario import Scenario, load_scenario
    from zerolimit.simulation import Simulation
    from zerolimit.story import tell
    from zerolimit.study.attribution import attribute
    from zerolimit.study.comparison import compare

_HOMES = {
    "BadInput": "errors",
    "Borrower": "borrower",
    "CreditMarket": "market",
    "Platform": "lender",
    "Scenario": "scenario",
    "Simulation": "simulation",
    "attribute": "study.attribution",
    "compare": "study.comparison",
    "explain": "notice",
    "load": "results.store",
    "load_scenario": "scenario",
    "read_portfolio": "portfolio",
    "rule": "rules.rule",
    "tell": "story",
}

__all__ = [
    "BadInput",
    "Borrower",
    "CreditMarket",
    "Platform",
    "Scenario",
    "Simulation",
    "attribute",
    "compare",
    "explain",
    "load",
    "load_scenario",
    "read_portfolio",
    "rule",
    "study",
    "tell",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"zerolimit.{_HOMES[name]}"), name)
    if name == "study":
        return import_module("zerolimit.study")
    raise AttributeError(f"module 'zerolimit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
