"""Small mappings and the paths that they read, in both directions."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from klavier_segment_actions.tables.fields import path

Node = Any
"""A mapping of one field."""

OMITTED = ""
"""The mapping that overrides a default with nothing: an empty string is left out."""

_SIMPLE = re.compile(r"[A-Za-z0-9_$]+(?:\[[0-9]+\])?(?:\.[A-Za-z0-9_$]+(?:\[[0-9]+\])?)*")


def is_expressible(place: str) -> bool:
    """Return whether a mapping's path can name a place; keys with other characters have no path."""
    return _SIMPLE.fullmatch(place) is not None


def chain(places: Sequence[str]) -> Node:
    """Map the first of some places that has a value; places without a path are ignored."""
    named = [place for place in places if is_expressible(place)]
    if not named:
        return OMITTED
    *before, last = named
    node: Node = path(f"$.{last}")
    for place in reversed(before):
        node = {"@if": {"exists": path(f"$.{place}"), "then": path(f"$.{place}"), "else": node}}
    return node


def places_of(node: Node) -> tuple[str, ...] | None:
    """Return the places of a mapping built by `chain`: none for an omitted field; None for any other mapping."""
    if node is None or node == OMITTED:
        return ()
    place = place_of(node)
    if place is not None:
        return (place,)
    options = only(node, "@if")
    if not isinstance(options, Mapping) or set(options) != {"exists", "then", "else"}:
        return None
    first, rest = place_of(options["exists"]), places_of(options["else"])
    if first is None or rest is None or options["then"] != options["exists"]:
        return None
    return (first, *rest)


def described(node: Node) -> tuple[str, ...]:
    """Return the places of a mapping, or a description of one that is no chain of places."""
    found = places_of(node)
    if found is not None:
        return found
    return (f"{node!r} (a constant)",) if isinstance(node, (str, int, float, bool)) else ("(a custom mapping)",)


def place_of(node: Node) -> str | None:
    """Return the place that a mapping by path reads."""
    found = only(node, "@path")
    return found[2:] if isinstance(found, str) and found.startswith("$.") and len(found) > len("$.") else None


def only(node: Node, directive: str) -> Any:
    """Return the value of a node's only directive, None where it is another one."""
    return node[directive] if isinstance(node, Mapping) and list(node) == [directive] else None


def merged(*objects: Node) -> Node:
    """Map a shallow merge of objects, of which the last wins; a missing object counts as empty."""
    return {"@merge": {"direction": "right", "objects": list(objects)}}


def objects_of(node: Node) -> list[Node] | None:
    """Return the objects of a mapping built by `merged`."""
    options = only(node, "@merge")
    if not isinstance(options, Mapping) or options.get("direction") != "right":
        return None
    found = options.get("objects")
    return list(found) if isinstance(found, (list, tuple)) else None


def flattened(node: Node) -> Node:
    """Map the flattened value of a mapping."""
    return {"@flatten": {"separator": ".", "value": node}}


def unflattened(node: Node) -> tuple[Node, bool]:
    """Return the mapping inside `flattened`, and whether it is flattened."""
    options = only(node, "@flatten")
    is_flat = isinstance(options, Mapping) and dict(options, value=None) == {"separator": ".", "value": None}
    return (options["value"], True) if is_flat else (node, False)
