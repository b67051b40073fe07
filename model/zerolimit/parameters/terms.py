"""What the platform and the scenario say this month, as the numbers that rules read (`terms.name`)."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import refuse_unknown
from zerolimit.basics.wording import FEN
from zerolimit.parameters.declarations import about, choices
from zerolimit.parameters.scenario import Scenario
from zerolimit.rules.caps import CAPS
from zerolimit.vocabulary.constants import DAYS_A_YEAR, MONTHS_A_YEAR, NEVER, NO_CAMPAIGN, NO_CAP
from zerolimit.vocabulary.mechanisms import MECHANISMS


def in_yuan(fen: int) -> str:
    """An amount in yuan to the fen, for messages."""
    return f"{fen / FEN:,.2f} yuan"


ANNOUNCED: dict[str, str] = {
    "monthly_rate": "interest a month: daily_rate x 365 / 12",
    "card_monthly_rate": "interest a month on a card: card_daily_rate x 365 / 12",
    "macro": "macro index",
    "slump": "depth of a slump, max(0, -macro)",
    "stress": "factor on the propensity to miss a payment",
    "demand": "factor on ordinary spending and habitual loans: max(0, 1 - slump_demand x slump)",
    "trend_0": "trend of the first sector",
    "trend_1": "trend of the second sector",
    "trend_2": "trend of the third sector",
    "trend_3": "trend of the fourth sector",
    "tightness": "tightness in force, 0 to 1",
    "cutoff_shift": "points added to the cutoff",
    "person_cap": "ceiling per person, fen",
    "person_cap_income": "ceiling per person, annual incomes",
    "campaign_cut": "a campaign reviews who stands at or below this; far below all without one",
    "rescoring": "1 while decisions see new scores",
    **{f"decile_{k}": f"income at which decile {k} begins, fen" for k in range(1, 10)},
}
"""Terms that are not parameters: set by the platform each month."""


def is_term(name: str) -> bool:
    """Whether a parameter is a number (or a choice) that rules may read."""
    annotation = Scenario.model_fields[name].annotation
    return annotation in (float, int, bool) or bool(choices(name))


TERMS: tuple[str, ...] = (*(name for name in Scenario.model_fields if is_term(name)), *ANNOUNCED)


for _mechanism in MECHANISMS.values():
    for _term in _mechanism.without:
        refuse_unknown(f"mechanism {_mechanism.name}", "term", _term, TERMS)
for _cap in CAPS:
    for _term in _cap.terms:
        refuse_unknown(f"cap {_cap.name}", "term", _term, TERMS)


def reading(name: str) -> Callable[[Any], float]:
    """How a parameter's value becomes the number that rules read."""
    if names := choices(name):
        return {one: float(position) for position, one in enumerate(names)}.__getitem__
    return in_fen if about(name)["unit"].split(" ")[0] == "yuan" else float


def in_fen(yuan: float) -> float:
    """An amount in yuan as whole fen."""
    return float(round(yuan * FEN))


READINGS = {name: reading(name) for name in TERMS if name not in ANNOUNCED}
"""Every parameter that is a term, and how it is read."""
NOTHING_ANNOUNCED = dict.fromkeys(ANNOUNCED, 0.0)


def from_scenario(scenario: Scenario) -> dict[str, float]:
    """Every parameter as a number: money in fen, switches as 0 or 1, choices by position."""
    values = vars(scenario)
    found = {name: read(values[name]) for name, read in READINGS.items()}
    found.update(
        {
            **NOTHING_ANNOUNCED,
            "monthly_rate": scenario.daily_rate * DAYS_A_YEAR / MONTHS_A_YEAR,
            "card_monthly_rate": scenario.card_daily_rate * DAYS_A_YEAR / MONTHS_A_YEAR,
            "stress": 1.0,
            "demand": 1.0,
            "tightness": scenario.base_tightness,
            "person_cap": NO_CAP,
            "person_cap_income": NEVER,
            "campaign_cut": NO_CAMPAIGN,
            "rescoring": 1.0,
        }
    )
    return found


def without(mechanism: str) -> dict[str, float]:
    """The terms that rules see while a mechanism is off: what it says itself, and what its caps' parameters say."""
    mine = (one for cap in CAPS if cap.mechanism == mechanism for one in cap.parameters if one.off is not None)
    return {**MECHANISMS[mechanism].without, **{one.name: one.off for one in mine if one.off is not None}}


def switched_off(terms: dict[str, float], off: tuple[str, ...]) -> dict[str, float]:
    """The terms with some mechanisms off."""
    for mechanism in off:
        terms.update(without(mechanism))
    return terms


in_order = itemgetter(*TERMS)


def as_vector(terms: dict[str, float]) -> NDArray[np.float64]:
    """The terms in the order of TERMS."""
    return np.array(in_order(terms))
