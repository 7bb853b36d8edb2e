import asyncio
import os
import threading
import time
from pathlib import Path

import httpx
import pytest

import klavier
from klavier.outbox import Settlement, SqliteOutbox
from tests.support.clocks import Clock
from tests.support.waiting import LONG

CONFIG = """
vendor = "rudderstack"

[klaviyo]
private_api_key = "pk_sandbox"

[delivery]
outbox = "{outbox}"
bulk = "{bulk}"
"""


@pytest.fixture
def sandbox() -> klavier.Sandbox:
    return klavier.Sandbox(unknown_lists="create")


def write(folder: Path, outbox: str = "klavier.db", bulk: str = "vendor") -> Path:
    path = folder / "klavier.toml"
    path.write_text(CONFIG.format(outbox=outbox, bulk=bulk))
    return path


@pytest.mark.parametrize("outbox", ["klavier.db", "memory"])
@pytest.mark.parametrize("bulk", ["vendor", "max"])
def test_every_call_arrives(tmp_path: Path, sandbox: klavier.Sandbox, outbox: str, bulk: str) -> None:
    seen: list[str] = []
    path = write(tmp_path, outbox, bulk)
    with klavier.open(
        path, transport=sandbox.transport(), on_outcome=lambda _, outcome: seen.append(outcome.kind)
    ) as relay:
        relay.identify("u1", {"email": "ada@shop.test", "firstName": "Ada"})
        relay.track("Signed Up", {"plan": "pro"}, user_id="u1")
        relay.screen("Home", user_id="u1")
        relay.group("XUepkK", {"subscribe": True, "email": "ada@shop.test"}, user_id="u1")
        relay.page("Cart", user_id="u1")
        counts = relay.flush(LONG)
    assert counts == klavier.Counts(delivered=4, rejected=1)
    assert sorted(seen) == ["delivered"] * 4 + ["rejected"]
    assert "Signed Up" in str(sandbox.state())


def test_no_thread_starts_before_the_first_event(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    before = threading.active_count()
    with klavier.open(write(tmp_path), transport=sandbox.transport()):
        assert threading.active_count() == before


def test_a_forked_process_delivers_for_itself(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    with klavier.open(write(tmp_path), transport=sandbox.transport()) as relay:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                relay.track("In the child", user_id="u1")
                code = 0 if relay.flush(LONG).delivered == 1 else 2
                relay.close()
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        relay.track("In the parent", user_id="u1")
        assert relay.flush(LONG) == klavier.Counts(delivered=1)
    assert "In the parent" in str(sandbox.state())


def test_what_is_not_delivered_at_the_end_is_delivered_next_time(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    path = write(tmp_path)
    relay = klavier.open(path, transport=httpx.MockTransport(refuse))
    relay.track("Kept", user_id="u1")
    assert relay.close(timeout=0.3).pending == 1
    with klavier.open(path, transport=sandbox.transport()) as again:
        assert again.flush(LONG) == klavier.Counts(delivered=1)


def test_an_event_sent_twice_is_delivered_once(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    event = {"type": "track", "event": "Once", "userId": "u1", "messageId": "m-1"}
    with klavier.open(write(tmp_path), transport=sandbox.transport()) as relay:
        assert [relay.send(event), relay.send(event)] == [True, False]
        assert relay.flush(LONG) == klavier.Counts(delivered=1)
    assert len([call for call in sandbox.calls if call.path == "/api/events"]) == 1


def test_equal_calls_are_different_events(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    with klavier.open(write(tmp_path), transport=sandbox.transport()) as relay:
        assert [relay.track("Clicked", user_id="u1"), relay.track("Clicked", user_id="u1")] == [True, True]
        assert relay.flush(LONG).delivered == 2


def test_a_call_without_an_identity_is_refused_with_the_remedy(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    with (
        klavier.open(write(tmp_path), transport=sandbox.transport()) as relay,
        pytest.raises(klavier.EventError, match="no identity: pass user_id, anonymous_id"),
    ):
        relay.track("Signed Up")


def test_an_observer_that_raises_does_not_stop_delivery(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    def broken(_: object, __: object) -> None:
        raise RuntimeError("ada@shop.test")

    with klavier.open(write(tmp_path), transport=sandbox.transport(), on_outcome=broken) as relay:
        relay.track("Signed Up", user_id="u1")
        assert relay.flush(LONG).delivered == 1


def test_two_relays_share_an_outbox_and_deliver_everything_once(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    path = write(tmp_path)
    with (
        klavier.open(path, transport=sandbox.transport()) as one,
        klavier.open(path, transport=sandbox.transport()) as two,
    ):
        for number in range(20):
            (one, two)[number % 2].track("Counted", {"n": number}, user_id="u1")
        first, second = one.flush(LONG), two.flush(LONG)
        assert first.pending == second.pending == 0
        assert first.delivered + second.delivered == 20
    assert len([call for call in sandbox.calls if call.path == "/api/events"]) == 20


def test_the_same_for_asynchronous_programs(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    async def main() -> klavier.Counts:
        async with klavier.aopen(write(tmp_path), transport=sandbox.transport()) as relay:
            await asyncio.gather(*(relay.track("Signed Up", {"n": n}, user_id=f"u{n}") for n in range(25)))
            return await relay.flush(LONG)

    assert asyncio.run(main()) == klavier.Counts(delivered=25)


def test_an_asynchronous_relay_delivers_what_was_accepted_before(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    outbox = SqliteOutbox(tmp_path / "klavier.db")
    outbox.append([("m1", "u1", b'{"type": "track", "event": "E", "userId": "u1", "messageId": "m1"}')])
    outbox.close()

    async def main() -> tuple[klavier.Counts, klavier.Counts]:
        async with klavier.aopen(write(tmp_path), transport=sandbox.transport()) as relay:
            return await relay.flush(LONG), await relay.close()

    assert asyncio.run(main()) == (klavier.Counts(delivered=1), klavier.Counts(delivered=1))


def test_message_ids_are_purged_after_a_week(tmp_path: Path, sandbox: klavier.Sandbox) -> None:
    clock = Clock(time.time() - 8 * 86_400)
    box = SqliteOutbox(tmp_path / "klavier.db", wall=clock)
    box.append([("old", "nobody", b"{}")])
    box.settle(Settlement(entry) for entry in box.read(0, 10))
    for _ in range(7):
        clock.now += 86_400
        box.maintain()
    box.close()
    event = {"type": "track", "event": "E", "userId": "u1", "messageId": "old"}
    with klavier.open(write(tmp_path), transport=sandbox.transport()) as relay:
        assert relay.send({**event, "messageId": "new"})
        deadline = time.monotonic() + LONG
        while not relay.send(event) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert relay.flush(LONG).delivered == 2
