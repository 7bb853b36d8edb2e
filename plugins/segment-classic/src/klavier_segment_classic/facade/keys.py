"""Finding members of an object by loosely spelled names, with JavaScript's difference between null and undefined."""

import re
from collections.abc import Mapping
from typing import Any, Final

from klavier.events.model import JsonObject

_DROPPED = re.compile(r"[^a-zA-Z0-9.]+")
_LONG = 64
"""Longest spelling that is cached: longer ones are text, which does not recur."""
_MANY = 4096
"""Cached spellings, at most about 1 MB; real event streams have a few hundred."""


class _Names(dict[str, str]):
    """A cache from spellings to normalized names: the keys of a message are nearly always those of the one before."""

    def __missing__(self, spelling: str) -> str:
        normal = _DROPPED.sub("", spelling).lower()
        if len(spelling) <= _LONG:
            if len(self) >= _MANY:
                self.clear()
            self[spelling] = normal
        return normal


_NAMES = _Names()


class _Undefined:
    """JavaScript's undefined: the value of an absent member, other than null."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = _Undefined()


def normalize(name: str) -> str:
    """Reduce a spelling to letters, digits and dots in lower case: `First Name` and `$first_name` to `firstname`."""
    return _NAMES[name]


def is_truthy(value: Any) -> bool:
    """Return whether JavaScript takes a value, UNDEFINED included, for true."""
    return bool(value) or isinstance(value, (dict, list))


def first_truthy(*values: Any) -> Any:
    """Return what `a || b || c` does: the first value that is true, else the last."""
    for value in values:
        if value or isinstance(value, (dict, list)):
            return value
    return values[-1]


class Keys:
    """The members of one object by normalized name; of several spellings the first in insertion order counts."""

    __slots__ = ("_first", "members")

    def __init__(self, members: JsonObject) -> None:
        self.members = members
        self._first = {_NAMES[key]: key for key in reversed(members)}

    def get(self, name: str) -> Any:
        """Return the member of a normalized name without dots, or UNDEFINED."""
        key = self._first.get(name)
        return UNDEFINED if key is None else self.members[key]

    def within(self, outer: str, inner: str) -> Any:
        """Return `outer.inner`: a member of the inner object, or one whose own key has the dot; null where outer is."""
        head, whole = self._first.get(outer), self._first.get(f"{outer}.{inner}")
        if head is None or (whole is not None and self._is_before(whole, head)):
            return UNDEFINED if whole is None else self.members[whole]
        found = self.members[head]
        if found is None:
            return None
        if isinstance(found, dict):
            for key, value in found.items():
                if _NAMES[key] == inner:
                    return value
        return UNDEFINED

    def _is_before(self, one: str, other: str) -> bool:
        return next(key for key in self.members if key in (one, other)) == one


def find(members: Any, name: str) -> Any:
    """Return one member of an object by its normalized name, or UNDEFINED; for a single lookup in an object."""
    if isinstance(members, dict):
        for key, value in members.items():
            if _NAMES[key] == name:
                return value
    return UNDEFINED


def drop_undefined(members: JsonObject) -> JsonObject:
    """Copy an object without its UNDEFINED members, as JavaScript writes it."""
    return {key: value for key, value in members.items() if value is not UNDEFINED}


def null_if_undefined(value: Any) -> Any:
    """Return a value as JavaScript writes it inside an array: null for undefined."""
    return None if value is UNDEFINED else value


def without(members: JsonObject, names: Mapping[str, int]) -> JsonObject:
    """Copy an object without some members: for each normalized name, the first `names[name]` spellings are removed.

    Segment's code deletes one spelling each time that a name is listed; further ones remain.
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


def count_names(*names: str) -> dict[str, int]:
    """Count the names to remove, as `without` takes them."""
    counts: dict[str, int] = {}
    for name in names:
        normal = normalize(name)
        counts[normal] = counts.get(normal, 0) + 1
    return counts
