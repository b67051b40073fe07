"""A run's folder in a zip, as the page hands it out: unpacked with care, since a zip may say anything of itself."""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from zerolimit.basics.errors import BadInput, quoted

MOST_FILES = 100
MOST_BYTES = 8 * 2**30
"""What a run's folder may hold, unpacked."""
SWELLS, ROOM = 200, 64 * 2**20
"""Bytes that each byte of a zip may become, beside what any may: results are compressed already."""
PIECE = 2**20


def unpacked(path: Path) -> tempfile.TemporaryDirectory[str]:
    """The files of a run's zip in a temporary folder, which goes with its last name. BadInput where it holds anything else:
    folders within its folder, paths that lead elsewhere, links, or more than such a zip can hold."""
    room = tempfile.TemporaryDirectory(prefix="zerolimit-")
    try:
        with zipfile.ZipFile(path) as parcel:
            left = min(MOST_BYTES, SWELLS * path.stat().st_size + ROOM)
            for name, one in listed(path, parcel).items():
                left = inflate(path, parcel, one, Path(room.name) / name, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadInput(f"{path}: cannot be read as a zip: {str(error).splitlines()[0].lower()}") from None
    return room


def listed(path: Path, parcel: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip by name: all in its root, or all in one folder."""
    found: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for one in parcel.infolist():
        place = PurePosixPath(one.filename.replace("\\", "/"))
        if one.is_dir() and len(place.parts) == 1 and place.name not in ("", ".."):
            continue
        odd = place.is_absolute() or ".." in place.parts or not 1 <= len(place.parts) <= 2 or ":" in one.filename
        if odd or one.is_dir() or stat.S_ISLNK(one.external_attr >> 16) or "\0" in one.filename:
            raise BadInput(f"{path}: {quoted(one.filename)} has no place in a run's zip; nothing was unpacked")
        if one.flag_bits & 1:
            raise BadInput(f"{path}: {quoted(one.filename)} is encrypted; unpack it, and load the folder")
        if place.name in found:
            raise BadInput(f"{path}: {quoted(place.name)} is in it twice")
        found[place.name] = one
        folders.add(place.parent)
    if len(folders) > 1 or len(found) > MOST_FILES:
        raise BadInput(f"{path}: is no run's zip: it holds {len(found):,} files in {len(folders):,} folders")
    return found


def inflate(path: Path, parcel: zipfile.ZipFile, one: zipfile.ZipInfo, file: Path, left: int) -> int:
    """One file, piece by piece; the bytes that are still allowed behind it."""
    with parcel.open(one) as packed, open(file, "wb") as out:
        while piece := packed.read(PIECE):
            left -= len(piece)
            if left < 0:
                raise BadInput(f"{path}: unpacks to more than a run's results of its size can be; nothing is read of it")
            out.write(piece)
    return left
