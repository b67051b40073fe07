"""Paths and files that a user names: what is none, or cannot be read, is refused in one line."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zerolimit.basics.errors import BadInput, nearest, one_line, quoted


def path_of(given: Any, what: str = "folder") -> Path:
    """A path that the system can hold, or BadInput; whether anything is there is not asked."""
    text = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(text, str) or not text:
        kind = repr(text) if text == "" else type(given).__name__
        raise BadInput(f"{what}: a path is needed, as in 'runs/first', not {kind}")
    try:
        os.lstat(text)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except OSError as error:
        raise BadInput(f"{what} {quoted(text)}: cannot be a path: {why(error)}") from None
    except ValueError:
        raise BadInput(f"{what} {quoted(text)}: cannot be a path: it has letters that no path has") from None
    return Path(text)


def is_file(given: Any, what: str) -> bool:
    """Whether a path is of a file; BadInput where it cannot be a path."""
    try:
        return path_of(given, what).is_file()
    except OSError:
        return False


def read_file(given: Any, what: str, known: Iterable[str] = (), beside: str = "no such file") -> bytes:
    """The bytes of a file, or BadInput. `known`: other names that would do; `beside`: said where there is none."""
    path = path_of(given, what)
    try:
        kind = os.stat(path).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
            which = "a folder" if stat.S_ISDIR(kind) else "a device"
            raise BadInput(f"{what} {path.name or path}: cannot be read: it is {which}; a file is needed")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        names = [*known, *neighbours(path)]
        raise BadInput(f"{what} {str(path)!r}: {beside}{nearest(path.name, names)}") from None
    except OSError as error:
        raise BadInput(f"{what} {path.name or path}: cannot be read: {why(error)}") from None
    except MemoryError:
        raise BadInput(f"{what} {path.name or path}: does not fit into memory") from None


def writable(file: Any) -> Any:
    """Where a figure may be drawn: a path, or something to write to; BadInput otherwise."""
    return file if hasattr(file, "write") else path_of(file, "file")


def neighbours(path: Path) -> list[str]:
    """Names of what stands beside a path."""
    try:
        return os.listdir(path.parent)
    except OSError:
        return []


def why(error: OSError) -> str:
    """The system's reason, in small letters."""
    return (error.strerror or str(error)).lower()


def toml_of(text: str, where: str) -> dict[str, Any]:
    """The table that a TOML text says, or BadInput."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise BadInput(f"{where}: not valid TOML: lists or tables too deep") from None
    except ValueError as error:  # TOMLDecodeError is one, and so is a number with too many digits
        raise BadInput(f"{where}: not valid TOML: {one_line(error, 200)}") from None
