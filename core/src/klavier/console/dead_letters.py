"""Dead letters for the console: by cause, one by one, and put back with a corrected event."""

import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson
from attrs import frozen

from klavier.errors import EventError, OutboxFullError
from klavier.outbox.base import Outbox
from klavier.outbox.entry import DeadLetter
from klavier.plugins import Plugins
from klavier.relay.intake import accept
from klavier.strictjson import kind_of, read_text
from klavier.vendor import Vendor

MOST_GROUPED = 1000
"""Dead letters that are read to be shown by cause; there may be a million, and people fix the first causes first."""

_MOST_SHOWN = 10
"""Dead letters that are listed under each cause."""

_PAGE = 1000


@frozen
class ShownLetter:
    """A dead letter without personal data: its event's type and name, and why it is one."""

    seq: int
    died: float
    event_type: str
    name: str
    kind: str
    status: int | None
    reason: str
    tries: int


@frozen
class Cause:
    """The dead letters with one reason, the first of them as `letters`; `id` names it in a form."""

    id: str
    kind: str
    status: int | None
    reason: str
    count: int
    letters: tuple[ShownLetter, ...]


def group_by_cause(outbox: Outbox) -> list[Cause]:
    """Return the first dead letters by cause, the most frequent cause first."""
    groups: dict[tuple[str, int | None, str], list[DeadLetter]] = {}
    for letter in outbox.dead_letters(0, MOST_GROUPED):
        groups.setdefault((letter.kind, letter.status, letter.reason), []).append(letter)
    causes = [
        Cause(cause_id(same[0]), *cause, len(same), tuple(map(show, same[:_MOST_SHOWN])))
        for cause, same in groups.items()
    ]
    return sorted(causes, key=lambda cause: -cause.count)


def show(letter: DeadLetter) -> ShownLetter:
    """Return what is shown of a dead letter in a list."""
    event_type, name = name_event(letter.payload)
    return ShownLetter(
        letter.seq, letter.died, event_type, name, letter.kind, letter.status, letter.reason, letter.tries
    )


def find(outbox: Outbox, seq: int) -> DeadLetter | None:
    """Return one dead letter; None where it was retried or deleted meanwhile."""
    found = outbox.dead_letters(seq - 1, 1)
    return found[0] if found and found[0].seq == seq else None


def every(outbox: Outbox) -> Iterator[DeadLetter]:
    """Yield all dead letters in the order of acceptance, read in pages."""
    after = 0
    while page := outbox.dead_letters(after, _PAGE):
        after = page[-1].seq
        yield from page


def cause_id(letter: DeadLetter) -> str:
    """Return a name for the cause of a dead letter that a form can send."""
    return sha256(f"{letter.kind} {letter.status} {letter.reason}".encode()).hexdigest()[:16]


def requeue_edited(outbox: Outbox, letter: DeadLetter, text: str, vendor: Vendor, plugins: Plugins) -> None:
    """Put a corrected event into the queue in place of a dead letter.

    The event keeps the message id in its payload, with which Klaviyo counts it once. Only the outbox has a new one:
    it would leave out one that it knows. Raises `EventError` for what is no event, `OutboxError` where it cannot be
    stored.
    """
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise EventError(f"the event is not JSON: line {error.lineno}, column {error.colno}") from None
    payload: Any = read_text(text)
    if not isinstance(payload, dict):
        raise EventError(f"an event is a JSON object, not {kind_of(payload)}")
    message_id, key, written = accept(payload, vendor, plugins)
    if not all(outbox.append([(f"{message_id}#{letter.seq}-{time.time_ns()}", key, written)])):
        raise OutboxFullError("the event is in the queue already")
    outbox.delete([letter.seq])


def name_event(payload: bytes) -> tuple[str, str]:
    """Return the type and the name of an event; empty texts for what is none."""
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(event, dict):
        return "", ""
    texts = [event.get(name) for name in ("type", "event", "name")]
    event_type, *names = [text if isinstance(text, str) else "" for text in texts]
    return event_type, next(filter(None, names), "")
