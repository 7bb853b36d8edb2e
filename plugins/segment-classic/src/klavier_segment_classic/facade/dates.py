"""Dates as Segment's libraries read them: ISO strings anywhere in a message, and the many forms of a timestamp."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from klavier.jsdates import parse_date

_ISO = re.compile(
    r"([0-9]{4})(?:-?([0-9]{2})(?:-?([0-9]{2}))?)?"
    r"(?:[ T]([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})(?:[,.]([0-9]+))?)?(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)
_SHORTEST = len("2014-05-06")
_LONGEST = 1000
"""Longer timestamps are none; the bound is far above any form."""
_USUAL = (len("2014-05-06T07:08:09Z"), len("2014-05-06T07:08:09.123Z"))
"""Lengths of the forms that nearly all timestamps have; Python's own reader is fast with them."""
_MILLISECONDS = re.compile(r"[0-9]{13}")
_SECONDS = re.compile(r"[0-9]{10}")
_LEADING_INTEGER = re.compile(r"\s*([+-]?[0-9]+)")
_LARGEST = 8.64e15
"""The last millisecond that JavaScript's dates reach."""
_SECONDS_BELOW = 31_557_600_000
"""Smaller numbers are seconds since 1970, larger ones milliseconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Date(str):
    """A date inside a message, as the text that JavaScript writes for it; it does not count as a string."""

    __slots__ = ()


def read_dates(value: Any) -> Any:
    """Turn the ISO dates inside a JSON value into dates; a value without dates is returned itself, not a copy."""
    if isinstance(value, str):
        return _date_of(value) if len(value) >= _SHORTEST and value[4] == "-" == value[7] else value
    if isinstance(value, dict):
        return _dated_object(value)
    if isinstance(value, list):
        items = [read_dates(item) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def date_text(date: Date) -> str:
    """Write a date as JavaScript does when it joins one to a string, on a server that runs in UTC."""
    weekday, month, day, time, year = datetime.fromisoformat(date).ctime().split()
    return f"{weekday} {month} {day:>02} {year} {time} GMT+0000 (Coordinated Universal Time)"


def read_seconds(timestamp: Any) -> int | None:
    """Read a message's timestamp as whole seconds since 1970; None for what is no time.

    ISO text, seconds or milliseconds, as a number or as text with 10 or 13 digits in it, and other text that
    JavaScript's `Date` reads; null is the year 1970.
    """
    milliseconds = _milliseconds_of(timestamp)
    if milliseconds is None or abs(milliseconds) > _LARGEST:
        return None
    return math.floor(math.trunc(milliseconds) / 1000)


def _dated_object(members: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for key, value in members.items():
        kind = type(value)
        if kind is str:
            if len(value) >= _SHORTEST and value[4] == "-" == value[7]:
                changed[key] = _date_of(value)
        elif kind is dict or kind is list:
            new = read_dates(value)
            if new is not value:
                changed[key] = new
    return {**members, **changed} if changed else members


def _date_of(text: str) -> str:
    moment = _moment_of(text)
    if moment is None:
        return text
    return Date(f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z".rjust(24, "0"))


def _milliseconds_of(timestamp: Any) -> float | None:
    if timestamp is None:
        return 0
    if isinstance(timestamp, (bool, int, float)):
        number = float(timestamp)
        return number if isinstance(timestamp, bool) or number >= _SECONDS_BELOW else number * 1000
    if not isinstance(timestamp, str):
        return None
    moment = _moment_of(timestamp)
    if moment is not None:
        return (moment - _EPOCH) // _MILLISECOND
    for digits, factor in ((_MILLISECONDS, 1), (_SECONDS, 1000)):
        if digits.search(timestamp):
            number_text = _LEADING_INTEGER.match(timestamp)
            # As a float, since JavaScript reads more digits than Python makes an integer of: as infinity.
            return float(number_text[1]) * factor if number_text else None
    return parse_date(timestamp) if len(timestamp) <= _LONGEST else None


def _moment_of(text: str) -> datetime | None:
    """Read ISO text as JavaScript's lenient reader does: the 45th of a 13th month runs over into the next year."""
    if len(text) in _USUAL and text[10] == "T" and text[-1] == "Z" and text[4] == "-" == text[7] and text[:2] != "00":
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # the lenient reading below may take it
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.group(1, 2, 3, 4, 5, 6))
    year += 1900 if year < 100 else 0  # noqa: PLR2004 -- JavaScript takes years of two digits for the 1900s
    month = (month or 1) - 1
    milliseconds = int(((found[7] or "") + "000")[:3])
    offset = int(found[9] or 0) * 60 + int(found[10] or 0)
    try:
        moment = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) + timedelta(
            days=(day or 1) - 1,
            hours=hour,
            minutes=minute - offset if found[8] == "+" else minute + offset,
            seconds=second,
            milliseconds=milliseconds,
        )
    except (ValueError, OverflowError):
        return None
    return moment
