"""Run deliveries side by side in threads; those that share an ordering key run one after the other."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Crew:
    """Some threads that take jobs; a job waits for the earlier jobs that share one of its keys."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="klavier")
        self._lock = threading.Lock()
        self._last: dict[str, Future[Any]] = {}

    def hand_out(self, keys: Sequence[str], job: Callable[[], T]) -> "Future[T]":
        """Give a job to the crew; the future holds what it returns or raises."""
        future: Future[T] = Future()
        with self._lock:
            before = {self._last[key] for key in keys if key in self._last}
            for key in keys:
                self._last[key] = future
        future.add_done_callback(lambda done: self._forget(keys, done))
        self._after(before, lambda: self._start(future, job))
        return future

    def _start(self, future: "Future[T]", job: Callable[[], T]) -> None:
        try:
            self._pool.submit(_run, future, job)
        except RuntimeError:  # the crew has been let go of
            future.cancel()

    def _after(self, before: set["Future[Any]"], start: Callable[[], object]) -> None:
        """Start when all of these are done; each calls back exactly once, even if it is done already."""
        left = len(before)
        if not left:
            start()
            return

        def count_down(_: "Future[Any]") -> None:
            nonlocal left
            with self._lock:
                left -= 1
                is_last = left == 0
            if is_last:
                start()

        for future in before:
            future.add_done_callback(count_down)

    def _forget(self, keys: Sequence[str], done: "Future[Any]") -> None:
        with self._lock:
            for key in keys:
                if self._last.get(key) is done:
                    del self._last[key]

    def __enter__(self) -> Self:
        """Give itself; the end of the block lets go of it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what was handed out; after an error nothing is begun any more, and nobody waits for the rest."""
        self._pool.shutdown(wait=error is None, cancel_futures=error is not None)


def _run(future: "Future[T]", job: Callable[[], T]) -> None:
    try:
        future.set_result(job())
    except BaseException as error:  # noqa: BLE001 -- whoever asks for the result gets it
        future.set_exception(error)
