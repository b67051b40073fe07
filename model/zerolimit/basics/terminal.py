"""What a person sees: lines and tables on a terminal of any letters, or in a pipe whose reader may leave.

Text is written as it is: what stands in brackets in a name is no markup. A letter that the terminal lacks is written as
one that it has, or by its number.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from zerolimit.basics.progress import Progress, said_above

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

PLAIN = {"–": "-", "—": "-", "−": "-", "…": "...", "×": "x", "·": ".", "≥": ">=", "≤": "<=", "→": "->"}
PLAIN |= {"‘": "'", "’": "'", "“": '"', "”": '"'}
"""What stands for letters that a terminal lacks."""


class Stopped(Exception):
    """Stopped after all was saved; the message says where."""


def console(*, stderr: bool = False, **options: Any) -> Console:
    """A console that reads nothing in the text that it is given: no markup, no names of emoji."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, **options)


def tell(text: str) -> None:
    """A line for the person, apart from results."""
    if not said_above(text):
        print(text, file=sys.stderr)


def teller(progress: Progress) -> Callable[[str], None]:
    """How long work says something in passing, such as that it compiles: to whoever sees its bar."""
    return tell if progress is True else lambda text: None


@contextmanager
def after_saving(folder: Path | None) -> Iterator[None]:
    """Prints what is saved already: stopped meanwhile, it says so."""
    try:
        yield
    except KeyboardInterrupt:
        if folder is None:
            raise
        raise Stopped(f"stopped; {folder} is written") from None


# streams of a command


def forgiving_streams() -> None:
    """Standard output and error that never end a command: letters that they lack are replaced, and once nobody reads them
    any more, what is written is dropped."""
    codecs.register_error("zerolimit", in_plain_letters)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, forgiving(stream))


def forgiving(stream: io.TextIOWrapper) -> TextIO:
    """The same stream, not ended by letters or by readers who leave."""
    stream.flush()
    raw = io.BufferedWriter(Forgiving(getattr(stream.buffer, "raw", stream.buffer)))
    return io.TextIOWrapper(
        raw,
        encoding=stream.encoding,
        errors="zerolimit",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class Forgiving(io.RawIOBase):
    """What is written goes to another stream, as long as somebody reads there."""

    def __init__(self, raw: Any) -> None:
        self.raw, self.gone = raw, False
        self.leaving = (errno.EPIPE, errno.EIO) if raw.isatty() else (errno.EPIPE,)

    def write(self, data: Any) -> int | None:
        if not self.gone:
            try:
                written: int | None = self.raw.write(data)
                return written
            except BlockingIOError:
                raise
            except OSError as error:
                self.gone = True
                if error.errno not in self.leaving:
                    raise
        return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self.raw.fileno())

    def isatty(self) -> bool:
        return bool(self.raw.isatty())


def in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: known letters in plain ones, others by their numbers."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(PLAIN.get(letter) or numbered(ord(letter)) for letter in letters), error.end


def numbered(code: int) -> str:
    """A letter by its number, as JSON and TOML write it."""
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
