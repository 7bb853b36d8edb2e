"""What the strategies promise: everything can be read, and everything odd turns up."""

from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from klavier import Event, Identify, Track, parse_event
from klavier.strictjson import find_fault
from klavier.testing import strategies
from klavier.testing.decoding import leaves
from klavier.testing.strategies import Payload

LARGEST = 100_000


@given(strategies.payloads())
def test_payloads_are_events_of_a_bounded_size(payload: Payload) -> None:
    parse_event(payload)
    assert len(orjson.dumps(payload)) < LARGEST


@given(strategies.json_values())
def test_values_are_strict_json(value: Any) -> None:
    find_fault(value)
    assert orjson.loads(orjson.dumps(value)) == value


@given(strategies.streams())
def test_streams_are_in_order_and_of_few_people(events: list[Event]) -> None:
    times = [event.timestamp for event in events]
    assert times == sorted(times)
    assert len({event.message_id for event in events}) == len(events)
    assert len({event.user_id for event in events}) <= 3
    for event in events:
        assert event.anonymous_id.removeprefix("anon-") == event.user_id.removeprefix("user-")


@pytest.fixture(scope="module")
def sample() -> list[Payload]:
    found: list[Payload] = []

    @settings(max_examples=800)
    @given(strategies.payloads())
    def collect(payload: Payload) -> None:
        found.append(payload)

    collect()
    return found


@pytest.mark.parametrize(
    "odd",
    [
        lambda payload: "userId" not in payload,
        lambda payload: "userId" in payload and payload["userId"] is None,
        lambda payload: "traits" in payload and not isinstance(payload["traits"], dict),
        lambda payload: isinstance(payload.get("context"), dict) and "traits" in payload["context"],
        lambda payload: "/" in str(payload.get("userId")),
        lambda payload: any(key.isupper() and len(key) > 4 for key in payload),
        lambda payload: any("." in place.split(".", 1)[-1] for place, _ in leaves(payload)),
        lambda payload: "type" not in payload,
    ],
)
def test_odd_payloads_turn_up(odd: Any, sample: list[Payload]) -> None:
    assert any(odd(payload) for payload in sample)


def test_every_type_turns_up() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=200)
    @given(strategies.events())
    def holds(event: Event) -> None:
        seen[event.type] += 1

    holds()
    assert set(seen) == {"identify", "track", "page", "screen", "group", "alias"}


@given(strategies.identifies(), strategies.tracks())
def test_events_of_one_type(identify: Identify, track: Track) -> None:
    assert (identify.type, track.type) == ("identify", "track")


@given(strategies.people(), strategies.people())
def test_two_people_share_all_ids_or_none(one: strategies.Person, other: strategies.Person) -> None:
    same = [one.user_id == other.user_id, one.anonymous_id == other.anonymous_id]
    assert all(same) or not any(same)
    assert all(same) or one.email != other.email
