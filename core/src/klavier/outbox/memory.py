"""A queue in memory, for a run that stores nothing: what is not delivered when it ends is lost."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from klavier.outbox.base import UNLIMITED, Coming
from klavier.outbox.entry import Entry, Settlement


class MemoryQueue:
    """Entries in the order of their positions; an `EntryQueue` without message ids and dead letters.

    It belongs to one thread: the one of the event loop that delivers from it.
    """

    coming: Coming = "no"

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._waiting: dict[int, Entry] = {}
        self._by_key: dict[str, deque[int]] | None = None
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Append an entry; its position must be after those of all before it."""
        self._waiting[entry.seq] = entry
        if self._by_key is not None:
            self._by_key.setdefault(entry.key, deque()).append(entry.seq)

    def read(self, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries after a position."""
        return bounded((entry for seq, entry in self._waiting.items() if seq > after), limit, max_bytes)

    def read_key(self, key: str, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries of one ordering key after a position."""
        if self._by_key is None:  # few runs need it: it takes a profile with very many events, or a failure
            self._by_key = {}
            for entry in self._waiting.values():
                self._by_key.setdefault(entry.key, deque()).append(entry.seq)
        seqs = (seq for seq in self._by_key.get(key, ()) if seq > after)
        return bounded((self._waiting[seq] for seq in seqs if seq in self._waiting), limit, max_bytes)

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = ()) -> None:
        """Apply how attempts ended; `done` are positions of entries that only leave."""
        for item in settlements:
            if item.due is None:
                self._remove(item.entry.seq)
            elif item.entry.seq in self._waiting:
                self._waiting[item.entry.seq] = item.entry._replace(
                    due=item.due, tries=item.tries, first_try=item.first_try
                )
        for seq in done:
            self._remove(seq)

    def mark_translating(self, seqs: Sequence[int]) -> None:
        """Do nothing: no entry outlives the process."""

    def _remove(self, seq: int) -> None:
        entry = self._waiting.pop(seq, None)
        seqs = None if self._by_key is None or entry is None else self._by_key.get(entry.key)
        if self._by_key is None or entry is None or seqs is None:
            return
        while seqs and seqs[0] not in self._waiting:  # so that entries that left take no memory
            seqs.popleft()
        if not seqs:
            del self._by_key[entry.key]


def bounded(entries: Iterable[Entry], limit: int, max_bytes: int) -> list[Entry]:
    """Return at most `limit` entries, none after the one with which the payloads exceed `max_bytes`."""
    found: list[Entry] = []
    for entry in islice(entries, limit):
        found.append(entry)
        max_bytes -= len(entry.payload)
        if max_bytes < 0:
            break
    return found
