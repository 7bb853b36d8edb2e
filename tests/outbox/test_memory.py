from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from klavier.outbox import Entry, MemoryQueue, Settlement, SqliteOutbox

KEYS = st.sampled_from(["user:ada", "user:bob", "nobody"])
FATES = st.sampled_from(["gone", "settled", "later", "waits"])


def told(entries: list[Entry]) -> list[Any]:
    return [(entry.seq, entry.key, entry.payload, entry.due, entry.tries) for entry in entries]


@given(keys=st.lists(KEYS, max_size=12), fates=st.lists(st.lists(FATES, min_size=12, max_size=12), max_size=3))
@settings(max_examples=30)
def test_it_answers_as_the_outbox_does(keys: list[str], fates: list[list[str]]) -> None:
    outbox = SqliteOutbox()
    outbox.append([(f"m{n}", key, b"%d" % n) for n, key in enumerate(keys)], now=0.0)
    queue = MemoryQueue(outbox.read(0, 100))
    for round_ in fates:
        each = list(zip(queue.read(0, 100), round_, strict=False))
        settled = [Settlement(entry) for entry, fate in each if fate == "settled"]
        settled += [Settlement(entry, 7.0, entry.tries + 1, 5.0) for entry, fate in each if fate == "later"]
        for box in (outbox, queue):
            box.settle(settled, [entry.seq for entry, fate in each if fate == "gone"])
        for seq in range(len(keys) + 1):
            assert told(queue.read(seq, 3)) == told(outbox.read(seq, 3))
            for key in set(keys):
                assert told(queue.read_key(key, seq, 2)) == told(outbox.read_key(key, seq, 2))
    outbox.close()


def test_what_left_takes_no_memory() -> None:
    queue = MemoryQueue([Entry(number, f"m{number}", f"user:{number}", b"{}", 0.0) for number in range(1, 101)])
    assert len(queue.read_key("user:7", 0, 10)) == 1
    queue.settle([], range(1, 101))
    assert queue.read(0, 10) == []
    assert queue.read_key("user:7", 0, 10) == []
    assert not queue._by_key
