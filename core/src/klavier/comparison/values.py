"""When two JSON values are the same, and in which way two others differ."""

from collections.abc import Hashable
from typing import Any

from klavier.strictjson import kind_of

_TRIVIAL = (True, False, 0, 1, "")
_PLAIN = frozenset({str, int, float, type(None)})
"""The types of values that stand for themselves."""
_WHOLE_HOUR = 3600


class Several(dict[str, Any]):
    """The values of one trait in several profiles of a person, written as `{"several": [...]}`."""


def frozen(value: Any) -> Hashable:
    """Return a hashable stand-in for a JSON value: equal for equal ones, 1 and 1.0 among them, but not 1 and true."""
    if type(value) in _PLAIN:
        plain: Hashable = value
        return plain
    if type(value) is bool:
        return ("boolean", value)
    if isinstance(value, dict):
        return (
            "object",
            frozenset([(key, item if type(item) in _PLAIN else frozen(item)) for key, item in value.items()]),
        )
    if isinstance(value, (list, tuple)):
        return ("array", tuple([item if type(item) in _PLAIN else frozen(item) for item in value]))
    hashable: Hashable = value
    return hashable


def is_same(left: Any, right: Any) -> bool:
    """Return whether two JSON values are the same."""
    if type(left) is type(right) and not isinstance(left, (dict, list)):
        return bool(left == right)
    return frozen(left) == frozen(right)


def is_telling(value: Any) -> bool:
    """Return whether a value is distinctive: finding true or 1 in two places does not make them the same place."""
    return value is not None and value not in _TRIVIAL and value not in ([], {})


def change(left: Any, right: Any) -> str:
    """Describe in which way two values differ, without quoting them; empty where there is no pattern."""
    one, other = _kind_of(left), _kind_of(right)
    if one != other or isinstance(left, Several):
        return f"{one} → {other}"
    if isinstance(left, str):
        if left.strip() == right.strip():
            return "white space"
        return "letter case" if left.casefold() == right.casefold() else ""
    if isinstance(left, list) and len(left) != len(right):
        return "length"
    if isinstance(left, list) and sorted(map(repr, left)) == sorted(map(repr, right)):
        return "order"
    return ""


def _kind_of(value: Any) -> str:
    return "the values of several profiles" if isinstance(value, Several) else kind_of(value)


def shift(left: int, right: int) -> str:
    """Describe how two times, in seconds, differ; empty unless by whole hours."""
    return "whole hours, as time zones do" if (left - right) % _WHOLE_HOUR == 0 else ""
