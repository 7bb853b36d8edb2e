"""What Freshpaint's destination reads in an event, whichever wire format it came in."""

from typing import Any

from klavier.events.model import Event, Identify, JsonObject, Page, Screen, Track
from klavier.jsvalues import dig

PAGE, SCREEN = "$page", "$screen"
"""The names that page and screen views have in Freshpaint."""


def name_of(event: Event) -> Any:
    """Give the name by which Klaviyo is enabled for an event; None for a call that is no event."""
    if isinstance(event, Track):
        return event.event
    if isinstance(event, Page):
        return PAGE
    return SCREEN if isinstance(event, Screen) else None


def properties_of(event: Track | Page | Screen) -> JsonObject:
    """Give the properties of what happened; the name and category of what was viewed are among them."""
    names = {} if isinstance(event, Track) else {"name": event.name, "category": event.category}
    return {**{name: value for name, value in names.items() if value is not None}, **event.properties}


def traits_of(event: Event) -> JsonObject:
    """Give what is known about the person."""
    if isinstance(event, Identify):
        return event.traits
    found = dig(event.context, "traits")
    return found if isinstance(found, dict) else {}


def user_id_of(event: Event) -> Any:
    """Give the id of a known person."""
    return None if event.user_id == "" else event.user_id
