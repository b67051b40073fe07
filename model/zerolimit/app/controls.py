"""The controls, derived from the one declaration of parameters: unit, range, explanation, when they act."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import solara

from zerolimit.app.fields import Widget, choose
from zerolimit.app.language import Words
from zerolimit.app.reading_form import Read, ReadingForm
from zerolimit.app.uploads import MOST_BORROWERS, Pick
from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import FEN
from zerolimit.parameters.declarations import about, bounds, choices
from zerolimit.parameters.scenario import Scenario, load_scenario, presets
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.run.simulation import SETUP_ONLY
from zerolimit.vocabulary.mechanisms import MECHANISMS

if TYPE_CHECKING:
    from zerolimit.app.session import Session


@dataclass(frozen=True)
class Control:
    """A parameter on the page. A slider goes up to `upto`; the box beside it takes the whole allowed range."""

    name: str
    upto: float | None = None
    step: float = 0.01


GROUPS: dict[str, tuple[Control, ...]] = {
    "pool": (
        Control("pool_share", 1.0),
        Control("base_tightness", 1.0),
        Control("allocation"),
        Control("minimum_loan"),
    ),
    "mechanisms": (Control("off"),),
    "remedies": (
        Control("reasons_sent"),
        Control("early_warning"),
        Control("notice_months", 12, 1),
        Control("adaptation_months", 12, 1),
        Control("appeals_capacity", 0.02, 0.001),
        Control("appeals_share", 0.02, 0.001),
    ),
    "people": (
        Control("adopt"),
        Control("network"),
        Control("acquaintances", 20, 2),
    ),
}
"""What can be set, in the order of the page; the preset, the seed, the borrowers and the portfolio come first."""
NAMES = tuple(control.name for group in GROUPS.values() for control in group)
NEEDS_FILE = {"network": ("file",)}
"""Choices that need a file, which the page does not take."""


def read(name: str, given: Any, scenario: Scenario, words: Words) -> Any:
    """A control's value from what was typed; BadInput with what is allowed."""
    kind = kind_of(name)
    if kind == "switch":
        return bool(given)
    if kind == "choice":
        return str(given)
    low, high = bounds(name)
    if name == "borrowers":
        high = MOST_BORROWERS
    value = number(given)
    if value is None or (whole(name) and value != int(value)):
        raise BadInput(words("controls.whole" if whole(name) else "controls.number"))
    if low is not None and high is not None and not low <= value <= high:
        span = words("controls.range", low=f"{low:,g}", high=f"{high:,.12g}")
        unit = unit_of(name, words)
        raise BadInput(span if span.endswith(unit) else f"{span} {unit}")
    value = int(value) if whole(name) else value
    try:
        scenario.change(**{name: value})
    except BadInput as error:
        raise BadInput(str(error).removeprefix("parameter: ")) from None
    return value


def read_seed(given: Any, words: Words) -> int:
    """A seed: a whole number from 0."""
    value = number(given)
    if value is None or value != int(value) or not 0 <= value < 2**53:
        raise BadInput(words("controls.seed_range"))
    return int(value)


