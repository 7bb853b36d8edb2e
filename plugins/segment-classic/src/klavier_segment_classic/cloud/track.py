"""Track on the server: one event.

Source: Segment's page on its Klaviyo destination, "Server-side Track" and the table of properties under "Ecommerce".
"""

from klavier.events.model import JsonObject, Track
from klavier.klaviyo.legacy import LegacyCall, TrackCall
from klavier_segment_classic.facade.commerce import order_ids, revenue
from klavier_segment_classic.facade.dates import dated
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, truly
from klavier_segment_classic.message import Translation, track_email


def track(event: Track, how: Translation, notes: list[str]) -> list[LegacyCall]:
    """Give the one call of a track message; raises `Refused`."""
    properties = Keys(dated(event.properties))
    document: JsonObject = {"token": how.settings.api_key}
    if "event" in event.payload:
        document["event"] = dated(event.event)
    document["properties"] = _properties(properties, how)
    time = how.time(event, notes)
    if time is not UNDEFINED:
        document["time"] = time
    document["customer_properties"] = how.customer(event, track_email(event, properties))
    return [TrackCall(document)]


def _properties(properties: Keys, how: Translation) -> JsonObject:
    """Give the properties with `$value` and `$event_id`; `eventId` in this spelling is moved, not copied."""
    found = dict(properties.members)
    event_id = properties.get("eventid")
    if event_id is not UNDEFINED and event_id is not None:
        found["$event_id"] = event_id
        found.pop("eventId", None)
    amount = revenue(properties, order=False)
    if amount is not UNDEFINED:
        found["$value"] = amount
    _, known = order_ids(properties, event_id_first=how.points.event_id_first)
    if known is not UNDEFINED and (truly(known) or not how.points.event_id_first):
        found["$event_id"] = known
    return found
