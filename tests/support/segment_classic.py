"""Shorthands for the tests of Segment Classic."""

import base64
import json
from typing import Any

from klavier import Outcome, Rehearsal, Request, load_vendor, parse_event, rehearse

KEYS = {"api_key": "PUBKEY", "private_key": "pk_secret_0123456789"}
WHEN = {"timestamp": "2024-03-01T10:20:30.123Z", "messageId": "m-1"}


def rehearsed(payload: dict[str, Any], **settings: Any) -> Rehearsal:
    """Rehearse one event; the native wire and documented fidelity by default."""
    vendor = load_vendor("segment-classic", {**KEYS, "wire": "native", **settings})
    return rehearse(vendor, [parse_event({**WHEN, **payload})])


def outcome(payload: dict[str, Any], **settings: Any) -> Outcome:
    """Return the one outcome of an event."""
    (found,) = rehearsed(payload, **settings).outcomes
    return found


def documents(payload: dict[str, Any], **settings: Any) -> list[Any]:
    """Return the documents of the native requests of a delivered event."""
    found = rehearsed(payload, **settings)
    assert [each.kind for each in found.outcomes] == ["delivered"], found.outcomes
    return [decoded(request) for request in found.requests]


def document(payload: dict[str, Any], **settings: Any) -> Any:
    """Return the document of the one native request of a delivered event."""
    (found,) = documents(payload, **settings)
    return found


def decoded(request: Request) -> Any:
    """Return the document of a track or identify call, or the form of a list call with its properties read."""
    if request.params is not None:
        return json.loads(base64.b64decode(request.params["data"]))
    assert request.form is not None
    form: dict[str, Any] = dict(request.form)
    return {**form, "properties": json.loads(form["properties"])}


def sent_traits(traits: dict[str, Any], user_id: Any = "u-1", **settings: Any) -> Any:
    """Return the properties of the identify call that traits become."""
    return document({"type": "identify", "userId": user_id, "traits": traits}, **settings)["properties"]


def calls(payload: dict[str, Any], **settings: Any) -> list[Any]:
    """Return the browser calls of an event in device mode."""
    return rehearsed(payload, connection_mode="device", **settings).browser_calls
