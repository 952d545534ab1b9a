"""Runs a function in several processes, which end with their parent."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any


def in_processes(
    function: Callable[[Any], Any], values: Iterable[Any], number: int
) -> Iterator[Any]:
    """Calls a function with each value, in several processes.

    A terminal sends Ctrl-C to all processes; only the caller handles it. When
    the caller stops reading the results, or dies, the processes end at once.

    Args:
        function: Takes one value. Function, values and results are pickled.
        values: The values to call it with.
        number: Number of processes.

    Yields:
        The results, in the order in which they become ready.

    Raises:
        RuntimeError: A process was killed.

    Example:
        >>> sorted(in_processes(abs, [-1, 2, -3], number=1))
        [1, 2, 3]
    """
    others = set(multiprocessing.active_children())
    # Spawned: TensorFlow does not survive a fork.
    pool = ProcessPoolExecutor(
        number, multiprocessing.get_context("spawn"), _end_with_parent
    )
    try:
        with _interrupts_ignored():  # which the processes inherit
            futures = [pool.submit(function, value) for value in values]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            "A worker process was killed, probably because the system ran out "
            "of memory. Start the same command again with fewer `num_workers`. "
            f"Received: num_workers={number}"
        ) from error
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_with_parent() -> None:
    # Otherwise an orphaned process would wait for work for ever.
    threading.Thread(target=_await_parent, daemon=True).start()


def _await_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
