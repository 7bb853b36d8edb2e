"""The queue of a run that nothing outlives: entries in a dict, where the outbox has a file."""

from collections.abc import Iterable, Sequence
from itertools import islice

from klavier.delivery.outbox.entry import Entry, Settled


class MemoryQueue:
    """Entries in their order, all there from the beginning; a `Queue` that knows no message ids and no dead letters.

    It belongs to one thread: whoever delivers from it has a loop of their own.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._waiting = {entry.seq: entry for entry in entries}
        self._by_key: dict[str, list[int]] | None = None

    def after(self, seq: int, limit: int) -> list[Entry]:
        """Give the next entries beyond a place in the order."""
        return list(islice((entry for place, entry in self._waiting.items() if place > seq), limit))

    def of_key(self, key: str, seq: int, limit: int) -> list[Entry]:
        """Give the next entries of one ordering key beyond a place in the order."""
        if self._by_key is None:  # few runs ask: it takes a person with very many events, or a failure
            self._by_key = {}
            for entry in self._waiting.values():
                self._by_key.setdefault(entry.key, []).append(entry.seq)
        places = (place for place in self._by_key.get(key, ()) if place > seq)
        return list(islice((self._waiting[place] for place in places if place in self._waiting), limit))

    def settle(self, settled: Iterable[Settled], gone: Iterable[int] = ()) -> None:
        """Take in how tries ended; `gone` are places of entries that leave."""
        for item in settled:
            if item.due is None:
                del self._waiting[item.entry.seq]
            else:
                self._waiting[item.entry.seq] = item.entry._replace(
                    due=item.due, tries=item.tries, first_try=item.first_try
                )
        for place in gone:
            del self._waiting[place]
