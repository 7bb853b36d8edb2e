"""Write dead letters: what was tried, without anybody's data."""

from collections.abc import Sequence
from typing import Any

import orjson

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox.entry import DeadLetter, Entry
from klavier.outcome import Outcome
from klavier.redaction import redact_json, redact_text


def dead_letter(
    entry: Entry, outcome: Outcome, sent: Sequence[tuple[Request, Response]], tries: int, now: float
) -> DeadLetter:
    """Make the letter of an event that is not tried again; `sent` is what the last try sent and got."""
    return DeadLetter(
        seq=entry.seq,
        message_id=entry.message_id,
        key=entry.key,
        payload=entry.payload,
        accepted=entry.accepted,
        died=now,
        tries=tries,
        kind=outcome.kind,
        status=outcome.status,
        reason=redact_text(outcome.reason),
        requests=orjson.dumps([_exchange(request, reply) for request, reply in sent]).decode(),
    )


def _exchange(request: Request, reply: Response) -> dict[str, Any]:
    errors = [
        {"code": error.code, "pointer": error.pointer, "detail": redact_text(error.detail)} for error in reply.errors
    ]
    body = request.form if request.json is None else request.json
    return {
        "request": {
            "method": request.method,
            "path": request.path,
            "revision": request.revision,
            "params": redact_json(dict(request.params or {})),
            "body": redact_json(dict(body) if body is request.form and body is not None else body),
        },
        "reply": {"status": reply.status, "problem": redact_text(reply.problem), "errors": errors},
    }
