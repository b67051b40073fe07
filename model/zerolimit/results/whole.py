"""A folder that is written whole or not at all, whatever kills its writer, with a digest of each of its files.

    .NAME.abcd1234.tmp/    a room beside the folder's place, while it is written
        owner.json         the process that writes (writer.py)
        whole/             the new folder, renamed into its place at the end, or exchanged with what is there in one step
        replaced/          what was there, between two renames, where the system knows no exchange

The next command of the same name puts back what was replaced by nothing, and clears the rooms of writers that are gone.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from zerolimit.basics.errors import BadInput
from zerolimit.basics.files import path_of
from zerolimit.results import digest
from zerolimit.results.writer import lives, this_process

PROVENANCE, MANIFEST = "provenance.json", "manifest.json"
OWNER, WHOLE, REPLACED = "owner.json", "whole", "replaced"
ABANDONED = 3600.0
"""Seconds without a change after which a room has no writer any more, where nobody can ask the writer's machine."""
HERE, EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""


def check_target(folder: Path | str, *, force: bool = False) -> Path:
    """Refuse, before anything is run, a folder that exists or cannot be written. Leaves nothing behind."""
    target = path_of(folder)
    recover(target)
    if os.path.lexists(target):
        if not force:
            raise BadInput(f"{folder}: already exists; take another --out, or --force to replace it")
        if not target.is_dir():
            raise BadInput(f"{folder}: is not a folder")
        if not (target / PROVENANCE).is_file() and any(target.iterdir()):
            raise BadInput(f"{folder}: is not a run folder; --force replaces run folders only")
    with room_beside(target.resolve()):
        pass
    return target


@contextmanager
def whole_folder(folder: Path | str, *, force: bool = False) -> Iterator[Path]:
    """A folder to fill. It is hidden beside its place, and put into it, on disk, when all and its manifest is written."""
    target = check_target(folder, force=force).resolve()
    with room_beside(target) as room:
        try:
            whole = room / WHOLE
            whole.mkdir()
            yield whole
            write_manifest(whole)
            for file in (*whole.iterdir(), whole):
                _to_disk(file)
            _put_in_place(room, target, force=force)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise BadInput(f"{folder}: cannot be written: {why}; nothing was kept") from error
        with suppress(OSError):
            _to_disk(target.parent)


@contextmanager
def room_beside(target: Path) -> Iterator[Path]:
    """A hidden temporary folder beside the target; it is removed at the end, with the parents made for it if unused."""
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    except OSError as error:
        _remove_empty(missing)
        raise BadInput(f"{target}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    try:
        with suppress(OSError):  # without it the room is known by its age
            (room / OWNER).write_text(json.dumps(this_process()), encoding="utf-8")
        yield room
    finally:
        if not _cleared(room, target):
            raise BadInput(f"{target}: could not be replaced, nor put back; what it held is in {room / REPLACED}")
        _remove_empty(missing)


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems have no fsync for folders
            os.fsync(handle)
    finally:
        os.close(handle)


def _put_in_place(room: Path, target: Path, *, force: bool) -> None:
    """The finished folder to its name; one that is replaced never leaves it without the other taking it, where possible."""
    whole = room / WHOLE
    if not target.exists():
        whole.rename(target)
        return
    if not force:
        raise BadInput(f"{target}: has appeared while the run went on; nothing was written")
    if not exchanged(whole, target):
        target.rename(room / REPLACED)
        whole.rename(target)


def exchanged(one: Path, other: Path) -> bool:
    """Whether two names were exchanged, in one step that nothing can come between; not every system can."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    rename.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return bool(rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0)


# after killed writers


def recover(folder: Path) -> None:
    """Put back what a killed writer of this folder had replaced by nothing, and clear what it left.

    A writer that may still be at work is left alone; so is what was replaced, where another has taken its place since.
    """
    with suppress(OSError, RuntimeError, ValueError):  # a path that is none is told of by who uses it
        target = folder.resolve()
        pattern = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}\.tmp")
        with os.scandir(target.parent) as found:
            rooms = [Path(one.path) for one in found if pattern.fullmatch(one.name) and one.is_dir(follow_symlinks=False)]
        for room in rooms:
            with suppress(OSError):
                if _left(room):
                    _cleared(room, target)


def _left(room: Path) -> bool:
    """Whether a room's writer is gone."""
    there = lives(digest.read_json(room / OWNER))
    if there is None:
        return time.time() - max(one.lstat().st_mtime for one in (room, *room.rglob("*"))) > ABANDONED
    return not there


def _cleared(room: Path, target: Path) -> bool:
    """Remove a room. Of a replacement that was broken off half-way, what was replaced goes back to its place first, or
    stays where it is: it may be the only copy."""
    if (room / REPLACED).exists() and (room / WHOLE).exists():
        try:
            (room / REPLACED).rename(target)
        except OSError:
            return False
    shutil.rmtree(room, ignore_errors=True)
    return True


# the manifest


def write_manifest(folder: Path) -> None:
    """The digest of each file of a folder, in a file that holds its own."""
    files = [file for file in sorted(folder.iterdir()) if file.name != MANIFEST]
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        digests = list(threads.map(digest.file_digest, files))
    names = (file.name for file in files)
    digest.write_json(folder / MANIFEST, {"files": dict(zip(names, digests, strict=True))})


def read_manifest(folder: Path) -> dict[str, str] | None:
    """The digests of a folder's files, by name; none where it was written before there were any. BadInput where a file is
    missing, or the manifest damaged."""
    path = folder / MANIFEST
    if not os.path.lexists(path):
        return None
    table, sealed = digest.unsealed(path)
    files = table.get("files")
    if not sealed or not isinstance(files, dict):
        raise digest.Damaged(f"{path}: is damaged: it holds no digests")
    for name in files:
        if not (folder / name).is_file():
            raise digest.Damaged(f"{folder / name}: is missing; {MANIFEST} lists it")
    return files
