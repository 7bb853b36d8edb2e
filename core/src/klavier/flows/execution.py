"""The execution of one delivery's flow, advanced reply by reply until each event has its outcome."""

import logging
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress

from attrs import evolve

from klavier.errors import PluginError
from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.klaviyo.limits import refusal
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, failed
from klavier.strictjson import kind_of
from klavier.values import misplaced_members
from klavier.vendor import Delivery, Flow

MOST_REQUESTS = 10_000
"""How many requests one flow may make. The largest batch of a vendor has 1,000 events with a few requests each, so a
flow that makes more never ends; raise it for a vendor with larger batches."""

_log = logging.getLogger("klavier.flows")


class ContractError(PluginError):
    """A vendor broke its side of the contract; the message says how and quotes nothing."""


class FlowExecution:
    """A delivery's flow between two replies.

    `request` is the request to send next, None at the end; then `outcomes` holds one outcome for each event, in order.
    `sent` holds the requests so far with their replies, including those that klavier refused itself.
    A flow that raises, never ends, or returns anything but outcomes fails its own events and no others.
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
            # A request within the limits needs no generator: the reply alone decides the outcome.
            if (
                isinstance(one, SendOne)
                and one.request.__class__ is Request
                and (delivery.exact or refusal(one.request) is None)
            ):
                self.request = one.request
            else:
                self._flow = flow = delivery.flow()
                self._accept(next(flow), flow.send)
        except StopIteration as stop:
            self.outcomes = _outcome_per_event(stop.value, delivery)
        except Exception as error:  # noqa: BLE001 -- a vendor may raise anything, and its events need their outcomes
            self._fail(error)

    def reply(self, response: Response) -> None:
        """Pass the reply of `request` to the flow; afterwards `request` is the next one, or None."""
        request, one, flow = self.request, self.delivery.flow, self._flow
        if request is None:
            raise AssertionError("a flow that has ended takes no reply")
        self.sent.append((request, response))
        self.request = None
        try:
            if flow is None and isinstance(one, SendOne):
                self.outcomes = _outcome_per_event(one.settle(response), self.delivery)
            elif flow is not None:
                self._accept(flow.send(response), flow.send)
        except StopIteration as stop:
            self.outcomes = _outcome_per_event(stop.value, self.delivery)
        except Exception as error:  # noqa: BLE001 -- a vendor may raise anything, and its events need their outcomes
            self._fail(error)

    def _accept(self, request: Request, send: Callable[[Response], Request]) -> None:
        """Keep a request that can be sent; one beyond Klaviyo's limits is answered here, with the refusal."""
        while True:
            if not isinstance(request, Request):
                raise ContractError(f"the vendor's flow yielded {kind_of(request)}, not a Request")
            if len(self.sent) >= MOST_REQUESTS:
                raise ContractError(f"the vendor's flow made {MOST_REQUESTS:,} requests and did not end")
            refused = None if self.delivery.exact else refusal(request)
            if refused is None:
                self.request = request
                return
            self.sent.append((request, refused))
            request = send(refused)

    def _fail(self, error: Exception) -> None:
        """Fail the events, and close a flow that was left between two requests."""
        if isinstance(error, ContractError):
            reason = str(error)
            # The flow's name shows which vendor it is of.
            _log.error("%s: %s", getattr(self._flow, "__qualname__", "a flow"), error)
            with suppress(Exception):
                if self._flow is not None:
                    self._flow.close()
        else:
            # The message of a foreign error may quote personal data: only its type and place are logged.
            where = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("a flow raised %s at %s:%s", type(error).__name__, where.filename, where.lineno)
            reason = f"the vendor raised {type(error).__name__}"
        self.outcomes = (failed(reason),) * len(self.delivery.events)


def _outcome_per_event(result: Outcome | Sequence[Outcome], delivery: Delivery) -> tuple[Outcome, ...]:
    """Return one outcome for each event, also where a vendor's flow returned something else.

    A delivered event gets a note for each member that no vendor can read: here it is noted once, for all vendors.
    """
    count = len(delivery.events)
    if isinstance(result, Outcome):
        return tuple([_add_notes(result, event) for event in delivery.events])
    if not isinstance(result, (list, tuple)) or not all(isinstance(outcome, Outcome) for outcome in result):
        return (failed(f"the vendor's flow ended with {kind_of(result)}, not with outcomes"),) * count
    if len(result) != count:
        return (failed(f"the vendor's flow returned {len(result)} outcomes for {count} events"),) * count
    return tuple(map(_add_notes, result, delivery.events))


def _add_notes(outcome: Outcome, event: Event) -> Outcome:
    """Add the notes on members of the event that no vendor can read to the outcome of a delivered event."""
    notes = misplaced_members(event.payload, event.type) if outcome.kind == "delivered" else ()
    added = [note for note in notes if note not in outcome.notes]
    return evolve(outcome, notes=(*outcome.notes, *added)) if added else outcome
