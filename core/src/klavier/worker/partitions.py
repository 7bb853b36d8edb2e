"""Partitions: the entries of one ordering key each, delivered one after the other, partitions side by side.

A partition keeps a bounded number of entries in memory. One that has more, or that waits after a failure, keeps only
its position; its entries are read again from the outbox when its turn comes. So one busy or failing key neither fills
the memory nor delays another.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field

from klavier.outbox.base import EntryQueue
from klavier.outbox.entry import Entry
from klavier.worker.event_order import count_complete, sort_overtaken
from klavier.worker.fair_queue import FairQueue

PARTITION_ENTRIES = 250
"""How many entries of one partition are held in memory. A partition with more is read again about once in as many
events, which costs 0.1 ms; raise it only with `LOADED_BYTES`."""

MOST_PARTITIONS = 100_000
"""How many partitions are kept. A waiting one takes about 400 bytes without its entries, so 40 MB in all."""

LOADED_ENTRIES = 20_000
LOADED_BYTES = 20_000_000
"""How many entries, and bytes of their payloads, are held in memory before they are in flight. Usual events have 500
bytes: then 20,000 are enough to see which keys are busy, and take 20 MB."""

READ_AHEAD = 5_000
"""How many entries should be ready, so that a key with many events is noticed early. The backlogs of
tests/worker/test_drain.py take up to 5 % longer with 1,000 and no less time with 20,000."""

READ_ENTRIES = 250
READ_BYTES = 2_000_000
"""How many entries and bytes one read returns: about 2 ms of work, during which no reply is handled and, with SQLite, a
thread that accepts events waits. Reads of 1,000 save no processor time."""


@define
class Amount:
    """A number of entries, and of bytes in their payloads."""

    entries: int = 0
    size: int = 0

    def add(self, entries: int, size: int) -> None:
        """Add so many entries and bytes."""
        self.entries += entries
        self.size += size

    def remove(self, entries: Sequence[Entry]) -> None:
        """Subtract entries and the bytes of their payloads."""
        self.entries -= len(entries)
        self.size -= sum([len(entry.payload) for entry in entries])


@define(eq=False)
class _Partition:
    key: str
    entries: list[Entry] = field(factory=list)
    is_sorted: bool = True
    """Whether no entry was added since the entries were sorted."""
    last: int = 0
    """The position up to which entries are loaded, or were passed over."""
    unloaded: int = 0
    """How many later entries are known to wait in the outbox."""
    taken: list[Entry] = field(factory=list)
    ready: bool = False
    delayed_until: float | None = None

    @property
    def backlog(self) -> int:
        """How many entries are known to wait."""
        return len(self.entries) + self.unloaded

    def sort(self, window: float) -> None:
        """Sort the entries that may have overtaken each other within so many seconds."""
        if window and not self.is_sorted:
            self.entries = sort_overtaken(self.entries, window)
            self.is_sorted = True


class _Delays:
    """The partitions that wait until a time.

    `longest` is the longest time in seconds that any entry is delayed: one that is due later than that was written
    before the clock was set back, and is due now.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._heap: list[tuple[float, int, _Partition]] = []
        self._ticket = 0

    def is_due(self, due: float, now: float) -> bool:
        """Return whether what is due at a time is due now."""
        return due <= now or due > now + self._longest

    def add(self, partition: _Partition, until: float) -> None:
        """Delay a partition until a time, instead of an earlier one."""
        self._ticket += 1
        partition.delayed_until = until
        heapq.heappush(self._heap, (until, self._ticket, partition))

    def next_due(self, now: float) -> float | None:
        """Return the time at which the next partition is due; None where none waits."""
        while self._heap and self._heap[0][2].delayed_until != self._heap[0][0]:
            heapq.heappop(self._heap)
        if not self._heap:
            return None
        due = self._heap[0][0]
        return now if self.is_due(due, now) else due

    def pop_due(self, now: float) -> Iterator[_Partition]:
        """Remove and yield the partitions that are due."""
        while (due := self.next_due(now)) is not None and due <= now:
            partition = heapq.heappop(self._heap)[2]
            partition.delayed_until = None
            yield partition


