"""What a visitor takes along: the run's folder as a zip, and the command line that repeats the run."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import solara

from zerolimit.app.fonts import families
from zerolimit.app.language import Words

if TYPE_CHECKING:
    from zerolimit.agents.market import CreditMarket
    from zerolimit.app.session import Session
    from zerolimit.parameters.scenario import Scenario
    from zerolimit.results.tables import Tables

COMMAND = "command.txt"


def zipped(market: CreditMarket, command: str, words: Words) -> bytes:
    """The run's folder (results/store.py) and its summary as SVG, in the language of the page, as a zip."""
    from zerolimit.results.figures import draw_summary

    def draw(tables: Tables, scenario: Scenario, file: Path) -> None:
        for picture in (file, file.with_suffix(".svg")):
            draw_summary(tables, scenario, picture, words.english, families(words))

    paper = io.BytesIO()
    with tempfile.TemporaryDirectory() as room, zipfile.ZipFile(paper, "w", zipfile.ZIP_DEFLATED) as parcel:
        name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in market.simulation.scenario.name)
        folder = market.save(Path(room) / (name or "run"), figure=draw)
        (folder / COMMAND).write_text(command + "\n", encoding="utf-8")
        for file in sorted(folder.iterdir()):
            parcel.write(file, f"{folder.name}/{file.name}")
    return paper.getvalue()


@solara.component
def Downloads(session: Session, words: Words, tick: int) -> Any:
    """The zip, and the command line."""
    with solara.v.Html(tag="section", class_="zl-card zl-wide", attributes={"aria-labelledby": "zl-downloads"}):
        solara.v.Html(tag="h2", attributes={"id": "zl-downloads"}, children=[words("downloads.title")])
        if session.month == 0:
            solara.v.Html(tag="p", class_="zl-empty", children=[words("page.not_run")])
            return
        solara.v.Html(tag="p", class_="zl-lead", children=[words("downloads.lead")])
        command = session.command()
        name = f"{session.wanted.name}-{session.month}.zip"
        if session.desk.busy:
            solara.v.Html(tag="p", class_="zl-note", children=[words("downloads.busy")])
        else:
            solara.FileDownload(
                lambda: session.at_rest(lambda market: zipped(market, command, words)),
                filename=name,
                label=words("downloads.zip"),
                mime_type="application/zip",
            )
        solara.v.Html(tag="h3", children=[words("downloads.command")])
        solara.v.Html(tag="pre", class_="zl-command", attributes={"tabindex": "0"}, children=[command])
        if session.portfolio is not None:
            solara.v.Html(tag="p", class_="zl-says", children=[words("downloads.portfolio")])
        solara.v.Html(tag="h3", children=[words("downloads.python")])
        solara.v.Html(tag="pre", class_="zl-command", attributes={"tabindex": "0"}, children=[PYTHON.format(name=name)])
        solara.v.Html(tag="p", class_="zl-says", children=[words("downloads.charts")])


PYTHON = 'import zerolimit\n\nrun = zerolimit.load("{name}")\nprint(run.rate("zero_limit", by="segment"))'
