"""Track on the server: the table, the sample, the profile and the time."""

from typing import Any

import pytest

from tests.support.segment_classic import decoded, document, outcome, rehearsed

ADDED = {
    "type": "track",
    "userId": "user123",
    "event": "Item Added",
    "properties": {"price": 39.95, "type": "Dress", "colour": "Red", "shippingMethod": "2-day"},
}


def properties(sent: dict[str, Any], **settings: Any) -> Any:
    return document({"type": "track", "userId": "u", "event": "E", "properties": sent}, **settings)["properties"]


def test_the_sample() -> None:
    assert document(ADDED) == {
        "token": "PUBKEY",
        "event": "Item Added",
        "properties": ADDED["properties"],
        "time": 1709288430,
        "customer_properties": {"$id": "user123"},
    }


def test_the_call_is_a_get() -> None:
    (request,) = rehearsed(ADDED).requests
    assert (request.method, request.path, request.revision) == ("GET", "/api/track", None)
    assert set(request.params or {}) == {"data"}


# The table of properties under "Ecommerce".
@pytest.mark.parametrize(
    ("given", "special", "value"),
    [
        ({"revenue": 25}, "$value", 25),
        ({"eventId": "e-1"}, "$event_id", "e-1"),
        ({"orderId": "o-1"}, "$event_id", "o-1"),
        ({"order_id": 99}, "$event_id", 99),
        ({"eventId": "e-1", "orderId": "o-1"}, "$event_id", "e-1"),
    ],
)
def test_a_row_of_the_table(given: dict[str, Any], special: str, value: object) -> None:
    assert properties(given) == {**{k: v for k, v in given.items() if k != "eventId"}, special: value}


def test_the_id_of_the_order_goes_first_as_deployed() -> None:
    both = {"eventId": "e-1", "orderId": "o-1"}
    assert properties(both, fidelity="deployed")["$event_id"] == "o-1"
    assert outcome({**ADDED, "properties": both}, fidelity="deployed").notes == (
        "eventId left out: the order's id is the id of the event",
    )
    assert properties({"id": "i-1", "orderId": "o-1"}, fidelity="deployed")["$event_id"] == "i-1"
    assert properties({"id": "i-1"}) == {"id": "i-1"}
    assert properties({"order_id": None, "eventId": "e-1"}, fidelity="deployed")["$event_id"] is None


@pytest.mark.parametrize(
    ("revenue", "value"),
    [
        (12.5, 12.5),
        ("25.00", 25),
        ("$19.99", 19.99),
        ("5 USD", 5),
        ("0", 0),
        (0, 0),
        (True, None),
        ("many", None),
        ("", None),
        (None, None),
        ([5], None),
        ("2014-05-06", None),
    ],
)
def test_amounts(revenue: object, value: object) -> None:
    assert properties({"revenue": revenue}).get("$value") == value


@pytest.mark.parametrize("revenue", ["1,234", "$1,200.50", "12,50", "1 234.00", "5 per month", "many", True, [5]])
def test_an_amount_is_never_cut_and_stays_a_property_with_a_note(revenue: object) -> None:
    found = rehearsed({**ADDED, "properties": {"revenue": revenue}})
    assert decoded(found.requests[0])["properties"] == {"revenue": revenue}
    (note,) = found.outcomes[0].notes
    assert note.startswith("revenue is not the event's value: ")


@pytest.mark.parametrize(
    ("revenue", "value"),
    [("1,234", 1), ("$1,200.50", 1), ("12,50", 12), ("5 USD", 5), ("$19.99", 19.99), (0, None), (True, None)],
)
def test_amounts_as_deployed_are_what_javascript_reads_with_a_note_of_what_is_cut(revenue: Any, value: object) -> None:
    assert properties({"revenue": revenue}, fidelity="deployed").get("$value") == value
    notes = outcome({**ADDED, "properties": {"revenue": revenue}}, fidelity="deployed").notes
    assert [note.split(":")[0] for note in notes] == (
        ["revenue is not the event's value"] if "," in str(revenue) or revenue is True else []
    )


def test_only_an_order_falls_back_on_its_total() -> None:
    assert "$value" not in properties({"total": 30})


def test_the_profile_of_an_event() -> None:
    event = {"type": "track", "event": "E", "userId": "u-1"}
    assert document(event)["customer_properties"] == {"$id": "u-1"}
    by_property = {**event, "properties": {"email": "p@b.co"}}
    assert document(by_property)["customer_properties"] == {"$email": "p@b.co", "$id": "u-1"}
    by_trait = {**by_property, "context": {"traits": {"Email": "t@b.co", "plan": "x"}}}
    assert document(by_trait)["customer_properties"] == {"$email": "t@b.co", "$id": "u-1"}
    by_date = {**event, "context": {"traits": {"email": "2014-05-06"}}}  # read as all dates inside a message are
    assert document(by_date)["customer_properties"]["$email"] == "2014-05-06T00:00:00.000Z"
    assert document({**event, "userId": "u@b.co"})["customer_properties"] == {"$email": "u@b.co", "$id": "u@b.co"}


def test_enforced_email() -> None:
    event = {"type": "track", "event": "E", "userId": "u-1", "properties": {"email": "a@b.co"}}
    assert document(event, enforce_email=True)["customer_properties"] == {"$email": "a@b.co", "id": "u-1"}
    assert document(event, enforce_email=True, fidelity="deployed")["customer_properties"] == {"$email": "a@b.co"}
    nameless = {**event, "properties": {}}
    assert outcome(nameless, enforce_email=True).kind == "rejected"
    assert document(nameless, enforce_email=True, fidelity="deployed")["customer_properties"] == {}


def test_without_a_user_id() -> None:
    event = {"type": "track", "event": "E", "anonymousId": "a-1"}
    known = {**event, "properties": {"email": "a@b.co"}}
    assert document(known)["customer_properties"] == {"$email": "a@b.co"}
    assert document(event, send_anonymous=True)["customer_properties"] == {"$id": "a-1"}
    assert "no identity" in outcome(event).reason
    assert "userId is required" in outcome(known, fidelity="deployed").reason
    nobody = {"type": "track", "event": "E"}
    assert document(nobody, send_anonymous=True, fidelity="deployed")["customer_properties"] == {}


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [
        ("2022-02-02T02:02:02.000+05:30", 1643747522),
        ("2024-06-30T12:00:00.999999Z", 1719748800),
        ("2014-05-06", 1399334400),
        (1709288430, 1709288430),
        (1709288430123, 1709288430),
        ("1709288430", 1709288430),
        ("1709288430123", 1709288430),
        ("2024-02-06 13:46:34.123 UTC", 1707227194),
    ],
)
def test_times(timestamp: object, time: int) -> None:
    assert document({**ADDED, "timestamp": timestamp})["time"] == time


def test_an_unreadable_time_is_left_to_klaviyo_with_a_note() -> None:
    found = rehearsed({**ADDED, "timestamp": "soon"})
    reason = "no ISO 8601 time and no epoch number in seconds or milliseconds"
    assert found.outcomes[0].notes == (f"timestamp left out: {reason}; Klaviyo uses the time of arrival",)
    assert "time" not in document({**ADDED, "timestamp": "soon"})
    assert "time" not in document({**ADDED, "timestamp": None})


def test_unreadable_times_as_deployed() -> None:
    assert document({**ADDED, "timestamp": "soon"}, fidelity="deployed")["time"] is None
    assert document({**ADDED, "timestamp": None}, fidelity="deployed")["time"] == 0
