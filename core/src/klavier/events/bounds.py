"""What no vendor can send: bounds that are checked when an event is accepted.

They keep the work on one event bounded, and report an error to the caller while the event can still be repaired.
"""

from klavier.errors import EventError
from klavier.events.model import Event

EVENT_BYTES = 5_000_000
"""Klaviyo's limit on the body of any call, and so on the JSON of an event (API overview, revision 2026-10-15)."""

ID_CHARACTERS = 1000
"""How long an id may be.

Klaviyo's own ids end at 255 characters, but vendors shorten or leave out longer ones: up to here the vendor decides.
No identifier is longer; raise it if a system with longer ids turns up.
"""

_IDS = (
    ("user_id", "userId"),
    ("anonymous_id", "anonymousId"),
    ("message_id", "messageId"),
    ("group_id", "groupId"),
    ("previous_id", "previousId"),
)
"""Attributes of events, and their members in the payload."""


def check_bounds(event: Event, size: int) -> None:
    """Raise `EventError` for an event whose JSON, `size` bytes, or one of whose ids is beyond what can be delivered."""
    if size > EVENT_BYTES:
        raise EventError(f"the event has more than {EVENT_BYTES} bytes, Klaviyo's limit; send a smaller one")
    for attribute, member in _IDS:
        found = getattr(event, attribute, None)
        if isinstance(found, str) and len(found) > ID_CHARACTERS:
            raise EventError(f"{member} has more than {ID_CHARACTERS} characters; send a shorter id")
