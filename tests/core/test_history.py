"""History: events that start no flows, and consents that were given before, for every vendor."""

from collections.abc import Iterator
from typing import Any

import pytest

import klavier
from klavier import ConfigError, Request, Response
from klavier.history import IMPORTED, HistoryVendor
from klavier.outcome import delivered
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from klavier.vendor import Delivery
from tests.support.little_vendor import LittleSettings, LittleVendor

AT = "2024-03-01T10:20:30.000Z"
SETTINGS: dict[str, dict[str, Any]] = {
    "rudderstack": {"list_id": "XUepkK", "consent": ["email"]},
    "segment-classic": {"list_id": "XUepkK"},
    "segment-actions": {
        "mappings": [
            {"action": "trackEvent", "trigger": 'type = "track" and event != "User Subscribed"'},
            {"action": "upsertProfile"},
            {"action": "subscribeProfile", "fields": {"list_id": "XUepkK"}},
        ]
    },
    "freshpaint": {"enabled_events": ["Paid"]},
}
BATCHING = {"mappings": [{"action": "trackEvent", "fields": {"enable_batching": True}}]}


def config(vendor: str, url: str = "http://127.0.0.1:9", settings: Any = None, **delivery: Any) -> dict[str, Any]:
    account = {"private_api_key": "pk_sandbox", "public_api_key": "SNDBX1", "base_url": url}
    section = SETTINGS[vendor] if settings is None else settings
    return {"vendor": vendor, "klaviyo": account, "vendors": {vendor: section}, "delivery": delivery}


def track(number: int, **members: Any) -> dict[str, Any]:
    traits = {"email": f"u{number}@shop.test"}
    own = {"type": "track", "event": "Paid", "messageId": f"m{number}", "userId": f"u{number}", "timestamp": AT}
    return {**own, "properties": {"total": 5}, "context": {"traits": traits}, **members}


def subscription(vendor: str, number: int, **members: Any) -> dict[str, Any]:
    """Return an event that subscribes its profile."""
    email = f"u{number}@shop.test"
    if vendor == "segment-actions":
        return track(number, event="User Subscribed", **members)
    traits = {"email": email, "properties": {"subscribe": True, "consent": ["email"]}}
    own = {"type": "identify", "messageId": f"s{number}", "userId": f"u{number}", "timestamp": AT, "traits": traits}
    return {**own, **members}


def rehearsed(vendor: str, *payloads: dict[str, Any], settings: Any = None, **delivery: Any) -> klavier.Rehearsal:
    built = klavier.load_config(config(vendor, settings=settings, **delivery)).build_vendor()
    return klavier.rehearse(built, [klavier.parse_event(payload) for payload in payloads])


def delivered_by(chosen: dict[str, Any], payloads: list[dict[str, Any]]) -> list[klavier.Outcome]:
    """Deliver payloads through a relay; returns their outcomes, in the order in which they ended."""
    outcomes: list[klavier.Outcome] = []
    chosen["delivery"]["outbox"] = "memory"
    with klavier.open(chosen, on_outcome=lambda _, outcome: outcomes.append(outcome)) as relay:
        for payload in payloads:
            relay.send(payload)
        assert relay.flush(timeout=60).pending == 0
    return outcomes


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox("pk_sandbox", "SNDBX1", unknown_lists="create")) as found:
        yield found


@pytest.mark.parametrize("bulk", ["vendor", "max"])
@pytest.mark.parametrize("vendor", sorted(SETTINGS))
def test_every_event_arrives_as_a_backfill(server: SandboxServer, vendor: str, bulk: str) -> None:
    chosen = config(vendor, server.url, backfill=True, bulk=bulk)
    outcomes = delivered_by(chosen, [track(number) for number in range(6)])
    assert [outcome.kind for outcome in outcomes] == ["delivered"] * 6
    stored = server.sandbox.state()["events"]
    assert [event["backfill"] for event in stored] == [True] * 6
    calls = {call.path for call in server.sandbox.calls}
    assert ("/api/event-bulk-create-jobs" in calls) == (bulk == "max")


@pytest.mark.parametrize("vendor", sorted(SETTINGS))
def test_without_it_events_start_flows(vendor: str) -> None:
    bodies = [request.json for request in rehearsed(vendor, track(1)).requests]
    assert bodies
    assert "backfill" not in str(bodies)


def test_a_vendors_own_batch_and_a_browsers_event_are_marked() -> None:
    (job,) = rehearsed("segment-actions", track(1), track(2), settings=BATCHING, backfill=True).requests
    groups = job.json["data"]["attributes"]["events-bulk-create"]["data"]
    assert [group["attributes"]["backfill"] for group in groups] == [True, True]
    (event,) = rehearsed("rudderstack", track(1), settings={"connection_mode": "device"}, backfill=True).requests
    assert (event.path, event.json["data"]["attributes"]["backfill"]) == ("/client/events", True)


