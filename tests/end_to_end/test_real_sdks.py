"""What the vendors' own SDKs post is read whole, and delivered to a Klaviyo in the process."""

import datetime as dt
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, get_args

import pytest

import klavier
from klavier import Event, Outcome
from klavier.flows.drivers import deliver, in_order, plan
from klavier.sandbox import Sandbox
from tests.support.documented_calls import Call, Method, Sdk, documented_calls
from tests.support.sdks import Captured, capture

WHEN = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
ODD: dict[str, Any] = {
    "text": 'Zoë \u2028 </script> \U0001f600 \\u0022 "',
    "numbers": [0, -1, 2**63 - 1, 0.1, 1e21, -0.0],
    "nothing": None,
    "yes": True,
    "deep": {"a": [{"b": {"c": []}}]},
    "day": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    "": "empty key",
}


def every_method(sdk: Sdk) -> list[Call]:
    """Call each method of a client, with odd values where it takes any."""
    who = {"user_id": "u1", "anonymous_id": "a1", "timestamp": WHEN}
    arguments: dict[Method, dict[str, Any]] = {
        "identify": {**who, "traits": {"email": "ada@example.com", "odd": ODD}},
        "track": {
            **who,
            "context": {"ip": "192.0.2.44"},
            "event": "Signed Up",
            "properties": dict(ODD),
            "integrations": {"Klaviyo": True},
        },
        "page": {**who, "category": "Docs", "name": "Home", "properties": dict(ODD)},
        "screen": {**who, "category": "Docs", "name": "Home", "properties": dict(ODD)},
        "group": {**who, "group_id": "g1", "traits": {"name": "Acme", "odd": ODD}},
        "alias": {"previous_id": "old", "user_id": "u1", "timestamp": WHEN},
    }
    assert set(arguments) == set(get_args(Method))
    return [Call(sdk, method, given) for method, given in arguments.items()]


@pytest.fixture(params=get_args(Sdk))
def sdk(request: pytest.FixtureRequest) -> Sdk:
    chosen: Sdk = request.param
    return chosen


@pytest.fixture(
    params=[
        {"gzip": False, "sync_mode": True},
        {"gzip": True, "sync_mode": True},
        {"gzip": False, "upload_size": 4, "upload_interval": 0.1},
        {"gzip": True, "upload_size": 100, "upload_interval": 0.1},
    ],
    ids=["plain", "gzip", "batches", "gzip-batches"],
)
def captured(sdk: Sdk, request: pytest.FixtureRequest) -> Captured:
    return capture(sdk, every_method(sdk), **request.param)


def test_every_call_arrives_and_is_read_whole(captured: Captured) -> None:
    assert [event["type"] for event in captured.posted] == list(get_args(Method))
    assert repr(captured.posted) == repr(captured.queued)
    for payload in captured.posted:
        line = json.dumps(payload)
        for event in (klavier.parse_event(payload), klavier.parse_line(line), klavier.parse_line(line.encode())):
            assert event.type == payload["type"]
            assert repr(event.payload) == repr(payload)
            assert event.user_id == "u1"
            assert event.message_id == payload["messageId"]
            assert event.timestamp == payload["timestamp"]
            assert event.context == payload["context"]
            assert event.stable_id == payload["messageId"]


def test_the_parts_of_each_call_are_found(sdk: Sdk) -> None:
    posted = capture(sdk, every_method(sdk), sync_mode=True).posted
    identify, track, page, screen, group, alias = map(klavier.parse_event, posted)
    assert isinstance(identify, klavier.Identify)
    traits = identify.traits or identify.context["traits"]  # where RudderStack's SDK puts them
    assert traits["email"] == "ada@example.com"
    assert isinstance(track, klavier.Track)
    assert track.event == "Signed Up"
    assert isinstance(page, klavier.Page)
    assert isinstance(screen, klavier.Screen)
    for viewed in (page, screen):
        assert (viewed.name, viewed.category) == ("Home", "Docs")
    assert isinstance(group, klavier.Group)
    assert (group.group_id, group.traits["name"]) == ("g1", "Acme")
    assert isinstance(alias, klavier.Alias)
    assert alias.previous_id == "old"
    for properties in (track.properties, page.properties, screen.properties, traits["odd"], group.traits["odd"]):
        assert repr(properties) == repr({**ODD, "day": "2026-01-02T03:04:05+00:00"})


def delivered_to_sandbox(events: Sequence[Event], vendor_name: str = "rudderstack") -> tuple[Sandbox, list[Outcome]]:
    sandbox = Sandbox(unknown_lists="create")
    keys = {"private_api_key": sandbox.account.private_api_key}
    vendor = klavier.load_vendor(vendor_name, keys)
    done = [(delivery, deliver(delivery, sandbox.send)) for delivery in plan(vendor, events)]
    return sandbox, in_order(events, done)


def test_it_is_delivered_as_rudderstack_would(captured: Captured) -> None:
    sandbox, outcomes = delivered_to_sandbox(list(map(klavier.parse_event, captured.posted)))
    kinds = dict(zip(get_args(Method), (outcome.kind for outcome in outcomes), strict=True))
    assert (kinds["identify"], kinds["track"], kinds["screen"]) == ("delivered", "delivered", "delivered")
    assert "failed" not in kinds.values()
    found = sandbox.profile("ada@example.com")
    assert found is not None
    assert found["identifiers"]["external_id"] == "u1"
    assert repr(found["properties"]["odd"]) == repr({**ODD, "day": "2026-01-02T03:04:05+00:00"})
    signed_up = next(event for event in sandbox.state()["events"] if event["metric"] == "Signed Up")
    assert signed_up["unique_id"] == captured.posted[1]["messageId"]
    assert signed_up["time"] == "2026-11-21T09:00:00+00:00"
    assert set(signed_up["properties"]) >= set(ODD) - {"nothing"}  # Klaviyo keeps no null in an event


def without_versions(payload: dict[str, Any]) -> dict[str, Any]:
    library = {key: value for key, value in payload["context"]["library"].items() if key != "version"}
    return {**payload, "context": {**payload["context"], "library": library}}


def test_the_shipped_samples_are_what_the_sdks_post_today() -> None:
    shipped = (files("klavier.cli") / "samples" / "captured.jsonl").read_text("utf-8").splitlines()
    posted = [capture(call.sdk, [call], sync_mode=True).posted[0] for call in documented_calls()]
    assert [without_versions(json.loads(line)) for line in shipped] == list(map(without_versions, posted))


def test_the_shipped_samples_are_delivered_as_documented() -> None:
    shipped = (files("klavier.cli") / "samples" / "captured.jsonl").read_bytes().splitlines()
    sandbox, outcomes = delivered_to_sandbox([klavier.parse_line(line) for line in shipped])
    assert [outcome.kind for outcome in outcomes] == ["delivered", "rejected"] + ["delivered"] * 7
    assert outcomes[1].reason == "Event type page is not supported"
    assert [event["metric"] for event in sandbox.state()["events"]] == [
        "Viewed Product",
        "Added to Cart",
        "Started Checkout",
        "Checked Out",
        "Item Purchased",
        "Sample Screen Name",
    ]
    once = sandbox.comparable()
    vendor = klavier.load_vendor("rudderstack", {"private_api_key": "pk_sandbox"})
    for delivery in plan(vendor, list(map(klavier.parse_line, shipped))):
        deliver(delivery, sandbox.send)
    assert sandbox.comparable() == once
