"""Philox 4x32-10 as the compiled loops use it (draws.philox_reference is the same in plain whole numbers)."""

import inspect
from collections.abc import Callable
from typing import Any

from numba import float64, int32, njit, types, uint32, uint64
from numba.extending import overload

from zerolimit.vocabulary.draws import DRAW_BITS

IN_LOOP: Any = {"error_model": "numpy", "forceinline": True}
"""How what loops call is compiled: a call, or Python's division check, would stop the vectoriser."""


def make_known(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let compiled loops call a plain function. Python still calls the function itself."""
    arguments = ", ".join(inspect.signature(function).parameters)
    overload(function, jit_options=IN_LOOP, strict=False)(eval(f"lambda {arguments}: function", {"function": function}))
    return function


@make_known
def philox(key0: Any, key1: Any, c0: Any, c1: Any, c2: Any, c3: Any) -> Any:
    """Four 32-bit words for one counter.

    Words stay in places of 64 bits, whose upper halves do not count: so nothing is packed between the rounds.
    """
    low, half = uint64(0xFFFFFFFF), uint64(32)
    c0, c1, c2, c3 = uint64(c0), uint64(c1), uint64(c2), uint64(c3)
    for _ in range(10):
        p0, p1 = uint64(0xD2511F53) * (c0 & low), uint64(0xCD9E8D57) * (c2 & low)
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ uint64(key0), p1, (p0 >> half) ^ c3 ^ uint64(key1), p0
        key0, key1 = uint32(key0 + uint32(0x9E3779B9)), uint32(key1 + uint32(0xBB67AE85))
    return uint32(c0), uint32(c1), uint32(c2), uint32(c3)


@make_known
def words_of(key0: Any, key1: Any, client: Any, when: Any, block: Any, generation: Any) -> Any:
    """Four 32-bit words of a borrower's draws (draws.counter is the same in plain whole numbers).

    Bits of the block word above its 32nd do not count in philox.
    """
    upper = uint64(client) >> uint64(32)
    block = uint64(block) | upper << uint64(DRAW_BITS)
    return philox(key0, key1, client, when, block, uint64(generation) | (upper >> uint64(DRAW_BITS) << uint64(DRAW_BITS)))


def client_at(keys: Any, first: Any, i: Any) -> Any:
    """The key of borrower i of a loop that begins at row `first`: the row, where there are no keys (None)."""
    return uint32(first + uint32(i)) if keys is None else keys[i]


@overload(client_at, jit_options=IN_LOOP, strict=False)
def _client_at(keys: Any, first: Any, i: Any) -> Any:
    if isinstance(keys, types.NoneType):
        return lambda keys, first, i: uint32(first + uint32(i))
    return lambda keys, first, i: keys[i]


@make_known
def unit(word: Any) -> Any:
    """draws.unit, compiled: (k + 1/2) / 2^24 from the top 24 bits."""
    return (float64(int32(word >> uint32(8))) + 0.5) * (1.0 / 16777216.0)


@njit(cache=True, nogil=True)
def draw_words(key0: Any, key1: Any, keys: Any, generations: Any, month: Any, block: Any, lane: Any, out: Any) -> None:
    """One word of one Philox block for each of the borrowers whose keys are listed."""
    for k in range(len(keys)):
        w0, w1, w2, w3 = words_of(key0, key1, keys[k], month, block, uint32(generations[k]))
        out[k] = (w0 if lane == 0 else w1) if lane < 2 else (w2 if lane == 2 else w3)
