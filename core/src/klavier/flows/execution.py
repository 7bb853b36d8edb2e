"""One delivery on its way: its flow, advanced reply by reply, until each event has its outcome."""

import logging
from collections.abc import Callable
from contextlib import suppress

from klavier.flows.endings import ContractError, broken, spread
from klavier.flows.send_one import SendOne
from klavier.klaviyo.limits import refusal
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier.strictjson import kind_of
from klavier.vendor import Delivery, Flow

MOST_REQUESTS = 10_000
"""How many requests one flow may make: many more than any batch of a vendor needs, so that it must be without end."""

_log = logging.getLogger("klavier.flows")


class FlowExecution:
    """A delivery's flow between two replies.

    `request` is what is to be sent now, None at the end; then `outcomes` holds one outcome for each event, in order.
    `sent` holds the requests so far with their replies, those included that klavier refused itself.
    A flow that raises, never ends, or gives something else than requests and outcomes, fails its own events and nothing
    else.
    """

    __slots__ = ("_flow", "delivery", "outcomes", "request", "sent")

    def __init__(self, delivery: Delivery) -> None:
        """Start the flow, up to its first request."""
        self.delivery = delivery
        self.request: Request | None = None
        self.outcomes: tuple[Outcome, ...] = ()
        self.sent: list[tuple[Request, Response]] = []
        self._flow: Flow | None = None
        one = delivery.flow
        try:
            # A request that may be sent needs no generator until its reply is a bad one.
            if (
                isinstance(one, SendOne)
                and one.request.__class__ is Request
                and (delivery.exact or refusal(one.request) is None)
            ):
                self.request = one.request
            else:
                self._start()
        except StopIteration as stop:
            self.outcomes = spread(stop.value, delivery)
        except Exception as error:  # noqa: BLE001 -- a vendor may raise anything, and its events need their outcomes
            self._break(error)

    def reply(self, response: Response) -> None:
        """Hand the reply of `request` to the flow; afterwards `request` is the next one, or None."""
        request, one, flow = self.request, self.delivery.flow, self._flow
        if request is None:
            raise AssertionError("a leg that has ended takes no reply")
        self.sent.append((request, response))
        self.request = None
        try:
            if flow is None and isinstance(one, SendOne):
                outcome = one.settle(response)
                is_plain = outcome.__class__ is Outcome and len(self.delivery.events) == 1
                self.outcomes = (outcome,) if is_plain else spread(outcome, self.delivery)
            elif flow is not None:
                self._offer(flow.send(response), flow.send)
        except StopIteration as stop:
            self.outcomes = spread(stop.value, self.delivery)
        except Exception as error:  # noqa: BLE001 -- a vendor may raise anything, and its events need their outcomes
            self._break(error)

    def _start(self) -> None:
        self._flow = flow = self.delivery.flow()
        self._offer(next(flow), flow.send)

    def _offer(self, request: Request, send: Callable[[Response], Request]) -> None:
        """Keep a request that can be sent; one beyond Klaviyo's limits is answered here, with the refusal."""
        while True:
            if not isinstance(request, Request):
                raise ContractError(f"the vendor's flow gave {kind_of(request)}, not a Request")
            if len(self.sent) >= MOST_REQUESTS:
                raise ContractError(f"the vendor's flow made {MOST_REQUESTS:,} requests and came to no end")
            refused = None if self.delivery.exact else refusal(request)
            if refused is None:
                self.request = request
                return
            self.sent.append((request, refused))
            request = send(refused)

    def _break(self, error: Exception) -> None:
        """Fail the events; end a flow that was left between two requests, which then changes nothing any more."""
        if isinstance(error, ContractError):
            # Its name tells which vendor's it is; what the message of a foreign error quotes may be personal data.
            _log.error("%s: %s", getattr(self._flow, "__qualname__", "a flow"), error)
            with suppress(Exception):
                if self._flow is not None:
                    self._flow.close()
        self.outcomes = broken(error, self.delivery)
