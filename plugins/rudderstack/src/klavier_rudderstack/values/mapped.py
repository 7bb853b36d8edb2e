"""Reverse ETL with a visual mapping: identify calls with `context.mappedToDestination`.

The first of `context.externalId` names the column that identifies the row (`identifierType`), and its value (`id`).
RudderStack's transformer sets the trait of that name and the user id to the value, and subscribes the profile to the
list of the event or the setting unless `traits.properties.subscribe` is there.  Source: observed behavior of versions
v1, v2 and v3; the documents do not mention it.
"""

from typing import Any

from attrs import evolve

from klavier.events.model import Event, Identify, JsonObject
from klavier.jsvalues import dig, truthy
from klavier.values import read_boolean
from klavier_rudderstack.values.nesting import Nesting

_MEMBER = "mappedToDestination"


def resolve_mapped(event: Event, *, exact: bool) -> Event:
    """Return a mapped identify call with the trait, user id and `subscribe` of its mapping; any other event unchanged.

    The text `false` marks a mapped event only where values are read `exact`ly as RudderStack does.
    """
    if _MEMBER not in event.context or not isinstance(event, Identify):
        return event
    value = event.context[_MEMBER]
    if not truthy(value) or (not exact and read_boolean(value)[0] is False):
        return event
    return _apply_mapping(event, exact=exact)


def _apply_mapping(event: Identify, *, exact: bool) -> Identify:
    """Return the event with its mapping applied; `exact`ly, an identifier without a value empties its trait."""
    place, traits = _find_traits(event)
    given = dig(event.payload, "context", "externalId")
    first = given[0] if isinstance(given, list) and given else None
    name, value = dig(first, "identifierType"), dig(first, "id")
    payload, context = dict(event.payload), dict(event.context)
    if traits is not None:
        traits = dict(traits)
        if isinstance(name, str) and (exact or value is not None):
            Nesting(traits, nests=True).put(name, value)
        _set_subscribe(traits)
        (payload if place == "traits" else context)["traits"] = traits
    if truthy(value):
        payload["userId"] = value
    payload["context"] = context
    user_id, own = payload.get("userId"), payload.get("traits")
    return evolve(event, payload=payload, context=context, user_id=user_id, traits=own if isinstance(own, dict) else {})


def _find_traits(event: Identify) -> tuple[str, JsonObject | None]:
    """Return the place of the traits that the mapping changes, and these; None where there are none."""
    for place, traits in (("traits", event.payload.get("traits")), ("context.traits", event.context.get("traits"))):
        if isinstance(traits, dict):
            return place, traits
    return "", None


def _set_subscribe(traits: JsonObject) -> None:
    control: Any = traits.get("properties")
    if not truthy(control):
        traits["properties"] = {"subscribe": True}
    elif isinstance(control, list):
        traits["properties"] = {"subscribe": True}  # an array is an object to JavaScript, without members here
    elif isinstance(control, dict) and "subscribe" not in control:
        traits["properties"] = {**control, "subscribe": True}
