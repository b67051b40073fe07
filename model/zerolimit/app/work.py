"""Work off the event loop: one job at a time at a desk, with progress and cancel; a failure is one line."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zerolimit.basics.errors import BadInput, Cancelled

PAUSE = 0.25
"""Seconds between two reports of progress at least."""
DRAWING = 5.0
"""Seconds that a job waits, at most, for the page to draw what it has reported."""


class Drawn:
    """Whether a page has drawn what was last to be shown. Without a page nothing waits for it."""

    def __init__(self) -> None:
        self._event: threading.Event | None = None
        self._left = False

    def done(self) -> None:
        """A page has drawn all that there is."""
        if self._event is None:
            self._event = threading.Event()
        self._event.set()

    def leave(self) -> None:
        """The page has gone, and draws nothing more."""
        self._left = True
        self.done()

    def after(self, changed: Callable[[], None]) -> None:
        """Show something from a job, and wait until it is drawn: else a slow page finds news at each of its passes."""
        event = self._event
        if event is not None:
            event.clear()
        changed()
        if event is not None and not self._left:
            event.wait(DRAWING)


@dataclass
class Job:
    """What is being done. `of` 0: without an end."""

    what: str
    of: int = 0
    done: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)


class Desk:
    """One job at a time. `changed` is called when something is to be shown, `drawn` knows when a page has shown it."""

    def __init__(self, changed: Callable[[], None], drawn: Drawn | None = None) -> None:
        self.changed, self.drawn = changed, drawn or Drawn()
        self.job: Job | None = None
        self.wrong = ""
        """Why the last job failed, in one line."""
        self.turned_away = False
        """Whether something else was asked for since it began, while it was being done."""
        self._reported = 0.0
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        return self.job is not None

    def start(self, what: str, work: Callable[[Job], Any], of: int = 0) -> bool:
        """Begin. Whoever comes while something is being done is turned away, and the page says so."""
        with self._lock:
            job = None if self.job is not None else Job(what, of)
            self.turned_away = job is None
            if job is not None:
                self.job, self.wrong = job, ""
                threading.Thread(target=self._do, args=(job, work), daemon=True).start()
        self.changed()
        return job is not None

    def stop(self) -> None:
        """Ask the job to end; it does so at its next report."""
        job = self.job
        if job is not None:
            job.stopped.set()

    def report(self, job: Job, done: int) -> None:
        """Progress, from within a job; ends it there when it was cancelled."""
        if job.stopped.is_set():
            raise Cancelled
        job.done = done
        if time.monotonic() - self._reported >= PAUSE:
            self._reported = time.monotonic()
            self.drawn.after(self.changed)

    def _do(self, job: Job, work: Callable[[Job], Any]) -> None:
        try:
            work(job)
        except Cancelled:
            pass
        except Exception as error:
            self.wrong = one_line(error)
            if not isinstance(error, BadInput | MemoryError):
                traceback.print_exc()
        finally:
            self.job = None
            self.changed()


def one_line(error: Exception) -> str:
    """What a visitor is told."""
    if isinstance(error, MemoryError):
        return "not enough memory; take fewer borrowers"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, BadInput) else f"{type(error).__name__}: {text[:300]}"
