"""The flow that most events need: one request, whose reply decides the outcome."""

from collections.abc import Callable

from attrs import define, field

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.vendor import Flow


def not_accepted(response: Response) -> Outcome:
    """Return the outcome of an event whose only request was refused: `rejected` where klavier did not send it."""
    if response.local:
        return rejected(response.reason)
    return failed(response.reason, response.status or None, retryable=response.retryable)


@define(eq=False)  # never changed; frozen it would take twice as long to make, and nearly every event has one
class SendOne:
    """A `Delivery.flow` that makes one request.

    A success results in `delivered` with `notes`, any other reply in the outcome that `failure` returns.
    Drivers recognize it and start no generator, which saves a large part of an event's processor time.
    """

    request: Request
    notes: tuple[str, ...] = ()
    failure: Callable[[Response], Outcome] = field(default=not_accepted, repr=False)

    def __call__(self) -> Flow:
        """Start the flow."""
        response = yield self.request
        return self.settle(response)

    def settle(self, response: Response) -> Outcome:
        """Return the outcome for a reply."""
        return delivered(self.notes) if response.ok else self.failure(response)
