"""What Freshpaint's destination reads in an event, in both wire formats."""

from typing import Any

from klavier.events.model import Event, Identify, JsonObject, Page, Screen, Track
from klavier.jsvalues import dig

PAGE, SCREEN = "$page", "$screen"
"""The names of page and screen views in Freshpaint."""


def find_name(event: Event) -> Any:
    """Return the name by which Klaviyo is enabled for an event; None for a call without one, such as group."""
    if isinstance(event, Track):
        return event.event
    if isinstance(event, Page):
        return PAGE
    return SCREEN if isinstance(event, Screen) else None


def read_properties(event: Track | Page | Screen) -> JsonObject:
    """Return the event's properties; the name and category of a page or screen are among them."""
    names = {} if isinstance(event, Track) else {"name": event.name, "category": event.category}
    return {**{name: value for name, value in names.items() if value is not None}, **event.properties}


def read_traits(event: Event) -> JsonObject:
    """Return the traits of the event's profile: its own, else those of its context."""
    if isinstance(event, Identify):
        return event.traits
    found = dig(event.context, "traits")
    return found if isinstance(found, dict) else {}


def find_user_id(event: Event) -> Any:
    """Return the user id; None where there is none."""
    return None if event.user_id == "" else event.user_id
