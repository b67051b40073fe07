"""One coordinator a folder. The lock is a file made exclusively, which a network folder keeps too; no flock is relied on.

Its holder touches it every BEAT seconds. On the same machine a holder whose process is gone is known to be dead at once; of
another machine's, only a lock that nobody has touched for STALE seconds, or that is dated as much ahead, can be taken over,
and only when asked to.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zerolimit.basics.errors import BadInput
from zerolimit.results.digest import read_json, sealed
from zerolimit.results.writer import lives, this_process
from zerolimit.study.folder import LOCK

BEAT = 5.0
STALE = 60.0
SETTLE = 0.02
"""Seconds before a new lock is read again, and before another attempt."""
ATTEMPTS = 10


class Lock:
    """A lock that is held. `lost` says by whom it was taken over, once it was."""

    def __init__(self, path: Path, token: str) -> None:
        self.path, self.token = path, token
        self.lost: str | None = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._beat, daemon=True)
        self.thread.start()

    def _beat(self) -> None:
        missing = 0
        while not self.ended.wait(BEAT):
            holder = read_json(self.path)
            if holder is not None and holder.get("token") == self.token:
                missing = 0
                with contextlib.suppress(OSError):
                    os.utime(self.path)
            elif holder is not None:
                self.lost = holder_in_words(holder)
                return
            else:
                missing += 1  # a network folder may be away for a moment
                if missing >= 3 and self.path.parent.is_dir():
                    self.lost = "somebody who removed the lock"
                    return

    def release(self) -> None:
        """Let go; somebody else's lock is left alone."""
        self.ended.set()
        self.thread.join()
        holder = read_json(self.path)
        if holder is not None and holder.get("token") == self.token:
            with contextlib.suppress(OSError):
                self.path.unlink()


@contextmanager
def holding(folder: Path, *, take_over: bool = False) -> Iterator[Lock]:
    """The folder's lock, held; BadInput where another coordinator has it."""
    lock = acquire(folder, take_over=take_over)
    try:
        yield lock
    finally:
        lock.release()


def acquire(folder: Path, *, take_over: bool = False) -> Lock:
    """Make the lock, or say who has it."""
    path = folder / LOCK
    token = secrets.token_hex(8)
    for _ in range(ATTEMPTS):
        if created(path, token):
            time.sleep(SETTLE)
            if (read_json(path) or {}).get("token") == token:
                return Lock(path, token)
            continue
        holder = read_json(path)
        state, age = judged(path, holder)
        if state == "alive" or (state == "stale" and not take_over):
            hint = "; if that has ended for sure, say --take-over" if state == "stale" else ""
            raise BadInput(f"{folder}: held by {holder_in_words(holder)}, {age_in_words(age)}{hint}")
        if state != "free":
            put_aside(path, take_over=take_over)
        time.sleep(SETTLE)
    raise BadInput(f"{folder}: another coordinator is taking it just now")


def created(path: Path, token: str) -> bool:
    """Make the lock whole and exclusively: a new file, linked to the name; where links are not known, opened so."""
    data = sealed({"token": token, **this_process()})
    beside = path.with_name(f".{path.name}.{token}.tmp")
    try:
        beside.write_bytes(data)
        try:
            os.link(beside, path)
        except FileExistsError:
            return False
        except OSError:
            try:
                with open(path, "xb") as file:
                    file.write(data)
            except FileExistsError:
                return False
        return True
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def judged(path: Path, holder: dict[str, Any] | None) -> tuple[str, float]:
    """What a lock is: alive, stale, dead or free; and the seconds since it was touched, by the folder's own clock.

    One that is dated ahead is as old as it is young: a clock was wrong, and nobody knows when.
    """
    age = age_of(path)
    if age is None:
        return "free", 0.0
    there = lives(holder)
    if there is not None:
        return ("alive" if there else "dead"), age
    return ("stale" if abs(age) > STALE else "alive"), age


def age_in_words(age: float) -> str:
    """When a lock was touched last."""
    return f"last seen {max(0.0, age):.0f} s ago" if age > -1.0 else f"dated {-age:.0f} s ahead of the folder's clock"


def age_of(path: Path) -> float | None:
    """Seconds since a file was touched. Both times are the file server's: clocks of machines differ."""
    probe = path.with_name(f".clock.{secrets.token_hex(4)}.tmp")
    try:
        touched = path.stat().st_mtime
    except FileNotFoundError:
        return None
    try:
        probe.touch()
        return probe.stat().st_mtime - touched
    except OSError:
        return time.time() - touched
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def put_aside(path: Path, *, take_over: bool) -> None:
    """Remove a lock that is dead, or stale and to be taken over. One at a time, who judges it anew: it may be a new one."""
    taking = path.with_name(f".{path.name}.taking.tmp")
    try:
        taking.touch(exist_ok=False)
    except FileExistsError:
        age = age_of(taking)
        if age is not None and abs(age) > STALE:  # its maker was killed
            taking.unlink(missing_ok=True)
        return
    try:
        state, _ = judged(path, read_json(path))
        if state == "dead" or (state == "stale" and take_over):
            path.unlink(missing_ok=True)
    finally:
        taking.unlink(missing_ok=True)


def holder_in_words(holder: dict[str, Any] | None) -> str:
    """Who holds a lock."""
    if holder is None:
        return "a lock that cannot be read"
    return f"process {holder.get('pid')} on {holder.get('host')} since {holder.get('since')}"
