"""One delivery on its way: its flow, advanced reply by reply, until each event has its outcome."""

from typing import TYPE_CHECKING

from klavier.delivery.endings import broken, spread
from klavier.klaviyo.limits import refusal
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.vendor import Delivery

if TYPE_CHECKING:
    from klavier.outcome import Outcome


class Leg:
    """A delivery's flow between two replies.

    `request` is what is to be sent now, None at the end; then `outcomes` holds one outcome for each event, in order.
    A flow that raises, or returns something else, fails its own events and nothing else.
    """

    __slots__ = ("_flow", "delivery", "outcomes", "request", "sent")

    def __init__(self, delivery: Delivery) -> None:
        """Start the flow, up to its first request."""
        self.delivery = delivery
        self.request: Request | None = None
        self.outcomes: tuple[Outcome, ...] = ()
        self.sent: list[tuple[Request, Response]] = []
        try:
            self._flow = delivery.flow()
            self._offer(next(self._flow))
        except StopIteration as stop:
            self.outcomes = spread(stop.value, self.delivery)
        except Exception as error:  # noqa: BLE001 -- a vendor may raise anything, and its events need their outcomes
            self.outcomes = broken(error, self.delivery)

    def reply(self, response: Response) -> None:
        """Hand the reply of `request` to the flow; afterwards `request` is the next one, or None."""
        if self.request is not None:
            self.sent.append((self.request, response))
        self.request = None
        try:
            self._offer(self._flow.send(response))
        except StopIteration as stop:
            self.outcomes = spread(stop.value, self.delivery)
        except Exception as error:  # noqa: BLE001 -- a vendor may raise anything, and its events need their outcomes
            self.outcomes = broken(error, self.delivery)

    def _offer(self, request: Request) -> None:
        """Keep a request that can be sent; one beyond Klaviyo's limits is answered here, with the refusal."""
        while not self.delivery.exact and (refused := refusal(request)) is not None:
            self.sent.append((request, refused))
            request = self._flow.send(refused)
        self.request = request
