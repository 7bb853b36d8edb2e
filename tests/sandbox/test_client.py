"""What browsers may do with the public key."""

from typing import Any

import pytest

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from tests.support.klaviyo import event_attributes, group, post, profile_data, upsert

KEY = {"company_id": "SNDBX1"}


def client_profile(**attributes: Any) -> Request:
    return post("/client/profiles", {"data": profile_data(**attributes)}, **KEY)


def client_event(metric: str = "Viewed", revision: str = CURRENT, **profile: Any) -> Request:
    attributes = {**event_attributes(metric, unique_id="m1"), "profile": {"data": profile_data(**profile)}}
    return post("/client/events", {"data": {"type": "event", "attributes": attributes}}, revision, **KEY)


def client_subscription(list_id: str, revision: str = CURRENT, **attributes: Any) -> Request:
    relationships = {"list": {"data": {"type": "list", "id": list_id}}}
    inner = {"profile": {"data": profile_data(**attributes)}, "custom_source": "Footer"}
    body = {"data": {"type": "subscription", "attributes": inner, "relationships": relationships}}
    return post("/client/subscriptions", body, revision, **KEY)


def pointers(response: Response) -> list[str]:
    assert response.status == 400
    return [error.pointer for error in response.errors]


@pytest.mark.parametrize("params", [{}, {"company_id": ""}, {"company_id": "OTHER1"}])
def test_the_public_key_is_asked_for(sandbox: Sandbox, params: dict[str, str]) -> None:
    request = post("/client/profiles", {"data": profile_data(email="ada@b.co")}, **params)
    assert pointers(sandbox.send(request)) == ["company_id"]
    assert Sandbox(public_api_key=None).send(post("/client/profiles", request.json, company_id="OTHER1")).status == 202


def test_identifying_a_visitor(sandbox: Sandbox) -> None:
    assert sandbox.send(client_profile(anonymous_id="a1", first_name="Ada")).status == 202
    assert sandbox.send(client_profile(anonymous_id="a1", email="ada@b.co")).status == 202
    (profile,) = sandbox.state()["profiles"]
    assert profile["identifiers"] == {"anonymous_ids": ["a1"], "email": "ada@b.co"}


def test_identifiers_cannot_be_changed(sandbox: Sandbox) -> None:
    sandbox.send(upsert(external_id="u1", email="ada@b.co"))
    response = sandbox.send(client_profile(external_id="u1", email="eve@b.co", first_name="Ada"))
    assert response.status == 202
    (profile,) = sandbox.state()["profiles"]
    assert profile["identifiers"] == {"email": "ada@b.co", "external_id": "u1"}
    assert profile["attributes"] == {"first_name": "Ada"}


@pytest.mark.parametrize("revision", ["2023-07-15", "2024-10-15", CURRENT])
def test_events_of_browsers_and_servers_share_unique_ids(sandbox: Sandbox, revision: str) -> None:
    sandbox.send(client_event(revision=revision, email="ada@b.co"))
    attributes = {**event_attributes("Viewed", unique_id="m1"), "profile": {"data": profile_data(email="ada@b.co")}}
    sandbox.send(post("/api/events", {"data": {"type": "event", "attributes": attributes}}))
    assert len(sandbox.state()["events"]) == 1


def test_many_events_of_one_visitor(sandbox: Sandbox) -> None:
    events = [event_attributes(unique_id=f"m{n}") for n in range(3)]
    body = {"data": group(profile_data(anonymous_id="a1"), *events)}
    assert sandbox.send(post("/client/event-bulk-create", body, **KEY)).status == 202
    assert len(sandbox.state()["events"]) == 3
    body = {"data": group(profile_data(anonymous_id="a1"), event_attributes(time="1900-01-01T00:00:00Z"))}
    place = "/data/attributes/events/data/0/attributes/time"
    assert pointers(sandbox.send(post("/client/event-bulk-create", body, **KEY))) == [place]


@pytest.mark.parametrize("revision", ["2023-07-15", "2024-10-15", "2025-01-15", CURRENT])
def test_subscribing_in_a_browser(sandbox: Sandbox, revision: str) -> None:
    list_id = sandbox.add_list("Letters", opt_in_process="single_opt_in")
    response = sandbox.send(client_subscription(list_id, revision, email="ada@b.co", first_name="Ada"))
    assert response.status == 202
    (profile,) = sandbox.state()["profiles"]
    assert profile["attributes"] == {"first_name": "Ada"}
    assert profile["subscriptions"]["email"]["marketing"]["custom_source"] == "Footer"
    assert profile["lists"] == [list_id]


def test_channels_of_a_browsers_subscription(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters", opt_in_process="single_opt_in")
    only_sms = {"sms": {"marketing": {"consent": "SUBSCRIBED"}}}
    request = client_subscription(list_id, email="ada@b.co", phone_number="+15005550006", subscriptions=only_sms)
    sandbox.send(request)
    assert list(sandbox.state()["profiles"][0]["subscriptions"]) == ["sms"]


def test_the_list_of_a_browsers_subscription_is_required_since_2025(sandbox: Sandbox) -> None:
    body = {"data": {"type": "subscription", "attributes": {"profile": {"data": profile_data(email="ada@b.co")}}}}
    assert pointers(sandbox.send(post("/client/subscriptions", body, **KEY))) == ["/data/relationships"]
    assert sandbox.send(post("/client/subscriptions", body, "2024-10-15", **KEY)).status == 202


def test_the_old_way(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters", opt_in_process="single_opt_in")
    attributes = {"list_id": list_id, "email": "ada@b.co", "properties": {"a": 1}}
    body = {"data": {"type": "subscription", "attributes": attributes}}
    assert sandbox.send(post("/client/subscriptions", body, "2023-02-22", **KEY)).status == 202
    old = {"profile": {"$email": "ada@b.co"}, "metric": {"name": "Viewed"}, "properties": {}}
    assert (
        sandbox.send(post("/client/events", {"data": {"type": "event", "attributes": old}}, "2023-02-22", **KEY)).status
        == 202
    )
    (profile,) = sandbox.state()["profiles"]
    assert (profile["properties"], profile["lists"]) == ({"a": 1}, [list_id])
    assert len(sandbox.state()["events"]) == 1


@pytest.mark.parametrize("revision", ["2024-10-15", CURRENT])
def test_a_dropped_phone_number_gets_no_consent(sandbox: Sandbox, revision: str) -> None:
    joined = sandbox.add_list("L", opt_in_process="single_opt_in")
    consent = {"marketing": {"consent": "SUBSCRIBED"}}
    named = {"subscriptions": {"email": consent, "sms": consent}} if revision == CURRENT else {}
    reply = sandbox.send(client_subscription(joined, revision, email="ada@b.co", phone_number="123", **named))
    assert (reply.status, reply.headers["x-klaviyo-partial-failure"]) == (202, "phone_number")
    profile = sandbox.profile("ada@b.co")
    assert profile is not None
    assert set(profile["subscriptions"]) == {"email"}
