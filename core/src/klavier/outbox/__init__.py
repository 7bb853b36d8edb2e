"""The outbox: what was accepted and is not delivered yet, stored so that it survives crashes."""

from klavier.outbox.base import Coming, EntryQueue, Lease, Outbox
from klavier.outbox.entry import DeadLetter, Entry, NewEntry, OutboxStatus, Settlement
from klavier.outbox.memory import MemoryQueue
from klavier.outbox.sqlite import SqliteOutbox

__all__ = [
    "Coming",
    "DeadLetter",
    "Entry",
    "EntryQueue",
    "Lease",
    "MemoryQueue",
    "NewEntry",
    "Outbox",
    "OutboxStatus",
    "Settlement",
    "SqliteOutbox",
]
