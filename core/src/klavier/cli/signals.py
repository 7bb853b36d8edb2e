"""Stop at a signal, but finish what is under way."""

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klavier.streams.lines import Line

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BY_SIGNAL = 128
"""What is added to a signal's number in the exit code of what it ended."""


class _Stopped(Exception):  # noqa: N818 -- no error: it wakes who waits for a line
    """The first signal came while a line was waited for."""


class Stopping:
    """In its block the first Ctrl-C or SIGTERM ends the lines, so that a run ends early but in good order.

    The second one raises `KeyboardInterrupt`, whatever is under way.
    """

    def __init__(self) -> None:
        self.by: signal.Signals | None = None
        """The signal that came; None as long as none did."""
        self._is_waiting = False
        self._before: dict[signal.Signals, Any] = {}

    @property
    def exit_code(self) -> int | None:
        """The exit code of a run that a signal ended; None where none came."""
        return None if self.by is None else _BY_SIGNAL + self.by

    def lines(self, lines: "Iterator[Line]") -> "Iterator[Line]":
        """Give lines on until a signal comes."""
        try:
            while True:
                self._is_waiting = True
                line = None if self.by is not None else next(lines, None)
                self._is_waiting = False
                if line is None:
                    return
                yield line
        except _Stopped:
            return
        finally:
            self._is_waiting = False

    def _take(self, number: int, _: FrameType | None) -> None:
        if self.by is not None:
            raise KeyboardInterrupt
        self.by = signal.Signals(number)
        with suppress(OSError):  # not by way of sys.stderr, which may be in the middle of writing
            os.write(2, b"\nstopping: what is under way is finished first; a second signal stops at once\n")
        if self._is_waiting:
            self._is_waiting = False
            raise _Stopped

    def __enter__(self) -> Self:
        """Begin to listen for signals."""
        with suppress(ValueError):  # only the main thread may
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave signals to who had them before."""
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
