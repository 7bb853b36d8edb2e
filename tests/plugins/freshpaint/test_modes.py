from typing import Any

import pytest

from klavier import ConfigError, load_vendor
from tests.support.freshpaint import IDENTIFY, KEYS, TRACK, native, rehearsed

HIPAA = {"hipaa_mode": True, "mask_secret": "a long random text", "allowed_properties": ["itemType", "firstName"]}
ACCOUNTS = {"property": "brand", "tokens": {"north": "NorTh1", "7": "SeVen7"}}


def branded(brand: Any) -> dict[str, Any]:
    return {"type": "track", "event": "E", "userId": "u", "properties": {"brand": brand}}


def test_hipaa_mode_sends_only_allowed_properties_and_masks_ids() -> None:
    properties = native(IDENTIFY, **HIPAA)[1]["properties"]
    assert set(properties) == {"$first_name", "$id"}
    assert properties["$id"] != "user-1"
    assert len(properties["$id"]) == 64
    document = native(TRACK, **HIPAA)[1]
    assert document["customer_properties"] == {"$id": properties["$id"]}
    assert document["properties"] == {"itemType": "image"}


def test_properties_left_out_in_hipaa_mode_are_noted_by_name_only() -> None:
    (outcome,) = rehearsed(IDENTIFY, **HIPAA).outcomes
    assert set(outcome.notes) == {
        "traits.email left out: it is not among allowed_properties",
        "traits.plan left out: it is not among allowed_properties",
    }


def test_no_personal_data_is_sent_unless_allowed() -> None:
    written = repr(
        [request.json for request in rehearsed(IDENTIFY, **HIPAA).requests + rehearsed(TRACK, **HIPAA).requests]
    )
    assert "ada@shop.test" not in written
    assert "user-1" not in written


def test_the_mask_depends_on_the_secret_and_can_be_off() -> None:
    one = native(IDENTIFY, **HIPAA)[1]["properties"]["$id"]
    other = native(IDENTIFY, **{**HIPAA, "mask_secret": "another"})[1]["properties"]["$id"]
    assert one != other
    assert native(IDENTIFY, **{**HIPAA, "mask_ids": False})[1]["properties"]["$id"] == "user-1"


@pytest.mark.parametrize(("brand", "token"), [("north", "NorTh1"), (7, "SeVen7")])
def test_the_value_of_a_property_names_the_account(brand: Any, token: str) -> None:
    assert native(branded(brand), tokens_by_property=ACCOUNTS)[1]["token"] == token


@pytest.mark.parametrize("brand", ["south", None, ["north"], {}])
def test_an_unknown_value_is_skipped_with_that_reason(brand: Any) -> None:
    (outcome,) = rehearsed(branded(brand), tokens_by_property=ACCOUNTS).outcomes
    assert (outcome.kind, "no account for this value" in outcome.reason) == ("skipped", True)


def test_several_accounts_use_their_public_keys_on_the_current_wire() -> None:
    (request,) = rehearsed(branded("north"), tokens_by_property=ACCOUNTS).requests
    assert (request.path, request.params) == ("/client/events", {"company_id": "NorTh1"})


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({**KEYS, "hipaa_mode": True, "mask_secret": "s", "connection_mode": "device"}, "hipaa_mode"),
        ({**KEYS, "hipaa_mode": True}, "mask_secret"),
        ({"public_api_key": "AbC123"}, "private_api_key"),
        ({"wire": "native"}, "public_api_key"),
        ({**KEYS, "public_api_key": "no key!"}, "public_api_key"),
        ({**KEYS, "tokens_by_property": {"property": "brand"}}, "tokens"),
        ({**KEYS, "enabled_event": ["all"]}, "enabled_events"),
    ],
)
def test_conflicting_settings_are_named(settings: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigError, match=place):
        load_vendor("freshpaint", settings)


def test_secrets_are_in_no_repr() -> None:
    vendor = load_vendor("freshpaint", {**KEYS, **HIPAA})
    assert "pk_secret" not in repr(vendor.settings)
    assert "a long random text" not in repr(vendor.settings)
