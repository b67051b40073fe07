"""What the package's code is: one hash over its sources, so that only the code that made a result goes on with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

HOME = Path(__file__).parent.parent


def source_hash() -> str:
    """Hash of every source and preset of the package, by relative name."""
    digest = hashlib.sha256()
    for file in sorted((*HOME.rglob("*.py"), *HOME.rglob("*.toml"))):
        digest.update(file.relative_to(HOME).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
