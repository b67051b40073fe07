"""What a person sees of a study: the bar, the status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zerolimit.basics.errors import BadInput
from zerolimit.basics.files import path_of
from zerolimit.basics.progress import Progress, reporting, span
from zerolimit.basics.terminal import teller
from zerolimit.basics.wording import number_of
from zerolimit.results.digest import read_json
from zerolimit.study.folder import LOCK, PROGRESS, Folder
from zerolimit.study.lock import age_in_words, holder_in_words, judged


@dataclass(frozen=True)
class Reached:
    """How far a sweep is."""

    done: int
    failed: int
    total: int
    rate: float | None
    """Runs a second, of late."""
    since: float = 0.0
    """Seconds since some were finished: those that are under way have been so for as long."""

    @property
    def left(self) -> float | None:
        """Seconds left at this rate."""
        return max(0.0, (self.total - self.done - self.failed) / self.rate - self.since) if self.rate else None


Watch = Callable[[Reached], None]


@contextmanager
def watching(name: str, progress: Progress) -> Iterator[tuple[Watch, Callable[[str], None]]]:
    """A bar of runs where somebody waits; and a way to say something above it, silent without progress."""
    with reporting(progress, name, "run") as update:

        def watch(now: Reached) -> None:
            update(now.done + now.failed, now.total, note=f"{now.failed:,} failed" if now.failed else "")

        yield watch, teller(progress)


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
            gone = f"{age_in_words(age)}; if that has ended for sure, go on with {again} --take-over"
        lines.append(f"held by {holder_in_words(holder)}, {gone}")
        return lines
    lines.append(f"held by {holder_in_words(holder)}, {age_in_words(age)}")
    now = read_json(path / PROGRESS)
    if now is not None and now.get("rate"):
        lines.append(f"{now['rate']:,.1f} runs a second, {span(now['left'])} left")
    return lines
