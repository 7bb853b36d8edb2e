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
    the interpreter switches threads during neither copy.
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
        oldest, found = self._now() - MINUTE, Counter[K]()
        for start, counts in reversed(list(self._spans)):
            if start <= oldest:
                break
            found.update(dict(counts))
        return found

    def minutes(self) -> list[tuple[int, Counter[K]]]:
        """Return the Unix time and the counts of each minute of the last hour in which something happened."""
        oldest = self._now() - HOUR
        found: dict[int, Counter[K]] = {}
        for start, counts in list(self._spans):
            if start > oldest:
                found.setdefault(start - start % MINUTE, Counter()).update(dict(counts))
        return sorted(found.items(), key=lambda item: item[0])
