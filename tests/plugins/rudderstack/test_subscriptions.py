"""Subscribing and unsubscribing: lists, consents, channels, jobs shared by several profiles."""

from typing import Any

import pytest

from klavier import Outcome, Response
from klavier_rudderstack.cloud.subscriptions import (
    NO_ACCEPTED_CONTACT,
    NO_CHANNEL_CONSENT,
    NO_CHANNELS,
    NO_MATCHING_CHANNEL,
)
from tests.support.rudderstack import outcome, rehearsal

SUBSCRIBE = "/api/profile-subscription-bulk-create-jobs"
UNSUBSCRIBE = "/api/profile-subscription-bulk-delete-jobs"
PERSON = {"email": "a@b.co", "phone": "+14155550000"}


def identify(user: str = "u", /, **control: Any) -> dict[str, Any]:
    traits = {"email": f"{user}@b.co", "properties": {"subscribe": True, **control}}
    return {"type": "identify", "messageId": f"m-{user}", "userId": user, "traits": traits}


def group(user: str = "u", /, group_id: Any = "L1", **traits: Any) -> dict[str, Any]:
    traits = {"email": f"{user}@b.co", "subscribe": True, **traits}
    return {"type": "group", "messageId": f"g-{user}", "userId": user, "groupId": group_id, "traits": traits}


def entries(body: Any) -> list[Any]:
    found: list[Any] = body["data"]["attributes"]["profiles"]["data"]
    return found


def list_of(body: Any) -> str:
    found: str = body["data"]["relationships"]["list"]["data"]["id"]
    return found


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_list_of_the_event_wins_over_the_setting(version: str) -> None:
    settings: dict[str, Any] = {"api_version": version, "list_id": "L0", "consent": "email"}
    assert list_of(rehearsal(identify(listId="L1"), **settings).requests[1].json) == "L1"
    assert list_of(rehearsal(identify(), **settings).requests[1].json) == "L0"
    assert list_of(rehearsal(identify(listId=7), **settings).requests[1].json) == "7"
    assert len(rehearsal(identify(), **{**settings, "list_id": ""}).requests) == 1


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("payload", [identify(listId=42), group(group_id=42)])
def test_numeric_list_ids_are_text_but_in_v1_sent_exactly(version: str, payload: dict[str, Any]) -> None:
    settings: dict[str, Any] = {"api_version": version, "consent": "email"}
    for wire, fidelity in (("current", "documented"), ("current", "deployed"), ("native", "documented")):
        body = rehearsal(payload, **settings, wire=wire, fidelity=fidelity).requests[-1].json
        found = body["data"]["attributes"].get("list_id") or list_of(body)
        assert found == "42"
    exact = rehearsal(payload, payload, **settings, wire="native", fidelity="deployed").requests[-1].json
    assert (exact["data"]["attributes"].get("list_id") or list_of(exact)) == (42 if version == "v1" else "42")


@pytest.mark.parametrize(("version", "last"), [("v1", None), ("v2", UNSUBSCRIBE), ("v3", UNSUBSCRIBE)])
@pytest.mark.parametrize("wire", ["current", "native"])
def test_subscribe_false(version: str, last: str | None, wire: str) -> None:
    payload = identify(subscribe=False, listId="L1")
    result = rehearsal(payload, api_version=version, consent="email", wire=wire, fidelity="deployed")
    jobs = [request.path for request in result.requests if "subscription" in request.path]
    assert jobs == ([] if last is None else [last])


