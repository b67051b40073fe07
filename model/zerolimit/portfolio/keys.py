"""A client's key: 64 bits of the id's text, by which the client's draws are told from all others (vocabulary/draws.py).

The key is the BLAKE2b hash (RFC 7693) of the text in UTF-8, 8 bytes long, read as a big-endian whole number. It knows
neither the row nor the other clients: so a client keeps the draws when rows are dropped, added or sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import BadInput, quoted
from zerolimit.vocabulary.draws import WORLD

Texts = Sequence[str] | NDArray[Any]
WIDTH = 8
"""Bytes of a key."""


def keys_of(ids: Texts) -> NDArray[np.uint64]:
    """The key of each id, (ids,).

    BadInput: two ids have the same key, or one has the key of the world's own draws (a chance of one in 2^64 each).
    """
    words = b"".join([blake2b(text.encode(), digest_size=WIDTH).digest() for text in ids])
    keys = np.frombuffer(words, f">u{WIDTH}").astype(np.uint64)
    refuse_shared(keys, ids)
    return keys


def refuse_shared(keys: NDArray[np.uint64], ids: Texts) -> None:
    """BadInput where two clients would have the same draws, or one those of the world; rows count from 1."""
    order = np.argsort(keys, kind="stable")
    twins = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    if len(twins):
        one, other = (named(ids, int(order[twins[0] + k])) for k in range(2))
        raise BadInput(
            f"portfolio: {one} and {other} have the same key {keys[order[twins[0]]]:016x}; write one of them otherwise"
        )
    if (taken := np.flatnonzero(keys == WORLD)).size:
        raise BadInput(f"portfolio: {named(ids, int(taken[0]))} has the key of the world's draws; write it otherwise")


def named(ids: Texts, row: int) -> str:
    """An id with its row."""
    return f"id {quoted(ids[row])} (row {row + 1})"
