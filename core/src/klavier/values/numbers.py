"""Numbers, also written as text.

A text is read whole or not at all: the number that it begins with may be another one (`"1,234"` begins with 1).
"""

import math
import re
from typing import Any

from klavier.strictjson import kind_of

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")
_GROUPED = re.compile(r"[+-]?[0-9][0-9., '\u2019\u00a0\u202f_]*")
_LARGEST_EXACT = 2**53
"""Beyond it a float has no fractions: an integer is then no nearer to what was written."""
_LONGEST = 1000


def read_number(value: Any) -> tuple[float | int | None, str]:
    """Return a number, and the reason where there is none.

    Text is a number where all of it is, in decimal notation with blanks around it: `" 12.50 "`, `"1e3"`.  A thousands
    separator or decimal comma is not guessed at: `"1,234"` is 1234 in one country and 1.234 in another.
    """
    if value.__class__ in (int, float):
        return (value, "") if math.isfinite(value) else (None, "a number that JSON does not have")
    if value is None or value == "":
        return None, ""
    return _read_text(value.strip()) if isinstance(value, str) else (None, f"{kind_of(value)} that is no number")


def read_amount(value: Any) -> tuple[float | int | None, str]:
    """Return an amount of money, and the reason where there is none: a number, a currency before or after it.

    `"$19.99"`, `"EUR 5"`, `"5 USD"` and `"12.50€"` are amounts; the currency is not returned.
    """
    if not isinstance(value, str):
        return read_number(value)
    text = value.strip()
    sign = text[:1] if text[:1] in "+-" else ""
    bare = text.removeprefix(sign)
    for part in (bare[:1], bare[:3], bare[:4].rstrip()):
        if _is_currency(part):
            bare = bare.removeprefix(part).lstrip()
            break
    else:
        for part in (bare[-1:], bare[-3:]):
            if _is_currency(part):
                bare = bare.removesuffix(part).rstrip()
                break
    return _read_text(sign + bare) if text else (None, "")


def _read_text(text: str) -> tuple[float | int | None, str]:
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
        if _GROUPED.fullmatch(text[:_LONGEST]):
            return None, "a string with a thousands separator or decimal comma: send a number such as 1234.5"
        return None, "a string that is no number"
    number = float(text)
    if not math.isfinite(number):
        return None, "a string with a number beyond 64 bits"
    return (int(number) if number.is_integer() and abs(number) < _LARGEST_EXACT else number), ""


def _is_currency(text: str) -> bool:
    """Return whether a text is one currency sign or a code of three capital letters."""
    return text in _SIGNS or (len(text) == 3 and text.isascii() and text.isalpha() and text.isupper())  # noqa: PLR2004 -- ISO 4217


_SIGNS = frozenset("$€£¥₹₩₽₺₪฿₫₴₦₱")
