"""The document of a create event request, in the shape of revision 2023-02-22 and in that of later revisions."""

from collections.abc import Callable
from typing import Any

from attrs import define

from klavier.events.model import Event, JsonObject
from klavier.klaviyo.limits import METRIC_NAME
from klavier.values import read_amount, read_time
from klavier.vendor import RejectEvent
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.values import acceptable

BAD_NAME = f"the event's name is no text of 1 to {METRIC_NAME} characters: Klaviyo accepts no other metric name"

_SPECIALS = frozenset({"$event_id", "$value"})
"""The properties that Klaviyo read as an event's id and value until 2023."""


@define
class Content:
    """What an event holds besides its profile; what the payload lacks is None."""

    name: Any
    properties: JsonObject | None
    value: Any = None
    currency: Any = None
    time: Any = None


MakeAttributes = Callable[[Event, Content, list[str]], JsonObject]
"""Returns the attributes of an event except metric and profile; may change the name in its content."""

MakeDocument = Callable[[Event, Content, JsonObject, list[str]], JsonObject]
"""Returns the document of an event from its content and its profile; raises `RejectEvent`."""


def compile_document(mode: Mode) -> MakeDocument:
    """Return the function that makes documents: with v1's own shape on the native wire, else with today's."""
    attributes_of = _exact_attributes(mode) if mode.exact else _acceptable_attributes(mode)
    legacy = mode.legacy

    def document(event: Event, content: Content, profile: JsonObject, notes: list[str]) -> JsonObject:
        attributes = attributes_of(event, content, notes)
        if legacy:
            attributes["metric"] = {"name": content.name}
            attributes["profile"] = profile
        else:
            metric = {} if content.name is None and "name" not in event.payload else {"name": content.name}
            attributes["metric"] = {"data": {"type": "metric", "attributes": metric}}
            attributes["profile"] = {"data": profile}
        return {"data": {"type": "event", "attributes": attributes}}

    return document


def _exact_attributes(mode: Mode) -> MakeAttributes:
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


def _acceptable_attributes(mode: Mode) -> MakeAttributes:
    has_specials, current = not mode.version.imports, mode.current

    def attributes(event: Event, content: Content, notes: list[str]) -> JsonObject:
        name, properties = content.name, content.properties
        if name.__class__ is not str or len(name) > METRIC_NAME:
            name = content.name = acceptable.metric_name(name)
        if not name:
            raise RejectEvent(BAD_NAME)
        if properties is None:
            properties = {}
        found: JsonObject = {"properties": properties}
        unique_id = event.message_id
        if has_specials and not _SPECIALS.isdisjoint(properties):
            given = _settle_specials(content, properties, notes, current=current)
            unique_id = unique_id if given in (None, "") else given
        if content.value is not None:
            found["value"] = content.value
        if content.currency is not None:
            _set_currency(found, content.currency, notes)
        if content.time is not None:
            _set_time(found, content.time, notes)
        found["unique_id"] = acceptable.unique_id(unique_id, event)
        return found

    return attributes


def _settle_specials(content: Content, properties: JsonObject, notes: list[str], *, current: bool) -> Any:
    """Keep `$value` where Klaviyo read it as the event's value: a number, and no other value present.

    Returns `$event_id`.  On the `current` wire neither stays a property.
    """
    given = properties.pop("$value", None)
    if given is not None:
        number, reason = read_amount(given)
        if content.value is not None:
            notes.append("$value left out: the event has a value already")
        elif number is None:
            notes.append(f"$value left out: {reason or 'it is empty'}")
        elif current:
            content.value = number
        else:
            properties["$value"] = number
    return properties.pop("$event_id", None) if current else properties.get("$event_id")


def _set_currency(attributes: JsonObject, currency: Any, notes: list[str]) -> None:
    code = acceptable.currency(currency, notes)
    if code is not None:
        attributes["value_currency"] = code


def _set_time(attributes: JsonObject, given: Any, notes: list[str]) -> None:
    time, reason = read_time(given)
    if time is not None:
        attributes["time"] = time
    elif reason:
        notes.append(f"time left out: {reason}; Klaviyo uses the time of arrival")
