"""JavaScript's operations on JSON values that mappings and templates depend on.

Numbers are Python's `int` and `float`; `undefined` is `MISSING`.
"""

import json
import math
import re
from typing import Any, Final

from klavier.jsvalues import to_string
from klavier_segment_actions.javascript.missing import MISSING

_SPACES = (*range(9, 14), 32, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF)
SPACE: Final = "".join(map(chr, _SPACES))
"""The characters that `trim` removes and `\\s` matches; Python's own set differs."""

_DECIMAL: Final = re.compile(r"[+-]?(?:(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|Infinity)")
_RADIX: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_LONGEST_NUMBER = 1100
"""Characters of the longest number worth parsing: a double has at most 309 digits before and 1074 after the point."""


def to_json(value: Any, indent: str | None = None) -> Any:
    """Serialize a value as `JSON.stringify` does, on one line without `indent`; `MISSING` stays `MISSING`."""
    return MISSING if value is MISSING else _json(value, indent, "")


def _json(value: Any, indent: str | None, margin: str) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (dict, list)):
        return _json_container(value, indent, margin)
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    return to_string(None if value is MISSING else value)


def _json_container(value: Any, indent: str | None, margin: str) -> str:
    inner = margin + (indent or "")
    if isinstance(value, dict):
        colon = ":" if indent is None else ": "
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}{colon}{_json(item, indent, inner)}"
            for key, item in value.items()
            if item is not MISSING
        ]
        opening, closing = "{}"
    else:
        parts = [_json(item, indent, inner) for item in value]
        opening, closing = "[]"
    if not parts or indent is None:
        return f"{opening}{','.join(parts)}{closing}"
    separator = f",\n{inner}"
    return f"{opening}\n{inner}{separator.join(parts)}\n{margin}{closing}"


def to_text(value: Any) -> str:
    """Return the string of a value as `String(value)` does."""
    if value is MISSING:
        return "undefined"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return ",".join("" if item is None or item is MISSING else to_text(item) for item in value)
    return to_string(value)


def to_number(value: Any) -> float:
    """Return the number of a value as `Number(value)` does: NaN for what is no number."""
    if isinstance(value, bool) or value is None:
        return float(bool(value))
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, list):
        value = to_text(value)
    return _parse_number(value) if isinstance(value, str) else math.nan


def _parse_number(text: str) -> float:
    text = text.strip(SPACE)
    if not text:
        return 0.0
    if len(text) > _LONGEST_NUMBER:
        return math.nan
    if _RADIX.fullmatch(text):
        return float(int(text, 0))
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


def add(left: Any, right: Any) -> Any:
    """Return `left + right`: a concatenation where one side is no number, boolean, null or undefined."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) or isinstance(right, str):
        return to_text(left) + to_text(right)
    return to_number(left) + to_number(right)


def is_less(left: Any, right: Any, *, or_equal: bool = False) -> bool:
    """Return whether `left < right`, or `left <= right`, as JavaScript compares values."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass")
    else:
        left, right = to_number(left), to_number(right)
    return bool(left <= right if or_equal else left < right)


def is_identical(left: Any, right: Any) -> bool:
    """Return whether `left === right`."""
    if isinstance(left, (dict, list)) or isinstance(right, (dict, list)):
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)  # strings equal strings only, numbers numbers, and the singletons themselves


def is_truthy(value: Any) -> bool:
    """Return whether a value is truthy: not 0, NaN, "", false, null or undefined."""
    if isinstance(value, (dict, list)):
        return True
    return bool(value) and value == value  # noqa: PLR0124 -- False for NaN only


def is_loosely_empty(value: Any) -> bool:
    """Return whether `value == ""` is true: for "", zero, false and arrays that convert to an empty string."""
    if isinstance(value, (str, bool, int, float)):
        return not value
    return isinstance(value, list) and to_text(value) == ""


def spread(value: Any) -> dict[str, Any]:
    """Return what `Object.assign` copies from a value: members, or indexed items of an array or string."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, str)):
        return {str(index): item for index, item in enumerate(value)}
    return {}


def split_units(text: str) -> str:
    """Return a string with one character per UTF-16 unit, by which JavaScript counts and cuts."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    data = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(int.from_bytes(data[index : index + 2], "little")) for index in range(0, len(data), 2))


def join_units(units: str) -> str:
    """Return the string of UTF-16 units; half of a character becomes U+FFFD, as in UTF-8 output."""
    try:
        units.encode()
    except UnicodeEncodeError:
        return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return units


def _primitive(value: Any) -> Any:
    return to_text(value) if isinstance(value, (dict, list)) else value
