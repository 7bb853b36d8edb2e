"""What track and screen calls say under v2 and v3."""

from typing import Any

from klavier.events.model import JsonObject, Screen, Track
from klavier.jsvalues import parse_float
from klavier_rudderstack.events import Content
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.nesting import flatten
from klavier_rudderstack.parcel import Refused
from klavier_rudderstack.people import Profile, imported
from klavier_rudderstack.tables.ecommerce import IMPORT_OMITS, VALUE
from klavier_rudderstack.v1 import BAD_VALUE, NAME_NOT_TEXT, NO_NAME

_SAID = frozenset({"email", "phone", "currency"})
"""Omitted properties that are said elsewhere, besides the one that is the event's value."""


class ImportContent:
    """Reads the content of an event, and knows how to look up its person."""

    def __init__(self, mode: Mode) -> None:
        self._exact, self._points, self._flatten = mode.exact, mode.points, mode.settings.flatten_properties
        self._person = imported(mode, inside_event=True)

    def read(self, event: Track | Screen, notes: list[str]) -> tuple[Content, Profile]:
        """Give the content and the way to its person.  Raises `Refused`."""
        payload = event.payload
        name = payload.get("event") or payload.get("name")
        if name.__class__ is not str and (name or isinstance(name, (dict, list))):
            raise Refused(NAME_NOT_TEXT)
        properties = event.properties
        if not name and not self._exact:
            name = self._name_in(properties)
        content = Content(name, None)
        if properties or payload.get("properties").__class__ is dict:
            self._take(content, properties, notes)
        if self._flatten:
            content.properties = flatten(content.properties or {})
        time = event.timestamp
        content.time = payload.get("originalTimestamp") if time is None or time == "" else time
        return content, self._person

    def _name_in(self, properties: JsonObject) -> Any:
        if self._points.event_name_in_properties:
            for key in ("event", "name"):
                if properties.get(key) not in (None, ""):
                    return properties[key]
        raise Refused(NO_NAME)

    def _take(self, content: Content, properties: JsonObject, notes: list[str]) -> None:
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
                used, content.value = key, parse_float(value)
                if content.value is None:
                    raise Refused(BAD_VALUE)
                break
        if "currency" in properties and properties["currency"] != "":
            content.currency = properties["currency"]
        if self._exact:
            return
        for key in omitted:
            if key != used and key not in _SAID and properties[key] not in (None, content.name):
                notes.append(f"properties.{key} left out: RudderStack sends none")  # noqa: PERF401 -- mostly none is
