"""What a vendor does with events, recorded without any safety net.

The drivers turn whatever a vendor gets wrong into `failed` outcomes. Here it stays visible: what a vendor raises is
raised, and what it returns is kept as it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import frozen

from klavier.events.model import Event
from klavier.klaviyo.limits import refusal
from klavier.klaviyo.operations import usual_success
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier.vendor import BrowserCall, Delivery, Vendor

_ENDLESS = 1000
"""More requests in one delivery than any vendor makes."""


@frozen
class Exchange:
    """One request of a flow and the reply it was sent; `sent` is False for one beyond Klaviyo's limits."""

    request: Request
    response: Response
    sent: bool


@frozen
class DeliveryTrace:
    """One delivery, its exchanges in order, and what its flow returned."""

    delivery: Delivery
    exchanges: tuple[Exchange, ...]
    result: Any

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """One outcome for each event of the delivery, as the drivers would spread them."""
        result = self.result
        return (result,) * len(self.delivery.events) if isinstance(result, Outcome) else tuple(result)

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that were sent."""
        return tuple(exchange.request for exchange in self.exchanges if exchange.sent)


@frozen
class Trace:
    """All deliveries of one vendor for some events, in order."""

    vendor: Vendor
    events: tuple[Event, ...]
    deliveries: tuple[DeliveryTrace, ...]

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that were sent, in the order of their making."""
        return tuple(request for delivery in self.deliveries for request in delivery.requests)

    @property
    def browser_calls(self) -> tuple[BrowserCall, ...]:
        """What the vendor's browser code would have called (device mode only)."""
        return tuple(call for trace in self.deliveries for call in trace.delivery.browser_calls)


def record(vendor: Vendor, events: Sequence[Event], replies: Iterable[Response] = ()) -> Trace:
    """Run a vendor over events, each request answered by the next of `replies`, then by its usual success.

    Raises whatever the vendor raises, and `AssertionError` for a flow that does not end.
    """
    script = iter(replies)
    done = [_run(delivery, script) for delivery in vendor.deliveries(events)]
    return Trace(vendor, tuple(events), tuple(done))


def _run(delivery: Delivery, script: Iterator[Response]) -> DeliveryTrace:
    flow = delivery.flow()
    exchanges: list[Exchange] = []
    try:
        request = next(flow)
        while len(exchanges) < _ENDLESS:
            refused = None if delivery.exact else refusal(request)
            response = refused or next(script, None) or usual_success(request)
            exchanges.append(Exchange(request, response, refused is None))
            request = flow.send(response)
    except StopIteration as stop:
        return DeliveryTrace(delivery, tuple(exchanges), stop.value)
    raise AssertionError(f"1 total: a flow made {_ENDLESS} requests and did not end")
