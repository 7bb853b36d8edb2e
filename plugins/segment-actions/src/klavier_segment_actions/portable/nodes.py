"""Small mappings and the places that they stand for, both ways."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from klavier_segment_actions.tables.fields import path

Node = Any
"""A mapping of one field."""

OMITTED = ""
"""What keeps a default from being used: empty text is left out."""

_SIMPLE = re.compile(r"[A-Za-z0-9_$]+(?:\[[0-9]+\])?(?:\.[A-Za-z0-9_$]+(?:\[[0-9]+\])?)*")


def is_expressible(place: str) -> bool:
    """Tell whether a path can name a place: one with brackets behind it cannot be named."""
    return _SIMPLE.fullmatch(place) is not None


def chain(places: Sequence[str]) -> Node:
    """Map the first of some places that has a value; those that no path can name are passed over."""
    named = [place for place in places if is_expressible(place)]
    if not named:
        return OMITTED
    *before, last = named
    node: Node = path(f"$.{last}")
    for place in reversed(before):
        node = {"@if": {"exists": path(f"$.{place}"), "then": path(f"$.{place}"), "else": node}}
    return node


def places_of(node: Node) -> tuple[str, ...] | None:
    """Give the places that `chain` made a mapping of: none for a field that is left out, None for any other mapping."""
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
    """Give the places of a mapping, or words for one that is no chain of places."""
    found = places_of(node)
    if found is not None:
        return found
    return (f"{node!r} (as it stands)",) if isinstance(node, (str, int, float, bool)) else ("(a mapping of its own)",)


def place_of(node: Node) -> str | None:
    """Give the place that a mapping by path looks at."""
    found = only(node, "@path")
    return found[2:] if isinstance(found, str) and found.startswith("$.") and len(found) > len("$.") else None


def only(node: Node, directive: str) -> Any:
    """Give the value of a node's one directive, None where it is another one."""
    return node[directive] if isinstance(node, Mapping) and list(node) == [directive] else None


def merged(*objects: Node) -> Node:
    """Lay objects over each other, the last on top; what is not there counts as empty."""
    return {"@merge": {"direction": "right", "objects": list(objects)}}


def objects_of(node: Node) -> list[Node] | None:
    """Give the objects that `merged` laid over each other."""
    options = only(node, "@merge")
    if not isinstance(options, Mapping) or options.get("direction") != "right":
        return None
    found = options.get("objects")
    return list(found) if isinstance(found, (list, tuple)) else None


def flattened(node: Node) -> Node:
    """Flatten what a mapping gives."""
    return {"@flatten": {"separator": ".", "value": node}}


def unflattened(node: Node) -> tuple[Node, bool]:
    """Give what is flattened, and whether it is."""
    options = only(node, "@flatten")
    is_flat = isinstance(options, Mapping) and dict(options, value=None) == {"separator": ".", "value": None}
    return (options["value"], True) if is_flat else (node, False)
