"""The shapes of an event: as 2023-02-22 has it, and as Klaviyo's API has it since."""

from collections.abc import Callable
from typing import Any

from attrs import define

from klavier.events.model import Event, JsonObject
from klavier.jsvalues import parse_float
from klavier.klaviyo.limits import METRIC_NAME
from klavier.klaviyo.times import klaviyo_time
from klavier.strictjson import kind_of
from klavier_rudderstack import acceptable
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.parcel import Refused

BAD_NAME = f"the event's name is no text of 1 to {METRIC_NAME} characters, which is what Klaviyo takes"
_SPECIALS = frozenset({"$event_id", "$value"})
"""The properties that Klaviyo took for an event's id and its value until 2023."""
BAD_TIME = "time left out: no time that Klaviyo takes (RFC 3339, from 1990 on)"


@define
class Content:
    """What an event says besides whose it is: missing members are None, as is what the payload does not hold."""

    name: Any
    properties: JsonObject | None
    value: Any = None
    currency: Any = None
    time: Any = None


Attributes = Callable[[Event, Content, list[str]], JsonObject]
"""Gives the attributes of an event but for metric and profile, and may change its content's name."""

Shape = Callable[[Event, Content, JsonObject, list[str]], JsonObject]
"""Makes the document of an event out of its content and its person; raises `Refused`."""


def compile_shape(mode: Mode) -> Shape:
    """Compile the shape of events: natively v1's own, else the one that later revisions have."""
    attributes_of = _to_the_letter(mode) if mode.exact else _acceptable(mode)
    legacy = mode.legacy

    def document(event: Event, content: Content, person: JsonObject, notes: list[str]) -> JsonObject:
        attributes = attributes_of(event, content, notes)
        if legacy:
            attributes["metric"] = {"name": content.name}
            attributes["profile"] = person
        else:
            metric = {} if content.name is None and "name" not in event.payload else {"name": content.name}
            attributes["metric"] = {"data": {"type": "metric", "attributes": metric}}
            attributes["profile"] = {"data": person}
        return {"data": {"type": "event", "attributes": attributes}}

    return document


def _to_the_letter(mode: Mode) -> Attributes:
    def attributes(event: Event, content: Content, _: list[str]) -> JsonObject:
        found = {
            "value": content.value,
            "value_currency": content.currency,
            "time": content.time,
            "properties": content.properties,
        }
        found = {name: value for name, value in found.items() if value is not None}
        if not mode.legacy and "messageId" in event.payload:
            found["unique_id"] = event.message_id
        return found

    return attributes


def _acceptable(mode: Mode) -> Attributes:
    has_specials, current = not mode.version.imports, mode.current

    def attributes(event: Event, content: Content, notes: list[str]) -> JsonObject:
        name, properties = content.name, content.properties
        if name.__class__ is not str or len(name) > METRIC_NAME:
            name = content.name = acceptable.metric_name(name)
        if not name:
            raise Refused(BAD_NAME)
        if properties is None:
            properties = {}
        found: JsonObject = {"properties": properties}
        unique_id = event.message_id
        if has_specials and not _SPECIALS.isdisjoint(properties):
            _settle_value(content, properties, notes)
            given = _say_specials(content, properties) if current else properties.get("$event_id")
            unique_id = unique_id if given in (None, "") else given
        if content.value is not None:
            found["value"] = content.value
        if content.currency is not None:
            _say_currency(found, content.currency, notes)
        if content.time is not None:
            _say_time(found, content.time, notes)
        found["unique_id"] = acceptable.unique_id(unique_id, event)
        return found

    return attributes


def _say_specials(content: Content, properties: JsonObject) -> Any:
    """Take `$value` and `$event_id` out of the properties: as the event's value, and as what is given back."""
    content.value = properties.pop("$value", content.value)
    return properties.pop("$event_id", None)


def _settle_value(content: Content, properties: JsonObject, notes: list[str]) -> None:
    """Keep of the property `$value` what Klaviyo took for the event's value: a number, where nothing else is one."""
    given = properties.pop("$value", None)
    if given is None:
        return
    number = parse_float(given)
    if content.value is not None:
        notes.append("$value left out: the event has a value already")
    elif number is None:
        notes.append(f"$value left out: {kind_of(given)} that is no number")
    else:
        properties["$value"] = number


def _say_currency(attributes: JsonObject, currency: Any, notes: list[str]) -> None:
    code = acceptable.currency(currency, notes)
    if code is not None:
        attributes["value_currency"] = code


def _say_time(attributes: JsonObject, given: Any, notes: list[str]) -> None:
    time = klaviyo_time(given)
    if time is None:
        notes.append(BAD_TIME)
    else:
        attributes["time"] = time
