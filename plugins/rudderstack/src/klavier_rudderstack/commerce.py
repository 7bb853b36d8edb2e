"""The properties of the four ecommerce events, renamed to what Klaviyo's own integrations send."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import truthy
from klavier_rudderstack.points import Points
from klavier_rudderstack.tables.ecommerce import EVENTS, ITEMS_FROM, PROPERTIES

Rename = Callable[[JsonObject], JsonObject]
"""Renames the properties of one event."""

CONTACT = frozenset({"email", "phone"})
"""Properties that say who the person is, and are therefore said in the profile."""


def metric_of(event: Any) -> str | None:
    """Give the Klaviyo metric of an ecommerce event; None for any other event."""
    return EVENTS.get(event.strip().lower()) if event.__class__ is str else None


def compile_metrics(points: Points, elsewhere: AbstractSet[str] = CONTACT) -> Mapping[str, Rename]:
    """Compile the renaming of each metric's properties; those said `elsewhere` are never sent."""
    return {metric: _compile(names, points, elsewhere) for metric, names in PROPERTIES.items()}


def _compile(names: Mapping[str, str], points: Points, elsewhere: AbstractSet[str]) -> Rename:
    renamed_item = compile_item(points.item, fallback=points.row_total_fallback, extras=points.ecommerce_extras)
    key = points.items_key

    def mapped(properties: JsonObject) -> JsonObject:
        """Rename what has a name, drop the rest, as RudderStack was observed to do."""
        found = {names[k]: v for k, v in properties.items() if k in names and v is not None and v != ""}
        given = properties.get("items")
        items = _renamed(given if truthy(given) else properties.get("products"), renamed_item, objects_only=True)
        if items:
            found[key] = items
        return found

    def complete(properties: JsonObject) -> JsonObject:
        """Rename what has a name and send the rest as it is, as the documents say."""
        source = _source(properties)
        found: JsonObject = {}
        for k, v in properties.items():
            if k == source:
                found[key] = _renamed(v, renamed_item, objects_only=False)
            elif k in names:
                if v or (v is not None and v != ""):
                    found[names[k]] = v
            elif k not in found and k not in elsewhere:
                found[k] = v
        return found

    return complete if points.ecommerce_extras else mapped


def compile_item(names: Mapping[str, str], *, fallback: bool, extras: bool) -> Rename:
    """Compile the renaming of one item's parameters.

    With `extras` those without a name of their own are kept; with `fallback` `row_total` stands in for `total`.
    """

    def mapped(item: JsonObject) -> JsonObject:
        return {names[k]: v for k, v in item.items() if k in names and (v or (v is not None and v != ""))}

    named = names.keys()

    def complete(item: JsonObject) -> JsonObject:
        if named >= item.keys() and all(item.values()):  # most items: all they say has a name, and nothing is empty
            return {names[k]: v for k, v in item.items()}
        found: JsonObject = {}
        for k, v in item.items():
            if k in names:
                if v or (v is not None and v != ""):  # most are true, and told so at once
                    found[names[k]] = v
            elif k not in found:
                found[k] = v
        if fallback and "RowTotal" not in found and found.get("row_total") not in (None, ""):
            found["RowTotal"] = found.pop("row_total")
        return found

    return complete if extras else mapped


def _source(properties: JsonObject) -> str:
    """Give the name of the property that holds the items; empty where none holds any."""
    for name in ITEMS_FROM:
        if properties.get(name) and isinstance(properties[name], list):
            return name
    return ""


def _renamed(items: Any, rename: Rename, *, objects_only: bool) -> list[Any]:
    """Rename the parameters of each item, and leave out the items that say nothing."""
    if not isinstance(items, list):
        return []
    if objects_only:
        return [renamed for item in items if isinstance(item, dict) and (renamed := rename(item))]
    found: list[Any] = [rename(item) if isinstance(item, dict) else item for item in items]
    return [item for item in found if item or (item is not None and item != {})]
