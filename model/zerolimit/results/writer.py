"""Which process wrote something, and whether it is still there: by machine, number and the moment it started."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """What tells this process from any other, as JSON can hold it."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "machine": machine(),
        "process": started(os.getpid()),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def lives(who: Mapping[str, Any] | None) -> bool | None:
    """Whether a process is still there; none where that cannot be known: of another machine, or of nobody known."""
    if who is None or who.get("machine") != machine() or not isinstance(who.get("pid"), int):
        return None
    return started(who["pid"]) == who.get("process")


def machine() -> list[str]:
    """What tells machines, their boots and their containers apart."""
    found = [socket.gethostname()]
    with contextlib.suppress(OSError):
        found.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        found.append(os.readlink("/proc/self/ns/pid"))
    return found


def started(pid: int) -> str | None:
    """When a process of this machine started, in its own words; none where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        try:  # a system without /proc: alive is all that can be known
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except OSError:
            pass
        return "alive"
    state, *rest = stat.rpartition(")")[2].split()
    return None if state == "Z" else rest[18]
