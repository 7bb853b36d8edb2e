from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from klavier import Request, Response
from klavier.klaviyo.operations import M, RateLimit
from klavier.worker.rate_limiter import BURST_SECONDS, STEADY_SECONDS, RateLimiter
from klavier.worker.retry_after import retry_after
from tests.support.klaviyo_windows import FixedWindows

BULK = Request("POST", "/api/event-bulk-create-jobs", json={})
EVENT = Request("POST", "/api/events", json={})


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def send_all(pacer: RateLimiter, clock: Clock, request: Request, count: int) -> list[float]:
    moments = []
    for _ in range(count):
        while (wait := pacer.wait(request)) > 0:
            clock.now += wait
        assert pacer.admit(request)
        pacer.learn(request, Response(202))
        moments.append(clock.now)
    return moments


def test_a_burst_goes_at_once_and_the_next_waits(clock: Clock) -> None:
    moments = send_all(RateLimiter(clock), clock, BULK, M.burst + 1)
    assert moments[: M.burst] == [1000.0] * M.burst
    assert moments[M.burst] == pytest.approx(1000.0 + BURST_SECONDS)


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
    pacer = RateLimiter(clock)
    send_all(pacer, clock, BULK, M.burst)
    assert pacer.wait(BULK) > 0
    assert pacer.wait(EVENT) == 0


def test_a_429_is_obeyed(clock: Clock) -> None:
    pacer = RateLimiter(clock)
    assert pacer.admit(EVENT)
    pacer.learn(EVENT, Response(429, headers={"retry-after": "7"}))
    assert pacer.wait(EVENT) == 7.0
    assert pacer.wait(BULK) == 0.0


def test_a_429_without_advice_holds_longer_each_time(clock: Clock) -> None:
    pacer = RateLimiter(clock)
    waits = []
    for _ in range(3):
        assert pacer.admit(EVENT)
        pacer.learn(EVENT, Response(429))
        waits.append(pacer.wait(EVENT))
        clock.now += waits[-1]
    assert waits == [1.0, 2.0, 4.0]


def test_a_lower_quota_is_learned(clock: Clock) -> None:
    pacer = RateLimiter(clock)
    assert pacer.admit(EVENT)
    pacer.learn(EVENT, Response(202, headers={"ratelimit-limit": "20, 20;w=60"}))
    moments = send_all(pacer, clock, EVENT, 20)
    assert moments[18] == 1000.0
    assert moments[19] == pytest.approx(1000.0 + STEADY_SECONDS)


def test_quota_that_others_used_up_is_respected(clock: Clock) -> None:
    pacer = RateLimiter(clock)
    assert pacer.admit(EVENT)
    pacer.learn(EVENT, Response(202, headers={"ratelimit-remaining": "2", "ratelimit-reset": "40"}))
    assert send_all(pacer, clock, EVENT, 3) == [1000.0, 1000.0, 1040.0]


def test_a_key_that_is_not_accepted_pauses_the_account_and_a_success_ends_it(clock: Clock) -> None:
    pacer = RateLimiter(clock)
    pacer.learn(EVENT, Response(401))
    first = pacer.wait(BULK)
    assert first == pacer.paused == 30.0
    clock.now += first
    pacer.learn(EVENT, Response(403))
    assert pacer.wait(EVENT) == 60.0
    pacer.learn(EVENT, Response(202))
    assert pacer.wait(EVENT) == 0.0


def test_the_tightest_limit_is_named(clock: Clock) -> None:
    pacer = RateLimiter(clock)
    assert pacer.tightest() is None
    send_all(pacer, clock, BULK, 15)
    send_all(pacer, clock, EVENT, 15)
    assert pacer.tightest() == ("bulk_create_events", 15 / M.steady)


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
    assert retry_after(header, now=lambda: datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) == seconds


@given(st.text())
def test_retry_after_reads_anything(header: str) -> None:
    seconds = retry_after(header)
    assert seconds is None or 1.0 <= seconds <= 86_400.0


class PacerAgainstWindows(RuleBasedStateMachine):
    """Whatever is sent, heard and waited for, no window of Klaviyo's overflows."""

    @initialize(phase=st.floats(0, 60))
    def begin(self, phase: float) -> None:
        self.clock = Clock()
        self.rate = RateLimit(3, 12)
        self.pacer = RateLimiter(self.clock, rates={"create_event": self.rate})
        self.windows = FixedWindows(self.rate, phase)
        self.refused = 0

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(count=st.integers(1, 20), left=st.none() | st.integers(0, 12))
    def send(self, count: int, left: int | None) -> None:
        for _ in range(count):
            may_go = self.pacer.wait(EVENT) == 0
            assert self.pacer.admit(EVENT) == may_go
            if not may_go:
                return
            self.refused += not self.windows.admits(self.clock.now)
            headers = {} if left is None else {"ratelimit-remaining": str(left), "ratelimit-reset": "9"}
            self.pacer.learn(EVENT, Response(202, headers=headers))

    @invariant()
    def nothing_is_refused(self) -> None:
        assert getattr(self, "refused", 0) == 0

    @invariant()
    def the_wait_is_bounded(self) -> None:
        if hasattr(self, "pacer"):
            assert 0 <= self.pacer.wait(EVENT) <= STEADY_SECONDS


TestPacerAgainstWindows = PacerAgainstWindows.TestCase
