"""Which attempt of a task may send: the newest that asked, and none that cannot ask."""

import pytest
from attrs import evolve

from klavier import UsageError

coordinator = pytest.importorskip(
    "klavier_spark.coordinator", reason="PySpark is not installed: requirements-spark.txt"
)


def test_a_newer_attempt_ends_the_right_of_older_ones() -> None:
    ticket = coordinator.Coordinator("127.0.0.1", "127.0.0.1").ticket(2)
    first, other = coordinator.Fence(ticket, 0, 3), coordinator.Fence(ticket, 1, 4)
    assert first.may_send()
    second = coordinator.Fence(ticket, 0, 7)
    assert not first.may_send()
    assert second.may_send()
    assert other.may_send()
    late = coordinator.Fence(ticket, 0, 5)  # an attempt that was started before the newest, and asks after it
    assert not late.may_send()
    assert second.may_send()
    second.close()
    assert not second.may_send()


def test_jobs_do_not_end_each_other() -> None:
    driver = coordinator.Coordinator("127.0.0.1", "127.0.0.1")
    one, other = coordinator.Fence(driver.ticket(1), 0, 1), coordinator.Fence(driver.ticket(1), 0, 2)
    assert one.may_send()
    assert other.may_send()


def test_more_partitions_than_shares_are_refused() -> None:
    ticket = coordinator.Coordinator("127.0.0.1", "127.0.0.1").ticket(1)
    with pytest.raises(UsageError, match=r"the rows are in more than 1 partition"):
        coordinator.Fence(ticket, 1, 1)


def test_who_does_not_know_the_key_is_not_answered() -> None:
    driver = coordinator.Coordinator("127.0.0.1", "127.0.0.1")
    with pytest.raises((OSError, EOFError, coordinator.AuthenticationError)):
        coordinator.Fence(evolve(driver.ticket(1), key=b"another"), 0, 1)
    assert coordinator.Fence(driver.ticket(1), 0, 1).may_send()


def test_without_the_driver_nothing_is_sent() -> None:
    driver = coordinator.Coordinator("127.0.0.1", "127.0.0.1")
    fence = coordinator.Fence(driver.ticket(1), 0, 1)
    driver.close()
    assert not fence.may_send()
