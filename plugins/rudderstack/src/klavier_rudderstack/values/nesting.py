"""Paths in keys: how RudderStack's deployed code nests custom properties, and how it flattens nested ones."""

import re
from itertools import pairwise
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import to_string, trim
from klavier_rudderstack.values.unsent import first_notes

_SHOWN = 40
"""The most characters of a name that a note shows."""

_DEEPEST = 100
"""Dots in a key that open objects: a key with more stays whole, since no JSON writer has so many levels."""

_SPARE = 100
"""Empty places that the indexes of one event may leave in arrays, besides one for each key.

Indexes that are all there need fewer, in whatever order they come; without a bound one key could ask for any number.
"""

REFUSED = frozenset({"__proto__", "constructor", "prototype"})
"""The steps of a path that RudderStack's library refuses: a key with one of them is not sent."""

_PLAIN = re.compile(r"(?:[^\W\d][^.\\\n]*\n|\$[^.\\\n]*\n)*")
"""Keys, each with a line break after it, that are their own path, whatever is done with slashes."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_MOST_DIGITS = 400
"""The longest number that is read: a float has at most 309 digits before the point."""

_LONGEST_ARRAY = 2**32 - 1
"""JavaScript's longest array; a larger number is a name."""

Step = str | int
"""One step of a path: the name of a member, or the index of an item."""


class Nesting:
    """Sets members of one object; where it `nests`, a key is a path: `a.b` is `b` in `a`, `a.0` the first item of `a`.

    A key with a slash, such as a URL, or with hundreds of dots stays whole, a dot at the end is ignored, a backslash
    takes the next character as it is, and a number is written plainly: `01` is 1.  An empty key sets nothing.
    Objects and lists that come from an event are copied, once, before they are changed.
    """

    def __init__(self, target: JsonObject, *, nests: bool, keys: int = 0) -> None:
        self._target = target
        self._nests = nests
        self._spare = keys + _SPARE
        self._copies: dict[int, Any] = {}
        """The objects and lists made here: by the identity of what they replace, and by their own."""

    def put(self, key: str, value: Any) -> None:
        """Set one member."""
        if not self._nests:
            self._target[key] = value
            return
        steps = _path(key)
        target: Any = self._target
        for step, following in pairwise(steps):
            if step in REFUSED:
                return
            target = self._open(target, step, following)
        if steps and steps[-1] not in REFUSED:
            self._set(target, steps[-1], self._copies.get(id(value), value))

    def _open(self, target: Any, step: Step, following: Step) -> Any:
        """Return the object or list at a step, a new one where there is none that the following step can enter."""
        inner = _get(target, step)
        if isinstance(following, int) and (not isinstance(inner, list) or following >= len(inner) + self._spare):
            inner = self._new([] if following < self._spare else {})
        elif not isinstance(inner, (dict, list)):
            inner = self._new({})
        own = self._copies.get(id(inner))
        if own is None:
            own = inner.copy()
            self._copies[id(inner)] = self._copies[id(own)] = own
        self._set(target, step, own)
        return own

    def _new(self, container: Any) -> Any:
        self._copies[id(container)] = container
        return container

    def _set(self, target: Any, step: Step, value: Any) -> None:
        """Set a member or an item; a list has no members, and what is set there is lost, as in JSON."""
        if isinstance(target, dict):
            target[str(step)] = value
        elif isinstance(step, int):
            missing = step + 1 - len(target)
            if missing > 0:
                self._spare -= missing - 1
                target.extend([None] * missing)
            target[step] = value


def is_plain(members: JsonObject) -> bool:
    """Return whether each name among the members is its own path, so that nothing nests."""
    return _PLAIN.fullmatch("\n".join(members) + "\n") is not None and REFUSED.isdisjoint(members)


def refuses(key: str) -> bool:
    """Return whether a path sets nothing, since it is empty or has a step that RudderStack's library refuses."""
    steps = _path(key)
    return not steps or not REFUSED.isdisjoint(map(str, steps))


def flatten(value: JsonObject, section: str, notes: list[str]) -> JsonObject:
    """Flatten objects into keys with dots, and arrays whose first element is an object or null into `key[i]`.

    Other arrays, and empty objects below the top, stay as they are.  Where two members of a `section` of the event get
    one key, the last one is kept, and the other is noted.
    """
    flat: JsonObject = {}
    replaced: dict[str, None] = {}
    for key, member in value.items():
        _flatten(member, key, flat, replaced)
    lost = [f"{section}.{key[:_SHOWN]} left out: another member has the same name when flattened" for key in replaced]
    notes.extend(first_notes(lost))
    return flat


def _get(target: Any, step: Step) -> Any:
    if isinstance(target, dict):
        return target.get(str(step))
    return target[step] if isinstance(step, int) and step < len(target) else None


def _path(key: str) -> list[Step]:
    """Return the steps of a path; none for an empty key."""
    if "/" in key or key.count(".") > _DEEPEST:
        return [key]
    parts = key.split(".") if "\\" not in key else _split_escaped(key)
    if not parts[-1]:
        parts.pop()
    return [_read_step(part) for part in parts]


def _split_escaped(key: str) -> list[str]:
    parts = [""]
    characters = iter(key)
    for character in characters:
        if character == ".":
            parts.append("")
        else:
            parts[-1] += next(characters, "undefined") if character == "\\" else character
    return parts


def _read_step(part: str) -> Step:
    """Return the index that a part of a path is, a number written plainly, or the part itself."""
    text = trim(part)
    if len(text) > _MOST_DIGITS:
        return part
    if _RADIX.fullmatch(text):
        number = float(int(text, 0))
    elif _NUMBER.fullmatch(text):
        number = float(text)
    else:
        return part
    if not number.is_integer():
        return part
    return int(number) if 0 <= number < _LONGEST_ARRAY else to_string(number)


def _flatten(value: Any, path: str, flat: JsonObject, replaced: dict[str, None]) -> None:
    if isinstance(value, dict) and value:
        for key, member in value.items():
            _flatten(member, f"{path}.{key}" if path else key, flat, replaced)
    elif isinstance(value, list) and value and (value[0] is None or isinstance(value[0], (dict, list))):
        for index, member in enumerate(value):
            _flatten(member, f"{path}[{index}]", flat, replaced)
    elif path or not isinstance(value, dict):
        if path in flat and flat[path] != value:
            replaced[path] = None
        flat[path] = value
