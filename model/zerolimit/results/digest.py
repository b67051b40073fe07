"""Files that notice damage: written whole or not at all, and held against a digest (SHA-256) of all their bytes.

A file's digest stands in its own name, `STEM.DIGEST.SUFFIX`, so that one rename writes both; in a JSON table under DIGEST,
taken over everything else in it; or in another file that is sealed so (a manifest).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from zerolimit.basics.errors import BadInput

DIGEST = "sha256"
"""The word of a sealed JSON table under which its digest stands."""
LENGTH = 64
NAMED = re.compile(rf"(?P<stem>[^.].*)\.(?P<digest>[0-9a-f]{{{LENGTH}}})(?P<suffix>\.[^.]+)")


class Damaged(BadInput):
    """A file is not what was written: its bytes are not those of its digest, or it is not the file that it is named as."""


def digest(data: bytes) -> str:
    """Digest of bytes, as `sha256sum` prints it."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """Digest of a file's bytes, read piece by piece."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# writing


def write_whole(path: Path, data: bytes) -> None:
    """Bytes under a name, whole or not at all: beside it, to the disk, renamed."""
    beside = path.with_name(f".{path.name[:40]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def half_written(name: str) -> bool:
    """Whether a name is of a file that is being written, or was when its writer was killed."""
    return name.startswith(".") and name.endswith(".tmp")


def write_named(folder: Path, stem: str, data: bytes, suffix: str) -> Path:
    """Bytes under a name that holds their digest; the path."""
    path = folder / f"{stem}.{digest(data)}{suffix}"
    write_whole(path, data)
    return path


def sealed(table: Mapping[str, Any]) -> bytes:
    """A table as JSON that holds its own digest."""
    plain = json.loads(json.dumps(table))
    whole = {**plain, DIGEST: _of_table(plain)}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()


def write_json(path: Path, table: Mapping[str, Any]) -> None:
    """A table as sealed JSON, whole or not at all."""
    write_whole(path, sealed(table))


def _of_table(table: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in table.items() if key != DIGEST}
    return digest(json.dumps(rest, sort_keys=True).encode())


# reading


def verified(path: Path, known: str | None = None) -> bytes:
    """A file's bytes, held against a digest: the one in its name, or `known`. Damaged where they differ."""
    if known is None:
        named = NAMED.fullmatch(path.name)
        if named is None:
            raise Damaged(f"{path}: its name holds no digest")
        known = named["digest"]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if digest(data) != known:
        raise Damaged(f"{path}: is damaged: its bytes are not those that were written")
    return data


def unsealed(path: Path) -> tuple[dict[str, Any], bool]:
    """A JSON table without its digest, and whether it had one to hold it against. Damaged where it cannot be trusted.

    Files written before there were digests have none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    try:
        table = json.loads(data)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise Damaged(f"{path}: is damaged: it cannot be read as JSON")
    known = table.pop(DIGEST, None)
    if known is not None and known != _of_table(table):
        raise Damaged(f"{path}: is damaged: it does not say what was written")
    return table, known is not None


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON table, or none where there is none, or none that can be trusted."""
    try:
        return unsealed(path)[0]
    except Damaged:
        return None
