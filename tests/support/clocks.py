"""Clocks that tests move by hand."""

from attrs import define


@define
class Clock:
    """Returns `now` when it is called, as `time.time` and `time.monotonic` return theirs."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
