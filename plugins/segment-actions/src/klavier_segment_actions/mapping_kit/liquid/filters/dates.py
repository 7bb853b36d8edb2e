"""Filters of dates: `date` with the conversions of strftime, in UTC unless a time zone is passed."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from liquid.exceptions import LiquidError

from klavier.jsdates import (
    MOST_MILLISECONDS,
    Civil,
    parse_date,
    to_civil,
    to_days,
)
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.javascript.values import to_text
from klavier_segment_actions.mapping_kit.liquid.values import is_nil, to_plain, write

DEFAULT_FORMAT: Final = "%A, %B %-e, %Y at %-l:%M %P %z"

_CONVERSION: Final = re.compile(r"%(?P<flags>[-_0^#:]+)?(?P<width>[0-9]+)?(?P<modifier>[EO])?(?P<letter>.)")
_WIDTHS: Final = {"L": 3, "j": 3, **dict.fromkeys("deHIklmMSUW", 2)}
_SPACE_PADDED: Final = frozenset("aAbBceklpP")
_WIDEST: Final = 1000
"""Characters to which a conversion may be padded; more has no use."""
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_EARLIEST, _LATEST = (
    datetime(1, 1, 2, tzinfo=UTC).timestamp() * 1000,
    datetime(9999, 12, 30, tzinfo=UTC).timestamp() * 1000,
)
"""The range of Python's dates, in which time zones with names are known."""


class _Date(NamedTuple):
    """A date in a time zone: UTC milliseconds, the offset in minutes to the east, and the zone's name if it has one.

    An offset that a template passes may have a fraction, which counts for the time and is written in the offset.
    """

    milliseconds: int
    offset: float
    zone: str

    @property
    def parts(self) -> Civil:
        return to_civil(int(self.milliseconds + self.offset * 60_000))

    @property
    def day_of_year(self) -> int:
        parts = self.parts
        return to_days(parts.year, parts.month, parts.day) - to_days(parts.year, 1, 1) + 1


def _week(date: _Date, first_day: int) -> int:
    parts = date.parts
    start = date.day_of_year + first_day - parts.weekday
    first_of_year = (to_days(parts.year, 1, 1) + 4) % 7
    return (start - (7 - first_of_year + first_day)) // 7 + 1


