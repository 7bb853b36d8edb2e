"""Closed schemas of JSON bodies, composed of check functions that return the flaws of a value.

Klaviyo rejects unknown fields and points at each flaw.  A check returns relative pointers, which the checks around it
prefix: no pointer is built for a valid value.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from klavier.strictjson import kind_of

Flaw = tuple[str, str]
"""A JSON pointer relative to the checked value, and the detail."""

Check = Callable[[Any], list[Flaw] | None]
"""Returns None or an empty list for a valid value."""

_ARTICLE = {str: "a string", bool: "a boolean", dict: "an object", list: "an array"}


def _not(expected: str, value: Any) -> list[Flaw]:
    return [("", f"Invalid input: must be {expected}, not {kind_of(value)}.")]


def step(key: str) -> str:
    """Write one step of a JSON pointer."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def anything(_: Any) -> list[Flaw] | None:
    """Accept any JSON value."""
    return None


def any_text(value: Any) -> list[Flaw] | None:
    """Accept any string."""
    return None if type(value) is str else _not("a string", value)


def any_text_or_null(value: Any) -> list[Flaw] | None:
    """Accept any string, and null, as most fields do."""
    return None if value is None or type(value) is str else _not("a string", value)


_ANY_TEXT = (any_text, any_text_or_null, anything)
"""The checks that accept every string."""


def text(longest: int | None = None, shortest: int = 0) -> Check:
    """Accept strings, counted in characters."""
    if longest is None and not shortest:
        return any_text

    def check(value: Any) -> list[Flaw] | None:
        if type(value) is not str:
            return _not("a string", value)
        if longest is not None and len(value) > longest:
            return [("", f"Invalid input: ensure this field has no more than {longest} characters.")]
        if len(value) < shortest:
            return [("", "Invalid input: this field may not be blank.")]
        return None

    return check


def matching(pattern: str, detail: str) -> Check:
    """Accept strings that a pattern matches whole."""
    fits = re.compile(pattern).fullmatch

    def check(value: Any) -> list[Flaw] | None:
        if type(value) is not str:
            return _not("a string", value)
        return None if fits(value) else [("", detail)]

    return check


def number(value: Any) -> list[Flaw] | None:
    """Accept numbers; a boolean is none."""
    return None if type(value) in (int, float) else _not("a number", value)


def of_type(kind: type) -> Check:
    """Accept values of one JSON type, whatever is in them."""

    def check(value: Any) -> list[Flaw] | None:
        return None if type(value) is kind else _not(_ARTICLE[kind], value)

    return check


def one_of(*allowed: str) -> Check:
    """Accept a few strings only."""
    shown = ", ".join(f"'{item}'" for item in allowed)

    def check(value: Any) -> list[Flaw] | None:
        return None if value in allowed else [("", f"Invalid input: must be one of {shown}.")]

    return check


def either(*checks: Check) -> Check:
    """Accept what one of the checks accepts; return the flaws of the first."""

    def check(value: Any) -> list[Flaw] | None:
        first = checks[0](value)
        return None if not first or any(not other(value) for other in checks[1:]) else first

    return check


def nullable(inner: Check) -> Check:
    """Accept null too."""
    if inner is any_text:
        return any_text_or_null

    def check(value: Any) -> list[Flaw] | None:
        return None if value is None else inner(value)

    return check


def record(resource: str, fields: Mapping[str, Check], required: Collection[str] = ()) -> Check:
    """Accept objects with these fields and no others; `resource` is its name in messages."""
    find, needs = fields.get, frozenset(required)
    texts = frozenset(key for key, inner in fields.items() if inner in _ANY_TEXT)

    def check(value: Any) -> list[Flaw] | None:
        if type(value) is not dict:
            return _not("an object", value)
        for key, item in value.items():
            if type(item) is str and key in texts:
                continue  # most members are plain texts: a call for each would be half of the time
            inner = find(key)
            if inner is None or inner(item):
                return collect(value)
        return None if needs <= value.keys() else collect(value)

    def collect(value: dict[str, Any]) -> list[Flaw]:
        flaws: list[Flaw] = []
        for key, item in value.items():
            inner = find(key)
            if inner is None:
                flaws.append((step(key), f"'{key}' is not a valid field for the resource '{resource}'."))
                continue
            flaws.extend((f"/{key}{place}", detail) for place, detail in inner(item) or ())
        flaws.extend(
            (f"/{name}", f"'{name}' is a required field for the resource '{resource}'.")
            for name in required
            if name not in value
        )
        return flaws

    return check


def many(inner: Check, most: int | None = None, least: int = 1) -> Check:
    """Accept arrays of a bounded length, and point at the index of each flaw."""

    def check(value: Any) -> list[Flaw] | None:
        if type(value) is not list:
            return _not("an array", value)
        if len(value) < least:
            return [("", f"Invalid input: ensure this field has at least {least} elements.")]
        if most is not None and len(value) > most:
            return [("", f"Invalid input: ensure this field has no more than {most} elements.")]
        flaws: list[Flaw] = []
        for index, item in enumerate(value):
            found = inner(item)
            if found:
                flaws.extend((f"/{index}{place}", detail) for place, detail in found)
        return flaws

    return check


def both(first: Check, second: Check) -> Check:
    """Accept what both checks accept; the second may rely on the first having passed."""

    def check(value: Any) -> list[Flaw] | None:
        return first(value) or second(value)

    return check


def resource(kind: str, attributes: Check, **more: Check) -> Check:
    """Accept a JSON:API resource object whose `type` is `kind`."""
    return record(kind, {"type": one_of(kind), "attributes": attributes, **more}, ("type", "attributes"))


def wrapped(inner: Check, name: str = "relationship") -> Check:
    """Accept `{"data": ...}`."""
    return record(name, {"data": inner}, ("data",))


def reference(kind: str) -> Check:
    """Accept a resource identifier, `{"type": kind, "id": ...}`."""
    return record(kind, {"type": one_of(kind), "id": text()}, ("type", "id"))