@pytest.mark.parametrize("vendor", ["rudderstack", "segment-classic", "segment-actions"])
@pytest.mark.parametrize("bulk", ["vendor", "max"])
def test_subscriptions_are_imported_with_the_time_of_their_event(server: SandboxServer, vendor: str, bulk: str) -> None:
    chosen = config(vendor, server.url, consent_import=True, bulk=bulk)
    times = ["2023-01-02T03:04:05.000Z", AT, "2024-05-06T07:08:09.000Z"]
    outcomes = delivered_by(chosen, [subscription(vendor, number, timestamp=time) for number, time in enumerate(times)])
    assert [outcome.kind for outcome in outcomes] == ["delivered"] * 3
    assert all(IMPORTED in outcome.notes for outcome in outcomes)
    profiles = {each["identifiers"]["email"]: each for each in server.sandbox.state()["profiles"]}
    found = [
        profiles[f"u{number}@shop.test"]["subscriptions"]["email"]["marketing"]["consented_at"][:19]
        for number in range(3)
    ]
    assert found == [time[:19] for time in times]


@pytest.mark.parametrize("vendor", ["rudderstack", "segment-classic", "segment-actions"])
@pytest.mark.parametrize("members", [{"timestamp": None}, {"timestamp": "2/6/2024"}, {"timestamp": "1969-01-01"}])
def test_a_consent_without_a_time_is_not_imported(vendor: str, members: dict[str, Any]) -> None:
    found = rehearsed(vendor, subscription(vendor, 1, **members), consent_import=True)
    (outcome,) = found.outcomes
    assert outcome.kind in ("rejected", "failed")
    assert "time" in outcome.reason
    assert not [request for request in found.requests if "subscription" in request.path]


@pytest.mark.parametrize("vendor", ["rudderstack", "segment-classic", "segment-actions"])
def test_the_time_of_the_senders_clock_stands_in(vendor: str) -> None:
    payload = subscription(vendor, 1, timestamp="", originalTimestamp="2021-01-02T03:04:05Z")
    found = rehearsed(vendor, payload, consent_import=True)
    assert [outcome.kind for outcome in found.outcomes] == ["delivered"]
    assert "'consented_at': '2021-01-02T03:04:05Z'" in str([request.json for request in found.requests])


def test_an_import_of_the_vendors_own_stays_as_it_is() -> None:
    fields = {"list_id": "L1", "historical_import": True, "consented_at": "2020-01-01T00:00:00.000Z"}
    settings = {"mappings": [{"action": "subscribeProfile", "trigger": "", "fields": fields}]}
    found = rehearsed("segment-actions", track(1), settings=settings, consent_import=True)
    assert "2020-01-01" in str(found.requests[0].json)
    assert [outcome.notes for outcome in found.outcomes] == [()]


@pytest.mark.parametrize("option", ["backfill", "consent_import"])
@pytest.mark.parametrize("vendor", ["rudderstack", "segment-classic", "segment-actions", "freshpaint"])
def test_the_native_wire_has_neither(vendor: str, option: str) -> None:
    settings = {**SETTINGS[vendor], "wire": "native"}
    with pytest.raises(ConfigError, match=f"delivery.{option}: needs Klaviyo's newest API"):
        klavier.load_config({**config(vendor, settings=settings), "delivery": {option: True}})


class OldVendor(LittleVendor):
    """A vendor of a third party that still speaks an old revision."""

    def deliveries(self, events: Any) -> Iterator[Delivery]:
        request = Request("POST", "/api/events", json={"data": {"attributes": {}}}, revision="2025-01-15")
        for event in events:
            yield Delivery((event,), ("k",), klavier.SendOne(request))


def test_a_request_of_an_older_revision_stays_as_it_is() -> None:
    old = OldVendor(LittleSettings())
    vendor = HistoryVendor(old, backfill=True, imports_consent=True)
    found = klavier.rehearse(vendor, [klavier.parse_event(track(1))])
    assert [request.json for request in found.requests] == [{"data": {"attributes": {}}}]
    assert found.outcomes == [delivered()]


def test_a_failure_has_no_note_of_an_import() -> None:
    built = klavier.load_config(config("rudderstack", consent_import=True)).build_vendor()
    event = klavier.parse_event(subscription("rudderstack", 1))
    (outcome,) = klavier.rehearse(built, [event], [Response(201, {"data": {"id": "P"}}), Response(400)]).outcomes
    assert (outcome.kind, outcome.notes) == ("failed", ())
