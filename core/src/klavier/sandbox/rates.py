"""Klaviyo's rate limits: fixed windows of a second and a minute for each endpoint, and a day for a few.

Source: Klaviyo's rate-limit guide.  Answers that pass carry `RateLimit-*` for the steady window only, a 429 carries
nothing but `Retry-After`, in whole seconds; a call that was throttled is not counted.
"""

import math
from collections.abc import Mapping

from klavier.klaviyo.operations import Operation, RateLimit
from klavier.sandbox.refused import RefusedError

_MINUTE, _DAY = 60, 86_400


class Windows:
    """Counts the calls of each endpoint; `limits` replaces the limits of some operations."""

    def __init__(self, limits: Mapping[str, RateLimit]) -> None:
        self._limits = dict(limits)
        self._counts: dict[tuple[str, int], tuple[int, int]] = {}

    def admit(self, operation: Operation, now: float) -> dict[str, str]:
        """Count a call and give its headers; raises `RefusedError` (429) for one too many."""
        limit = self._limits.get(operation.name, operation.rate)
        windows = [(1, limit.burst), (_MINUTE, limit.steady)]
        if operation.daily and operation.name not in self._limits:
            windows.append((_DAY, operation.daily))
        waits = [_left(size, now) for size, most in windows if self._count(operation, size, now) >= most]
        if waits:
            wait = max(1, math.ceil(max(waits)))
            detail = f"Request was throttled. Expected available in {wait} second{'s' if wait > 1 else ''}."
            raise RefusedError(429, detail, headers={"Retry-After": str(wait)})
        for size, _ in windows:
            self._counts[operation.name, size] = (int(now // size), self._count(operation, size, now) + 1)
        return {
            "RateLimit-Limit": str(limit.steady),
            "RateLimit-Remaining": str(limit.steady - self._count(operation, _MINUTE, now)),
            "RateLimit-Reset": str(math.ceil(_left(_MINUTE, now))),
        }

    def _count(self, operation: Operation, size: int, now: float) -> int:
        window, count = self._counts.get((operation.name, size), (-1, 0))
        return count if window == now // size else 0


def _left(size: int, now: float) -> float:
    """Give the seconds until the window of this size ends."""
    return size - now % size
