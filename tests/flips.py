"""Single bits flipped in files that were written: each flip is harmless, or is named in one line."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from zerolimit.basics.errors import BadInput


def flips(files: Sequence[str], number: int, seed: int) -> Iterator[tuple[str, random.Random]]:
    """So many files to flip a bit in, the kinds in turn, each with its own draws."""
    draws = random.Random(seed)
    for k in range(number):
        yield files[k % len(files)], random.Random(draws.getrandbits(32))


def flip(path: Path, draws: random.Random) -> None:
    """One bit of a file's, anywhere in it."""
    data = bytearray(path.read_bytes())
    data[draws.randrange(len(data))] ^= 1 << draws.randrange(8)
    path.write_bytes(data)


def judged(read: Callable[[], Any], same: Callable[[Any], bool], names: Sequence[str]) -> str:
    """`harmless` where what is read is what it was before; `named` where one line names what is damaged. Else it fails."""
    try:
        found = read()
    except BadInput as error:
        told = str(error)
        assert "\n" not in told
        assert any(name in told for name in names), told
        return "named"
    assert same(found)
    return "harmless"
