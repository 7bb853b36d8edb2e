from collections import defaultdict

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from klavier.outbox import Entry
from klavier.worker.fair_queue import URGENT
from klavier.worker.partitions import PARTITION_ENTRIES, Partitions

KEYS = st.sampled_from(["a", "b", "c"])


class Store:
    """The outbox, as far as lanes read it."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}

    def of_key(self, key: str, seq: int, limit: int) -> list[Entry]:
        found = [entry for entry in self.entries.values() if entry.key == key and entry.seq > seq]
        return sorted(found, key=lambda entry: entry.seq)[:limit]


def entry(seq: int, key: str = "a", due: float = 0.0) -> Entry:
    return Entry(seq, f"m{seq}", key, b"{}", 0.0, due)


def lanes_of(*entries: Entry) -> Partitions:
    store = Store()
    store.entries = {item.seq: item for item in entries}
    lanes = Partitions(store.of_key)
    lanes.add(entries)
    return lanes


def test_one_entry_of_each_key_at_a_time_in_order() -> None:
    lanes = lanes_of(entry(1, "a"), entry(2, "a"), entry(3, "b"))
    assert [[e.seq for e in run] for run in lanes.take(0, 10)] == [[1], [3]]
    assert lanes.take(0, 10) == []
    lanes.finish("a")
    assert [[e.seq for e in run] for run in lanes.take(0, 10)] == [[2]]


def test_a_failing_key_waits_and_holds_back_no_other() -> None:
    lanes = lanes_of(entry(1, "a"), entry(2, "a"), entry(3, "b"), entry(4, "b"))
    lanes.take(0, 10)
    lanes.park(entry(1, "a"), until=50)
    lanes.finish("b")
    assert [[e.seq for e in run] for run in lanes.take(10, 10)] == [[4]]
    assert lanes.next_due() == 50
    assert [[e.seq for e in run] for run in lanes.take(50, 10)] == [[1]]


def test_a_busy_key_takes_a_bounded_part_of_the_memory() -> None:
    lanes = lanes_of(*(entry(n, "a") for n in range(1, 1001)))
    assert lanes.loaded == PARTITION_ENTRIES
    seen: list[int] = []
    while not lanes.idle:
        for run in lanes.take(0, 1, run=64):
            seen.extend(e.seq for e in run)
            lanes.finish("a")
    assert seen == list(range(1, 1001))


def test_a_busy_key_that_gets_many_entries_is_told() -> None:
    lanes = lanes_of(*(entry(n, "a") for n in range(1, 101)))
    lanes.take(0, 1)
    assert lanes.grown == {}
    lanes.add(entry(n, "a") for n in range(101, 101 + 2 * URGENT))
    assert lanes.grown == {"a": 2 * URGENT}


class LanesAgainstAModel(RuleBasedStateMachine):
    """However events arrive, end, fail and come back: each key in order, nothing twice, nothing forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.lanes = Partitions(self.store.of_key)
        self.now = 0.0
        self.seq = 0
        self.cursor = 0
        self.busy: dict[str, list[Entry]] = {}
        self.done: dict[str, list[int]] = defaultdict(list)
        self.accepted: dict[str, list[int]] = defaultdict(list)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=2 * PARTITION_ENTRIES))
    def accept(self, keys: list[str]) -> None:
        for key in keys:
            self.seq += 1
            self.store.entries[self.seq] = entry(self.seq, key)
            self.accepted[key].append(self.seq)

    @rule(limit=st.integers(1, 300))
    def read(self, limit: int) -> None:
        found = [item for item in self.store.entries.values() if item.seq > self.cursor][:limit]
        if found:
            self.cursor = found[-1].seq
            self.lanes.add(found)

    @rule(count=st.integers(1, 3), run=st.integers(1, 120))
    def take(self, count: int, run: int) -> None:
        for entries in self.lanes.take(self.now, count, run):
            key = entries[0].key
            assert key not in self.busy
            expected = self.accepted[key][len(self.done[key]) :]
            assert [e.seq for e in entries] == expected[: len(entries)]
            self.busy[key] = entries

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.busy)))
        for item in self.busy.pop(key):
            del self.store.entries[item.seq]
            self.done[key].append(item.seq)
        self.lanes.finish(key)

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), pause=st.floats(0, 10))
    def fail(self, data: st.DataObject, pause: float) -> None:
        key = data.draw(st.sampled_from(sorted(self.busy)))
        entries = self.busy.pop(key)
        fails = data.draw(st.integers(0, len(entries) - 1))
        for item in entries[:fails]:
            del self.store.entries[item.seq]
            self.done[key].append(item.seq)
        due = self.now + pause
        failed = entries[fails]
        self.store.entries[failed.seq] = entry(failed.seq, key, due)
        self.store.entries = dict(sorted(self.store.entries.items()))
        self.lanes.park(failed, due)

    @rule(seconds=st.floats(0, 5))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.lanes.loaded <= 3 * (PARTITION_ENTRIES + 1)

    def teardown(self) -> None:
        self.read(10**6)
        for key in list(self.busy):
            for item in self.busy.pop(key):
                del self.store.entries[item.seq]
                self.done[key].append(item.seq)
            self.lanes.finish(key)
        self.now += 100
        while not self.lanes.idle:
            for entries in self.lanes.take(self.now, 10, 50):
                for item in entries:
                    del self.store.entries[item.seq]
                    self.done[item.key].append(item.seq)
                self.lanes.finish(entries[0].key)
        assert {k: v for k, v in self.done.items() if v} == dict(self.accepted)


TestLanesAgainstAModel = LanesAgainstAModel.TestCase
