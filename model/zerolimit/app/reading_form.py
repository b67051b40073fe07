"""The form that says how an uploaded file is read: columns, units and every other option, as they are declared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import solara

from zerolimit.app.fields import Widget, choose
from zerolimit.app.language import Words
from zerolimit.app.parts import Table
from zerolimit.basics.errors import BadInput
from zerolimit.portfolio.columns import COLUMNS
from zerolimit.portfolio.options import NOT_USED, OPTIONS, OPTIONS_DEFAULT, from_texts
from zerolimit.portfolio.portfolio import Portfolio
from zerolimit.portfolio.statement import HEADINGS

if TYPE_CHECKING:
    from zerolimit.app.session import Session

COLUMN, UNIT = "columns.", "units."
"""Before one of our columns: the fields of the form that say where it stands, and in which unit."""
OTHERS = tuple(name for name in OPTIONS if name not in ("columns", "units"))
BETWEEN = re.compile(r"[,;，；、\n]")
"""Between several values in one field."""


def reading_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a form says, by name; BadInput where a number is none."""
    found: dict[str, Any] = {}
    for option, before in (("columns", COLUMN), ("units", UNIT)):
        some = {name.removeprefix(before): str(one).strip() for name, one in form.items() if name.startswith(before)}
        if some := {name: one for name, one in some.items() if one}:
            found[option] = some
    for name in OTHERS:
        text = str(form.get(name, "")).strip()
        if text:
            found[name] = value_of(name, text)
    return found


def value_of(name: str, text: str) -> Any:
    """An option's value from a field; of several, each between commas."""
    kind = OPTIONS[name].kind
    if kind in (dict, tuple):
        return from_texts(name, [one.strip() for one in BETWEEN.split(text) if one.strip()])
    try:
        return kind(text)
    except ValueError:
        raise BadInput(f"{name}: {OPTIONS[name].takes} is needed, not {text!r}") from None


@solara.component
def ReadingForm(session: Session, words: Words, tick: int) -> Any:
    """The form. What is said in it acts when the file is read again."""
    attributes = {} if session.portfolio is not None else {"open": True}
    with solara.v.Html(tag="details", class_="zl-reading", attributes=attributes):
        solara.v.Html(tag="summary", children=[words("reading.title")])
        with solara.v.Html(tag="div"):
            for name in COLUMNS if session.file_columns else ():
                _column(session, name, words)
        solara.v.Html(tag="p", class_="zl-says", children=[words("reading.map")])
        with solara.v.Html(tag="details", attributes={} if session.file_columns else {"open": True}):
            solara.v.Html(tag="summary", children=[words("reading.others")])
            for name in OTHERS:
                _option(session, name, words)
        solara.Button(
            words("reading.doing" if session.reader.busy else "reading.again"),
            on_click=session.read_again,
            disabled=session.reader.busy,
            small=True,
        )


def _column(session: Session, name: str, words: Words) -> None:
    """Where one of our columns stands in the file, and once that is said, in which unit. A history may stand in several."""
    key, unit, label = COLUMN + name, UNIT + name, words("column." + name)
    chosen = session.form.get(key, "")
    with solara.v.Html(tag="div", class_="zl-column"):
        if name == "history":
            _text(session, key, label, words("reading.several"))
        else:
            some = {"": words("reading.by_name"), NOT_USED: words("reading.none")}
            some |= {one: one for one in session.file_columns}
            choose(key.replace(".", "-"), label, chosen, some, partial(session.fill_in, key))
        if COLUMNS[name].units and chosen not in ("", NOT_USED):
            some = {"": words("reading.unit")}
            some |= {one: words.declared("column_unit", one, one) for one in COLUMNS[name].units}
            says, value = words("reading.unit_of", name=label), session.form.get(unit, "")
            choose(unit.replace(".", "-"), says, value, some, partial(session.fill_in, unit))


def _option(session: Session, name: str, words: Words) -> None:
    """Any other option."""
    label, says = words("reading." + name), words.declared("reading_says", name, OPTIONS[name].meaning)
    if OPTIONS[name].allowed:
        some = {one: words("reading.word_" + one) for one in OPTIONS[name].allowed}
        value = session.form.get(name, OPTIONS_DEFAULT[name])
        choose("reading-" + name, label, value, some, partial(session.fill_in, name), says=says)
    else:
        _text(session, name, label, says)


def _text(session: Session, name: str, label: str, says: str) -> None:
    Widget.element(
        id="reading-" + name.replace(".", "-"),
        kind="text",
        label=label,
        value=session.form.get(name, ""),
        says=says,
        on_change=partial(session.fill_in, name),
    )


@solara.component
def Read(portfolio: Portfolio, minimum_loan: float, words: Words) -> Any:
    """What was read: a row a column, and what is odd."""
    statement = getattr(portfolio, "statement", None)
    with solara.v.Html(tag="div", class_="zl-statement"):
        if statement is not None:
            heads = [words.english(head) for head in HEADINGS if head not in ("from", "unit", "blank")]
            rows = [(f"{words('column.' + one.name)} ← {one.source}", *one.cells()[-3:]) for one in statement.columns]
            Table("; ".join(statement.read), heads, rows)
            for note in noted(portfolio, minimum_loan):
                solara.v.Html(tag="p", class_="zl-says", children=[note])


def noted(portfolio: Portfolio, minimum_loan: float) -> Sequence[str]:
    """The notes under the scenario's minimum loan, the first of which the table says already."""
    return portfolio.told(minimum_loan)[1:]
