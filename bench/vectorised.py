"""Has every dense loop of the month become vector instructions? A loop that has not is many times slower.

Compiles the loops afresh (what comes from the cache has no LLVM text to look at) and reads LLVM's own words.

    python -m bench.vectorised
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def vector_width(llvm: str) -> int:
    """How many numbers LLVM's vectorised loop takes at once; 1 where there is no such loop.

    Doubles, or whole numbers where it has seen that the loop needs no others. `vector.body` is the loop vectoriser's name
    for its loop: vectors alone may also come from packing neighbours.
    """
    if "vector.body" not in llvm:
        return 1
    return max((int(width) for width in re.findall(r"<(\d+) x (?:double|i(?:8|16|32|64))>", llvm)), default=1)


def wanted_width() -> int:
    """The least width that counts on this processor: 4 doubles with AVX, 2 without."""
    from llvmlite import binding

    return 4 if binding.get_host_cpu_features().get("avx2", False) else 2


def widths() -> dict[str, int]:
    """Dense loop -> its width, compiled in this process. Loops for some borrowers only (lists, `where`) are left out."""
    from zerolimit.engine.compiled import ordinary_loops, vectors

    loops = ordinary_loops()
    found: dict[str, int] = {}
    for stage in loops.plan.stages:
        for name, signatures in loops.dense_loops(stage).items():
            with vectors():
                for signature in signatures:
                    loops[name].compile(signature)
            found[name] = min(vector_width(loops[name].inspect_llvm(signature)) for signature in signatures)
    return found


def loop_widths() -> dict[str, int]:
    """`widths` in a process of its own with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        paths = os.pathsep.join([str(ROOT), *sys.path])
        environment = {**os.environ, "ZEROLIMIT_CACHE": folder, "NUMBA_CACHE_DIR": folder, "PYTHONPATH": paths}
        command = [sys.executable, "-c", "import json; from bench.vectorised import widths; print(json.dumps(widths()))"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def loops_not_vectorised() -> list[str]:
    """Names of the dense loops that did not vectorise; there should be none."""
    least = wanted_width()
    return [name for name, width in loop_widths().items() if width < least]


if __name__ == "__main__":
    for name, width in loop_widths().items():
        print(f"{name:20} {width} doubles at once" if width > 1 else f"{name:20} NOT VECTORISED")
