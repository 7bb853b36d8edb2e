import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from klavier.outbox.base import UNLIMITED, Coming
from klavier.outbox.entry import Entry, Settlement
from klavier.worker.partitions import LOADED_BYTES, PARTITION_ENTRIES, READ_BYTES, Partitions

KEYS = st.sampled_from(["a", "b", "c"])
HOUR = 3600.0


class Store:
    """An outbox, as far as partitions read it."""

    coming: Coming = "no"

    def __init__(self, *entries: Entry) -> None:
        self.entries = {entry.seq: entry for entry in entries}

    def read(self, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        return self._bounded([entry for entry in self.entries.values() if entry.seq > after], limit, max_bytes)

    def read_key(self, key: str, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        found = [entry for entry in self.entries.values() if entry.key == key and entry.seq > after]
        return self._bounded(sorted(found, key=lambda entry: entry.seq), limit, max_bytes)

    @staticmethod
    def _bounded(entries: list[Entry], limit: int, max_bytes: int) -> list[Entry]:
        found: list[Entry] = []
        for entry in entries[:limit]:
            found.append(entry)
            max_bytes -= len(entry.payload)
            if max_bytes < 0:
                break
        return found

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = ()) -> None:
        raise NotImplementedError

    def mark_translating(self, seqs: Sequence[int]) -> None:
        raise NotImplementedError


def entry(seq: int, key: str = "a", due: float = 0.0, payload: bytes = b"{}") -> Entry:
    return Entry(seq, f"m{seq}", key, payload, 0.0, due)


def partitions_of(*entries: Entry) -> Partitions:
    partitions = Partitions(Store(*entries), longest_delay=HOUR)
    partitions.load(0.0)
    return partitions


def test_more_entries_are_expected_where_the_outbox_says_that_they_come_at_once() -> None:
    store = Store()
    partitions = Partitions(store, longest_delay=HOUR)
    cases: tuple[tuple[Coming, bool], ...] = (("no", False), ("at once", True), ("later", False))
    for coming, expected in cases:
        store.coming = coming
        assert partitions.expects_more is expected


def take(partitions: Partitions, now: float = 0.0, most: int = 10, run: int = 1) -> list[list[int]]:
    return [[entry.seq for entry in entries] for entries in partitions.take(now, most, UNLIMITED, run)]


def test_one_entry_of_each_key_at_a_time_in_order() -> None:
    partitions = partitions_of(entry(1, "a"), entry(2, "a"), entry(3, "b"))
    assert take(partitions) == [[1], [3]]
    assert take(partitions) == []
    partitions.finish("a")
    assert take(partitions) == [[2]]


def test_a_failing_key_waits_and_delays_no_other() -> None:
    partitions = partitions_of(entry(1, "a"), entry(2, "a"), entry(3, "b"), entry(4, "b"))
    take(partitions)
    partitions.delay_until(entry(1, "a"), 50)
    partitions.finish("b")
    assert take(partitions, 10) == [[4]]
    assert partitions.next_due(10) == 50
    assert take(partitions, 50) == [[1]]


def test_a_key_of_a_blocked_endpoint_waits_for_its_release() -> None:
    partitions = partitions_of(entry(1, "a"), entry(2, "b"), entry(3, "c"))
    take(partitions)
    partitions.block(entry(1, "a"), "create_event")
    partitions.block(entry(2, "b"), "create_event")
    partitions.finish("c")
    assert partitions.blocked == ["create_event"]
    assert (take(partitions, 10**6), partitions.next_due(0.0)) == ([], None)
    partitions.release("create_event", 1)
    assert take(partitions) == [[1]]
    partitions.block(entry(1, "a"), "create_event")
    partitions.release("create_event", 1)
    assert take(partitions) == [[2]]  # probes rotate
    partitions.finish("b")
    partitions.release("create_event")
    assert take(partitions) == [[1]]
    assert partitions.blocked == []


def test_an_entry_that_is_due_later_than_any_delay_is_due_now() -> None:
    """The clock was set back since the entry was delayed."""
    assert take(partitions_of(entry(1, "a", due=HOUR), entry(2, "b", due=HOUR + 1))) == [[2]]
    partitions = partitions_of(entry(1, "a"))
    take(partitions)
    partitions.delay_until(entry(1, "a"), HOUR + 10)
    assert take(partitions, 100) == []
    assert take(partitions, 5) == [[1]]


def test_entries_behind_many_delayed_ones_are_read() -> None:
    late = [entry(seq, f"late{seq}", due=HOUR) for seq in range(1, 15_001)]
    partitions = partitions_of(*late, *(entry(20_000 + n, f"good{n}") for n in range(200)))
    assert partitions.can_load is False
    assert sum(map(len, take(partitions, most=1000))) == 200


def test_a_busy_key_takes_a_bounded_part_of_the_memory() -> None:
    partitions = partitions_of(*(entry(n, "a") for n in range(1, 1001)))
    assert partitions.loaded.entries == PARTITION_ENTRIES
    seen: list[int] = []
    while not partitions.is_empty:
        for seqs in take(partitions, most=64, run=64):
            seen += seqs
            partitions.finish("a")
    assert seen == list(range(1, 1001))


WINDOW = 0.1


def arrived(seq: int, happened: int, accepted: float, key: str = "a", due: float = 0.0) -> Entry:
    """Return an entry whose event happened at a second, and was accepted at a time."""
    payload = json.dumps({"timestamp": f"2026-01-02T00:00:{happened:02}Z"}).encode()
    return Entry(seq, f"m{seq}", key, payload, accepted, due)


class Reordering:
    """Partitions with a window, and the outbox that they read."""

    def __init__(self) -> None:
        self.store = Store()
        self.partitions = Partitions(self.store, longest_delay=HOUR, reorder_window=WINDOW)

    def add(self, *entries: Entry) -> None:
        self.store.entries.update({each.seq: each for each in entries})
        self.partitions.notify()
        self.partitions.load(entries[-1].accepted)

    def take(self, now: float, run: int = 1) -> list[list[int]]:
        return take(self.partitions, now, run=run)

    def finish(self, *seqs: int) -> None:
        key = self.store.entries[seqs[0]].key
        for seq in seqs:
            del self.store.entries[seq]
        self.partitions.finish(key)


def test_an_entry_waits_for_earlier_ones_that_it_overtook() -> None:
    found = Reordering()
    found.add(arrived(1, 3, 100.0), arrived(2, 9, 100.0, "b"))
    assert (found.take(100.0), found.partitions.next_due(100.0)) == ([], 100.0 + WINDOW)
    found.add(arrived(3, 1, 100.05), arrived(4, 2, 100.08))
    assert found.take(100.09) == []
    assert found.take(100.11, run=10) == [[3, 4, 1], [2]]
    found.finish(3, 4, 1)
    found.finish(2)
    assert found.partitions.is_empty


def test_what_comes_after_entries_whose_window_has_passed_still_waits() -> None:
    found = Reordering()
    found.add(arrived(1, 1, 100.0), arrived(2, 5, 100.08))
    assert found.take(100.11, run=10) == [[1]]
    found.finish(1)
    assert found.take(100.12) == []
    found.add(arrived(3, 4, 100.15))
    assert found.take(100.19, run=10) == [[3, 2]]


def test_entries_are_looked_at_again_when_the_window_of_the_first_one_ends() -> None:
    found = Reordering()
    found.add(arrived(1, 1, 100.0), arrived(2, 5, 100.08))
    assert found.take(100.09) == []
    assert found.partitions.next_due(100.09) == 100.0 + WINDOW


def test_the_order_stays_when_the_first_one_fails() -> None:
    found = Reordering()
    found.add(arrived(1, 3, 100.0), arrived(2, 1, 100.0), arrived(3, 2, 100.0))
    assert found.take(101.0) == [[2]]
    found.store.entries[2] = arrived(2, 1, 100.0, due=150.0)
    found.partitions.delay_until(found.store.entries[2], 150.0)
    assert (found.take(140.0), found.partitions.next_due(140.0)) == ([], 150.0)
    for seq in (2, 3, 1):
        assert found.take(150.0) == [[seq]]
        found.finish(seq)


def test_what_is_still_in_the_outbox_behind_a_failure_is_not_passed_over() -> None:
    """Its position is before that of the event that failed."""
    found = Reordering()
    found.add(arrived(1, 9, 100.0), arrived(2, 1, 100.0), arrived(3, 2, 100.0))
    assert found.take(101.0, run=3) == [[2, 3, 1]]
    del found.store.entries[2]  # delivered
    found.partitions.block(found.store.entries[3], "create_event")
    found.partitions.release("create_event")
    assert found.take(102.0, run=3) == [[3, 1]]


def test_no_entry_waits_after_the_clock_was_set_back() -> None:
    found = Reordering()
    found.add(arrived(1, 1, 1000.0))
    assert found.take(100.0) == [[1]]


def test_an_entry_that_waits_for_earlier_ones_waits_no_longer_when_the_clock_is_set_back() -> None:
    found = Reordering()
    found.add(arrived(1, 1, 1000.0))
    assert found.take(1000.05) == []
    assert found.partitions.next_due(940.0) == 940.0
    assert found.take(940.0) == [[1]]


def test_an_entry_waits_once_more_where_the_clock_is_corrected_by_less_than_the_window() -> None:
    found = Reordering()
    found.add(arrived(1, 1, 1000.0))
    assert found.take(1000.05) == []
    corrected = 1000.0 - 0.9 * WINDOW
    assert (found.take(corrected), found.partitions.next_due(corrected)) == ([], 1000.0 + WINDOW)
    assert found.take(1000.0 + WINDOW) == [[1]]


def test_what_is_held_is_bounded_by_its_bytes() -> None:
    large = [entry(seq, f"k{seq}", payload=b"x" * 90_000) for seq in range(1, 1001)]
    partitions = partitions_of(*large)
    assert LOADED_BYTES <= partitions.loaded.size <= LOADED_BYTES + READ_BYTES + 90_000
    taken = partitions.take(0.0, 1000, 1_000_000)
    assert partitions.taken.size == sum(len(each.payload) for run in taken for each in run) == 12 * 90_000


class PartitionsAgainstAModel(RuleBasedStateMachine):
    """However events arrive, end, fail and come back: each key in order, nothing twice, nothing forgotten."""

    window = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.partitions = Partitions(self.store, longest_delay=HOUR, reorder_window=self.window)
        self.now = 0.0
        self.seq = 0
        self.busy: dict[str, list[Entry]] = {}
        self.done: dict[str, list[int]] = defaultdict(list)
        self.accepted: dict[str, list[int]] = defaultdict(list)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=2 * PARTITION_ENTRIES))
    def accept(self, keys: list[str]) -> None:
        for key in keys:
            self.seq += 1
            self.store.entries[self.seq] = self.make_entry(key)
            self.accepted[key].append(self.seq)

    def make_entry(self, key: str) -> Entry:
        return entry(self.seq, key)

    @rule()
    def load(self) -> None:
        self.partitions.notify()
        self.partitions.load(self.now)

    @rule(most=st.integers(1, 300), run=st.integers(1, 120))
    def take(self, most: int, run: int) -> None:
        for entries in self.partitions.take(self.now, most, UNLIMITED, run):
            key = entries[0].key
            assert key not in self.busy
            self.check_order(key, entries)
            self.busy[key] = entries

    def check_order(self, key: str, entries: list[Entry]) -> None:
        expected = self.accepted[key][len(self.done[key]) :]
        assert [e.seq for e in entries] == expected[: len(entries)]

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.busy)))
        self._end(key, self.busy.pop(key))
        self.partitions.finish(key)

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), pause=st.none() | st.floats(0, 10))
    def fail(self, data: st.DataObject, pause: float | None) -> None:
        """Fail at one of the entries taken, which is then delayed, or blocked where there is no pause."""
        key = data.draw(st.sampled_from(sorted(self.busy)))
        entries = self.busy.pop(key)
        fails = data.draw(st.integers(0, len(entries) - 1))
        self._end(key, entries[:fails])
        failed = entries[fails]
        if pause is None:
            self.partitions.block(failed, "create_event")
            return
        due = self.now + pause
        self.store.entries[failed.seq] = failed._replace(due=due)
        self.partitions.delay_until(failed, due)

    @rule(most=st.none() | st.integers(1, 2))
    def release(self, most: int | None) -> None:
        self.partitions.release("create_event", most)

    @rule(seconds=st.floats(0, 5))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def amounts_are_right(self) -> None:
        taken = [each for entries in self.busy.values() for each in entries]
        assert self.partitions.taken.entries == len(taken)
        assert self.partitions.taken.size == sum(len(each.payload) for each in taken)
        assert 0 <= self.partitions.loaded.entries <= 3 * (PARTITION_ENTRIES + 1)
        size = len(self.make_entry("a").payload)
        assert self.partitions.loaded.size == size * self.partitions.loaded.entries

    def teardown(self) -> None:
        for key in list(self.busy):
            self._end(key, self.busy.pop(key))
            self.partitions.finish(key)
        self.partitions.release("create_event")
        self.now += 100
        while True:
            self.load()
            if self.partitions.is_empty:
                break
            for entries in self.partitions.take(self.now, 500, UNLIMITED, 50):
                self._end(entries[0].key, entries)
                self.partitions.finish(entries[0].key)
        self.check_all_done()

    def check_all_done(self) -> None:
        assert {k: v for k, v in self.done.items() if v} == dict(self.accepted)

    def _end(self, key: str, entries: list[Entry]) -> None:
        for each in entries:
            del self.store.entries[each.seq]
            self.done[key].append(each.seq)


