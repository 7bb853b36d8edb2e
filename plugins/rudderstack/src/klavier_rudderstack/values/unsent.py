"""Notes about the members of an event that are in none of its requests."""

from collections.abc import Iterator
from typing import Any

_MOST = 20
"""How many notes of one kind an event gets."""

_SHOWN = 60
"""The most characters of a place that a note shows."""


def note_unsent(section: str, members: Any, sent: Any, reason: str) -> list[str]:
    """Return a note for each place in a `section` of an event whose value is nowhere in what is `sent`.

    Empty values are not noted.  `reason` completes the note.
    """
    if not isinstance(members, dict):
        return []
    known = {_mark(leaf) for _, leaf in _leaves("", sent)}
    places = dict.fromkeys(
        place
        for name, member in members.items()
        for place, leaf in _leaves(f"{section}.{name}", member)
        if leaf not in (None, "") and _mark(leaf) not in known
    )
    return first_notes([f"{place[:_SHOWN]} left out: {reason}" for place in places])


def first_notes(notes: list[str]) -> list[str]:
    """Return the first notes, and how many more there are: an event may lose thousands of members."""
    more = len(notes) - _MOST
    return notes if more <= 0 else [*notes[:_MOST], f"{more} further members left out for the same reason"]


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
