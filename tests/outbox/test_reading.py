"""A queue returns no more entries than it is asked for, whichever queue it is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from klavier.events.reader import parse_event
from klavier.outbox import Entry, MemoryQueue, SqliteOutbox
from klavier.streams.line_queue import LineQueue
from klavier.streams.lines import Line

COUNT = 12
EVENT = parse_event({"type": "track", "event": "E", "userId": "u1"})


def outbox() -> Any:
    box = SqliteOutbox()
    box.append([(f"m{n}", f"k{n % 2}", b"{}") for n in range(COUNT)], now=0.0)
    return box


def memory() -> Any:
    return MemoryQueue(Entry(n + 1, "", f"k{n % 2}", b"{}", 0.0) for n in range(COUNT))


def lines() -> Any:
    return LineQueue((Line("x", n, b"{}") for n in range(COUNT)), lambda line: (EVENT, f"k{line.number % 2}"))


QUEUES: list[Callable[[], Any]] = [outbox, memory, lines]


@pytest.mark.parametrize("make", QUEUES)
@pytest.mark.parametrize("limit", [1, 5, COUNT, 100])
def test_a_read_returns_up_to_its_limit(make: Callable[[], Any], limit: int) -> None:
    queue = make()
    seen: list[int] = []
    while found := queue.read(seen[-1] if seen else 0, limit):
        assert len(found) <= limit
        seen += [entry.seq for entry in found]
    assert seen == list(range(1, COUNT + 1))
    again = [entry.seq for entry in queue.read(2, limit)]
    assert again == list(range(3, COUNT + 1))[:limit]


@pytest.mark.parametrize("make", QUEUES)
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_a_read_of_one_key_returns_up_to_its_limit(make: Callable[[], Any], limit: int) -> None:
    queue = make()
    queue.read(0, 100)
    assert [entry.seq for entry in queue.read_key("k0", 0, limit)] == list(range(1, COUNT + 1, 2))[:limit]
    assert [entry.seq for entry in queue.read_key("k1", 4, limit)] == list(range(6, COUNT + 1, 2))[:limit]
    assert queue.read_key("nobody", 0, limit) == []


def test_no_more_lines_are_read_than_entries_are_asked_for() -> None:
    read: list[int] = []

    def numbered() -> Iterator[Line]:
        for number in range(COUNT):
            read.append(number)
            yield Line("x", number, b"{}")

    queue = LineQueue(numbered(), lambda _: (EVENT, "k"))
    assert len(queue.read(0, 3)) == 3
    assert read == [0, 1, 2]
    assert [entry.seq for entry in queue.read(3, 2)] == [4, 5]
    assert read == [0, 1, 2, 3, 4]
