"""The legacy track and identify calls, on either wire."""

import base64
import json
from typing import Any

import pytest

from klavier import Request, Response, parse_event
from klavier.klaviyo.legacy import IdentifyCall, TrackCall
from klavier.klaviyo.revisions import CURRENT
from tests.support.schemas import assert_valid

EVENT = parse_event({"type": "track", "messageId": "m-1", "event": "Signed Up"})
TRACK: dict[str, Any] = {
    "token": "PUBKEY",
    "event": "Elected President",
    "customer_properties": {"$email": "thomas@example.com", "$id": 42, "plan": "Gold"},
    "properties": {"$event_id": "e-1", "$value": 9.5, "PreviouslyVicePresident": True, "nested": {"year": 1801}},
    "time": 1709288430,
}
PEOPLE: dict[str, Any] = {
    "$id": "u-1",
    "$email": "thomas@example.com",
    "$phone_number": "+1 (415) 555-2671",
    "$exchange_id": "kx",
    "$first_name": "Thomas",
    "$last_name": "Jefferson",
    "$title": "President",
    "$organization": "USA",
    "$image": "https://example.com/t.png",
    "$address1": "1600 Pennsylvania Avenue",
    "$city": "Washington",
    "$region": "DC",
    "$country": "US",
    "$zip": 20500,
    "$timezone": "America/New_York",
    "$consent": ["email"],
    "Plan": "Gold",
}


def said(call: TrackCall | IdentifyCall) -> tuple[Request, tuple[str, ...]]:
    found = call.current(EVENT)
    assert not found.refusal
    (request,) = found.requests
    return request, found.notes


def test_track_goes_out_as_base64_in_the_query() -> None:
    request = TrackCall(TRACK).native()
    assert (request.method, request.path, request.revision, request.json) == ("GET", "/api/track", None, None)
    assert request.params is not None
    assert json.loads(base64.b64decode(request.params["data"], validate=True)) == TRACK


def test_the_calls_can_be_forms_too() -> None:
    request = IdentifyCall({"token": "PUBKEY", "properties": PEOPLE}, method="POST").native()
    assert (request.method, request.path, request.params) == ("POST", "/api/identify", None)
    assert request.form is not None
    assert json.loads(request.form["data"]) == {"token": "PUBKEY", "properties": PEOPLE}


@pytest.mark.parametrize("body", [1, "1"])
def test_one_means_accepted(body: object) -> None:
    assert TrackCall(TRACK).native_error(Response(200, body)) == ""


@pytest.mark.parametrize("body", [0, "0", None, True, "11", {"1": 1}, [1]])
def test_anything_but_one_does_not(body: object) -> None:
    assert TrackCall(TRACK).native_error(Response(200, body)) == "bad response"


def test_track_today() -> None:
    request, notes = said(TrackCall(TRACK))
    assert (request.method, request.path, request.revision) == ("POST", "/api/events", CURRENT)
    assert notes == ()
    assert request.json == {
        "data": {
            "type": "event",
            "attributes": {
                "properties": {"PreviouslyVicePresident": True, "nested": {"year": 1801}},
                "value": 9.5,
                "unique_id": "e-1",
                "metric": {"data": {"type": "metric", "attributes": {"name": "Elected President"}}},
                "profile": {
                    "data": {
                        "type": "profile",
                        "attributes": {
                            "external_id": "42",
                            "email": "thomas@example.com",
                            "properties": {"plan": "Gold"},
                        },
                    }
                },
                "time": "2024-03-01T10:20:30Z",
            },
        }
    }
    assert_valid("create_event", CURRENT, request.json)


def test_identify_today() -> None:
    request, notes = said(IdentifyCall({"token": "PUBKEY", "properties": PEOPLE}))
    assert (request.method, request.path, request.revision) == ("POST", "/api/profile-import", CURRENT)
    assert notes == ()
    assert request.json["data"]["attributes"] == {
        "external_id": "u-1",
        "email": "thomas@example.com",
        "phone_number": "+14155552671",
        "_kx": "kx",
        "first_name": "Thomas",
        "last_name": "Jefferson",
        "title": "President",
        "organization": "USA",
        "image": "https://example.com/t.png",
        "location": {
            "address1": "1600 Pennsylvania Avenue",
            "city": "Washington",
            "region": "DC",
            "country": "US",
            "zip": "20500",
            "timezone": "America/New_York",
        },
        "properties": {"$consent": ["email"], "Plan": "Gold"},
    }
    assert_valid("create_or_update_profile", CURRENT, request.json)


def test_an_event_without_its_own_id_has_that_of_its_message() -> None:
    request, _ = said(TrackCall({**TRACK, "properties": {}}))
    assert request.json["data"]["attributes"]["unique_id"] == "m-1"


def test_a_long_id_is_shortened_to_the_same_one_each_time() -> None:
    ids = {
        said(TrackCall({**TRACK, "properties": {"$event_id": text}}))[0].json["data"]["attributes"]["unique_id"]
        for text in ("x" * 255, "x" * 256, "x" * 256, "x" * 256 + "y")
    }
    assert len(ids) == 3
    assert all(len(found) <= 255 for found in ids)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"time": "yesterday"}, "time left out"),
        ({"time": 0}, "time left out"),
        ({"time": 10**30}, "time left out"),
        ({"properties": {"$value": "many"}}, "$value left out"),
        ({"properties": {"$value": [1]}}, "$value left out"),
        ({"properties": {"$event_id": {"a": 1}}}, "$event_id left out"),
        ({"customer_properties": {"$id": "u", "$email": "nobody"}}, "$email left out"),
        ({"customer_properties": {"$id": "u", "$email": "a" * 95 + "@b.example"}}, "$email left out"),
        ({"customer_properties": {"$id": "u", "$phone_number": "12345"}}, "$phone_number left out"),
        ({"customer_properties": {"$id": "u", "$first_name": ["A"]}}, "$first_name left out"),
        ({"customer_properties": {"$id": "u", "$city": {"a": 1}}}, "$city left out"),
    ],
)
def test_what_cannot_be_said_is_noted(change: dict[str, Any], note: str) -> None:
    request, notes = said(TrackCall({**TRACK, **change}))
    assert len(notes) == 1
    assert notes[0].startswith(note)
    assert "@" not in notes[0]
    assert_valid("create_event", CURRENT, request.json)


@pytest.mark.parametrize("name", [None, "", {}, ["x"]])
def test_an_event_needs_a_name(name: object) -> None:
    assert TrackCall({**TRACK, "event": name}).current(EVENT).refusal == "the event has no name"


@pytest.mark.parametrize("people", [None, {}, {"plan": "Gold"}, {"$email": "nobody", "$phone_number": "1"}, ["$id"]])
def test_somebody_must_be_named(people: object) -> None:
    assert "no identity" in TrackCall({**TRACK, "customer_properties": people}).current(EVENT).refusal
    assert "no identity" in IdentifyCall({"token": "t", "properties": people}).current(EVENT).refusal


def test_nothing_of_a_person_is_shown() -> None:
    assert "thomas" not in repr(TrackCall(TRACK))
    assert "thomas" not in repr(TrackCall(TRACK).current(EVENT))
