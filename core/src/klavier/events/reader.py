"""Read wire JSON into events: validates the JSON and recognizes the format."""

from typing import TYPE_CHECKING, Any

from klavier.errors import EventError
from klavier.events import freshpaint, segment
from klavier.events.model import Event, JsonObject
from klavier.strictjson import checked_copy, kind_of, read_text

if TYPE_CHECKING:
    from klavier.plugins import Plugins

_NO_TYPE = (
    "no event type: send 'type' (identify, track, page, screen, group or alias), "
    "or Freshpaint's 'event' with 'properties.distinct_id'"
)


def parse_event(payload: Any, *, plugins: "Plugins | None" = None) -> Event:
    """Read one payload, already parsed from JSON, into an event.

    `payload` is a dict in the format of Segment and RudderStack (it has `type`) or Freshpaint's own (`event` and
    `properties.distinct_id`), or in one that a plugin reads (`klavier_read_event`): one of `plugins`, by default the
    installed ones.  The event has a copy of `payload`, so later changes of it have no effect; datetimes and UUIDs in it
    become their ISO strings.

    Raises `EventError` for what is no event: not an object, no known type, or a value that JSON cannot express (NaN,
    integers beyond 64 bits, lone surrogates, nesting deeper than 250 levels), with the place in the payload.
    """
    if not isinstance(payload, dict):
        raise EventError(f"an event is a JSON object, not {kind_of(payload)}: pass a dict")
    return read_payload(checked_copy(payload), plugins)


def parse_line(line: bytes | str, *, plugins: "Plugins | None" = None) -> Event:
    """Read one line of JSON text, such as a line of a JSON Lines file, into an event.

    Stricter than JSON parsers by default, so that no value is lost: besides the errors of `parse_event`, an object
    with the same key twice is an `EventError`.
    """
    payload = read_text(line)
    if not isinstance(payload, dict):
        raise EventError(f"an event is a JSON object, not {kind_of(payload)}: write one object on each line")
    return read_payload(payload, plugins)


def read_payload(payload: JsonObject, plugins: "Plugins | None" = None) -> Event:
    """Read a payload that is known to be valid JSON, and that no other code changes, into an event."""
    try:
        if "type" in payload:
            return segment.read(payload)
        if freshpaint.is_freshpaint(payload):
            return freshpaint.read(payload)
        error = EventError(_NO_TYPE, "type")
    except EventError as unknown:
        error = unknown
    found = _read_by_plugins(payload, plugins)
    if found is None:
        raise error
    return found


def _read_by_plugins(payload: JsonObject, plugins: "Plugins | None") -> Event | None:
    """Return the event that a plugin reads from a payload in a format of its own; None where none does."""
    if plugins is None:
        from klavier.plugins import installed_plugins  # noqa: PLC0415 -- it imports events

        plugins = installed_plugins()
    return plugins.read(payload)
