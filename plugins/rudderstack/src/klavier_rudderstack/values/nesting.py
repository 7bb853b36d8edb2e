"""Dots in keys: how RudderStack nests custom properties, and how it flattens nested ones."""

from typing import Any

from klavier.events.model import JsonObject
from klavier_rudderstack.values.unsent import first_notes

_SHOWN = 40
"""The most characters of a name that a note shows."""

_DEEPEST = 100
"""Dots in a key that open objects: a key with more stays whole, since no JSON writer has so many levels."""


class Nesting:
    """Sets custom properties of one object; where it `nests`, a dot in a key opens an object: `a.b` is `b` in `a`.

    A key with a slash, such as a URL, or with hundreds of dots stays whole, and a dot at the end is ignored.  Objects
    that come from an event are copied, once, before they are changed.
    """

    def __init__(self, target: JsonObject, *, nests: bool) -> None:
        self._target = target
        self._nests = nests
        self._own: dict[int, JsonObject] = {}
        """The objects made here, by their identity: a copy for each key would take quadratic time."""

    def put(self, key: str, value: Any) -> None:
        """Set one property."""
        target = self._target
        if not self._nests or "." not in key:
            target[key] = value
            return
        *parents, last = _path(key)
        for parent in parents:
            inner = target.get(parent)
            if not isinstance(inner, dict) or id(inner) not in self._own:
                target[parent] = inner = dict(inner) if isinstance(inner, dict) else {}
                self._own[id(inner)] = inner
            target = inner
        target[last] = value


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


def _path(key: str) -> list[str]:
    if "/" in key or key.count(".") > _DEEPEST:
        return [key]
    parts = key.split(".")
    return parts if parts[-1] else parts[:-1]


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
