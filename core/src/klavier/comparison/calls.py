"""How long calls take under Klaviyo's rate limits."""

from collections import Counter

from klavier.comparison.report import Calls
from klavier.klaviyo.operations import OPERATIONS, UNLIMITED, RateLimit

_RATES = {row.name: row.rate for row in OPERATIONS}
_MINUTE = 60


def count_calls(calls: Counter[tuple[str, str, str]]) -> tuple[Calls, ...]:
    """Return the calls of each endpoint with their minutes, the most first."""
    found = [
        Calls(operation, method, path, count, minutes_for(count, _RATES.get(operation, UNLIMITED)))
        for (operation, method, path), count in calls.items()
    ]
    return tuple(sorted(found, key=lambda row: (-row.count, row.operation)))


def minutes_for(count: int, rate: RateLimit) -> float:
    """Return the least minutes between the first and the last of some calls of one operation.

    Klaviyo counts in fixed windows of a second and of a minute, for each endpoint and account.
    """
    if count <= 1:
        return 0.0
    whole, rest = divmod(count - 1, rate.steady)
    return whole + (rest // rate.burst) / _MINUTE
