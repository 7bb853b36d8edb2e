"""Mappings in the vocabulary of migrations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klavier_segment_actions.mapping_kit import ROOT_DIRECTIVE
from klavier_segment_actions.portable.lists import read_join, read_list_fields
from klavier_segment_actions.portable.nodes import described, objects_of, place_of, unflattened
from klavier_segment_actions.portable.profiles import (
    AND_ID,
    BOTH,
    FLAT,
    OWN,
    PLAIN,
    STANDS_IN,
    read_attributes,
    read_custom,
    read_identity,
)
from klavier_segment_actions.portable.shapes import read_products, read_shape
from klavier_segment_actions.portable.trigger import Trigger, read
from klavier_segment_actions.portable.writing import view_property_term, view_term
from klavier_segment_actions.settings import MappingSettings
from klavier_segment_actions.tables.actions import ACTIONS
from klavier_segment_actions.tables.fields import EVENT_PROFILE
from klavier_segment_actions.tables.portable import GROUP_FLAG, JOINS, ORDERS, SUBSCRIBE_FLAG

_ROWS = {row.name: row for row in ACTIONS}
_PROFILE_DEFAULTS = {field.name: field.default for field in EVENT_PROFILE.members if field.default}
_CONTROLS = ("enable_batching", "batch_size", "batch_keys")
_SUBSCRIPTIONS = {"subscribeProfile": "User Subscribed", "unsubscribeProfile": "User Unsubscribed"}
_AUDIENCES = {"addProfileToList": "Audience Entered", "removeProfileFromList": "Audience Exited"}

Known = dict[str, Any]
Fields = Mapping[str, Any]


def read_mappings(mappings: Sequence[MappingSettings], *, remove_trigger: str, profile_default: bool) -> Known:
    """Return what enabled mappings do; what has no term is listed under its path, such as `mappings[2]`."""
    known: Known = {}
    triggers = [read(_text(mapping, remove_trigger)) for mapping in mappings]
    apart = {name for trigger in triggers if trigger for name in trigger.events}
    for index, (mapping, trigger) in enumerate(zip(mappings, triggers, strict=True)):
        if not mapping.enabled:
            continue
        fields = _effective(mapping, profile_default=profile_default)
        place = f"mappings[{index}]"
        reader = None if trigger is None else _READERS[mapping.action]
        if trigger is None or reader is None or not reader(fields, trigger, known, apart):
            known[place] = f"{mapping.action} for {_text(mapping, remove_trigger) or 'every event'}"
        elif mapping.connected_list_id:
            known[f"{place}.connected_list_id"] = mapping.connected_list_id
        known |= {f"{place}.{name}": "a custom mapping" for name in _unread(mapping)}
        if mapping.fields.get("enable_batching") is True:
            known["batches"] = True
    return known


def _text(mapping: MappingSettings, remove_trigger: str) -> str:
    return mapping.trigger if mapping.trigger is not None else _ROWS[mapping.action].trigger or remove_trigger


def _effective(mapping: MappingSettings, *, profile_default: bool) -> Fields:
    """Return all fields with their mappings: those of the settings, and the defaults of the others."""
    fields = {field.name: field.default for field in _ROWS[mapping.action].fields} | mapping.fields
    profile = fields.get("profile")
    if "profile" in fields and profile_default and (profile is None or isinstance(profile, Mapping)):
        fields["profile"] = {**_PROFILE_DEFAULTS, **(profile or {})}
    return fields


def _unread(mapping: MappingSettings) -> list[str]:
    """Return the fields that no reader reads, where their mapping is not the default."""
    defaults = {field.name: field.default for field in _ROWS[mapping.action].fields}
    ignored = {"country_code", "time", "custom_source", "historical_import", "consented_at", ROOT_DIRECTIVE}
    return [
        f"fields.{name}"
        for name, node in mapping.fields.items()
        if name in ignored and name not in _CONTROLS and node != defaults.get(name)
    ]


def _identify(fields: Fields, trigger: Trigger, known: Known, _: set[str]) -> bool:
    if trigger != Trigger("identify") or known.get("identifies"):
        return False
    known["identifies"] = True
    known["attributes"] = read_attributes(fields)
    known |= {name: value for name, value in read_identity(fields.get("external_id")).items() if value is not None}
    custom = read_custom(fields.get("properties"))
    known["custom_from"] = custom["sources"] or None
    known["allowed"] = custom["allowed"]
    known["flatten"] = FLAT if custom["flat"] else None
    if custom["id"]:
        known["user_id"] = _with_property(known.get("user_id"), custom["id"])
    known |= read_list_fields(fields)
    return True


def _with_property(user_id: Any, name: str) -> str:
    if user_id == PLAIN and name == "id":
        return AND_ID
    return f"{user_id} and custom property {name}" if user_id else f"custom property {name}"


def _track(fields: Fields, trigger: Trigger, known: Known, apart: set[str]) -> bool:
    if trigger.others:
        return False
    if trigger.type in ("page", "screen"):
        return _view(fields, trigger, known)
    if trigger.type != "track" and not (trigger.events and not trigger.type):
        return False
    metric = fields.get("metric_name")
    if isinstance(metric, str) and trigger.events:
        return _rename(metric, fields, trigger, known)
    if place_of(metric) != "event" or "tracks" in known:
        return False
    rest = [name for name in trigger.but if name not in apart]
    all_others = (f"all but {', '.join(rest)}",) if rest else ("all",)
    known["tracks"] = trigger.events or all_others
    _event(fields, known, "value")
    return True


def _view(fields: Fields, trigger: Trigger, known: Known) -> bool:
    if trigger.events or trigger.but or f"{trigger.type}_name" in known:
        return False
    known[f"{trigger.type}_name"] = view_term(fields.get("metric_name"))
    known[f"{trigger.type}_properties"] = view_property_term(fields.get("properties"))
    return True


def _rename(metric: str, fields: Fields, trigger: Trigger, known: Known) -> bool:
    known["renames"] = {**known.get("renames", {}), **dict.fromkeys(trigger.events, metric)}
    objects = objects_of(fields.get("properties")) or []
    names = read_shape(objects[1], "$.properties") if len(objects) > 1 else {}
    if names is None:
        return False
    value, event_id = described(fields.get("value")), described(fields.get("unique_id"))
    if len(value) == 1 and value[0] == "properties.value":
        names["$value"] = "value"
    if event_id and event_id[0] != "messageId":
        names["$event_id"] = event_id[0].removeprefix("properties.")
    known["renamed_properties"] = {**known.get("renamed_properties", {}), metric: names}
    return True


def _order(fields: Fields, trigger: Trigger, known: Known, _: set[str]) -> bool:
    if (
        trigger.type not in ("track", "")
        or trigger.others
        or not set(trigger.events)
        or not set(trigger.events) <= set(ORDERS)
    ):
        return False
    name, products = fields.get("event_name"), fields.get("product_event_name")
    if not isinstance(name, str) or not isinstance(products, str):
        return False
    known["order_name"] = name
    known["order_value"] = described(fields.get("value")) or None
    mapped = fields.get("products")
    if mapped:
        known["product_events"] = products
        known["product_properties"] = read_products(mapped)
    objects = objects_of(fields.get("properties")) or []
    known["order_properties"] = read_shape(objects[1], "$.properties") if len(objects) > 1 else None
    return True


def _event(fields: Fields, known: Known, value: str) -> None:
    """Read the value, id, properties and profile of an event mapping."""
    known[value] = described(fields.get("value")) or None
    known.setdefault("order_value", known[value])
    known["event_id"] = described(fields.get("unique_id"))
    node, is_flat = unflattened(fields.get("properties"))
    sources = read_custom(node)
    if place_of(node) is not None:
        known["bare_events"] = "rejected"
    if sources["sources"] != ("properties",):
        known["mappings of properties"] = "a custom mapping"
    if sources["allowed"] is not None:
        known["allowed"] = sources["allowed"]
    known["flatten"] = FLAT if is_flat else known.get("flatten")
    profile = fields.get("profile")
    if not isinstance(profile, Mapping):
        known["event_attributes"] = {"profile": ("(a custom mapping)",)}
        return
    known["event_attributes"] = read_attributes(profile)
    custom = read_custom(profile.get("properties"))
    known["event_custom_from"] = custom["sources"] or None
    identity = read_identity(profile.get("external_id"))
    stands_in = identity.get("anonymous_id") == STANDS_IN
    if described(profile.get("anonymous_id")) == ("anonymousId",):
        known["anonymous_id"] = BOTH if stands_in else OWN
    elif stands_in:
        known["anonymous_id"] = STANDS_IN
    plain = str(known.get("user_id", "")).removesuffix(" and custom property id")
    expected = plain if plain.startswith(PLAIN) else None
    if identity["user_id"] != expected:
        known["event_attributes"]["external_id"] = described(profile.get("external_id"))


def _list(action: str) -> Callable[[Fields, Trigger, Known, set[str]], bool]:
    def reader(fields: Fields, trigger: Trigger, known: Known, _: set[str]) -> bool:
        event = _SUBSCRIPTIONS.get(action)
        if event and trigger == Trigger("track", (event,)):
            what = action.removesuffix("Profile") + "s"
            known["subscribe_events"] = {**known.get("subscribe_events", {}), event: what}
            return not fields.get("list_id")
        if trigger.events == (_AUDIENCES.get(action),) and trigger.type in ("track", "") and not trigger.others:
            known["audiences"] = True
            return True
        how = next((how for how, name in JOINS.items() if name == action), "")
        if trigger.events or trigger.but or not how or trigger.type not in ("identify", "group"):
            return False
        flag = SUBSCRIBE_FLAG if trigger.type == "identify" else GROUP_FLAG
        if trigger.type == "group":
            known["group"] = "the list groupId"
        return read_join(fields, trigger, how, known, flag)

    return reader


_READERS: Mapping[str, Callable[[Fields, Trigger, Known, set[str]], bool]] = {
    "upsertProfile": _identify,
    "trackEvent": _track,
    "orderCompleted": _order,
    **{name: _list(name) for name in (*_SUBSCRIPTIONS, *_AUDIENCES, "removeProfile")},
}
