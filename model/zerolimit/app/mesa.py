"""The panels as Mesa components, and the controls as Mesa's user parameters, for a plain SolaraViz.

SolaraViz(CreditMarket(...), components=components(), model_params=model_params())
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import solara

from zerolimit.app import pool_view, who, why
from zerolimit.app.charts import use_ink
from zerolimit.app.controls import GROUPS, kind_of, span_of, unit_of
from zerolimit.app.language import Words
from zerolimit.app.picture import picture_of
from zerolimit.parameters.declarations import choices
from zerolimit.parameters.scenario import Scenario

if TYPE_CHECKING:
    from zerolimit.agents.market import CreditMarket

WORDS = Words()
PANELS: dict[str, Callable[..., Any]] = {
    "Pool": pool_view.Pool,
    "Why": why.Why,
    "Rates": who.Rates,
    "Spreads": who.Spreads,
    "Flow": who.Flow,
}
"""Panels that need a market's picture and nothing else."""


def component(name: str, panel: Callable[..., Any]) -> Callable[[CreditMarket], Any]:
    """A panel as a function of the model, which Mesa calls after each step."""

    @solara.component
    def Panel(model: CreditMarket) -> Any:
        from mesa.visualization.utils import update_counter

        from zerolimit.app.page import Style

        update_counter.get()
        Style()
        panel(picture_of(model.simulation), WORDS, use_ink())

    Panel.__name__ = name
    return Panel


def components() -> list[Callable[[CreditMarket], Any]]:
    """The panels, each a Mesa component."""
    return [component(name, panel) for name, panel in PANELS.items()]


def model_params() -> dict[str, Any]:
    """Seed, borrowers and the page's controls; Mesa applies them at its Reset."""
    from mesa.visualization import Slider

    made: dict[str, Any] = {
        "rng": {"type": "InputText", "value": "1", "label": WORDS("label.seed")},
        "borrowers": Slider(WORDS("label.borrowers"), 2_000, 100, 20_000, 100),
    }
    for control in (one for group in GROUPS.values() for one in group if one.name not in ("off", "network")):
        name, field = control.name, Scenario.model_fields[control.name]
        label = " ".join(part for part in (WORDS("label." + name), unit_of(name, WORDS)) if part)
        if kind_of(name) == "switch":
            made[name] = {"type": "Checkbox", "value": field.default, "label": label}
        elif kind_of(name) == "choice":
            made[name] = {"type": "Select", "value": field.default, "values": list(choices(name)), "label": label}
        elif control.upto is not None and span_of(name, WORDS):
            made[name] = Slider(label, field.default, 0, control.upto, control.step)
    return made
