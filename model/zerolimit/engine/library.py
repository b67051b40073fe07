"""What compiled loops may call: rules and their helpers, made known to the compiler once in a process."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import overload

from zerolimit.engine.philox import make_known
from zerolimit.rules.rule import LIBRARY, root, whole


@overload(whole, inline="always", strict=False)
def _whole(x: Any) -> Any:
    return lambda x: np.floor(x)


@overload(root, inline="always", strict=False)
def _root(x: Any) -> Any:
    return lambda x: math.sqrt(x)


KNOWN: set[Callable[..., Any]] = set()


def make_known_once(function: Callable[..., Any]) -> None:
    """A rule's function, and all helpers that there are by now: each only the first time."""
    for one in (*LIBRARY, function):
        if one not in KNOWN:
            KNOWN.add(one)
            make_known(one)
