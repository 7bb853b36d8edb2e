"""What an outbox in PostgreSQL does beyond the promises that every outbox keeps."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

import psycopg
import pytest
from psycopg import sql

from klavier.errors import ConfigError, LeaseLostError, OutboxError
from klavier_postgres.outbox import PostgresOutbox
from klavier_postgres.plugin import klavier_open_outbox
from tests.support.postgres import Server, find_binaries, postgres_server
from tests.support.waiting import LONG

Open = Callable[..., PostgresOutbox]


def test_positions_are_read_in_the_order_of_their_commits(open_outbox: Open) -> None:
    """A reader that goes on behind the last position that it saw passes over no entry, however many append."""
    reader = open_outbox()
    stop = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while True:
            ended = stop.is_set()
            found = reader.read(seen[-1] if seen else 0, 1000)
            seen.extend(entry.seq for entry in found)
            if ended and not found:
                return

    def append(writer: PostgresOutbox, number: int) -> None:
        for turn in range(40):
            writer.append([(f"{number}-{turn}-{place}", "key", b"{}") for place in range(5)])

    writers = [threading.Thread(target=append, args=(open_outbox(), number)) for number in range(4)]
    reading = threading.Thread(target=read)
    for thread in (*writers, reading):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reading.join()
    assert len(seen) == 4 * 40 * 5
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("text", ["", "nul\0", "Zoë", "'; DROP TABLE events; --", "x" * 10_000])
def test_any_id_and_key_is_stored_as_it_is(open_outbox: Open, text: str) -> None:
    outbox = open_outbox()
    assert outbox.append([(text, text, b"\0\xff")]) == [True]
    assert outbox.append([(text, text, b"{}")]) == [False]
    (entry,) = outbox.read_key(text, 0, 10)
    assert (entry.message_id, entry.key, entry.payload) == (text, text, b"\0\xff")


def test_a_silent_holder_loses_the_lease_and_settles_nothing(open_outbox: Open) -> None:
    clock: Iterator[float] = count(1e6, 5.0)
    first, second = open_outbox(), open_outbox(monotonic=lambda: next(clock))
    first.append([("m1", "key", b"{}")])
    lease = first.acquire("first", 15.0)
    assert lease is not None
    attempts = [second.acquire("second", 15.0) for _ in range(3)]
    assert attempts == [None, None, None]
    assert lease.renew()  # a beat that is seen starts the wait anew
    found = None
    while found is None:
        found = second.acquire("second", 15.0)
    assert found.token == lease.token + 1
    with pytest.raises(LeaseLostError):
        lease.settle([], [1])
    assert not lease.renew()
    assert [entry.seq for entry in found.read(0, 10)] == [1]
    found.settle([], [1])
    assert found.read(0, 10) == []


def test_a_holder_whose_connection_ends_loses_the_lease_at_once(open_outbox: Open) -> None:
    first, second = open_outbox(), open_outbox()
    assert first.acquire("first", 3600.0) is not None
    assert second.acquire("second", 3600.0) is None
    first.close()
    deadline = time.monotonic() + LONG  # the server notices the end of a connection a moment later
    while (lease := second.acquire("second", 3600.0)) is None:
        assert time.monotonic() < deadline
    assert lease.token > 0


def test_several_accounts_share_a_database(server: Server, schema: str) -> None:
    one = PostgresOutbox(server.url, "one", f"{schema}_one")
    two = PostgresOutbox(server.url, "two", f"{schema}_two")
    try:
        one.append([("m1", "key", b"1")])
        assert two.read(0, 10) == []
        assert one.acquire("a", 15.0) is not None
        assert two.acquire("b", 15.0) is not None
    finally:
        one.close()
        two.close()


def test_a_server_that_restarts_is_used_again() -> None:
    if find_binaries() is None:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    with postgres_server() as own:
        outbox = PostgresOutbox(own.url, "test")
        assert outbox.append([("m1", "key", b"1")]) == [True]
        own.stop(signal.SIGQUIT)
        with pytest.raises(OutboxError, match="cannot be reached"):
            outbox.append([("m2", "key", b"2")])
        own.start()
        assert outbox.append([("m1", "key", b"1"), ("m2", "key", b"2")]) == [False, True]
        assert [entry.message_id for entry in outbox.read(0, 10)] == ["m1", "m2"]
        outbox.close()


def test_tables_of_a_newer_klavier_are_refused(server: Server, schema: str, open_outbox: Open) -> None:
    open_outbox()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("UPDATE {}.version SET version = 99").format(sql.Identifier(schema)))
    with pytest.raises(OutboxError, match="newer klavier"):
        open_outbox()


def test_errors_name_no_password() -> None:
    with pytest.raises(OutboxError, match="cannot be reached") as caught:
        klavier_open_outbox("postgresql://me:s3cret@127.0.0.1:1/shop", None, None)
    assert "s3cret" not in str(caught.value)
    assert "postgresql://127.0.0.1/shop" in str(caught.value)


@pytest.mark.parametrize("schema", ["", "a-b", "a;b", "x" * 64, "é"])
def test_a_schema_that_is_no_name_is_refused(schema: str) -> None:
    with pytest.raises(ConfigError, match=r"delivery\.outbox"):
        klavier_open_outbox(f"postgresql://127.0.0.1/shop?schema={schema}", None, None)


def test_other_addresses_are_for_others() -> None:
    assert klavier_open_outbox("kafka://x", None, None) is None
