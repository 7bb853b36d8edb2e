"""String formats: email addresses, times, phone numbers."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from klavier.values.times import EARLIEST_YEAR, is_iso_time, klaviyo_time

# Possessive quantifiers: no part is ever matched a second time, so the time is linear in the text.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL = r"[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@{_LABEL}(?:\.{_LABEL})++")
_STRICT_EMAIL = re.compile(r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}")
_LONGEST_EMAIL = 320
"""Longer than any valid address (RFC 5321: 64 + 1 + 255); bounds the time of the check."""

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
is_e164 = _E164.fullmatch
"""Matches a phone number in E.164 format."""

_LOOSE_TIME = re.compile(
    r"([0-9]{4})[-/]?([0-9]{1,2})?[-/]?([0-9]{1,2})?[Tt\s]*([0-9]{1,2})?:?([0-9]{1,2})?:?([0-9]{1,2})?(?:[.:]([0-9]+))?"
)
EARLIEST = str(EARLIEST_YEAR)
"""ISO 8601 times that Klaviyo accepts sort after this prefix."""
_ISO_LENGTH = len("2024-03-01T10:20:30.123Z")
_MILLISECONDS_TEXT = re.compile(r"[0-9]{13}")


def is_email(text: str) -> bool:
    """Return whether a string is an ASCII email address with a dotted domain."""
    return len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def is_strict_email(text: str) -> bool:
    """Return whether an address ends with a top-level domain of two letters or more."""
    return len(text) <= _LONGEST_EMAIL and _STRICT_EMAIL.fullmatch(text) is not None


def e164(phone: str, country: Any) -> str | None:
    """Return a phone number in E.164 format; None where it is not valid in its country, or has no country."""
    if is_e164(phone):
        return phone
    return _converted(phone, country) if isinstance(country, str) and country else None


def iso_time(value: Any) -> str | None:
    """Return a time in UTC with milliseconds, from a string or milliseconds since 1970; None for no time."""
    if isinstance(value, str) and is_iso_time(value):
        return value
    moment = _moment(value)
    if moment is None:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def is_rfc3339(value: Any) -> bool:
    """Return whether a time is a string in the format that Klaviyo accepts."""
    return isinstance(value, str) and klaviyo_time(value) == value


def is_before_klaviyo(time: str) -> bool:
    """Return whether an ISO 8601 time is earlier than Klaviyo accepts."""
    return time < EARLIEST or len(time) < _ISO_LENGTH  # the year comes first; a shorter one has fewer than four digits


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, str):
            return _parse_time(value.strip())
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def _parse_time(text: str) -> datetime:
    if _MILLISECONDS_TEXT.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _parse_loose_time(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _parse_loose_time(text: str) -> datetime:
    found = _LOOSE_TIME.fullmatch(text)
    if found is None:
        return parsedate_to_datetime(text)
    year, month, day, hour, minute, second = (
        int(part or default) for part, default in zip(found.groups()[:6], "011000", strict=True)
    )
    return datetime(year, month, day, hour, minute, second, int((found[7] or "0")[:3]) * 1000, UTC)


@lru_cache(maxsize=4096)
def _converted(phone: str, country: str) -> str | None:
    import phonenumbers  # noqa: PLC0415 -- its tables load slowly, and most numbers are E.164 already

    try:
        parsed = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number_for_region(parsed, country):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
