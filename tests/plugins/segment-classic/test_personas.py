"""Personas: audiences arrive as identify messages."""

from typing import Any

import pytest

from klavier_segment_classic.personas import to_snake_case
from tests.support.segment_classic import outcome, rehearsed, sent_traits

AUDIENCE: dict[str, Any] = {
    "type": "identify",
    "userId": "u-1",
    "traits": {"order_completed_last_30days": True},
    "context": {"personas": {"computation_class": "audience", "computation_key": "order_completed_last_30days"}},
}


def properties(event: dict[str, Any], **settings: Any) -> Any:
    found = rehearsed(event, wire="current", **settings)
    (request,) = found.requests
    return request.json["data"]["attributes"]["properties"]


@pytest.mark.parametrize("member", [True, False])
def test_membership_is_a_property(member: object) -> None:
    event = {**AUDIENCE, "traits": {"order_completed_last_30days": member}}
    assert properties(event)["order_completed_last_30days"] is member


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Order Completed Last 30days", "order_completed_last_30days"),
        ("bigSpenders", "big_spenders"),
        ("VIP - gold!", "vip_gold"),
        ("already_there", "already_there"),
    ],
)
def test_snake_case(name: str, key: str) -> None:
    assert to_snake_case(name) == key


def test_a_name_is_snake_cased_where_the_sender_did_not() -> None:
    event = {**AUDIENCE, "traits": {"Order Completed Last 30days": True, "Other Name": True, "plan": "x"}}
    assert properties(event) == {"order_completed_last_30days": True, "Other Name": True, "plan": "x", "id": "u-1"}
    kept = properties(event, fidelity="deployed")
    assert "Order Completed Last 30days" in kept


def test_traits_of_other_messages_keep_their_names() -> None:
    assert sent_traits({"Order Completed Last 30days": True})["Order Completed Last 30days"] is True


def test_a_list_id_is_noted_with_the_documents_warning() -> None:
    event = {**AUDIENCE, "traits": {**AUDIENCE["traits"], "email": "a@b.co"}}
    (note,) = outcome(event, list_id="L").notes
    assert "never removes" in note
    assert outcome(event).notes == ()
