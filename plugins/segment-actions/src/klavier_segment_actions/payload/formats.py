"""The formats of texts: e-mail addresses, times, phone numbers."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from klavier.values.times import EARLIEST_YEAR, is_iso_time, klaviyo_time

# Both cases are spelled out and no part is ever tried again, which makes it several times as fast.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL = r"[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@{_LABEL}(?:\.{_LABEL})++")
_STRICT_EMAIL = re.compile(r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}")
_LONGEST_EMAIL = 320
"""No address is longer; the bound keeps the check quick on long texts."""

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
is_e164 = _E164.fullmatch
"""Tells whether a text is a phone number in E.164 form."""

_LOOSE_TIME = re.compile(
    r"([0-9]{4})[-/]?([0-9]{1,2})?[-/]?([0-9]{1,2})?[Tt\s]*([0-9]{1,2})?:?([0-9]{1,2})?:?([0-9]{1,2})?(?:[.:]([0-9]+))?"
)
EARLIEST = str(EARLIEST_YEAR)
"""What texts of times that Klaviyo takes come after."""
_ISO_LENGTH = len("2024-03-01T10:20:30.123Z")
_MILLISECONDS_TEXT = re.compile(r"[0-9]{13}")


def is_email(text: str) -> bool:
    """Tell whether a text is an ASCII address with a dotted domain."""
    return len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def is_strict_email(text: str) -> bool:
    """Tell whether an address ends with letters, two or more."""
    return len(text) <= _LONGEST_EMAIL and _STRICT_EMAIL.fullmatch(text) is not None


def e164(phone: str, country: Any) -> str | None:
    """Give a phone number in E.164 form; None for one that is not valid in its country, or without one."""
    if is_e164(phone):
        return phone
    return _converted(phone, country) if isinstance(country, str) and country else None


def iso_time(value: Any) -> str | None:
    """Give a time in ISO form with milliseconds, in UTC: of text, or of milliseconds since 1970; None for no time."""
    if isinstance(value, str) and is_iso_time(value):
        return value
    moment = _moment(value)
    if moment is None:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def is_rfc3339(value: Any) -> bool:
    """Tell whether a time is text in the form that Klaviyo takes."""
    return isinstance(value, str) and klaviyo_time(value) == value


def before_klaviyo(time: str) -> bool:
    """Tell whether a time in ISO form is earlier than Klaviyo takes."""
    return time < EARLIEST or len(time) < _ISO_LENGTH  # the year comes first; one of three digits is earlier still


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, str):
            return _of_text(value.strip())
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def _of_text(text: str) -> datetime:
    if _MILLISECONDS_TEXT.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _of_loose_text(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _of_loose_text(text: str) -> datetime:
    found = _LOOSE_TIME.fullmatch(text)
    if found is None:
        return parsedate_to_datetime(text)
    year, month, day, hour, minute, second = (
        int(part or default) for part, default in zip(found.groups()[:6], "011000", strict=True)
    )
    return datetime(year, month, day, hour, minute, second, int((found[7] or "0")[:3]) * 1000, UTC)


@lru_cache(maxsize=4096)
def _converted(phone: str, country: str) -> str | None:
    import phonenumbers  # noqa: PLC0415 -- its tables load slowly, and most numbers are in form already

    try:
        parsed = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number_for_region(parsed, country):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
