"""The v1 and v2 calls, alive and gone."""

import base64
import json
from typing import Any

import pytest

from klavier.klaviyo.request import Request
from klavier.sandbox import Sandbox

SITE, ELSEWHERE = "SNDBX1", "OTHER1"
LIST = "Y6nRLr"


def packed(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def track(document: Any, path: str = "/api/track", **params: str) -> Request:
    return Request("GET", path, params={"data": packed(document), **params})


def tracked(**more: Any) -> dict[str, Any]:
    return {"token": SITE, "event": "Ordered", "customer_properties": {"$email": "ada@b.co"}, **more}


def people(sandbox: Sandbox) -> dict[str, Any]:
    (profile,) = sandbox.state()["profiles"]
    return dict(profile)


def test_tracking(sandbox: Sandbox) -> None:
    who = {"$email": "ada@b.co", "$id": 7, "$first_name": "Ada", "$zip": 10017, "plan": "pro"}
    properties = {"$event_id": "m1", "$value": "9.50", "x": 1}
    request = track(tracked(customer_properties=who, properties=properties, time=1_700_000_000))
    for _ in range(2):
        response = sandbox.send(request)
        assert (response.status, response.json) == (200, 1)
    profile, (event,) = people(sandbox), sandbox.state()["events"]
    assert profile["identifiers"] == {"email": "ada@b.co", "external_id": "7"}
    assert (profile["attributes"], profile["location"]) == ({"first_name": "Ada"}, {"zip": "10017"})
    assert profile["properties"] == {"plan": "pro"}
    assert (event["unique_id"], event["value"], event["properties"]) == ("m1", 9.5, {"x": 1})
    assert event["time"] == "2023-11-14T22:13:20+00:00"


def test_tracking_by_post_is_a_form(sandbox: Sandbox) -> None:
    response = sandbox.send(Request("POST", "/api/track", form={"data": json.dumps(tracked())}))
    assert response.json == 1
    assert len(sandbox.state()["events"]) == 1


def test_identifying(sandbox: Sandbox) -> None:
    document = {
        "token": SITE,
        "properties": {"$id": "u1", "$phone_number": "+1 (500) 555-0006", "$consent": ["email"]},
    }
    assert sandbox.send(track(document, "/api/identify")).json == 1
    assert sandbox.send(Request("POST", "/api/identify", form={"data": json.dumps(document)})).json == 1
    profile = people(sandbox)
    assert profile["identifiers"] == {"external_id": "u1", "phone_number": "+15005550006"}
    assert profile["properties"] == {"$consent": ["email"]}


def test_identifiers_cannot_be_changed(sandbox: Sandbox) -> None:
    for email in ("ada@b.co", "eve@b.co"):
        sandbox.send(track({"token": SITE, "properties": {"$id": "u1", "$email": email}}, "/api/identify"))
    assert people(sandbox)["identifiers"]["email"] == "ada@b.co"


def test_null_clears(sandbox: Sandbox) -> None:
    for value in ("x", None):
        known = {"$id": "u1", "$title": value, "$city": value, "plan": value}
        sandbox.send(track({"token": SITE, "properties": known}, "/api/identify"))
    profile = people(sandbox)
    assert (profile["attributes"], profile["location"], profile["properties"]) == ({}, {}, {})


@pytest.mark.parametrize("once", [False, True])
def test_tracking_once(sandbox: Sandbox, *, once: bool) -> None:
    for time in (1_700_000_000, 1_700_000_005):
        sandbox.send(track(tracked(time=time, __track_once__=once)))
    assert len(sandbox.state()["events"]) == (1 if once else 2)


@pytest.mark.parametrize(
    "data",
    ["", "not base64!", packed("text"), packed({"event": "x"}), base64.b64encode(b"{").decode(), packed({"token": 5})],
)
def test_what_cannot_be_decoded_is_a_0(sandbox: Sandbox, data: str) -> None:
    response = sandbox.send(Request("GET", "/api/track", params={"data": data}))
    assert (response.status, response.json) == (200, 0)


@pytest.mark.parametrize(
    "document",
    [
        tracked(token=ELSEWHERE),
        tracked(customer_properties={}),
        tracked(customer_properties={"$email": "ada"}),
        tracked(customer_properties=None),
        tracked(event=None),
        tracked(event={}),
    ],
)
def test_a_1_may_still_be_lost(sandbox: Sandbox, document: Any) -> None:
    assert sandbox.send(track(document)).json == 1
    assert sandbox.state()["events"] == []


def test_another_token_counts_where_any_does() -> None:
    sandbox = Sandbox(public_api_key=None)
    sandbox.send(track(tracked(token=ELSEWHERE)))
    assert len(sandbox.state()["events"]) == 1


def test_a_bad_address_leaves_the_other_identifier(sandbox: Sandbox) -> None:
    sandbox.send(track(tracked(customer_properties={"$email": "ada", "$id": "u1"})))
    assert people(sandbox)["identifiers"] == {"external_id": "u1"}


def test_the_pixel(sandbox: Sandbox) -> None:
    status, headers, body = sandbox.handle("GET", "/api/track", f"i=1&data={packed(tracked())}")
    assert (status, headers["content-type"], body[:6]) == (200, "image/gif", b"GIF89a")
    assert len(sandbox.state()["events"]) == 1


# Lists --------------------------------------------------------------------------------------------------------------


def member(**form: str) -> Request:
    return Request("POST", f"/api/v1/list/{LIST}/members", form={"api_key": "pk_sandbox", "email": "ada@b.co", **form})


@pytest.mark.parametrize(
    ("confirm", "opt_in", "joined", "consented"),
    [
        ("false", "double_opt_in", True, False),
        ("false", "single_opt_in", True, False),
        ("true", "double_opt_in", False, False),
        ("true", "single_opt_in", True, True),
    ],
)
def test_v1_members(sandbox: Sandbox, confirm: str, opt_in: Any, *, joined: bool, consented: bool) -> None:
    sandbox.add_list("Letters", LIST, opt_in)
    response = sandbox.send(member(confirm_optin=confirm, properties='{"$first_name": "Ada", "plan": "pro"}'))
    assert (response.status, response.json["already_member"]) == (200, False)
    profile = people(sandbox)
    assert profile["attributes"] == {"first_name": "Ada"}
    assert profile["properties"] == {"plan": "pro"}
    assert (profile["lists"] == [LIST], "email" in profile["subscriptions"]) == (joined, consented)


def test_v1_members_confirm_unless_confirmation_is_off(sandbox: Sandbox) -> None:
    sandbox.add_list("Letters", LIST)
    sandbox.send(member())
    assert people(sandbox)["lists"] == []
    assert sandbox.confirm("ada@b.co") == 1
    assert sandbox.send(member()).json["already_member"] is True


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (member(), 404),
        (member(api_key="pk_other"), 403),
        (member(api_key=""), 403),
    ],
)
def test_v1_members_refused(sandbox: Sandbox, request_: Request, status: int) -> None:
    assert sandbox.send(request_).status == status


