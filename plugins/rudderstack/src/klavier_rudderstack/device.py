"""Device mode: what RudderStack's code in the browser would tell Klaviyo's browser object."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from klavier.events.model import Event, Identify, JsonObject, Page, Track
from klavier.jsvalues import dig, to_string, truthy
from klavier.klaviyo.browser import browser_flow
from klavier.vendor import BrowserCall, Delivery, Flow
from klavier_rudderstack import flows
from klavier_rudderstack.commerce import compile_metrics, metric_of
from klavier_rudderstack.device_commerce import observed
from klavier_rudderstack.integrations import check_enabled
from klavier_rudderstack.parcel import Refused, Skip
from klavier_rudderstack.points import POINTS
from klavier_rudderstack.settings import RudderStackSettings
from klavier_rudderstack.tables.device import PEOPLE, USER_ID
from klavier_rudderstack.tables.traits import DEVICE
from klavier_rudderstack.v1 import NAME_NOT_TEXT

NO_TRAITS = "user traits not present"
NOBODY = "user id, phone or email not present"
NOTHING_TO_SAY = "the event has no properties to send"
NO_NAME = 'Missing required value from ["event"]'
NOT_SUPPORTED = "Event type {type} is not supported in device mode"

_PEOPLE = tuple((special, tuple(tuple(place.split(".")) for place in places)) for special, places in PEOPLE.items())
_USER_ID = tuple(tuple(place.split(".")) for place in USER_ID)


class Device:
    """Translates events into browser calls, and those into requests of the client endpoints."""

    def __init__(self, settings: RudderStackSettings) -> None:
        self._settings = settings
        self._points = POINTS[settings.fidelity]
        self._metrics = compile_metrics(self._points, frozenset()) if self._points.device_commerce else {}

    def delivery(self, event: Event, key: str) -> Delivery:
        """Give the delivery of one event."""
        try:
            if "integrations" in event.payload:
                check_enabled(event.payload)
            calls = self._calls(event)
        except Refused as refused:
            return Delivery((event,), (key,), partial(flows.refuse, str(refused)))
        except Skip as skip:
            return Delivery((event,), (key,), partial(flows.skip, str(skip)))
        person = self._person(event)

        def flow() -> Flow:  # unlike a partial, it shows nothing of a person
            return browser_flow(calls, person, self._settings.public_api_key, event)

        return Delivery((event,), (key,), flow, browser_calls=calls)

    def _calls(self, event: Event) -> tuple[BrowserCall, ...]:
        if isinstance(event, Identify):
            return (["identify", self._identify(event)],)
        if isinstance(event, Track):
            return (self._track(event),)
        if isinstance(event, Page):
            return (self._page(event),)
        raise Refused(NOT_SUPPORTED.format(type=event.type))

    def _identify(self, event: Identify) -> JsonObject:
        message = self._message(event)
        traits = dig(message, "context", "traits")
        if not isinstance(traits, dict):
            raise Skip(NO_TRAITS)
        people = _people(message)
        user_id = _either(message, _USER_ID)
        if not any(truthy(found) for found in (people.get("$email"), people.get("$phone_number"), *user_id)):
            raise Skip(NOBODY)
        if user_id:
            people["_id" if self._settings.enforce_email_as_primary else "$id"] = user_id[0]
        people.update({name: value for name, value in traits.items() if name not in DEVICE})
        return people

    def _track(self, event: Track) -> BrowserCall:
        name = event.event
        if truthy(name) and not isinstance(name, str):
            raise Refused(NAME_NOT_TEXT)
        metric = metric_of(name)
        if metric is not None:
            rename = self._metrics.get(metric)
            properties = rename(event.properties) if rename else observed(metric, event.payload, event.properties)
            if not properties:
                raise Skip(NOTHING_TO_SAY)
            return ["track", metric, properties]
        properties = dict(event.properties)
        if truthy(properties.get("revenue")):
            properties["$value"] = properties.pop("revenue")
        if self._points.device_names_as_given:
            if not name:
                raise Refused(NO_NAME)
            return ["track", name, properties]
        return ["track", name.strip().lower() if name else name, properties]

    def _page(self, event: Page) -> BrowserCall:
        if not self._settings.send_page_as_track:
            return ["track"]
        name, category = event.name, event.properties.get("category")
        if self._points.device_plain_members and not truthy(category):
            category = event.category
        title = "Viewed a Page"
        if truthy(name):
            words = [to_string(word) for word in (category, name) if truthy(word)]
            title = f"Viewed {' '.join(words)} page"
        if self._settings.additional_page_info and isinstance(event.payload.get("properties"), dict):
            return ["track", title, dict(event.properties)]
        return ["track", title]

    def _person(self, event: Event) -> JsonObject:
        """Say whose the event is, for which the browser has a cookie."""
        message = self._message(event)
        person = {key: value for key, value in _people(message).items() if key in ("$email", "$phone_number")}
        user_id = _either(message, _USER_ID)
        if user_id and not self._settings.enforce_email_as_primary:
            person["$id"] = user_id[0]
        return person

    def _message(self, event: Event) -> Mapping[str, Any]:
        """Give the payload as the browser would hold it: traits of the call are in `context.traits`."""
        traits = event.payload.get("traits")
        if not (self._points.device_plain_members and isinstance(event, Identify) and isinstance(traits, dict)):
            return event.payload
        own = event.context.get("traits")
        merged = {**traits, **own} if isinstance(own, dict) else traits
        return {**event.payload, "context": {**event.context, "traits": merged}}


def _people(message: Mapping[str, Any]) -> JsonObject:
    people: JsonObject = {}
    for special, places in _PEOPLE:
        found = _either(message, places)
        if found:
            people[special] = found[0]
    return people


def _either(message: Mapping[str, Any], places: Sequence[tuple[str, ...]]) -> tuple[Any, ...]:
    """Read as JavaScript's `a || b || c` does: the first truthy value, else the last one; empty where it is missing."""
    for place in places:
        value = dig(message, *place)
        if truthy(value):
            return (value,)
    *path, name = places[-1]
    holder = dig(message, *path)
    return (holder[name],) if isinstance(holder, dict) and name in holder else ()
