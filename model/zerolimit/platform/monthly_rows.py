"""What a month leaves of the platform: a row of each world, by the names of vocabulary.world_fields.RECORDED."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from zerolimit.vocabulary.world_fields import RECORDED, WORLD_FIELDS

Array = NDArray[Any]


def is_whole(name: str) -> bool:
    """Whether a number is kept as a whole one."""
    return WORLD_FIELDS[name].kind == "whole"


RECORDED_WHOLE = [name for name in RECORDED if is_whole(name)]
RECORDED_REAL = [name for name in RECORDED if not is_whole(name)]
KEPT_AS = [(name, is_whole(name)) for name in RECORDED]
PLACES = {
    **{name: ("whole", at) for at, name in enumerate(RECORDED_WHOLE)},
    **{name: ("real", at) for at, name in enumerate(RECORDED_REAL)},
}
"""Where a number stands in the platform's rows."""


class PlatformRows:
    """The platform's rows of a month, of all worlds that were run together."""

    def __init__(self, whole: Array, real: Array) -> None:
        self.whole, self.real = whole, real

    def row(self, world: int) -> dict[str, float]:
        """One world's, by name, in the order of RECORDED."""
        whole, real = iter(self.whole[world].tolist()), iter(self.real[world].tolist())
        return {name: next(whole if kept else real) for name, kept in KEPT_AS}

    def of(self, name: str) -> Array:
        """One number of all rows, which may be of several months, (worlds, months)."""
        table, at = PLACES[name]
        found: Array = getattr(self, table)[..., at]
        return found

    def alone(self, world: int) -> PlatformRows:
        """One world's, without the others."""
        return PlatformRows(self.whole[world : world + 1].copy(), self.real[world : world + 1].copy())