def test_channels_of_an_unsubscription() -> None:
    payload = {"type": "group", "groupId": "L1", "traits": {**PERSON, "subscribe": False}}
    native = entries(rehearsal(payload, api_version="v2", wire="native", consent="email").requests[0].json)
    assert native == [{"type": "profile", "attributes": {"email": "a@b.co", "phone_number": "+14155550000"}}]
    off = {"marketing": {"consent": "UNSUBSCRIBED"}}
    today = entries(rehearsal(payload, api_version="v2", consent="email").requests[0].json)
    assert today[0]["attributes"]["subscriptions"] == {"email": off, "sms": off}
    third = entries(rehearsal(payload, api_version="v3", consent="email").requests[0].json)
    assert third[0]["attributes"]["subscriptions"] == {"email": off}


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("consent", ["email", "web", "sms", "directmail", "mobile"])
def test_every_consent_can_be_configured(version: str, consent: str) -> None:
    payload = {"type": "group", "groupId": "L1", "traits": {**PERSON, "subscribe": True}}
    result = rehearsal(payload, api_version=version, consent=consent)
    if consent in ("email", "sms"):
        assert set(entries(result.requests[0].json)[0]["attributes"]["subscriptions"]) == {consent}
    else:
        assert result.outcomes[0].reason == (NO_CHANNELS if version == "v3" else NO_CHANNEL_CONSENT)


@pytest.mark.parametrize("consent", [None, []])
def test_without_a_consent_every_identifier_is_subscribed(consent: Any) -> None:
    payload = {"type": "group", "groupId": "L1", "traits": {**PERSON, "subscribe": True}}
    settings: dict[str, Any] = {} if consent is None else {"consent": consent}
    for version in ("v1", "v2"):
        found = entries(rehearsal(payload, api_version=version, **settings).requests[0].json)[0]["attributes"]
        assert set(found["subscriptions"]) == {"email", "sms"}
    assert outcome(payload, api_version="v3", **settings).reason == NO_CHANNELS


def test_consent_of_the_event_wins() -> None:
    traits = {**PERSON, "properties": {"subscribe": True, "listId": "L1", "consent": ["sms"]}}
    payload = {"type": "identify", "userId": "u", "traits": traits}
    for version in ("v1", "v2", "v3"):
        body = rehearsal(payload, api_version=version, consent="email").requests[1].json
        assert set(entries(body)[0]["attributes"]["subscriptions"]) == {"sms"}


def test_profile_without_contact_is_only_imported() -> None:
    payload = {"type": "identify", "userId": "u", "traits": {"properties": {"subscribe": True, "listId": "L1"}}}
    for version, wire in (("v1", "current"), ("v1", "native"), ("v2", "current"), ("v2", "native")):
        result = rehearsal(payload, api_version=version, wire=wire)
        assert len(result.requests) == 1
        assert result.outcomes[0].notes == (NO_ACCEPTED_CONTACT,)


def test_profile_without_a_matching_consent_is_only_imported() -> None:
    result = rehearsal(identify(listId="L1"), consent="sms")
    assert [request.path for request in result.requests] == ["/api/profile-import"]
    assert result.outcomes[0].notes == (NO_MATCHING_CHANNEL,)


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("missing", [None, "", 0])
def test_a_group_call_needs_a_list(version: str, missing: Any) -> None:
    assert (
        outcome(group(group_id=missing), api_version=version).reason == "groupId is a required field for group events"
    )


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("wire", ["current", "native"])
def test_profiles_of_one_list_share_a_job_of_up_to_100(version: str, wire: str) -> None:
    payloads = [group(f"u{number}") for number in range(250)]
    result = rehearsal(*payloads, api_version=version, wire=wire, consent="email")
    assert {o.kind for o in result.outcomes} == {"delivered"}
    bodies = [request.json["data"]["attributes"] for request in result.requests]
    jobs = [body["subscriptions"] if "subscriptions" in body else body["profiles"]["data"] for body in bodies]
    assert list(map(len, jobs)) == [100, 100, 50]
    emails = [entry.get("email") or entry["attributes"]["email"] for part in jobs for entry in part]
    assert emails == [f"u{number}@b.co" for number in range(250)]


def test_profiles_are_sent_before_their_job() -> None:
    result = rehearsal(
        identify("a", listId="L1"), identify("b", listId="L2"), identify("c", listId="L1"), consent="email"
    )
    assert [(r.path, r.json["data"]["attributes"].get("external_id")) for r in result.requests] == [
        ("/api/profile-import", "a"),
        ("/api/profile-import", "c"),
        (SUBSCRIBE, None),
        ("/api/profile-import", "b"),
        (SUBSCRIBE, None),
    ]


