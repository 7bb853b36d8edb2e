"""How far partitions read ahead, and how much of a large backlog is taken."""

import pytest

from klavier.outbox import Entry, MemoryQueue
from klavier.outbox.base import UNLIMITED
from klavier.worker.partitions import LOADED_BYTES, LOADED_ENTRIES, READ_ENTRIES, Partitions

HOUR = 3600.0


def entry(seq: int, key: str) -> Entry:
    return Entry(seq, f"m{seq}", key, b"{}", 0.0)


def loaded(*entries: Entry) -> Partitions:
    partitions = Partitions(MemoryQueue(entries), longest_delay=HOUR)
    partitions.load(0.0)
    return partitions


def take(partitions: Partitions, now: float = 0.0, most: int = 10, run: int = 1) -> list[list[int]]:
    return [[each.seq for each in entries] for entries in partitions.take(now, most, UNLIMITED, run)]


def test_it_reads_until_enough_entries_are_ready() -> None:
    partitions = Partitions(MemoryQueue(entry(n, f"k{n % 3000}") for n in range(1, 6001)), longest_delay=HOUR)
    partitions.load(0.0, 1500)
    assert partitions.loaded.entries == 1500
    partitions.load(0.0, 1500)
    assert partitions.loaded.entries == 1500
    assert len(take(partitions, most=501)) == 501
    partitions.load(0.0, 1500)
    assert partitions.loaded.entries == 999 + 3 * READ_ENTRIES
    assert partitions.can_load
    # What comes behind entries that are taken is held, and not ready.
    partitions.load(0.0, 10**6)
    assert (partitions.loaded.entries, partitions.can_load) == (5499, False)
    for number in range(1, 502):
        partitions.finish(f"k{number}")
    assert len(take(partitions, most=10**6, run=2)) == 3000


def test_a_partition_that_waits_counts_as_ready_again_when_it_is() -> None:
    partitions = Partitions(MemoryQueue(entry(n, f"k{n}") for n in range(1, 3001)), longest_delay=HOUR)
    partitions.load(0.0, 1000)
    assert len(take(partitions, most=1000)) == 1000
    partitions.delay_until(entry(1, "k1"), 5.0)
    partitions.block(entry(2, "k2"), "create_event")
    partitions.load(0.0, 1)
    assert partitions.loaded.entries == READ_ENTRIES
    assert len(take(partitions, most=1000)) == READ_ENTRIES
    partitions.release("create_event")
    assert take(partitions, most=1000) == [[2]]
    assert take(partitions, 5.0, most=1000) == [[1]]


def test_partitions_with_a_large_backlog_may_take_more_than_the_others_leave() -> None:
    large = [entry(n, "large") for n in range(2, 102)]
    partitions = loaded(entry(1, "small"), *large, *(entry(n, f"k{n}") for n in range(102, 110)))
    assert [entries[0].seq for entries in partitions.take(0.0, 2, UNLIMITED)] == [1, 2]
    assert partitions.backlog([entry(1, "small"), entry(2, "large")]) == 99
    assert partitions.backlog([]) == 0
    partitions.finish("small")
    partitions.finish("large")  # from here on its backlog counts
    assert partitions.take(0.0, 0, UNLIMITED) == []
    assert partitions.take(0.0, 0, 0, spare=5) == []
    (taken,) = partitions.take(0.0, 0, UNLIMITED, 10, spare=5)
    assert [each.seq for each in taken] == list(range(3, 13))
    partitions.finish("large")
    assert [entries[0].key for entries in partitions.take(0.0, 1, UNLIMITED, 10, spare=5)] == ["large"]
    partitions.finish("large")
    assert [entries[0].key for entries in partitions.take(0.0, 2, UNLIMITED, 1, spare=5)] == ["k102", "large"]


def test_an_endpoint_that_nothing_waits_for_is_released_without_effect() -> None:
    partitions = loaded(entry(1, "a"))
    partitions.release("create_event")
    partitions.release("create_event", 0)
    assert partitions.blocked == []
    take(partitions)
    partitions.block(entry(1, "a"), "create_event")
    partitions.release("create_event", 0)
    assert partitions.blocked == ["create_event"]
    assert not partitions.is_empty


def test_memory_is_used_up_by_entries_bytes_and_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    for count, size in ((LOADED_ENTRIES, 2), (200, LOADED_BYTES // 200)):
        partitions = Partitions(MemoryQueue(), longest_delay=HOUR)
        entries = [entry(n, f"k{n}")._replace(payload=bytes(size)) for n in range(1, count + 1)]
        partitions.add(entries[:-1], 0.0)
        assert partitions.can_load
        partitions.add(entries[-1:], 0.0)
        assert not partitions.can_load
    monkeypatch.setattr("klavier.worker.partitions.MOST_PARTITIONS", 3)
    partitions = loaded(entry(1, "a"), entry(2, "a"), entry(3, "b"))
    partitions.notify()
    assert partitions.can_load
    partitions.add([entry(4, "c")], 0.0)
    assert not partitions.can_load


def test_what_waits_behind_a_failure_is_still_known_to_wait() -> None:
    partitions = loaded(*(entry(n, "a") for n in range(1, 301)))
    assert take(partitions) == [[1]]
    partitions.delay_until(entry(1, "a"), 5.0)
    assert partitions.loaded.entries == 0
    assert take(partitions, 5.0) == [[1]]
    assert partitions.backlog([entry(1, "a")]) == 299
