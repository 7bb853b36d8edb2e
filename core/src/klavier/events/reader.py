"""From wire JSON to events: which format it is, and that it is JSON at all."""

from typing import Any

from klavier.errors import EventError
from klavier.events import freshpaint, segment
from klavier.events.model import Event, JsonObject
from klavier.strictjson import checked_copy, kind_of, read_text


def parse_event(payload: Any) -> Event:
    """Make an event of one payload, already read from JSON.

    `payload` is a dict in the format of Segment and RudderStack (it has `type`) or Freshpaint's own (`event` and
    `properties.distinct_id`).  The event holds a copy, so later changes of `payload` do not
    reach it; datetimes and UUIDs in it become their ISO strings.

    Raises `EventError` for what is no event: not an object, no known type, or a value that JSON cannot say (NaN,
    integers beyond 64 bits, lone surrogates, nesting deeper than 250 levels), with the place in the payload.
    """
    if not isinstance(payload, dict):
        raise EventError(f"an event is a JSON object, not {kind_of(payload)}; pass a dict")
    return event_of(checked_copy(payload))


def parse_line(line: bytes | str) -> Event:
    """Make an event of one line of JSON text, such as a line of a JSON Lines file.

    Stricter than JSON parsers are by default, so that nothing is lost on the way: besides what `parse_event` refuses,
    an object with the same key twice is an `EventError`.
    """
    payload = read_text(line)
    if not isinstance(payload, dict):
        raise EventError(f"an event is a JSON object, not {kind_of(payload)}; write one object a line")
    return event_of(payload)


def event_of(payload: JsonObject) -> Event:
    """Make an event of a payload known to be clean JSON that nobody else holds."""
    if "type" in payload:
        return segment.read(payload)
    if freshpaint.recognises(payload):
        return freshpaint.read(payload)
    raise EventError(
        "no event type; give 'type' (identify, track, page, screen, group or alias), "
        "or Freshpaint's 'event' with 'properties.distinct_id'",
        "type",
    )
