"""What a person sees of a study: the bar, the status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit.basics.errors import BadInput
from zerolimit.basics.files import path_of
from zerolimit.basics.wording import number_of
from zerolimit.results.digest import read_json
from zerolimit.results.terminal import console
from zerolimit.study.folder import LOCK, PROGRESS, Folder
from zerolimit.study.lock import judged, seen, told

if TYPE_CHECKING:
    from zerolimit.study.sweep import Progress


@contextmanager
def watching(name: str, quiet: bool) -> Iterator[tuple[Callable[[Progress], None], Callable[[str], None]]]:
    """A bar on standard error, on a terminal: runs done, runs a second, time left; and a way to say something beside it."""
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Word(ProgressColumn):
        """A field of the task, as text."""

        def __init__(self, field: str) -> None:
            self.field = field
            super().__init__()

        def render(self, task: Task) -> Text:
            return Text(str(task.fields[self.field]), style="dim")

    screen = console(stderr=True)
    shown: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("run"), MofNCompleteColumn()]
    shown += [Word("speed"), Word("left"), Word("failed"), TimeElapsedColumn()]
    hidden = quiet or not screen.is_terminal
    with Bar(*shown, console=screen, transient=True, disable=hidden) as bar:
        task = bar.add_task(name, total=None, speed="", left="", failed="")

        def watch(now: Progress) -> None:
            failed = f"{now.failed:,} failed" if now.failed else ""
            bar.update(
                task,
                completed=now.done + now.failed,
                total=now.total,
                speed=f"{now.rate:,.1f} runs/s" if now.rate else "",
                left=f"{span(now.left)} left" if now.left is not None else "",
                failed=failed,
            )

        def say(text: str) -> None:
            if not quiet:
                screen.print(text, style="dim", highlight=False)

        yield watch, say


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


def status(path: Path) -> list[str]:
    """How far a study's folder is, and who works on it, in lines."""
    folder = Folder(path_of(path))
    declared = folder.declared()
    if declared is None:
        raise BadInput(f"{path}: is not a study's folder")
    done, failed, total = folder.count(), len(folder.failures()), int(declared["runs"])
    share = done / total if total else 0.0
    lines = [f"{declared['name']}: {done:,} of {number_of(total, 'run')} done ({share:.1%}), {failed:,} failed"]
    if (said := folder.unverified()) is not None:
        lines.append(said)
    again = f"zerolimit sweep STUDY --out {path} --resume"
    lock = path / LOCK
    holder = read_json(lock)
    state, age = judged(lock, holder)
    if state == "free":
        lines.append("complete" if done == total else f"nobody works on it; go on with {again}")
        return lines
    if state != "alive":
        gone = f"which has ended; go on with {again}"
        if state == "stale":
            gone = f"{seen(age)}; if that has ended for sure, go on with {again} --take-over"
        lines.append(f"held by {told(holder)}, {gone}")
        return lines
    lines.append(f"held by {told(holder)}, {seen(age)}")
    now = read_json(path / PROGRESS)
    if now is not None and now.get("rate"):
        lines.append(f"{now['rate']:,.1f} runs a second, {span(now['left'])} left")
    return lines
