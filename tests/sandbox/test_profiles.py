"""Profiles one by one: create, read, update, upsert, merge, delete."""

from typing import Any

import pytest

from klavier.klaviyo.response import Response
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from tests.support.klaviyo import create, deletion, event, get, patch, post, profile_data, upsert


def the_profile(sandbox: Sandbox) -> dict[str, Any]:
    (profile,) = sandbox.state()["profiles"]
    return dict(profile)


def data_id(response: Response) -> str:
    assert response.data_id is not None
    return response.data_id


def test_creating_answers_with_the_profile(sandbox: Sandbox) -> None:
    response = sandbox.send(create(email="Ada@B.co", first_name="Ada", properties={"plan": "pro"}))
    assert response.status == 201
    data = response.json["data"]
    assert data["type"] == "profile"
    assert data["attributes"]["email"] == "ada@b.co"
    assert data["attributes"]["properties"] == {"plan": "pro"}
    assert sandbox.send(get(f"/api/profiles/{data['id']}")).json["data"] == data


@pytest.mark.parametrize("again", [{"email": "ada@b.co"}, {"phone_number": "+15005550006"}, {"external_id": "u1"}])
def test_creating_with_a_taken_identifier_names_the_owner(sandbox: Sandbox, again: dict[str, str]) -> None:
    owner = sandbox.send(create(email="ada@b.co", phone_number="+15005550006", external_id="u1")).data_id
    response = sandbox.send(create(**again, first_name="Eve"))
    assert response.status == 409
    assert response.duplicate_profile_id == owner
    (error,) = response.errors
    assert (error.code, error.pointer) == ("duplicate_profile", "/data/attributes")
    assert the_profile(sandbox)["attributes"] == {}


def test_upserting_answers_201_then_200(sandbox: Sandbox) -> None:
    first, second = sandbox.send(upsert(email="ada@b.co")), sandbox.send(upsert(email="ADA@b.co", first_name="Ada"))
    assert (first.status, second.status) == (201, 200)
    assert first.data_id == second.data_id


def test_absence_keeps_and_null_clears(sandbox: Sandbox) -> None:
    place = {"city": "London", "zip": "W1"}
    sandbox.send(
        upsert(email="ada@b.co", external_id="u1", title="Countess", location=place, properties={"a": 1, "b": 2})
    )
    sandbox.send(upsert(email="ada@b.co", title=None, external_id=None, location={"zip": None}, properties={"a": None}))
    profile = the_profile(sandbox)
    assert profile["identifiers"] == {"email": "ada@b.co"}
    assert profile["attributes"] == {}
    assert profile["location"] == {"city": "London"}
    assert profile["properties"] == {"b": 2}
    sandbox.send(upsert(email="ada@b.co", location=None))
    assert the_profile(sandbox)["location"] == {}


def test_updating_by_id(sandbox: Sandbox) -> None:
    found = data_id(sandbox.send(create(email="ada@b.co")))
    response = sandbox.send(patch(found, phone_number="+15005550006", last_name="King"))
    assert response.status == 200
    assert the_profile(sandbox)["identifiers"] == {"email": "ada@b.co", "phone_number": "+15005550006"}


def test_updating_with_the_identifier_of_another_profile_is_refused(sandbox: Sandbox) -> None:
    ada, bob = data_id(sandbox.send(create(email="ada@b.co"))), data_id(sandbox.send(create(email="bob@b.co")))
    response = sandbox.send(patch(bob, email="ada@b.co", first_name="Bob"))
    assert (response.status, response.duplicate_profile_id) == (409, ada)
    assert sandbox.profile(bob) == sandbox.profile("bob@b.co")


def test_updating_without_an_identifier_is_refused(sandbox: Sandbox) -> None:
    response = sandbox.send(patch("01NOBODY", first_name="Ada"))
    assert response.status == 404
    assert response.errors[0].code == "not_found"


def test_updating_with_another_id_in_the_body(sandbox: Sandbox) -> None:
    found = data_id(sandbox.send(create(email="ada@b.co")))
    request = patch("01OTHER", first_name="Eve")
    response = sandbox.handle(
        "PATCH",
        f"/api/profiles/{found}",
        headers={
            "Authorization": "Klaviyo-API-Key pk_sandbox",
            "revision": CURRENT,
            "Content-Type": "application/json",
        },
        body=request.body,
    )
    assert response[0] == 400


def test_upserting_by_an_unknown_id(sandbox: Sandbox) -> None:
    assert sandbox.send(upsert("01NOBODY", email="ada@b.co")).status == 404


def test_upserting_an_id_with_the_address_of_another_profile_is_a_404(sandbox: Sandbox) -> None:
    sandbox.send(create(email="ada@b.co"))
    bob = data_id(sandbox.send(create(email="bob@b.co")))
    response = sandbox.send(upsert(bob, email="ada@b.co"))
    assert (response.status, response.errors[0].pointer) == (404, "/data/")
    assert sandbox.send(upsert(bob, email="robert@b.co")).status == 200


def test_upserting_identifiers_of_two_profiles_is_a_409(sandbox: Sandbox) -> None:
    sandbox.send(create(email="ada@b.co"))
    phone = data_id(sandbox.send(create(phone_number="+15005550006")))
    response = sandbox.send(upsert(email="ada@b.co", phone_number="+15005550006"))
    assert (response.status, response.duplicate_profile_id) == (409, phone)
    assert len(sandbox.state()["profiles"]) == 2


def test_a_new_identifier_is_added_to_the_profile_that_another_one_finds(sandbox: Sandbox) -> None:
    sandbox.send(upsert(external_id="u1"))
    sandbox.send(upsert(external_id="u1", email="ada@b.co"))
    sandbox.send(upsert(external_id="u1", email="countess@b.co"))
    assert the_profile(sandbox)["identifiers"] == {"email": "countess@b.co", "external_id": "u1"}
    assert sandbox.profile("ada@b.co") is None


