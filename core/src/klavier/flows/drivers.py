"""Run flows to their outcomes: one driver that waits for replies, one that awaits them.

Both keep the same promises: each event of a delivery gets exactly one outcome, and a vendor that raises fails its own
events and nothing else.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from klavier.errors import TransportError
from klavier.flows.endings import ContractError
from klavier.flows.execution import FlowExecution
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, rejected
from klavier.vendor import Delivery, Flow, Vendor, ordering_key

if TYPE_CHECKING:
    from klavier.events.model import Event

Send = Callable[[Request], Response]
AsyncSend = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger("klavier.flows")


def deliver(delivery: Delivery, send: Send) -> tuple[Outcome, ...]:
    """Run one delivery; gives one outcome for each of its events, in order."""
    leg = FlowExecution(delivery)
    while (request := leg.request) is not None:
        leg.reply(_reply(send, request))
    return leg.outcomes


async def deliver_async(delivery: Delivery, send: AsyncSend) -> tuple[Outcome, ...]:
    """Run one delivery, awaiting each reply; gives one outcome for each of its events, in order."""
    leg = FlowExecution(delivery)
    while leg.request is not None:
        leg.reply(await _reply_async(send, leg.request))
    return leg.outcomes


def plan(vendor: Vendor, events: Sequence["Event"]) -> Iterator[Delivery]:
    """Yield the deliveries of these events; an event that the vendor omits or fails at gets one that rejects it."""
    left = set(map(id, events))
    reason = "made no delivery of the event"
    try:
        for delivery in vendor.deliveries(events):
            _check_keys(delivery)
            left.difference_update(map(id, delivery.events))
            yield delivery
    except ContractError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 -- a vendor may raise anything, and its events need their outcomes
        _log.error("vendor %s raised %s while translating", vendor.name, type(error).__name__)
        reason = f"raised {type(error).__name__} while translating"
    for event in events if left else ():
        if id(event) in left:
            left.discard(id(event))
            yield Delivery((event,), (ordering_key(event),), partial(_give_up, f"vendor {vendor.name} {reason}"))


def in_order(events: Sequence["Event"], outcomes: Iterable[tuple[Delivery, Sequence[Outcome]]]) -> list[Outcome]:
    """Sort outcomes by delivery into the order of the events."""
    found: dict[int, Outcome] = {}
    for delivery, given in outcomes:
        for event, outcome in zip(delivery.events, given, strict=True):
            found.setdefault(id(event), outcome)
    return [found[id(event)] for event in events]


def _check_keys(delivery: Delivery) -> None:
    if len(delivery.keys) != len(delivery.events):
        raise ContractError(f"gave {len(delivery.keys)} keys for {len(delivery.events)} events")


def _reply(send: Send, request: Request) -> Response:
    try:
        return send(request)
    except TransportError as error:
        return Response.none(str(error))
    except Exception as error:  # noqa: BLE001 -- whoever sends may raise anything, which is no fault of the vendor
        return Response.none(f"{type(error).__name__} while sending")


async def _reply_async(send: AsyncSend, request: Request) -> Response:
    try:
        return await send(request)
    except TransportError as error:
        return Response.none(str(error))
    except Exception as error:  # noqa: BLE001 -- whoever sends may raise anything, which is no fault of the vendor
        return Response.none(f"{type(error).__name__} while sending")


def _give_up(reason: str) -> Flow:
    return rejected(reason)
    yield  # what makes this a generator
