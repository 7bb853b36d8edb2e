"""The profile of one row, as an entry of an import job."""

from typing import Any

from klavier.events.model import Event, Identify, JsonObject
from klavier.jsvalues import dig, truthy
from klavier.klaviyo.attributes import PROFILE_IDENTIFIERS
from klavier.vendor import RejectEvent
from klavier_rudderstack.tables.bulk_upload import ATTRIBUTES, IDENTIFIER_TYPES, LOCATION
from klavier_rudderstack.values import acceptable

NEEDS_KEY = "Private Api Key is not present"
NOT_SUPPORTED = "Event type {type} is not supported"
NO_IDENTIFIER = "no identifier that Klaviyo accepts: pass an email, phone_number or external_id trait or an external id"
REPLACED = "traits.{name} left out: the identifier of the row takes precedence"
CONTEXT_TRAITS = "context.traits left out: Klaviyo Bulk Upload reads traits alone"
ANONYMOUS_ID = "anonymous_id left out: Klaviyo's profile import does not accept it since revision 2025-10-15"

_IDENTIFIERS = (*PROFILE_IDENTIFIERS, "_kx")


def make_profile(event: Event, *, exact: bool, takes_anonymous: bool) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the `data` of a row's profile, and the notes about what it leaves out.

    Values are sent unchanged where they are `exact`; `takes_anonymous` says that the revision accepts an anonymous id.
    Raises `RejectEvent`.
    """
    if not isinstance(event, Identify):
        raise RejectEvent(NOT_SUPPORTED.format(type=event.type))
    notes: list[str] = []
    external = dig(event.payload, "context", "externalId")
    first = external[0] if isinstance(external, list) and external else None
    kind, identifier = dig(first, "identifierType"), dig(first, "id")
    others = event.context.get("traits")
    if isinstance(others, dict) and any(event.traits.get(name) != value for name, value in others.items()):
        notes.append(CONTEXT_TRAITS)
    data = _sort_traits(event.traits)
    attributes = data["attributes"]
    if truthy(identifier):
        _set_identifier(data, kind, identifier, notes, exact=exact)
    if not exact:
        _convert(data, notes)
        if not takes_anonymous and "anonymous_id" in attributes:
            _replace_anonymous(data, notes)
        if not any(name in attributes for name in (*_IDENTIFIERS, "anonymous_id")) and "id" not in data:
            raise RejectEvent(NO_IDENTIFIER)
    return data, tuple(dict.fromkeys(notes))


def _sort_traits(traits: JsonObject) -> JsonObject:
    """Return a profile with traits as attributes, location and properties; empty ones are left out."""
    attributes = {name: value for name, value in traits.items() if name in ATTRIBUTES and value not in (None, "")}
    location = {name: value for name, value in traits.items() if name in LOCATION and value not in (None, "")}
    others = {name: value for name, value in traits.items() if name not in ATTRIBUTES | LOCATION and value is not None}
    if location:
        attributes["location"] = location
    if others:
        attributes["properties"] = others
    return {"type": "profile", "attributes": attributes}


def _set_identifier(data: JsonObject, kind: Any, identifier: Any, notes: list[str], *, exact: bool) -> None:
    """Set what the identifier of a row says: RudderStack makes it the anonymous id, whatever its type."""
    attributes = data["attributes"]
    names = ["anonymous_id"]
    if kind == "id":
        data["id"] = identifier
    elif isinstance(kind, str) and (kind == "email" or (not exact and kind in IDENTIFIER_TYPES)):
        names.append(kind)
    for name in names:
        if attributes.get(name, identifier) != identifier:
            notes.append(REPLACED.format(name=name))
        attributes[name] = identifier


def _convert(data: JsonObject, notes: list[str]) -> None:
    """Convert attributes to what Klaviyo accepts, and leave out the others with a note."""
    attributes = data["attributes"]
    for place, names in ((attributes, ATTRIBUTES), (attributes.get("location", {}), LOCATION)):
        for name in sorted(names & place.keys()):
            value = acceptable.attribute(name, place.pop(name), notes)
            if value is not None and name in ("email", "phone_number"):
                accept = acceptable.email if name == "email" else acceptable.phone
                value = accept(value, notes)
            if value is not None:
                place[name] = value
    if not attributes.get("location", True):
        del attributes["location"]
    if "id" in data and not isinstance(data["id"], str):
        value = acceptable.attribute("id", data.pop("id"), notes)
        if value is not None:
            data["id"] = value


def _replace_anonymous(data: JsonObject, notes: list[str]) -> None:
    """Leave out the anonymous id, which becomes the external id where nothing else identifies the profile."""
    attributes = data["attributes"]
    anonymous = attributes.pop("anonymous_id")
    if not any(name in attributes for name in _IDENTIFIERS) and "id" not in data:
        attributes["external_id"] = anonymous
    elif anonymous not in (data.get("id"), *(attributes.get(name) for name in _IDENTIFIERS)):
        notes.append(ANONYMOUS_ID)
