"""Device mode: the calls of analytics.js, and the requests that deliver them."""

from typing import Any

import pytest

from klavier import load_vendor, parse_event
from tests.support.segment_classic import calls, outcome, rehearsed

# The table "Client-side Identify".
CLIENT_TABLE: list[tuple[dict[str, Any], str, str]] = [
    ({"email": "a@b.co"}, "$email", "a@b.co"),
    ({"phoneNumber": "+14155552671"}, "$phone_number", "+14155552671"),
    ({"firstName": "Serena"}, "$first_name", "Serena"),
    ({"lastName": "Williams"}, "$last_name", "Williams"),
    ({"title": "CTO"}, "$title", "CTO"),
]


def identify(traits: dict[str, Any], user_id: Any = "u-1", **settings: Any) -> Any:
    ((name, properties),) = calls({"type": "identify", "userId": user_id, "traits": traits}, **settings)
    assert name == "identify"
    return properties


def track(event: Any, properties: dict[str, Any], **settings: Any) -> Any:
    ((name, *arguments),) = calls(
        {"type": "track", "userId": "u", "event": event, "properties": properties}, **settings
    )
    assert name == "track"
    return arguments


@pytest.mark.parametrize(("traits", "special", "value"), CLIENT_TABLE, ids=[row[1] for row in CLIENT_TABLE])
def test_a_row_of_the_table(traits: dict[str, Any], special: str, value: str) -> None:
    kept = {"phoneNumber": value} if special == "$phone_number" else {}
    assert identify(traits) == {**kept, special: value, "$id": "u-1"}


def test_the_user_id_becomes_the_id() -> None:
    assert identify({"name": "Serena Williams", "gender": "female"}, user_id="user123") == {
        "name": "Serena Williams",
        "gender": "female",
        "$id": "user123",
        "$first_name": "Serena",
        "$last_name": "Williams",
    }


def test_the_first_spelling_decides_whether_there_is_an_address() -> None:
    event = {"type": "identify", "traits": {"email": "", "$email": "a@b.co"}}
    assert calls(event) == []
    assert calls({"type": "identify", "traits": {"$email": "a@b.co", "email": ""}}) != []


def test_only_the_exact_spelling_is_moved() -> None:
    assert identify({"first_name": "Ada", "Email": "a@b.co", "plan": None}) == {
        "first_name": "Ada",
        "Email": "a@b.co",
        "plan": None,
        "$id": "u-1",
        "$first_name": "Ada",
        "$email": "a@b.co",
    }


def test_a_trait_that_another_one_replaces_is_kept() -> None:
    traits = {"phoneNumber": "+14155552671", "phone": "+14155552672", "firstName": 5, "name": "Ada", "title": "CTO"}
    assert identify(traits) == {
        "phoneNumber": "+14155552671",
        "phone": "+14155552672",
        "firstName": 5,
        "name": "Ada",
        "$id": "u-1",
        "$phone_number": "+14155552671",
        "$first_name": "Ada",
        "$title": "CTO",
    }
    assert identify(traits, fidelity="deployed") == {
        "phoneNumber": "+14155552671",
        "name": "Ada",
        "$id": "u-1",
        "$phone_number": "+14155552672",
        "$first_name": "Ada",
        "$title": "CTO",
    }
    assert identify({"firstName": " Ada "}) == {"$id": "u-1", "$first_name": "Ada"}


def test_the_browser_sends_no_places() -> None:
    assert identify({"city": "Tokyo", "organization": "Acme"}) == {
        "city": "Tokyo",
        "organization": "Acme",
        "$id": "u-1",
    }


def test_an_identify_needs_an_identity() -> None:
    event = {"type": "identify", "anonymousId": "a-1", "traits": {"plan": "Gold"}}
    assert calls(event) == []
    assert outcome(event, connection_mode="device").kind == "skipped"
    assert calls({**event, "traits": {"exchangeId": "kx"}}) == [["identify", {"$exchange_id": "kx"}]]


def test_enforced_email() -> None:
    assert identify({"email": "a@b.co"}, enforce_email=True) == {"$email": "a@b.co", "id": "u-1"}
    assert identify({"email": "a@b.co"}, enforce_email=True, fidelity="deployed") == {"$email": "a@b.co"}
    event = {"type": "identify", "userId": "u-1"}
    assert outcome(event, connection_mode="device", enforce_email=True).kind == "skipped"


