"""The profile of an event in mappings: identifiers, attributes and custom properties, in both directions."""

from collections.abc import Mapping
from typing import Any

from klavier_segment_actions.portable.nodes import (
    OMITTED,
    Node,
    chain,
    described,
    flattened,
    is_expressible,
    merged,
    objects_of,
    only,
    place_of,
    places_of,
    unflattened,
)
from klavier_segment_actions.tables.fields import path
from klavier_segment_actions.tables.portable import ATTRIBUTES, LOCATION

STANDS_IN, OWN = "stands in for a user id", "an identifier of its own"
BOTH = f"{STANDS_IN}, and is {OWN} in events"
PLAIN, UNLESS_EMAIL, AND_ID = (
    "external id",
    "external id without an e-mail address",
    "external id and custom property id",
)
_CUSTOM = "custom property "
FLAT = "as a.b and c.0.d"

Wanted = Mapping[str, Any]


def external_id(wanted: Wanted, attributes: Mapping[str, Any]) -> Node:
    """Map the user id where it is an identifier; `attributes` has the places of the email address."""
    meant = wanted.get("user_id") or ""
    if not meant.startswith(PLAIN):
        return OMITTED
    places = list(wanted.get("user_id_places") or ("userId",))
    if wanted.get("anonymous_id") in (STANDS_IN, BOTH):
        places.append("anonymousId")
    email = chain(attributes.get("email") or ())
    if meant != UNLESS_EMAIL or email == OMITTED:
        return chain(places)
    return {"@if": {"exists": email, "then": OMITTED, "else": chain(places)}}


def id_property(wanted: Wanted, *, in_event: bool) -> dict[str, Node]:
    """Map the user id as a custom property where it is one; in events only where it has no other role."""
    meant = wanted.get("user_id") or ""
    if meant.startswith(_CUSTOM):
        return {meant.removeprefix(_CUSTOM): path("$.userId")}
    return {"id": path("$.userId")} if meant == AND_ID and not in_event else {}


def attribute_fields(places: Mapping[str, Any], allowed: Any) -> dict[str, Node]:
    """Map the attributes of a profile and its location; only `allowed` traits, where there are any."""
    known = {name: _let_through(found, allowed) for name, found in places.items()}
    fields = {name: chain(known.get(name, ())) for name in ATTRIBUTES}
    inside = {name: chain(known[name]) for name in LOCATION if known.get(name)}
    inside = {name: node for name, node in inside.items() if node != OMITTED}
    return {**fields, "location": inside}


def custom_field(wanted: Wanted, sources: Any, extra: Mapping[str, Node]) -> Node:
    """Map custom properties: all members of their sources, or those that are allowed, and the `extra` ones."""
    allowed = wanted.get("allowed")
    objects: list[Node]
    if allowed is None:
        objects = [path(f"$.{source}") for source in sources or ()]
    else:
        left = [name for name in allowed if name not in (wanted.get("custom_without") or ())]
        objects = [_picked(source, left) for source in sources or ()]
    objects = [*objects, *([dict(extra)] if extra else [])]
    if not objects:
        return OMITTED
    node = objects[0] if len(objects) == 1 else merged(*objects)
    return flattened(node) if wanted.get("flatten") else node


def _let_through(places: Any, allowed: Any) -> list[str]:
    return [place for place in places or () if allowed is None or place.rpartition(".")[2] in allowed]


def _picked(source: str, allowed: Any) -> dict[str, Node]:
    return {name: path(f"$.{source}.{name}") for name in allowed if "." not in name and is_expressible(name)}


# Reading -------------------------------------------------------------------------------------------------------------


def read_attributes(fields: Mapping[str, Node]) -> dict[str, tuple[str, ...]]:
    """Return the places of the attributes that some fields map."""
    location = fields.get("location")
    inside = location if isinstance(location, Mapping) and not any(n.startswith("@") for n in location) else {}
    nodes = {name: fields.get(name) for name in ATTRIBUTES} | {
        name: inside.get(name) for name in (*LOCATION, "address2")
    }
    if location and not inside:
        nodes["location"] = location
    found = {name: described(node) for name, node in nodes.items()}
    return {name: places for name, places in found.items() if places}


def read_identity(node: Node) -> dict[str, Any]:
    """Return what the user id becomes, from the mapping of `external_id`."""
    options = only(node, "@if")
    unless = isinstance(options, Mapping) and options.get("then") == OMITTED and options.get("else") is not None
    if unless and isinstance(options, Mapping) and places_of(options.get("exists")):
        node = options["else"]
    places = described(node)
    if not places:
        return {"user_id": None}
    stands_in = len(places) > 1 and places[-1] == "anonymousId"
    return {
        "user_id": UNLESS_EMAIL if unless else PLAIN,
        "user_id_places": places[:-1] if stands_in else places,
        "anonymous_id": STANDS_IN if stands_in else None,
    }


def read_custom(node: Node) -> dict[str, Any]:
    """Return where custom properties come from: `sources`, `allowed`, `id` (the property of the user id), `flat`."""
    inner, is_flat = unflattened(node)
    found: dict[str, Any] = {"sources": (), "allowed": None, "id": "", "flat": is_flat}
    if inner is None or inner == OMITTED:
        return found
    for part in objects_of(inner) or [inner]:
        place = place_of(part)
        if place is not None:
            found["sources"] = (*found["sources"], place)
        elif not _read_members(part, found):
            found["sources"] = (*found["sources"], "(a custom mapping)")
    return found


def _read_members(part: Node, found: dict[str, Any]) -> bool:
    """Read an object of members: the user id's property, or the allowed members."""
    if not isinstance(part, Mapping) or any(name.startswith("@") for name in part):
        return False
    if len(part) == 1 and place_of(next(iter(part.values()))) == "userId":
        found["id"] = next(iter(part))
        return True
    places = {name: place_of(node) for name, node in part.items()}
    roots = {place.removesuffix(f".{name}") for name, place in places.items() if place}
    if (
        len(roots) > 1
        or None in places.values()
        or any(not str(place).endswith(f".{n}") for n, place in places.items())
    ):
        return False
    found["allowed"] = tuple(places)
    found["sources"] = (*found["sources"], *roots)
    return True
