"""The properties of the four ecommerce events, renamed to what Klaviyo's own integrations send."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import trim, truthy
from klavier.klaviyo.limits import METRIC_NAME
from klavier_rudderstack.fidelity import Fidelity
from klavier_rudderstack.tables.ecommerce import EVENTS, ITEMS_FROM, PROPERTIES

Rename = Callable[[JsonObject], JsonObject]
"""Renames the members of one object."""

_ROW_TOTAL = "row_total"
_CONTACT = frozenset({"email", "phone"})
"""Properties that identify the profile, and are therefore sent in the profile."""


def find_metric(event: Any) -> str | None:
    """Return the Klaviyo metric of an ecommerce event; None for any other event."""
    if event.__class__ is not str:
        return None
    return _find_metric(event) if len(event) <= METRIC_NAME else EVENTS.get(trim(event).lower())


@lru_cache(maxsize=1024)
def _find_metric(name: str) -> str | None:
    """Remember the results of short names: a source sends the same few names, and long ones would fill the memory."""
    return EVENTS.get(trim(name).lower())


def compile_metrics(fidelity: Fidelity, without: AbstractSet[str] = _CONTACT) -> Mapping[str, Rename]:
    """Compile the renaming of each metric's properties; those in `without` are not sent."""
    return {metric: _compile(names, fidelity, without) for metric, names in PROPERTIES.items()}


def _compile(names: Mapping[str, str], fidelity: Fidelity, without: AbstractSet[str]) -> Rename:
    renamed = _compile_items(fidelity)
    key = fidelity.items_key

    def mapped(properties: JsonObject) -> JsonObject:
        """Rename the properties of the table and drop the rest, as RudderStack was observed to do."""
        found = {names[k]: v for k, v in properties.items() if k in names and v is not None and v != ""}
        given = properties.get("items")
        items = renamed(given if truthy(given) else properties.get("products"))
        if items:
            found[key] = items
        return found

    def complete(properties: JsonObject) -> JsonObject:
        """Rename the properties of the table and send the rest unchanged, as documented."""
        source = _source(properties)
        found: JsonObject = {}
        for k, v in properties.items():
            if k == source:
                found[key] = renamed(v)
            elif k in names:
                if v or (v is not None and v != ""):
                    found[names[k]] = v
            elif k not in found and k not in without:
                found[k] = v
        return found

    return complete if fidelity.ecommerce_extras else mapped


def _compile_items(fidelity: Fidelity) -> Callable[[Any], list[Any]]:
    """Compile the renaming of the parameters of all items; empty ones are left out."""
    rename = compile_item(fidelity.item, fallback=fidelity.row_total_fallback, extras=fidelity.ecommerce_extras)

    def objects(items: list[Any]) -> list[Any]:
        return [renamed for item in items if isinstance(item, dict) and (renamed := rename(item))]

    def all_kinds(items: list[Any]) -> list[Any]:
        found: list[Any] = [rename(item) if isinstance(item, dict) else item for item in items]
        return found if all(found) else [item for item in found if item or (item is not None and item != {})]

    rename_all = all_kinds if fidelity.ecommerce_extras else objects
    return lambda items: rename_all(items) if isinstance(items, list) else []


def compile_item(names: Mapping[str, str], *, fallback: bool, extras: bool) -> Rename:
    """Compile the renaming of one item's parameters.

    With `extras` those without a name in the table are kept; with `fallback` `row_total` stands in for `total`.
    """

    def mapped(item: JsonObject) -> JsonObject:
        return {names[k]: v for k, v in item.items() if k in names and (v or (v is not None and v != ""))}

    def complete(item: JsonObject) -> JsonObject:
        found: JsonObject = {}
        for k, v in item.items():
            if k in names:
                if v or (v is not None and v != ""):  # most values are true, so that is tested first
                    found[names[k]] = v
            elif k not in found:
                found[k] = v
        if fallback and "RowTotal" not in found and found.get(_ROW_TOTAL) not in (None, ""):
            found["RowTotal"] = found.pop(_ROW_TOTAL)
        return found

    return complete if extras else mapped


class ReplacedNames:
    """Finds the properties whose names Klaviyo's metrics need for other properties of the event."""

    def __init__(self, fidelity: Fidelity) -> None:
        self._item, self._key = fidelity.item, fidelity.items_key
        self._item_names = frozenset(fidelity.item.values())
        self._names = {metric: frozenset(names.values()) for metric, names in PROPERTIES.items()}

    def notes(self, metric: str, properties: JsonObject) -> list[str]:
        """Return the notes about these properties, which are not sent."""
        taken: dict[str, str] = {}
        if not self._names[metric].isdisjoint(properties):
            taken = _replaced(PROPERTIES[metric], properties)
        source = _source(properties)
        if source and self._key != source and self._key in properties:
            taken[self._key] = source
        for item in properties[source] if source else ():
            if isinstance(item, dict) and not self._item_names.isdisjoint(item):
                taken |= {f"{source}[].{new}": old for new, old in _replaced(self._item, item).items()}
        return [f"properties.{new} left out: the name of {old}" for new, old in taken.items()]


def _replaced(names: Mapping[str, str], members: JsonObject) -> dict[str, str]:
    """Return the members with the new name of another member, and that other."""
    return {
        new: old
        for old, new in names.items()
        if new in members and members.get(old) not in (None, "") and members[old] != members[new]
    }


def _source(properties: JsonObject) -> str:
    """Return the name of the property that holds the items; empty where none does."""
    for name in ITEMS_FROM:
        if properties.get(name) and isinstance(properties[name], list):
            return name
    return ""
