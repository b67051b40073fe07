"""How every figure looks: the palette, the style, the axes that `plot` draws on, and what is said where one cannot be drawn.

The style is a file of matplotlib's in the package: `plt.style.use("zerolimit.style")` gives it to figures of one's own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit.basics.errors import BadInput, quoted, refuse_unknown
from zerolimit.basics.files import writable
from zerolimit.basics.terminal import tell
from zerolimit.rules.caps import CAPS
from zerolimit.vocabulary.mechanisms import MECHANISMS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 110
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

STYLE = "zerolimit.style"
"""The style's name, as matplotlib takes it: a package and a file in it."""
DRAWING = threading.RLock()
NOTE = 8.0
"""Points of what is written into a figure."""


@contextmanager
def our_settings(**more: Any) -> Iterator[None]:
    """matplotlib's defaults and our style while a figure is drawn, whatever a matplotlibrc says; a dollar sign is one.

    The settings are the process's, so one thread draws at a time.
    """
    import matplotlib
    import matplotlib.style

    looks: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    with DRAWING, matplotlib.rc_context(looks), matplotlib.style.context(STYLE), matplotlib.rc_context(written(more)):
        yield


def written(more: Mapping[str, Any]) -> Any:
    """Settings of texts: a dollar sign is one."""
    return {"text.parse_math": False, **more}


@contextmanager
def on_axes(ax: Axes | None, **subplots: Any) -> Iterator[Any]:
    """Axes to plot on: those given, as they are, or new ones of pyplot's in our style, which a notebook shows."""
    if ax is not None:
        from matplotlib.axes import Axes

        if not isinstance(ax, Axes):
            raise BadInput(f"ax: Matplotlib's Axes are needed, not {quoted(ax)}")
        yield ax
        return
    import matplotlib
    import matplotlib.pyplot as plt
    import matplotlib.style

    with DRAWING, matplotlib.style.context(STYLE), matplotlib.rc_context(written({})):
        yield plt.subplots(**subplots)[1]


@contextmanager
def on_paper(file: Any, *, rows: int = 1, columns: int = 1, math: bool = False, **figure: Any) -> Iterator[Any]:
    """Axes of a figure that is written to a file at the end, as PNG or SVG; with `math`, what stands between dollar signs
    is set as formulas."""
    with our_settings(**{"text.parse_math": math}):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        page = Figure(**{"dpi": DPI, "layout": "constrained", **figure})
        FigureCanvasAgg(page)
        yield page.subplots(rows, columns, sharex=rows > 1, sharey=columns > 1)
        page.savefig(writable(file), metadata={"Software": None} if str(file).endswith(".png") else None)


def month_axis(ax: Axes, label: str = "month", **look: Any) -> None:
    """Whole months along the bottom."""
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel(label, **look)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def draw_if_possible(draw: Callable[[Path], None], file: Path) -> None:
    """Draw a figure beside tables. One that cannot be drawn is told of in one line: no table is lost for it."""
    try:
        draw(file)
    except Exception as error:
        with suppress(OSError):
            file.unlink(missing_ok=True)
        why = " ".join(str(error).split())[:200] or type(error).__name__
        tell(f"zerolimit: {file.name} could not be drawn, and everything else is kept: {why}")
