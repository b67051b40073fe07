"""Errors as an interface: one line that says what, where, and what is allowed."""

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

WRONG = 2
"""Exit code of input that cannot be used."""


class BadInput(ValueError):
    """The user's input cannot be used. The message is one line; the command line exits with code 2."""


class OutOfRange(BadInput, OverflowError):
    """A rule returned what its column cannot hold, or no number."""


class Cancelled(RuntimeError):
    """Work was stopped on the way, by the one who asked for it."""


def nearest(name: str, known: Iterable[str]) -> str:
    """' (did you mean ...?)' with the nearest known name, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def fail(message: str, code: int = WRONG) -> NoReturn:
    """One line on standard error, and out."""
    print(f"zerolimit: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


@contextmanager
def in_one_line() -> Iterator[None]:
    """In a script: input that cannot be used ends it in one line, as it ends a command."""
    try:
        yield
    except BadInput as error:
        fail(str(error))
