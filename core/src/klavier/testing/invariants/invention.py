"""Nothing invented: every value that is sent comes from somewhere."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import attrs

from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.testing.invariants.report import broken
from klavier.testing.origins import Origins
from klavier.testing.saying import leaves, said
from klavier.testing.trace import Trace, record
from klavier.vendor import Vendor

INVENTED = "4 nothing invented"

JSON_API = (
    "event",
    "event-bulk-create",
    "event-bulk-create-job",
    "list",
    "metric",
    "profile",
    "profile-bulk-import-job",
    "profile-subscription-bulk-create-job",
    "profile-subscription-bulk-delete-job",
    "data-privacy-deletion-job",
    "subscription",
    "SUBSCRIBED",
    "UNSUBSCRIBED",
    "MARKETING",
    "klavier",
)
"""The words of Klaviyo's own request bodies (types of resources, states of consent) and of ids that klavier makes."""

_HASHED = re.compile(r"[0-9a-f]+")
_LEAST_HASH = 16
"""Hexadecimal digits that a derived id has at least."""


def check_nothing_invented(vendor: Vendor, events: Sequence[Event], constants: Collection[Any] = ()) -> None:
    """Every value of a request comes from the event, the settings, a reply, or the constants of the vendor.

    Values may be derived (see `klavier.testing.origins`), and ids hashed: a hash counts as derived when it is another
    one for an event with other contents.  `constants` adds to what the vendor declares itself (`Vendor.constants`).
    """
    for event in events:
        trace = record(vendor, [event])
        known = [event.payload, _settings(vendor), [*vendor.constants, *constants], JSON_API, _indices(event.payload)]
        for place, leaf in _unexplained(trace, known):
            if not _is_hash_of(vendor, event, leaf, Origins(*known)):
                problem = f"{place} = {leaf!r} comes from neither event, settings nor constants"
                raise broken(INVENTED, problem, vendor, [event], trace.requests)


def _unexplained(trace: Trace, known: list[Any]) -> Iterator[tuple[str, Any]]:
    for found in trace.deliveries:
        replies: list[Any] = []
        for exchange in found.exchanges:
            origins = Origins(*known, *replies)
            for place, leaf in leaves(said(exchange.request)):
                if not origins.explain(leaf):
                    yield f"{exchange.request.path} {place}", leaf
            replies.append(exchange.response.json)
        origins = Origins(*known)
        for place, leaf in leaves([call[1:] for call in found.delivery.browser_calls], "browser call"):
            if not origins.explain(leaf):
                yield place, leaf


def _is_hash_of(vendor: Vendor, event: Event, leaf: Any, origins: Origins) -> bool:
    """Tell whether a value looks like a hash, and is gone when the contents of the event are others."""
    if not isinstance(leaf, str):
        return False
    rest = origins.words_left(leaf)
    if not all(_HASHED.fullmatch(word) for word in rest) or len(leaf) < _LEAST_HASH:
        return False
    trace = record(vendor, [parse_event(_disturbed(event.payload))])
    return all(leaf != other for request in trace.requests for _, other in leaves(said(request)))


def _disturbed(value: Any, key: str = "") -> Any:
    """Change all ids and texts of a payload, but neither its type nor names, so that the same is done with it."""
    if isinstance(value, dict):
        return {name: _disturbed(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [_disturbed(member) for member in value]
    if isinstance(value, bool) or key in ("type", "event", "name"):
        return value
    if isinstance(value, int):
        return value - 1 if value > 0 else value + 1
    if isinstance(value, str) and value.isdigit():
        return f"{value}1"
    return f"z{value}" if isinstance(value, str) and value[:1].isalpha() else value


def _indices(payload: Any) -> list[str]:
    """Give the positions in the arrays of a payload: an id of one of several parts may say which."""
    longest = max((len(item) for item in _arrays(payload)), default=0)
    return [str(index) for index in range(longest + 1)]


def _arrays(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _arrays(member)


def _settings(vendor: Vendor) -> Any:
    return attrs.asdict(vendor.settings) if attrs.has(type(vendor.settings)) else vendor.settings
