"""Write the values of terms as text."""

from collections.abc import Mapping
from typing import Any

from klavier.migration.terms import is_nothing

_LONGEST = 100


def write_value(value: Any) -> str:
    """Write a value as short text: the first members of a long list; any other long text is cut."""
    if isinstance(value, (tuple, list)) and value:
        return _first_of([_words(item) for item in value])
    text = _words(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _first_of(words: list[str]) -> str:
    shown = words[:1]
    for word in words[1:]:
        if len(", ".join([*shown, word])) > _LONGEST:
            return f"{', '.join(shown)} and {len(words) - len(shown)} more"
        shown.append(word)
    return ", ".join(shown)


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
