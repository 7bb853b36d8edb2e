"""The events that have waited longest, with how they were tried last."""

from attrs import frozen

from klavier.console.dead_letters import name_event
from klavier.console.recorder import Recorded, Recorder
from klavier.outbox.base import Outbox

_MOST = 5
_MOST_BYTES = 1_000_000
_LONG_SECONDS = 5.0
"""How long an event waits before it is shown: most are delivered within a second or two."""


@frozen
class ShownWaiting:
    """One event that waits, without personal data: since when, and its last attempt where this process made it."""

    accepted: float
    event_type: str
    name: str
    source: str
    tries: int
    due: float
    last: Recorded | None


def read_waiting(outbox: Outbox, recorder: Recorder, now: float) -> list[ShownWaiting]:
    """Return the oldest events of an outbox that have waited for some seconds."""
    return [
        ShownWaiting(
            entry.accepted,
            *name_event(entry.payload),
            recorder.source(entry.message_id),
            entry.tries,
            entry.due,
            recorder.retried(entry.seq),
        )
        for entry in outbox.read(0, _MOST, _MOST_BYTES)
        if now - entry.accepted >= _LONG_SECONDS
    ]
