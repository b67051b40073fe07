"""The one progress bar: how much of a long work is done, how fast it goes, what is left. Seen on a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console


class Update(Protocol):
    """Moves a bar on."""

    def __call__(
        self, done: int, total: int, *, rate: float | None = None, left: float | None = None, note: str = ""
    ) -> None:
        """`rate` (units a second) and `left` (seconds) stand in place of the bar's own estimates; `note` is shown beside."""


@contextmanager
def progress_bar(
    label: str, unit: str, screen: Console, *, total: int | None = None, hidden: bool = False
) -> Iterator[Update]:
    """A bar while the block runs: done and total of the unit, units a second, time left, elapsed; gone afterwards."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Words(ProgressColumn):
        """What a task is given as text."""

        def __init__(self, words: Callable[[Task], str]) -> None:
            self.words = words
            super().__init__()

        def render(self, task: Task) -> Text:
            return Text(self.words(task), style="dim")

    def speed(task: Task) -> str:
        rate = task.fields["rate"] or task.speed
        return f"{rate:,.1f} {unit}s/s" if rate else ""

    def remaining(task: Task) -> str:
        left = task.time_remaining if task.fields["left"] is None else task.fields["left"]
        return f"{span(left)} left" if left is not None else ""

    shown = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn(unit),
        MofNCompleteColumn(),
        *(Words(words) for words in (speed, remaining, lambda task: task.fields["note"])),
        TimeElapsedColumn(),
    )
    unseen = hidden or screen.quiet or not screen.is_terminal
    with Progress(*shown, console=screen, transient=True, disable=unseen) as progress:
        task = progress.add_task(label, total=total, rate=None, left=None, note="")

        def update(done: int, total: int, *, rate: float | None = None, left: float | None = None, note: str = "") -> None:
            progress.update(task, completed=done, total=total, rate=rate, left=left, note=note)

        yield update


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
