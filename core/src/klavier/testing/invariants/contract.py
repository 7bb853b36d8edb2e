"""Total, deterministic and pure: one outcome for each event, equal output for equal input, no change of the input."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from klavier.errors import EventError, KlavierError
from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.flows.rehearsal import rehearse
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import KINDS, Outcome
from klavier.plugins import Plugins
from klavier.testing.invariants.report import broken
from klavier.testing.trace import DeliveryTrace, Trace, record
from klavier.vendor import Vendor

TOTAL = "1 total"
DETERMINISTIC = "2 deterministic"
PURE = "3 pure"

_REFUSALS = frozenset({400, 404, 413, 422})
"""What Klaviyo answers to a request that it cannot take."""


def check_total(
    vendor: Vendor, payloads: Sequence[Any], replies: Sequence[Response] = (), plugins: Plugins | None = None
) -> None:
    """Make of any JSON an event or an `EventError`, and of each event exactly one outcome, whatever Klaviyo replies.

    `replies` answer the requests in turn; when they run out, each request gets its usual success.
    `plugins` read payloads in formats of their own, by default the installed ones.
    """
    events = []
    for payload in payloads:
        try:
            events.append(parse_event(payload, plugins=plugins))
        except EventError:
            continue
    _check_run(vendor, events, replies)
    outcomes = rehearse(vendor, events, replies).outcomes
    if len(outcomes) != len(events):
        raise broken(TOTAL, f"{len(outcomes)} outcomes for {len(events)} events", vendor, events)


def check_deterministic(vendor: Vendor, events: Sequence[Event]) -> None:
    """Return the same deliveries, requests and outcomes for the same events again, and for equal events read anew."""
    first = _written(record(vendor, events))
    for again in (events, [parse_event(event.payload) for event in events]):
        if _written(second := record(vendor, again)) != first:
            raise broken(DETERMINISTIC, "a second run differs from the first", vendor, events, second.requests)


def check_pure(vendor: Vendor, events: Sequence[Event]) -> None:
    """Change neither the events nor the settings."""
    before, settings = [_bytes(event.payload) for event in events], repr(vendor.settings)
    record(vendor, events)
    for event, text in zip(events, before, strict=True):
        if _bytes(event.payload) != text:
            raise broken(PURE, f"the event was changed; it was {text.decode()}", vendor, [event])
    if repr(vendor.settings) != settings:
        raise broken(PURE, "the settings were changed", vendor, events)


def _check_run(vendor: Vendor, events: Sequence[Event], replies: Sequence[Response]) -> None:
    try:
        trace = record(vendor, events, replies)
    except KlavierError as error:
        raise broken(TOTAL, f"raised {type(error).__name__} for an event: {error}", vendor, events) from error
    except Exception as error:
        shown = [(reply.status, reply.json) for reply in replies]
        raise broken(TOTAL, f"raised {type(error).__name__}: {error}; replies {shown}", vendor, events) from error
    owners = Counter(id(event) for found in trace.deliveries for event in found.delivery.events)
    for event in events:
        if owners[id(event)] != 1:
            raise broken(TOTAL, f"the event is in {owners[id(event)]} deliveries", vendor, [event])
    for found in trace.deliveries:
        _check_result(vendor, found)


def _check_result(vendor: Vendor, found: DeliveryTrace) -> None:
    delivery, result = found.delivery, found.result
    if len(delivery.keys) != len(delivery.events):
        raise broken(TOTAL, f"{len(delivery.keys)} keys for {len(delivery.events)} events", vendor, delivery.events)
    if isinstance(result, Outcome):
        result = [result] * len(delivery.events)
    if not isinstance(result, Sequence) or not all(isinstance(outcome, Outcome) for outcome in result):
        raise broken(TOTAL, f"a flow returned {type(found.result).__name__}, not outcomes", vendor, delivery.events)
    if len(result) != len(delivery.events):
        raise broken(TOTAL, f"{len(result)} outcomes for {len(delivery.events)} events", vendor, delivery.events)
    for outcome in result:
        _check_outcome(vendor, found, outcome)


def _check_outcome(vendor: Vendor, found: DeliveryTrace, outcome: Outcome) -> None:
    if outcome.kind not in KINDS:
        raise broken(TOTAL, f"{outcome.kind!r} is no kind of outcome", vendor, found.delivery.events)
    if outcome.kind != "delivered" and not outcome.reason:
        raise broken(TOTAL, f"{outcome.kind} without a reason", vendor, found.delivery.events, found.requests)
    _check_retryable(vendor, found, outcome)
    if outcome.kind == "rejected" and len(found.delivery.events) == 1 and found.requests:
        raise broken(TOTAL, "rejected after a request was made", vendor, found.delivery.events, found.requests)


def _check_retryable(vendor: Vendor, found: DeliveryTrace, outcome: Outcome) -> None:
    """Ask for another try only where it may help: what Klaviyo could not take as it is, it will not take later."""
    replies = [exchange.response for exchange in found.exchanges]
    if outcome.status in {reply.status for reply in replies if reply.ok}:
        return  # a success without what the flow needs, which a later reply may have
    statuses = {reply.status for reply in replies if not reply.ok}
    if outcome.retryable and statuses and statuses <= _REFUSALS:
        problem = f"to be tried again, though Klaviyo refused it ({outcome.reason})"
        raise broken(TOTAL, problem, vendor, found.delivery.events, found.requests)


def _written(trace: Trace) -> list[Any]:
    """Write a trace as plain data that compares exactly, the order of members too."""
    return [
        (
            [event.message_id for event in found.delivery.events],
            found.delivery.keys,
            [_request(request) for request in found.requests],
            [(outcome.kind, outcome.reason, outcome.notes) for outcome in found.outcomes],
            _bytes(found.delivery.browser_calls),
        )
        for found in trace.deliveries
    ]


def _request(request: Request) -> tuple[Any, ...]:
    return (
        request.method,
        request.path,
        _pairs(request.params),
        _pairs(request.form),
        request.revision,
        _bytes(request.json),
    )


def _pairs(found: Any) -> list[tuple[str, str]]:
    return list((found or {}).items())


def _bytes(value: Any) -> bytes:
    return orjson.dumps(value, default=repr)
