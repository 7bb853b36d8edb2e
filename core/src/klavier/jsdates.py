"""Dates as JavaScript's `Date` parses and writes them, in milliseconds since 1970; local time is UTC.

Source: ECMA-262 (Date Time String Format) for ISO 8601, and V8's documented extension for all other strings: words
before the first number are ignored, months are names or numbers, text in parentheses is a comment, and a number that
is no day begins a year.
"""

import re
from typing import Final, NamedTuple

from klavier.jsvalues import SPACE

MOST_MILLISECONDS: Final = 8.64e15
"""The range of JavaScript's dates, in both directions."""

DAY_MS: Final = 86_400_000
_EPOCH_SHIFT = 719_468
"""Days from 0000-03-01 to 1970-01-01."""
_DAYS_OF_400_YEARS = 146_097

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES: Final = {
    "ut": 0, "utc": 0, "z": 0, "gmt": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8,
    "pdt": -7,
}  # fmt: skip
_HALVES: Final = {"am": 0, "pm": 12}
_TOKEN: Final = re.compile(
    rf"(?P<number>[0-9]++)|(?P<symbol>[:+.)(-])|(?P<space>[{SPACE}]++)|(?P<word>(?:(?![{SPACE}])[A-\U0010ffff])++)|(?P<other>.)",
    re.DOTALL,
)
_SIGNIFICANT_DIGITS = 9
"""Digits of a number that count; later ones are ignored."""


class Civil(NamedTuple):
    """The parts of a date; `month` and `day` count from 1, `weekday` from Sunday, 0."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    millisecond: int
    weekday: int


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def number(self) -> int:
        digits = self.text.lstrip("0")[:_SIGNIFICANT_DIGITS]
        return int(digits or 0)


_END = _Token("end", "")


class _Invalid(Exception):  # noqa: N818 -- private; `parse_date` returns None instead
    """The string is no date."""


def parse_date(text: str) -> int | None:
    """Return the milliseconds since 1970 of a string, as `Date.parse` does; None where that is NaN."""
    parser = _Parser(text)
    try:
        milliseconds = parser.parse()
    except _Invalid:
        return None
    return milliseconds if abs(milliseconds) <= MOST_MILLISECONDS else None


def to_civil(milliseconds: int) -> Civil:
    """Return the parts of a date in UTC."""
    days, rest = divmod(milliseconds, DAY_MS)
    year, month, day = _from_days(days)
    seconds, millisecond = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    return Civil(year, month, day, *divmod(minutes, 60), second, millisecond, (days + 4) % 7)


def to_iso(milliseconds: int) -> str:
    """Return a date as `toISOString` does."""
    parts = to_civil(milliseconds)
    year = f"{parts.year:04d}" if 0 <= parts.year <= 9999 else f"{parts.year:+07d}"  # noqa: PLR2004 -- four digits
    return (
        f"{year}-{parts.month:02d}-{parts.day:02d}"
        f"T{parts.hour:02d}:{parts.minute:02d}:{parts.second:02d}.{parts.millisecond:03d}Z"
    )


def to_days(year: int, month: int, day: int) -> int:
    """Return the days since 1970 of a date; months and days beyond their range roll over."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    year -= month <= 2  # noqa: PLR2004 -- the year is counted from March
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * _DAYS_OF_400_YEARS + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _EPOCH_SHIFT


def _from_days(days: int) -> tuple[int, int, int]:
    era, of_era = divmod(days + _EPOCH_SHIFT, _DAYS_OF_400_YEARS)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9  # noqa: PLR2004 -- March is the first month
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1  # noqa: PLR2004 -- as above


