"""Filters of arrays."""

import hashlib
import random
from collections.abc import Callable, Mapping
from typing import Any

from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.javascript.values import add, join_units, split_units, to_number, to_text
from klavier_segment_actions.mapping_kit.liquid.values import (
    is_equal,
    is_nil,
    is_truthy,
    length,
    read_member,
    to_items,
    to_plain,
    write,
)


def _join(context: Any, value: Any, separator: Any = MISSING) -> str:
    items = to_items(value)
    separator = to_plain(separator)
    joint = " " if is_nil(separator) else write(separator)
    context.budget.use(len(joint) * max(len(items) - 1, 0))
    return joint.join("" if is_nil(item) else to_text(to_plain(item)) for item in items)


def _edge(index: int) -> Callable[..., Any]:
    """Return a filter of the first or last item, or UTF-16 unit."""

    def run(_context: Any, value: Any) -> Any:
        value = to_plain(value)
        if not value or not isinstance(value, (str, list)):
            return MISSING if value == [] else ""
        return join_units(split_units(value)[index]) if isinstance(value, str) else value[index]

    return run


def _size(_context: Any, value: Any) -> Any:
    if isinstance(value, (str, list)):
        return length(value)
    return (value.get("length") or 0) if isinstance(value, dict) else 0


def _slice(_context: Any, value: Any, start: Any = MISSING, count: Any = MISSING) -> Any:
    value = to_plain(value)
    if is_nil(value):
        return []
    items = value if isinstance(value, list) else split_units(write(value))
    start, count = to_plain(start), 1 if count is MISSING else to_plain(count)
    if to_number(start) < 0:
        start = add(len(items), start)
    if to_number(start) < 0 or to_number(count) < 0:
        return items[:0]
    chosen = items[_index(start, len(items)) : _index(add(start, count), len(items))]
    return chosen if isinstance(chosen, list) else join_units(chosen)


def _index(value: Any, most: int) -> int:
    number = to_number(value)
    return 0 if number != number else int(min(number, most))  # noqa: PLR0124 -- True for NaN only


def _where(_context: Any, value: Any, name: Any = MISSING, expected: Any = MISSING) -> list[Any]:
    path = write(name).split(".")
    matches = is_truthy if expected is MISSING else lambda found: is_equal(found, expected)
    return [item for item in to_items(value) if matches(_at(item, path))]


def _at(item: Any, path: list[str]) -> Any:
    for key in path:
        item = read_member(item, key)
    return item


def _sample(_context: Any, value: Any, count: Any = MISSING) -> Any:
    """Return items in random order; the order is derived from the value, so that a retry sends the same."""
    value = to_plain(value)
    if is_nil(value):
        return []
    items = list(value) if isinstance(value, list) else list(write(value))
    seed = hashlib.sha256("\0".join(map(write, items)).encode("utf-8", "replace")).digest()
    random.Random(seed).shuffle(items)  # noqa: S311 -- no secret; deterministic on purpose
    many = 1.0 if count is MISSING else to_number(to_plain(count))
    if many == 1:
        return items[0] if items else MISSING
    return items[: int(many)] if many == many else []  # noqa: PLR0124 -- False for NaN only


ARRAY_FILTERS: Mapping[str, Callable[..., Any]] = {
    "compact": lambda _context, value: [item for item in to_items(value) if not is_nil(to_plain(item))],
    "first": _edge(0),
    "join": _join,
    "last": _edge(-1),
    "pop": lambda _context, value: to_items(value)[:-1],
    "push": lambda _context, value, item=MISSING: [*to_items(value), item],
    "sample": _sample,
    "shift": lambda _context, value: to_items(value)[1:],
    "size": _size,
    "slice": _slice,
    "unshift": lambda _context, value, item=MISSING: [item, *to_items(value)],
    "where": _where,
}
