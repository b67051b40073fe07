"""How a result shows itself: a short line, and in a notebook its text or its table, both of bounded size.

A class says `_in_short()`; where it is a table it has `to_frame()`, where it is a text `__str__`, where it can be seen
`plot(ax=None)`, which gives matplotlib's Axes.
"""

from __future__ import annotations

from html import escape
from typing import Any

from zerolimit.basics.errors import BadInput, one_line

LONGEST = 300
"""Letters of a repr."""
ROWS, COLUMNS = 20, 12
"""What is shown of a table in a notebook."""
TEXT = 30_000
"""Letters of a text that are shown in a notebook."""


class Shown:
    """A result as a reader sees it."""

    def _in_short(self) -> str:
        """What it is, in a line."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{one_line(self._in_short(), LONGEST - 2)}>"

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        if type(self).__str__ is not Shown.__str__:
            return as_html(str(self))
        line = f"<p>{escape(one_line(self._in_short(), LONGEST))}</p>"
        return f"{line}{table_of(self)}" if hasattr(self, "to_frame") else line


def as_html(text: str) -> str:
    """A text in letters of one width; of a long one the beginning."""
    whole = escape(text)
    some = whole if len(whole) <= TEXT else f"{whole[:TEXT].rpartition(chr(10))[0]}\n..."
    return f"<pre>{some}</pre>"


def table_of(result: Any) -> str:
    """A result's table; nothing where it has none yet, such as before the first month."""
    try:
        frame = result.to_frame()
    except BadInput:
        return ""
    return frame_as_html(frame)


def frame_as_html(frame: Any) -> str:
    """The first and last rows and columns of a data frame."""
    table: str = frame.to_html(max_rows=ROWS, max_cols=COLUMNS, border=0, show_dimensions=True, float_format=four_digits)
    return table


def four_digits(value: float) -> str:
    """A number with four digits, thousands whole."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
