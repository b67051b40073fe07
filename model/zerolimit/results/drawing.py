"""How every figure looks: the palette, matplotlib's settings while one is drawn, and what is said where one cannot be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from zerolimit.basics.errors import refuse_unknown
from zerolimit.basics.terminal import tell
from zerolimit.rules.caps import CAPS
from zerolimit.vocabulary.mechanisms import MECHANISMS

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
"""Okabe and Ito 2008, told apart by colour-blind readers."""
GREY, PALE, TEAL = "#999999", "#e3e3e3", "#004D40"
PALETTE = {
    "black": BLACK,
    "orange": ORANGE,
    "sky": SKY,
    "green": GREEN,
    "yellow": YELLOW,
    "blue": BLUE,
    "red": RED,
    "purple": PURPLE,
    "grey": GREY,
    "teal": TEAL,
}
"""Colours by the names that declarations give."""
for _mechanism in MECHANISMS.values():
    refuse_unknown(f"mechanism {_mechanism.name}", "colour", _mechanism.colour, PALETTE)
for _cap in CAPS:
    refuse_unknown(f"cap {_cap.name}", "colour", _cap.colour, PALETTE)
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY)
"""Colours of things in a row, in this order."""
LOOKS = {cap.name: (PALETTE[cap.colour], cap.hatch) for cap in CAPS}
"""Colour and hatching of each cap: the same in every panel and run."""

DRAWING = threading.RLock()


@contextmanager
def our_settings(**more: Any) -> Iterator[None]:
    """matplotlib's defaults and ours while a figure is drawn, whatever a matplotlibrc says; a dollar sign is one.

    The settings are the process's, so one thread draws at a time.
    """
    import matplotlib

    looks: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    looks.update({"text.parse_math": False, **more})
    with DRAWING, matplotlib.rc_context(looks):
        yield


def draw_if_possible(draw: Callable[[Path], None], file: Path) -> None:
    """Draw a figure beside tables. One that cannot be drawn is told of in one line: no table is lost for it."""
    try:
        draw(file)
    except Exception as error:
        with suppress(OSError):
            file.unlink(missing_ok=True)
        why = " ".join(str(error).split())[:200] or type(error).__name__
        tell(f"zerolimit: {file.name} could not be drawn, and everything else is kept: {why}")
