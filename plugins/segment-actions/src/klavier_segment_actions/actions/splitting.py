"""Sending a batch so that one item too many, or one bad item, does not take the others with it."""

from collections.abc import Callable, Generator, Sequence

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier_segment_actions.actions.base import BatchSending, Item, outcome_of

TOO_LARGE = 413

Judge = Callable[[Response, Sequence[Item]], Sequence[Outcome]]
"""From a reply and the items that it is about to their outcomes."""


def same_for_all(reply: Response, items: Sequence[Item]) -> Sequence[Outcome]:
    """Give every item the outcome of the reply."""
    plain = outcome_of(reply)
    return [outcome_of(reply, item.notes) if item.notes else plain for item in items]


def send_together(items: Sequence[Item], build: Callable[[Sequence[Item]], Request], judge: Judge) -> BatchSending:
    """Send items in one request; where it is refused unsent or is too large, each half in its own."""
    reply = yield from _reply_to(build(items))
    if (reply.local or reply.status == TOO_LARGE) and len(items) > 1:
        half = len(items) // 2
        first = yield from send_together(items[:half], build, judge)
        second = yield from send_together(items[half:], build, judge)
        return [*first, *second]
    return judge(reply, items)


def _reply_to(request: Request) -> Generator[Request, Response, Response]:
    try:
        request.body  # noqa: B018 -- written once, here, so that what cannot be written is known
    except TypeError:
        return Response.refusal("the event is nested too deep; flatten it")
    return (yield request)
