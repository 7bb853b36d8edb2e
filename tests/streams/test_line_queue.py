"""Lines that become a queue as there is room: all of them, in order, and never too many at once."""

import random
from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from klavier.events.model import Event
from klavier.outbox import Entry, Settlement
from klavier.outcome import DELIVERED, Outcome, rejected
from klavier.streams import line_queue as module
from klavier.streams.line_queue import LineQueue
from klavier.streams.lines import Line
from klavier.streams.pipeline import Result

BAD = "bad"
SEEDS = st.integers(0, 2**32).map(random.Random)
TEXTS = st.lists(st.sampled_from(["ada", "bob", BAD]), max_size=30)


def read(line: Line) -> str | Result:
    text = line.text.decode()
    return Result(line, None, rejected(text)) if text == BAD else text


def result(line: Line, event: Event | None, outcome: Outcome) -> Result:
    return Result(line, event, outcome)


class Room:
    """A feed with room for so many lines, and who empties it as `data` says."""

    def __init__(self, texts: list[str], lines: int, is_ready: Callable[[], bool] | None = None) -> None:
        self.held = self.most = 0
        self.waiting: list[Entry] = []
        self.told: list[Result] = []
        self.feed = LineQueue(self._lines(texts), read, is_ready=is_ready)
        self.feed._room = lines * module.PER_LINE

    def _lines(self, texts: list[str]) -> Iterator[Line]:
        for number, text in enumerate(texts, 1):
            self.held += 1
            self.most = max(self.most, self.held)
            yield Line("x", number, text.encode())

    def ask(self, limit: int) -> None:
        self.waiting += self.feed.read(self.feed._last, limit)

    def end(self, place: int) -> None:
        entry = self.waiting.pop(place)
        self.feed.settle([], [entry.seq])
        self.feed.note(None, entry, DELIVERED)

    def end_some(self, rng: random.Random) -> None:
        while self.waiting and rng.random() < 0.6:
            self.end(rng.randrange(len(self.waiting)))

    def take(self) -> None:
        found = list(self.feed.take(result))
        self.held -= len(found)
        self.told += found


@given(rng=SEEDS, texts=TEXTS, lines=st.integers(1, 8), slowly=st.booleans())
def test_every_line_has_one_result_in_order_and_no_more_are_held_than_there_is_room_for(
    *, rng: random.Random, texts: list[str], lines: int, slowly: bool
) -> None:
    room = Room(texts, lines, (lambda: rng.random() < 0.5) if slowly else None)
    while not room.feed.is_done:
        room.ask(rng.randint(1, 4))
        room.end_some(rng)
        room.take()
    assert [each.line.number for each in room.told] == list(range(1, len(texts) + 1))
    assert [each.outcome.kind for each in room.told] == ["rejected" if t == BAD else "delivered" for t in texts]
    assert room.most <= lines
    assert room.feed._queue.read(0, 100) == []


@given(SEEDS, TEXTS)
def test_what_is_long_gone_takes_no_memory(rng: random.Random, texts: list[str]) -> None:
    room = Room(texts, 3)
    room.feed.read_key("ada", 0, 10)  # from here on entries are known by their keys
    while not room.feed.is_done:
        room.ask(2)
        for key in ("ada", "bob"):
            assert room.feed.read_key(key, 0, 10) == [entry for entry in room.waiting if entry.key == key]
        room.end_some(rng)
        room.take()
    assert room.feed._queue._by_key == {}
    assert room.feed._by_place == {}


def test_what_is_tried_again_keeps_its_place() -> None:
    room = Room(["ada", "ada"], 3)
    room.ask(5)
    first = room.waiting[0]
    room.feed.settle([Settlement(first, due=7.0, tries=1, first_try=5.0)])
    assert [entry.due for entry in room.feed.read_key("ada", 0, 5)] == [7.0, 0.0]
    assert [entry.seq for entry in room.feed.read(0, 5)] == [1, 2]
    room.take()
    assert room.told == []


def test_a_line_that_is_not_there_is_waited_for_only_while_nothing_is_held() -> None:
    there = iter([True, False, False, True, True, False])
    room = Room(["ada"] * 9, 5, lambda: next(there))
    room.ask(4)
    assert len(room.waiting) == 2  # the first was waited for, the second was there
    room.ask(4)
    assert len(room.waiting) == 2
    room.end(0)
    room.ask(4)  # there are two more
    assert len(room.waiting) == 3
    while room.waiting:
        room.end(0)
    assert room.feed.coming == "at once"


def test_it_tells_what_is_coming() -> None:
    room = Room(["ada"] * 6, 3)
    room.ask(5)
    told = [str(room.feed.coming)]  # there are lines left, and no room
    room.end(1)
    told.append(room.feed.coming)  # the first result is not known, so none can be taken
    room.end(0)
    told.append(room.feed.coming)
    room.take()
    room.ask(5)
    told.append(room.feed.coming)
    for _ in range(3):
        room.end(0)
    room.take()
    room.ask(5)
    room.end(0)
    room.take()
    told.append(room.feed.coming)
    assert told == ["later", "later", "at once", "later", "no"]
    assert room.feed.is_done
