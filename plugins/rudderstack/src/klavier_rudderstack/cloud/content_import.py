"""The content of track and screen calls under v2 and v3."""

from typing import Any

from klavier.events.model import JsonObject, Screen, Track
from klavier.jsvalues import parse_float, truthy
from klavier.vendor import RejectEvent
from klavier_rudderstack.cloud.content_v1 import BAD_VALUE, NAME_NOT_TEXT, NO_NAME
from klavier_rudderstack.cloud.event_document import Content
from klavier_rudderstack.cloud.profiles import MakeProfile, compile_import
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.tables.ecommerce import IMPORT_OMITS, VALUE
from klavier_rudderstack.values import acceptable
from klavier_rudderstack.values.nesting import flatten

_SENT_ELSEWHERE = frozenset({"email", "phone", "currency"})
"""Omitted properties that another member of the request carries, besides the one that is the event's value."""


class ImportContent:
    """Reads the content of an event, and selects how its profile is looked up."""

    def __init__(self, mode: Mode) -> None:
        self._exact, self._fidelity, self._flatten = mode.exact, mode.fidelity, mode.settings.flatten_properties
        self._profile = compile_import(mode, inside_event=True)

    def read(self, event: Track | Screen, notes: list[str]) -> tuple[Content, MakeProfile]:
        """Return the content, and the function that makes the profile.  Raises `RejectEvent`."""
        payload = event.payload
        name = payload.get("event")
        if name.__class__ is not str or not name:
            name = name if truthy(name) else payload.get("name")
            if name.__class__ is not str and truthy(name):
                raise RejectEvent(NAME_NOT_TEXT)
        properties = event.properties
        if not name and not self._exact:
            name = self._find_name(properties)
        content = Content(name, None)
        if properties or payload.get("properties").__class__ is dict:
            self._split(content, properties, notes)
        if self._flatten:
            content.properties = flatten(content.properties or {}, "properties", notes)
        for time in (event.timestamp, payload.get("originalTimestamp")):
            if time is not None and time != "":
                content.time = time
                break
        return content, self._profile

    def _find_name(self, properties: JsonObject) -> Any:
        if self._fidelity.event_name_in_properties:
            for key in ("event", "name"):
                if properties.get(key) not in (None, ""):
                    return properties[key]
        raise RejectEvent(NO_NAME)

    def _split(self, content: Content, properties: JsonObject, notes: list[str]) -> None:
        """Split properties into the event's value and currency, and those that stay."""
        content.properties = properties
        omitted = [key for key in properties if key in IMPORT_OMITS]
        if not omitted:
            return
        content.properties = kept = properties.copy()
        for key in omitted:
            del kept[key]
        used = ""
        for key in VALUE:
            value = properties.get(key)
            if value is not None and value != "":
                used = key
                self._set_value(content, key, value, notes)
                break
        if "currency" in properties and properties["currency"] != "":
            content.currency = properties["currency"]
        if self._exact:
            return
        for key in omitted:
            if key != used and key not in _SENT_ELSEWHERE and properties[key] not in (None, content.name):
                notes.append(f"properties.{key} left out: RudderStack does not send it")  # noqa: PERF401 -- rarely any

    def _set_value(self, content: Content, key: str, value: Any, notes: list[str]) -> None:
        """Set the event's value; text that only starts with a number stays a property, unless values are sent exactly.

        Raises `RejectEvent` for what does not even start with a number.
        """
        number = parse_float(value)
        if number is None:
            raise RejectEvent(BAD_VALUE)
        content.value = number if self._exact else acceptable.amount(key, value, notes)
        if content.value is None and content.properties is not None:
            content.properties[key] = value
