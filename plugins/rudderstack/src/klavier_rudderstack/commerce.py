"""The properties of the four ecommerce events, renamed to what Klaviyo's own integrations send."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import truthy
from klavier.klaviyo.limits import METRIC_NAME
from klavier_rudderstack.points import Points
from klavier_rudderstack.tables.ecommerce import EVENTS, ITEMS_FROM, PROPERTIES

Rename = Callable[[JsonObject], JsonObject]
"""Renames the members of one object."""

_ROW_TOTAL = "row_total"
CONTACT = frozenset({"email", "phone"})
"""Properties that say who the person is, and are therefore said in the profile."""


def metric_of(event: Any) -> str | None:
    """Give the Klaviyo metric of an ecommerce event; None for any other event."""
    if event.__class__ is not str:
        return None
    return _metric_of(event) if len(event) <= METRIC_NAME else EVENTS.get(event.strip().lower())


@lru_cache(maxsize=1024)
def _metric_of(name: str) -> str | None:
    """Remember what events are called: the same few names come again and again; long ones would fill the memory."""
    return EVENTS.get(name.strip().lower())


def compile_metrics(points: Points, elsewhere: AbstractSet[str] = CONTACT) -> Mapping[str, Rename]:
    """Compile the renaming of each metric's properties; those said `elsewhere` are never sent."""
    return {metric: _compile(names, points, elsewhere) for metric, names in PROPERTIES.items()}


def _compile(names: Mapping[str, str], points: Points, elsewhere: AbstractSet[str]) -> Rename:
    renamed = compile_items(points)
    key = points.items_key

    def mapped(properties: JsonObject) -> JsonObject:
        """Rename what has a name, drop the rest, as RudderStack was observed to do."""
        found = {names[k]: v for k, v in properties.items() if k in names and v is not None and v != ""}
        given = properties.get("items")
        items = renamed(given if truthy(given) else properties.get("products"))
        if items:
            found[key] = items
        return found

    def complete(properties: JsonObject) -> JsonObject:
        """Rename what has a name and send the rest as it is, as the documents say."""
        source = _source(properties)
        found: JsonObject = {}
        for k, v in properties.items():
            if k == source:
                found[key] = renamed(v)
            elif k in names:
                if v or (v is not None and v != ""):
                    found[names[k]] = v
            elif k not in found and k not in elsewhere:
                found[k] = v
        return found

    return complete if points.ecommerce_extras else mapped


def compile_items(points: Points) -> Callable[[Any], list[Any]]:
    """Compile the renaming of the parameters of all items; those that say nothing are left out."""
    general = compile_item(points.item, fallback=points.row_total_fallback, extras=points.ecommerce_extras)

    def objects(items: list[Any]) -> list[Any]:
        return [renamed for item in items if isinstance(item, dict) and (renamed := general(item))]

    def all_kinds(items: list[Any]) -> list[Any]:
        found: list[Any] = [general(item) if isinstance(item, dict) else item for item in items]
        return found if all(found) else [item for item in found if item or (item is not None and item != {})]

    one_by_one = all_kinds if points.ecommerce_extras else objects

    def renamed(items: Any) -> list[Any]:
        if not isinstance(items, list):
            return []
        return one_by_one(items)

    return renamed


def compile_item(names: Mapping[str, str], *, fallback: bool, extras: bool) -> Rename:
    """Compile the renaming of one item's parameters.

    With `extras` those without a name of their own are kept; with `fallback` `row_total` stands in for `total`.
    """

    def mapped(item: JsonObject) -> JsonObject:
        return {names[k]: v for k, v in item.items() if k in names and (v or (v is not None and v != ""))}

    def complete(item: JsonObject) -> JsonObject:
        found: JsonObject = {}
        for k, v in item.items():
            if k in names:
                if v or (v is not None and v != ""):  # most are true, and told so at once
                    found[names[k]] = v
            elif k not in found:
                found[k] = v
        if fallback and "RowTotal" not in found and found.get(_ROW_TOTAL) not in (None, ""):
            found["RowTotal"] = found.pop(_ROW_TOTAL)
        return found

    return complete if extras else mapped


def _source(properties: JsonObject) -> str:
    """Give the name of the property that holds the items; empty where none holds any."""
    for name in ITEMS_FROM:
        if properties.get(name) and isinstance(properties[name], list):
            return name
    return ""
