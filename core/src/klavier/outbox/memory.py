"""The queue of a run that nothing outlives: entries in a dict, where the outbox has a file."""

from collections import deque
from collections.abc import Iterable
from itertools import islice

from klavier.outbox.entry import Coming, Entry, Settled


class MemoryQueue:
    """Entries in their order; a `Queue` that knows no message ids and no dead letters.

    It belongs to one thread: whoever delivers from it has a loop of their own.
    """

    coming: Coming = "no"

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._waiting: dict[int, Entry] = {}
        self._by_key: dict[str, deque[int]] | None = None
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Put an entry at the end; its place is beyond those of all before it."""
        self._waiting[entry.seq] = entry
        if self._by_key is not None:
            self._by_key.setdefault(entry.key, deque()).append(entry.seq)

    def after(self, seq: int, limit: int) -> list[Entry]:
        """Give the next entries beyond a place in the order."""
        return list(islice((entry for place, entry in self._waiting.items() if place > seq), limit))

    def of_key(self, key: str, seq: int, limit: int) -> list[Entry]:
        """Give the next entries of one ordering key beyond a place in the order."""
        if self._by_key is None:  # few runs ask: it takes a person with very many events, or a failure
            self._by_key = {}
            for entry in self._waiting.values():
                self._by_key.setdefault(entry.key, deque()).append(entry.seq)
        places = (place for place in self._by_key.get(key, ()) if place > seq)
        return list(islice((self._waiting[place] for place in places if place in self._waiting), limit))

    def settle(self, settled: Iterable[Settled], gone: Iterable[int] = ()) -> None:
        """Take in how tries ended; `gone` are places of entries that leave."""
        for item in settled:
            if item.due is None:
                self._remove(item.entry.seq)
            else:
                self._waiting[item.entry.seq] = item.entry._replace(
                    due=item.due, tries=item.tries, first_try=item.first_try
                )
        for place in gone:
            self._remove(place)

    def _remove(self, place: int) -> None:
        entry = self._waiting.pop(place)
        places = None if self._by_key is None else self._by_key.get(entry.key)
        if self._by_key is None or places is None:
            return
        while places and places[0] not in self._waiting:  # so that what is long gone takes no memory
            places.popleft()
        if not places:
            del self._by_key[entry.key]
