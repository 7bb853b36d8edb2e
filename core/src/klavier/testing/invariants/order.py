"""Ordered: the requests about one profile are sent in the order of its events."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.testing.decoding import decode, leaves
from klavier.testing.invariants.report import broken
from klavier.testing.trace import Trace, record
from klavier.vendor import Vendor

ORDERED = "11 ordered"

_MEMBER = "klavier order mark"


def check_ordered(vendor: Vendor, events: Sequence[Event]) -> None:
    """Check that events of one ordering key are delivered, and first mentioned in requests, in their order.

    Events with the same user id have one key. Each event is marked by a trait or property of its own, and found by
    that or its message id.
    """
    marked = [_marked(event, number) for number, event in enumerate(events)]
    trace = record(vendor, marked)
    _check_keys(vendor, trace)
    numbers = {id(event): number for number, event in enumerate(marked)}
    keys = {
        numbers[id(e)]: key for d in trace.deliveries for e, key in zip(d.delivery.events, d.delivery.keys, strict=True)
    }
    delivered = [numbers[id(event)] for found in trace.deliveries for event in found.delivery.events]
    for what, sequence in (("delivered", delivered), ("mentioned", list(_mentioned(trace)))):
        for key in set(keys.values()):
            for earlier, later in pairwise(number for number in sequence if keys[number] == key):
                if earlier > later:
                    problem = f"event {earlier} of {key!r} is {what} before event {later}"
                    raise broken(ORDERED, problem, vendor, marked, trace.requests)


def _check_keys(vendor: Vendor, trace: Trace) -> None:
    found: dict[str, str] = {}
    for delivery in (each.delivery for each in trace.deliveries):
        for event, key in zip(delivery.events, delivery.keys, strict=True):
            if isinstance(event.user_id, str) and event.user_id and found.setdefault(event.user_id, key) != key:
                raise broken(ORDERED, "two events of one user id have two keys", vendor, trace.events)


def _mentioned(trace: Trace) -> Iterator[int]:
    """Return the number of each event when a request first mentions it."""
    waiting = {_mark(number): number for number in range(len(trace.events))}
    waiting |= {event.message_id: n for n, event in enumerate(trace.events) if isinstance(event.message_id, str)}
    found: set[int] = set()
    for request in trace.requests:
        for _, leaf in leaves(decode(request)):
            number = waiting.get(leaf) if isinstance(leaf, str) else None
            if number is not None and number not in found:
                found.add(number)
                yield number


def _marked(event: Event, number: int) -> Event:
    payload = dict(event.payload)
    section = "traits" if event.type in ("identify", "group") else "properties"
    if event.type != "alias" and isinstance(payload.get(section, {}), dict):
        payload[section] = payload.get(section, {}) | {_MEMBER: _mark(number)}
    return parse_event(payload)


def _mark(number: int) -> str:
    return f"qzmark{number:04d}"
