"""JSON without surprises: fast where the text is plain, exact where it is not.

orjson reads and writes several times faster than the standard library, but is lenient in three places: it writes NaN as
null, reads integers beyond 64 bits as floats, and keeps the last of two equal keys.  This module refuses all three and
names the place.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from typing import Any

import orjson
from attrs import field, frozen

from klavier.errors import EventError

DEEPEST = 250
"""Levels of objects and arrays that a payload may have."""

_LEAST, _MOST = -(2**63), 2**64 - 1
"""The integers that 64 bits hold, with a sign or without."""
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_HUGE = b"0" * 19
"""Integers beyond 64 bits have at least as many digits, once all are zeros."""

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


def has_surrogate(text: str) -> bool:
    """Return whether a string holds a surrogate, which is half of a character and nothing in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def read_text(text: bytes | str, place: str = "") -> Any:
    """Read JSON text exactly; raises `EventError` for what is not JSON, equal keys, huge numbers and deep nesting.

    `place` is where the text is, for the place of what is wrong in it.
    """
    value = _read_fast(text)
    if value is _INEXACT:
        value = _read_slowly(text)
        find_fault(value, place)
    return value


def read_marked(text: bytes) -> Any:
    """Read JSON text; what `read_text` refuses in it stays, for `copy_with_text` to refuse and `write_marked` to write.

    Objects with equal keys are read as `Repeated`.  Raises `EventError` for what is not JSON.
    """
    value = _read_fast(text)
    return _read_slowly(text.decode("utf-8", "surrogateescape")) if value is _INEXACT else value


def write_marked(value: Any) -> bytes:
    """Write what `read_marked` returned, so that `read_text` refuses it for the same reason."""
    return json.dumps(value, default=_unmark).encode()


def checked_copy(value: dict[str, Any]) -> dict[str, Any]:
    """Copy a payload from Python by way of JSON; raises `EventError` with the place of what JSON cannot express."""
    return copy_with_text(value)[0]


