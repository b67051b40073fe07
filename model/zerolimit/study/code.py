"""What can move a run's numbers: the modules that a worker runs, found by following their imports."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

from zerolimit.engine.registry import OURS

HOME = Path(__file__).parent.parent
ENGINES = tuple(module.removeprefix("zerolimit.") for module in OURS.values())
ROOTS = ("study.worker", *ENGINES, "explanation.kept_lines", "platform.network", "portfolio.portfolio")
"""A worker, and what is imported only when a run needs it."""


def imported(path: Path) -> set[str]:
    """The package's modules that a file imports at its top level, outside `if TYPE_CHECKING`.

    A package that looks for its modules (pkgutil) imports all of them.
    """
    found: set[str] = set()
    text = path.read_text(encoding="utf-8")
    if path.name == "__init__.py" and "pkgutil.iter_modules" in text:
        home = ".".join(path.parent.relative_to(HOME).parts)
        found |= {f"{home}.{file.stem}" for file in path.parent.glob("*.py")} - {f"{home}.__init__"}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("zerolimit"):
            inside = (node.module or "").removeprefix("zerolimit").removeprefix(".")
            found |= {inside, *(f"{inside}.{one.name}".removeprefix(".") for one in node.names)}
    return found


def file_of(module: str) -> Path | None:
    """A module's file; none where the name is no module's."""
    base = HOME.joinpath(*module.split(".")) if module else HOME
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def worker_modules() -> dict[str, Path]:
    """Every module that a run can load, with its file."""
    found: dict[str, Path] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        path = file_of(name)
        if name not in found and path is not None:
            found[name] = path
            waiting += [*imported(path), name.rpartition(".")[0]]
    return found


@cache
def code_hash() -> str:
    """Hash of their sources: equal hashes, equal numbers."""
    digest = hashlib.sha256()
    for name, path in sorted(worker_modules().items()):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
