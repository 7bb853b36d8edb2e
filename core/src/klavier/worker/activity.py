"""Counts of what happened in the last hour, in memory: for a status that shows how much goes through."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, TypeVar

SPAN = 5
"""Seconds of one count: a rate over the last minute is at most this much out of date."""

HOUR = 3600
MINUTE = 60

K = TypeVar("K")


class Activity(Generic[K]):
    """Counts by key over the last hour.

    One thread adds, and others may read without a lock: they copy the spans and each counter before they use them, and
    the interpreter switches threads during neither copy. What was counted before the clock was set back, and is in the
    future now, is left out.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` returns Unix seconds."""
        self._now = now
        self._spans: deque[tuple[int, Counter[K]]] = deque(maxlen=HOUR // SPAN)

    def add(self, key: K, number: int = 1) -> None:
        """Count something that happens now."""
        span = int(self._now() // SPAN) * SPAN
        if not self._spans or self._spans[-1][0] != span:
            self._spans.append((span, Counter()))
        self._spans[-1][1][key] += number

    def last_minute(self) -> Counter[K]:
        """Return the counts of the last sixty seconds."""
        now, found = self._now(), Counter[K]()
        for start, counts in reversed(list(self._spans)):
            if not now - MINUTE < start <= now + SPAN:  # a clock that is corrected by less counts on
                break
            found.update(dict(counts))
        return found

    def minutes(self) -> list[tuple[int, Counter[K]]]:
        """Return the Unix time and the counts of each minute of the last hour in which something happened."""
        now = self._now()
        found: dict[int, Counter[K]] = {}
        for start, counts in list(self._spans):
            if now - HOUR < start <= now + SPAN:
                found.setdefault(start - start % MINUTE, Counter()).update(dict(counts))
        return sorted(found.items(), key=lambda item: item[0])