def test_lists_types_and_operations_have_separate_jobs() -> None:
    payloads = [group("a"), group("b", "L2"), group("c", subscribe=False), identify("d", listId="L1"), group("e")]
    result = rehearsal(*payloads, consent="email", api_version="v3")
    jobs = [(r.path, list_of(r.json), len(entries(r.json))) for r in result.requests if "subscription" in r.path]
    assert jobs == [(SUBSCRIBE, "L1", 2), (SUBSCRIBE, "L2", 1), (UNSUBSCRIBE, "L1", 1), (SUBSCRIBE, "L1", 1)]


def test_events_of_one_profile_keep_their_order() -> None:
    payloads = [group("a"), group("b"), group("a", subscribe=False), group("b"), group("a")]
    requests = rehearsal(*payloads, consent="email", api_version="v3").requests
    sent = [(r.path == SUBSCRIBE, entry["attributes"]["email"]) for r in requests for entry in entries(r.json)]
    assert [subscribed for subscribed, email in sent if email == "a@b.co"] == [True, False, True]
    assert len(requests) == 3


def test_members_are_added_together() -> None:
    replies = [Response(201, {"data": {"id": f"01{number}"}}) for number in range(3)]
    payloads = [identify(f"u{number}", subscribe=None) for number in range(3)]
    result = rehearsal(*payloads, list_id="L1", replies=replies)
    assert result.requests[-1].path == "/api/lists/L1/relationships/profiles"
    assert result.requests[-1].json == {"data": [{"type": "profile", "id": f"01{number}"} for number in range(3)]}


def test_list_id_is_quoted_in_the_path() -> None:
    requests = rehearsal(
        identify(subscribe=None, listId="../../x?y"), replies=[Response(201, {"data": {"id": "01"}})]
    ).requests
    assert requests[-1].path == "/api/lists/..%2F..%2Fx%3Fy/relationships/profiles"


BAD = Response(400, {"errors": [{"code": "invalid", "detail": "no", "source": {"pointer": ""}}]})


def refused(*rows: int) -> Response:
    place = "/data/attributes/profiles/data/{}/attributes/email"
    errors = [{"code": "invalid", "detail": "bad", "source": {"pointer": place.format(row)}} for row in rows]
    return Response(400, {"errors": errors})


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [each.kind for each in outcomes]


def test_refused_entries_are_removed_and_the_rest_is_sent_again() -> None:
    payloads = [group(f"u{number}") for number in range(3)]
    result = rehearsal(*payloads, consent="email", replies=[refused(1)])
    assert kinds(result.outcomes) == ["delivered", "failed", "delivered"]
    assert [entry["attributes"]["email"] for entry in entries(result.requests[1].json)] == ["u0@b.co", "u2@b.co"]


@pytest.mark.parametrize("reply", [BAD, refused(0, 1, 2), refused(7), Response(400, "odd"), Response(500), Response(0)])
def test_other_refusals_fail_the_whole_job(reply: Response) -> None:
    payloads = [group(f"u{number}") for number in range(3)]
    result = rehearsal(*payloads, consent="email", replies=[reply])
    assert kinds(result.outcomes) == ["failed"] * 3
    assert {each.retryable for each in result.outcomes} == {reply.retryable}


def test_profile_that_fails_is_left_out_of_the_job() -> None:
    replies = [BAD, Response(201, {"data": {"id": "01"}})]
    result = rehearsal(identify("a", listId="L1"), identify("b", listId="L1"), consent="email", replies=replies)
    assert kinds(result.outcomes) == ["failed", "delivered"]
    assert [entry["attributes"]["email"] for entry in entries(result.requests[-1].json)] == ["b@b.co"]


def test_reply_without_a_profile_id_fails_retryably() -> None:
    result = rehearsal(identify(subscribe=None, listId="L1"), replies=[Response(200, {})])
    assert (result.outcomes[0].kind, result.outcomes[0].retryable) == ("failed", True)
    assert len(result.requests) == 1
