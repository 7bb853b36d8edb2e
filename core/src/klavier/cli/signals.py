"""Stop at a signal after the requests in flight, and go on with another configuration after SIGHUP."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from klavier.cli.messages import print_error, warn
from klavier.errors import KlavierError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from klavier.cli.setup import Setup
    from klavier.streams.lines import Line

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOPPING = "stopping: finishing in-flight requests (signal again to stop now)"
RELOADED = "the configuration was read again"
_NOT_RELOADED = "the configuration was not read again, the one before stays in use"
_SAME_SECONDS = 0.5
"""For how long a further signal is the first one once more: `timeout`, `uv run` and other wrappers pass on what their
whole process group was sent already, within milliseconds. Somebody who presses Ctrl-C twice takes longer, or repeats
it."""
_BY_SIGNAL = 128
"""A shell adds this to the number of the signal that ended a process."""


def handle_signals(end: "Callable[[Setup | None], None]", prepare: "Callable[[], Setup]") -> None:
    """Call `end` with None at the first Ctrl-C or SIGTERM, and at a SIGHUP with what `prepare` returns.

    Where `prepare` raises, a warning is printed and nothing ends. The second signal to stop does what it does to any
    program. After the first one SIGHUP is ignored: supervisors send it with SIGTERM. Needs a running loop.
    """
    loop = asyncio.get_running_loop()
    has_stopped = False

    def on_stop() -> None:
        nonlocal has_stopped
        if has_stopped:
            return
        has_stopped = True
        for number in SIGNALS:
            loop.call_later(_SAME_SECONDS, loop.remove_signal_handler, number)
        end(None)
        print_error(STOPPING)

    def on_hangup() -> None:
        if has_stopped:
            return
        try:
            following = prepare()
        except (KlavierError, OSError) as error:
            warn(f"{_NOT_RELOADED}: {error}")
        else:
            end(following)

    with suppress(NotImplementedError):  # Windows: Ctrl-C ends at once, and the outbox keeps what is not delivered
        for number in SIGNALS:
            loop.add_signal_handler(number, on_stop)
        loop.add_signal_handler(signal.SIGHUP, on_hangup)


class _StopReading(Exception):  # noqa: N818 -- no error: it ends the wait for a line
    """The first signal came while a line was waited for."""


class StopSignals:
    """Ends the lines at the first Ctrl-C or SIGTERM in its block, so that the run ends early but in order.

    The second one raises `KeyboardInterrupt`.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._received_at = 0.0
        self._is_waiting = False
        self._before: dict[signal.Signals, Any] = {}

    @property
    def exit_code(self) -> int | None:
        """The exit code of a run that a signal ended; None where none came."""
        return None if self.received is None else _BY_SIGNAL + self.received

    def lines(self, lines: "Iterator[Line]") -> "Iterator[Line]":
        """Yield the lines until a signal comes."""
        try:
            while True:
                self._is_waiting = True
                line = None if self.received is not None else next(lines, None)
                self._is_waiting = False
                if line is None:
                    return
                yield line
        except _StopReading:
            return
        finally:
            self._is_waiting = False

    def _handle(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.received is not None:
            if now - self._received_at < _SAME_SECONDS:
                return
            raise KeyboardInterrupt
        self.received, self._received_at = signal.Signals(number), now
        with suppress(OSError):  # not through sys.stderr, which may be in the middle of a write
            os.write(2, f"\n{STOPPING}\n".encode())
        if self._is_waiting:
            self._is_waiting = False
            raise _StopReading

    def __enter__(self) -> Self:
        """Install the handlers."""
        with suppress(ValueError):  # only the main thread may
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the handlers from before."""
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
