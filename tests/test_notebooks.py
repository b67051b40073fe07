"""The notebooks run whole, give what they show, and use public names only."""

import ast
import re
from typing import Any

import pytest

import notebooks
import zerolimit

MOST = 400_000
"""Bytes of a notebook, outputs included."""
NAMES = notebooks.names()


def code(name: str) -> str:
    """A notebook's code in one piece."""
    lines = "\n\n".join(cell.source for cell in notebooks.read(name).cells if cell.cell_type == "code")
    return "\n".join(line for line in lines.splitlines() if not line.startswith("%"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_gives_what_it_shows(name: str) -> None:
    assert notebooks.said(notebooks.run(name)) == notebooks.said(notebooks.read(name)), f"make notebooks ({name})"


def test_the_notebooks_are_numbered_without_a_gap() -> None:
    assert [int(name.split("_")[0]) for name in NAMES] == list(range(1, len(NAMES) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_whole_small_and_with_figures(name: str) -> None:
    book = notebooks.read(name)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [one for cell in cells for one in cell.outputs if one.output_type == "error" or one.get("name") == "stderr"]
    assert any("a picture" in shown for shown in notebooks.said(book))
    assert book.cells[0].source.startswith("# ")
    assert (notebooks.FOLDER / f"{name}.ipynb").stat().st_size < MOST


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_uses_public_names_and_sets_its_seeds(name: str) -> None:
    tree = ast.parse(code(name))
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {one for one in named if one.startswith("_") and one != "__file__" and one != "__name__"} == set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "zerolimit":
            assert {one.name for one in node.names} <= set(zerolimit.__all__)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "CreditMarket":
            assert "seed" in {given.arg for given in node.keywords}


def links(book: Any) -> list[str]:
    """Where a notebook's text leads to within the project."""
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    return [link for link in re.findall(r"\]\(([^)\s#]+)", text) if "://" not in link]


@pytest.mark.parametrize("name", NAMES)
def test_links_of_a_notebook_lead_somewhere(name: str) -> None:
    assert [link for link in links(notebooks.read(name)) if not (notebooks.FOLDER / link).is_file()] == []
