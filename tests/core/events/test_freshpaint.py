"""Freshpaint's own format is read into the same events as Segment's."""

from typing import Any

import pytest
from hypothesis import given

from klavier import Event, Identify, Page, Screen, Track, parse_event
from klavier.events.reader import read_payload
from klavier.testing.strategies import freshpaint_payloads


def sent(event: str, **properties: Any) -> Event:
    return parse_event({"event": event, "properties": {"distinct_id": "u1", "token": "env", **properties}})


def test_a_custom_event() -> None:
    event = sent(
        "Signed Up", time=1700000000, plan="Gold", **{"$insert_id": "m1", "$device_id": "d1", "$ip": "1.2.3.4"}
    )
    assert isinstance(event, Track)
    assert (event.event, event.properties) == ("Signed Up", {"plan": "Gold"})
    assert (event.user_id, event.anonymous_id, event.message_id) == ("u1", "d1", "m1")
    assert event.timestamp == "2023-11-14T22:13:20Z"
    assert event.context == {"ip": "1.2.3.4"}


def test_an_identify() -> None:
    event = sent("$identify", **{"$user_props": {"email": "ada@shop.test"}})
    assert isinstance(event, Identify)
    assert event.traits == {"email": "ada@shop.test"}


@pytest.mark.parametrize(("name", "kind"), [("$page", Page), ("$screen", Screen)])
def test_a_page_or_screen(name: str, kind: type[Page | Screen]) -> None:
    event = sent(name, name="Home", url="https://shop.test")
    assert isinstance(event, kind)
    assert (event.name, event.properties) == ("Home", {"name": "Home", "url": "https://shop.test"})


@pytest.mark.parametrize(
    ("time", "timestamp"), [("1700000000", "2023-11-14T22:13:20Z"), ("soon", "soon"), (None, None)]
)
def test_times_are_written_in_one_form(time: Any, timestamp: Any) -> None:
    assert sent("Signed Up", time=time).timestamp == timestamp


def test_members_for_freshpaint_itself_are_no_properties() -> None:
    event = sent("Signed Up", **{"$options": {"Klaviyo": True}})
    assert isinstance(event, Track)
    assert event.properties == {}
    assert (event.payload["token"], event.payload["$options"]) == ("env", {"Klaviyo": True})


def test_a_visitor_has_only_the_device_id() -> None:
    event = sent("Signed Up", **{"$device_id": "u1"})
    assert (event.user_id, event.anonymous_id) == (None, "u1")


def test_the_profile_of_an_event_is_in_its_context() -> None:
    event = sent("Signed Up", **{"$user_props": {"email": "ada@shop.test"}, "$ip": "1.2.3.4"})
    assert event.context == {"ip": "1.2.3.4", "traits": {"email": "ada@shop.test"}}


def test_odd_members_are_no_traits() -> None:
    event = sent("$identify", **{"$user_props": ["no", "object"]})
    assert isinstance(event, Identify)
    assert event.traits == {}
    assert event.payload["traits"] == ["no", "object"]


@given(freshpaint_payloads())
def test_an_event_is_read_again_from_its_payload(payload: dict[str, Any]) -> None:
    """An outbox stores the payload, not the event."""
    event = parse_event(payload)
    again = parse_event(event.payload)
    assert again == event
    assert (again.user_id, again.anonymous_id, again.timestamp) == (event.user_id, event.anonymous_id, event.timestamp)


@given(freshpaint_payloads())
def test_reading_changes_nothing(payload: dict[str, Any]) -> None:
    before = repr(payload)
    read_payload(payload)
    assert repr(payload) == before
