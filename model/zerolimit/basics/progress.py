"""The one progress bar: how much of a long work is done, how fast it goes, what is left.

Whoever waits sees it, on a terminal or in a notebook, after two seconds; logs and pipes see nothing. The bar is tqdm's,
which knows terminals, Jupyter with and without widgets, and a switch (the environment variable TQDM_DISABLE); it is
imported when it is first shown, so that short runs do not pay for it.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

Progress = bool | Callable[[int, int], None]
"""The argument `progress` of everything that can take long: True (a bar where somebody waits), False, or a function that is
given what is done and all there is to do."""
PATIENCE = 2.0
"""Seconds that nobody minds."""


class Update(Protocol):
    """Moves a bar on."""

    def __call__(self, done: int, total: int, *, note: str = "") -> None:
        """`note` is shown beside."""


@contextmanager
def reporting(progress: Progress, label: str, unit: str) -> Iterator[Update]:
    """What to call while the block runs, with what is done and all there is to do of a unit; the bar is gone afterwards."""
    if progress is True and somebody_waits():
        bar = Bar(label, unit)
        try:
            yield bar
        finally:
            bar.close()
    else:
        told = progress if callable(progress) else nobody

        def update(done: int, total: int, *, note: str = "") -> None:
            told(done, total)

        yield update


def nobody(done: int, total: int) -> None:
    """Is told, and does nothing."""


def somebody_waits() -> bool:
    """Whether a person looks on: standard error is a terminal, or this is a notebook."""
    return not os.environ.get("TQDM_DISABLE") and ((sys.stderr is not None and sys.stderr.isatty()) or in_notebook())


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel."""
    ask = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return "IPKernelApp" in getattr(ask() if ask else None, "config", {})


class Bar:
    """A bar that appears once it has been waited for; what was done when it was first told counts for no speed."""

    def __init__(self, label: str, unit: str) -> None:
        self.label, self.unit = label, unit
        self.began = time.time()
        self.first: int | None = None
        self.shown: Any = None

    def __call__(self, done: int, total: int, *, note: str = "") -> None:
        if self.first is None:
            self.first = done
        if self.shown is None:
            if time.time() - self.began < PATIENCE:
                return
            self.shown = self.show(total)
        self.shown.total = total
        self.shown.set_postfix_str(note, refresh=False)
        self.shown.update(done - self.shown.n)

    def show(self, total: int) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where a notebook has no widgets, the bar is text
            from tqdm.auto import tqdm
        looks = {"leave": False, "dynamic_ncols": True, "disable": False}  # `somebody_waits` has looked at the switch
        bar = tqdm(desc=self.label, unit=f" {self.unit}", total=total, initial=self.first, **looks)
        bar.start_t = bar.last_print_t = self.began
        ON_SCREEN.append(bar)
        return bar

    def close(self) -> None:
        if self.shown is not None:
            ON_SCREEN.remove(self.shown)
            self.shown.close()


ON_SCREEN: list[Any] = []
"""Bars that are shown."""


def said_above(text: str) -> bool:
    """A line above the bar, where one is shown."""
    for bar in ON_SCREEN[:1]:
        bar.write(text, file=sys.stderr)
    return bool(ON_SCREEN)


def span(seconds: float) -> str:
    """A length of time in words as short as can be."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
