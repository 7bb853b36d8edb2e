"""Track on the server: one event.

Source: Segment's page on its Klaviyo destination, "Server-side Track" and the table of properties under "Ecommerce".
"""

from klavier.events.model import JsonObject, Track
from klavier.klaviyo.legacy import LegacyCall, TrackCall
from klavier_segment_classic.facade.commerce import find_order_ids, read_revenue
from klavier_segment_classic.facade.dates import read_dates
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, is_truthy
from klavier_segment_classic.rules import Rules, track_email


def translate_track(event: Track, rules: Rules, notes: list[str]) -> list[LegacyCall]:
    """Return the one call of a track message; raises `RejectEvent`."""
    properties = Keys(read_dates(event.properties))
    document: JsonObject = {"token": rules.settings.api_key}
    if "event" in event.payload:
        document["event"] = read_dates(event.event)
    document["properties"] = _properties(properties, rules, notes)
    time = rules.read_time(event, notes)
    if time is not UNDEFINED:
        document["time"] = time
    document["customer_properties"] = rules.customer_properties(event, track_email(event, properties))
    return [TrackCall(document)]


def _properties(properties: Keys, rules: Rules, notes: list[str]) -> JsonObject:
    """Return the properties with `$value` and `$event_id`; `eventId` in this spelling is moved, not copied."""
    found = dict(properties.members)
    event_id = properties.get("eventid")
    if event_id is not UNDEFINED and event_id is not None:
        found["$event_id"] = event_id
        found.pop("eventId", None)
    amount = read_revenue(properties, rules.fidelity, notes, order=False)
    if amount is not UNDEFINED:
        found["$value"] = amount
    _, known = find_order_ids(properties, event_id_first=rules.fidelity.event_id_first)
    if known is not UNDEFINED and (is_truthy(known) or not rules.fidelity.event_id_first):
        if found.get("$event_id", known) != known:
            notes.append("eventId left out: the order's id is the id of the event")
        found["$event_id"] = known
    return found
