"""Follow an import job: wait for its end, then read which profiles failed, and the ids of the others if needed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from klavier.klaviyo.attributes import IDENTIFIERS, PROFILE_IDENTIFIERS
from klavier.klaviyo.operations import BY_NAME, find_operation
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.bulk.endpoints import BulkEndpoint
from klavier.worker.bulk.packing import BulkItem

_FIRST_POLL, _LONGEST_POLL, _POLLS = 0.5, 30.0, 69
"""How long to wait between polls of a job, in seconds, and how often to poll: at once, after half a second, then with
pauses that are each 1.5 times as long, for about half an hour in all. Klaviyo's jobs of 10,000 profiles take seconds to
minutes; raise the number of polls if jobs are reported that end later."""

MOST_ERRORS = 10_000
"""How many errors of one reply, or of all pages of a job, are read. A bulk request has at most so many records, and
each error beyond costs time in which nothing else is sent."""

_IMPORT = BY_NAME["bulk_import_profiles"]
_PAGE = {"page[size]": "100"}
_DUPLICATE = "duplicate_profile"
"""The code of an import error where the identifiers belong to several profiles."""

Send = Callable[[Request], Awaitable[Response]]
Json = Any


class _UnreadableError(Exception):
    """A job, or what it did, cannot be read; the message says what."""


async def follow_job(endpoint: BulkEndpoint, items: Sequence[BulkItem], reply: Response, send: Send) -> list[Response]:
    """Return the reply of each item: that of the request, or the result of the item in the job.

    Where the end of the job cannot be read, each item gets a reply with status 0: all are imported again, which changes
    nothing.
    """
    if not endpoint.has_job or not reply.ok or len(items) == 1 or reply.data_id is None:
        return [reply] * len(items)
    path, revision = f"/api/profile-bulk-import-jobs/{reply.data_id}", items[0].request.revision
    try:
        has_errors = await _wait_for_end(path, revision, send)
        records = [item.records[0] for item in items]
        errors = await _read_errors(records, f"{path}/import-errors", revision, send) if has_errors else {}
        ids = await _read_ids(items, f"{path}/profiles", revision, send) if items[0].needs_id else {}
    except _UnreadableError as error:
        return [Response.none(str(error))] * len(items)
    replies = []
    for n, item in enumerate(items):
        failure = Response(400, {"errors": [errors[n]]}) if n in errors else None
        if failure is not None and failure.errors[0].code == _DUPLICATE:
            replies.append(await send(item.request))  # the single request's reply names the profile that has it
        elif failure is not None or not item.needs_id:
            replies.append(failure or reply)
        elif n in ids:
            replies.append(Response(201, {"data": {"type": "profile", "id": ids[n]}}))
        else:
            replies.append(Response.none("the import job did not return the profile's id"))
    return replies


async def follow_own_job(request: Request, reply: Response, send: Send) -> Response:
    """Return the reply to a request that is an import job itself, with an error for each profile that was not imported.

    The errors are members of the reply, which stays a success; their pointers are those of a refusal of the request.
    Where the end of the job cannot be read, the reply has status 0. Any other reply is returned unchanged.
    """
    if find_operation(request.method, request.path) is not _IMPORT or not reply.ok or reply.data_id is None:
        return reply
    path = f"{_IMPORT.path}/{reply.data_id}"
    records = request.json["data"]["attributes"]["profiles"]["data"]
    try:
        if not await _wait_for_end(path, request.revision, send):
            return reply
        errors = await _read_errors(records, f"{path}/import-errors", request.revision, send)
    except _UnreadableError as error:
        return Response.none(str(error))
    found = [{**error, "source": {"pointer": f"{_IMPORT.items_at}{n}"}} for n, error in sorted(errors.items())]
    return Response(reply.status, {**reply.json, "errors": found}, reply.headers)


async def _wait_for_end(path: str, revision: str | None, send: Send) -> bool:
    """Wait until a job has ended; returns whether any profile failed, or may have.

    Raises `_UnreadableError` where the job cannot be read, was cancelled, or does not end in half an hour.
    """
    pause = _FIRST_POLL
    for number in range(_POLLS):
        if number:
            await asyncio.sleep(pause)
            pause = min(_LONGEST_POLL, pause * 1.5)
        job = await send(Request("GET", path, revision=revision))
        if not job.ok and not job.retryable:
            raise _UnreadableError(f"the import job could not be read (status {job.status})")
        attributes = _attributes(job.json.get("data") if isinstance(job.json, dict) else None)
        if attributes.get("status") == "complete":
            return attributes.get("failed_count") != 0
        if attributes.get("status") == "cancelled":
            raise _UnreadableError("Klaviyo cancelled the import job")
    raise _UnreadableError("the import job did not end in half an hour")


async def _read_errors(records: Sequence[Json], path: str, revision: str | None, send: Send) -> dict[int, Json]:
    """Return the records that failed, each with its error."""
    by_identifiers: dict[tuple[Any, ...], list[int]] = {}
    for n, record in enumerate(records):
        by_identifiers.setdefault(_identifiers(record.get("attributes", {})), []).append(n)
    found: dict[int, Json] = {}
    async for error in _pages(path, revision, send, MOST_ERRORS):
        attributes = _attributes(error)
        quoted = attributes.get("original_payload")
        identifiers = _identifiers(quoted.get("attributes", quoted) if isinstance(quoted, dict) else {})
        if any(identifiers):
            shown = {name: attributes.get(name) for name in ("code", "detail", "source")}
            found.update(dict.fromkeys(by_identifiers.get(identifiers, ()), shown))
    return found


async def _read_ids(items: Sequence[BulkItem], path: str, revision: str | None, send: Send) -> dict[int, str]:
    """Return the ids of the imported profiles by item: a profile that has one of the item's identifiers."""
    ids: dict[tuple[str, str], str] = {}
    async for profile in _pages(path, revision, send, 2 * len(items), _PAGE):
        attributes = _attributes(profile)
        for name in IDENTIFIERS:
            if isinstance(attributes.get(name), str) and isinstance(profile.get("id"), str):
                ids.setdefault((name, attributes[name].lower()), profile["id"])
    found: dict[int, str] = {}
    for n, item in enumerate(items):
        attributes = _attributes(item.records[0])
        keys = [(name, attributes[name].lower()) for name in IDENTIFIERS if isinstance(attributes.get(name), str)]
        profile_id = next((ids[key] for key in keys if key in ids), None)
        if profile_id is not None:
            found[n] = profile_id
    return found


async def _pages(
    path: str, revision: str | None, send: Send, most: int, params: dict[str, str] | None = None
) -> AsyncIterator[Json]:
    """Yield the resources of a list, page by page, at most so many."""
    cursor: dict[str, str] = {}
    read = 0
    while read < most:
        page = await send(Request("GET", path, params={**(params or {}), **cursor} or None, revision=revision))
        if not page.ok:
            raise _UnreadableError(f"{path.rsplit('/', 1)[1]} of the import job could not be read")
        resources = page.json.get("data") if isinstance(page.json, dict) else None
        for resource in resources[: most - read] if isinstance(resources, list) else []:
            yield resource
        read += max(1, len(resources) if isinstance(resources, list) else 0)
        following = _next_cursor(page)
        if following is None:
            return
        cursor = {"page[cursor]": following}


def _attributes(resource: Json) -> dict[str, Any]:
    attributes = resource.get("attributes") if isinstance(resource, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _identifiers(attributes: Json) -> tuple[str | None, ...]:
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
