"""Small parts that several rooms use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import solara

from zerolimit.app.language import Words
from zerolimit.app.work import Desk


@solara.component
def Progress(done: int, of: int, text: str, words: Words, stop: Callable[[], None] | None = None) -> Any:
    """A bar with what is being done, and a button that stops it. `of` 0: without an end."""
    share = min(1.0, done / of) if of else 0.0
    bar = {"role": "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": text}
    if of:
        bar["aria-valuenow"] = f"{100.0 * share:.0f}"
    with solara.v.Html(tag="div", class_="zl-progress"):
        with solara.v.Html(tag="div", class_="zl-bar" + ("" if of else " zl-endless"), attributes=bar):
            solara.v.Html(tag="span", style_=f"width: {100.0 * share if of else 100.0:.1f}%")
        solara.v.Html(tag="span", class_="zl-doing", children=[text])
        if stop is not None:
            solara.Button(words("page.cancel"), on_click=stop, text=True, small=True)


@solara.component
def Wrong(text: str, words: Words) -> Any:
    """Why something failed, in one line; nothing where nothing did."""
    if text:
        solara.v.Html(tag="p", class_="zl-error", attributes={"role": "alert"}, children=[text])
    else:
        solara.v.Html(tag="span")


@solara.component
def Ended(desk: Desk, words: Words) -> Any:
    """What is to be said of a desk's last job: why it failed, and that something else was asked for meanwhile."""
    Wrong(desk.wrong, words)
    if desk.turned_away:
        solara.v.Html(tag="p", class_="zl-note", attributes={"role": "status"}, children=[words("page.turned_away")])


@solara.component
def Table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], wordy: bool = False) -> Any:
    """A table of which the first column names the row; the last one of a wordy table holds sentences."""
    cells = [solara.v.Html(tag="th", attributes={"scope": "col"}, children=[head]) for head in heads]
    body = [
        solara.v.Html(
            tag="tr",
            children=[
                solara.v.Html(tag="th", attributes={"scope": "row"}, children=[first]),
                *(solara.v.Html(tag="td", children=[cell]) for cell in rest),
            ],
        )
        for first, *rest in rows
    ]
    solara.v.Html(
        tag="table",
        class_="zl-table" + (" zl-wordy" if wordy else ""),
        children=[
            solara.v.Html(tag="caption", children=[caption]),
            solara.v.Html(tag="thead", children=[solara.v.Html(tag="tr", children=cells)]),
            solara.v.Html(tag="tbody", children=body),
        ],
    )
