"""Booleans, also written as text: forms, CSV files and warehouses have no others."""

from typing import Any

from klavier.strictjson import kind_of

_WORDS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}


def read_boolean(value: Any) -> tuple[bool | None, str]:
    """Return a boolean, and the reason where there is none.

    Text is read in any case and with blanks around it: true, t, yes, y, on, 1 and false, f, no, n, off, 0; the numbers
    1 and 0 are read too.  Nothing else is guessed: a wrong guess about consent is a legal matter.
    """
    if value is True or value is False:
        return value, ""
    if value is None or value == "":
        return None, ""
    if isinstance(value, str):
        found = _WORDS.get(value.strip().lower()) if len(value) <= 40 else None  # noqa: PLR2004 -- longer than any word
        return found, "" if found is not None else "a string that is neither true nor false"
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value), ""
    return None, f"{kind_of(value)} that is neither true nor false"
