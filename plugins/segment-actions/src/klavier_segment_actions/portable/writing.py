"""Mappings from the vocabulary of migrations."""

from collections.abc import Iterator, Mapping
from typing import Any

from klavier.migration import Decision, Reading, Written
from klavier_segment_actions.portable.lists import group_mappings, list_fields, list_mappings
from klavier_segment_actions.portable.nodes import OMITTED, Node, chain, flattened, merged, objects_of
from klavier_segment_actions.portable.profiles import (
    BOTH,
    OWN,
    attribute_fields,
    custom_field,
    external_id,
    id_property,
)
from klavier_segment_actions.portable.shapes import each_product, shape
from klavier_segment_actions.portable.trigger import Trigger, is_quotable
from klavier_segment_actions.tables.actions import ACTIONS
from klavier_segment_actions.tables.fields import path
from klavier_segment_actions.tables.portable import ENGAGE, ORDERS, SEGMENT

_DEFAULTS = {row.name: {field.name: field.default for field in row.fields} for row in ACTIONS}
_ALL = ("all",)

Row = dict[str, Any]
"""One mapping as plain data."""


def write(wanted: Reading) -> Written:
    """Return the mappings that come closest to the terms wanted."""
    rows = [
        *_identify(wanted),
        *_track(wanted),
        *_renames(wanted),
        *_orders(wanted),
        *_views(wanted),
        *list_mappings(wanted),
        *group_mappings(wanted),
        *({**row} for row in ENGAGE),
    ]
    modes = {name: wanted[name] for name in ("wire", "fidelity") if wanted.get(name) in ("native", "deployed")}
    orders = [index for index, row in enumerate(rows) if row["action"] == "orderCompleted"]
    decisions = [Decision(f"mappings[{index}]", SEGMENT) for index in orders]
    return Written({**modes, "mappings": [_short(row) for row in rows]}, tuple(decisions))


def event_fields(wanted: Reading, value: str) -> Row:
    """Map what all events have: profile, value, id and properties."""
    fields: Row = {"profile": _profile(wanted), "properties": properties(wanted)}
    places = wanted.get(value)
    if places:
        fields["value"] = chain(places)
    fields["unique_id"] = chain(wanted.get("event_id") or ("messageId",))
    return fields


def properties(wanted: Reading) -> Node:
    """Map the properties of an event: all of them, or those that are allowed."""
    allowed = wanted.get("allowed")
    # Merged: an event without properties would otherwise be rejected.
    node = merged(path("$.properties")) if allowed is None else custom_field({"allowed": allowed}, ("properties",), {})
    return flattened(node) if wanted.get("flatten") else node


def _profile(wanted: Reading) -> Row:
    """Map the profile of an event; members with their default value are left out where the fidelity has one."""
    attributes = wanted.get("event_attributes") or {}
    found = {
        name: node
        for name, node in attribute_fields(attributes, wanted.get("allowed")).items()
        if node not in (OMITTED, {})
    }
    identity: Row = {"external_id": external_id(wanted, attributes)}
    identity["anonymous_id"] = path("$.anonymousId") if wanted.get("anonymous_id") in (OWN, BOTH) else OMITTED
    custom = custom_field(wanted, wanted.get("event_custom_from"), id_property(wanted, in_event=True))
    if custom != OMITTED:
        found["properties"] = custom
    if wanted.get("fidelity") == "deployed":
        return {**{name: node for name, node in identity.items() if node != OMITTED}, **found}
    defaults = {"external_id": path("$.userId"), "anonymous_id": path("$.anonymousId")}
    return {**{name: node for name, node in identity.items() if node != defaults[name]}, **found}


def _identify(wanted: Reading) -> Iterator[Row]:
    if not wanted.get("identifies"):
        return
    attributes = wanted.get("attributes") or {}
    fields: Row = {
        "external_id": external_id(wanted, attributes),
        **attribute_fields(attributes, wanted.get("allowed")),
    }
    fields["properties"] = custom_field(wanted, wanted.get("custom_from"), id_property(wanted, in_event=False))
    yield {"action": "upsertProfile", "fields": {**fields, **list_fields(wanted)}}


