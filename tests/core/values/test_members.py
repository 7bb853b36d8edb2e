"""Members of an event that no vendor can read."""

from typing import Any

import pytest

from klavier.values import misplaced_members


@pytest.mark.parametrize(
    ("kind", "members", "notes"),
    [
        ("track", {"properties": '{"plan":"pro"}'}, ("properties left out: a string where an object is expected",)),
        ("track", {"properties": [{"plan": "pro"}]}, ("properties left out: an array where an object is expected",)),
        ("identify", {"traits": "{}"}, ("traits left out: a string where an object is expected",)),
        ("alias", {"context": "{}"}, ("context left out: a string where an object is expected",)),
        ("page", {"context": {"traits": "{}"}}, ("context.traits left out: a string where an object is expected",)),
        ("track", {"integrations": '{"All": false}'}, ("integrations left out: a string where an object is expected",)),
        ("track", {"traits": "{}", "properties": None, "context": {}}, ()),
        ("track", {"properties": [], "context": ""}, ()),
    ],
)
def test_members_of_the_wrong_kind(kind: str, members: dict[str, Any], notes: tuple[str, ...]) -> None:
    assert misplaced_members({"type": kind, **members}, kind) == notes


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("user_id", "userId"),
        ("UserID", "userId"),
        ("message_id", "messageId"),
        ("anonymous_id", "anonymousId"),
        ("group-id", "groupId"),
        ("propertis", "properties"),
        ("trait", "traits"),
        ("time_stamp", "timestamp"),
        ("email", "traits.email"),
        ("distinct_id", "properties.distinct_id"),
    ],
)
def test_misspelt_members(name: str, meant: str) -> None:
    assert misplaced_members({"type": "track", name: 1}, "track") == (
        f"{name} is no member of an event; did you mean {meant}?",
    )


@pytest.mark.parametrize(
    "name", ["plan", "status", "uuid", "content", "_metadata", "$options", "user_id\x1b[1m", "x" * 30_000, "", "имя"]
)
def test_other_members_are_no_mistake(name: str) -> None:
    assert misplaced_members({"type": "track", name: 1}, "track") == ()


def test_an_event_of_the_specification_has_no_notes() -> None:
    payload = {
        "type": "identify", "userId": "u", "anonymousId": "a", "messageId": "m", "timestamp": "2024-03-01",
        "originalTimestamp": "2024-03-01", "sentAt": "2024-03-01", "receivedAt": "2024-03-01", "channel": "server",
        "version": 2, "integrations": {"All": True}, "context": {"traits": {}}, "traits": {"plan": "pro"},
        "writeKey": "k", "projectId": "p", "_metadata": {}, "rudderId": "r", "request_ip": "1.2.3.4",
    }  # fmt: skip
    assert misplaced_members(payload, "identify") == ()
