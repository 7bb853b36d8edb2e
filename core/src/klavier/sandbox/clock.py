"""The sandbox's clock: the machine's, or one that tests move."""

import asyncio
import time
from typing import Protocol

_START = 1_795_219_200.0
"""2026-11-21T00:00:00Z: after the newest revision, so that every revision that klavier uses is of the past."""


class Clock(Protocol):
    """Seconds since 1970 in UTC, and a way to wait."""

    def time(self) -> float:
        """Return the time in seconds since 1970."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait some seconds."""
        ...

    async def sleep_async(self, seconds: float) -> None:
        """Wait some seconds without blocking an event loop."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        """Return the machine's time."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Block for a while."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Wait a while."""
        await asyncio.sleep(seconds)


class FakeClock:
    """A clock that stands still until it is moved; sleeping moves it at once."""

    def __init__(self, start: float = _START) -> None:
        self.now = start

    def time(self) -> float:
        """Return the time that the clock was moved to."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        """Move the clock forward and return at once."""
        self.advance(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Move the clock forward and return at once."""
        self.advance(seconds)
