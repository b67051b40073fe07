"""A portfolio from the visitor's machine: bounded, kept in memory or a temporary file, and read as any portfolio."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import solara
import traitlets
from ipyvue import Template
from ipyvuetify.extra import FileInput
from ipywidgets import widget_serialization

from zerolimit.basics.errors import BadInput
from zerolimit.portfolio.options import POSITION, Reading
from zerolimit.portfolio.portfolio import Portfolio, read_portfolio, read_raw
from zerolimit.portfolio.tables import Most

MOST_BORROWERS = 1_000_000
"""The page's own bound; the command line takes more."""
INFLATED = Most(rows=MOST_BORROWERS, size=300_000_000)
"""What a portfolio on the page may hold, whatever its file's size."""
ENDINGS = (".csv", ".csv.gz", ".txt", ".zip", ".parquet")


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


@dataclass(frozen=True)
class Upload:
    """A visitor's file, as it came: kept so that it can be read again, otherwise."""

    name: str
    data: bytes = field(repr=False)

    def portfolio(self, reading: Mapping[str, Any]) -> Portfolio:
        """The clients in it, with options of reading; BadInput names the file, never a path of this machine."""
        return self._on_disk(lambda path: read_portfolio(path, most=INFLATED, **reading))

    def names(self, reading: Mapping[str, Any]) -> tuple[str, ...]:
        """The file's columns by name, or by place where that is blank or not unique; none where it cannot be opened."""
        try:
            found = self._on_disk(lambda path: read_raw(path, INFLATED, Reading.of(reading)).names)
        except BadInput:
            return ()
        stripped = [one.strip() for one in found]
        return tuple(one if one and stripped.count(one) == 1 else f"{POSITION}{k}" for k, one in enumerate(stripped, 1))

    def _on_disk[T](self, read: Callable[[Path], T]) -> T:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / self.name
            path.write_bytes(self.data)
            try:
                return read(path)
            except BadInput as error:
                raise BadInput(str(error).replace(str(path), self.name)) from None


def received(name: str, file: BinaryIO, size: int, most: int) -> Upload:
    """An uploaded file of `most` bytes at most; BadInput where it is none that can be read."""
    plain = "".join(
        letter if letter.isalnum() or letter in "-_. " else "-" for letter in Path(name.replace("\\", "/")).name[-100:]
    )
    if not plain.lower().endswith(ENDINGS):
        raise BadInput(f"{plain}: a portfolio is {', '.join(ENDINGS)}")
    if size > most:
        raise BadInput(f"{plain}: {size / 1e6:,.0f} MB are more than the page takes ({most / 1e6:,.0f} MB)")
    return Upload(plain, file.read(size))