def test_a_group_becomes_the_organization() -> None:
    event = {"type": "group", "userId": "u-1", "groupId": "g", "traits": {"name": "Acme", "plan": "x"}}
    assert calls(event, enforce_email=True) == [["identify", {"$organization": "Acme"}]]
    assert calls({**event, "traits": {"Name": "Acme"}}) == []
    assert calls({**event, "traits": None, "properties": {"name": "Acme"}}) == [["identify", {"$organization": "Acme"}]]


@pytest.mark.parametrize("kind", ["page", "screen", "alias"])
def test_other_calls_are_skipped(kind: str) -> None:
    found = outcome({"type": kind, "userId": "u-1", "name": "Home"}, connection_mode="device")
    assert (found.kind, found.reason) == ("skipped", f"the destination does nothing for {kind}")


def test_track_has_the_same_parameters() -> None:
    properties = {"price": 39.95, "orderId": "o", "eventId": "e", "nothing": None}
    assert track("Item Added", properties) == ["Item Added", properties]


def test_revenue_is_moved_where_it_is_a_number() -> None:
    assert track("E", {"revenue": "$5.50", "x": 1}) == ["E", {"x": 1, "$value": 5.5}]
    assert track("E", {"revenue": "many"}) == ["E", {"revenue": "many"}]


PRODUCT = {"id": 3, "name": "Uno", "price": "7.25", "category": "Games", "imageUrl": "https://e.com/i", "brand": "B"}
ORDER = {"orderId": "o", "revenue": 5, "total": 30, "value": 1, "items": "x", "coupon": "c", "products": [PRODUCT]}


def test_an_order() -> None:
    found = calls({"type": "track", "userId": "u", "event": "order completed", "properties": ORDER})
    assert found == [
        [
            "track",
            "Order Completed",
            {
                "$event_id": "o",
                "$value": 5,
                "Categories": ["Games"],
                "ItemNames": ["Uno"],
                "Items": [
                    {
                        "id": 3,
                        "Name": "Uno",
                        "Quantity": 1,
                        "ItemPrice": "7.25",
                        "RowTotal": "7.25",
                        "Categories": ["Games"],
                        "ImageURL": "https://e.com/i",
                        "brand": "B",
                    }
                ],
                "total": 30,
                "coupon": "c",
            },
        ],
        [
            "track",
            "Ordered Product",
            {
                "$value": "7.25",
                "Name": "Uno",
                "Quantity": 1,
                "ProductCategories": ["Games"],
                "ImageURL": "https://e.com/i",
                "ProductID": 3,
                "$event_id": "o_3",
                "brand": "B",
            },
        ],
    ]


def test_a_deployed_order_keeps_its_name() -> None:
    event = {"type": "track", "userId": "u", "event": "order completed", "properties": {}}
    assert calls(event, fidelity="deployed")[0][1] == "order completed"


def test_a_product_without_id_is_noted() -> None:
    event = {"type": "track", "userId": "u", "event": "Order Completed", "properties": {"products": [{"name": "Uno"}]}}
    assert len(calls(event)) == 1
    assert "products[0]" in outcome(event, connection_mode="device").notes[0]


def test_a_delivery_uses_the_client_endpoints() -> None:
    event = {"type": "track", "userId": "u", "event": "E", "properties": {"email": "a@b.co", "revenue": 5}}
    (request,) = rehearsed(event, connection_mode="device").requests
    assert (request.path, request.params) == ("/client/events", {"company_id": "PUBKEY"})
    attributes = request.json["data"]["attributes"]
    assert attributes["profile"]["data"]["attributes"] == {"external_id": "u", "email": "a@b.co"}
    assert (attributes["value"], attributes["unique_id"]) == (5, "m-1")
    named = {"type": "identify", "userId": "u", "traits": {"firstName": "Ada"}}
    (request,) = rehearsed(named, connection_mode="device", private_key="").requests
    assert request.path == "/client/profiles"
    assert request.json["data"]["attributes"] == {"external_id": "u", "first_name": "Ada"}


def test_enforced_email_keeps_the_id_out_of_the_request() -> None:
    event = {"type": "track", "userId": "u", "event": "E", "properties": {"email": "a@b.co"}}
    (request,) = rehearsed(event, connection_mode="device", enforce_email=True).requests
    assert request.json["data"]["attributes"]["profile"]["data"]["attributes"] == {"email": "a@b.co"}


def test_personal_data_is_in_no_repr() -> None:
    vendor = load_vendor("segment-classic", {"api_key": "K", "connection_mode": "device"})
    event = parse_event({"type": "identify", "userId": "u", "traits": {"email": "ada@b.co"}})
    (delivery,) = vendor.deliveries([event])
    assert "ada" not in repr(delivery)
    assert "ada" not in repr(delivery.flow)
