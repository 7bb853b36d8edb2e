"""The legacy list calls, on either wire."""

import json
from typing import Any

import pytest

from klavier import parse_event
from klavier.klaviyo.legacy import MemberCall, MembersCall, SubscribeCall
from klavier.klaviyo.revisions import CURRENT
from tests.support.schemas import assert_valid

EVENT = parse_event({"type": "identify", "userId": "u-1"})
PEOPLE = {"$id": "u-1", "$email": "ada@example.com", "$first_name": "Ada", "plan": "Gold"}
SUBSCRIBED = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
IMPORT, SUBSCRIBE = "/api/profile-bulk-import-jobs", "/api/profile-subscription-bulk-create-jobs"


def member(email: Any = "ada@example.com", confirm_optin: Any = None, list_id: str = "baV129") -> MemberCall:
    return MemberCall(list_id, email, PEOPLE, api_key="pk_1", confirm_optin=confirm_optin)


def profiles(request: Any) -> Any:
    return [row["attributes"] for row in request.json["data"]["attributes"]["profiles"]["data"]]


def test_a_member_goes_out_as_a_form() -> None:
    request = member(confirm_optin=False).native()
    assert (request.method, request.path, request.revision) == ("POST", "/api/v1/list/baV129/members", None)
    assert request.form is not None
    form = dict(request.form)
    assert json.loads(form.pop("properties")) == PEOPLE
    assert form == {"email": "ada@example.com", "api_key": "pk_1", "confirm_optin": "false"}


def test_confirm_optin_can_be_left_to_klaviyo() -> None:
    assert "confirm_optin" not in (member().native().form or {})


def test_the_list_id_is_quoted() -> None:
    assert member(list_id="a/../b?c").native().path == "/api/v1/list/a%2F..%2Fb%3Fc/members"
    assert MembersCall("a/b", (), "pk").native().path == "/api/v2/list/a%2Fb/members"


@pytest.mark.parametrize("confirm_optin", [None, True, "true", 1])
def test_a_confirmed_member_is_imported_and_subscribed(confirm_optin: Any) -> None:
    imported, subscribed = member(confirm_optin=confirm_optin).current(EVENT).requests
    assert (imported.path, subscribed.path) == (IMPORT, SUBSCRIBE)
    assert "relationships" not in imported.json["data"]
    assert profiles(imported) == [
        {"external_id": "u-1", "email": "ada@example.com", "first_name": "Ada", "properties": {"plan": "Gold"}}
    ]
    assert profiles(subscribed) == [{"email": "ada@example.com", "subscriptions": SUBSCRIBED}]
    assert subscribed.json["data"]["relationships"] == {"list": {"data": {"type": "list", "id": "baV129"}}}
    assert_valid("bulk_import_profiles", CURRENT, imported.json)
    assert_valid("bulk_subscribe_profiles", CURRENT, subscribed.json)


@pytest.mark.parametrize("confirm_optin", [False, "false", "False", 0, "0", "no", "f"])
def test_an_unconfirmed_member_is_imported_into_the_list(confirm_optin: Any) -> None:
    (imported,) = member(confirm_optin=confirm_optin).current(EVENT).requests
    assert imported.json["data"]["relationships"] == {"lists": {"data": [{"type": "list", "id": "baV129"}]}}
    assert profiles(imported)[0]["email"] == "ada@example.com"
    assert_valid("bulk_import_profiles", CURRENT, imported.json)


@pytest.mark.parametrize("confirm_optin", [True, False])
def test_a_member_needs_an_address(confirm_optin: object) -> None:
    assert "needs an e-mail address" in member("nobody", confirm_optin).current(EVENT).refusal


def test_a_member_needs_somebody() -> None:
    assert "no identity" in MemberCall("L", "nobody", {}, api_key="pk").current(EVENT).refusal


def test_version_two_takes_profiles() -> None:
    rows = ({"email": "ada@example.com", "first_name": "Ada"},)
    request = SubscribeCall("L", rows, "pk_1").native()
    assert (request.method, request.path) == ("POST", "/api/v2/list/L/subscribe")
    assert request.json == {"api_key": "pk_1", "profiles": list(rows)}


def test_version_two_members_are_imported_into_the_list() -> None:
    rows = ({"email": "ada@example.com", "first_name": "Ada", "plan": "Gold"}, {"plan": "nobody's"})
    said = MembersCall("L", rows, "pk_1").current(EVENT)
    (request,) = said.requests
    assert profiles(request) == [{"email": "ada@example.com", "first_name": "Ada", "properties": {"plan": "Gold"}}]
    assert [note for note in said.notes if note.startswith("a profile left out")] == list(said.notes) != []
    assert_valid("bulk_import_profiles", CURRENT, request.json)


@pytest.mark.parametrize(
    ("extra", "channels"),
    [
        ({}, {"email"}),
        ({"$consent": "email"}, {"email"}),
        ({"$consent": ["sms"]}, {"sms"}),
        ({"$consent": ["email", "sms", "web"]}, {"email", "sms"}),
        ({"$consent": ["web"]}, {"email"}),
        ({"sms_consent": True}, {"email", "sms"}),
        ({"sms_consent": False}, {"email"}),
        ({"sms_consent": "false"}, {"email"}),
        ({"sms_consent": "yes"}, {"email", "sms"}),
        ({"$consent": ["web", "directmail"], "sms_consent": 0}, {"email"}),
    ],
)
def test_consent_names_the_channels(extra: dict[str, Any], channels: set[str]) -> None:
    row = {"email": "ada@example.com", "phone_number": "+14155552671", **extra}
    imported, subscribed = SubscribeCall("L", (row,), "pk").current(EVENT).requests
    assert set(profiles(subscribed)[0]["subscriptions"]) == channels
    assert profiles(imported)[0]["phone_number"] == "+14155552671"
    assert_valid("bulk_subscribe_profiles", CURRENT, subscribed.json)
    assert_valid("bulk_import_profiles", CURRENT, imported.json)


def test_an_unknown_confirmation_asks_for_one_with_a_note() -> None:
    translation = member(confirm_optin="perhaps").current(EVENT)
    assert len(translation.requests) == 2
    assert translation.notes == (
        "confirm_optin left out: a string that is neither true nor false; the profile is asked for a confirmation",
    )


@pytest.mark.parametrize("consent", ["email,sms", ["letter"], ["email", "fax"], 5])
def test_an_unknown_word_of_consent_is_noted_and_subscribes_to_nothing(consent: Any) -> None:
    row = {"email": "ada@example.com", "$consent": consent, "sms_consent": "perhaps"}
    translation = SubscribeCall("L", (row,), "pk").current(EVENT)
    if isinstance(consent, list) and "email" in consent:
        assert [note.split(":")[0] for note in translation.notes] == ["$consent left out", "sms_consent left out"]
    else:
        assert "subscription needs" in translation.refusal


def test_consent_needs_its_identifier() -> None:
    said = SubscribeCall("L", ({"email": "ada@example.com", "$consent": ["email", "sms"]},), "pk").current(EVENT)
    assert said.notes == ("sms consent left out: the profile has no phone_number",)
    assert "subscription needs" in SubscribeCall("L", ({"id": "u-1"},), "pk").current(EVENT).refusal
    assert "no identity" in MembersCall("L", ({"plan": "x"},), "pk").current(EVENT).refusal
