"""The months before month 0: a market is simulated until it stays as it is, and what it came to is kept for the next time.

They belong to the set-up: the calendar and series begin with month 0, and no results tell of them. What they come to hangs
on the scenario (without calendar, series and words), the seed, the engine and the code; it is kept in the user's cache
folder under a hash of these. A file that is broken, or that cannot be written, does no more than cost the time again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from zerolimit.basics.sources import source_hash
from zerolimit.engine.base import Array
from zerolimit.engine.generated import VERSIONS, cache_folder
from zerolimit.parameters.declarations import DATED
from zerolimit.platform.books import TABLES
from zerolimit.run.together import Together
from zerolimit.vocabulary.fields import STATE

written: Any = np.savez
FOLDER = "starts"
MOST = 2**29
"""Bytes that are kept in all: a larger start is not, and the files used longest ago go first."""
NO_PART = {"name", "description", "start", *DATED}
"""Of a scenario, what does not act before month 0."""


def warm_up(world: Together) -> None:
    """One world up to month 0: its months simulated, or taken from where they were kept."""
    if world.month == 0:
        return
    path = place_of(world)
    if path is None or not taken(world, path):
        while world.month < 0:
            world.step()
        world.forget()
        if path is not None:
            keep(world, path)


def place_of(world: Together) -> Path | None:
    """Where the start of a world is kept; None where what it hangs on is in no scenario."""
    [one] = world.worlds
    if one.user_rules or one.engine.overrides or one.scenario.network_file is not None:
        return None
    scenario = one.scenario.model_dump(mode="json", exclude=NO_PART)
    told = json.dumps([scenario, one.seed, one.engine.name, source_hash(), *VERSIONS], sort_keys=True)
    return cache_folder() / FOLDER / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.npz"


def columns_of(world: Together) -> dict[str, Array]:
    """All that a market carries from one month to the next."""
    books = {f"books.{name}": getattr(world.books, name) for name in TABLES}
    return {state.name: world.engine.raw(state.name, world.month) for state in STATE} | books


def laid_out(columns: dict[str, Array]) -> dict[str, tuple[Any, ...]]:
    """Names, kinds and sizes of columns."""
    return {name: (column.dtype, column.shape) for name, column in columns.items()}


def taken(world: Together, path: Path) -> bool:
    """Whether the world could be set to what is kept; it is as before otherwise."""
    try:
        with np.load(path, allow_pickle=False) as file:
            kept = {name: file[name] for name in file.files}
        os.utime(path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return False
    if laid_out(kept) != laid_out(columns_of(world)):
        return False
    [one] = world.worlds
    one.month = 0
    for state in STATE:
        world.engine.put_raw(state.name, slice(None), kept[state.name], 0)
    for name in TABLES:
        getattr(world.books, name)[:] = kept[f"books.{name}"]
    return True


def keep(world: Together, path: Path) -> None:
    """Keep what a world came to, complete or not at all."""
    columns = columns_of(world)
    if sum(column.nbytes for column in columns.values()) > MOST // 2:
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            try:
                written(file, **columns)
            except BaseException:
                os.unlink(file.name)
                raise
        os.replace(file.name, path)
        make_room(path.parent)


def make_room(folder: Path) -> None:
    """No more than MOST in all: what was used longest ago goes."""
    files = sorted(((file.stat(), file) for file in folder.iterdir()), key=lambda one: -one[0].st_mtime)
    total = 0
    for stat, file in files:
        total += stat.st_size
        if total > MOST:
            file.unlink(missing_ok=True)
