"""A dry run: what a vendor would send, and the outcome of each event, without a network."""

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from klavier.errors import UsageError
from klavier.events.model import Event
from klavier.flows.drivers import deliver, in_order, plan
from klavier.klaviyo.operations import usual_success
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier.strictjson import kind_of
from klavier.vendor import BrowserCall, Vendor


@frozen
class Rehearsal:
    """The result of a dry run: the requests in the order they were made, one outcome for each event, in order.

    `browser_calls` are those of all deliveries, in device mode only.
    """

    requests: list[Request]
    outcomes: list[Outcome]
    browser_calls: list[BrowserCall]


def rehearse(vendor: Vendor, events: Iterable[Event], replies: Iterable[Response] | None = None) -> Rehearsal:
    """Dry run: return the requests without sending them.

    Each request is answered by the next of `replies`; without them, or when they run out, by its operation's usual
    success. No request is tried twice. Never touches the network.

    Raises `UsageError` for an argument that is not a vendor, event or reply.
    """
    events = _checked(vendor, events)
    script = enumerate(replies or ())
    requests: list[Request] = []
    calls: list[BrowserCall] = []
    odd: list[str] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        number, reply = next(script, (0, None))
        if isinstance(reply, Response):
            return reply
        if reply is not None:
            odd.append(f"replies: number {number} is {kind_of(reply)}, not a klavier.Response")
        return usual_success(request)

    done = []
    for delivery in plan(vendor, events):
        calls.extend(delivery.browser_calls)
        done.append((delivery, deliver(delivery, answer)))
    if odd:
        raise UsageError(odd[0])
    return Rehearsal(requests, in_order(events, done), calls)


def _checked(vendor: object, events: Iterable[Any]) -> list[Event]:
    """Check for likely mix-ups: a vendor's name for the vendor, a payload for the event."""
    if not isinstance(vendor, Vendor):
        raise UsageError(f"vendor: must be a vendor as klavier.load_vendor returns it, not {kind_of(vendor)}")
    if not isinstance(events, Iterable):
        raise UsageError(f"events: must be a list of events, not {kind_of(events)}")
    found = list(events)
    for number, event in enumerate(found):
        if not isinstance(event, Event):
            raise UsageError(
                f"events: number {number} is {kind_of(event)}, not an event; klavier.parse_event makes one"
            )
    return found