@pytest.mark.parametrize("form", [{"email": ""}, {"email": "ada"}, {"properties": "{"}])
def test_v1_members_in_error(sandbox: Sandbox, form: dict[str, str]) -> None:
    sandbox.add_list("Letters", LIST)
    assert sandbox.send(member(**form)).status == 400
    assert sandbox.state()["profiles"] == []


def v2(call: str, *profiles: dict[str, Any], **more: Any) -> Request:
    body = {"api_key": "pk_sandbox", "profiles": list(profiles), **more}
    return Request("POST", f"/api/v2/list/{LIST}/{call}", json=body)


def test_v2_members_are_added_whatever_the_opt_in(sandbox: Sandbox) -> None:
    sandbox.add_list("Letters", LIST, "double_opt_in")
    response = sandbox.send(v2("members", {"email": "ada@b.co", "first_name": "Ada", "plan": "pro"}))
    profile = people(sandbox)
    assert response.json == [{"id": profile["id"], "email": "ada@b.co", "phone_number": None}]
    assert (profile["lists"], profile["subscriptions"]) == ([LIST], {})
    assert (profile["attributes"], profile["properties"]) == ({"first_name": "Ada"}, {"plan": "pro"})


def test_v2_subscribe_obeys_the_opt_in(sandbox: Sandbox) -> None:
    sandbox.add_list("Letters", LIST, "double_opt_in")
    assert sandbox.send(v2("subscribe", {"email": "ada@b.co"})).json == []
    assert [p["channel"] for p in people(sandbox)["pending"]] == ["email"]


