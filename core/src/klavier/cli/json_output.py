"""Results as JSON Lines, for other programs; secrets are replaced, everything else is as it would be sent."""

import base64
from typing import TYPE_CHECKING, Any

import orjson

from klavier.cli.wording import event_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from klavier.klaviyo.request import Request
    from klavier.streams.pipeline import Result

SECRET = "(secret)"  # noqa: S105 -- what stands in the place of one
_KEY_MEMBERS = frozenset({"token", "api_key"})
"""The members of a legacy call, at its top, that hold a key."""


def result_object(result: "Result", *, bodies: bool = False) -> dict[str, Any]:
    """Write one result: where it stood, what it was, its outcome, and with `bodies` all that would be sent.

    Secrets are still in it, so give it to `line_of` together with them.
    """
    found: dict[str, Any] = {
        "source": result.line.source,
        "line": result.line.number,
        "type": None if result.event is None else result.event.type,
        "name": event_name(result.event),
        "message_id": None if result.event is None else result.event.message_id,
    }
    if bodies:
        found["requests"] = [request_object(request) for request in result.requests]
        found["browser_calls"] = list(result.browser_calls)
    if result.sent_with is not None:
        found["sent_with"] = result.sent_with
    outcome = result.outcome
    found["outcome"] = {
        "kind": outcome.kind,
        "reason": outcome.reason,
        "status": outcome.status,
        "retryable": outcome.retryable,
        "notes": outcome.notes,
    }
    return found


def request_object(request: "Request", secrets: "Collection[str]" = ()) -> dict[str, Any]:
    """Write a request: method, path and revision always, params, form and JSON body where it has them.

    Texts that hold a secret are replaced, and so are the keys that the legacy calls carry; their `data`, JSON in
    base64, is written as the JSON that it holds.
    """
    found: dict[str, Any] = {"method": request.method, "path": request.path, "revision": request.revision}
    if request.params:
        found["params"] = _without_keys(_decoded(request.params))
    if request.form is not None:
        found["form"] = _without_keys(_decoded(request.form))
    if request.json is not None:
        found["json"] = _without_keys(request.json)
    return {name: redact(value, secrets) for name, value in found.items()} if secrets else found


def line_of(value: Any, secrets: "Collection[str]" = ()) -> bytes:
    """Write a value as one line of JSON, each text in it that holds a secret replaced."""
    line = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    if any(orjson.dumps(secret)[1:-1] in line for secret in secrets):
        return orjson.dumps(redact(value, secrets), option=orjson.OPT_APPEND_NEWLINE)
    return line


def redact(value: Any, secrets: "Collection[str]") -> Any:
    """Replace every text that holds a secret, at any depth."""
    if isinstance(value, dict):
        return {redact(key, secrets): redact(member, secrets) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item, secrets) for item in value]
    return SECRET if isinstance(value, str) and any(secret in value for secret in secrets) else value


def _without_keys(value: Any) -> Any:
    """Replace the keys that a legacy call carries at its top, or at the top of its `data`."""
    if not isinstance(value, dict):
        return value
    shown = {key: SECRET if key in _KEY_MEMBERS and member else member for key, member in value.items()}
    if isinstance(shown.get("data"), dict):
        shown["data"] = _without_keys(shown["data"])
    return shown


def _decoded(pairs: Any) -> dict[str, Any]:
    """Open the legacy calls' `data`; it is left as it is where it holds no JSON."""
    found = dict(pairs)
    data = found.get("data", "")
    for reading in (base64.b64decode, str):
        try:
            return {**found, "data": orjson.loads(reading(data))}
        except (ValueError, TypeError):
            continue
    return found
