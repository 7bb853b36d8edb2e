"""Run flows to their outcomes: one driver that blocks for replies, one that awaits them.

Both keep two promises: each event of a delivery gets exactly one outcome, and a vendor that raises fails its own
events and no others.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING

from klavier.errors import TransportError
from klavier.flows.execution import FlowExecution
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, rejected
from klavier.vendor import Delivery, Flow, Vendor, ordering_key

if TYPE_CHECKING:
    from klavier.events.model import Event

Send = Callable[[Request], Response]
AsyncSend = Callable[[Request], Awaitable[Response]]
"""Sends one request, once, and returns its reply; raises `TransportError` where none came."""
Connect = Callable[[], AbstractAsyncContextManager[AsyncSend]]
"""Opens the transport inside the event loop that uses it."""

_log = logging.getLogger("klavier.flows")


def deliver(delivery: Delivery, send: Send) -> tuple[Outcome, ...]:
    """Run one delivery; returns one outcome for each of its events, in order."""
    execution = FlowExecution(delivery)
    while (request := execution.request) is not None:
        try:
            reply = send(request)
        except Exception as error:  # noqa: BLE001 -- whatever `send` raises is no fault of the vendor
            reply = no_reply(error)
        execution.reply(reply)
    return execution.outcomes


async def deliver_async(delivery: Delivery, send: AsyncSend) -> tuple[Outcome, ...]:
    """Run one delivery, awaiting each reply; returns one outcome for each of its events, in order."""
    execution = FlowExecution(delivery)
    while execution.request is not None:
        try:
            reply = await send(execution.request)
        except Exception as error:  # noqa: BLE001 -- whatever `send` raises is no fault of the vendor
            reply = no_reply(error)
        execution.reply(reply)
    return execution.outcomes


def plan(vendor: Vendor, events: Sequence["Event"]) -> list[Delivery]:
    """Return the deliveries of these events; each event that the vendor omits or fails at gets one that rejects it."""
    deliveries: list[Delivery] = []
    planned: set[int] = set()
    reason = "made no delivery of the event"
    try:
        for delivery in vendor.deliveries(events):
            if len(delivery.keys) != len(delivery.events):
                reason = f"returned {len(delivery.keys)} keys for {len(delivery.events)} events"
                break
            planned.update(map(id, delivery.events))
            deliveries.append(delivery)
    except Exception as error:  # noqa: BLE001 -- a vendor may raise anything, and its events need their outcomes
        _log.error("vendor %s raised %s while translating", vendor.name, type(error).__name__)
        reason = f"raised {type(error).__name__} while translating"
    for event in events:
        if id(event) not in planned:
            planned.add(id(event))
            flow = partial(_reject, f"vendor {vendor.name} {reason}")
            deliveries.append(Delivery((event,), (ordering_key(event),), flow))
    return deliveries


def in_order(events: Sequence["Event"], outcomes: Iterable[tuple[Delivery, Sequence[Outcome]]]) -> list[Outcome]:
    """Sort outcomes by delivery into the order of the events."""
    found: dict[int, Outcome] = {}
    for delivery, its_outcomes in outcomes:
        for event, outcome in zip(delivery.events, its_outcomes, strict=True):
            found.setdefault(id(event), outcome)
    return [found[id(event)] for event in events]


def no_reply(error: Exception) -> Response:
    """Return the reply that stands for an error while sending; the message of a foreign one may quote secrets."""
    return Response.none(str(error) if isinstance(error, TransportError) else f"{type(error).__name__} while sending")


def _reject(reason: str) -> Flow:
    return rejected(reason)
    yield  # what makes this a generator
