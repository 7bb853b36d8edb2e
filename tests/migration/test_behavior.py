"""What a migration does not announce does not change: both vendors are told the same, and their accounts compared."""

from typing import Any

import pytest

from klavier import load_vendor, parse_event
from klavier.migration import TERMS, migrate
from tests.support.account_differences import account_of, differing_parts

WHEN = "2024-03-01T10:20:30Z"
ADA = {"userId": "u-1", "timestamp": WHEN, "messageId": "m-1"}
EMAIL = {"traits": {"email": "ada@shop.test"}}
PRODUCTS = [
    {"product_id": "p1", "sku": "s-1", "name": "Uno", "price": 3, "quantity": 2, "category": "Games"},
    {"product_id": "p2", "sku": "s-2", "name": "Go", "price": 19, "category": "Games", "colour": "black"},
]
EVENTS: dict[str, dict[str, Any]] = {
    "identify": {"type": "identify", **ADA, "traits": {"email": "ada@shop.test", "firstName": "Ada", "plan": "pro"}},
    "identify without an address": {"type": "identify", **ADA, "traits": {"plan": "pro"}},
    "identify by name": {
        "type": "identify",
        **ADA,
        "traits": {"name": "Ada King", "nick": None, "since": "2020-01-02"},
    },
    "identify a phone": {"type": "identify", **ADA, "traits": {"phone": "+15005550006", "title": "Countess"}},
    "identify a bad phone": {"type": "identify", **ADA, "traits": {"phone": "12", "email": "ada@shop.test"}},
    "identify a bad address": {"type": "identify", **ADA, "traits": {"email": "nowhere"}},
    "identify a place": {
        "type": "identify",
        **ADA,
        "traits": {"email": "a@b.test", "city": "Rome", "timezone": "Europe/Rome", "address": {"state": "RM"}},
    },
    "identify a visitor": {"type": "identify", "anonymousId": "a-1", "timestamp": WHEN, "traits": {"plan": "free"}},
    "identify by address alone": {"type": "identify", "timestamp": WHEN, "traits": {"email": "ada@shop.test"}},
    "identify in other words": {"type": "identify", **ADA, "traits": {"First Name": "Ada", "Email": "ada@shop.test"}},
    "identify in context": {"type": "identify", **ADA, "traits": {}, "context": {"traits": {"email": "ada@shop.test"}}},
    "identify and subscribe": {
        "type": "identify",
        **ADA,
        "traits": {"email": "ada@shop.test", "properties": {"subscribe": True, "listId": "OthER1"}},
    },
    "identify and unsubscribe": {
        "type": "identify",
        **ADA,
        "traits": {"email": "ada@shop.test", "properties": {"subscribe": False}},
    },
    "identify for a list": {
        "type": "identify",
        **ADA,
        "traits": {"email": "ada@shop.test"},
        "integrations": {"Klaviyo": {"listId": "OthER1", "confirmOptin": False}},
    },
    "track": {"type": "track", **ADA, "event": "Signed Up", "properties": {"plan": "pro", "deep": {"a": [{"b": 1}]}}},
    "track nothing more": {"type": "track", **ADA, "event": "Signed Up"},
    "track an address": {"type": "track", **ADA, "event": "Signed Up", "properties": {"email": "ada@shop.test"}},
    "track in context": {"type": "track", **ADA, "event": "Signed Up", "properties": {"a": 1}, "context": EMAIL},
    "track a known person": {
        "type": "track",
        **ADA,
        "event": "Signed Up",
        "properties": {"a": 1},
        "context": {"traits": {"email": "ada@shop.test", "plan": "pro", "lastName": "King"}},
    },
    "track revenue": {"type": "track", **ADA, "event": "Paid", "properties": {"revenue": 12.5, "currency": "EUR"}},
    "track a total": {"type": "track", **ADA, "event": "Paid", "properties": {"total": 12.5, "value": 3}},
    "track revenue as text": {"type": "track", **ADA, "event": "Paid", "properties": {"revenue": "$12.50"}},
    "track an id": {"type": "track", **ADA, "event": "Paid", "properties": {"orderId": "o-1", "at": "2020-01-02"}},
    "track a visitor": {"type": "track", "anonymousId": "a-1", "timestamp": WHEN, "event": "Seen", "properties": {}},
    "track a view": {"type": "track", **ADA, "event": "Product Viewed", "properties": {"name": "Uno", "price": 3}},
    "track a checkout": {
        "type": "track",
        **ADA,
        "event": "checkout started",
        "properties": {"order_id": "o-1", "value": 22, "products": PRODUCTS},
    },
    "track an order": {
        "type": "track",
        **ADA,
        "event": "Order Completed",
        "context": EMAIL,
        "properties": {"orderId": "o-1", "revenue": 25, "total": 30, "coupon": "x", "products": PRODUCTS},
    },
    "track an order in small letters": {
        "type": "track",
        **ADA,
        "event": "completed_order",
        "properties": {"total": 30, "products": PRODUCTS},
    },
    "subscribe by event": {"type": "track", **ADA, "event": "User Subscribed", "properties": {}, "context": EMAIL},
    "enter an audience": {
        "type": "track",
        **ADA,
        "event": "Audience Entered",
        "properties": {},
        "context": {**EMAIL, "personas": {"external_audience_id": "AuDi01", "computation_key": "big"}},
    },
    "switched off": {"type": "track", **ADA, "event": "Seen", "properties": {}, "integrations": {"Klaviyo": False}},
    "from a browser": {"type": "track", **ADA, "event": "Seen", "properties": {}, "channel": "client"},
    "page": {"type": "page", **ADA, "name": "Home", "category": "Shop", "properties": {"path": "/"}},
    "screen": {"type": "screen", **ADA, "name": "Home", "properties": {"path": "/"}, "context": EMAIL},
    "group": {
        "type": "group",
        **ADA,
        "groupId": "GrouP1",
        "traits": {"subscribe": True, "name": "Acme"},
        "context": EMAIL,
    },
    "leave a group": {"type": "group", **ADA, "groupId": "GrouP1", "traits": {"subscribe": False}, "context": EMAIL},
    "join a group": {"type": "group", **ADA, "groupId": "GrouP1", "traits": {}, "context": EMAIL},
    "alias": {"type": "alias", **ADA, "previousId": "u-0"},
}
KEYS = {
    "rudderstack": {"private_api_key": "pk_1", "public_api_key": "SNDBX1"},
    "segment-classic": {"private_key": "pk_1", "api_key": "SNDBX1"},
    "segment-actions": {"api_key": "pk_1"},
    "freshpaint": {"private_api_key": "pk_1", "public_api_key": "SNDBX1"},
}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "rudderstack": [
        {},
        {"list_id": "XUepkK", "consent": ["email"]},
        {"api_version": "v3", "list_id": "XUepkK", "consent": ["email", "sms"], "flatten_properties": True},
        {"api_version": "v2", "enforce_email_as_primary": True, "sms_consent": False, "list_id": "XUepkK"},
        {"connection_mode": "device", "send_page_as_track": True, "additional_page_info": True},
    ],
    "segment-classic": [
        {},
        {"list_id": "XUepkK", "send_anonymous": True},
        {"list_id": "XUepkK", "confirm_optin": False, "use_segment_spec": True},
        {"enforce_email": True},
        {"connection_mode": "device"},
    ],
    "segment-actions": [
        {},
        {"preset": "classic-migration"},
        {"preset": "none"},
        {
            "mappings": [
                {"action": "trackEvent", "fields": {"profile": {"email": {"@path": "$.context.traits.email"}}}},
                {"action": "upsertProfile", "fields": {"external_id": {"@path": "$.userId"}, "list_id": "XUepkK"}},
            ]
        },
        {
            "mappings": [
                {"action": "trackEvent", "trigger": 'type = "track" and event != "Seen"'},
                {"action": "trackEvent", "trigger": 'type = "page"', "fields": {"metric_name": "Viewed Page"}},
                {"action": "trackEvent", "trigger": 'contains(event, "Sign")', "fields": {"metric_name": "New"}},
            ]
        },
    ],
    "freshpaint": [
        {},
        {"use_email_as_identifier": False, "enabled_events": ["Signed Up", "$page", "$screen"]},
        {"hipaa_mode": True, "mask_ids": False, "allowed_properties": ["email", "plan", "revenue"]},
        {"connection_mode": "device"},
    ],
}
_ANY = {"user_id", "user_id_places", "accounts", "allowed", "masks", "required", "fidelity", "connection_mode"}
_CARRIED = {"event_custom_from", "custom_without"}
_IDENTIFY = _ANY | {
    "identifies",
    "custom_from",
    "custom_without",
    "custom_id",
    "joins",
    "list_id",
    "list_needs",
    "consent",
}
_SUBSCRIBING = {"source", "sms_consent", "channels_missing", "consent_places", "list_places", "confirm_place"}
_TRACK = _ANY | {"tracks", "event_attributes"}
_ORDER = {
    "order_name", "order_spellings", "order_properties", "order_repeats", "order_value", "value",
    "product_events", "product_properties", "product_shares", "product_value", "product_id",
    "event_id", "omits", "event_custom_from", "custom_without",
}  # fmt: skip
_RENAMED = {"renames", "renamed_properties", "renames_repeat", "renames_spellings", "value", "event_id", "omits"}
_VIEW = _TRACK | {
    "page_name",
    "page_properties",
    "screen_name",
    "screen_properties",
    *_CARRIED,
}
_GROUP = _ANY | {"group", "group_joins", "contact", "attributes", *_SUBSCRIBING, "consent"}
ABOUT: dict[str, set[str]] = {
    "identify": _IDENTIFY | _SUBSCRIBING,
    "identify without an address": _IDENTIFY | _SUBSCRIBING,
    "identify by name": _IDENTIFY | _SUBSCRIBING | {"attributes", "nulls", "dates"},
    "identify a phone": _IDENTIFY | _SUBSCRIBING | {"attributes"},
    "identify a bad phone": _IDENTIFY | _SUBSCRIBING | {"contact", "attributes"},
    "identify a bad address": _IDENTIFY | _SUBSCRIBING | {"contact"},
    "identify a place": _IDENTIFY | _SUBSCRIBING | {"attributes", "flatten"},
    "identify a visitor": _IDENTIFY | _SUBSCRIBING | {"anonymous_id"},
    "identify by address alone": _IDENTIFY | _SUBSCRIBING,
    "identify in other words": _IDENTIFY | _SUBSCRIBING | {"spelling", "attributes"},
    "identify in context": _IDENTIFY | _SUBSCRIBING | {"attributes"},
    "identify and subscribe": _IDENTIFY | _SUBSCRIBING | {"flatten"},
    "identify and unsubscribe": _IDENTIFY | _SUBSCRIBING | {"flatten"},
    "identify for a list": _IDENTIFY | _SUBSCRIBING,
    "track": _TRACK | {"flatten"},
    "track nothing more": _TRACK | {"bare_events"},
    "track an address": _TRACK | {"omits"},
    "track in context": _TRACK | _CARRIED,
    "track a known person": _TRACK | _CARRIED,
    "track revenue": _TRACK | {"value", "omits", "currency"},
    "track a total": _TRACK | {"value", "omits"},
    "track revenue as text": _TRACK | {"value", "value_text", "omits"},
    "track an id": _TRACK | {"event_id", "dates"},
    "track a visitor": _TRACK | {"anonymous_id"},
    "track a view": _TRACK | _RENAMED,
    "track a checkout": _TRACK | _RENAMED | {"flatten"},
    "track an order": _TRACK | _ORDER | {"flatten"},
    "track an order in small letters": _TRACK | _ORDER | {"flatten"},
    "subscribe by event": _TRACK | {"subscribe_events", *_CARRIED},
    "enter an audience": _TRACK | {"audiences", *_CARRIED},
    "switched off": _TRACK | {"switches"},
    "from a browser": _TRACK | {"libraries"},
    "page": _VIEW,
    "screen": _VIEW,
    "group": _GROUP,
    "leave a group": _GROUP,
    "join a group": _GROUP,
    "alias": set(),
}
"""The terms that each event is about: only a difference in one of them explains a difference in Klaviyo."""

CASES = [
    pytest.param(source, settings, target, id=f"{source}-{index}-{target}")
    for source, several in SETTINGS.items()
    for index, settings in enumerate(several)
    for target in SETTINGS
]


WORDS = {term.name for term in TERMS}


@pytest.mark.parametrize(("source", "settings", "target"), CASES)
def test_what_is_not_announced_does_not_change(source: str, settings: dict[str, Any], target: str) -> None:
    migration = migrate(source, target, settings)
    old = load_vendor(source, {**settings, **KEYS[source]})
    new = load_vendor(target, migration.filled("pk_1", "SNDBX1"))
    surprises = {}
    for name, payload in EVENTS.items():
        event = parse_event(payload)
        told = [each for each in migration.not_carried if each.term in ABOUT[name] or each.term not in WORDS]
        touched = {part for each in told for part in each.touches}
        parts = differing_parts(account_of(old, [event]), account_of(new, [event]))
        if "*" not in touched and parts - touched:
            surprises[name] = sorted(parts - touched)
    assert surprises == {}


def test_every_event_is_about_something() -> None:
    assert ABOUT.keys() == EVENTS.keys()
    assert set().union(*ABOUT.values()) <= WORDS