class _Parser:
    """Parses one string: first as ISO 8601, and what is left by the rules for other strings."""

    def __init__(self, text: str) -> None:
        self.tokens = [_Token(str(found.lastgroup), found[0]) for found in _TOKEN.finditer(text)]
        self.at = 0
        self.days: list[int] = []
        self.month: int | None = None
        self.times: list[int] = []
        self.half: int | None = None
        self.sign = 0
        self.zone_hour: int | None = None
        self.zone_minute: int | None = None
        self.is_iso = False

    def peek(self) -> _Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else _END

    def next(self) -> _Token:
        token = self.peek()
        self.at += 1
        return token

    def skip(self, symbol: str) -> bool:
        if self.peek() == ("symbol", symbol):
            self.at += 1
            return True
        return False

    def parse(self) -> int:
        self._parse_iso()
        has_number = bool(self.days)
        while (token := self.next()) is not _END:
            has_number = self._take(token, has_number=has_number)
        return self._milliseconds()

    def _parse_iso(self) -> None:
        """Parse as much of an ISO 8601 date as there is; a wrong time after the T is an error."""
        if not self._iso_year():
            return
        for _ in range(2):
            if not self.skip("-"):
                break
            most = 12 if len(self.days) == 1 else 31
            if not self._is_fixed(2) or not 1 <= self.peek().number <= most:
                return
            self.days.append(self.next().number)
        following = self.peek()
        if following.kind == "word" and following.text.lower() == "t":
            self.at += 1
            self._iso_time()
        elif following is not _END:
            return
        if not self.times:
            self.sign, self.zone_hour, self.zone_minute = 1, 0, 0
        self.is_iso = True

    def _iso_year(self) -> bool:
        if self.peek().kind == "symbol" and self.peek().text in "+-":
            years = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else _END
            sign = -1 if self.peek().text == "-" else 1
            self.at += 1
            if years.kind != "number" or len(years.text) != 6:  # noqa: PLR2004 -- the digits of an expanded year
                return False  # a sign before the first number is ignored
            self.at += 1
            if sign < 0 and not years.number:
                return False  # -000000 is no year, and is ignored
            self.days.append(sign * years.number)
            return True
        if self._is_fixed(4):
            self.days.append(self.next().number)
            return True
        return False

    def _iso_time(self) -> None:
        self.times.append(self._iso_part(24))
        is_24 = self.times[0] == 24  # noqa: PLR2004 -- midnight at the end of a day
        if not self.skip(":"):
            raise _Invalid
        self.times.append(self._iso_part(0 if is_24 else 59))
        if self.skip(":"):
            self.times.append(self._iso_part(0 if is_24 else 59))
            if self.skip("."):
                fraction = self.next()
                if fraction.kind != "number" or (is_24 and fraction.number):
                    raise _Invalid
                self.times.append(_milliseconds_of(fraction))
        self._iso_zone()
        if self.peek() is not _END:
            raise _Invalid

    def _iso_zone(self) -> None:
        token = self.peek()
        if token.kind == "word" and token.text.lower() == "z":
            self.at += 1
            self.sign, self.zone_hour, self.zone_minute = 1, 0, 0
        elif token.kind == "symbol" and token.text in "+-":
            self.at += 1
            self.sign = 1 if token.text == "+" else -1
            if self._is_fixed(4):
                self.zone_hour, self.zone_minute = divmod(self.next().number, 100)
                if self.zone_hour > 23 or self.zone_minute > 59:  # noqa: PLR2004 -- of a clock
                    raise _Invalid
                return
            self.zone_hour = self._iso_part(23)
            if not self.skip(":"):
                raise _Invalid
            self.zone_minute = self._iso_part(59)

    def _iso_part(self, most: int) -> int:
        if not self._is_fixed(2) or self.peek().number > most:
            raise _Invalid
        return self.next().number

    def _is_fixed(self, digits: int) -> bool:
        token = self.peek()
        return token.kind == "number" and len(token.text) == digits

    def _take(self, token: _Token, *, has_number: bool) -> bool:
        """Read one token of a string that is no ISO 8601 date; returns whether a number has been read."""
        if token.kind == "number":
            self._number(token)
            return True
        if token.kind == "word":
            self._word(token.text, has_number=has_number)
            return has_number
        is_sign = token.kind == "symbol" and token.text in "+-"
        if is_sign and (self.times or (self.zone_hour == 0 and self.zone_minute == 0)):
            self._zone(token.text)
            return True
        if has_number and (is_sign or token == ("symbol", ")")):
            raise _Invalid
        if token == ("symbol", "("):
            self._skip_parentheses()
        return has_number

    def _number(self, token: _Token) -> None:
        number = token.number
        if self.skip(":"):
            if self.skip(":"):
                if self.times:
                    raise _Invalid
                self.times = [number, 0]
                return
            self._add_time(number)
            self.skip(".")
        elif self.peek() == ("symbol", ".") and self._expects_time(number):
            self.at += 1
            self._add_time(number)
            if self.peek().kind != "number":
                raise _Invalid
            self._end_time(_milliseconds_of(self.next()))
        elif self._expects_zone_minute(number):
            self.skip(".")
            self.zone_minute = number
        elif self._expects_time(number):
            self._end_time(number)
            following = self.peek()
            is_sign = following.kind == "symbol" and following.text in "+-"
            is_z = following.kind == "word" and following.text.lower() == "z"
            if not (following is _END or following.kind == "space" or is_sign or is_z):
                raise _Invalid
        else:
            self.skip(".")
            if len(self.days) > 2:  # noqa: PLR2004 -- year, month and day
                raise _Invalid
            self.days.append(number)
            self.skip("-")

    def _word(self, text: str, *, has_number: bool) -> None:
        word = text.lower()
        if word in _HALVES and self.times:
            self.half = _HALVES[word]
        elif word[:3] in _MONTHS:
            self.month = _MONTHS.index(word[:3]) + 1
            self.skip("-")
        elif word in _ZONES and has_number:
            self.sign = -1 if _ZONES[word] < 0 else 1
            self.zone_hour, self.zone_minute = abs(_ZONES[word]), 0
        elif has_number or self.peek().kind == "number":
            raise _Invalid

    def _zone(self, sign: str) -> None:
        self.sign = 1 if sign == "+" else -1
        number, digits = 0, 0
        if self.peek().kind == "number":
            number, digits = self.peek().number, len(self.next().text)
        if self.peek() == ("symbol", ":"):
            self.zone_hour, self.zone_minute = number, None
        elif digits in (1, 2):
            self.zone_hour, self.zone_minute = number, 0
        elif digits in (3, 4):
            self.zone_hour, self.zone_minute = divmod(number, 100)
        else:
            raise _Invalid

    def _skip_parentheses(self) -> None:
        depth = 1
        while depth and (token := self.next()) is not _END:
            depth += (token == ("symbol", "(")) - (token == ("symbol", ")"))

    def _expects_time(self, number: int) -> bool:
        limits = {1: 60, 2: 60, 3: 1000}
        return number < limits.get(len(self.times), 0)

    def _expects_zone_minute(self, number: int) -> bool:
        return self.zone_hour is not None and self.zone_minute is None and number < 60  # noqa: PLR2004 -- of a clock

    def _add_time(self, number: int) -> None:
        if len(self.times) > 3:  # noqa: PLR2004 -- hour to millisecond
            raise _Invalid
        self.times.append(number)

    def _end_time(self, number: int) -> None:
        self.times = [*self.times, number, 0, 0, 0][:4]

    def _milliseconds(self) -> int:
        year, month, day = self._date()
        hour, minute, second, millisecond = (*self.times, 0, 0, 0, 0)[:4]
        if self.half is not None:
            if hour > 12:  # noqa: PLR2004 -- of half a day
                raise _Invalid
            hour = hour % 12 + self.half
        in_range = hour < 24 and minute < 60 and second < 60 and millisecond < 1000  # noqa: PLR2004 -- of a clock
        if not in_range and (hour, minute, second, millisecond) != (24, 0, 0, 0):
            raise _Invalid
        offset = self.sign * ((self.zone_hour or 0) * 60 + (self.zone_minute or 0))
        if abs(offset) * 60 >= 2**31:
            raise _Invalid
        minutes = (to_days(year, month, day) * 24 + hour) * 60 + minute - offset
        return (minutes * 60 + second) * 1000 + millisecond

    def _date(self) -> tuple[int, int, int]:
        if not self.days:
            raise _Invalid
        first, second, third = (*self.days, 1, 1)[:3]
        if self.month is None:
            if self.is_iso or not 1 <= first <= 31:  # noqa: PLR2004 -- no day, so a year
                year, month, day = first, second, third
            else:
                year, month, day = third, first, second
        elif 1 <= first <= 31 and len(self.days) == 1:  # noqa: PLR2004 -- a day
            year, month, day = 1, self.month, first
        elif not 1 <= first <= 31:  # noqa: PLR2004 -- no day, so a year
            year, month, day = first, self.month, second
        else:
            year, month, day = second, self.month, first
        if not self.is_iso and 0 <= year < 100:  # noqa: PLR2004 -- of two digits
            year += 2000 if year < 50 else 1900  # noqa: PLR2004 -- the pivot
        if not (1 <= month <= 12 and 1 <= day <= 31):  # noqa: PLR2004 -- of a calendar
            raise _Invalid
        return year, month, day


def _milliseconds_of(fraction: _Token) -> int:
    """Return the milliseconds of the digits after a decimal point."""
    digits, number = len(fraction.text), fraction.number
    if digits <= 3:  # noqa: PLR2004 -- milliseconds
        return number * int(10 ** (3 - digits))
    return int(number // 10 ** (min(digits, _SIGNIFICANT_DIGITS) - 3))
