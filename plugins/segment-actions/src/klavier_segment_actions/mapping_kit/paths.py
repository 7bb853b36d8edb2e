"""Looking up a value by a path such as `$.properties.items[0].id`."""

import re
from collections.abc import Callable
from typing import Any

from klavier_segment_actions.javascript.missing import MISSING

_KEYS = re.compile(r"[^\[.\]]+")
_BREAKS = re.compile(r"""\[(?=["'0-9])|\.|(?<=["'0-9])\]+""")
"""The separators of a mapping's path: a bracket counts next to a digit or a quote, and is part of a key elsewhere."""
_QUOTES = str.maketrans("", "", "\"'")
_INDEX = re.compile(r"0|[1-9][0-9]*")
_LONGEST_INDEX = 10
"""Digits of an index; no array in a payload is that long, and longer texts are not converted."""

Reader = Callable[[Any], Any]
"""From an event to the value at a path, `MISSING` where there is none."""


def split_mapping_path(path: str) -> list[str] | None:
    """Split the path of a mapping, such as `a.b[0]['c d']`; the empty path and `.` are the event itself.

    Returns None for a path without a key, such as `..`.
    """
    keys = [key.translate(_QUOTES) for key in _BREAKS.split(path) if key]
    return keys or ([] if path in ("", ".") else None)


def split_trigger_path(path: str) -> list[str] | None:
    """Split the path of a trigger at dots and brackets; None for one that is not empty and has no key."""
    return _KEYS.findall(path) or (None if path else [])


def reader(keys: list[str]) -> Reader:
    """Compile the keys of a path; the empty path returns the event itself."""
    if not keys:
        return _itself
    if len(keys) == 1:
        return _one(keys[0])
    if len(keys) == 2:  # noqa: PLR2004 -- paths of two and three keys are nearly all there are
        return _two(*keys)
    if len(keys) == 3:  # noqa: PLR2004 -- see above
        return _three(*keys)

    def read(event: Any) -> Any:
        value = event
        for key in keys:
            value = value.get(key, MISSING) if type(value) is dict else member(value, key)
        return value

    return read


def member(value: Any, key: str) -> Any:
    """Read one member as guarded JavaScript does: a falsy value is returned itself, arrays and strings have indices."""
    if isinstance(value, dict):
        return value.get(key, MISSING)
    if isinstance(value, (str, list)) and (value or isinstance(value, list)):
        if key == "length":
            return len(value)
        if _INDEX.fullmatch(key) and len(key) < _LONGEST_INDEX and int(key) < len(value):
            return value[int(key)]
        return MISSING
    return MISSING if value else value


def _itself(event: Any) -> Any:
    return event


def _one(key: str) -> Reader:
    def read(event: Any) -> Any:
        return event.get(key, MISSING) if type(event) is dict else member(event, key)

    return read


def _two(first: str, second: str) -> Reader:
    def read(event: Any) -> Any:
        value = event.get(first, MISSING) if type(event) is dict else member(event, first)
        return value.get(second, MISSING) if type(value) is dict else member(value, second)

    return read


def _three(first: str, second: str, third: str) -> Reader:
    def read(event: Any) -> Any:
        value = event.get(first, MISSING) if type(event) is dict else member(event, first)
        value = value.get(second, MISSING) if type(value) is dict else member(value, second)
        return value.get(third, MISSING) if type(value) is dict else member(value, third)

    return read
