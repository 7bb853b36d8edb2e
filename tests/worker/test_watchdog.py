"""The watchdog by itself: when its timer is set and cancelled."""

import faulthandler
import time
from typing import Any

import pytest

from klavier.worker.watchdog import TRANSLATION_SECONDS, Watchdog


class Timer:
    """faulthandler's timer, and the clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[Any] = []

    def start(self, seconds: float, **options: Any) -> None:
        self.calls.append((seconds, options["exit"], options["file"]))

    def cancel(self) -> None:
        self.calls.append("cancelled")


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> Timer:
    found = Timer()
    monkeypatch.setattr(faulthandler, "dump_traceback_later", found.start)
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", found.cancel)
    monkeypatch.setattr(time, "monotonic", lambda: found.now)
    return found


@pytest.mark.parametrize(("seconds", "expected"), [(None, TRANSLATION_SECONDS + 1.0), (5.0, 6.0)])
def test_the_timer_is_set_anew_once_a_second_and_cancelled_at_the_end(
    timer: Timer, seconds: float | None, expected: float
) -> None:
    marked: list[Any] = []
    watchdog = Watchdog(marked.append, seconds)
    armed = (expected, True, 2)
    for passed, calls in ((0.0, 1), (0.5, 1), (0.5, 1), (0.25, 2), (0.25, 2)):
        timer.now += passed
        watchdog.mark_translating((7,))
        assert timer.calls == [armed] * calls
    watchdog.mark_translating(())
    assert timer.calls == [armed, armed, "cancelled"]
    watchdog.mark_translating((8,))
    assert timer.calls[3:] == [armed]
    assert marked == [(7,)] * 5 + [(), (8,)]
