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
    from zerolimit.agents.borrower import Borrower
    from zerolimit.agents.lender import Platform
    from zerolimit.agents.market import CreditMarket
    from zerolimit.basics.errors import BadInput
    from zerolimit.explanation.kept_lines import wrongful
    from zerolimit.explanation.notice import explain
    from zerolimit.explanation.story import tell
    from zerolimit.parameters.scenario import Scenario, load_scenario
    from zerolimit.portfolio.portfolio import read_portfolio
    from zerolimit.research.bands import bands
    from zerolimit.research.events import event_study
    from zerolimit.research.survival import survival
    from zerolimit.results.moments import histogram, moment
    from zerolimit.results.ready_moments import moments
    from zerolimit.rules.rule import rule
    from zerolimit.run.simulation import Simulation
    from zerolimit.study.attribution import attribute
    from zerolimit.study.comparison import compare
    from zerolimit.study.results import load
    from zerolimit.study.sweep import run_study as study
    from zerolimit.study.worlds import worlds
    from zerolimit.validation.validate import validate

_HOMES = {
    "BadInput": "basics.errors",
    "Borrower": "agents.borrower",
    "CreditMarket": "agents.market",
    "Platform": "agents.lender",
    "Scenario": "parameters.scenario",
    "Simulation": "run.simulation",
    "attribute": "study.attribution",
    "bands": "research.bands",
    "compare": "study.comparison",
    "event_study": "research.events",
    "explain": "explanation.notice",
    "histogram": "results.moments",
    "load": "study.results",
    "load_scenario": "parameters.scenario",
    "moment": "results.moments",
    "moments": "results.ready_moments",
    "read_portfolio": "portfolio.portfolio",
    "rule": "rules.rule",
    "survival": "research.survival",
    "tell": "explanation.story",
    "validate": "validation.validate",
    "worlds": "study.worlds",
    "wrongful": "explanation.kept_lines",
}

__all__ = [
    "BadInput",
    "Borrower",
    "CreditMarket",
    "Platform",
    "Scenario",
    "Simulation",
    "attribute",
    "bands",
    "compare",
    "event_study",
    "explain",
    "histogram",
    "load",
    "load_scenario",
    "moment",
    "moments",
    "read_portfolio",
    "rule",
    "study",
    "survival",
    "tell",
    "validate",
    "worlds",
    "wrongful",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"zerolimit.{_HOMES[name]}"), name)
    if name == "study":
        return import_module("zerolimit.study")
    raise AttributeError(f"module 'zerolimit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
