"""Notes about the members of an event that are in none of its requests."""

from collections.abc import Collection, Iterator
from typing import Any

_SHOWN = 60
"""The most characters of a place that a note shows."""


def note_unsent(section: str, members: Any, sent: Any, reason: str, without: Collection[str] = ()) -> list[str]:
    """Return a note for each place in a `section` of an event whose value is nowhere in what is `sent`.

    Empty values are not noted, and neither are the members `without` a place.  `reason` completes the note.
    """
    if not isinstance(members, dict):
        return []
    known = {_mark(leaf) for _, leaf in _leaves("", sent)}
    places = dict.fromkeys(
        place
        for name, member in members.items()
        if name not in without
        for place, leaf in _leaves(f"{section}.{name}", member)
        if leaf not in (None, "") and _mark(leaf) not in known
    )
    return [f"{place[:_SHOWN]} left out: {reason}" for place in places]


def _leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the scalars of a JSON value with their places; items of an array share one, such as `products[].color`."""
    found: list[tuple[str, Any]] = [(place, value)]
    while found:
        place, value = found.pop()
        if isinstance(value, dict):
            found.extend((f"{place}.{name}", member) for name, member in reversed(list(value.items())))
        elif isinstance(value, (list, tuple)):
            found.extend((f"{place}[]", member) for member in reversed(value))
        else:
            yield place, value


def _mark(leaf: Any) -> tuple[bool, Any]:
    """Return a scalar that equals only its like: true is not 1."""
    return isinstance(leaf, bool), leaf
