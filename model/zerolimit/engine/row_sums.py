"""Sums over the borrowers of each world of whole-number formulas: one text, compiled into one pass, or run by NumPy.

The formulas are Python on names of columns (results/moments.py writes them): every value is int64 and sums are whole, so
they are the same in any order, and in both ways of running. What is counted only (a formula that is true or false) is
summed by itself, in numbers half as wide, of which a processor adds twice as many at a time. No behaviour of the model is in
here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import llvmlite
import numba
import numpy as np

from zerolimit.engine.base import Array
from zerolimit.engine.compiled import cache_folder
from zerolimit.vocabulary.fields import DTYPES, FIELDS

TOGETHER = 32
"""Sums that one loop makes: of fewer, columns are read too often; of many more, the processor has no registers left."""
CHUNK = 4_096
"""Rows that all loops go over before the next ones: their columns stay in the processor's cache, and counts are exact."""


class Real(NamedTuple):
    """How a real number becomes a whole one: multiplied, held within ends, rounded down."""

    per: int
    most: int


REAL = {"risk": Real(1, 10_000), "anchor": Real(1_000, 1_000_000), "propensity": Real(1_000_000, 1_000_000)}
"""Fields that are stored as real numbers."""
Column = tuple[str, int]
"""A field, and by how many months it is behind."""


def local(column: Column) -> str:
    """What a formula calls a column."""
    name, lag = column
    return f"{name}_{lag}_months_ago" if lag else name


def as_whole(name: str, values: str) -> str:
    """The text that makes whole numbers (int64) of a field's stored values."""
    if FIELDS[name].storage == "f4":
        per, most = REAL[name]
        return f"np.int64(np.floor(np.minimum(np.maximum(np.float64({values}) * {per:.1f}, {-most:.1f}), {most:.1f})))"
    return f"np.int64({values})"


class Summed(NamedTuple):
    """A formula that is summed over rows; or what is true or false of them, and counted."""

    code: str
    counted: bool


class RowSums:
    """Sums of formulas over columns, for worlds whose rows follow each other."""

    def __init__(self, formulas: Sequence[Summed], columns: Sequence[Column], *, compiled: bool) -> None:
        self.formulas, self.columns, self.compiled = tuple(formulas), tuple(columns), compiled
        self.function = loops(self.formulas, self.columns) if compiled else by_numpy(self.formulas, self.columns)

    def of(self, columns: Sequence[Array], starts: Array) -> Array:
        """Sums of stored columns, (worlds, formulas), int64; world w has the rows from starts[w] to before starts[w + 1]."""
        out = np.zeros((len(starts) - 1, len(self.formulas)), np.int64)
        if self.compiled:
            self.function(np.ascontiguousarray(starts, np.int64), out, *columns)
            return out
        for k, values in enumerate(self.function(*columns)):
            running = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
            out[:, k] = running[starts[1:]] - running[starts[:-1]]
        return out


@cache
def by_numpy(formulas: tuple[Summed, ...], columns: tuple[Column, ...]) -> Callable[..., Any]:
    """A function of whole columns that gives the values of each formula."""
    lines = ["def values(" + ", ".join(map(local, columns)) + "):"]
    lines += [f"    {local(one)} = {as_whole(one[0], local(one))}" for one in columns]
    lines += [f"    return [{', '.join(code for code, _ in formulas)}]"]
    made: dict[str, Any] = {"np": np}
    exec("\n".join(lines), made)
    found: Callable[..., Any] = made["values"]
    return found


def source_of(formulas: tuple[Summed, ...], columns: tuple[Column, ...]) -> str:
    """The module that is compiled: loops over some of a world's borrowers, each for some of the sums."""
    lines = ["import numpy as np", "from numba import njit", ""]
    names = [f"column_{local(one)}" for one in columns]
    signature = ", ".join(["int64[::1]", "int64[:, ::1]", *(f"{DTYPES[FIELDS[name].storage]}[::1]" for name, _ in columns)])
    lines += [f"@njit('void({signature})', cache=True, nogil=True, error_model='numpy')"]
    lines += [f"def sums({', '.join(['starts', 'out', *names])}):", "    for world in range(len(starts) - 1):"]
    lines += [f"        for first in range(starts[world], starts[world + 1], {CHUNK}):"]
    lines += [f"            last = min(first + {CHUNK}, starts[world + 1])"]
    # from 0 on, no row is taken for one that is counted from the end, and neighbours are read at once
    lines += [f"            part_{name} = {name}[first:last]" for name in names]
    for some, kind in loops_of(formulas):
        lines += [f"            sum_{k} = np.{kind}(0)" for k, _ in some]
        lines += ["            for row in range(last - first):"]
        lines += [
            f"                {local(one)} = {as_whole(one[0], f'part_{name}[row]')}"
            for one, name in zip(columns, names, strict=True)
            if any(re.search(rf"\b{local(one)}\b", text) for _, text in some)
        ]
        lines += [f"                sum_{k} = np.{kind}(sum_{k} + np.{kind}({text}))" for k, text in some]
        lines += [f"            out[world, {k}] += sum_{k}" for k, _ in some]
    return "\n".join([*lines, ""])


def loops_of(formulas: Sequence[Summed]) -> Iterator[tuple[list[tuple[int, str]], str]]:
    """The numbers and texts of the formulas of each loop, and what it sums in."""
    for counted, kind in ((True, "int32"), (False, "int64")):
        mine = [(k, one.code) for k, one in enumerate(formulas) if one.counted == counted]
        for first in range(0, len(mine), TOGETHER):
            yield mine[first : first + TOGETHER], kind


@cache
def loops(formulas: tuple[Summed, ...], columns: tuple[Column, ...]) -> Callable[..., Any]:
    """The compiled pass, loaded from the cache where it has been compiled before."""
    source = source_of(formulas, columns)
    versions = (sys.version, np.__version__, numba.__version__, llvmlite.__version__)
    digest = hashlib.sha256("\n".join([source, *map(str, versions)]).encode()).hexdigest()[:24]
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sums_{digest}.py"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".tmp", delete=False, encoding="utf-8") as file:
            file.write(source)
        os.replace(file.name, path)
    spec = importlib.util.spec_from_file_location(f"zerolimit_sums_{digest}", path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    found: Callable[..., Any] = module.sums
    return found
