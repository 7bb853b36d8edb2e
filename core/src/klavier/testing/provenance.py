"""Whether a value comes from others: as it is, or by the derivations that vendors make.

These are: trimming and changing case, cutting out and joining words, reading numbers out of strings and writing them
into strings, writing a date or a phone number another way.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from klavier.jsvalues import parse_float, to_string
from klavier.testing.decoding import leaves

_WORD = re.compile(r"[^\W_]+")
_NOT_DIGITS = re.compile(r"\D+")
_DATE = re.compile(r"\d{4}-\d{2}")
_DAYS = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_WRITTEN_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_E164 = re.compile(r"\+\d{7,15}")
_LEAST_PHONE = 6
"""Fewer digits than this occur in other texts by chance."""

_LEAST_MOMENT = 10**8
"""Numbers from here on may be moments in milliseconds."""

_EARLIEST_SECONDS = 100_000
_LATEST_SECONDS = 31_557_600_000
"""Numbers up to the year 2970 count as seconds, larger ones as milliseconds."""


class Origins:
    """The contents of some JSON values, from which other values may be derived."""

    def __init__(self, *sources: Any) -> None:
        self._sources = sources
        self._scalars = [leaf for source in sources for _, leaf in leaves(source)]

    def explain(self, leaf: Any) -> bool:
        """Return whether a scalar comes from the sources; nothing (null, an empty string) comes only from nothing."""
        if leaf is None:
            return None in self._scalars
        if isinstance(leaf, bool):
            return any(leaf is scalar for scalar in self._scalars) or self._explains_text(to_string(leaf))
        if isinstance(leaf, (int, float)):
            return float(leaf) in self._numbers or _seconds(leaf) in self._instants
        return self._explains_text(leaf)

    def words_left(self, text: str) -> list[str]:
        """Return the words of a text that are not in the sources."""
        return [word for word in _WORD.findall(text.casefold()) if word not in self._words]

    def _explains_text(self, text: str) -> bool:
        plain = text.strip().casefold()
        if not plain or plain in self._plain_texts:
            return plain in self._plain_texts
        if _instant(text) in self._instants or _milliseconds(text) in self._numbers or self._explains_phone(text):
            return True
        if _WORD.search(text):
            return not self.words_left(text) or any(plain in other for other in self._plain_texts)
        return any(text.strip() in other for other in self._texts)

    def _explains_phone(self, text: str) -> bool:
        """Return whether a number in E.164 is a phone number of the sources, with or without its country."""
        return bool(_E164.fullmatch(text)) and any(text.endswith(digits) for digits in self._digits)

    @cached_property
    def _texts(self) -> set[str]:
        return {text for source in self._sources for text in _written(source)}

    @cached_property
    def _plain_texts(self) -> set[str]:
        return {text.strip().casefold() for text in self._texts}

    @cached_property
    def _words(self) -> set[str]:
        return {word for text in self._texts for word in _WORD.findall(text.casefold())}

    @cached_property
    def _numbers(self) -> set[float]:
        found = {float(scalar) for scalar in self._scalars if isinstance(scalar, (int, float))}
        for text in self._texts:
            for spelling in (text, text.replace("$", ""), text.replace("$", "").replace(",", "")):
                number = parse_float(spelling)
                if number is not None:
                    found.add(float(number))
        return found | {float(int(number)) for number in found if abs(number) < 2**63}

    @cached_property
    def _instants(self) -> set[int | None]:
        found: set[int | None] = {_seconds(number) for number in self._numbers}
        # JavaScript reads every number as milliseconds
        found |= {_seconds(number / 1000) for number in self._numbers if number >= _LEAST_MOMENT}
        found |= {_instant(text) for text in self._texts}
        return found - {None}

    @cached_property
    def _digits(self) -> set[str]:
        found = {_NOT_DIGITS.sub("", text).lstrip("0") for text in self._texts}
        return {digits for digits in found if len(digits) >= _LEAST_PHONE}


def _written(value: Any) -> Iterator[str]:
    """Write a value and all its members as JavaScript writes them into strings."""
    yield to_string(value)
    if isinstance(value, dict):
        for member in value.values():
            yield from _written(member)
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from _written(member)


def _instant(text: str) -> int | None:
    """Read a date in ISO 8601 as whole epoch seconds; one without an offset is in UTC.

    Days that a month does not have run over into the next one, as in JavaScript.
    """
    if not _DATE.match(text.strip()):
        return None
    try:
        days = _DAYS.fullmatch(text.strip())
        if days:
            return int((datetime(int(days[1]), int(days[2]), 1, tzinfo=UTC) + timedelta(int(days[3]) - 1)).timestamp())
        found = datetime.fromisoformat(text.strip())
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _milliseconds(text: str) -> float | None:
    """Read a date that JavaScript has written as the exact number that it may have been, however small."""
    if not _WRITTEN_DATE.fullmatch(text):
        return None
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return None


def _seconds(number: float) -> int | None:
    """Read a number as whole epoch seconds; None for one that is no time since 1970."""
    if not _EARLIEST_SECONDS <= number < _LATEST_SECONDS * 1000:
        return None
    return int(number) if number < _LATEST_SECONDS else int(number / 1000)
