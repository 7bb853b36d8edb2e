"""Coercion of one JSON kind to another, as Segment's validator does it.

Source: observed; the rules are those of a JSON schema validator with type coercion enabled.
"""

import math
import re
from typing import Any

from klavier.jsvalues import to_string
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.javascript.values import to_number

_NUMBER = re.compile(r"\s*+[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?\s*+")
"""Possessive quantifiers: no part is ever matched a second time, so the time is linear in the text."""


_LARGEST_EXACT = 2**53
"""Beyond it a float has no fractions, and an integer is no more exact."""


def unwrapped(value: Any) -> Any:
    """Return the item of an array with one item, and any other value unchanged."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def item_of_two_kinds(value: list[Any], *, otherwise: str) -> Any:
    """Return the item of an array with one item, as Segment's validator converts it for a field of two kinds.

    The kinds are a string or else `otherwise`, "null" or "number".  An item that is a string already is converted to
    the other kind or refused, as are objects and arrays; `MISSING` stands for a refusal.
    """
    item = value[0] if len(value) == 1 else MISSING
    if item is None:
        return ""
    if isinstance(item, str):
        if otherwise == "null":
            return MISSING if item else None
        number = vendor_number(item) if item else None
        return MISSING if number is None else number
    return to_string(item) if isinstance(item, (bool, int, float)) else MISSING


def as_text(value: Any) -> str | None:
    """Return a string for a string, number, boolean or null; None for an object or array."""
    value = unwrapped(value)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return None if isinstance(value, (dict, list)) else to_string(value)


def vendor_number(value: Any) -> float | int | None:
    """Return a number as `as_number`, but of every string that JavaScript converts, such as `0x10` and `Infinity`."""
    value = unwrapped(value)
    if not isinstance(value, str) or not value:
        return as_number(value)
    number = to_number(value)
    if math.isnan(number):
        return None
    return int(number) if number.is_integer() and abs(number) < _LARGEST_EXACT else number


def as_number(value: Any) -> float | int | None:
    """Return a number for a number, boolean, null, or a string that is only a number; None for anything else."""
    value = unwrapped(value)
    if isinstance(value, bool) or value is None:
        return int(bool(value))
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return None
    number = float(value)
    if number in (float("inf"), float("-inf")):
        return None
    return int(number) if number.is_integer() and abs(number) < _LARGEST_EXACT else number


def as_boolean(value: Any) -> bool | None:
    """Return a boolean for a boolean, "true", "false", 1, 0 and null; None for anything else."""
    value = unwrapped(value)
    if isinstance(value, bool):
        return value
    if value == "true" or (value == 1 and isinstance(value, (int, float))):
        return True
    if value == "false" or value is None or (value == 0 and isinstance(value, (int, float))):
        return False
    return None
