"""Times as Klaviyo takes them: RFC 3339 text, from 1990 on.

Source: the descriptions of `time` in Klaviyo's OpenAPI specification.
"""

import re
from datetime import UTC, datetime
from typing import Any

EARLIEST_YEAR = 1990

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_MILLISECONDS = 10**11
"""Epoch numbers from here on count milliseconds: as seconds they would lie beyond the year 5000."""


def klaviyo_time(value: Any) -> str | None:
    """Give a time as RFC 3339 text; None for what is no time or lies before 1990.

    Takes ISO 8601 text (without an offset it is UTC) and epoch numbers in seconds or milliseconds.  Text that is in
    form already comes back unchanged.
    """
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _of_number(value)
    return None


def _of_text(text: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year < EARLIEST_YEAR:
        return None
    if is_plain(text) or _RFC3339.fullmatch(text):
        return text
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat().replace("+00:00", "Z")


def is_plain(text: str) -> bool:
    """Tell quickly whether an ISO 8601 time is written in the one way that nearly all are: 2024-03-01T10:20:30.123Z.

    Of all that `datetime.fromisoformat` reads with this length, nothing else has these marks at these places.
    """
    return text[4:20:3] == "--T::." and text[-1] == "Z" and len(text) == 24  # noqa: PLR2004 -- the length above


def is_iso_time(text: str) -> bool:
    """Tell quickly whether a text is a time in that one form, of any year."""
    if not is_plain(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _of_number(number: float) -> str | None:
    try:
        moment = datetime.fromtimestamp(number / 1000 if abs(number) >= _MILLISECONDS else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None if moment.year < EARLIEST_YEAR else moment.isoformat().replace("+00:00", "Z")
