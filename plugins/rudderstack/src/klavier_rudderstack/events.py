"""The shapes of an event: as 2023-02-22 has it, and as Klaviyo's API has it since."""

from typing import Any

from attrs import define, field

from klavier.events.model import Event, JsonObject
from klavier.klaviyo.limits import METRIC_NAME
from klavier.klaviyo.request import Request
from klavier.klaviyo.times import klaviyo_time
from klavier_rudderstack import acceptable
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.parcel import Refused

BAD_NAME = f"the event's name is no text of 1 to {METRIC_NAME} characters, which is what Klaviyo takes"


@define
class Content:
    """What an event says besides whose it is: missing members are None, as is what the payload does not hold."""

    name: Any
    properties: JsonObject | None
    value: Any = None
    currency: Any = None
    time: Any = None
    attributes: JsonObject = field(factory=dict)


class EventShape:
    """Makes the request of an event out of its content and its person."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode

    def request(self, event: Event, content: Content, person: JsonObject, notes: list[str]) -> Request:
        """Give the request, with the person as the mode's `people` made it.  Raises `Refused`."""
        mode = self._mode
        attributes = self._to_the_letter(event, content) if mode.exact else self._acceptable(event, content, notes)
        name = attributes.pop("name", None)
        if mode.legacy:
            attributes["metric"] = {"name": name}
            attributes["profile"] = person
        else:
            metric = {} if name is None and "name" not in event.payload else {"name": name}
            attributes["metric"] = {"data": {"type": "metric", "attributes": metric}}
            attributes["profile"] = {"data": person}
        document = {"data": {"type": "event", "attributes": attributes}}
        return Request("POST", "/api/events", json=document, revision=mode.revision)

    def _to_the_letter(self, event: Event, content: Content) -> JsonObject:
        attributes: JsonObject = {"name": content.name}
        if content.value is not None:
            attributes["value"] = content.value
        if content.currency is not None:
            attributes["value_currency"] = content.currency
        if content.time is not None:
            attributes["time"] = content.time
        if content.properties is not None:
            attributes["properties"] = content.properties
        if not self._mode.legacy and "messageId" in event.payload:
            attributes["unique_id"] = event.message_id
        return attributes

    def _acceptable(self, event: Event, content: Content, notes: list[str]) -> JsonObject:
        name = acceptable.metric_name(content.name)
        if name is None:
            raise Refused(BAD_NAME)
        properties = {} if content.properties is None else content.properties
        attributes: JsonObject = {"name": name, "properties": properties}
        event_id = None
        value = content.value
        if not self._mode.version.imports and not self._mode.legacy:
            event_id = properties.pop("$event_id", None)
            if value is None:
                value = properties.pop("$value", None)
        if value is not None:
            _put(attributes, "value", acceptable.number("value", value, notes))
        if content.currency is not None:
            _put(attributes, "value_currency", acceptable.currency(content.currency, notes))
        if content.time is not None:
            time = klaviyo_time(content.time)
            if time is None:
                notes.append("time left out: no time that Klaviyo takes (RFC 3339, from 1990 on)")
            else:
                attributes["time"] = time
        attributes["unique_id"] = acceptable.unique_id(event.message_id if event_id in (None, "") else event_id, event)
        return attributes


def _put(attributes: JsonObject, name: str, value: Any) -> None:
    if value is not None:
        attributes[name] = value
