"""The reader keeps to Klaviyo's rate limits, tries again where that helps, and says what is wrong with a key."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import klavier
from klavier.cli.private_files import open_private
from klavier.comparison.calls import count_calls
from klavier.errors import DeliveryError
from klavier.sandbox import FakeClock, Fault, Sandbox
from klavier.sandbox.rates import Windows
from klavier.verification import queries
from klavier.verification.account_reader import AccountReader
from klavier.verification.journal import Journal
from klavier.verification.reading import read_lists as read_all_lists
from klavier.worker.rate_limiter import RateLimiter
from tests.support.verification import START, account, day, verified
from tests.support.virtual_time import run_virtually

LISTS = queries.get_lists()


def reader_of(sandbox: Sandbox, journal: Journal | None = None) -> AccountReader:
    clock = asyncio.get_running_loop().time
    return AccountReader(sandbox.send_async, RateLimiter(clock), clock, journal=journal)


def read_lists(sandbox: Sandbox) -> float:
    """Read the lists; return how long that took."""

    async def run() -> float:
        await reader_of(sandbox).get(LISTS)
        return asyncio.get_running_loop().time()

    return run_virtually(run())


class LoopClock(FakeClock):
    """The sandbox's clock, which is that of the running event loop."""

    def time(self) -> float:
        return START.timestamp() + 86_400 + asyncio.get_running_loop().time()


def test_it_keeps_to_the_rate_limits() -> None:
    """No call is refused, and all take at most 1.2 times the least time that the limits allow."""
    events = day(people=400, events=400)
    sandbox = account(events)
    sandbox.clock = sandbox.account.clock = LoopClock()
    slow = {"get_events": klavier.klaviyo.operations.RateLimit(10, 100)}
    sandbox._gateway.windows = Windows(slow)
    sandbox.calls.clear()

    async def run() -> tuple[float, AccountReader]:
        clock = asyncio.get_running_loop().time
        readers: list[AccountReader] = []
        limiter = RateLimiter(clock, rates=slow)
        found = await verified(events, sandbox, clock, readers=readers, limiter=limiter)
        assert found.verdict.matching == 400
        return clock(), readers[0]

    took, reader = run_virtually(run())
    assert [call.status for call in sandbox.calls if call.status != 200] == []
    assert {method for _, method, _ in reader.calls} == {"GET"}
    least = 3 * 60 + 9  # 400 calls in windows of 100 a minute and 10 a second
    assert {row.operation: row.count for row in count_calls(reader.calls)}["get_events"] == 400
    assert least <= took + 1 <= least * 1.2


def test_it_waits_as_long_as_a_429_says() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault.throttled(retry_after=7, match="GET /api/lists"))
    assert 7 <= read_lists(sandbox) < 9


@pytest.mark.parametrize("fault", [Fault(503), Fault.reset(), Fault.garbled(), Fault(500, times=3)])
def test_a_retry_is_reported(fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(fault)
    assert 1 <= read_lists(sandbox) < 60
    assert caplog.messages[0].endswith(": trying again")


def test_it_gives_up_with_the_reason_at_once_after_the_last_try(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault(503, times=None))

    async def run() -> float:
        with pytest.raises(DeliveryError, match="GET /api/lists: Klaviyo answered 503"):
            await reader_of(sandbox).get(LISTS)
        return asyncio.get_running_loop().time()

    assert 31 <= run_virtually(run()) < 32
    assert len(sandbox.calls) == 6
    assert len(caplog.messages) == 5


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "does not accept the private key"), (403, "may not GET /api/lists .*: use one with lists:read")],
)
def test_a_refused_key_is_named_at_once(status: int, message: str) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault(status, times=None))
    with pytest.raises(klavier.ConfigError, match=message):
        read_lists(sandbox)
    assert len(sandbox.calls) == 1


def test_an_error_ends_the_other_work() -> None:
    sandbox = Sandbox()

    async def work(number: int) -> None:
        if number == 3:
            raise DeliveryError("no reply")
        await asyncio.sleep(number)

    async def run() -> None:
        await reader_of(sandbox).for_each(range(1000), work)

    with pytest.raises(DeliveryError, match="no reply"):
        run_virtually(run())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    with ExitStack() as stack:

        def open_journal(address: str = "https://a.klaviyo.com") -> Journal:
            file = stack.enter_context(open_private(tmp_path / "events.verify", keep=True))
            return Journal(file, "events.verify", {"address": address})

        yield open_journal


def get_with(sandbox: Sandbox, journal: Journal) -> None:
    async def run() -> None:
        await reader_of(sandbox, journal).get(LISTS)

    run_virtually(run())


def test_what_the_journal_has_is_not_read_again(journal: Callable[..., Journal], tmp_path: Path) -> None:
    sandbox = Sandbox()
    get_with(sandbox, journal())
    again = journal()
    assert len(again) == 1
    get_with(sandbox, again)
    assert len(sandbox.calls) == 1
    assert (tmp_path / "events.verify").stat().st_mode & 0o777 == 0o600


def test_an_incomplete_line_of_the_journal_is_read_again(journal: Callable[..., Journal], tmp_path: Path) -> None:
    sandbox = Sandbox()
    get_with(sandbox, journal())
    path = tmp_path / "events.verify"
    path.write_bytes(path.read_bytes()[:-10])
    get_with(sandbox, journal())
    assert len(sandbox.calls) == 2
    assert len(journal()) == 1


def test_a_journal_of_another_account_is_refused(journal: Callable[..., Journal]) -> None:
    journal()
    with pytest.raises(klavier.UsageError, match=r"events\.verify: belongs to another address"):
        journal("http://127.0.0.1:1")


@pytest.mark.parametrize("text", [b"nothing\n", b"{}\n", b'{"version": 99}\n', b"[1]\n"])
def test_another_file_is_no_journal(journal: Callable[..., Journal], tmp_path: Path, text: bytes) -> None:
    (tmp_path / "events.verify").write_bytes(text)
    with pytest.raises(klavier.UsageError, match="not a progress file of klavier verify, or damaged; delete that file"):
        journal()
    assert (tmp_path / "events.verify").read_bytes() == text


@pytest.mark.parametrize(
    "document",
    [{"data": [{"id": "L1"}]}, {"data": ["L1"]}, {"data": [{"id": "L1", "attributes": None}]}, {"data": 7}],
)
def test_a_reply_of_another_form_is_no_crash(document: object) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault(200, json=document))

    async def run() -> None:
        await read_all_lists(reader_of(sandbox))

    with pytest.raises(DeliveryError, match="not of the form that Klaviyo documents"):
        run_virtually(run())
