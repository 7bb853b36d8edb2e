from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier import Alias, Group, Identify, Page, Screen, Track, load_vendor, parse_event
from klavier.relay.relay import Relay
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from klavier.testing import hostile_sandbox
from klavier.testing.invariants.repetition import deliver_all
from tests.support.fakes import GoodVendor, Settings
from tests.support.sending import send_all

EVENTS = [
    parse_event({"type": "track", "event": "Signed Up", "userId": f"u{number}", "messageId": f"m{number}"})
    for number in range(12)
]


def vendor() -> GoodVendor:
    return GoodVendor(Settings(private_api_key="pk_test"))


def test_a_sandbox_of_ones_own(klaviyo_sandbox: Sandbox) -> None:
    assert [outcome.kind for outcome in deliver_all(klaviyo_sandbox, vendor(), EVENTS)] == ["delivered"] * 12
    assert len(klaviyo_sandbox.state()["events"]) == 12


def test_the_next_test_has_an_empty_one(klaviyo_sandbox: Sandbox) -> None:
    assert klaviyo_sandbox.state()["events"] == []


def test_the_hostile_sandbox_fails_some_and_none_for_good(klaviyo_hostile_sandbox: Sandbox) -> None:
    left, tries = EVENTS, 0
    while left:
        outcomes = deliver_all(klaviyo_hostile_sandbox, vendor(), left)
        assert all(outcome.kind == "delivered" or outcome.retryable for outcome in outcomes)
        left = [event for event, outcome in zip(left, outcomes, strict=True) if outcome.kind == "failed"]
        tries += 1
    assert tries > 1
    assert len(klaviyo_hostile_sandbox.state()["events"]) == 12


@pytest.fixture
def klavier_config() -> dict[str, Any]:
    return {"vendor": "rudderstack", "klaviyo": {"private_api_key": "pk_test"}, "delivery": {"outbox": "events.db"}}


def test_the_relay_delivers_to_the_sandbox(klavier_relay: Relay, klaviyo_sandbox: Sandbox) -> None:
    klavier_relay.track("Signed Up", {"plan": "pro"}, user_id="u1")
    assert klavier_relay.flush(timeout=30)
    assert [event["metric"] for event in klaviyo_sandbox.state()["events"]] == ["Signed Up"]


def test_the_server_serves_the_sandbox(klaviyo_sandbox: Sandbox, klaviyo_sandbox_server: SandboxServer) -> None:
    installed = load_vendor("rudderstack", {"private_api_key": "pk_test", "api_version": "v2"})
    delivery = next(iter(installed.deliveries(EVENTS[:1])))
    send_all(klaviyo_sandbox_server.url, next(delivery.flow()), key="pk_test")
    assert [event["unique_id"] for event in klaviyo_sandbox.state()["events"]] == ["m0"]


@pytest.mark.parametrize("kind", [Identify, Track, Page, Screen, Group, Alias])
def test_hypothesis_knows_events_by_their_type(kind: type[Any]) -> None:
    @given(st.from_type(kind))
    def holds(event: Any) -> None:
        assert type(event) is kind

    holds()


def statuses(seed: int, **more: Any) -> list[int]:
    sandbox = hostile_sandbox(seed, **more)
    for event in EVENTS:
        deliver_all(sandbox, vendor(), [event])
    return [call.status for call in sandbox.calls]


def test_one_seed_gives_one_plan_of_troubles() -> None:
    assert statuses(1) == statuses(1) != statuses(2)


def test_troubles_pass_unless_they_are_to_last() -> None:
    seen = {status for seed in range(20) for status in statuses(seed)}
    assert {0, 202, 429, 502, 503} <= seen <= {0, 202, 429, 502, 503}
    assert {400, 404, 409} <= {status for seed in range(20) for status in statuses(seed, lasting=True)}


def test_a_rate_of_nothing_is_no_trouble() -> None:
    assert set(statuses(1, rate=0)) == {202}
