"""Events are completed as the CDPs' own servers complete them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from klavier.gateway.addresses import Proxies
from klavier.gateway.bodies import first_element
from klavier.gateway.messages import Client, complete, read_messages

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("members", "timestamp"),
    [
        ({}, "2026-11-30T12:00:00.000Z"),
        ({"timestamp": "2026-11-30T10:00:00.000Z"}, "2026-11-30T10:00:00.000Z"),
        # the sender's clock is an hour late
        ({"timestamp": "2026-11-30T10:59:50Z", "sentAt": "2026-11-30T11:00:00Z"}, "2026-11-30T11:59:50.000Z"),
        ({"originalTimestamp": "2026-11-30T10:59:50Z", "sentAt": "2026-11-30T11:00:00Z"}, "2026-11-30T11:59:50.000Z"),
        # history that is sent now stays where it was
        ({"timestamp": "2019-01-01T00:00:00Z", "sentAt": "2026-11-30T12:00:00Z"}, "2019-01-01T00:00:00.000Z"),
        # a clock that is years off is no base for a correction
        ({"timestamp": "2026-11-30T11:00:00Z", "sentAt": "1970-01-01T00:00:00Z"}, "2026-11-30T11:00:00Z"),
        ({"timestamp": "yesterday", "sentAt": "2026-11-30T12:00:00Z"}, "yesterday"),
        ({"timestamp": "2026-11-30T11:00:00Z", "sentAt": 5}, "2026-11-30T11:00:00Z"),
    ],
)
def test_the_clock_of_the_sender_is_corrected(members: dict[str, Any], timestamp: str) -> None:
    event = complete({"type": "track", **members}, NOW, Client())
    assert event["timestamp"] == timestamp
    assert event["receivedAt"] == "2026-11-30T12:00:00.000Z"
    if "timestamp" in members:
        assert event["originalTimestamp"] == members["timestamp"]


@pytest.mark.parametrize(
    ("context", "filled"),
    [
        (None, {"ip": "192.0.2.1", "userAgent": "UA"}),
        ({"ip": "192.0.2.9"}, {"ip": "192.0.2.9", "userAgent": "UA"}),
        ({"ip": "", "userAgent": None}, {"ip": "192.0.2.1", "userAgent": "UA"}),
        ("no object", "no object"),
    ],
)
def test_what_the_sender_knows_of_the_client_counts(context: Any, filled: Any) -> None:
    given = {"type": "track"} if context is None else {"type": "track", "context": context}
    assert complete(given, NOW, Client("192.0.2.1", "UA"))["context"] == filled
    assert complete(given, NOW, Client()).get("context") == context


def test_members_of_a_batch_apply_to_each_of_its_events() -> None:
    body = {
        "batch": [{"type": "track"}, {"type": "page", "context": {"a": 1}}, {"type": "track", "context": None}, 5],
        "context": {"b": 2},
        "sentAt": "x",
    }
    assert list(read_messages(body, None)) == [
        {"type": "track", "context": {"b": 2}, "sentAt": "x"},
        {"type": "page", "context": {"a": 1}, "sentAt": "x"},
        {"type": "track", "context": {"b": 2}, "sentAt": "x"},
        5,
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (b'{"a": 1}', b'{"a": 1}'),
        (b' [ {"a": 1.0, "b": [1, 2]} , {"c": 3}]', b'{"a": 1.0, "b": [1, 2]}'),
        (b"[]", b"[]"),
        (b"[broken", b"[broken"),
        ('["é"]'.encode(), '"é"'.encode()),
    ],
)
def test_the_first_element_is_found_as_it_is_written(text: bytes, first: bytes) -> None:
    assert first_element(text) == first


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("203.0.113.1", "198.51.100.7", "203.0.113.1"),  # nobody whom we trust says so
        ("10.0.0.2", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "1.1.1.1, 198.51.100.7, 10.0.0.9", "198.51.100.7"),  # what the client wrote itself is not believed
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("10.0.0.2", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.2", "198.51.100.7:50123", "198.51.100.7"),
        ("10.0.0.2", "[2001:db8::1]:50123, 10.0.0.9:443", "2001:db8::1"),
        ("10.0.0.2", "[]", "10.0.0.2"),
        ("", "198.51.100.7", ""),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, header: str, client: str) -> None:
    assert Proxies(["10.0.0.0/8"]).client_address(peer, header) == client
