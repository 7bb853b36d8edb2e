from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from klavier import Request, Response
from klavier.config.load import load_config
from klavier.klaviyo.operations import M, RateLimit
from klavier.worker.factory import make_options
from klavier.worker.rate_limiter import BURST_SECONDS, STEADY_SECONDS, RateLimiter, read_retry_after
from tests.support.clocks import Clock
from tests.support.klaviyo_windows import FixedWindows

BULK = Request("POST", "/api/event-bulk-create-jobs", json={})
EVENT = Request("POST", "/api/events", json={})


def send_all(limiter: RateLimiter, clock: Clock, request: Request, count: int) -> list[float]:
    moments = []
    for _ in range(count):
        while (wait := limiter.wait(request)) > 0:
            clock.now += wait
        assert limiter.try_acquire(request)
        limiter.update(request, Response(202), clock.now)
        moments.append(clock.now)
    return moments


def test_a_burst_goes_at_once_and_the_next_waits(clock: Clock) -> None:
    moments = send_all(RateLimiter(clock), clock, BULK, M.burst + 1)
    assert moments[: M.burst] == [1000.0] * M.burst
    assert moments[M.burst] == pytest.approx(1000.0 + BURST_SECONDS)


@pytest.mark.parametrize("share", [0.5, 0.001])
def test_a_share_of_the_quota_leaves_the_rest_to_others(clock: Clock, share: float) -> None:
    limiter = RateLimiter(clock, share=share)
    burst, steady = max(1, int(M.burst * share)), max(1, int(M.steady * share))
    moments = send_all(limiter, clock, BULK, 3 * steady)
    for start in moments:
        assert sum(start <= at < start + 1 for at in moments) <= burst
        assert sum(start <= at < start + 60 for at in moments) <= steady
    limiter.update(BULK, Response(202, headers={"ratelimit-limit": "10"}), clock.now)
    clock.now += 120
    later = send_all(limiter, clock, BULK, max(1, int(10 * share)) + 1)
    assert later[-1] - later[0] >= 60  # what Klaviyo says of its quota is shared too


def test_the_share_of_the_configuration_is_used() -> None:
    config = load_config({"vendor": "rudderstack", "klaviyo": {"private_api_key": "pk_x"}, "delivery": {"share": 0.5}})
    for bulk in ("vendor", "max"):
        chosen = evolve(config, delivery=evolve(config.delivery, bulk=bulk))
        assert make_options(chosen, chosen.build_vendor()).share == 0.5


def test_a_minute_holds_the_steady_quota(clock: Clock) -> None:
    moments = send_all(RateLimiter(clock), clock, BULK, M.steady + 1)
    assert moments[-1] == pytest.approx(moments[0] + STEADY_SECONDS)


@given(phase=st.floats(0, 60), count=st.integers(1, 700))
def test_no_fixed_window_overflows_whenever_it_begins(phase: float, count: int) -> None:
    clock = Clock()
    windows = FixedWindows(M, phase)
    assert all(windows.admits(moment) for moment in send_all(RateLimiter(clock), clock, BULK, count))


def test_the_quota_is_used_up_to_a_few_percent(clock: Clock) -> None:
    moments = send_all(RateLimiter(clock), clock, BULK, 10 * M.steady)
    assert (moments[-1] - moments[0]) / (9 * 60) < 1.05