def _track(wanted: Reading) -> Iterator[Row]:
    names = tuple(wanted.get("tracks") or ())
    if not names:
        return
    apart = (*(ORDERS if wanted.get("order_name") else ()), *(wanted.get("renames") or {}))
    events = () if names == _ALL else tuple(name for name in names if name not in apart and is_quotable(name))
    trigger = Trigger("track", events, apart if names == _ALL else ())
    if events or names == _ALL:
        yield {"action": "trackEvent", "trigger": trigger.text(), "fields": event_fields(wanted, "value")}


def _renames(wanted: Reading) -> Iterator[Row]:
    metrics: dict[str, list[str]] = {}
    for name, metric in (wanted.get("renames") or {}).items():
        metrics.setdefault(metric, []).append(name)
    for metric, names in metrics.items():
        renamed: Mapping[str, Any] = (wanted.get("renamed_properties") or {}).get(metric, {})
        fields = event_fields(wanted, "value")
        if "$value" in renamed:
            fields["value"] = chain((f"properties.{renamed['$value']}",))
        if "$event_id" in renamed:
            fields["unique_id"] = chain((f"properties.{renamed['$event_id']}", "messageId"))
        under_new_names = {name: meant for name, meant in renamed.items() if not name.startswith("$")}
        fields["properties"] = merged(path("$.properties"), shape(under_new_names, "$.properties"))
        trigger = Trigger("track", tuple(names)).text()
        yield {"action": "trackEvent", "trigger": trigger, "fields": {"metric_name": metric, **fields}}


def _orders(wanted: Reading) -> Iterator[Row]:
    name, products = wanted.get("order_name"), wanted.get("product_events")
    if not name or not products or tuple(wanted.get("tracks") or ()) != _ALL:
        return
    fields = event_fields(wanted, "order_value")
    fields |= {"event_name": name, "product_event_name": products}
    fields["properties"] = merged(path("$.properties"), shape(wanted.get("order_properties") or {}, "$.properties"))
    fields["products"] = each_product(wanted.get("product_properties") or {})
    yield {"action": "orderCompleted", "trigger": Trigger("track", ORDERS).text(), "fields": fields}


def _views(wanted: Reading) -> Iterator[Row]:
    for kind in ("page", "screen"):
        name = wanted.get(f"{kind}_name")
        if name:
            fields = event_fields(wanted, "value")
            fields["properties"] = view_properties(fields["properties"], wanted.get(f"{kind}_properties"))
            yield {
                "action": "trackEvent",
                "trigger": Trigger(kind).text(),
                "fields": {"metric_name": view_name(name), **fields},
            }


_NAMED = "its properties, name and category"
_NAMES = {"name": path("$.name"), "category": path("$.category")}


def view_properties(node: Node, meant: Any) -> Node:
    """Map the properties of a page or screen view: none, or all of them, with name and category where wanted."""
    if meant is None:
        return {}
    objects = objects_of(node)
    return merged(_NAMES, *objects) if meant == _NAMED and objects else node


def view_property_term(node: Node) -> str | None:
    """Return the term of a mapping built by `view_properties`."""
    if not node:
        return None
    return _NAMED if (objects_of(node) or [None])[0] == _NAMES else "its properties"


_VIEWED = "Viewed {category} {name} page"


def view_name(name: str) -> Node:
    """Map the name of a page or screen view: the name in the event, or a constant."""
    if name in ("{name}", "{event}"):
        return path(f"$.{name[1:-1]}")
    if name != _VIEWED:
        return name
    named, category = {"exists": path("$.name")}, {"exists": path("$.properties.category")}
    with_category = {
        "@if": {
            **category,
            "then": {"@template": "Viewed {{properties.category}} {{name}} page"},
            "else": {"@template": "Viewed {{name}} page"},
        }
    }
    return {"@if": {**named, "then": with_category, "else": "Viewed a Page"}}


def view_term(node: Node) -> str:
    """Return the term of a mapping built by `view_name`."""
    known = {repr(view_name(name)): name for name in ("{name}", "{event}", _VIEWED)}
    return known.get(repr(node)) or (node if isinstance(node, str) else "(a custom mapping)")


def _short(row: Row) -> Row:
    """Remove fields whose mapping is the action's default."""
    defaults = _DEFAULTS[row["action"]]
    fields = {
        name: node
        for name, node in row.get("fields", {}).items()
        if node != defaults.get(name) and not (node in (OMITTED, {}) and defaults.get(name) is None)
    }
    return {**row, "fields": fields} if fields else {name: member for name, member in row.items() if name != "fields"}
