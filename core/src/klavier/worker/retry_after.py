"""Read the Retry-After header, whatever a server writes there."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST = 86_400.0
"""No reply can silence an account for more than a day."""

_SHORTEST = 1.0
"""Klaviyo speaks in whole seconds; 0 would mean to hammer it."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def retry_after(header: str, now: Callable[[], datetime] = _utc_now) -> float | None:
    """Give the seconds to wait: from an integer, a decimal or an HTTP date; None for an absent or unreadable header."""
    text = header.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds()
    if seconds != seconds:  # noqa: PLR0124 -- NaN is the one number that differs from itself
        return None
    return min(_LONGEST, max(_SHORTEST, seconds))