@pytest.mark.parametrize(
    ("row", "channels"),
    [
        ({"email": "ada@b.co"}, ["email"]),
        ({"email": "ada@b.co", "phone_number": "+15005550006"}, ["email"]),
        ({"email": "ada@b.co", "phone_number": "+15005550006", "sms_consent": True}, ["email", "sms"]),
        ({"phone_number": "+15005550006", "sms_consent": True}, ["sms"]),
        ({"email": "ada@b.co", "phone_number": "+15005550006", "$consent": ["sms"]}, ["sms"]),
        ({"email": "ada@b.co", "$consent": "email"}, ["email"]),
    ],
)
def test_v2_subscribe_by_channel(sandbox: Sandbox, row: dict[str, Any], channels: list[str]) -> None:
    sandbox.add_list("Letters", LIST, "single_opt_in")
    response = sandbox.send(v2("subscribe", row))
    assert len(response.json) == 1
    assert list(people(sandbox)["subscriptions"]) == channels


def test_v2_keys(sandbox: Sandbox) -> None:
    sandbox.add_list("Letters", LIST)
    path, body = f"/api/v2/list/{LIST}/members", b'{"profiles": [{"email": "ada@b.co"}]}'
    assert sandbox.handle("POST", path, "api_key=pk_sandbox", body=body)[0] == 200
    assert sandbox.handle("POST", path, headers={"api-key": "pk_sandbox"}, body=body)[0] == 200
    assert sandbox.handle("POST", path, body=body)[0] == 403
    assert sandbox.handle("POST", path, "api_key=pk_other", body=body)[0] == 403
    assert sandbox.handle("POST", path, "api_key=pk_sandbox", body=b"{")[0] == 400
    assert sandbox.handle("POST", path, "api_key=pk_sandbox", body=b'{"profiles": [{"plan": "pro"}]}')[0] == 400


@pytest.mark.parametrize(
    "request_", [track(tracked()), track(tracked(), "/api/identify"), member(), v2("members"), v2("subscribe")]
)
def test_gone(request_: Request) -> None:
    sandbox = Sandbox(legacy="gone")
    response = sandbox.send(request_)
    assert (response.status, response.errors[0].code) == (410, "gone")
    assert sandbox.state()["profiles"] == []


@pytest.mark.parametrize(
    ("properties", "identifiers"),
    [
        ({"email": "ada@b.co", "id": "u1"}, {"email": "ada@b.co", "external_id": "u1"}),
        ({"id": "u1", "phone_number": "+1 500 555 0006"}, {"external_id": "u1", "phone_number": "+15005550006"}),
        ({"$id": "u1", "id": "other", "email": "ada@b.co"}, {"external_id": "u1"}),
    ],
)
def test_names_without_a_dollar_identify_where_no_special_property_does(
    sandbox: Sandbox, properties: dict[str, Any], identifiers: dict[str, str]
) -> None:
    sandbox.send(track(tracked(customer_properties=properties)))
    assert people(sandbox)["identifiers"] == identifiers


@pytest.mark.parametrize("phone", ["+44 (0)20 7946 0958", "tel:+442079460958"])
def test_phone_numbers_are_read_as_everywhere_in_klavier(sandbox: Sandbox, phone: str) -> None:
    sandbox.send(track({"token": SITE, "properties": {"$phone_number": phone}}, "/api/identify"))
    assert people(sandbox)["identifiers"] == {"phone_number": "+442079460958"}
