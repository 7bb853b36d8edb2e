"""Send one bulk request to its end: refused items are singled out, the rest is sent again, jobs are followed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from klavier.klaviyo.attributes import PROFILE_IDENTIFIERS
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.bulk.endpoints import BulkEndpoint
from klavier.worker.bulk.packing import BulkItem, combine

_CONTENT_STATUSES = frozenset({400, 413})
"""The statuses that are about a body's content: with these some of its items may be acceptable."""

_FIRST_POLL, _LONGEST_POLL, _POLLS = 0.5, 30.0, 69
"""How long to wait between polls of a job, in seconds, and how often to poll: after half a second, then each time 1.5
times as long, for about half an hour in all. Klaviyo's jobs of 10,000 profiles take seconds to minutes; raise the
number of polls if jobs are reported that end later."""

MOST_ERRORS = 10_000
"""How many errors of one reply, or of all pages of a job, are read. A bulk request has at most so many records, and
each error beyond costs time in which nothing else is sent."""

Send = Callable[[Request], Awaitable[Response]]


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
        if reply.status in _CONTENT_STATUSES and len(part) > 1:
            refused = _refused_items(endpoint, sent, reply)
            replies.update({part[i]: refusal for i, refusal in refused.items()})
            rest = [i for n, i in enumerate(part) if n not in refused]
            if refused:
                parts[:0] = [rest] if rest else []
            else:
                parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
            continue
        replies.update(zip(part, await _replies(endpoint, sent, reply, send), strict=True))
        if reply.retryable:  # the other parts wait too: a later item may be a later event of the same profile
            replies.update({i: reply for later in parts for i in later})
            break
    return [replies[i] for i in range(len(items))]


def _refused_items(endpoint: BulkEndpoint, items: Sequence[BulkItem], reply: Response) -> dict[int, Response]:
    """Return the items that the errors of a refusal point at, each with a reply that holds its own errors."""
    owners = [n for n, item in enumerate(items) for _ in range(item.count)]
    errors = reply.json.get("errors") if isinstance(reply.json, dict) else None
    refused: dict[int, list[Any]] = {}
    for error in errors[:MOST_ERRORS] if isinstance(errors, list) else []:
        index = _record_index(endpoint, error)
        if index is not None and index < len(owners):
            refused.setdefault(owners[index], []).append(error)
    return {n: Response(reply.status, {"errors": its}, reply.headers, local=reply.local) for n, its in refused.items()}


def _record_index(endpoint: BulkEndpoint, error: Any) -> int | None:
    """Return the index of the record that an error's JSON pointer names."""
    source = error.get("source") if isinstance(error, dict) else None
    pointer = source.get("pointer") if isinstance(source, dict) else None
    if not isinstance(pointer, str) or not pointer.startswith(endpoint.pointer):
        return None
    number = pointer[len(endpoint.pointer) :].split("/", 1)[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None  # noqa: PLR2004 -- digits


async def _replies(endpoint: BulkEndpoint, items: Sequence[BulkItem], reply: Response, send: Send) -> list[Response]:
    """Return the reply of each item: that of the request, or what its job ended with."""
    if not endpoint.has_job or not reply.ok or len(items) == 1 or reply.data_id is None:
        return [reply] * len(items)
    path, revision = f"/api/profile-bulk-import-jobs/{reply.data_id}", items[0].request.revision
    pause = _FIRST_POLL
    for _ in range(_POLLS):
        job = await send(Request("GET", path, revision=revision))
        attributes = _attributes(job.json.get("data") if isinstance(job.json, dict) else None)
        if attributes.get("status") == "complete":
            has_errors = attributes.get("failed_count") != 0
            errors = await _import_errors(items, f"{path}/import-errors", revision, send) if has_errors else {}
            if errors is None:
                return [Response.none("the errors of the import job could not be read")] * len(items)
            return [errors.get(n, reply) for n in range(len(items))]
        if attributes.get("status") == "cancelled":
            return [Response.none("Klaviyo cancelled the import job")] * len(items)
        await asyncio.sleep(pause)
        pause = min(_LONGEST_POLL, pause * 1.5)
    return [Response.none("the import job did not end in half an hour")] * len(items)


async def _import_errors(
    items: Sequence[BulkItem], path: str, revision: str | None, send: Send
) -> dict[int, Response] | None:
    """Read the errors of an import job, page by page; returns the items that failed with their errors.

    None where a page cannot be read: then nobody knows which items failed, and all are imported again.
    """
    by_identifiers: dict[tuple[Any, ...], list[int]] = {}
    for n, item in enumerate(items):
        for record in item.records:
            by_identifiers.setdefault(_identifiers(record.get("attributes", {})), []).append(n)
    found: dict[int, Response] = {}
    params: dict[str, str] | None = None
    read = 0
    while read < MOST_ERRORS:
        page = await send(Request("GET", path, params=params, revision=revision))
        if not page.ok:
            return None
        errors = page.json.get("data") if isinstance(page.json, dict) else None
        errors = errors[: MOST_ERRORS - read] if isinstance(errors, list) else []
        for error in errors:
            attributes = _attributes(error)
            quoted = attributes.get("original_payload")
            identifiers = _identifiers(quoted.get("attributes", quoted) if isinstance(quoted, dict) else {})
            if any(identifiers):
                shown = {name: attributes.get(name) for name in ("code", "detail", "source")}
                reply = Response(400, {"errors": [shown]})
                found.update(dict.fromkeys(by_identifiers.get(identifiers, ()), reply))
        read += max(1, len(errors))
        cursor = _next_cursor(page)
        if cursor is None:
            break
        params = {"page[cursor]": cursor}
    return found


def _attributes(resource: Any) -> dict[str, Any]:
    attributes = resource.get("attributes") if isinstance(resource, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _identifiers(attributes: Any) -> tuple[Any, ...]:
    """Return the identifiers of a profile: by these an error of an import quotes the profile that it is about."""
    if not isinstance(attributes, dict):
        return ()
    found = (attributes.get(name) for name in PROFILE_IDENTIFIERS)
    return tuple(value if isinstance(value, str) else None for value in found)


def _next_cursor(page: Response) -> str | None:
    links = page.json.get("links") if isinstance(page.json, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    if not isinstance(following, str):
        return None
    return parse_qs(urlsplit(following).query).get("page[cursor]", [None])[0]
