"""Bounds of what a mapping builds: nested directives can multiply an event, which no sender needs."""

from collections.abc import Iterable
from typing import Any

from klavier.vendor import RejectEvent

MOST_VALUES = 200_000
"""Values and keys that one directive may build: an event of Klaviyo's largest size (5 MB) has fewer of any use, and
building so many takes about 0.1 s."""

MOST_CHARACTERS = 1_000_000
"""Characters of the keys or text that one directive may build, besides what the event contains."""


def check_size(values: Iterable[Any], place: str) -> list[Any]:
    """Return the values as a list; raises `RejectEvent` as soon as all values in them are more than `MOST_VALUES`."""
    kept: list[Any] = []
    left = MOST_VALUES
    for value in values:
        left -= _count(value, left)
        if left < 0:
            raise RejectEvent(f"{place}: resolves to more than {MOST_VALUES} values")
        kept.append(value)
    return kept


def check_length(length: int, place: str) -> None:
    """Raise `RejectEvent` for more than `MOST_CHARACTERS`."""
    if length > MOST_CHARACTERS:
        raise RejectEvent(f"{place}: resolves to more than {MOST_CHARACTERS} characters")


def _count(value: Any, most: int) -> int:
    """Count a value and the values in it, shared ones each time, up to one more than `most`."""
    counted = 0
    stack = [value]
    while stack and counted <= most:
        item = stack.pop()
        counted += 1
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return counted + (1 if stack else 0)
