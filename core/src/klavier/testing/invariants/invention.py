"""Nothing invented: every value that is sent comes from the event, the settings, a reply or the constants."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import attrs

from klavier.events.model import Event
from klavier.testing.decoding import decode, leaves
from klavier.testing.derived_ids import is_hash_of
from klavier.testing.invariants.report import broken
from klavier.testing.provenance import Origins
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


def check_nothing_invented(vendor: Vendor, events: Sequence[Event], constants: Collection[Any] = ()) -> None:
    """Check that every value of a request comes from the event, the settings, a reply, or the constants of the vendor.

    Values may be derived (see `klavier.testing.provenance`), and ids hashed: a hash counts as derived when it
    changes with the content of the event. `constants` adds to what the vendor declares itself
    (`Vendor.constants`).
    """
    for event in events:
        trace = record(vendor, [event])
        known = [event.payload, _settings(vendor), [*vendor.constants, *constants], JSON_API, _indices(event.payload)]
        for place, leaf in _unexplained(trace, known):
            if not is_hash_of(vendor, event, leaf, Origins(*known)):
                problem = f"{place} = {leaf!r} comes from neither event, settings nor constants"
                raise broken(INVENTED, problem, vendor, [event], trace.requests)


def _unexplained(trace: Trace, known: list[Any]) -> Iterator[tuple[str, Any]]:
    for found in trace.deliveries:
        replies: list[Any] = []
        for exchange in found.exchanges:
            origins = Origins(*known, *replies)
            for place, leaf in leaves(decode(exchange.request)):
                unread = leaf is None and found.delivery.exact  # what JavaScript could not read
                if not (unread or _is_placeholder(place, leaf) or origins.explain(leaf)):
                    yield f"{exchange.request.path} {place}", leaf
            replies.append(exchange.response.json)
        origins = Origins(*known)
        for place, leaf in leaves([call[1:] for call in found.delivery.browser_calls], "browser call"):
            if not _is_placeholder(place, leaf) and not origins.explain(leaf):
                yield place, leaf


def _is_placeholder(place: str, leaf: Any) -> bool:
    """Return whether a null keeps a place in an array, such as that of the missing name of one of several items."""
    return leaf is None and place.endswith("]")


def _indices(payload: Any) -> list[str]:
    """Return the positions in the arrays of a payload: an id of one of several parts may contain its number."""
    longest = max((len(item) for item in _arrays(payload)), default=0)
    return [str(index) for index in range(longest + 1)]


def _arrays(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _arrays(member)


def _settings(vendor: Vendor) -> Any:
    return attrs.asdict(vendor.settings) if attrs.has(type(vendor.settings)) else vendor.settings
