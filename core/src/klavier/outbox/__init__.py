"""The outbox: what is accepted and not yet delivered, kept through crashes."""

from klavier.outbox.entry import Coming, DeadLetter, Entry, Queue, Settled
from klavier.outbox.memory import MemoryQueue
from klavier.outbox.sqlite import Outbox

__all__ = ["Coming", "DeadLetter", "Entry", "MemoryQueue", "Outbox", "Queue", "Settled"]
