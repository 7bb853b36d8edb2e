"""How JavaScript reads JSON values.

The vendors' implementations run on JavaScript, and what they send depends on its rules: `[]` is true, `"5 USD"` is the
number 5, `1.0` is written `1`.  Vendors that reproduce them share these few functions.
"""

import re
from decimal import Decimal
from typing import Any

SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""JavaScript's white space, which is not Python's: the byte order mark is in it, separators such as `\\x1c` are not."""
_FLOAT_PREFIX = re.compile(
    rf"[{SPACE}]*([+-]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?))"
)
_PLAIN_DIGITS = range(-7, 21)
"""JavaScript writes numbers without an exponent while the decimal point stands in this range."""


def truthy(value: Any) -> bool:
    """Return whether JavaScript takes a JSON value for true: empty arrays and objects are, 0, "" and null are not."""
    return bool(value) or isinstance(value, (dict, list))


def parse_float(value: Any) -> float | int | None:
    """Read a number as `parseFloat(String(value))` does; None for NaN, and for infinity, which JSON cannot express."""
    if isinstance(value, (int, float)):
        return None if isinstance(value, bool) else value
    if value is None:
        return None
    match = _FLOAT_PREFIX.match(value if isinstance(value, str) else to_string(value))
    if match is None:
        return None
    number = float(match[1])
    if abs(number) == float("inf"):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def trim(text: str) -> str:
    """Return a text without white space around it, as JavaScript's `trim` does."""
    return text.strip(SPACE)


def to_string(value: Any) -> str:
    """Write a JSON value as `String(value)` does."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, list):
        return ",".join("" if item is None else to_string(item) for item in value)
    return "[object Object]"


def dig(value: Any, *path: str) -> Any:
    """Descend objects by key; None where a step is missing or not an object."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _number(value: float) -> str:
    """Write a number as JavaScript does: shortest digits, an exponent only from 1e21 and below 1e-6."""
    if isinstance(value, int):
        if abs(value) < 2**53:
            return str(value)
        value = float(value)
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + int(exponent)
    minus = "-" if sign else ""
    if point not in range(_PLAIN_DIGITS.start + 2, _PLAIN_DIGITS.stop + 1):
        mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
        return f"{minus}{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    return minus + (text[:point].ljust(point, "0") + (f".{text[point:]}" if len(text) > point else ""))
