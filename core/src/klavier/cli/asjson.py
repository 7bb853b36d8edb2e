"""Results as JSON Lines, for other programs; secrets are replaced, everything else is as it would be sent."""

import base64
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from klavier.cli.wording import event_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from klavier.delivery.pipeline import Result
    from klavier.klaviyo.request import Request

SECRET = "(secret)"  # noqa: S105 -- what stands in the place of one
_KEY_MEMBERS = frozenset({"token", "api_key"})
"""The members of a legacy call, at its top, that hold a key."""


def result_object(result: "Result", secrets: "Collection[str]" = (), *, bodies: bool = False) -> dict[str, Any]:
    """Write one result: where it stood, what it was, its outcome, and with `bodies` all that would be sent."""
    found: dict[str, Any] = {
        "source": result.line.source,
        "line": result.line.number,
        "type": None if result.event is None else result.event.type,
        "name": event_name(result.event),
        "message_id": None if result.event is None else result.event.message_id,
    }
    if bodies:
        found["requests"] = [request_object(request, secrets) for request in result.requests]
        found["browser_calls"] = redact(list(result.browser_calls), secrets)
    if result.sent_with is not None:
        found["sent_with"] = result.sent_with
    found["outcome"] = attrs.asdict(result.outcome)
    return found


def request_object(request: "Request", secrets: "Collection[str]" = ()) -> dict[str, Any]:
    """Write a request: method, path and revision always, params, form and JSON body where it has them.

    The legacy calls' `data`, JSON in base64, is written as the JSON that it holds.
    """
    found: dict[str, Any] = {"method": request.method, "path": request.path, "revision": request.revision}
    if request.params:
        found["params"] = _without_keys(_decoded(request.params), secrets)
    if request.form is not None:
        found["form"] = _without_keys(_decoded(request.form), secrets)
    if request.json is not None:
        found["json"] = _without_keys(request.json, secrets)
    return found


def line_of(value: Any) -> bytes:
    """Write a value as one line of JSON."""
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def redact(value: Any, secrets: "Collection[str]") -> Any:
    """Replace every text that holds a secret, at any depth."""
    if isinstance(value, dict):
        return {key: redact(member, secrets) for key, member in value.items()}
    if isinstance(value, list):
        return [redact(item, secrets) for item in value]
    return SECRET if isinstance(value, str) and any(secret in value for secret in secrets) else value


def _without_keys(value: Any, secrets: "Collection[str]") -> Any:
    """Replace every secret, and the keys that a legacy call carries at its top or at the top of its `data`."""
    if isinstance(value, dict):
        value = {key: SECRET if key in _KEY_MEMBERS and member else member for key, member in value.items()}
        if isinstance(value.get("data"), dict):
            value["data"] = _without_keys(value["data"], ())
    return redact(value, secrets)


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
