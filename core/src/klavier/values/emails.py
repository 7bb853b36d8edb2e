"""E-mail addresses as Klaviyo takes them.

Source: Klaviyo's guide to profiles (100 characters); the bulk import refuses top-level domains of one letter
(segmentio/action-destinations#3792).
"""

import re
from functools import lru_cache
from typing import Any, Final

from klavier.strictjson import kind_of

LONGEST: Final = 100
"""Characters of an address that Klaviyo takes."""
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_FORM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?:[^\W\d_]{{2,}}|xn--[a-zA-Z0-9-]+)")
NOT_AN_ADDRESS = f"not an e-mail address of at most {LONGEST} characters"


def is_email(text: str) -> bool:
    """Return whether Klaviyo takes a text as an e-mail address, as it is.

    One `@`; no dot at the start, at the end or beside another one; a domain of two labels or more, the last of two
    letters or more; no blanks, invisible characters, commas, colons (`mailto:`), brackets or quotes.
    """
    return len(text) <= LONGEST and _has_form(text)


@lru_cache(maxsize=2048)  # an address is looked at by the vendor, by the limits and by the sandbox
def _has_form(text: str) -> bool:
    return _FORM.fullmatch(text) is not None


def read_email(value: Any) -> tuple[str | None, str]:
    """Return an e-mail address without the blanks around it, and the reason where there is none."""
    if value is None or value == "":
        return None, ""
    if not isinstance(value, str):
        return None, f"{kind_of(value)} where an e-mail address is expected: send a string"
    text = value.strip()
    return (text, "") if is_email(text) else (None, NOT_AN_ADDRESS)
