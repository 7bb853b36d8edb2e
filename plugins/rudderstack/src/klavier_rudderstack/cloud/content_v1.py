"""The content of track and screen calls under v1: four ecommerce events are renamed, all others stay as they are."""

from typing import Any

from klavier.events.model import JsonObject, Screen, Track
from klavier.jsvalues import parse_float, truthy
from klavier.vendor import RejectEvent
from klavier_rudderstack.cloud.event_document import Content
from klavier_rudderstack.cloud.profiles import MakeProfile, compile_v1_event
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.tables.ecommerce import PROPERTIES, V1_OMITS, VALUE
from klavier_rudderstack.values import acceptable
from klavier_rudderstack.values.ecommerce import ReplacedNames, compile_metrics, find_metric
from klavier_rudderstack.values.nesting import flatten

NAME_NOT_TEXT = "Event type should be a string"
NO_NAME = 'Missing required value from ["event","properties.event","properties.name"]'
BAD_VALUE = "Invalid float value"
TIME_NOT_READ = "originalTimestamp left out: v1 reads timestamp alone; Klaviyo uses the time of arrival"


class V1Content:
    """Reads the content of an event, and selects how its profile is looked up."""

    def __init__(self, mode: Mode) -> None:
        self._exact, self._fidelity, self._flatten = mode.exact, mode.fidelity, mode.settings.flatten_properties
        self._metrics, self._replaced = compile_metrics(mode.fidelity), ReplacedNames(mode.fidelity)
        self._profile = compile_v1_event(mode, ecommerce=False)
        self._ecommerce_profile = compile_v1_event(mode, ecommerce=True)

    def read(self, event: Track | Screen, notes: list[str]) -> tuple[Content, MakeProfile]:
        """Return the content, and the function that makes the profile.  Raises `RejectEvent`."""
        payload = event.payload
        given = payload.get("properties")
        properties = given if given.__class__ is dict else None
        name = self._read_name(event)
        metric = find_metric(name) if properties is not None else None
        if metric is None or properties is None:
            content, make_profile = self._read_plain(name, properties, notes), self._profile
        else:
            content, make_profile = self._read_ecommerce(metric, properties, notes), self._ecommerce_profile
        if truthy(event.timestamp) or not (self._exact or event.timestamp == ""):
            content.time = event.timestamp
        if content.time is None and payload.get("originalTimestamp") not in (None, ""):
            notes.append(TIME_NOT_READ)
        if self._flatten:
            content.properties = flatten(content.properties or {}, "properties", notes)
        return content, make_profile

    def _read_name(self, event: Track | Screen) -> Any:
        name = event.payload.get("event")
        if isinstance(event, Screen) and self._fidelity.screen_name and event.name not in (None, ""):
            name = event.name
        if not isinstance(name, str) and truthy(name):
            raise RejectEvent(NAME_NOT_TEXT)
        return name

    def _read_plain(self, name: Any, properties: JsonObject | None, notes: list[str]) -> Content:
        own = {} if properties is None else properties
        places = (name, own.get("event"), own.get("name"))
        found = next((place for place in places if place is not None and place != ""), None)
        if found is None:
            raise RejectEvent(NO_NAME)
        if properties is None:
            return Content(found, None)
        content = Content(found, {key: value for key, value in properties.items() if key not in V1_OMITS})
        used = next((key for key in VALUE if truthy(own.get(key))), None)
        if used is not None:
            self._set_value(content, used, own[used], notes)
        if not self._exact:
            notes.extend(
                f"properties.{key} left out: RudderStack uses {used or 'no property'} as the event's value"
                for key in VALUE
                if key != used and own.get(key) is not None
            )
        return content

    def _read_ecommerce(self, metric: str, properties: JsonObject, notes: list[str]) -> Content:
        renamed = self._metrics[metric](properties)
        content = Content(metric, renamed)
        if not self._fidelity.ecommerce_extras:
            if "value" in PROPERTIES[metric] and properties.get("value") is not None:
                self._read_deployed_value(renamed, properties["value"], notes)
            return content
        notes.extend(self._replaced.notes(metric, properties))
        if "$value" in renamed:
            if acceptable.amount("value", renamed["$value"], notes) is None:
                renamed["value"] = renamed.pop("$value")
            return content
        used = next((key for key in VALUE if truthy(renamed.get(key))), None)
        if used is not None:
            self._set_value(content, used, renamed.pop(used), notes)
        return content

    def _read_deployed_value(self, renamed: JsonObject, value: Any, notes: list[str]) -> None:
        """Set `$value` to the number that the value starts with; on the current wire only a value that is a number."""
        number = parse_float(value)
        if number is None:
            raise RejectEvent(BAD_VALUE)
        renamed["$value"] = number if self._exact else acceptable.amount("value", value, notes)
        if renamed["$value"] is None:
            del renamed["$value"]
            renamed["value"] = value

    def _set_value(self, content: Content, key: str, value: Any, notes: list[str]) -> None:
        """Set the event's value; what is not a number stays a property, unless values are sent unchanged."""
        number = value if self._exact else acceptable.amount(key, value, notes)
        if number is None and content.properties is not None:
            content.properties[key] = value
        else:
            content.value = number
