"""What an outbox stores: new entries, waiting entries, how attempts ended, dead letters."""

from typing import NamedTuple

from attrs import define, field, frozen

NewEntry = tuple[str, str, bytes]
"""What is appended: a message id, an ordering key and a JSON payload."""


class Entry(NamedTuple):
    """One accepted event that waits for delivery.

    `seq` is its position in the order of acceptance, unique for the outbox's whole life.  `key` is its ordering key,
    `payload` its JSON.  `accepted`, `due` and `first_try` are Unix seconds; `due` is when it may be tried next.
    `interrupted` counts the workers that ended while they translated this entry.

    A tuple and not an attrs class: one is made of each row that is read, and a tuple is made in a third of the time.
    """

    seq: int
    message_id: str
    key: str
    payload: bytes
    accepted: float
    due: float = 0.0
    tries: int = 0
    first_try: float = 0.0
    interrupted: int = 0

    def __repr__(self) -> str:
        """Name the entry by its position: ids, keys and payloads are personal data."""
        return f"<Entry {self.seq} due={self.due} tries={self.tries}>"


@define
class Settlement:
    """How one attempt of an entry ended: removed (`due` is None), or tried again at `due`.

    `dead_letter` is set when the event will not be tried again although it was not delivered.
    """

    entry: Entry
    due: float | None = None
    tries: int = 0
    first_try: float = 0.0
    dead_letter: "DeadLetter | None" = None


@frozen
class DeadLetter:
    """An event that ended as `rejected` or `failed`, stored until it is requeued or deleted.

    `requests` are the last attempt's requests with every value replaced by its kind; `reason` holds no personal data.
    `vendor` is the name of the vendor that translated it, empty where that is not known.
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
    vendor: str = ""


@frozen
class OutboxStatus:
    """How full an outbox is: `waiting` entries, the Unix time at which the `oldest` was accepted, `dead` letters.

    `problem` says why nothing can be appended, such as a full disk; empty while all is well.
    """

    waiting: int
    oldest: float | None
    dead: int
    problem: str = ""


@frozen
class DeadCause:
    """How many dead letters have one outcome: its kind and Klaviyo's HTTP status, None where it has none."""

    kind: str
    status: int | None
    count: int


@frozen
class LeaseHolder:
    """Who holds the lease: the `name` it acquired it with, and the `report` of its last renewal, `age` seconds ago.

    The report is JSON, empty before the first one; a holder that died keeps the lease until another one acquires it.
    """

    name: str
    age: float
    report: bytes = field(default=b"", repr=False)


@frozen
class OutboxDetails:
    """What an operator asks of an outbox: who delivers from it, its dead letters by cause, and its space.

    `used_bytes` is what it takes on the disk, `free_bytes` what the disk still has; None where that is not known.
    """

    holder: LeaseHolder | None = None
    dead_causes: tuple[DeadCause, ...] = ()
    used_bytes: int = 0
    free_bytes: int | None = None
