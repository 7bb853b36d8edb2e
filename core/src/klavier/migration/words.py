"""Values of terms in words."""

from collections.abc import Mapping
from typing import Any

from klavier.migration.terms import is_nothing

_LONGEST = 100


def in_words(value: Any) -> str:
    """Write a value in a few words; a long one is cut."""
    text = _words(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _words(value: Any) -> str:
    if value is True:
        return "yes"
    if value is False:
        return "no"
    if is_nothing(value):
        return "nothing"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {_words(member)}" for name, member in value.items())
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_words, value))
    return str(value)
