"""What RudderStack would send for payloads, in the fewest words."""

from typing import Any

from klavier import Outcome, Rehearsal, Request, Response, load_vendor, parse_event, rehearse

KEYS = {"private_api_key": "pk_x", "public_api_key": "AbC123"}


def sent(*payloads: dict[str, Any], replies: list[Response] | None = None, **settings: Any) -> Rehearsal:
    """Rehearse payloads under settings; the keys are given."""
    vendor = load_vendor("rudderstack", {**KEYS, **settings})
    return rehearse(vendor, [parse_event(payload) for payload in payloads], replies)


def request(payload: dict[str, Any], **settings: Any) -> Request:
    """Give the one request that a payload causes."""
    result = sent(payload, **settings)
    assert [outcome.kind for outcome in result.outcomes] == ["delivered"], result.outcomes[0].reason
    (only,) = result.requests
    return only


def outcome(payload: dict[str, Any], **settings: Any) -> Outcome:
    """Give the outcome of one payload."""
    (only,) = sent(payload, **settings).outcomes
    return only


def attributes(payload: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Give `data.attributes` of the one request that a payload causes."""
    found: dict[str, Any] = request(payload, **settings).json["data"]["attributes"]
    return found


def person(payload: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Give the attributes of the profile in the first request that a payload causes."""
    first = sent(payload, **settings).requests[0].json["data"]["attributes"]
    found: dict[str, Any] = first["profile"]["data"]["attributes"] if "profile" in first else first
    return found


def say(*requests: Request) -> list[tuple[str, Any]]:
    """Write requests as a reader compares them: method and path, then body."""
    return [(f"{each.method} {each.path}", each.json) for each in requests]
