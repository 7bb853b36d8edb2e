"""The order of delivery: one lane for each ordering key, each lane one after the other, lanes side by side.

Partitions go in turns: the oldest first, and every other time the one with the most entries.

Partitions keep a bounded number of entries in memory.  One that has more, or that waits after a failure, keeps only its
place; its entries are read again from the outbox when its turn comes.  So one busy or failing key neither fills the
memory nor holds back another.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence

from attrs import define, field

from klavier.outbox.entry import Entry
from klavier.worker.fair_queue import URGENT, FairQueue

OfKey = Callable[[str, int, int], list[Entry]]
"""Reads the next entries of a key beyond a place: `EntryQueue.read_key`."""

PARTITION_ENTRIES = 250
"""How many entries of one lane are held in memory."""


@define(eq=False)
class _Partition:
    key: str
    entries: list[Entry] = field(factory=list)
    last: int = 0
    """The place up to which entries were read (or passed over by `add` while there was no room)."""
    has_more: bool = False
    passed: int = 0
    """How many entries `add` passed over."""
    busy: bool = False
    ready: bool = False
    parked_until: float | None = None

    @property
    def backlog(self) -> int:
        """How many entries are known to wait."""
        return len(self.entries) + self.passed


class Partitions:
    """Which entries may be delivered now.  Knows no clock and does no I/O but through `of_key`."""

    def __init__(self, of_key: OfKey) -> None:
        self._of_key = of_key
        self._lanes: dict[str, _Partition] = {}
        self._ready: FairQueue[_Partition] = FairQueue()
        self._parked: list[tuple[float, int, _Partition]] = []
        self._tie = 0
        self.loaded = 0
        """How many entries are held in memory."""
        self.waiting = 0
        """How many of them are in lanes whose turn will come without anything else happening."""
        self.grown: dict[str, int] = {}
        """Partitions that got many entries behind what was taken of them, and how many; whoever reads it empties it."""

    def add(self, entries: Iterable[Entry]) -> None:
        """Take in entries in the order of acceptance, each once."""
        known, loaded, waiting = self._lanes, 0, 0
        for entry in entries:
            key, seq = entry.key, entry.seq
            lane = known.get(key)
            if lane is None:
                known[key] = lane = _Partition(key, [entry], seq, ready=True)
                self._ready.add(lane, 1)
                loaded += 1
                waiting += 1
                continue
            if seq <= lane.last:
                continue
            held = lane.entries
            if lane.has_more or len(held) >= PARTITION_ENTRIES:
                lane.has_more = True
                lane.passed += 1
            else:
                held.append(entry)
                lane.last = seq
                loaded += 1
                if lane.ready:
                    waiting += 1
            if lane.busy and not lane.backlog % URGENT:
                self.grown[key] = lane.backlog
        self.loaded += loaded
        self.waiting += waiting

    def take(self, now: float, most: int, run: int = 1, *, spare: int = 0) -> list[list[Entry]]:
        """Give the next entries of lanes, up to `run` of each in order; they are busy from here on.

        Partitions are taken until there are `most` entries, then those with a large backlog until there are `spare`
        more.
        """
        self._unpark(now)
        taken: list[list[Entry]] = []
        count = 0
        while count < most + spare:
            lane = self._ready.take() if count < most else self._ready.take_heaviest()
            if lane is None:
                break
            lane.ready = False
            self.waiting -= len(lane.entries)
            if len(lane.entries) < run:
                self._read_on(lane, run)
            entries = self._due(lane, now, run)
            if entries:
                lane.busy = True
                taken.append(entries)
                count += len(entries)
        return taken

    def behind(self, taken: Sequence[Entry]) -> int:
        """Count the entries that are known to wait behind some that were taken: those of the person with the most."""
        most = 0
        for entry in taken:
            lane = self._lanes.get(entry.key)
            if lane is not None and lane.backlog > most:
                most = lane.backlog
        return most

    def finish(self, key: str) -> None:
        """Note that what was taken of a lane has left the outbox; the lane's next entries become ready."""
        lane = self._lanes[key]
        lane.busy = False
        self._continue(lane)

    def park(self, entry: Entry, until: float) -> None:
        """Note that a lane failed at `entry`, which is tried again at `until`; its later entries wait behind it."""
        lane = self._lanes[entry.key]
        self.loaded -= len(lane.entries)
        lane.passed += len(lane.entries)
        lane.entries.clear()
        lane.busy = False
        lane.last = entry.seq - 1
        lane.has_more = True
        self._park(lane, until)

    def next_due(self) -> float | None:
        """Give the moment at which the next parked lane becomes ready; None where none is parked."""
        while self._parked and self._parked[0][2].parked_until != self._parked[0][0]:
            heapq.heappop(self._parked)
        return self._parked[0][0] if self._parked else None

    @property
    def idle(self) -> bool:
        """Whether no lane is left: nothing taken, nothing ready, nothing parked."""
        return not self._lanes

    def __len__(self) -> int:
        """Count the lanes."""
        return len(self._lanes)

    def _due(self, lane: _Partition, now: float, run: int) -> list[Entry]:
        """Take the first entries of a lane that may go now; parks the lane where the first one may not."""
        held = lane.entries
        if not held:
            del self._lanes[lane.key]
            return []
        count = 0
        for entry in held:
            if entry.due > now or count == run:
                break
            count += 1
        if not count:
            self.park(held[0], held[0].due)
            return []
        taken = held[:count]
        del held[:count]
        self.loaded -= count
        return taken

    def _read_on(self, lane: _Partition, run: int) -> None:
        if not lane.has_more:
            return
        most = max(PARTITION_ENTRIES, run) - len(lane.entries)
        found = self._of_key(lane.key, lane.last, most)
        lane.has_more = len(found) == most
        lane.passed = max(0, lane.passed - len(found)) if lane.has_more else 0
        lane.entries.extend(found)
        if found:
            lane.last = found[-1].seq
        self.loaded += len(found)

    def _continue(self, lane: _Partition) -> None:
        if lane.entries or lane.has_more:
            self._make_ready(lane)
        else:
            del self._lanes[lane.key]

    def _make_ready(self, lane: _Partition) -> None:
        lane.ready = True
        held = len(lane.entries)
        self.waiting += held
        self._ready.add(lane, held + lane.passed)

    def _park(self, lane: _Partition, until: float) -> None:
        self._tie += 1
        lane.parked_until = until
        heapq.heappush(self._parked, (until, self._tie, lane))

    def _unpark(self, now: float) -> None:
        while (due := self.next_due()) is not None and due <= now:
            lane = heapq.heappop(self._parked)[2]
            lane.parked_until = None
            self._make_ready(lane)
