"""Profiles are found in every shape that Klaviyo's APIs had."""

import base64
import json
from typing import Any

import pytest

from klavier import Request, load_vendor, parse_event
from klavier.klaviyo import CURRENT
from klavier.testing import invariants
from klavier.testing.decoding import decode, leaves
from klavier.testing.profiles import profiles

GIVEN = {
    "public_api_key": "PUBKEY",
    "private_api_key": "pk_0123456789",
    "hipaa_mode": True,
    "mask_ids": True,
    "mask_secret": "s3cret",
}
TODAY = {"type": "profile", "attributes": {"email": "a@b.co", "properties": {"type": "profile"}}}


def data(value: Any) -> dict[str, str]:
    return {"data": base64.b64encode(json.dumps(value).encode()).decode()}


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (Request("POST", "/api/profile-import", json={"data": TODAY}, revision="r"), [{"email": "a@b.co"}]),
        (
            Request("PATCH", "/api/profiles/01A", json={"data": {**TODAY, "id": "01A"}}, revision="r"),
            [{"id": "01A", "email": "a@b.co"}],
        ),
        (
            Request(
                "POST", "/api/events", json={"data": {"attributes": {"profile": {"$email": "a@b.co"}}}}, revision="r"
            ),
            [{"$email": "a@b.co"}],
        ),
        (
            Request("POST", "/api/jobs", json={"subscriptions": [{"email": "a@b.co"}, {"channels": {}}]}, revision="r"),
            [{"email": "a@b.co"}, {}],
        ),
        (Request("GET", "/api/track", params=data({"customer_properties": {"$id": "u"}})), [{"$id": "u"}]),
        (Request("GET", "/api/identify", params=data({"properties": {"$id": "", "plan": "x"}})), [{}]),
        (Request("POST", "/api/v1/list/L/members", form={"email": "a@b.co"}), [{"email": "a@b.co"}]),
        (Request("GET", "/api/accounts", revision="r"), []),
    ],
)
def test_profiles(request_: Request, found: list[dict[str, Any]]) -> None:
    assert profiles(request_) == found


def test_what_a_request_says() -> None:
    form = {"email": "a@b.co", "properties": '{"plan": "x"}', "odd": "{"}
    request = Request("POST", "/api/v1/list/L%2F1/members", params=data([1]), form=form)
    assert decode(request) == {
        "ids": ["L/1"],
        "params": {"data": [1]},
        "form": {"email": "a@b.co", "properties": {"plan": "x"}, "odd": "{"},
    }


def test_a_parameter_that_is_no_base64_is_left() -> None:
    assert decode(Request("GET", "/api/track", params={"data": "?"})) == {"params": {"data": "?"}}


def test_leaves_have_places() -> None:
    assert list(leaves({"a": [1, {"b": None}], "c": {}})) == [("a[0]", 1), ("a[1].b", None)]


def test_what_is_no_text_or_number_identifies_nobody() -> None:
    body = {"data": {"type": "profile", "attributes": {"external_id": {}, "email": ["ada@shop.test"]}}}
    assert profiles(Request("POST", "/api/profile-import", json=body, revision=CURRENT)) == [{}]


def test_a_masked_id_is_derived_from_whatever_stands_there() -> None:
    vendor = load_vendor("freshpaint", GIVEN)
    for user in (False, True, 0, "u1"):
        event = parse_event({"type": "identify", "userId": user, "traits": {"email": "ada@shop.test"}})
        invariants.check_nothing_invented(vendor, [event])
        invariants.check_identified(vendor, [event])
