"""Bounded: translating one event takes time and memory linear in its size, whatever its texts are."""

import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from klavier.events.model import Event, JsonObject
from klavier.events.reader import parse_event
from klavier.testing.invariants.report import broken
from klavier.testing.trace import record
from klavier.vendor import Vendor

BOUNDED = "12 bounded"

LARGEST = 30_000
"""Characters of the longest text: with it quadratic work takes 900 million steps, linear work 30,000."""
_SIZES = (28, 300, 3_000, LARGEST)
"""Growing, so that exponential and cubic work exceeds the time with a text that it can still finish."""
_SECONDS = 1.0
"""Processor time that one translation may take.  Linear work on the longest text takes a fiftieth of it on a slow
machine; other processes do not count, so a busy machine breaks nothing."""
_FACTOR = 50
"""Bytes of all requests for each byte of the event: an order with one product repeats the profile in two requests."""

# fmt: off
_UNITS = (
    "@", "a@", "a@a.", "@.", "a.", ".", "-", "a-", "_", "aA", " ", "\t\n", "0", "1,", "9.", "1e", "+1", "(0)", "{{",
    "[", "\\", '"', "/", "%", "a b", "\u0661", "\u00e9", "\u2028",
    "2024-01-01 ", "2024-01-01T00:00:00", "completed order ",
)
# fmt: on


def hostile_texts(size: int = LARGEST) -> list[str]:
    """Return texts of `size` characters that make backtracking patterns slow: a repeated unit, and another end."""
    return [(unit * (size // len(unit) + 1))[: size - 1] + end for unit in _UNITS for end in ("!", unit[-1])]


def check_bounded(vendor: Vendor, events: Sequence[Event], texts: slice = slice(None)) -> None:
    """Check that translating an event with a hostile text in any place takes time and memory linear in the text.

    Each leaf of each event, and each name of a member of its traits and properties, is replaced by each of
    `hostile_texts`, of which `texts` selects some.
    """
    for event in events:
        for size in _SIZES:
            for text in hostile_texts(size)[texts]:
                for place, payload in _planted(event.payload, text):
                    _check(vendor, place, parse_event(payload), size)


def _check(vendor: Vendor, place: str, event: Event, size: int) -> None:
    start = time.thread_time()
    trace = record(vendor, [event])
    seconds = time.thread_time() - start
    if seconds > _SECONDS:
        raise broken(BOUNDED, f"a text of {size} characters in {place} takes {seconds:.1f} s", vendor, [event])
    written = sum(len(request.body) for request in trace.requests if request.json is not None)
    if size == LARGEST and written > _FACTOR * size:
        raise broken(BOUNDED, f"a text of {size} characters in {place} makes {written} bytes", vendor, [event])


def _planted(payload: JsonObject, text: str) -> Iterator[tuple[str, JsonObject]]:
    """Return copies of a payload with the text in one place each."""
    for path in _paths(payload):
        if path == ("type",):
            continue
        changed = deepcopy(payload)
        holder: Any = changed
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = text
        yield ".".join(map(str, path)), changed
    for section in ("traits", "properties", "context", "integrations"):
        if isinstance(payload.get(section), dict):
            yield f"a name in {section}", {**payload, section: {**payload[section], text: "value"}}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the paths of all leaves."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _paths(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _paths(member, (*path, index))
    else:
        yield path
