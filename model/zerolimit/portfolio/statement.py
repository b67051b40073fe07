"""What was read of a portfolio: a line a column, and what is odd, with counts and first lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import number_of

HEADINGS = ("column", "from", "unit", "blank", "smallest", "median", "largest")


@dataclass(frozen=True)
class Seen:
    """One column as it was read, in our unit."""

    name: str
    source: str
    """The file's name of it."""
    unit: str
    """Ours, and the file's where that is another."""
    blank: int
    """Cells that are drawn from the scenario's population."""
    smallest: float | None = None
    median: float | None = None
    largest: float | None = None

    def cells(self) -> tuple[str, ...]:
        """As a row of texts under HEADINGS."""
        numbers = (figure(one) for one in (self.smallest, self.median, self.largest))
        return self.name, self.source, self.unit, f"{self.blank:,}", *numbers


@dataclass(frozen=True, repr=False)
class Statement(Shown):
    """What was read of a file."""

    name: str
    """The file."""
    clients: int
    read: tuple[str, ...]
    """Encoding, delimiter, header, lines; rows left out."""
    columns: tuple[Seen, ...]
    remarks: tuple[str, ...]
    """What was done with odd values, and what is drawn."""
    questions: tuple[str, ...]
    """What is likely to be wrong, and the option that would put it right."""

    def rows(self) -> list[tuple[str, ...]]:
        """A row of texts a column used, under HEADINGS."""
        return [one.cells() for one in self.columns]

    def lines(self) -> list[str]:
        """The whole as lines of text."""
        head = [f"{self.name}: {self.clients:,} client{'s' if self.clients != 1 else ''}", *self.read]
        return [*head, *padded([HEADINGS, *self.rows()]), *self.remarks, *(f"? {one}" for one in self.questions)]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _in_short(self) -> str:
        return f"read of {self.name}: {number_of(self.clients, 'client')}, {', '.join(one.name for one in self.columns)}"

    def _repr_html_(self) -> str:
        cells = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows())
        head = "".join(f"<th>{name}</th>" for name in HEADINGS)
        said = "".join(f"<p>{escape(one)}</p>" for one in (*self.remarks, *(f"? {one}" for one in self.questions)))
        first = "; ".join((f"{self.name}: {self.clients:,} clients", *self.read))
        return f"<p>{escape(first)}</p><table><tr>{head}</tr>{cells}</table>{said}"

    def plain(self) -> Mapping[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def figure(value: float | None) -> str:
    """A number in a statement."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"


def width(text: str) -> int:
    """How many places a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def padded(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, numbers to the right."""
    widths = [max(width(row[k]) for row in rows) for k in range(len(rows[0]))]
    found = []
    for row in rows:
        cells = []
        for k, (cell, most) in enumerate(zip(row, widths, strict=True)):
            space = " " * (most - width(cell))
            cells.append(space + cell if k > 2 else cell + space)
        found.append("  ".join(cells).rstrip())
    return found
