"""Run the notebooks whole and keep their outputs: `python tests/notebooks.py [NAME ...]` (`make notebooks`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
SECONDS = 600
"""After so long a notebook hangs."""


def names() -> list[str]:
    """The notebooks, in their order."""
    return sorted(file.stem for file in FOLDER.glob("*.ipynb"))


def read(name: str) -> Any:
    """A notebook as it is kept."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def run(name: str) -> Any:
    """A notebook run from its first cell to its last in the present environment; an error in a cell is raised."""
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    quiet = {**os.environ, "TQDM_DISABLE": "1"}  # whether a bar is seen depends on the machine
    book = read(name)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(book, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}})
    client.execute(env=quiet)
    for cell in book.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key != "execution"}
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return book


def said(book: Any) -> list[list[str]]:
    """What each code cell printed or showed: its text, and that there was a picture."""
    found = []
    for cell in book.cells:
        if cell.cell_type != "code":
            continue
        shown: list[str] = []
        for one in cell.outputs:
            if one.output_type == "stream":
                shown.append(one.text)
            elif "data" in one:
                shown.append("a picture" if "image/png" in one.data else one.data.get("text/plain", ""))
        found.append(shown)
    return found


def main(wanted: list[str]) -> None:
    """Run and write those named, or all."""
    for name in wanted or names():
        before, now = read(name), run(name)
        moved = said(before) != said(now)
        nbformat.write(now, FOLDER / f"{name}.ipynb")
        print(f"{name}: {'outputs moved' if moved else 'as before'}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
