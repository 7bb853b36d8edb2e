"""What an outbox holds: entries that wait, and letters that are dead."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol

from attrs import define, field, frozen


class Entry(NamedTuple):
    """One accepted event; a tuple, since one is made of each row that is read, and that takes a part of the time.

    `seq` is its place in the order of acceptance, unique for the outbox's whole life.  `key` is its ordering key,
    `payload` its JSON.  `accepted`, `due` and `first_try` are Unix seconds; `due` is when it may be tried next.
    """

    seq: int
    message_id: str
    key: str
    payload: bytes
    accepted: float
    due: float = 0.0
    tries: int = 0
    first_try: float = 0.0

    def __repr__(self) -> str:
        """Name the entry by its place: ids, keys and payloads are personal data."""
        return f"<Entry {self.seq} due={self.due} tries={self.tries}>"


@define
class Settled:
    """The end of one try: `due` None means that the entry leaves the outbox.

    `letter` is given where the event will not be tried again although it was not delivered.
    """

    entry: Entry
    due: float | None = None
    tries: int = 0
    first_try: float = 0.0
    letter: "DeadLetter | None" = None


@frozen
class DeadLetter:
    """An event that ended as `rejected` or `failed`, kept until somebody retries or deletes it.

    `requests` are the last try's requests with every value replaced by its kind; `reason` holds no personal data.
    """

    seq: int
    message_id: str = field(repr=False)
    key: str = field(repr=False)
    payload: bytes = field(repr=False)
    accepted: float
    died: float
    tries: int
    kind: str
    status: int | None
    reason: str
    requests: str = field(default="[]", repr=False)


Coming = Literal["no", "later", "at once"]
"""What comes at once is worth a moment's wait for a body that is not full; what comes later is none of the last."""


class Queue(Protocol):
    """What delivering asks of an outbox."""

    @property
    def coming(self) -> Coming:
        """Whether more than there is now will come by itself."""

    def after(self, seq: int, limit: int) -> list[Entry]:
        """Give the next entries beyond a place in the order."""

    def of_key(self, key: str, seq: int, limit: int) -> list[Entry]:
        """Give the next entries of one ordering key beyond a place in the order."""

    def settle(self, settled: Iterable[Settled], gone: Iterable[int] = ()) -> None:
        """Write down how tries ended, all of them or none; `gone` are places of entries that leave, and no more."""
