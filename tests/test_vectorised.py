"""Every dense loop of the month is vectorised. A check of the compiled text, not a timing."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.vectorised import loop_widths, vector_width, wanted_width


def llvm_of(function: object) -> str:
    """LLVM's text of a function over two columns."""
    compiled = njit(error_model="numpy")(function)
    compiled(np.ones(8), np.ones(8))
    return str(compiled.inspect_llvm(compiled.signatures[0]))


def independent(a, b):
    for i in range(len(a)):
        b[i] = a[i] * 1.5 + b[i]


def chained(a, b):
    x = 0.0
    for i in range(len(a)):
        x = a[i] / (x + 1.0)
        b[i] = x


def test_the_check_tells_a_vectorised_loop_from_one_that_is_not() -> None:
    assert vector_width(llvm_of(independent)) >= wanted_width()
    assert vector_width(llvm_of(chained)) == 1


@pytest.mark.slow
def test_every_dense_loop_is_vectorised() -> None:
    widths = loop_widths()
    assert {name.split("_")[1] for name in widths} == {"account", "decision", "living"}
    assert not [name for name, width in widths.items() if width < wanted_width()]
