"""What Freshpaint's destination reads in an event, whichever wire format it came in."""

from typing import Any

from klavier.events.model import Event, Identify, JsonObject, Page, Screen, Track
from klavier.jsvalues import dig
from klavier_freshpaint.tables.people import RESERVED

PAGE, SCREEN = "$page", "$screen"
"""The names that page and screen views have in Freshpaint."""


def name_of(event: Event) -> Any:
    """Give the name by which Klaviyo is enabled for an event; None for a call that is no event."""
    if isinstance(event, Track):
        return event.event
    if isinstance(event, Page):
        return PAGE
    return SCREEN if isinstance(event, Screen) else None


def is_own_format(event: Event) -> bool:
    """Tell whether an event came in Freshpaint's own wire format."""
    return "type" not in event.payload


def properties_of(event: Track | Page | Screen) -> JsonObject:
    """Give the properties of what happened, without the members that tell of the message."""
    if is_own_format(event):
        return {name: value for name, value in event.properties.items() if name not in RESERVED}
    names = {} if isinstance(event, Track) else {"name": event.name, "category": event.category}
    return {**{name: value for name, value in names.items() if value is not None}, **event.properties}


def traits_of(event: Event) -> JsonObject:
    """Give what is known about the person."""
    if isinstance(event, Identify):
        return event.traits
    found = event.payload["properties"].get("$user_props") if is_own_format(event) else dig(event.context, "traits")
    return found if isinstance(found, dict) else {}


def user_id_of(event: Event) -> Any:
    """Give the id of a known person; a visitor's `distinct_id` is the device's own and names nobody."""
    if event.user_id in (None, "") or (is_own_format(event) and event.user_id == event.anonymous_id):
        return None
    return event.user_id
