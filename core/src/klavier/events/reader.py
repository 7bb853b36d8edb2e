"""From wire JSON to events: which format it is, and that it is JSON at all."""

from typing import TYPE_CHECKING, Any

from klavier.errors import EventError
from klavier.events import freshpaint, segment
from klavier.events.model import Event, JsonObject
from klavier.strictjson import checked_copy, kind_of, read_text

if TYPE_CHECKING:
    from klavier.plugins import Plugins

_NO_TYPE = (
    "no event type; give 'type' (identify, track, page, screen, group or alias), "
    "or Freshpaint's 'event' with 'properties.distinct_id'"
)


def parse_event(payload: Any, *, plugins: "Plugins | None" = None) -> Event:
    """Make an event of one payload, already read from JSON.

    `payload` is a dict in the format of Segment and RudderStack (it has `type`) or Freshpaint's own (`event` and
    `properties.distinct_id`), or in one that a plugin reads (`klavier_read_event`): one of `plugins`, by default the
    installed ones.  The event holds a copy, so later changes of `payload` do not reach it; datetimes and UUIDs in it
    become their ISO strings.

    Raises `EventError` for what is no event: not an object, no known type, or a value that JSON cannot say (NaN,
    integers beyond 64 bits, lone surrogates, nesting deeper than 250 levels), with the place in the payload.
    """
    if not isinstance(payload, dict):
        raise EventError(f"an event is a JSON object, not {kind_of(payload)}; pass a dict")
    return event_of(checked_copy(payload), plugins)


def parse_line(line: bytes | str, *, plugins: "Plugins | None" = None) -> Event:
    """Make an event of one line of JSON text, such as a line of a JSON Lines file.

    Stricter than JSON parsers are by default, so that nothing is lost on the way: besides what `parse_event` refuses,
    an object with the same key twice is an `EventError`.
    """
    payload = read_text(line)
    if not isinstance(payload, dict):
        raise EventError(f"an event is a JSON object, not {kind_of(payload)}; write one object a line")
    return event_of(payload, plugins)


def event_of(payload: JsonObject, plugins: "Plugins | None" = None) -> Event:
    """Make an event of a payload known to be clean JSON that nobody else holds."""
    try:
        if "type" in payload:
            return segment.read(payload)
        if freshpaint.recognises(payload):
            return freshpaint.read(payload)
        problem = EventError(_NO_TYPE, "type")
    except EventError as error:
        problem = error
    found = _read_by_plugins(payload, plugins)
    if found is None:
        raise problem
    return found


def _read_by_plugins(payload: JsonObject, plugins: "Plugins | None") -> Event | None:
    """Ask the plugins about a payload that klavier itself cannot read."""
    if plugins is None:
        from klavier.plugins import installed_plugins  # noqa: PLC0415 -- it imports events

        plugins = installed_plugins()
    return plugins.read(payload)
