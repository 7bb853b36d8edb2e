"""Reverse ETL with a visual mapping: identify calls with `context.mappedToDestination`."""

from typing import Any

import pytest

from klavier import load_vendor, parse_event
from tests.support.rudderstack import KEYS, profile, rehearsal, request

SUBSCRIBE = "/api/profile-subscription-bulk-create-jobs"
UNSUBSCRIBE = "/api/profile-subscription-bulk-delete-jobs"
VERSIONS = ["v1", "v2", "v3"]
FIDELITIES = ["documented", "deployed"]


def row(name: Any = "email", value: Any = "row@shop.test", /, **members: Any) -> dict[str, Any]:
    mapped = members.pop("mapped", True)
    ids = [{"type": "KLAVIYO-profile", "identifierType": name, "id": value}]
    context = {"mappedToDestination": mapped, "externalId": ids, **members.pop("context", {})}
    return {"type": "identify", "messageId": "m1", "traits": {"plan": "pro"}, **members, "context": context}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("wire", ["current", "native"])
def test_identifier_becomes_a_trait_and_the_user_id(version: str, fidelity: str, wire: str) -> None:
    found = profile(row(), api_version=version, fidelity=fidelity, wire=wire)
    assert (found["email"], found["external_id"]) == ("row@shop.test", "row@shop.test")
    assert found["properties"] == {"plan": "pro"}
    custom = profile(row("customer_id", "C-1"), api_version=version, fidelity=fidelity, wire=wire)
    assert (custom["external_id"], custom["properties"]) == ("C-1", {"plan": "pro", "customer_id": "C-1"})


def test_identifier_replaces_the_trait_of_the_row() -> None:
    found = profile(row("email", "new@shop.test", userId="u", traits={"email": "old@shop.test"}))
    assert (found["email"], found["external_id"]) == ("new@shop.test", "new@shop.test")


def test_traits_of_the_context_are_changed_where_the_event_has_none() -> None:
    payload = row("phone", "+14155550100", context={"traits": {"plan": "pro"}}, traits=None)
    assert profile(payload)["phone_number"] == "+14155550100"
    bare = row("email", "row@shop.test", traits=None)
    assert profile(bare) == {"external_id": "row@shop.test"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_a_mapped_row_subscribes_unless_it_contains_subscribe(version: str, fidelity: str) -> None:
    settings: dict[str, Any] = {"api_version": version, "fidelity": fidelity, "list_id": "L1", "consent": "email"}
    for control in ({}, {"properties": {"listId": "L1"}}):
        requests = rehearsal(row(traits={"plan": "pro", **control}), **settings).requests
        assert requests[-1].path == SUBSCRIBE
    stays = rehearsal(row(traits={"properties": {"subscribe": False}}), **settings).requests[-1].path
    assert stays != SUBSCRIBE
    assert (stays == UNSUBSCRIBE) is (version != "v1")


def test_a_row_without_traits_changes_no_list() -> None:
    settings: dict[str, Any] = {"list_id": "L1", "consent": "email", "fidelity": "deployed"}
    assert len(rehearsal(row(traits=None), **settings).requests) == 1


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_consent_in_the_traits_of_a_row_without_control(fidelity: str) -> None:
    payload = row(traits={"consent": ["sms"], "phone": "+14155550100"})
    settings: dict[str, Any] = {"api_version": "v3", "list_id": "L1", "consent": "email", "fidelity": fidelity}
    entry = rehearsal(payload, **settings).requests[-1].json["data"]["attributes"]["profiles"]["data"][0]
    assert set(entry["attributes"]["subscriptions"]) == ({"sms"} if fidelity == "documented" else {"email"})


@pytest.mark.parametrize("mapped", [False, None, "", 0])
def test_other_events_are_not_mapped(mapped: Any) -> None:
    assert profile(row(mapped=mapped, userId="u")) == {"external_id": "u", "properties": {"plan": "pro"}}
    track = {**row(userId="u"), "type": "track", "event": "Paid"}
    assert profile(track) == {"external_id": "u", "properties": {"plan": "pro"}}


def test_the_text_false_marks_a_row_only_as_deployed_on_the_native_wire() -> None:
    payload = row(mapped="false", userId="u")
    for settings in ({}, {"wire": "native"}, {"fidelity": "deployed"}):
        assert profile(payload, **settings)["external_id"] == "u"
    assert profile(payload, fidelity="deployed", wire="native")["external_id"] == "row@shop.test"


@pytest.mark.parametrize("ids", [None, [], "x", [None], [{"id": "R-1"}], [{"identifierType": "email"}]])
def test_incomplete_external_ids(ids: Any) -> None:
    payload = row(userId="u", traits={"email": "a@shop.test"})
    payload["context"]["externalId"] = ids
    found = profile(payload)
    assert found["email"] == "a@shop.test"
    assert found["external_id"] == ("R-1" if ids == [{"id": "R-1"}] else "u")


def test_an_identifier_without_a_value_empties_its_trait_where_values_are_sent_exactly() -> None:
    payload = row(userId="u", traits={"email": "a@shop.test"})
    payload["context"]["externalId"] = [{"identifierType": "email"}]
    for version in ("v1", "v2", "v3"):
        assert profile(payload, api_version=version)["email"] == "a@shop.test"
        exact = profile(payload, api_version=version, fidelity="deployed", wire="native")
        assert (exact["external_id"], "email" in exact) == ("u", False)


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_a_row_with_an_array_as_control_subscribes(fidelity: str) -> None:
    payload = row(traits={"properties": []})
    settings: dict[str, Any] = {"api_version": "v3", "list_id": "L1", "consent": "email", "fidelity": fidelity}
    assert [request.path for request in rehearsal(payload, **settings).requests] == [
        "/api/profile-import",
        "/api/profile-subscription-bulk-create-jobs",
    ]


def test_a_dotted_identifier_type_sets_the_nested_trait() -> None:
    assert profile(row("address.city", "Kyoto", userId="u"))["location"] == {"city": "Kyoto"}


def test_rows_are_ordered_by_the_mapped_user_id() -> None:
    vendor = load_vendor("rudderstack", KEYS)
    mapped, plain = parse_event(row("id", "R-1")), parse_event({"type": "identify", "userId": "R-1"})
    assert vendor.key(mapped) == vendor.key(plain) != vendor.key(parse_event(row("id", "R-2")))


def test_the_event_itself_is_not_changed() -> None:
    payload = row(traits={"properties": {}})
    event = parse_event(payload)
    before = repr(event.payload)
    vendor = load_vendor("rudderstack", KEYS)
    assert list(vendor.deliveries([event]))
    assert repr(event.payload) == before
    assert request(payload).json["data"]["attributes"]["email"] == "row@shop.test"
