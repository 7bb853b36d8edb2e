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
    """Return the traits of the event's profile: those of its context, and over them an identify call's own."""
    found = dig(event.context, "traits")
    traits = found if isinstance(found, dict) else {}
    return {**traits, **event.traits} if isinstance(event, Identify) else traits


def unread_properties(event: Identify) -> list[str]:
    """Return notes about the properties of an identify call, except what Freshpaint's libraries add to each event."""
    given = event.payload.get("properties")
    names = [name for name in given if not name.startswith("$")] if isinstance(given, dict) else []
    return [f"properties.{name} left out: an identify call sends traits" for name in names]


def find_time(event: Event) -> Any:
    """Return when an event happened, as sent; an event that no server has received has its original time alone."""
    return event.payload.get("originalTimestamp") if event.timestamp in (None, "") else event.timestamp


def find_user_id(event: Event) -> Any:
    """Return the user id; None where there is none."""
    return None if event.user_id == "" else event.user_id
