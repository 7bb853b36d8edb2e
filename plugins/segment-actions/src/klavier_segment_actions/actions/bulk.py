"""Sending a batch so that neither its size nor one bad item fails the other items."""

import re
from collections.abc import Callable, Generator, Sequence

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier_segment_actions.actions.base import BatchFlow, Item, settle_reply
from klavier_segment_actions.fidelity import Fidelity

TOO_LARGE = 413
_ITEM = re.compile(r"/data/[0-9]+(?:/|$)")
"""The pointer of an error that names one item of a batch."""

Settle = Callable[[Response, Sequence[Item]], Sequence[Outcome]]
"""From a reply and the items of its request to their outcomes."""


def settle_alike(reply: Response, items: Sequence[Item]) -> Sequence[Outcome]:
    """Return the outcome of the reply for every item."""
    shared = settle_reply(reply)
    return [settle_reply(reply, item.notes) if item.notes else shared for item in items]


def send_together(
    items: Sequence[Item], build: Callable[[Sequence[Item]], Request], settle: Settle, fidelity: Fidelity
) -> BatchFlow:
    """Send items in one request; one that is refused unsent or is too large is split in halves."""
    reply = yield from _reply_to(build(items))
    if len(items) > 1 and _should_split(reply, fidelity):
        half = len(items) // 2
        first = yield from send_together(items[:half], build, settle, fidelity)
        second = yield from send_together(items[half:], build, settle, fidelity)
        return [*first, *second]
    return settle(reply, items)


def _should_split(reply: Response, fidelity: Fidelity) -> bool:
    if reply.local:
        return True
    names_item = any(_ITEM.search(error.pointer) for error in reply.errors)
    return reply.status == TOO_LARGE and (fidelity.splits_named or not names_item)


def _reply_to(request: Request) -> Generator[Request, Response, Response]:
    try:
        request.body  # noqa: B018 -- serializes once, here, so that what cannot be serialized is found
    except TypeError:
        return Response.refusal("the event is nested too deep; flatten it")
    return (yield request)
