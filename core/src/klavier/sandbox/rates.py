"""Klaviyo's rate limits: fixed windows of a second and a minute for each operation, and a day for a few.

Source: Klaviyo's rate-limit guide.  Accepted calls carry `RateLimit-*` for the steady window only, a 429 carries
nothing but `Retry-After`, in whole seconds; a throttled call is not counted.  Some query parameters have lower limits
of their own, which count the calls of all operations together.
"""

import math
from collections.abc import Mapping

from klavier.klaviyo.operations import Operation, RateLimit
from klavier.sandbox.errors import RefusedError

_SECOND, _MINUTE, _DAY = 1, 60, 86_400
_Window = tuple[str, int, int]
"""A counter's name, its seconds, and the greatest count."""


class Windows:
    """Counts calls; `limits` replaces the limits of some operations, by name."""

    def __init__(self, limits: Mapping[str, RateLimit]) -> None:
        self._limits = dict(limits)
        self._counts: dict[tuple[str, int], tuple[int, int]] = {}

    def count(self, operation: Operation, now: float, params: Mapping[str, str]) -> dict[str, str]:
        """Count a call and return its headers; raises `RefusedError` (429) for one too many."""
        limit = self._limits.get(operation.name, operation.rate)
        windows = _windows(operation.name, limit)
        if operation.daily is not None and operation.name not in self._limits:
            windows.append((operation.name, _DAY, operation.daily))
        for name, slower in operation.slower.items():
            parameter, _, value = name.partition("=")
            if value in params.get(parameter, "").split(","):
                windows += _windows(name, slower)
        waits = [_left(size, now) for name, size, most in windows if self._count(name, size, now) >= most]
        if waits:
            wait = max(1, math.ceil(max(waits)))
            detail = f"Request was throttled. Expected available in {wait} second{'s' if wait > 1 else ''}."
            raise RefusedError(429, detail, headers={"Retry-After": str(wait)})
        for name, size, _ in windows:
            self._counts[name, size] = (int(now // size), self._count(name, size, now) + 1)
        return {
            "RateLimit-Limit": str(limit.steady),
            "RateLimit-Remaining": str(limit.steady - self._count(operation.name, _MINUTE, now)),
            "RateLimit-Reset": str(math.ceil(_left(_MINUTE, now))),
        }

    def _count(self, name: str, size: int, now: float) -> int:
        window, count = self._counts.get((name, size), (-1, 0))
        return count if window == now // size else 0


def _windows(name: str, limit: RateLimit) -> list[_Window]:
    return [(name, _SECOND, limit.burst), (name, _MINUTE, limit.steady)]


def _left(size: int, now: float) -> float:
    """Return the seconds until the window of this size ends."""
    return size - now % size
