"""Short helpers of RudderStack's tests: rehearse payloads under settings and return one part of the result."""

from typing import Any

from klavier import Outcome, Rehearsal, Request, Response, load_vendor, parse_event, rehearse

KEYS = {"private_api_key": "pk_x", "public_api_key": "AbC123"}


def rehearsal(*payloads: dict[str, Any], replies: list[Response] | None = None, **settings: Any) -> Rehearsal:
    """Return the rehearsal of payloads under settings; the keys are set."""
    vendor = load_vendor("rudderstack", {**KEYS, **settings})
    return rehearse(vendor, [parse_event(payload) for payload in payloads], replies)


def request(payload: dict[str, Any], **settings: Any) -> Request:
    """Return the one request of one payload."""
    result = rehearsal(payload, **settings)
    assert [outcome.kind for outcome in result.outcomes] == ["delivered"], result.outcomes[0].reason
    (only,) = result.requests
    return only


def outcome(payload: dict[str, Any], **settings: Any) -> Outcome:
    """Return the outcome of one payload."""
    (only,) = rehearsal(payload, **settings).outcomes
    return only


def attributes(payload: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Return `data.attributes` of the one request of one payload."""
    found: dict[str, Any] = request(payload, **settings).json["data"]["attributes"]
    return found


def profile(payload: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Return the attributes of the profile in the first request of one payload."""
    first = rehearsal(payload, **settings).requests[0].json["data"]["attributes"]
    found: dict[str, Any] = first["profile"]["data"]["attributes"] if "profile" in first else first
    return found


def method_and_json(*requests: Request) -> list[tuple[str, Any]]:
    """Return method and path, and the body, of each request."""
    return [(f"{each.method} {each.path}", each.json) for each in requests]