def test_endpoints_do_not_share_a_quota(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    send_all(limiter, clock, BULK, M.burst)
    assert limiter.wait(BULK) > 0
    assert limiter.wait(EVENT) == 0


def test_a_429_is_obeyed(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    assert limiter.try_acquire(EVENT)
    limiter.update(EVENT, Response(429, headers={"retry-after": "7"}), clock.now)
    assert limiter.wait(EVENT) == 7.0
    assert limiter.wait(BULK) == 0.0


def test_a_429_without_advice_holds_longer_each_time(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    waits = []
    for _ in range(3):
        assert limiter.try_acquire(EVENT)
        limiter.update(EVENT, Response(429), clock.now)
        waits.append(limiter.wait(EVENT))
        clock.now += waits[-1]
    assert waits == [1.0, 2.0, 4.0]


def test_a_lower_quota_is_learned(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    assert limiter.try_acquire(EVENT)
    limiter.update(EVENT, Response(202, headers={"ratelimit-limit": "20, 20;w=60"}), clock.now)
    moments = send_all(limiter, clock, EVENT, 20)
    assert moments[18] == 1000.0
    assert moments[19] == pytest.approx(1000.0 + STEADY_SECONDS)


def test_quota_that_others_used_up_is_respected(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    assert limiter.try_acquire(EVENT)
    limiter.update(EVENT, Response(202, headers={"ratelimit-remaining": "2", "ratelimit-reset": "40"}), clock.now)
    assert send_all(limiter, clock, EVENT, 3) == [1000.0, 1000.0, 1040.0]


def test_refusals_of_one_burst_hold_an_endpoint_as_one(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    for _ in range(32):
        assert limiter.try_acquire(EVENT)
    sent_at = clock.now
    for _ in range(32):
        clock.now += 0.01
        limiter.update(EVENT, Response(429), sent_at)
    assert limiter.wait(EVENT) == pytest.approx(1.0 - 0.31)


def test_the_tightest_limit_is_named(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    assert limiter.tightest() is None
    send_all(limiter, clock, BULK, 15)
    send_all(limiter, clock, EVENT, 15)
    assert limiter.tightest() == ("bulk_create_events", 15 / M.steady)


def test_calls_without_a_published_limit_go_at_once(clock: Clock) -> None:
    legacy = Request("GET", "/api/track")
    assert send_all(RateLimiter(clock), clock, legacy, 5000)[-1] == 1000.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        (" 2.5 ", 2.5),
        ("0", 1.0),
        ("-3", 1.0),
        ("1e9", 86_400.0),
        ("inf", 86_400.0),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 1.0),
        ("Sunday", None),
    ],
)
def test_retry_after_in_every_spelling(header: str, seconds: float | None) -> None:
    assert read_retry_after(header, now=lambda: datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) == seconds


@given(st.text())
def test_retry_after_reads_anything(header: str) -> None:
    seconds = read_retry_after(header)
    assert seconds is None or 1.0 <= seconds <= 86_400.0


class RateLimiterAgainstWindows(RuleBasedStateMachine):
    """Whatever is sent, heard and waited for, no window of Klaviyo's overflows."""

    @initialize(phase=st.floats(0, 60))
    def begin(self, phase: float) -> None:
        self.clock = Clock()
        self.rate = RateLimit(3, 12)
        self.limiter = RateLimiter(self.clock, rates={"create_event": self.rate})
        self.windows = FixedWindows(self.rate, phase)
        self.refused = 0

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(count=st.integers(1, 20), left=st.none() | st.integers(0, 12))
    def send(self, count: int, left: int | None) -> None:
        for _ in range(count):
            may_go = self.limiter.wait(EVENT) == 0
            assert self.limiter.try_acquire(EVENT) == may_go
            if not may_go:
                return
            self.refused += not self.windows.admits(self.clock.now)
            headers = {} if left is None else {"ratelimit-remaining": str(left), "ratelimit-reset": "9"}
            self.limiter.update(EVENT, Response(202, headers=headers), self.clock.now)

    @invariant()
    def nothing_is_refused(self) -> None:
        assert getattr(self, "refused", 0) == 0

    @invariant()
    def the_wait_is_bounded(self) -> None:
        if hasattr(self, "limiter"):
            assert 0 <= self.limiter.wait(EVENT) <= STEADY_SECONDS


TestRateLimiterAgainstWindows = RateLimiterAgainstWindows.TestCase


def test_after_a_success_the_next_refusal_holds_as_briefly_as_the_first(clock: Clock) -> None:
    """Without Retry-After holds double with each refusal in a row, and a success ends the row."""
    limiter = RateLimiter(clock)

    def refuse() -> float:
        limiter.update(EVENT, Response(429), clock.now)
        held = limiter.hold("create_event")
        clock.now += held
        return held

    first, second = refuse(), refuse()
    assert second == pytest.approx(2 * first)
    limiter.update(EVENT, Response(202), clock.now)
    assert refuse() == pytest.approx(first)


def test_another_process_starts_from_what_was_used(clock: Clock) -> None:
    before = RateLimiter(clock)
    send_all(before, clock, BULK, M.steady - 10)
    after = RateLimiter(clock)
    after.resume(before.usage() | {"no_such_operation": 1.0}, age=5.0)
    moments = send_all(after, clock, BULK, M.steady)
    assert sum(at < moments[0] + STEADY_SECONDS - 5.0 for at in moments) <= 11
    late = RateLimiter(clock)
    late.resume({"bulk_create_events": 1.0}, age=STEADY_SECONDS)
    assert late.wait(BULK) == 0
