"""The products of an event under other names, as a mapping and as a term.

In a term, a new name stands for `name` (a member), `[name]` (a list of it), `name, else 1` (with a default),
`name of each` (a list over all products) or a table that begins with `each of`, the shape of each product.
"""

import re
from collections.abc import Mapping
from typing import Any

from klavier_segment_actions.portable.nodes import Node, merged, objects_of, only, place_of
from klavier_segment_actions.tables.fields import path

_ITEM = {"@path": "$."}
"""The product itself, inside a mapping of products."""

_OF_EACH = re.compile(r"(\w+) of each")
_ELSE = re.compile(r"(\w+), else ([0-9]+)")
_LISTED = re.compile(r"\[(\w+)\]")


def shape(names: Mapping[str, Any], root: str) -> dict[str, Node]:
    """Map members under their new names; `root` is the path of plain members, such as `$.properties`."""
    return {name: _member(meant, root) for name, meant in names.items()}


def read_shape(node: Any, root: str) -> dict[str, Any] | None:
    """Return the term of a mapping built by `shape`; None for any other mapping."""
    if not isinstance(node, Mapping) or any(name.startswith("@") for name in node):
        return None
    found = {name: _read_member(member, root) for name, member in node.items()}
    return None if None in found.values() else found


def each_product(names: Mapping[str, Any]) -> Node:
    """Map every product to its members, and to those under new names."""
    return {"@arrayPath": ["$.properties.products", merged(_ITEM, shape(names, "$"))]}


def read_products(node: Node) -> dict[str, Any] | None:
    """Return the term of a mapping built by `each_product`; None for any other mapping."""
    found = only(node, "@arrayPath")
    if (
        not isinstance(found, (list, tuple))
        or len(found) != len(("path", "shape"))
        or found[0] != "$.properties.products"
    ):
        return None
    objects = objects_of(found[1])
    return (
        read_shape(objects[1], "$")
        if objects and objects[0] == _ITEM and len(objects) == len(("item", "names"))
        else None
    )


def _member(meant: Any, root: str) -> Node:
    if isinstance(meant, Mapping):
        return each_product({name: member for name, member in meant.items() if name != "each of"})
    if found := _OF_EACH.fullmatch(meant):
        return {"@arrayPath": [f"{root}.products", path(f"$.{found[1]}")]}
    if found := _ELSE.fullmatch(meant):
        return {
            "@if": {"exists": path(f"{root}.{found[1]}"), "then": path(f"{root}.{found[1]}"), "else": int(found[2])}
        }
    if found := _LISTED.fullmatch(meant):
        return [path(f"{root}.{found[1]}")]
    return path(f"{root}.{meant}")


def _read_member(node: Node, root: str) -> Any:
    """Return the term of one member; None where it is of another kind."""
    prefix = f"{root}.".removeprefix("$.")
    if isinstance(node, list) and len(node) == 1:
        inner = place_of(node[0])
        return None if inner is None else f"[{inner.removeprefix(prefix)}]"
    options = only(node, "@if")
    if isinstance(options, Mapping) and isinstance(options.get("else"), int):
        inner = place_of(options.get("exists"))
        return None if inner is None else f"{inner.removeprefix(prefix)}, else {options['else']}"
    array = only(node, "@arrayPath")
    if isinstance(array, (list, tuple)) and len(array) == len(("path", "shape")):
        inner = place_of(array[1])
        if inner is not None:
            return f"{inner} of each"
        products = read_products(node)
        return None if products is None else {"each of": "products", **products}
    place = place_of(node)
    return None if place is None else place.removeprefix(prefix)
