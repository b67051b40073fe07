"""Errors as an interface: one line that says what, where, and what is allowed."""

import difflib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NoReturn, Protocol

WRONG = 2
"""Exit code of input that cannot be used."""
LONGEST, LONGEST_VALUE = 1_000, 60
"""Letters of a message, and of a user's value in one."""
MOST_NAMES = 4
"""Names that a hint offers; more help nobody."""


class BadInput(ValueError):
    """The user's input cannot be used. The message is one line; the command line exits with code 2."""

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))

    def __str__(self) -> str:
        return str(self.args[0])


class OutOfRange(BadInput, OverflowError):
    """A rule returned what its column cannot hold, or no number."""


class NoSuchAttribute(BadInput, AttributeError):
    """A borrower has nothing of that name."""


class NotThere(BadInput, KeyError):
    """A borrower is not in a set."""


class BadRule(BadInput, TypeError):
    """A user-defined rule is not declared as rules are."""


class BadDeclaration(BadInput, TypeError):
    """Something of the model is declared twice, without what it needs, or with a name that nothing has."""


class Cancelled(RuntimeError):
    """Work was stopped on the way, by the one who asked for it."""


def one_line(text: object, longest: int = LONGEST) -> str:
    """A text on one line: no breaks, nothing that a terminal would obey or cannot show, a long one without its middle."""
    line = " ".join(str(text).split())
    if len(line) > longest:
        half = (longest - 5) // 2
        line = f"{line[:half]} ... {line[-half:]}"
    return line if line.isprintable() else "".join(one if one.isprintable() else escaped(one) for one in line)


def escaped(letter: str) -> str:
    """A letter that cannot be printed, as Python writes it."""
    return letter.encode("unicode_escape").decode("ascii")


def quoted(value: Any) -> str:
    """A user's value, in a message: as Python writes it, short and on one line."""
    try:
        text = repr(value) if isinstance(value, str | bytes | int | float | bool | None) else f"{value}"
    except Exception:
        text = ""
    return one_line(text, LONGEST_VALUE) or with_article(type(value).__name__)


def with_article(name: str) -> str:
    """A class's name in a sentence."""
    return f"a{'n' if name[:1].lower() in 'aeiou' else ''} {name}"


def nearest(name: object, known: Iterable[str], meanings: Mapping[str, str] = MappingProxyType({})) -> str:
    """'; did you mean ...?' with the known names that one may have meant, or nothing.

    Those of which the name is a word (pool of pool_share), else the one spelt most alike, else those of whose `meanings` it
    is a word.
    """
    if not isinstance(name, str):
        return ""
    names, word = list(known), name.strip().lower()
    found = [one for one in names if word in one.lower().split("_")]
    found = found or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    found = found or [one for one, says in meanings.items() if word and word in re.split(r"\W+", says.lower())]
    if not found or len(found) > MOST_NAMES:
        return ""
    return f"; did you mean {' or '.join(map(repr, found))}?"


class Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str: ...


def by_name[One: Named](kind: str, declared: Iterable[One]) -> dict[str, One]:
    """Declarations by name; BadDeclaration where a name is declared twice."""
    found: dict[str, One] = {}
    for one in declared:
        if one.name in found:
            raise BadDeclaration(f"{kind} {one.name}: declared twice")
        found[one.name] = one
    return found


def refuse_unknown(where: str, what: str, name: str, known: Iterable[str]) -> None:
    """BadDeclaration where a declaration names what nothing has; the nearest known name is offered."""
    known = list(known)
    if name not in known:
        raise BadDeclaration(f"{where}: unknown {what} {quoted(name)}{nearest(name, known)}")


def refuse_others(where: str, given: Any, known: Iterable[str]) -> None:
    """BadInput where what is given is none of the names known; they are listed, and the nearest is offered."""
    known = list(known)
    if not isinstance(given, str) or given not in known:
        few = f"is not one of {', '.join(known)}" if len(known) <= FEW else "is unknown"
        raise BadInput(f"{where}: {quoted(given)} {few}{nearest(str(given), known)}")


FEW = 12
"""Names that are listed where one is asked for; of more, only the nearest is said."""


def fail(message: str, code: int = WRONG) -> NoReturn:
    """One line on standard error, and out."""
    print(f"zerolimit: {one_line(message)}", file=sys.stderr)
    sys.exit(code)


@contextmanager
def in_one_line() -> Iterator[None]:
    """In a script: input that cannot be used ends it in one line, as it ends a command."""
    try:
        yield
    except BadInput as error:
        fail(str(error))
