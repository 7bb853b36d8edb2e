"""String formats: email addresses, times, phone numbers."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from klavier.jsdates import MOST_MILLISECONDS, parse_date, to_days, to_iso
from klavier.values import klaviyo_time, read_phone, read_time
from klavier.values.times import EARLIEST, NO_TIME, TOO_EARLY, TOO_LATE, is_iso_time
from klavier_segment_actions.javascript.values import SPACE, to_number, to_text

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
    rf"([0-9]{{4}})[-/]?([0-9]{{1,2}})?[-/]?([0-9]{{0,2}})[Tt{SPACE}]*+"
    r"([0-9]{1,2})?:?([0-9]{1,2})?:?([0-9]{1,2})?[.:]?([0-9]++)?"
)
"""The times that Segment's date library parses itself, with fields that may be missing or beyond their range; all
others, and those that end with Z, it leaves to JavaScript's `Date`."""
_LONGEST_TIME = 1000
"""Longer strings are no times; the bound is far above any form."""
_EPOCH = re.compile(r"[0-9]{10}|[0-9]{13}")
_LATEST = "9999"
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_ISO_LENGTH = len("2024-03-01T10:20:30.123Z")


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


def sendable_phone(phone: str, country: Any) -> tuple[str | None, str]:
    """Return a phone number that Klaviyo accepts, in E.164 format, and the reason where there is none.

    A number without a leading plus needs a country, in which it must be valid.
    """
    number, reason = read_phone(phone, country if isinstance(country, str) and country else None)
    if number is not None and not phone.lstrip().startswith("+"):
        number, reason = e164(phone, country), "no valid phone number of its country: check it against country_code"
    return number, reason


def is_sendable_phone(phone: str) -> bool:
    """Return whether a phone number is accepted by Klaviyo unchanged."""
    return read_phone(phone)[0] == phone


def vendor_time(value: Any) -> str | None:
    """Return a time as Segment reads it, in UTC with milliseconds; None for no time.

    It differs from Segment in one form: a string of ten digits counts seconds since 1970, one of thirteen milliseconds.
    Segment reads the first of these digits as year, month and day, which gives a time in the wrong century.
    """
    if isinstance(value, str):
        if is_iso_time(value):
            return value
        return _written(_parse_vendor_time(value))
    return _written(value)


def is_vendor_time(value: Any) -> bool:
    """Return whether Segment's validator accepts a time: every number, and every string that it reads."""
    if not isinstance(value, str) or vendor_time(value) is not None:
        return True
    seconds = _plain_number(value)
    return seconds is not None and abs(seconds) * 1000 <= MOST_MILLISECONDS


def sendable_time(value: Any) -> tuple[str | None, str]:
    """Return a time that Klaviyo accepts, in UTC with milliseconds, and the reason where there is none.

    Unambiguous forms are read as klavier reads them for all vendors, others as JavaScript's `Date`, which Segment uses.
    """
    if not isinstance(value, str):
        time = _written(value)
    elif is_iso_time(value):
        time = value
    else:
        known, reason = read_time(value)
        if reason in (TOO_EARLY, TOO_LATE):
            return None, reason
        time = _written(_milliseconds(known) if known else parse_date(value[:_LONGEST_TIME]))
    if time is None:
        return None, NO_TIME
    if len(time) > _ISO_LENGTH or time > f"{_LATEST}-":
        return None, TOO_EARLY if time.startswith("-") else TOO_LATE
    return (None, TOO_EARLY) if time < EARLIEST else (time, "")


def is_rfc3339(value: Any) -> bool:
    """Return whether a time is a string in the format that Klaviyo accepts."""
    return isinstance(value, str) and klaviyo_time(value) == value


def _parse_vendor_time(text: str) -> float | None:
    if len(text) > _LONGEST_TIME:
        return None
    if _EPOCH.fullmatch(text):
        return int(text) * (1000 if len(text) == 10 else 1)  # noqa: PLR2004 -- the digits of seconds
    seconds = _plain_number(text)
    if seconds is not None and not abs(seconds) * 1000 <= MOST_MILLISECONDS:
        return None
    found = None if text[-1:] in ("Z", "z") else _LOOSE_TIME.fullmatch(text)
    if found is None:
        return parse_date(text)
    year, month, day, hour, minute, second = (
        int(part or default) for part, default in zip(found.groups()[:6], "011000", strict=True)
    )
    year += 1900 if year < 100 else 0  # noqa: PLR2004 -- JavaScript takes years of two digits for the 1900s
    minutes = (to_days(year, month, day) * 24 + hour) * 60 + minute
    return (minutes * 60 + second) * 1000 + int((found[7] or "0")[:3])


def _plain_number(text: str) -> float | None:
    """Return the number of a string that JavaScript would write for it; Segment's validator takes it for seconds."""
    number = to_number(text)
    return number if to_text(number) == text else None


def _milliseconds(time: str) -> int:
    moment = datetime.fromisoformat(time)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH_START) // timedelta(milliseconds=1)


def _written(milliseconds: Any) -> str | None:
    if not isinstance(milliseconds, (int, float)) or not abs(milliseconds) <= MOST_MILLISECONDS:
        return None
    return to_iso(int(milliseconds))


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
