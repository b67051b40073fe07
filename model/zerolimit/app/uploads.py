"""A portfolio from the visitor's machine: bounded, kept in memory or a temporary file, and read as any portfolio."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import solara
import traitlets
from ipyvue import Template
from ipyvuetify.extra import FileInput
from ipywidgets import widget_serialization

from zerolimit.basics.errors import BadInput
from zerolimit.portfolio.portfolio import Portfolio, read_portfolio
from zerolimit.portfolio.tables import Most

MOST_BORROWERS = 1_000_000
"""The page's own bound; the command line takes more."""
INFLATED = Most(rows=MOST_BORROWERS, size=300_000_000)
"""What a portfolio on the page may hold, whatever its file's size."""
ENDINGS = (".csv", ".csv.gz", ".parquet")


class Picker(FileInput):
    """A file input of plain HTML (upload.vue), read in pieces when it is asked for."""

    template = traitlets.Instance(Template).tag(sync=True, **widget_serialization)
    template_file = (__file__, "upload.vue")
    label = traitlets.Unicode().tag(sync=True)


@solara.component
def Pick(label: str, on_file: Callable[[str, BinaryIO, int], None]) -> Any:
    """Choose a file; `on_file`, which must not fail, is called off the event loop with its name, the file and its size."""
    chosen, set_chosen = solara.use_state(None)
    files, set_files = solara.use_state(None)
    picker = Picker.element(label=label, accept=",".join((*ENDINGS, ".gz")), on_file_info=set_chosen)

    def wire() -> None:
        if chosen:
            widget = solara.get_widget(picker)
            widget.version += 1
            widget.reset_stats()
            set_files(widget.get_files())

    solara.use_effect(wire, [chosen])

    def read(cancel: Any) -> None:
        if files:
            on_file(files[0]["name"], files[0]["file_obj"], files[0]["size"])

    solara.use_thread(read, [files])
    return picker


def portfolio_of(name: str, file: BinaryIO, size: int, most: int) -> Portfolio:
    """The portfolio in an uploaded file of `most` bytes at most; BadInput names the file, never a path of this machine."""
    plain = "".join(
        letter if letter.isalnum() or letter in "-_. " else "-" for letter in Path(name.replace("\\", "/")).name[-100:]
    )
    ending = next((one for one in ENDINGS if plain.lower().endswith(one)), None)
    if ending is None:
        raise BadInput(f"{plain}: a portfolio is {', '.join(ENDINGS)}")
    if size > most:
        raise BadInput(f"{plain}: {size / 1e6:,.0f} MB are more than the page takes ({most / 1e6:,.0f} MB)")
    data = file.read(size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / plain
        path.write_bytes(data)
        try:
            return read_portfolio(path, most=INFLATED)
        except BadInput as error:
            raise BadInput(str(error).replace(str(path), plain)) from None
