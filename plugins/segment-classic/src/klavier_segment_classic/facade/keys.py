"""Finding members of an object by loosely spelled names, with JavaScript's difference between null and undefined."""

import re
from collections.abc import Mapping
from typing import Any, Final

from klavier.events.model import JsonObject

_DROPPED = re.compile(r"[^a-zA-Z0-9.]+")
_LONG = 64
_MANY = 4096


class _Names(dict[str, str]):
    """Spellings and what they are reduced to, remembered: a message's keys are nearly always those of the last one."""

    def __missing__(self, spelling: str) -> str:
        normal = _DROPPED.sub("", spelling).lower()
        if len(spelling) <= _LONG:  # longer keys are somebody's text
            if len(self) >= _MANY:
                self.clear()
            self[spelling] = normal
        return normal


_NAMES = _Names()


class _Undefined:
    """JavaScript's undefined: what is absent, as against null."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = _Undefined()


def normalise(name: str) -> str:
    """Reduce a spelling to letters, digits and dots in lower case: `First Name` and `$first_name` to `firstname`."""
    return _NAMES[name]


def truly(value: Any) -> bool:
    """Tell whether JavaScript takes a value, UNDEFINED included, for true."""
    return bool(value) or isinstance(value, (dict, list))


def first_truthy(*values: Any) -> Any:
    """Chain values as `a || b || c` does: the first that is true, else the last."""
    for value in values:
        if value or isinstance(value, (dict, list)):
            return value
    return values[-1]


class Keys:
    """The members of one object by normalised name; of several spellings the first in insertion order counts."""

    __slots__ = ("_first", "members")

    def __init__(self, members: JsonObject) -> None:
        self.members = members
        self._first = {_NAMES[key]: key for key in reversed(members)}

    def get(self, name: str) -> Any:
        """Give the member of a normalised name without dots, or UNDEFINED."""
        key = self._first.get(name)
        return UNDEFINED if key is None else self.members[key]

    def within(self, outer: str, inner: str) -> Any:
        """Give `outer.inner`: a member of the inner object, or one whose own key has the dot; null where outer is."""
        head, whole = self._first.get(outer), self._first.get(f"{outer}.{inner}")
        if head is None or (whole is not None and self._stands_before(whole, head)):
            return UNDEFINED if whole is None else self.members[whole]
        found = self.members[head]
        if found is None:
            return None
        if isinstance(found, dict):
            for key, value in found.items():
                if _NAMES[key] == inner:
                    return value
        return UNDEFINED

    def _stands_before(self, one: str, other: str) -> bool:
        return next(key for key in self.members if key in (one, other)) == one


def find(members: Any, name: str) -> Any:
    """Give one member of an object by its normalised name, or UNDEFINED; for objects asked only once."""
    if isinstance(members, dict):
        for key, value in members.items():
            if _NAMES[key] == name:
                return value
    return UNDEFINED


def present(members: JsonObject) -> JsonObject:
    """Copy an object less the members that are UNDEFINED, as JavaScript writes it."""
    return {key: value for key, value in members.items() if value is not UNDEFINED}


def nullable(value: Any) -> Any:
    """Write a value inside an array, where JavaScript turns undefined into null."""
    return None if value is UNDEFINED else value


def without(members: JsonObject, names: Mapping[str, int]) -> JsonObject:
    """Copy an object less some members: of each normalised name as many spellings, from the first on, as it counts.

    Segment's code deletes one spelling for each time that a name is listed; further ones survive.
    """
    left = dict(names)
    kept: JsonObject = {}
    for key, value in members.items():
        name = _NAMES[key]
        if left.get(name):
            left[name] -= 1
        else:
            kept[key] = value
    return kept


def counted(*names: str) -> dict[str, int]:
    """Count a list of names to delete, as `without` takes it."""
    counts: dict[str, int] = {}
    for name in names:
        normal = normalise(name)
        counts[normal] = counts.get(normal, 0) + 1
    return counts