def copy_with_text(value: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return a checked copy of a payload from Python, and its JSON text; raises as `checked_copy` does."""
    try:
        written = _dumps(value)
    except TypeError as error:
        find_fault(value)
        raise EventError(f"cannot be written as JSON: {type(error.__cause__ or error).__name__}") from None
    copy: dict[str, Any] = orjson.loads(written)
    # NaN leaves no other trace than a null that was none; dates, say, are unequal too, and found to be fine.
    if b"null" in written and not _equal(copy, value):
        find_fault(value)
    return copy, written


def find_fault(value: Any, place: str = "") -> None:
    """Raise `EventError` at the first value that JSON, or a 64-bit reader of it, cannot hold."""
    path: list[Any] = []
    # A stack of iterators: as deep as the value, however wide it is, and a circle ends at the bound.
    stack = [_members(value, place)]
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
            del path[-1:]
            continue
        key, item = step
        if isinstance(item, (dict, list, tuple, Repeated)):
            path.append(key)
            where = _spell(place, path)
            if len(stack) >= DEEPEST:
                raise EventError(f"nested deeper than {DEEPEST} levels; flatten it", _shorten(where))
            stack.append(_members(item, where))
        else:
            problem = _problem_of(item)
            if problem:
                raise EventError(problem, _shorten(_spell(place, [*path, key])))


def _dumps(value: Any) -> bytes:
    """Write JSON; `TypeError` for what cannot be written, deep nesting included.

    orjson writes 254 levels: with four around the value, the bound is ours, and requests have room to wrap an event.
    """
    return orjson.dumps([[[[value]]]], option=orjson.OPT_PASSTHROUGH_DATACLASS)[4:-4]


def _is_same_json(text: bytes | bytearray | memoryview, written: bytes) -> bool:
    """Return whether a text differs from what was read in spelling only: white space, escapes, forms of numbers."""
    text = bytes(text)
    # A member that was dropped took its quotes along, unless escapes of quotes made up for them.
    return text.count(b'"') == written.count(b'"') and b"\\u0022" not in text and _HUGE not in text.translate(_ZEROS)


def _equal(copy: Any, value: Any) -> bool:
    try:
        return bool(copy == value)
    except Exception:  # noqa: BLE001 -- subclasses may compare as they like
        return False


_MOST_DIGITS = 600
"""Digits of an integer that Python never refuses to read or write: its limit can be set to 640 or more."""


class _HugeInteger:
    """Stands for an integer with more digits than that."""


@frozen(eq=False)
class Repeated:
    """An object of which one key stood there twice; no `dict`, so that no code takes one of its values."""

    pairs: list[tuple[str, Any]] = field(repr=False)

    @property
    def key(self) -> str:
        """The first key that stood there twice."""
        counts = Counter(key for key, _ in self.pairs)
        return next(key for key, count in counts.items() if count > 1)


class _Pairs(dict[str, Any]):
    """Writes equal keys: the standard library asks a subclass for its items."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def items(self) -> Any:
        return self._pairs


_INEXACT = object()
"""Stands for a value that orjson cannot read exactly."""


def _read_fast(text: bytes | str) -> Any:
    """Read with orjson; `_INEXACT` for no JSON, and where the text may hold what orjson changes."""
    try:
        value = orjson.loads(text)
        written = orjson.dumps([[[[value]]]])[4:-4]  # as in `_dumps`, whose option does not affect parsed JSON
    except (orjson.JSONDecodeError, TypeError):
        return _INEXACT
    plain = text.encode() if isinstance(text, str) else text
    # Where the text comes back byte for byte, no key stood twice and no number changed on the way.
    return value if written == plain or _is_same_json(plain, written) else _INEXACT


def _read_slowly(text: bytes | str) -> Any:
    """Read with the standard library, which can mark every object and number."""
    if not isinstance(text, (str, bytes, bytearray, memoryview)):
        raise EventError(f"JSON text is a string or bytes, not {kind_of(text)}")
    try:
        decoded = text if isinstance(text, str) else bytes(text).decode()
        value = json.loads(decoded.removeprefix("\ufeff"), object_pairs_hook=_object_of, parse_int=_integer_of)
    except UnicodeDecodeError as error:
        raise EventError(f"not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        empty = "" if decoded.strip() else " (the text is empty)"
        line = "" if error.lineno == 1 else f"line {error.lineno} "
        raise EventError(f"not JSON at {line}column {error.colno}: {error.msg}{empty}") from None
    except RecursionError:
        raise EventError(f"nested deeper than {DEEPEST} levels; flatten it") from None
    return value


def _object_of(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(pairs)


def _integer_of(digits: str) -> Any:
    return int(digits) if len(digits) <= _MOST_DIGITS else _HugeInteger()


def _unmark(value: Any) -> Any:
    return _Pairs(value.pairs) if isinstance(value, Repeated) else 10**_MOST_DIGITS


def _members(item: Any, where: str) -> Iterator[tuple[Any, Any]]:
    """Yield keys and values of an object or array; a scalar stands for itself."""
    if isinstance(item, Repeated):
        raise EventError("the same key twice in one object; keep one of them", _shorten(_spell(where, [item.key])))
    if isinstance(item, dict):
        return ((_checked_key(key, where), member) for key, member in item.items())
    return enumerate(item) if isinstance(item, (list, tuple)) else iter([(None, item)])


def _checked_key(key: Any, where: str) -> str:
    if type(key) is not str:
        raise EventError(f"a key that is {kind_of(key)}; JSON keys are strings", _shorten(where))
    if has_surrogate(key):
        raise EventError("a key with half a surrogate pair; send whole Unicode text", _shorten(_spell(where, [key])))
    return key


def _problem_of(item: Any) -> str:
    """Return what is wrong with a scalar; empty where nothing is."""
    if isinstance(item, Enum):
        item = item.value  # which is what is written
    if item is None or isinstance(item, bool):
        return ""
    if isinstance(item, str):
        return "a string with half a surrogate pair; send whole Unicode text" if has_surrogate(item) else ""
    if isinstance(item, _HugeInteger) or (isinstance(item, int) and not _LEAST <= item <= _MOST):
        return "an integer beyond 64 bits; send it as a string"
    if type(item) is float and not math.isfinite(item):
        return "NaN or infinity is not JSON; leave the member out or send null"
    try:
        _dumps(item)  # numbers, and what orjson writes by itself: dates, times, UUIDs
    except TypeError:
        return f"{kind_of(item)} is not JSON; convert it to a string or a number"
    return ""


def _spell(place: str, path: list[Any]) -> str:
    """Write a path as in `properties.items[2]`; keys longer than a name may be text of a profile and are cut."""
    for step in path:
        if isinstance(step, int):
            place = f"{place}[{step}]"
        elif step is not None:
            shown = step if len(step) <= 40 else step[:40] + "…"  # noqa: PLR2004 -- enough to find the member by
            shown = shown.encode("utf-8", "replace").decode()
            place = f"{place}.{shown}" if place else shown
    return place


def _shorten(where: str) -> str:
    return where if len(where) <= 80 else where[:80] + "…"  # noqa: PLR2004 -- a message should stay readable
