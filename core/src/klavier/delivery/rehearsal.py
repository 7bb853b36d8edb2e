"""A dry run: what a vendor would send, and what would become of each event, without a network."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from klavier.delivery.drivers import deliver, in_order, plan
from klavier.klaviyo.endpoints import usual_success
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome

if TYPE_CHECKING:
    from klavier.events.model import Event
    from klavier.vendor import BrowserCall, Vendor


@frozen
class Rehearsal:
    """What happened in a dry run: the requests in the order of their making, one outcome for each event, in order."""

    requests: list[Request]
    outcomes: list[Outcome]
    browser_calls: "list[BrowserCall]"


def rehearse(vendor: "Vendor", events: "Sequence[Event]", replies: Iterable[Response] | None = None) -> Rehearsal:
    """Deliver events to nobody.

    Each request is answered by the next of `replies`; without them, or when they run out, by its endpoint's usual
    success.  No request is tried twice.  Never touches the network.
    """
    script = iter(replies or ())
    requests: list[Request] = []
    calls: list[BrowserCall] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        return next(script, None) or usual_success(request)

    done = []
    for delivery in plan(vendor, events):
        calls.extend(delivery.browser_calls)
        done.append((delivery, deliver(delivery, answer)))
    return Rehearsal(requests, in_order(events, done), calls)
