"""JSON without surprises: fast where the text is plain, exact where it is not.

orjson reads and writes several times faster than the standard library, but is lenient in three places: it writes NaN as
null, reads integers beyond 64 bits as floats, and keeps the last of two equal keys.  This module closes all three and
says where the trouble is.
"""

import json
import math
from typing import Any

import orjson

from klavier.errors import EventError

_INT64 = range(-(2**63), 2**64)
_DEEPEST = 250
"""orjson writes at most 254 levels; four are left for the request that an event is wrapped in."""

_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}


def kind_of(value: Any) -> str:
    """Name the kind of a value in JSON's words, such as `an array`, never the value itself."""
    if value is None:
        return "null"
    return _KINDS.get(type(value), f"a Python {type(value).__name__}")


def read_text(text: bytes | str) -> Any:
    """Read JSON text exactly; raises `EventError` for what is not JSON, equal keys, huge integers and deep nesting."""
    try:
        value = orjson.loads(text)
        written = orjson.dumps(value)
    except (orjson.JSONDecodeError, TypeError):
        return _read_slowly(text)
    plain = text.encode() if isinstance(text, str) else text
    # The text comes back byte for byte: so no key stood twice and no number changed on the way.
    return value if written == plain.strip() else _read_slowly(text)


def checked_copy(value: dict[str, Any]) -> dict[str, Any]:
    """Copy a payload from Python by way of JSON; raises `EventError` with the place of what JSON cannot say."""
    try:
        written = orjson.dumps(value)
    except TypeError as error:
        find_fault(value)
        raise EventError(f"cannot be written as JSON: {type(error.__cause__ or error).__name__}") from None
    if b"null" in written:  # the only trace that NaN leaves
        find_fault(value)
    if written.count(b"[") + written.count(b"{") > _DEEPEST:
        _check_depth(value)
    copy: dict[str, Any] = orjson.loads(written)
    return copy


def find_fault(value: Any, place: str = "") -> None:
    """Raise `EventError` at the first value that JSON, or a 64-bit reader of it, cannot hold."""
    stack: list[tuple[Any, str, int]] = [(value, place, 1)]
    while stack:
        item, where, depth = stack.pop()
        if depth > _DEEPEST:
            raise EventError(f"nested deeper than {_DEEPEST} levels; flatten it", _shorten(where))
        if isinstance(item, dict):
            stack.extend((member, _inside(where, key), depth + 1) for key, member in reversed(item.items()))
        elif isinstance(item, (list, tuple)):
            stack.extend((member, f"{where}[{i}]", depth + 1) for i, member in reversed(list(enumerate(item))))
        else:
            _check_scalar(item, where)


def _read_slowly(text: bytes | str) -> Any:
    """Read with the standard library, which can be told to look at every object and number."""
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        value = json.loads(decoded, object_pairs_hook=_object_of, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise EventError(f"not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise EventError(f"not JSON at column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise EventError(f"nested deeper than {_DEEPEST} levels; flatten it") from None
    except ValueError as error:  # Python's own bound on the digits of an integer
        if isinstance(error, EventError):
            raise
        raise EventError("an integer beyond 64 bits; send it as a string") from None
    find_fault(value)
    return value


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add gives None
        raise EventError("the same key twice in one object; keep one of them", _inside("", twice))
    return found


def _refuse_constant(name: str) -> Any:
    raise EventError(f"{name} is not JSON; leave the member out or send null")


def _check_scalar(item: Any, where: str) -> None:
    if item is None or isinstance(item, bool):
        return
    if isinstance(item, str):
        if not item.isascii() and any("\ud800" <= char <= "\udfff" for char in item):
            raise EventError("a string with half a surrogate pair; send whole Unicode text", where)
    elif isinstance(item, int):
        if item not in _INT64:
            raise EventError("an integer beyond 64 bits; send it as a string", where)
    elif isinstance(item, float):
        if not math.isfinite(item):
            raise EventError("NaN or infinity is not JSON; leave the member out or send null", where)
    else:
        _check_foreign(item, where)


def _check_foreign(item: Any, where: str) -> None:
    """Let pass what orjson writes as JSON by itself (datetime, UUID, enumerations)."""
    try:
        orjson.dumps(item)
    except TypeError:
        raise EventError(f"{kind_of(item)} is not JSON; convert it to a string or a number", where) from None


def _check_depth(value: Any) -> None:
    """Raise `EventError` when the nesting goes past the bound; many brackets side by side are fine."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise EventError(f"nested deeper than {_DEEPEST} levels; flatten it")
        level = [m for item in level if isinstance(item, (dict, list)) for m in _members(item)]


def _members(item: dict[str, Any] | list[Any]) -> list[Any]:
    return list(item.values()) if isinstance(item, dict) else item


def _inside(where: str, key: Any) -> str:
    """Name a member; keys longer than a name are somebody's text and are cut."""
    if not isinstance(key, str):
        raise EventError(f"a key that is {kind_of(key)}; JSON keys are strings", where)
    shown = key if len(key) <= 40 else key[:40] + "…"  # noqa: PLR2004 -- enough to find the member by
    shown = shown.encode("utf-8", "replace").decode()
    return f"{where}.{shown}" if where else shown


def _shorten(where: str) -> str:
    return where if len(where) <= 80 else where[:80] + "…"  # noqa: PLR2004 -- a message should stay readable