def number(given: Any) -> float | None:
    """A finite number, typed with or without separators of thousands."""
    try:
        value = float(str(given).replace(",", "").replace("，", "").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def kind_of(name: str) -> str:
    """How a parameter is set: switch, choice or number."""
    if Scenario.model_fields[name].annotation is bool:
        return "switch"
    return "choice" if choices(name) else "number"


def whole(name: str) -> bool:
    """Whether only whole numbers are allowed."""
    return Scenario.model_fields[name].annotation is int


def unit_of(name: str, words: Words) -> str:
    """A parameter's unit; none for names and switches."""
    unit = about(name)["unit"]
    return "" if kind_of(name) != "number" else words.declared("unit", unit, unit)


def span_of(name: str, words: Words) -> str:
    """The allowed range in words."""
    low, high = bounds(name)
    high = MOST_BORROWERS if name == "borrowers" else high
    if kind_of(name) != "number" or low is None or high is None:
        return ""
    return words("controls.allowed", low=f"{low:,g}", high=f"{high:,.12g}")


def says_of(name: str, words: Words) -> str:
    """The one-line explanation of a parameter; names that it can take are explained where they are chosen."""
    english = re.split("[:;]", Scenario.model_fields[name].description or "")[0]
    english = english[:1].upper() + english[1:]
    return words.declared("parameter", name, english)


def option_text(name: str, value: str, words: Words) -> str:
    """A choice, with what it means where that is declared."""
    if name == "allocation":
        says = words.declared("allocation", value, ALLOCATIONS[value].says)
        return words("controls.choice", name=words("option." + value), says=says)
    return words("option." + value)


@solara.component
def Controls(session: Session, words: Words, tick: int) -> Any:
    """Everything that can be set, by group. Errors stand beside the control that they are about."""
    with solara.Column(gap="0", classes=["zl-controls"]):
        _Start(session, words, tick)
        for name, group in GROUPS.items():
            with solara.v.Html(tag="fieldset", class_="zl-group"):
                solara.v.Html(tag="legend", children=[words("controls." + name)])
                for control in group:
                    if control.name == "off":
                        for mechanism in MECHANISMS:
                            _mechanism(session, mechanism, words)
                    else:
                        _parameter(session, control, words)


@solara.component
def _Start(session: Session, words: Words, tick: int) -> Any:
    reset = acts(session, words, now=False, changed=False)
    with solara.v.Html(tag="fieldset", class_="zl-group"):
        solara.v.Html(tag="legend", children=[words("controls.start")])
        named = {name: Path(name).name for name in session.bases}
        says = ""
        if session.base in presets():
            says = words.declared("preset", session.base, load_scenario(session.base).description)
        differs = session.differs_at_start()
        choose(
            "scenario",
            words("label.scenario"),
            session.base,
            named,
            session.take_base,
            says=says,
            acts=acts(session, words, now=False, changed="scenario" in differs),
        )
        Widget.element(
            id="seed",
            kind="text",
            label=words("label.seed"),
            value=session.shown("seed", session.seed),
            says=words("controls.seed"),
            error=session.errors.get("seed", ""),
            acts=acts(session, words, now=False, changed="seed" in differs),
            on_change=lambda value: session.take_seed(value, words),
        )
        _parameter(session, Control("borrowers"), words, disabled=session.portfolio is not None)
        Upload(session, words, reset, tick)


@solara.component
def Upload(session: Session, words: Words, acting: Mapping[str, str], tick: int) -> Any:
    """A portfolio of the visitor's own, checked like any portfolio."""
    with solara.v.Html(tag="div", class_="zl-field"):
        solara.v.Html(tag="span", class_="zl-label", children=[words("label.portfolio")])
        solara.v.Html(tag="span", class_="zl-acts " + acting["kind"], children=[acting["text"]])
        if session.portfolio is None:
            Pick(words("label.portfolio") + ": " + words("controls.pick"), session.take_portfolio)
        if session.portfolio is not None or session.upload is not None:
            with solara.Row(gap="8px", classes=["zl-file"]):
                solara.Text(told_of(session, words))
                solara.Button(words("controls.remove"), on_click=session.remove_portfolio, text=True, small=True)
        if "portfolio" in session.errors:
            solara.v.Html(tag="p", class_="zl-error", attributes={"role": "alert"}, children=[session.errors["portfolio"]])
        if session.upload is not None:
            ReadingForm(session, words, tick)
        if session.portfolio is not None:
            Read(session.portfolio, session.wanted.minimum_loan, words)
        else:
            solara.v.Html(tag="p", class_="zl-says", children=[words("controls.portfolio")])


def told_of(session: Session, words: Words) -> str:
    """Whose clients are taken, or which file waits to be read otherwise."""
    name = "" if session.upload is None else session.upload.name
    if session.portfolio is None:
        return name
    return words("controls.clients", name=name, n=words.number(session.portfolio.size))


def acts(session: Session, words: Words, *, now: bool, changed: bool) -> dict[str, str]:
    """When a control acts: from the next month, or after a reset; and whether that is still to come."""
    if session.market is None or (session.month == 0 and not changed):
        kind = "month" if now else "reset"
        return {"kind": kind, "text": words("controls." + kind)}
    kind = "month" if now else "reset"
    return {
        "kind": f"{kind} zl-waiting" if changed else kind,
        "text": words(f"controls.{kind}_waits" if changed else f"controls.{kind}"),
    }


def _parameter(session: Session, control: Control, words: Words, disabled: bool = False) -> None:
    name = control.name
    low, _ = bounds(name)
    now = name not in SETUP_ONLY
    says = says_of(name, words) + words("controls.stop") + span_of(name, words)
    if name == "pool_share" and session.wanted.pool_yuan is not None:
        says += words("controls.in_yuan", pool=words.yuan(session.wanted.pool_yuan * FEN))
    Widget.element(
        id=name,
        kind=kind_of(name),
        label=words("label." + name),
        unit=unit_of(name, words),
        says=says,
        error=session.errors.get(name, ""),
        acts=acts(session, words, now=now, changed=session.waits(name)),
        value=session.shown(name, getattr(session.wanted, name)),
        options=[
            {"value": one, "text": option_text(name, one, words)}
            for one in choices(name)
            if one not in NEEDS_FILE.get(name, ())
        ],
        low=low or 0.0,
        high=control.upto or 0.0,
        step=control.step,
        disabled=disabled,
        on_change=lambda value: session.take(name, value, words),
    )


def _mechanism(session: Session, mechanism: str, words: Words) -> None:
    off = session.wanted.off

    def switch(on: Any) -> None:
        others = [name for name in MECHANISMS if name in off and name != mechanism]
        session.put("off", tuple(others if on else [*others, mechanism]))

    Widget.element(
        id=f"mechanism-{mechanism}",
        kind="switch",
        label=words("mechanism." + mechanism),
        says=words.declared("mechanism_says", mechanism, MECHANISMS[mechanism].says),
        acts=acts(session, words, now=True, changed=session.waits("off", mechanism)),
        value=mechanism not in off,
        on_change=switch,
    )
