"""Send one request or bulk request to its end: refused items are singled out, and the rest is sent again."""

from collections.abc import Sequence
from typing import Any

from klavier.klaviyo.response import RETRYABLE, Response
from klavier.worker.bulk.endpoints import BulkEndpoint
from klavier.worker.bulk.import_job import MOST_ERRORS, Send, follow_job, follow_own_job
from klavier.worker.bulk.packing import BulkItem, combine

_REFUSED = frozenset(range(400, 500)) - RETRYABLE - {401, 403}
"""The statuses with which Klaviyo may refuse a request for one of its items: then others may be acceptable."""

_MOST_DIGITS = 9
"""The digits of an index: no body has a thousand million records, and Python refuses to read very long numbers."""


async def send_single(item: BulkItem, send: Send) -> Response:
    """Send one item's own request; returns its reply, with the errors of the import job that it made if these count."""
    reply = await send(item.request)
    return await follow_own_job(item.request, reply, send) if item.follows_job else reply


async def send_bulk(endpoint: BulkEndpoint, items: Sequence[BulkItem], send: Send) -> list[Response]:
    """Send items in one request; returns one reply for each, in order.

    Where Klaviyo refuses the request (it takes all or nothing) and its errors name items, those get the refusal and the
    others are sent again without them; where they name none, the halves are sent, so that one bad item prevents no
    other's delivery.
    """
    replies: dict[int, Response] = {}
    parts = [list(range(len(items)))]
    while parts:
        part = parts.pop(0)
        sent = [items[i] for i in part]
        # A single request has the larger rate limit, and its reply says more.
        reply = await send(sent[0].request if len(sent) == 1 else combine(endpoint, sent))
        if reply.status in _REFUSED and len(part) > 1:
            refused = _refused_items(endpoint, sent, reply)
            replies.update({part[i]: refusal for i, refusal in refused.items()})
            rest = [i for n, i in enumerate(part) if n not in refused]
            if refused:
                parts[:0] = [rest] if rest else []
            else:
                parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
            continue
        replies.update(zip(part, await follow_job(endpoint, sent, reply, send), strict=True))
        if reply.retryable:  # the other parts wait too: a later item may be a later event of the same profile
            replies.update({i: reply for later in parts for i in later})
            break
    return [replies[i] for i in range(len(items))]


def _refused_items(endpoint: BulkEndpoint, items: Sequence[BulkItem], reply: Response) -> dict[int, Response]:
    """Return the items that the errors of a refusal point at, each with a reply that holds its own errors.

    The index in a pointer becomes that of the record within its item, as in a reply to the item's own request.
    """
    places = [(n, index) for n, item in enumerate(items) for index in range(item.count)]
    errors = reply.json.get("errors") if isinstance(reply.json, dict) else None
    refused: dict[int, list[Any]] = {}
    for error in errors[:MOST_ERRORS] if isinstance(errors, list) else []:
        pointer = _pointer(endpoint, error)
        if pointer is not None and pointer[0] < len(places):
            n, index = places[pointer[0]]
            source = {**error["source"], "pointer": f"{endpoint.pointer}{index}{pointer[1]}"}
            refused.setdefault(n, []).append({**error, "source": source})
    return {n: Response(reply.status, {"errors": its}, reply.headers, local=reply.local) for n, its in refused.items()}


def _pointer(endpoint: BulkEndpoint, error: Any) -> tuple[int, str] | None:
    """Return the index of the record that an error's JSON pointer names, and the rest of the pointer."""
    source = error.get("source") if isinstance(error, dict) else None
    pointer = source.get("pointer") if isinstance(source, dict) else None
    if not isinstance(pointer, str) or not pointer.startswith(endpoint.pointer):
        return None
    number, slash, rest = pointer[len(endpoint.pointer) :].partition("/")
    is_index = number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS
    return (int(number), slash + rest) if is_index else None