@pytest.mark.parametrize("request_of", [upsert, create])
def test_an_invalid_phone_number_as_the_only_identifier_is_refused(sandbox: Sandbox, request_of: Any) -> None:
    response = sandbox.send(request_of(phone_number="500 555 0006"))
    assert response.status == 400
    assert response.errors[0].pointer == "/data/attributes/phone_number"
    assert sandbox.state()["profiles"] == []


def test_an_invalid_phone_number_beside_an_address_is_dropped_with_a_warning(sandbox: Sandbox) -> None:
    response = sandbox.send(upsert(email="ada@b.co", phone_number="500 555 0006"))
    assert response.status == 201
    assert response.headers["x-klaviyo-partial-failure"] == "phone_number"
    assert the_profile(sandbox)["identifiers"] == {"email": "ada@b.co"}


def test_a_phone_number_alone_needs_sms() -> None:
    assert Sandbox(sms=False).send(upsert(phone_number="+15005550006")).status == 400
    assert Sandbox(sms=False).send(upsert(phone_number="+15005550006", external_id="u1")).status == 201
    assert Sandbox().send(upsert(phone_number="+15005550006")).status == 201


@pytest.mark.parametrize("bad", ["", "ada", "ada@b", "a da@b.co", "a@" + "b" * 100 + ".co"])
def test_bad_addresses_are_refused(sandbox: Sandbox, bad: str) -> None:
    response = sandbox.send(upsert(email=bad, external_id="u1"))
    assert (response.status, response.errors[0].pointer) == (400, "/data/attributes/email")


def test_a_profile_without_identifiers_is_not_created(sandbox: Sandbox) -> None:
    response = sandbox.send(upsert(first_name="Ada"))
    assert (response.status, response.errors[0].pointer) == (400, "/data/attributes")


def test_a_profile_beyond_100_kb_is_refused(sandbox: Sandbox) -> None:
    fits, over = {"notes": "x" * 99_900}, {"notes": "x" * 100_000}
    assert sandbox.send(upsert(email="ada@b.co", properties=fits)).status == 201
    assert sandbox.send(upsert(email="bob@b.co", properties=over)).status == 400
    assert sandbox.send(patch(the_profile(sandbox)["id"], properties=over)).status == 400


def test_merging_moves_everything_into_the_destination(sandbox: Sandbox) -> None:
    keep = data_id(sandbox.send(upsert(email="ada@b.co", first_name="Ada", properties={"a": 1})))
    other = data_id(sandbox.send(upsert(phone_number="+15005550006", first_name="Eve", properties={"a": 2, "b": 3})))
    sandbox.send(event(profile=profile_data(email="ada@b.co"), unique_id="e1", properties={"of": "ada"}))
    sandbox.send(event(profile=profile_data(phone_number="+15005550006"), unique_id="e1", properties={"of": "eve"}))
    sandbox.send(event(profile=profile_data(phone_number="+15005550006"), unique_id="e2"))
    body = {
        "data": {
            "type": "profile-merge",
            "id": keep,
            "relationships": {"profiles": {"data": [{"type": "profile", "id": other}]}},
        }
    }
    response = sandbox.send(post("/api/profile-merge", body))
    assert (response.status, response.data_id) == (201, keep)
    profile = the_profile(sandbox)
    assert profile["identifiers"] == {"email": "ada@b.co", "phone_number": "+15005550006"}
    assert profile["attributes"] == {"first_name": "Ada"}
    assert profile["properties"] == {"a": 1, "b": 3}
    assert sorted((e["unique_id"], e["properties"].get("of")) for e in sandbox.state()["events"]) == [
        ("e1", "ada"),
        ("e2", None),
    ]
    assert sandbox.send(post("/api/profile-merge", body)).status == 404


def test_a_profile_is_not_merged_into_itself(sandbox: Sandbox) -> None:
    found = data_id(sandbox.send(upsert(email="ada@b.co")))
    sources = {"profiles": {"data": [{"type": "profile", "id": found}]}}
    body = {"data": {"type": "profile-merge", "id": found, "relationships": sources}}
    assert sandbox.send(post("/api/profile-merge", body)).status == 400
    assert sandbox.profile("ada@b.co")


def test_a_deletion_request_removes_the_profile(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters")
    sandbox.send(event(profile=profile_data(email="ada@b.co", phone_number="+15005550006", anonymous_id="a1")))
    assert sandbox.send(deletion(email="ADA@b.co")).status == 202
    state = sandbox.state()
    assert (state["profiles"], state["events"], state["lists"][0]["profiles"]) == ([], [], [])
    assert list_id
    assert sandbox.send(create(phone_number="+15005550006")).status == 201


def test_deleting_by_id_and_phone_number(sandbox: Sandbox) -> None:
    found = data_id(sandbox.send(create(email="ada@b.co")))
    sandbox.send(create(phone_number="+15005550006"))
    assert sandbox.send(deletion(id=found)).status == 202
    assert sandbox.send(deletion(phone_number="+15005550006")).status == 202
    assert sandbox.send(deletion(email="nobody@b.co")).status == 202
    assert sandbox.state()["profiles"] == []


def test_deleting_takes_exactly_one_identifier(sandbox: Sandbox) -> None:
    sandbox.send(create(email="ada@b.co"))
    assert sandbox.send(deletion(email="ada@b.co", phone_number="+15005550006")).status == 400
    assert sandbox.send(deletion()).status == 400
    assert sandbox.profile("ada@b.co")
