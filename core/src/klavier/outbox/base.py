"""What an outbox is: one small protocol for each of its users, and `Outbox`, which is all of them.

The promises behind the signatures are in docs/explanation/guarantees; `klavier.testing.OutboxConformance` checks them.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from klavier.outbox.entry import DeadLetter, Entry, LeaseHolder, NewEntry, OutboxDetails, OutboxStatus, Settlement

UNLIMITED = 2**62
"""More bytes than any outbox holds: `max_bytes` where only the number of entries counts."""

Coming = Literal["no", "later", "at once"]
"""Whether a queue fills itself: what comes at once is worth waiting for before a batch that is not full is sent."""


class EntryQueue(Protocol):
    """What a worker needs of the entries that wait."""

    @property
    def coming(self) -> Coming:
        """Whether more entries than there are now will come by themselves."""

    def read(self, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries after a position, in order; empty where there are none.

        At most `limit`, and none after the one with which the payloads exceed `max_bytes`: fewer than `limit` entries
        do not mean that there are no more.
        """

    def read_key(self, key: str, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries of one ordering key after a position, bounded as in `read`."""

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = ()) -> None:
        """Write how attempts ended, all of them or none; `done` are positions of entries that only leave.

        Settling an entry again, or one that has left, changes nothing.
        """

    def mark_translating(self, seqs: Sequence[int]) -> None:
        """Note which entries are being translated now, so that a crash in it can be counted; empty for none.

        Called before every translation: it must cost microseconds, and need not survive a power loss.
        """


class Lease(EntryQueue, Protocol):
    """The right to deliver from an outbox, held by one worker at a time; its `settle` checks that it still is.

    `settle` raises `LeaseLostError`, and changes nothing, once another worker has acquired the lease.
    """

    @property
    def token(self) -> int:
        """The fencing number: larger than that of every earlier lease of the outbox."""

    @property
    def previous(self) -> LeaseHolder:
        """Who had the lease before, and its last report with its age; the name is empty where it was released."""

    def renew(self, report: bytes = b"") -> bool:
        """Extend the lease; False when another worker has it now.

        `report` replaces the one before: what the holder publishes about itself, for `Outbox.details`.
        """

    def release(self) -> None:
        """Release the right to deliver; does nothing where another worker has it now."""

    def take_interrupted(self) -> int:
        """Count up `interrupted` of the entries that `mark_translating` named last, and clear that mark.

        Called once after the lease was acquired; returns how many entries there were.
        """


class Leases(Protocol):
    """Who may deliver from an outbox."""

    def acquire(self, holder: str, seconds: float) -> Lease | None:
        """Acquire the lease for `holder`; None while another holder has it.

        A holder that does not renew for `seconds` loses it, and one whose process died loses it at once where the
        outbox can see that.  No jump of the machine's clock ends a lease.
        """


class Appends(Protocol):
    """What accepts events."""

    def append(self, entries: Sequence[NewEntry], now: float | None = None) -> list[bool]:
        """Accept entries, all of them or none; returns once they survive a crash and a power loss.

        Returns for each whether it is new: an entry whose message id was accepted in the last seven days is left out.
        `now` is the Unix time of acceptance.  Raises `OutboxFullError` where there is no room, `OutboxError` where
        they cannot be stored; then none of them is.
        """

    def last_seq(self) -> int:
        """Return the last position that was given to an entry; 0 before any."""

    def has_waiting(self, up_to: int) -> bool:
        """Return whether an entry waits at or before a position; as fast with a million entries as with one."""


class DeadLetters(Protocol):
    """The events that were given up.  Long operations work in batches, so that appending never waits for them."""

    def dead_letters(self, after: int = 0, limit: int = 1000) -> list[DeadLetter]:
        """Return the next dead letters after a position, in the order of acceptance."""

    def requeue(self, seqs: Iterable[int]) -> int:
        """Move dead letters to the end of the queue, to be tried as if they were new; returns how many there were."""

    def delete(self, seqs: Iterable[int]) -> int:
        """Delete dead letters; returns how many there were."""


class Outbox(EntryQueue, Leases, Appends, DeadLetters, Protocol):
    """Stores accepted events until each has its outcome.  Safe to use from several threads and processes.

    Every method raises `OutboxError` where the storage fails; then nothing of that call has happened, unless it says
    that it works in batches.
    """

    @property
    def is_durable(self) -> bool:
        """Whether what is accepted survives the end of the process."""

    def status(self) -> OutboxStatus:
        """Return how much waits, since when, and how many dead letters there are."""

    def details(self) -> OutboxDetails:
        """Return who delivers, the dead letters by cause, and the space; for people and monitors, every few seconds."""

    def maintain(self) -> None:
        """Purge message ids and dead letters that are old enough, and return disk space; works in batches.

        A worker calls it when it starts and every hour.
        """

    def close(self) -> None:
        """Close the outbox; entries stay in it."""
