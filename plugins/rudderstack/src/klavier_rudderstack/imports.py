"""What track and screen calls say under v2 and v3."""

from typing import Any

from klavier.events.model import JsonObject, Screen, Track
from klavier.jsvalues import parse_float, truthy
from klavier_rudderstack.events import Content
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.nesting import flatten
from klavier_rudderstack.parcel import Refused
from klavier_rudderstack.people import Profile, imported
from klavier_rudderstack.tables.ecommerce import IMPORT_OMITS, VALUE
from klavier_rudderstack.v1 import BAD_VALUE, NAME_NOT_TEXT, NO_NAME


class ImportContent:
    """Reads the content of an event, and knows how to look up its person."""

    def __init__(self, mode: Mode) -> None:
        self._exact, self._points, self._flatten = mode.exact, mode.points, mode.settings.flatten_properties
        self._person = imported(mode, inside_event=True)

    def read(self, event: Track | Screen, notes: list[str]) -> tuple[Content, Profile]:
        """Give the content and the way to its person.  Raises `Refused`."""
        get = event.payload.get
        name = get("event") or get("name")
        if truthy(name) and name.__class__ is not str:
            raise Refused(NAME_NOT_TEXT)
        given = get("properties")
        properties = given if given.__class__ is dict else None
        if not name and not self._exact:
            name = self._name_in(properties)
        content = Content(name, None)
        if properties is not None:
            self._take(content, properties, notes)
        if self._flatten:
            content.properties = flatten(content.properties or {})
        time = event.timestamp
        content.time = get("originalTimestamp") if time is None or time == "" else time
        return content, self._person

    def _name_in(self, properties: JsonObject | None) -> Any:
        if properties is not None and self._points.event_name_in_properties:
            for key in ("event", "name"):
                if properties.get(key) not in (None, ""):
                    return properties[key]
        raise Refused(NO_NAME)

    def _take(self, content: Content, properties: JsonObject, notes: list[str]) -> None:
        """Split properties into the event's value and currency, and those that stay."""
        kept: JsonObject = {}
        omitted: list[str] = []
        for key, value in properties.items():
            if key in IMPORT_OMITS:
                omitted.append(key)
            else:
                kept[key] = value
        content.properties = kept
        if not omitted:
            return
        used = next((key for key in VALUE if properties.get(key) not in (None, "")), None)
        if used is not None:
            content.value = parse_float(properties[used])
            if content.value is None:
                raise Refused(BAD_VALUE)
        currency = properties.get("currency")
        content.currency = None if currency == "" else currency
        if not self._exact:
            notes.extend(_left_out(omitted, properties, used, content.name))


def _left_out(omitted: list[str], properties: JsonObject, used: str | None, name: Any) -> list[str]:
    """Note the properties that RudderStack says nowhere."""
    said = {"email", "phone", "currency", used}
    return [
        f"properties.{key} left out: RudderStack sends none"
        for key in omitted
        if key not in said and properties[key] is not None and not (key == "event" and properties[key] == name)
    ]
