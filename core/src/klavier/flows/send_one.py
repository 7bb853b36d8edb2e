"""The flow that most events need: one request, and what its reply says."""

from collections.abc import Callable

from attrs import define, field

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.vendor import Flow


def not_accepted(response: Response) -> Outcome:
    """Give the outcome of an event whose only request was refused: `rejected` where klavier itself did not send it."""
    if response.local:
        return rejected(response.reason)
    return failed(response.reason, response.status or None, retryable=response.retryable)


@define(eq=False)  # nobody changes it; frozen it would take twice as long to make, and nearly every event has one
class SendOne:
    """A `Delivery.flow` that makes one request: accepted is delivered with `notes`, else `failure` says what is.

    Drivers know it and need no generator for it, which is a good part of what an event costs.
    """

    request: Request
    notes: tuple[str, ...] = ()
    failure: Callable[[Response], Outcome] = field(default=not_accepted, repr=False)

    def __call__(self) -> Flow:
        """Start the flow."""
        response = yield self.request
        return self.settle(response)

    def settle(self, response: Response) -> Outcome:
        """Give the outcome for a reply."""
        return delivered(self.notes) if response.ok else self.failure(response)
