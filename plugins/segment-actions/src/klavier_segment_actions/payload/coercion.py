"""Making one kind of value of another, by the rules of Segment's validator.

Source: observed; they are those of the JSON schema validator that Segment uses, with coercion on.
"""

import re
from typing import Any

from klavier.jsvalues import to_string

_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")


def unwrapped(value: Any) -> Any:
    """Give the one item of an array of one, any other value as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def as_text(value: Any) -> str | None:
    """Make text of a number or truth value; None of an object or array."""
    value = unwrapped(value)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return None if isinstance(value, (dict, list)) else to_string(value)


def as_number(value: Any) -> float | int | None:
    """Make a number of a truth value or of text that is nothing but a number; None of anything else."""
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
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def as_boolean(value: Any) -> bool | None:
    """Make a truth value of "true", "false", 1, 0 and null; None of anything else."""
    value = unwrapped(value)
    if isinstance(value, bool):
        return value
    if value == "true" or (value == 1 and isinstance(value, (int, float))):
        return True
    if value == "false" or value is None or (value == 0 and isinstance(value, (int, float))):
        return False
    return None
