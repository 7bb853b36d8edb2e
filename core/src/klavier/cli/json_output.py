"""Results as JSON Lines, for other programs: secrets are replaced, everything else is as it would be sent."""

import base64
import re
from typing import TYPE_CHECKING, Any

import orjson

from klavier.cli.wording import event_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from klavier.cli.dry_run import DryRunResult
    from klavier.klaviyo.request import Request
    from klavier.streams.result import Result

SECRET = "(secret)"  # noqa: S105 -- what replaces one
_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Delete and C1 controls, line separators, and what sets the direction of text or is not visible."""

_KEY_MEMBERS = frozenset({"token", "api_key"})
"""The members of a legacy call, at its top, that hold a key."""


def result_object(result: "Result") -> dict[str, Any]:
    """Return one result as JSON data: the line's place, the event's type and name, and the outcome."""
    return {**_event_object(result), "outcome": _outcome_object(result)}


def dry_run_object(result: "DryRunResult") -> dict[str, Any]:
    """Return one result with its requests and browser calls.  Secrets are still in it: pass them to `json_line`."""
    found = _event_object(result)
    found["requests"] = [request_object(request) for request in result.requests]
    found["browser_calls"] = list(result.browser_calls)
    if result.sent_with is not None:
        found["sent_with"] = result.sent_with
    return {**found, "outcome": _outcome_object(result)}


def _event_object(result: "Result") -> dict[str, Any]:
    return {
        "source": result.line.source,
        "line": result.line.number,
        "type": None if result.event is None else result.event.type,
        "name": event_name(result.event),
        "message_id": None if result.event is None else result.event.message_id,
    }


def _outcome_object(result: "Result") -> dict[str, Any]:
    outcome = result.outcome
    return {
        "kind": outcome.kind,
        "reason": outcome.reason,
        "status": outcome.status,
        "retryable": outcome.retryable,
        "notes": outcome.notes,
    }


def request_object(request: "Request", secrets: "Collection[str]" = ()) -> dict[str, Any]:
    """Return a request as JSON data: method, path and revision, and its params, form and JSON body if it has them.

    Strings that hold a secret are replaced, and so are the keys in legacy calls; their `data` parameter, JSON in
    base64, is decoded.
    """
    found: dict[str, Any] = {"method": request.method, "path": request.path, "revision": request.revision}
    if request.params:
        found["params"] = _without_keys(_decoded(request.params))
    if request.form is not None:
        found["form"] = _without_keys(_decoded(request.form))
    if request.json is not None:
        found["json"] = _without_keys(request.json)
    return {name: redact(value, secrets) for name, value in found.items()} if secrets else found


def json_line(value: Any, secrets: "Collection[str]" = ()) -> bytes:
    """Return a value as one line of JSON; every string that holds a secret is replaced."""
    line = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    if any(orjson.dumps(secret)[1:-1] in line for secret in secrets):
        line = orjson.dumps(redact(value, secrets), option=orjson.OPT_APPEND_NEWLINE)
    return escape_controls(line)


def pretty_json(value: Any) -> str:
    """Return a value as indented JSON."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str)
    return escape_controls(text).decode()


def escape_controls(text: bytes) -> bytes:
    """Escape the characters in JSON that control a terminal or change the direction of text; orjson leaves them.

    Only strings can hold them, so the result is the same JSON.
    """
    if text.isascii() and b"\x7f" not in text:
        return text
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text.decode()).encode()


def redact(value: Any, secrets: "Collection[str]") -> Any:
    """Return the value with every string that holds a secret replaced, at any depth."""
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
    """Decode the `data` of legacy calls; it is left as it is where it holds no JSON."""
    found = dict(pairs)
    data = found.get("data", "")
    for reading in (base64.b64decode, str):
        try:
            return {**found, "data": orjson.loads(reading(data))}
        except (ValueError, TypeError):
            continue
    return found