def _ordinal(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _offset(date: _Date, flags: str) -> str:
    hours, minutes = divmod(abs(date.offset), 60)
    written = to_text(minutes).rjust(2, "0")
    return f"{'-' if date.offset < 0 else '+'}{int(hours):02d}{':' if ':' in flags else ''}{written}"


def _day_text(date: _Date) -> str:
    return f"{date.parts.month}/{date.parts.day}/{date.parts.year}"


def _time_text(date: _Date) -> str:
    parts = date.parts
    return f"{parts.hour % 12 or 12}:{parts.minute:02d}:{parts.second:02d} {'AM' if parts.hour < 12 else 'PM'}"  # noqa: PLR2004 -- noon


_CONVERSIONS: Mapping[str, Callable[[_Date], Any]] = {
    "a": lambda date: _DAYS[date.parts.weekday][:3],
    "A": lambda date: _DAYS[date.parts.weekday],
    "b": lambda date: _MONTHS[date.parts.month - 1][:3],
    "B": lambda date: _MONTHS[date.parts.month - 1],
    "c": lambda date: f"{_day_text(date)}, {_time_text(date)}",
    "C": lambda date: int(str(date.parts.year)[:2]),
    "d": lambda date: date.parts.day,
    "e": lambda date: date.parts.day,
    "h": lambda date: _MONTHS[date.parts.month - 1][:3],
    "H": lambda date: date.parts.hour,
    "I": lambda date: date.parts.hour % 12 or 12,
    "j": lambda date: date.day_of_year,
    "k": lambda date: date.parts.hour,
    "l": lambda date: date.parts.hour % 12 or 12,
    "L": lambda date: date.parts.millisecond,
    "m": lambda date: date.parts.month,
    "M": lambda date: date.parts.minute,
    "n": lambda _date: "\n",
    "p": lambda date: "AM" if date.parts.hour < 12 else "PM",  # noqa: PLR2004 -- noon
    "P": lambda date: "am" if date.parts.hour < 12 else "pm",  # noqa: PLR2004 -- noon
    "q": lambda date: _ordinal(date.parts.day),
    "s": lambda date: date.milliseconds // 1000,
    "S": lambda date: date.parts.second,
    "t": lambda _date: "\t",
    "u": lambda date: date.parts.weekday or 7,
    "U": lambda date: _week(date, 0),
    "w": lambda date: date.parts.weekday,
    "W": lambda date: _week(date, 1),
    "x": _day_text,
    "X": _time_text,
    "y": lambda date: str(date.parts.year)[2:4],
    "Y": lambda date: date.parts.year,
    "%": lambda _date: "%",
}


def format_date(date: _Date, template: str) -> str:
    """Return a date by the conversions of strftime."""
    return _CONVERSION.sub(lambda found: _convert(date, found), template)


def _convert(date: _Date, found: re.Match[str]) -> str:
    letter, flags, width = found["letter"], found["flags"] or "", min(int(found["width"] or 0), _WIDEST + 1)
    if width > _WIDEST:
        raise LiquidError(f"filter 'date' pads to at most {_WIDEST} characters", token=None)
    if letter == "N":
        digits = width or 9
        text = f"{date.parts.millisecond:03d}"[:digits].ljust(digits, "0")
    elif letter in "zZ":
        text = date.zone if letter == "Z" and date.zone else _offset(date, flags)
    elif letter in _CONVERSIONS:
        text = str(_CONVERSIONS[letter](date))
    else:
        return found[0]
    if "^" in flags:
        text = text.upper()
    elif "#" in flags:
        text = text.upper() if any("a" <= char <= "z" for char in text) else text.lower()
    padding = "0"
    if "_" in flags or ("0" not in flags and letter in _SPACE_PADDED):
        padding = " "
    return text if "-" in flags else text.rjust(width or _WIDTHS.get(letter, 0), padding)


def _read(context: Any, value: Any, zone: Any) -> _Date | None:
    """Return the date of a value: seconds since 1970, or a string; None for no date."""
    value = to_plain(value)
    if value in ("now", "today"):
        value = _event_time(context)
    milliseconds: float | None
    if isinstance(value, bool):
        milliseconds = int(value)
    elif isinstance(value, (int, float)):
        milliseconds = value * 1000.0
    elif isinstance(value, str) and value.isascii() and value.isdigit():
        milliseconds = float(value[:400]) * 1000.0
    else:
        milliseconds = None if is_nil(value) or isinstance(value, dict) else parse_date(to_text(value))
    if milliseconds is None or not abs(milliseconds) <= MOST_MILLISECONDS:
        return None
    return _in_zone(int(milliseconds), zone)


def _event_time(context: Any) -> Any:
    """Return the time for `now`: the event's own, so that a retry sends the same; else the present."""
    for name in ("receivedAt", "timestamp", "sentAt"):
        found = context.globals.get(name)
        if isinstance(found, str) and parse_date(found) is not None:
            return found
    return datetime.now(UTC).timestamp()


def _in_zone(milliseconds: int, zone: Any) -> _Date | None:
    zone = to_plain(zone)
    if is_nil(zone):
        return _Date(milliseconds, 0, "UTC")
    if isinstance(zone, (int, float)):
        return _Date(milliseconds, -zone, "") if isfinite(zone) else None
    if not isinstance(zone, str):
        return None
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise LiquidError("filter 'date' has an unknown time zone", token=None) from None
    near = min(max(milliseconds, _EARLIEST), _LATEST) / 1000
    offset = datetime.fromtimestamp(near, place).utcoffset()
    return _Date(milliseconds, int(offset.total_seconds() // 60) if offset else 0, zone)


def _date(context: Any, value: Any, template: Any = MISSING, zone: Any = MISSING) -> Any:
    date = _read(context, value, zone)
    if date is None:
        return value
    template = to_plain(template)
    return format_date(date, DEFAULT_FORMAT if is_nil(template) else write(template))


def _named_month(month: str) -> Callable[..., Any]:
    """Return a filter that writes a date with the name of its month."""

    def run(context: Any, value: Any, kind: Any = MISSING, style: Any = MISSING) -> Any:
        date = _read(context, value, MISSING)
        if date is None:
            return value
        if kind == "ordinal":
            return format_date(date, f"{month} %-d%q, %Y" if style == "US" else f"%-d%q {month} %Y")
        return format_date(date, f"%d {month} %Y")

    return run


DATE_FILTERS: Mapping[str, Callable[..., Any]] = {
    "date": _date,
    "date_to_long_string": _named_month("%B"),
    "date_to_rfc822": lambda context, value: _date(context, value, "%a, %d %b %Y %H:%M:%S %z"),
    "date_to_string": _named_month("%b"),
    "date_to_xmlschema": lambda context, value: _date(context, value, "%Y-%m-%dT%H:%M:%S%:z"),
}
