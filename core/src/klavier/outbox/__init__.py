"""The outbox: what was accepted and is not delivered yet, stored so that it survives crashes."""

from klavier.outbox.base import Coming, EntryQueue, Lease, Outbox
from klavier.outbox.entry import (
    DeadCause,
    DeadLetter,
    Entry,
    LeaseHolder,
    NewEntry,
    OutboxDetails,
    OutboxStatus,
    Settlement,
)
from klavier.outbox.memory import MemoryQueue
from klavier.outbox.sqlite import SqliteOutbox

__all__ = [
    "Coming",
    "DeadCause",
    "DeadLetter",
    "Entry",
    "EntryQueue",
    "Lease",
    "LeaseHolder",
    "MemoryQueue",
    "NewEntry",
    "Outbox",
    "OutboxDetails",
    "OutboxStatus",
    "Settlement",
    "SqliteOutbox",
]
