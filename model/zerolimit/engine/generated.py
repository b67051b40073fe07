"""Modules that are written out as text, compiled by Numba, and kept: named by a hash of all that went into them.

Numba's own cache looks only at the file that holds a loop: a function edited elsewhere would go on running stale.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np

VERSIONS = (sys.version, np.__version__, numba.__version__, llvmlite.__version__)


def cache_folder() -> Path:
    """Where compiled code is kept: ZEROLIMIT_CACHE, the user's cache folder, or a temporary one."""
    wishes = [os.environ.get("ZEROLIMIT_CACHE"), os.environ.get("XDG_CACHE_HOME")]
    home = Path(wishes[0]) if wishes[0] else (Path(wishes[1]) if wishes[1] else Path.home() / ".cache") / "zerolimit"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if os.access(home, os.W_OK):
            return home
    except OSError:
        pass
    return Path(tempfile.gettempdir()) / f"zerolimit-{os.getuid() if hasattr(os, 'getuid') else 0}"


@cache
def hash_of(*rooms: str) -> str:
    """Hash of every source file of some rooms, taken once: of what was imported, not of later edits."""
    here = Path(__file__).parent.parent
    files = sorted(file for room in rooms for file in here.glob(f"{room}/**/*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def written(kind: str, source: str, prints: Iterable[str] = ()) -> Path:
    """The file that holds a text, made where there is none; `prints` are hashes of what the text calls."""
    digest = hashlib.sha256("\n".join([source, *prints, *VERSIONS]).encode()).hexdigest()[:24]
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}_{digest}.py"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".tmp", delete=False, encoding="utf-8") as file:
            file.write(source)
        os.replace(file.name, path)
    return path


def ready_mark(path: Path) -> Path:
    """A mark beside a file: everything in it has been compiled on a machine with this processor."""
    return path.with_suffix(f".{llvmlite.binding.get_host_cpu_name()}.ready")


def loaded(path: Path, given: Mapping[str, Any] = MappingProxyType({})) -> ModuleType:
    """The module in a file, run anew, with what it is given beforehand by name."""
    name = f"zerolimit_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    vars(module).update(given)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
