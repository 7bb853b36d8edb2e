"""Sending a batch so that neither its size nor one bad item fails the other items."""

from collections.abc import Callable, Generator, Sequence

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier_segment_actions.actions.base import BatchFlow, Item, settle_reply

TOO_LARGE = 413

Settle = Callable[[Response, Sequence[Item]], Sequence[Outcome]]
"""From a reply and the items of its request to their outcomes."""


def settle_alike(reply: Response, items: Sequence[Item]) -> Sequence[Outcome]:
    """Return the outcome of the reply for every item."""
    shared = settle_reply(reply)
    return [settle_reply(reply, item.notes) if item.notes else shared for item in items]


def send_together(items: Sequence[Item], build: Callable[[Sequence[Item]], Request], settle: Settle) -> BatchFlow:
    """Send items in one request; one that is refused unsent or is too large is split in halves."""
    reply = yield from _reply_to(build(items))
    if (reply.local or reply.status == TOO_LARGE) and len(items) > 1:
        half = len(items) // 2
        first = yield from send_together(items[:half], build, settle)
        second = yield from send_together(items[half:], build, settle)
        return [*first, *second]
    return settle(reply, items)


def _reply_to(request: Request) -> Generator[Request, Response, Response]:
    try:
        request.body  # noqa: B018 -- serializes once, here, so that what cannot be serialized is found
    except TypeError:
        return Response.refusal("the event is nested too deep; flatten it")
    return (yield request)
