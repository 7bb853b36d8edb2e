"""Send one bulk body to its end: bad rows set aside, the rest sent again, jobs followed until they are done."""

from collections.abc import Generator, Sequence
from typing import Any
from urllib.parse import unquote

from attrs import frozen

from klavier.klaviyo.attributes import PROFILE_IDENTIFIERS
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.bulk.endpoints import BulkKind
from klavier.worker.bulk.packing import Row, in_one

_SPLITTING = frozenset({400, 413})
"""The statuses that speak of a body's content: with these some of its rows may be fine."""

_FIRST_LOOK, _LONGEST_LOOK, _LOOKS = 0.5, 30.0, 60
"""When a job is looked at: after half a second, then ever later, up to about half an hour in all."""


@frozen
class Wait:
    """Asks the driver to wait some seconds before it goes on."""

    seconds: float


Sending = Generator[Request | Wait, Response, list[Response]]
"""Yields requests and waits, is sent replies, returns one reply for each row, in order."""


def send_rows(kind: BulkKind, rows: Sequence[Row]) -> Sending:
    """Send rows in one body.

    Where Klaviyo refuses the body (it takes all or nothing) and names rows, those get the refusal and the others are
    sent again without them; where it names none, halves are tried, so that one bad row costs no other its delivery.
    """
    replies: dict[int, Response] = {}
    bodies = [list(range(len(rows)))]
    while bodies:
        part = bodies.pop(0)
        its = rows if len(part) == len(rows) else [rows[i] for i in part]
        reply = yield _request(kind, its)
        if reply.status in _SPLITTING and len(part) > 1:
            named = _named_rows(kind, its, reply)
            replies.update({part[i]: refusal for i, refusal in named.items()})
            rest = [i for n, i in enumerate(part) if n not in named]
            bodies[:0] = [rest] if named and rest else [] if named else _halves(part)
            continue
        answers = yield from _answers(kind, its, reply)
        if its is rows:
            return answers
        replies.update(zip(part, answers, strict=True))
        if reply.retryable:  # what follows waits too: a later row may be a later event of the same person
            replies.update({i: reply for later in bodies for i in later})
            break
    return [replies[i] for i in range(len(rows))]


def _request(kind: BulkKind, rows: Sequence[Row]) -> Request:
    if len(rows) == 1:
        return rows[0].request  # a single call has the larger quota and tells more
    return in_one(kind, rows)


def _halves(part: list[int]) -> list[list[int]]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]]


def _named_rows(kind: BulkKind, rows: Sequence[Row], reply: Response) -> dict[int, Response]:
    """Give the rows that the errors of a refusal point at, each with its own errors."""
    owners = [n for n, row in enumerate(rows) for _ in range(row.count)]
    errors = reply.json.get("errors") if isinstance(reply.json, dict) else None
    named: dict[int, list[Any]] = {}
    for error in errors if isinstance(errors, list) else []:
        item = _item_index(kind, error)
        if item is not None and item < len(owners):
            named.setdefault(owners[item], []).append(error)
    return {n: Response(reply.status, {"errors": its}, reply.headers, local=reply.local) for n, its in named.items()}


def _item_index(kind: BulkKind, error: Any) -> int | None:
    source = error.get("source") if isinstance(error, dict) else None
    pointer = source.get("pointer") if isinstance(source, dict) else None
    if not isinstance(pointer, str) or not pointer.startswith(kind.pointer):
        return None
    number = pointer[len(kind.pointer) :].split("/", 1)[0]
    return int(number) if number.isascii() and number.isdigit() else None


def _answers(kind: BulkKind, rows: Sequence[Row], reply: Response) -> Sending:
    """Give each row its reply, after the job where there is one."""
    if not kind.follows or not reply.ok or len(rows) == 1 or reply.data_id is None:
        return [reply] * len(rows)
    job, failed_rows = yield from _follow(rows, reply, reply.data_id)
    return [failed_rows.get(n, job) for n in range(len(rows))]


def _follow(
    rows: Sequence[Row], reply: Response, job_id: str
) -> Generator[Request | Wait, Response, tuple[Response, dict[int, Response]]]:
    """Wait for an import job's end and read its errors; gives the reply of good rows and that of each bad one."""
    path = f"/api/profile-bulk-import-jobs/{job_id}"
    revision = rows[0].request.revision
    pause = _FIRST_LOOK
    for _ in range(_LOOKS):
        job = yield Request("GET", path, revision=revision)
        status, bad = _job(job)
        if status == "complete":
            errors = yield from _import_errors(rows, path, revision, bad)
            return reply, errors
        if status == "cancelled":
            return Response.none("Klaviyo cancelled the import job"), {}
        yield Wait(pause)
        pause = min(_LONGEST_LOOK, pause * 1.5)
    return Response.none("the import job did not end in time"), {}


def _job(reply: Response) -> tuple[str, bool]:
    data = reply.json.get("data") if isinstance(reply.json, dict) else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    if not isinstance(attributes, dict):
        return "", False
    return str(attributes.get("status", "")), attributes.get("failed_count") != 0


def _import_errors(
    rows: Sequence[Row],
    path: str,
    revision: str | None,
    bad: bool,  # noqa: FBT001 -- whether the job counted any failure
) -> Generator[Request | Wait, Response, dict[int, Response]]:
    found: dict[int, Response] = {}
    if not bad:
        return found
    params: dict[str, str] | None = None
    items = [item for row in rows for item in row.items]
    while True:
        page = yield Request("GET", f"{path}/import-errors", params=params, revision=revision)
        data = page.json.get("data") if isinstance(page.json, dict) else None
        for error in data if isinstance(data, list) else []:
            found.update(_import_error(items, error))
        cursor = _next_cursor(page)
        if cursor is None:
            return found
        params = {"page[cursor]": cursor}


def _import_error(profiles: Sequence[Any], error: Any) -> dict[int, Response]:
    """Find the profiles that an import error speaks of by the payload it quotes."""
    attributes = error.get("attributes") if isinstance(error, dict) else None
    if not isinstance(attributes, dict):
        return {}
    quoted = attributes.get("original_payload")
    told = {
        "code": attributes.get("code", "invalid"),
        "detail": attributes.get("detail", ""),
        "source": attributes.get("source", {}),
    }
    reply = Response(400, {"errors": [told]})
    return {n: reply for n, profile in enumerate(profiles) if _quotes(quoted, profile)}


def _quotes(quoted: Any, data: Any) -> bool:
    if not isinstance(quoted, dict):
        return False
    quoted = quoted.get("attributes", quoted)
    ours = data.get("attributes", {})
    return any(ours.get(name) is not None for name in PROFILE_IDENTIFIERS) and all(
        quoted.get(name) == ours.get(name) for name in PROFILE_IDENTIFIERS
    )


def _next_cursor(page: Response) -> str | None:
    links = page.json.get("links") if isinstance(page.json, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    if not isinstance(following, str) or "page%5Bcursor%5D=" not in following:
        return None
    return unquote(following.split("page%5Bcursor%5D=", 1)[1].split("&", 1)[0])
