"""Dots in keys: how RudderStack nests custom properties, and how it flattens nested ones."""

from typing import Any

from klavier.events.model import JsonObject

_DEEPEST = 100
"""Dots in a key that open objects: a key with more stays whole, since no JSON writer has so many levels."""


def put(target: JsonObject, key: str, value: Any, *, nests: bool) -> None:
    """Set a custom property; where it `nests`, a dot in its key opens an object: `a.b` becomes `{"a": {"b": ...}}`.

    A key with a slash, such as a URL, or with hundreds of dots stays whole, and a dot at the end is ignored.  Objects
    that come from an event are copied before they are changed.
    """
    if not nests or "." not in key:
        target[key] = value
        return
    *parents, last = _path(key)
    for parent in parents:
        inner = target.get(parent)
        target[parent] = inner = dict(inner) if isinstance(inner, dict) else {}
        target = inner
    target[last] = value


def flatten(value: JsonObject) -> JsonObject:
    """Flatten objects into keys with dots, and arrays whose first element is an object or null into `key[i]`.

    Other arrays, and empty objects below the top, stay as they are.
    """
    flat: JsonObject = {}
    for key, member in value.items():
        _flatten(member, key, flat)
    return flat


def _path(key: str) -> list[str]:
    if "/" in key or key.count(".") > _DEEPEST:
        return [key]
    parts = key.split(".")
    return parts if parts[-1] else parts[:-1]


def _flatten(value: Any, path: str, flat: JsonObject) -> None:
    if isinstance(value, dict) and value:
        for key, member in value.items():
            _flatten(member, f"{path}.{key}" if path else key, flat)
    elif isinstance(value, list) and value and (value[0] is None or isinstance(value[0], (dict, list))):
        for index, member in enumerate(value):
            _flatten(member, f"{path}[{index}]", flat)
    elif path or not isinstance(value, dict):
        flat[path] = value
