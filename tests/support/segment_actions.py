"""Running one mapping of Segment Actions, and the events that its tests share."""

from typing import Any

from klavier import Outcome, Request, Response, load_vendor, parse_event, rehearse
from tests.support.schemas import assert_valid

TIME = "2024-03-01T10:20:30.123Z"
TRACK: dict[str, Any] = {
    "type": "track",
    "event": "Shoe Tied",
    "userId": "u-1",
    "anonymousId": "a-1",
    "messageId": "m-1",
    "timestamp": TIME,
    "properties": {"laces": 2},
}
TRAITS: dict[str, Any] = {
    "email": "ada@example.com",
    "phone": "+15005550006",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "title": "Countess",
    "avatar": "https://e.com/a.png",
    "company": {"name": "Engines"},
    "address": {"city": "London", "state": "LDN", "postal_code": "W1", "street": "Square 12", "country": "UK"},
}
ATTRIBUTES: dict[str, Any] = {
    "email": "ada@example.com",
    "phone_number": "+15005550006",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "title": "Countess",
    "image": "https://e.com/a.png",
    "organization": "Engines",
    "location": {"city": "London", "region": "LDN", "zip": "W1", "address1": "Square 12", "country": "UK"},
}
LIST = {"list": {"data": {"type": "list", "id": "L1"}}}
CURRENT = "2026-10-15"
OPERATIONS = {
    "/api/events": "create_event",
    "/api/profiles": "create_profile",
    "/api/profile-subscription-bulk-create-jobs": "bulk_subscribe_profiles",
    "/api/profile-subscription-bulk-delete-jobs": "bulk_unsubscribe_profiles",
    "/api/event-bulk-create-jobs": "bulk_create_events",
    "/api/profile-bulk-import-jobs": "bulk_import_profiles",
}


def run(
    action: str, fields: dict[str, Any], *events: dict[str, Any], replies: Any = None, **settings: Any
) -> tuple[list[Request], list[Outcome]]:
    mapping = {"action": action, "trigger": "", "fields": fields, **settings.pop("mapping", {})}
    vendor = load_vendor("segment-actions", {"api_key": "pk_x", "mappings": [mapping], **settings})
    answers = None if replies is None else [Response(status, json) for status, json in replies]
    result = rehearse(vendor, [parse_event(event) for event in events], answers)
    for request in result.requests:
        operation = OPERATIONS.get(request.path)
        if operation and request.method == "POST":
            assert_valid(operation, CURRENT, request.json)
    return result.requests, result.outcomes


def attributes_of(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = request.json["data"]["attributes"]
    return found


def only(action: str, fields: dict[str, Any], event: dict[str, Any], **settings: Any) -> dict[str, Any]:
    (request,), (outcome,) = run(action, fields, event, **settings)
    assert outcome.kind == "delivered", outcome.reason
    assert request.revision == CURRENT
    return attributes_of(request)


def rejection(action: str, fields: dict[str, Any], event: dict[str, Any], **settings: Any) -> str:
    requests, (outcome,) = run(action, fields, event, **settings)
    assert (requests, outcome.kind) == ([], "rejected")
    return outcome.reason


def person(attributes: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = attributes["profile"]["data"]["attributes"]
    return found
