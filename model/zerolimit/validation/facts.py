"""The fact sheet: what is known of lines, cuts, arrears and those who lend and borrow, each row with its source."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources

from zerolimit.basics.errors import by_name


@dataclass(frozen=True)
class Fact:
    """A row: its id, what it says, the number, where that was read, and how sure it is (`P`, `S` or `C`, docs/facts.md)."""

    name: str
    what: str
    value: str
    source: str
    sure: str


def sheet() -> list[Fact]:
    """The rows of the package's file, in its order."""
    text = (resources.files("zerolimit.validation") / "facts.csv").read_text(encoding="utf-8")
    return [Fact(*row) for row in list(csv.reader(text.splitlines()))[1:]]


FACTS = by_name("fact", sheet())
"""The facts by id."""


def fact_of(row: str) -> str:
    """The fact of a row of targets, which may have a letter of its own: B2 of B2c."""
    return row[:-1] if row[-1:].islower() else row
