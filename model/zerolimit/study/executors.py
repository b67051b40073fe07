"""Who does the runs: anything that is a `concurrent.futures.Executor`.

`LocalPool` are processes of this machine, each started anew when it dies; `dask_executor` a Dask cluster. The coordinator
(sweep.py) sees `submit` and futures, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import Empty, SimpleQueue
from typing import Any

from zerolimit.basics.errors import BadInput

ATTEMPTS = 3
"""Workers that a run may cost before it is given up."""
SINGLE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
LOCAL = "local"
CONNECT = 30
"""Seconds to wait for a cluster's scheduler."""


class WorkerDied(RuntimeError):
    """A call whose worker died, as often as it was tried."""


def died(times: int) -> str:
    """What is said of a run that has cost so many workers."""
    return f"its worker died{f' {times} times' if times > 1 else ''} (killed, or out of memory)"


class CannotStart(RuntimeError):
    """A worker that ended before it was ready."""


Call = tuple["Future[Any]", Callable[..., Any], Any, Any]


class LocalPool(Executor):
    """So many processes, one call at a time in each. One that dies is started anew; the others go on.

    The call that it did is done again, and fails with WorkerDied when it has cost so many workers as it has `attempts`.
    """

    def __init__(self, workers: int, *, attempts: int = ATTEMPTS, main: bool = True) -> None:
        self.attempts, self.main = attempts, main
        """`main`: whether workers import the program that runs: what stands in it, as a measure, they can call then."""
        self.queue: SimpleQueue[Call | None] = SimpleQueue()
        self.closed = False
        self.processes: dict[int, BaseProcess] = {}
        """The process of each lane."""
        self.lanes = [threading.Thread(target=self._lane, args=(k,), daemon=True) for k in range(workers)]
        for lane in self.lanes:
            lane.start()

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **words: Any) -> Future[Any]:
        """A call in one of the processes, as a future."""
        if self.closed:
            raise RuntimeError("the pool is closed")
        future: Future[Any] = Future()
        self.queue.put((future, function, arguments, words))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more calls. With `cancel_futures`, what has not begun is left out; what runs is finished."""
        self.closed = True
        if cancel_futures:
            with suppress(Empty):
                while True:
                    call = self.queue.get_nowait()
                    if call is not None:
                        call[0].cancel()
        for _ in self.lanes:
            self.queue.put(None)
        if wait:
            for lane in self.lanes:
                lane.join()

    def kill(self) -> None:
        """End at once; what runs is lost."""
        self.shutdown(wait=False, cancel_futures=True)
        for process in list(self.processes.values()):
            process.kill()

    def _lane(self, number: int) -> None:
        """One process after another; one call after another in it."""
        wire: Connection | None = None
        while (call := self.queue.get()) is not None:
            future, function, arguments, words = call
            if not future.set_running_or_notify_cancel():
                continue
            for attempt in range(1, self.attempts + 1):
                try:
                    wire = wire or self._start(number)
                    wire.send((function, arguments, words))
                    good, value = wire.recv()
                    if good:
                        future.set_result(value)
                    else:
                        future.set_exception(value)
                except (EOFError, OSError):  # the other end of the wire is gone
                    wire = None
                    if attempt == self.attempts or self.closed:
                        future.set_exception(WorkerDied(died(attempt)))
                        break
                    continue
                except Exception as error:
                    future.set_exception(error)
                break
        if wire is not None:
            wire.close()
            self.processes[number].join()

    def _start(self, number: int) -> Connection:
        """A fresh process (spawn: it inherits no threads and no locks) and the wire to it."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs,), daemon=True, name=f"worker {number}")
        with single_threaded(), importable_main(wanted=self.main):
            process.start()
        theirs.close()
        self.processes[number] = process
        try:
            ours.recv()
        except (EOFError, OSError):
            if self.closed:
                raise
            raise CannotStart(
                "a worker ended while it started; a script that runs a study needs `if __name__ == '__main__':` around it"
            ) from None
        return ours


def serve(wire: Connection) -> None:
    """In a worker: calls until the wire is closed. Ctrl-C is the coordinator's business; without one there is no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    wire.send("ready")
    with suppress(EOFError, OSError):
        while True:
            try:
                function, arguments, words = wire.recv()
            except (EOFError, OSError):
                raise
            except Exception as error:  # all of it was received, and something in it cannot be imported here
                wire.send((False, CannotStart(f"a worker cannot import what it is to run: {error}; put it in a file")))
                continue
            try:
                answer = (True, function(*arguments, **words))
            except Exception as error:
                answer = (False, error)
            wire.send(answer)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)  # taking Python and what was compiled apart takes longer than a small run


def end_with_parent() -> None:
    """Wait for the coordinator's end, then end too: one that was killed leaves nobody behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


STARTING = threading.Lock()


@contextmanager
def single_threaded() -> Iterator[None]:
    """Processes started inside use one thread for their numerics, unless the environment says otherwise."""
    with STARTING:
        added = [name for name in SINGLE if name not in os.environ]
        os.environ.update(dict.fromkeys(added, "1"))
        try:
            yield
        finally:
            for name in added:
                os.environ.pop(name, None)


def main_is_file() -> bool:
    """Whether workers can import the program that runs: what is typed, or comes by `python -`, they cannot."""
    return os.path.exists(getattr(sys.modules["__main__"], "__file__", None) or "")


@contextmanager
def importable_main(*, wanted: bool = True) -> Iterator[None]:
    """Processes started inside do not look for the program's file where there is none (Python names one `<stdin>`), nor
    where it is not `wanted`."""
    main: Any = vars(sys.modules["__main__"])
    shown = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    if not wanted or not main_is_file():
        main.pop("__file__", None)
    if not wanted:
        main["__spec__"] = None
    try:
        yield
    finally:
        main.update(shown)


@contextmanager
def local_pool(workers: int, attempts: int = ATTEMPTS) -> Iterator[Executor]:
    """A LocalPool; what still runs when it is left by an error or Ctrl-C is ended."""
    pool = LocalPool(workers, attempts=attempts)
    try:
        yield pool
    except BaseException:
        pool.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def dask_executor(address: str, workers: int, say: Callable[[str], None]) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """An existing Dask cluster, or `local` for one on loopback; and how many runs it can do at a time just now.

    Dask does what a worker did that died again on another one, as often as its scheduler allows (three times by default).
    A cluster of somebody else's that has no workers left is waited for, and that is said; in our own, new ones are started:
    Dask itself does not start one again that died while it was starting.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise BadInput("--cluster: needs Dask: pip install 'zerolimit[cluster]'") from None
    import logging

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    cluster = None
    if address == LOCAL:
        with single_threaded():
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
    try:
        client = distributed.Client(cluster or address, timeout=CONNECT, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        if cluster is not None:
            cluster.close()
        told = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"--cluster {address}: no Dask scheduler answers: {told}") from None
    idle = False

    def cores() -> int:
        nonlocal idle
        number = sum(client.ncores().values())
        if cluster is not None and number < workers:
            cluster.scale(workers)
        elif not number and not idle:
            say(f"--cluster {address}: has no workers now; waiting for some (Ctrl-C keeps what was finished)")
        idle = not number
        return number

    try:
        yield client.get_executor(pure=False, retries=ATTEMPTS), cores
    finally:
        with suppress(Exception):
            client.close(timeout=CONNECT)
        if cluster is not None:
            with suppress(Exception):
                cluster.close(timeout=CONNECT)
