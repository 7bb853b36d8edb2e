"""A lease for outboxes whose `settle` checks a fencing number."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from klavier.outbox.base import UNLIMITED, Coming, EntryQueue
from klavier.outbox.entry import Entry, LeaseHolder, Settlement


class FencedQueue(EntryQueue, Protocol):
    """What a `HeldLease` needs of its outbox."""

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = (), *, token: int | None = None) -> None:
        """Write how attempts ended; raises `LeaseLostError` where a lease with a larger number was acquired."""

    def count_interrupted(self) -> int:
        """Count up `interrupted` of the entries that were marked last, clear the mark; returns how many there were."""


class HeldLease:
    """The right to deliver from an outbox, as `klavier.outbox.base.Lease` describes it."""

    coming: Coming = "no"

    def __init__(
        self,
        outbox: FencedQueue,
        token: int,
        previous: LeaseHolder,
        renew: Callable[[bytes], bool],
        release: Callable[[], None],
    ) -> None:
        """`renew` extends the lease in the outbox and stores the report, `release` frees it."""
        self.token = token
        self.previous = previous
        self._outbox = outbox
        self._renew = renew
        self._release = release

    def renew(self, report: bytes = b"") -> bool:
        """Extend the lease, and replace the holder's report; False when another worker has it now."""
        return self._renew(report)

    def release(self) -> None:
        """Release the right to deliver."""
        self._release()

    def read(self, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries after a position."""
        return self._outbox.read(after, limit, max_bytes)

    def read_key(self, key: str, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries of one ordering key after a position."""
        return self._outbox.read_key(key, after, limit, max_bytes)

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = ()) -> None:
        """Write how attempts ended; raises `LeaseLostError` where another worker has the lease now."""
        self._outbox.settle(settlements, done, token=self.token)

    def mark_translating(self, seqs: Sequence[int]) -> None:
        """Note which entries are being translated now."""
        self._outbox.mark_translating(seqs)

    def take_interrupted(self) -> int:
        """Count up `interrupted` of the entries that were marked last; returns how many there were."""
        return self._outbox.count_interrupted()