TestPartitionsAgainstAModel = PartitionsAgainstAModel.TestCase


class ReorderingAgainstAModel(PartitionsAgainstAModel):
    """The same where events may overtake each other: no entry leaves while an earlier event in its window waits."""

    window = WINDOW

    def make_entry(self, key: str) -> Entry:
        return arrived(self.seq, self.seq * 7 % 60, self.now, key)

    @rule(seconds=st.floats(0, 0.06))
    def wait_less_than_the_window(self, seconds: float) -> None:
        self.now += seconds

    def check_order(self, key: str, entries: list[Entry]) -> None:
        taken = [each.seq for each in entries]
        waiting = [each for each in self.store.entries.values() if each.key == key and each.seq not in taken]
        if len(waiting) + len(taken) > PARTITION_ENTRIES or max(self.accepted[key]) > self.partitions._cursor:
            return  # not all of them are in memory
        for place, each in enumerate(entries):
            for later in [*entries[place + 1 :], *waiting]:
                if abs(each.accepted - later.accepted) <= WINDOW:
                    assert each.payload <= later.payload

    def check_all_done(self) -> None:
        assert {k: sorted(v) for k, v in self.done.items() if v} == dict(self.accepted)


TestReorderingAgainstAModel = ReorderingAgainstAModel.TestCase
