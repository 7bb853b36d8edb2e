"""Who may deliver: one holder at a time, whatever happens to the holder, its lock file or the machine's clock."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from klavier.errors import LeaseLostError
from klavier.outbox import Settlement, SqliteOutbox
from klavier.outbox.file_lock import FileLock
from tests.support.clocks import Clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "klavier.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(path: Path, clock: Clock) -> Iterator[SqliteOutbox]:
    box = SqliteOutbox(path, monotonic=clock)
    yield box
    box.close()


@pytest.fixture
def other(path: Path, clock: Clock) -> Iterator[SqliteOutbox]:
    box = SqliteOutbox(path, monotonic=clock)
    yield box
    box.close()


def test_one_holder_at_a_time(outbox: SqliteOutbox, other: SqliteOutbox) -> None:
    lease = outbox.acquire("one", 10.0)
    assert lease is not None
    assert other.acquire("two", 10.0) is None
    lease.release()
    assert other.acquire("two", 10.0) is not None
    assert outbox.acquire("one", 10.0) is None


def test_two_holders_in_one_process_are_two(outbox: SqliteOutbox) -> None:
    lease = outbox.acquire("one", 10.0)
    assert lease is not None
    assert outbox.acquire("two", 10.0) is None
    lease.release()
    assert outbox.acquire("two", 10.0) is not None


def test_each_holder_gets_a_larger_fencing_number(outbox: SqliteOutbox) -> None:
    tokens = []
    for _ in range(3):
        lease = outbox.acquire("one", 10.0)
        assert lease is not None
        tokens.append(lease.token)
        lease.release()
    assert tokens == sorted(set(tokens))


def test_a_holder_that_renews_keeps_the_lease(outbox: SqliteOutbox, other: SqliteOutbox, clock: Clock) -> None:
    lease = outbox.acquire("one", 10.0)
    assert lease is not None
    for _ in range(5):
        clock.now += 9.0
        assert lease.renew()
        assert other.acquire("two", 10.0) is None


def test_a_holder_that_stands_still_is_followed(outbox: SqliteOutbox, other: SqliteOutbox, clock: Clock) -> None:
    stopped = outbox.acquire("stopped", 10.0)
    assert stopped is not None
    assert other.acquire("next", 10.0) is None  # from here on it is observed
    clock.now += 9.0
    assert other.acquire("next", 10.0) is None
    clock.now += 2.0
    following = other.acquire("next", 10.0)
    assert following is not None
    assert not stopped.renew()
    assert following.renew()


def test_a_holder_that_lost_the_lease_settles_nothing(outbox: SqliteOutbox, other: SqliteOutbox, clock: Clock) -> None:
    outbox.append([("m1", "k", b"{}"), ("m2", "k", b"{}")])
    stopped = outbox.acquire("stopped", 10.0)
    assert stopped is not None
    assert other.acquire("next", 10.0) is None
    clock.now += 11.0
    following = other.acquire("next", 10.0)
    assert following is not None
    first, second = outbox.read(0, 10)
    with pytest.raises(LeaseLostError, match="nothing was settled"):
        stopped.settle([Settlement(first)], [second.seq])
    stopped.release()  # and takes the lease from nobody
    following.settle([Settlement(first)])
    assert outbox.status().waiting == 1


def test_a_holder_that_was_killed_is_followed_at_once(path: Path, outbox: SqliteOutbox) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0 if SqliteOutbox(path).acquire("killed", 1e9) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert outbox.acquire("next", 10.0) is not None


def test_a_holder_whose_child_lives_on_is_followed_at_once(path: Path, outbox: SqliteOutbox) -> None:
    ready, told = os.pipe()
    ended, end = os.pipe()
    holder = os.fork()
    if holder == 0:
        lease = SqliteOutbox(path).acquire("killed", 1e9)
        if os.fork() == 0:  # the child has the parent's files open, the locked one included
            os.close(end)
            os.write(told, b"x")
            os.read(ended, 1)
            os._exit(0)
        os.read(ready, 1)
        os._exit(0 if lease else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(holder, 0)[1]) == 0
    assert outbox.acquire("next", 10.0) is not None
    os.close(end)


def test_a_lock_file_that_was_deleted_does_not_make_two_holders(
    path: Path, outbox: SqliteOutbox, other: SqliteOutbox, clock: Clock
) -> None:
    lease = outbox.acquire("one", 10.0)
    assert lease is not None
    path.with_name("klavier.db.lock").unlink()
    assert other.acquire("two", 10.0) is None  # it locks a new file, which proves nothing about the holder
    assert lease.renew()  # which locks the new one too
    clock.now += 9.0
    assert lease.renew()
    assert other.acquire("two", 10.0) is None


def test_a_lock_that_a_stranger_holds_does_not_end_delivery(
    path: Path, outbox: SqliteOutbox, other: SqliteOutbox, clock: Clock
) -> None:
    stranger = FileLock(f"{path}.lock")
    assert stranger.acquire()
    lease = outbox.acquire("unlocked", 10.0)
    assert lease is not None
    stranger.release()
    assert other.acquire("two", 10.0) is None
    clock.now += 9.0
    assert lease.renew()
    clock.now += 11.0
    assert other.acquire("two", 10.0) is None  # it renewed since it was observed last
    clock.now += 11.0
    assert other.acquire("two", 10.0) is not None


@pytest.mark.parametrize("jump", [-1e9, -3600.0, 3600.0, 1e9])
def test_no_jump_of_the_clock_ends_a_lease(path: Path, clock: Clock, jump: float) -> None:
    wall = Clock(1_800_000_000.0)
    one, two = (SqliteOutbox(path, wall=wall, monotonic=clock) for _ in range(2))
    lease = one.acquire("one", 10.0)
    assert lease is not None
    wall.now += jump
    assert two.acquire("two", 10.0) is None
    assert lease.renew()
    one.close()
    two.close()
