"""Rate limits on a clock that tests move."""

import pytest

from klavier.klaviyo.operations import RateLimit
from klavier.klaviyo.response import Response
from klavier.sandbox import FakeClock, Sandbox
from tests.support.klaviyo import deletion, event, get, post, upsert


@pytest.fixture
def limited(clock: FakeClock) -> Sandbox:
    return Sandbox(clock=clock, rate_limits=True)


def accounts(sandbox: Sandbox) -> Response:
    return sandbox.send(get("/api/accounts"))


def test_without_limits_nothing_is_counted(sandbox: Sandbox) -> None:
    responses = [accounts(sandbox) for _ in range(50)]
    assert {response.status for response in responses} == {200}
    assert responses[0].headers == {"content-type": "application/vnd.api+json"}


def test_a_second(limited: Sandbox, clock: FakeClock) -> None:
    clock.advance(0.25)
    assert [accounts(limited).status for _ in range(3)] == [200, 429, 429]
    clock.advance(0.74)
    assert accounts(limited).status == 429
    clock.advance(0.01)
    assert accounts(limited).status == 200


def test_a_minute(limited: Sandbox, clock: FakeClock) -> None:
    for _ in range(15):
        assert accounts(limited).status == 200
        clock.advance(1)
    response = accounts(limited)
    assert response.status == 429
    assert response.headers["retry-after"] == "45"
    clock.advance(44)
    assert accounts(limited).status == 429
    clock.advance(1)
    assert accounts(limited).status == 200


def test_headers(limited: Sandbox, clock: FakeClock) -> None:
    clock.advance(20.5)
    passed = accounts(limited).headers
    assert passed["ratelimit-limit"] == "15"
    assert passed["ratelimit-remaining"] == "14"
    assert passed["ratelimit-reset"] == "40"
    throttled = accounts(limited)
    assert throttled.headers["retry-after"] == "1"
    assert not [name for name in throttled.headers if name.startswith("ratelimit")]
    assert (throttled.errors[0].code, throttled.retryable) == ("throttled", True)
    assert throttled.errors[0].detail == "Request was throttled. Expected available in 1 second."


def test_refused_calls_count_and_carry_headers(limited: Sandbox) -> None:
    response = limited.send(upsert(first_name="nobody"))
    assert (response.status, response.headers["ratelimit-remaining"]) == (400, "749")


def test_windows_are_fixed_so_a_boundary_lets_twice_as_many_through(limited: Sandbox, clock: FakeClock) -> None:
    clock.advance(0.9)
    passed = sum(limited.send(event(unique_id=f"a{n}")).ok for n in range(400))
    clock.advance(0.2)
    passed += sum(limited.send(event(unique_id=f"b{n}")).ok for n in range(400))
    assert passed == 700


def test_endpoints_count_apart(limited: Sandbox) -> None:
    assert [limited.send(deletion(email="ada@b.co")).status for _ in range(4)] == [202, 202, 202, 429]
    assert accounts(limited).status == 200
    assert limited.send(event()).status == 202


def test_lists_a_day(limited: Sandbox, clock: FakeClock) -> None:
    statuses = []
    for n in range(151):
        statuses.append(limited.send(post("/api/lists", {"data": {"type": "list", "attributes": {"name": f"L{n}"}}})))
        clock.advance(1)
    assert [s.status for s in statuses] == [201] * 150 + [429]
    assert int(statuses[-1].headers["retry-after"]) == 86_400 - 150


def test_limits_of_ones_own(clock: FakeClock) -> None:
    sandbox = Sandbox(clock=clock, rate_limits={"create_event": RateLimit(2, 3)})
    assert [sandbox.send(event(unique_id=f"{n}")).status for n in range(3)] == [202, 202, 429]
    clock.advance(1)
    assert [sandbox.send(event(unique_id=f"{n}")).status for n in range(2)] == [202, 429]
    assert len(sandbox.state()["events"]) == 2
    sandbox.reset()
    assert sandbox.send(event()).status == 202


def test_legacy_calls_are_not_limited(limited: Sandbox) -> None:
    statuses = {limited.handle("GET", "/api/track", "data=x")[0] for _ in range(1000)}
    assert statuses == {200}


def test_some_parameters_have_lower_limits_for_all_operations_together(limited: Sandbox, clock: FakeClock) -> None:
    found = limited.send(upsert(email="ada@b.co")).data_id
    profile, included = f"/api/profiles/{found}", {"include": "lists"}
    assert [limited.send(get(profile, included)).status for _ in range(2)] == [200, 429]
    assert limited.send(get(profile)).status == 200
    clock.advance(1)
    predicted = {"additional-fields[profile]": "predictive_analytics"}
    statuses = [limited.send(get(path, predicted)).status for path in (profile, "/api/profiles") * 6]
    assert (statuses.count(200), statuses[10:]) == (10, [429, 429])


def test_lists_a_day_are_limited(limited: Sandbox, clock: FakeClock) -> None:
    body = {"data": {"type": "list", "attributes": {"name": "L"}}}
    statuses = []
    for _ in range(151):
        clock.advance(1)
        statuses.append(limited.send(post("/api/lists", body)).status)
    assert (statuses.count(201), statuses[-1]) == (150, 429)
