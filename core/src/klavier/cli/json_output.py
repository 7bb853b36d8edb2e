"""Results as JSON Lines, for other programs: secrets are replaced, everything else is as it would be sent."""

import re
from typing import TYPE_CHECKING, Any

import orjson

from klavier.cli.wording import event_name
from klavier.klaviyo.request_json import request_object
from klavier.redaction import hide_secrets

if TYPE_CHECKING:
    from collections.abc import Collection

    from klavier.cli.dry_run import DryRunResult
    from klavier.streams.result import Result

_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Delete and C1 controls, line separators, and what sets the direction of text or is not visible."""


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


def json_line(value: Any, secrets: "Collection[str]" = ()) -> bytes:
    """Return a value as one line of JSON; every string that holds a secret is replaced."""
    line = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    if any(orjson.dumps(secret)[1:-1] in line for secret in secrets):
        line = orjson.dumps(hide_secrets(value, secrets), option=orjson.OPT_APPEND_NEWLINE)
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
