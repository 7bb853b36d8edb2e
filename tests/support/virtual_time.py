"""An event loop whose clock jumps: hours of waiting pass in no time, in the right order."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves the clock on and counts it as a wake-up."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.wakeups = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            raise AssertionError("every task waits, and no timer is set: nothing will ever happen")
        self.now += timeout
        self.wakeups += 1
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its `time()` starts at 0 and advances only when everything sleeps."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # No finer than a float is after years of seconds: else a timer that is due is never seen to be.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._jumping.now

    @property
    def wakeups(self) -> int:
        """How often the loop woke for a timer, after everything slept."""
        return self._jumping.wakeups

    def run_in_executor(self, _executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]  # never a thread
        """Run at once: a thread would take real time while the clock stands."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 -- the caller awaits it
            future.set_exception(error)
        return future


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop with virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
