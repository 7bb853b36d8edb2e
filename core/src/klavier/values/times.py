"""Times as Klaviyo takes them: RFC 3339 text, from 1990 on.

Source: the descriptions of `time` in Klaviyo's OpenAPI specification.  That a time may be at most a year ahead is
checked by `klavier.klaviyo.limits`, when the request is sent: no reader here knows the present time.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from klavier.strictjson import kind_of

EARLIEST_YEAR = 1990
EARLIEST = str(EARLIEST_YEAR)
"""ISO 8601 times that Klaviyo takes sort after this prefix."""

NO_TIME = "no ISO 8601 time and no epoch number in seconds or milliseconds"
TOO_EARLY = f"a time before {EARLIEST_YEAR}, which Klaviyo does not take"
TOO_LATE = "a time beyond the year 9999"

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_ISO_START = re.compile(r"[0-9]{4}-?(?:[0-9]{2}-?[0-9]{2}|W[0-9]{2}(?:-?[0-9])?)(?:[Tt ][0-9]|$)", re.ASCII)
"""Python's reader takes any character between date and time; ISO 8601 and the warehouses have a T or a blank."""
_SPACED_ZONE = re.compile(r" (?:UTC|GMT|Z|[+-][0-9]{2}(?::?[0-9]{2})?)", re.IGNORECASE)
"""A zone after a blank, as BigQuery (`UTC`) and Snowflake (`+0000`) write it."""
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} (?:GMT|UTC|[+-][0-9]{4})"
)
_EPOCH_TEXT = re.compile(r"-?[0-9]{9,13}(?:\.[0-9]{1,9})?")
_BASIC_DATE = re.compile(r"(?:19|20)[0-9]{6}")
_LONGEST = 64
"""Characters of the longest form, with room for fractions."""
_MILLISECONDS = 10**11
"""Epoch numbers from here on count milliseconds: as seconds they would lie beyond the year 5000."""


def read_time(value: Any) -> tuple[str | None, str]:
    """Return a time as RFC 3339 text, and the reason where there is none.

    Reads ISO 8601 text (without an offset it is UTC), the forms of warehouses (`2024-02-06 13:46:34.123 UTC`), HTTP
    dates, and epoch seconds or milliseconds as a number or as text.  Text that is RFC 3339 comes back unchanged.
    Ambiguous text (`2/6/2024`) is not guessed at.
    """
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _read_number(value)
    return None, "" if value is None else f"{kind_of(value)} where a time is expected"


def klaviyo_time(value: Any) -> str | None:
    """Return a time as `read_time` does, without the reason."""
    return read_time(value)[0]


def read_epoch_seconds(value: Any) -> tuple[str | None, str]:
    """Return epoch seconds as RFC 3339 text, and the reason where there is none; the unit is not guessed."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _from_seconds(value)
    return None, "" if value is None else f"{kind_of(value)} where a time is expected"


def unix_seconds(text: str) -> int:
    """Return the whole seconds since 1970 of a time that `read_time` returned."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def read_moment(value: Any) -> datetime | None:
    """Return the moment of a time in ISO 8601, one without a zone as UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_iso_time(text: str) -> bool:
    """Return whether a text is a time in the one form that nearly all have: 2024-03-01T10:20:30.123Z, of any year.

    Of all that `datetime.fromisoformat` reads with this length, nothing else has these marks at these places.
    """
    if text[4:20:3] != "--T::." or text[-1] != "Z" or len(text) != 24:  # noqa: PLR2004 -- the length above
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _read_text(text: str) -> tuple[str | None, str]:
    if is_iso_time(text):
        return (None, TOO_EARLY) if text < EARLIEST else (text, "")
    try:
        moment = _parse(text)
    except (ValueError, OverflowError):
        return None, NO_TIME if text.strip() else ""
    if isinstance(moment, float):
        return _read_number(moment)
    if moment.year < EARLIEST_YEAR:
        return None, TOO_EARLY
    return (text if _RFC3339.fullmatch(text) else _write(moment)), ""


def _parse(text: str) -> datetime | float:
    """Read the other forms, an epoch number as a float; raises `ValueError`."""
    text = text.strip()
    if len(text) > _LONGEST:
        raise ValueError
    if _EPOCH_TEXT.fullmatch(text):
        return float(text)
    if _HTTP_DATE.fullmatch(text):
        return parsedate_to_datetime(text)
    if text.isdigit() and not _BASIC_DATE.fullmatch(text):
        raise ValueError
    if not _ISO_START.match(text):
        raise ValueError
    zone = _SPACED_ZONE.search(text, 11)
    if zone and zone.end() == len(text):
        name = zone[0].strip()
        text = text[: zone.start()] + (name if name[0] in "+-" else "Z")
    return datetime.fromisoformat(text)


def _read_number(number: float) -> tuple[str | None, str]:
    return _from_seconds(number / 1000 if abs(number) >= _MILLISECONDS else number)


def _from_seconds(seconds: float) -> tuple[str | None, str]:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None, TOO_LATE if seconds > 0 else TOO_EARLY
    return (None, TOO_EARLY) if moment.year < EARLIEST_YEAR else (_write(moment), "")


def _write(moment: datetime) -> str:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat().replace("+00:00", "Z")
