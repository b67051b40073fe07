"""A thread that writes: who hands out work never waits for the disk. What comes while it writes is written together next."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from types import TracebackType


class Writing[T]:
    """Things to be written, in the order in which they came, by a thread of its own, several at a time where several wait.

    What goes wrong is kept in `error`, and nothing is written after it. Left by an error or not, and however often it is
    interrupted, what was given is written.
    """

    def __init__(self, write: Callable[[list[T]], None], most: int) -> None:
        self.write, self.most = write, most
        self.error: BaseException | None = None
        self._changed = Condition()
        self._waiting: list[tuple[T, int]] = []
        self._writes = self._ended = False
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Writing[T]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        stopped: KeyboardInterrupt | None = None
        while self._thread.is_alive():
            try:
                with self._changed:
                    self._ended = True
                    self._changed.notify_all()
                self._thread.join()
            except KeyboardInterrupt as again:  # Arrow aborts a process that ends while a thread is in it
                stopped = again
        if stopped is not None:
            raise stopped
        if kind is None and self.error is not None:
            raise self.error

    def give(self, what: T, size: int) -> None:
        """To be written; at once where nothing else waits."""
        with self._changed:
            self._waiting.append((what, size))
            self._changed.notify_all()

    @property
    def behind(self) -> bool:
        """Whether more waits than should, and no more work is to be handed out until it is written."""
        with self._changed:
            return sum(size for _, size in self._waiting) > self.most

    def flush(self) -> None:
        """Wait until all is written, or cannot be."""
        with self._changed:
            self._changed.wait_for(lambda: self.error is not None or not (self._waiting or self._writes))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                some: list[T] = []
                held = 0
                while self._waiting and (not some or held + self._waiting[0][1] <= self.most):
                    what, size = self._waiting.pop(0)
                    some.append(what)
                    held += size
                self._writes = True
            if not some:
                return
            try:
                self.write(some)
            except BaseException as error:
                self.error = error
            with self._changed:
                self._writes = False
                self._changed.notify_all()
            if self.error is not None:
                return
