"""What the rate limiter learns from replies, number by number."""

from typing import Any

import pytest

from klavier import Request, Response
from klavier.klaviyo.operations import BY_NAME, RateLimit
from klavier.worker.rate_limiter import BURST_SECONDS, STEADY_SECONDS, RateLimiter
from tests.support.clocks import Clock

EVENT = Request("POST", "/api/events", json={})
RATE = BY_NAME["create_event"].rate


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(clock)


def learn(limiter: RateLimiter, clock: Clock, status: int = 202, **headers: Any) -> None:
    """Send a request, and learn from its reply."""
    limiter.try_acquire(EVENT)
    limiter.update(
        EVENT,
        Response(status, headers={name.replace("_", "-"): f"{value}" for name, value in headers.items()}),
        clock.now,
    )


def left(limiter: RateLimiter) -> int:
    """Send as much as may be sent now; returns how much that was."""
    count = 0
    while limiter.try_acquire(EVENT):
        count += 1
    return count


def test_replies_that_overtake_each_other_leave_the_lower_rest(limiter: RateLimiter, clock: Clock) -> None:
    learn(limiter, clock, ratelimit_remaining=2, ratelimit_reset=30)
    learn(limiter, clock, ratelimit_remaining=8, ratelimit_reset=31)
    assert left(limiter) == 1
    assert limiter.wait(EVENT) == 30.0 + 1.0  # as the last reply said


@pytest.mark.parametrize(("later", "count"), [(1.75, 1), (2.0, 8)])
def test_a_rest_of_another_window_replaces_the_one_before(
    limiter: RateLimiter, clock: Clock, later: float, count: int
) -> None:
    learn(limiter, clock, ratelimit_remaining=2, ratelimit_reset=30)
    clock.now += later
    learn(limiter, clock, ratelimit_remaining=8, ratelimit_reset=30)
    assert left(limiter) == count


def test_requests_in_flight_are_taken_off_the_rest(limiter: RateLimiter, clock: Clock) -> None:
    for _ in range(3):
        assert limiter.try_acquire(EVENT)
    limiter.update(EVENT, Response(202, headers={"ratelimit-remaining": "5", "ratelimit-reset": "9"}), clock.now)
    assert left(limiter) == 3


def test_a_rest_ends_with_its_window(limiter: RateLimiter, clock: Clock) -> None:
    learn(limiter, clock, ratelimit_remaining=1, ratelimit_reset=9)
    assert left(limiter) == 1
    assert limiter.wait(EVENT) == 9.0
    clock.now += 9.0
    assert left(limiter) == RATE.burst


def test_a_window_that_ends_far_away_is_no_longer_than_klaviyos(limiter: RateLimiter, clock: Clock) -> None:
    learn(limiter, clock, ratelimit_remaining=0, ratelimit_reset=900)
    assert limiter.wait(EVENT) == STEADY_SECONDS


@pytest.mark.parametrize("headers", [{"ratelimit_remaining": 0}, {"ratelimit_reset": 9}, {"date": "today"}])
def test_half_a_rest_is_none(limiter: RateLimiter, clock: Clock, headers: dict[str, Any]) -> None:
    learn(limiter, clock, **headers)
    assert left(limiter) == RATE.burst - 1


def test_a_quota_below_the_burst_bounds_both(limiter: RateLimiter, clock: Clock) -> None:
    learn(limiter, clock, ratelimit_limit=5)
    assert left(limiter) == 4
    assert limiter.wait(EVENT) == STEADY_SECONDS
    learn(limiter, clock, ratelimit_limit=0)
    assert limiter.wait(EVENT) == STEADY_SECONDS
    clock.now += STEADY_SECONDS
    assert left(limiter) == 5


def test_a_larger_quota_keeps_the_burst(limiter: RateLimiter, clock: Clock) -> None:
    learn(limiter, clock, ratelimit_limit=10 * RATE.steady)
    assert left(limiter) == RATE.burst - 1
    assert limiter.wait(EVENT) == BURST_SECONDS


def test_holds_without_advice_double_up_to_a_minute(limiter: RateLimiter, clock: Clock) -> None:
    waits = []
    for _ in range(8):
        learn(limiter, clock, 429)
        waits.append(limiter.wait(EVENT))
        assert limiter.hold("create_event") == waits[-1]
        clock.now += waits[-1]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert limiter.hold("create_event") == 0.0
    assert limiter.hold("unknown") == 0.0


def test_a_shorter_hold_does_not_end_a_longer_one(limiter: RateLimiter, clock: Clock) -> None:
    learn(limiter, clock, 429, retry_after=50)
    learn(limiter, clock, 429, retry_after=10)
    assert limiter.wait(EVENT) == 50.0


def test_only_what_was_sent_since_a_hold_began_makes_it_longer(limiter: RateLimiter, clock: Clock) -> None:
    limiter.update(EVENT, Response(429), clock.now)
    limiter.update(EVENT, Response(429), clock.now - 0.5)
    assert limiter.wait(EVENT) == 1.0
    limiter.update(EVENT, Response(429), clock.now)
    assert limiter.wait(EVENT) == 2.0


def test_usage_is_that_of_the_last_minute_and_of_what_is_used(limiter: RateLimiter, clock: Clock) -> None:
    limiter.wait(Request("POST", "/api/profile-import", json={}))
    learn(limiter, clock)
    share = 1 / RATE.steady
    assert limiter.usage() == {"create_event": share}
    clock.now += STEADY_SECONDS - 0.25
    learn(limiter, clock)
    assert limiter.usage() == {"create_event": 2 * share}
    clock.now += 0.25
    assert limiter.usage() == {"create_event": share}
    assert limiter.tightest() == ("create_event", share)


def test_another_process_starts_from_what_was_used_as_far_as_it_counts(limiter: RateLimiter, clock: Clock) -> None:
    usage = {"create_event": 7.0, "create_client_event": 0.5, "unknown": 0.5}
    limiter.resume(usage, STEADY_SECONDS)
    assert limiter.usage() == {}
    limiter.resume(usage, 20.0)
    assert limiter.usage()["create_event"] == 1.0
    assert limiter.wait(EVENT) == STEADY_SECONDS - 20.0
    limiter.resume({"create_event": 0.1}, 0.0)  # it knows better by now
    assert limiter.usage()["create_event"] == 1.0
    assert clock.now == 1000.0


def test_rates_of_a_test_replace_the_tables(clock: Clock) -> None:
    limiter = RateLimiter(clock, rates={"create_event": RateLimit(2, 3)}, share=0.5)
    assert left(limiter) == 1
    assert limiter.wait(EVENT) == STEADY_SECONDS