class Partitions:
    """Decides which entries may be delivered next; reads them from `outbox`.

    `longest_delay` is the longest time in seconds that any entry is delayed. With a `reorder_window` an entry waits for
    so many seconds after its acceptance, and entries of one partition that were accepted within that time of each other
    are delivered in the order in which their events happened.
    """

    def __init__(self, outbox: EntryQueue, *, longest_delay: float, reorder_window: float = 0.0) -> None:
        self._outbox = outbox
        self._reorder_window = reorder_window
        self._partitions: dict[str, _Partition] = {}
        self._ready: FairQueue[_Partition] = FairQueue()
        self._delays = _Delays(longest_delay)
        # Until twice the window: what was accepted up to a window in the future is incomplete, and delayed like others.
        self._incomplete = _Delays(2 * reorder_window)
        self._blocked: dict[str, deque[_Partition]] = {}
        self._cursor = 0
        self._has_unread = True
        self.loaded = Amount()
        """What is held in memory and not taken."""
        self.taken = Amount()
        """What is in flight."""
        self._waiting = 0
        """How many of the loaded entries are in ready partitions."""

    def notify(self) -> None:
        """Note that the outbox may have more entries."""
        self._has_unread = True

    def load(self, now: float, ahead: int = READ_AHEAD) -> None:
        """Read on in the outbox until `ahead` entries are ready, memory is used up, or all is read."""
        # Nobody notified of more, but a worker that is about to sleep or to end looks all the same.
        self._has_unread = self._has_unread or not self._partitions
        while self.can_load and self._waiting < ahead:
            found = self._outbox.read(self._cursor, READ_ENTRIES, READ_BYTES)
            self._has_unread = bool(found)
            if found:
                self._cursor = found[-1].seq
                self.add(found, now)

    @property
    def expects_more(self) -> bool:
        """Whether more entries will come at once, so that a request that is not full should wait for them."""
        return self._outbox.coming == "at once"

    @property
    def can_load(self) -> bool:
        """Whether there are entries to read, and memory for them."""
        return (
            self._has_unread
            and self.loaded.entries < LOADED_ENTRIES
            and self.loaded.size < LOADED_BYTES
            and len(self._partitions) < MOST_PARTITIONS
        )

    def add(self, entries: Iterable[Entry], now: float) -> None:
        """Add entries in the order of acceptance, each once."""
        for entry in entries:
            partition = self._partitions.get(entry.key)
            if partition is None:
                self._partitions[entry.key] = partition = _Partition(entry.key, last=entry.seq - 1)
                if not self._delays.is_due(entry.due, now):
                    partition.unloaded = 1
                    self._delays.add(partition, entry.due)
                    continue
                self._load_entry(partition, entry)
                self._make_ready(partition)
            elif entry.seq <= partition.last:
                continue
            elif partition.unloaded or len(partition.entries) >= PARTITION_ENTRIES:
                partition.unloaded += 1
            else:
                self._load_entry(partition, entry)
                self._waiting += partition.ready

    def take(self, now: float, most: int, most_bytes: int, run: int = 1, *, spare: int = 0) -> list[list[Entry]]:
        """Return the next entries of partitions, up to `run` of each in order; they are busy from here on.

        Partitions are taken until there are `most` entries or `most_bytes` of payloads. The last one is not cut short:
        a busy partition gets few turns, and needs its whole run each time. Of those with a large backlog there may be
        `spare` entries more, so that they never wait for others to leave.
        """
        for delays in (self._delays, self._incomplete):
            for delayed in delays.pop_due(now):
                self._make_ready(delayed)
        taken: list[list[Entry]] = []
        full = self.taken.size + most_bytes
        while most + spare > 0 and self.taken.size < full:
            partition = self._ready.pop() if most > 0 else self._ready.pop_largest()
            if partition is None:
                break
            partition.ready = False
            self._waiting -= len(partition.entries)
            if len(partition.entries) < run and partition.unloaded:
                self._load_more(partition, run)
            entries = self._take_due(partition, now, run, full - self.taken.size)
            if entries:
                taken.append(entries)
                most -= len(entries)
        return taken

    def backlog(self, entries: Iterable[Entry]) -> int:
        """Return the largest backlog among the ordering keys of some entries that were taken."""
        return max((self._partitions[entry.key].backlog for entry in entries), default=0)

    def finish(self, key: str) -> None:
        """Note that the entries taken of a partition have left the outbox; its next entries become ready."""
        partition = self._partitions[key]
        self.taken.remove(partition.taken)
        partition.taken = []
        if partition.backlog:
            self._make_ready(partition)
        else:
            del self._partitions[key]

    def delay_until(self, entry: Entry, until: float) -> None:
        """Note that a partition failed at `entry`, which is tried again at `until`; its later entries wait for it."""
        self._delays.add(self._unload(entry), until)

    def block(self, entry: Entry, endpoint: str) -> None:
        """Note that `entry` cannot be sent while its `endpoint` is blocked; its partition waits for `release`."""
        self._blocked.setdefault(endpoint, deque()).append(self._unload(entry))

    def release(self, endpoint: str, most: int | None = None) -> None:
        """Make the partitions ready that wait for an endpoint, at most so many, the longest blocked first."""
        blocked = self._blocked.get(endpoint, deque())
        for _ in range(len(blocked) if most is None else min(most, len(blocked))):
            self._make_ready(blocked.popleft())
        if not blocked:
            self._blocked.pop(endpoint, None)

    @property
    def blocked(self) -> list[str]:
        """The endpoints that partitions wait for."""
        return list(self._blocked)

    def next_due(self, now: float) -> float | None:
        """Return the time at which the next delayed partition becomes ready; None where none is delayed."""
        times = self._delays.next_due(now), self._incomplete.next_due(now)
        return min((due for due in times if due is not None), default=None)

    @property
    def is_empty(self) -> bool:
        """Whether no partition is left: nothing taken, ready, delayed or blocked."""
        return not self._partitions

    def _load_entry(self, partition: _Partition, entry: Entry) -> None:
        partition.is_sorted = not partition.entries
        partition.entries.append(entry)
        partition.last = entry.seq
        self.loaded.add(1, len(entry.payload))

    def _load_more(self, partition: _Partition, run: int) -> None:
        most = max(PARTITION_ENTRIES, run) - len(partition.entries)
        found = self._outbox.read_key(partition.key, partition.last, most, READ_BYTES)
        partition.unloaded = max(0, partition.unloaded - len(found)) if found else 0
        for entry in found:
            self._load_entry(partition, entry)

    def _take_due(self, partition: _Partition, now: float, most: int, most_bytes: int) -> list[Entry]:
        """Take the first entries of a partition that are due; delays the partition where the first one is not."""
        if not partition.entries:
            del self._partitions[partition.key]
            return []
        window = self._reorder_window
        partition.sort(window)
        entries = partition.entries
        complete = count_complete(entries, window, now)
        if not complete:
            self._incomplete.add(partition, window + min(entry.accepted for entry in entries))
            return []
        count = size = 0
        for entry in entries[:complete]:
            if count == most or size >= most_bytes or not self._delays.is_due(entry.due, now):
                break
            size += len(entry.payload)
            count += 1
        if not count:
            self.delay_until(entries[0], entries[0].due)
            return []
        partition.taken = taken = entries[:count]
        del entries[:count]
        self.loaded.add(-count, -size)
        self.taken.add(count, size)
        return taken

    def _unload(self, entry: Entry) -> _Partition:
        """Keep only the position of a partition whose next entry is `entry`."""
        partition = self._partitions[entry.key]
        self.loaded.remove(partition.entries)
        self.taken.remove(partition.taken)
        begin = next((place for place, each in enumerate(partition.taken) if each.seq == entry.seq), 0)
        waiting = [each.seq for each in partition.taken[begin:] + partition.entries]
        partition.unloaded += len(waiting)
        partition.entries = []
        partition.taken = []
        partition.last = min(waiting, default=entry.seq) - 1
        return partition

    def _make_ready(self, partition: _Partition) -> None:
        partition.ready = True
        self._waiting += len(partition.entries)
        self._ready.add(partition, partition.backlog)
