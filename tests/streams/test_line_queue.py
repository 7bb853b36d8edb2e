"""The line queue: every line gets one result, in order, and memory is bounded."""

import random
from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.outbox import Entry, Settlement
from klavier.outcome import DELIVERED, rejected
from klavier.streams import line_queue as module
from klavier.streams.line_queue import NOT_STARTED, LineQueue
from klavier.streams.lines import Line
from klavier.streams.result import Result

BAD = "bad"
EVENT = parse_event({"type": "track", "event": "E", "userId": "u1"})
SEEDS = st.integers(0, 2**32).map(random.Random)
TEXTS = st.lists(st.sampled_from(["ada", "bob", BAD]), max_size=30)


def read(line: Line) -> tuple[Event, str] | Result:
    text = line.text.decode()
    return Result(line, None, rejected(text)) if text == BAD else (EVENT, text)


class Consumer:
    """A queue with capacity for some lines, and what empties it."""

    def __init__(self, texts: list[str], lines: int, is_ready: Callable[[], bool] | None = None) -> None:
        self.held = self.most = 0
        self.waiting: list[Entry] = []
        self.results: list[Result] = []
        self.queue = LineQueue(self._lines(texts), read, is_ready=is_ready)
        self.queue._capacity = lines * module.PER_LINE

    def _lines(self, texts: list[str]) -> Iterator[Line]:
        for number, text in enumerate(texts, 1):
            self.held += 1
            self.most = max(self.most, self.held)
            yield Line("x", number, text.encode())

    def ask(self, limit: int) -> None:
        self.waiting += self.queue.read(self.queue._last, limit)

    def end(self, place: int) -> None:
        entry = self.waiting.pop(place)
        self.queue.settle([], [entry.seq])
        self.queue.finish(None, entry, DELIVERED)

    def end_some(self, rng: random.Random) -> None:
        while self.waiting and rng.random() < 0.6:
            self.end(rng.randrange(len(self.waiting)))

    def take(self) -> None:
        found = list(self.queue.take())
        self.held -= len(found)
        self.results += found


@given(rng=SEEDS, texts=TEXTS, lines=st.integers(1, 8), slowly=st.booleans())
def test_every_line_has_one_result_in_order_within_the_capacity(
    *, rng: random.Random, texts: list[str], lines: int, slowly: bool
) -> None:
    consumer = Consumer(texts, lines, (lambda: rng.random() < 0.5) if slowly else None)
    while not consumer.queue.is_done:
        consumer.ask(rng.randint(1, 4))
        consumer.end_some(rng)
        consumer.take()
    assert [each.line.number for each in consumer.results] == list(range(1, len(texts) + 1))
    assert [each.outcome.kind for each in consumer.results] == ["rejected" if t == BAD else "delivered" for t in texts]
    assert consumer.most <= lines
    assert consumer.queue._queue.read(0, 100) == []


@given(SEEDS, TEXTS)
def test_settled_entries_are_forgotten(rng: random.Random, texts: list[str]) -> None:
    consumer = Consumer(texts, 3)
    consumer.queue.read_key("ada", 0, 10)  # from here on entries are known by their keys
    while not consumer.queue.is_done:
        consumer.ask(2)
        for key in ("ada", "bob"):
            assert consumer.queue.read_key(key, 0, 10) == [entry for entry in consumer.waiting if entry.key == key]
        consumer.end_some(rng)
        consumer.take()
    assert consumer.queue._queue._by_key == {}
    assert consumer.queue._by_seq == {}


def test_a_retried_entry_keeps_its_position() -> None:
    consumer = Consumer(["ada", "ada"], 3)
    consumer.ask(5)
    first = consumer.waiting[0]
    consumer.queue.settle([Settlement(first, due=7.0, tries=1, first_try=5.0)])
    assert [entry.due for entry in consumer.queue.read_key("ada", 0, 5)] == [7.0, 0.0]
    assert [entry.seq for entry in consumer.queue.read(0, 5)] == [1, 2]
    consumer.take()
    assert consumer.results == []


def test_a_line_that_is_not_ready_is_waited_for_only_while_no_line_is_held() -> None:
    there = iter([True, False, False, True, True, False])
    consumer = Consumer(["ada"] * 9, 5, lambda: next(there))
    consumer.ask(4)
    assert len(consumer.waiting) == 2  # the first was waited for, the second was there
    consumer.ask(4)
    assert len(consumer.waiting) == 2
    consumer.end(0)
    consumer.ask(4)  # there are two more
    assert len(consumer.waiting) == 3
    while consumer.waiting:
        consumer.end(0)
    assert consumer.queue.coming == "at once"


def test_coming_is_at_once_where_results_can_be_taken() -> None:
    consumer = Consumer(["ada"] * 6, 3)
    consumer.ask(5)
    results = [str(consumer.queue.coming)]  # there are lines left, and no room
    consumer.end(1)
    results.append(consumer.queue.coming)  # the first result is not known, so none can be taken
    consumer.end(0)
    results.append(consumer.queue.coming)
    consumer.take()
    consumer.ask(5)
    results.append(consumer.queue.coming)
    for _ in range(3):
        consumer.end(0)
    consumer.take()
    consumer.ask(5)
    consumer.end(0)
    consumer.take()
    results.append(consumer.queue.coming)
    assert results == ["later", "later", "at once", "later", "no"]
    assert consumer.queue.is_done


def test_a_run_that_is_stopped_before_it_starts_starts_nothing() -> None:
    lines = [Line("a.jsonl", number, b"{}") for number in (1, 2)]
    queue = LineQueue(lines, lambda _: (EVENT, "u1"), is_stopping=lambda: True)
    for entry in queue.read(0, 10):
        assert queue.start(entry) is NOT_STARTED
        queue.finish(None, entry, NOT_STARTED)
    assert list(queue.take()) == []
    queue.read(2, 10)
    assert queue.is_done
    assert queue.coming == "no"
