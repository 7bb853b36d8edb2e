"""Device mode: translates events into the calls that RudderStack's browser code makes of Klaviyo's browser object."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from klavier.events.model import Event, Identify, JsonObject, Page, Track
from klavier.jsvalues import dig, to_string, trim, truthy
from klavier.klaviyo.browser import browser_flow
from klavier.outcome import Outcome
from klavier.vendor import BrowserCall, Delivery, Flow, RejectEvent, SkipEvent
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.tables.device import PROFILE, USER_ID
from klavier_rudderstack.tables.ecommerce import DEVICE_OMITS, ITEM_DEVICE, PROPERTIES
from klavier_rudderstack.tables.traits import DEVICE
from klavier_rudderstack.values.ecommerce import compile_metrics, find_metric
from klavier_rudderstack.values.integrations import check_enabled
from klavier_rudderstack.values.unsent import note_unsent

NO_TRAITS = "user traits not present"
NO_IDENTIFIER = "user id, phone or email not present"
NO_PROPERTIES = "the event has no properties to send"
NAME_NOT_TEXT = "Event type should be a string"
NO_NAME = 'Missing required value from ["event"]'
NOT_READ = "RudderStack's browser code does not send it"
NOT_SUPPORTED = "Event type {type} is not supported in device mode"

_PROFILE = tuple((special, tuple(tuple(place.split(".")) for place in places)) for special, places in PROFILE.items())
_USER_ID = tuple(tuple(place.split(".")) for place in USER_ID)
_WITH_ITEMS = ("Added to Cart", "Started Checkout")
_ITEM_NAMES_AT_ROOT = "Started Checkout"
"""The metric whose `item_names` the browser code looks up in the wrong place, at the root of the message."""


class DeviceTranslator:
    """Translates events into browser calls, and those into requests of the client endpoints."""

    def __init__(self, mode: Mode) -> None:
        self._settings, self._fidelity, self._exact = mode.settings, mode.fidelity, mode.exact
        self._metrics = compile_metrics(self._fidelity, frozenset()) if self._fidelity.device_commerce else {}

    def delivery(self, event: Event, key: str) -> Delivery:
        """Return the delivery of one event.  Raises `RejectEvent` and `SkipEvent`."""
        if "integrations" in event.payload:
            check_enabled(event.payload)
        calls = self._calls(event)
        identifiers = self._identifiers(event)
        notes = _notes(event, calls)

        def flow() -> Flow:  # unlike a partial, its repr contains no personal data
            outcome = yield from browser_flow(calls, identifiers, self._settings.public_api_key, event)
            if isinstance(outcome, Outcome) and outcome.kind == "delivered":
                return evolve(outcome, notes=(*notes, *outcome.notes))
            return outcome

        return Delivery((event,), (key,), flow, browser_calls=calls, exact=self._exact)

    def _calls(self, event: Event) -> tuple[BrowserCall, ...]:
        if isinstance(event, Identify):
            return (["identify", self._identify(event)],)
        if isinstance(event, Track):
            return (self._track(event),)
        if isinstance(event, Page):
            return (self._page(event),)
        raise RejectEvent(NOT_SUPPORTED.format(type=event.type))

    def _identify(self, event: Identify) -> JsonObject:
        message = self._message(event)
        traits = dig(message, "context", "traits")
        if not isinstance(traits, dict):
            raise SkipEvent(NO_TRAITS)
        people = _people_properties(message, paths=self._fidelity.dots_nest)
        user_id = _either(message, _USER_ID)
        if not any(truthy(found) for found in (people.get("$email"), people.get("$phone_number"), *user_id)):
            raise SkipEvent(NO_IDENTIFIER)
        if user_id:
            people["_id" if self._settings.enforce_email_as_primary else "$id"] = user_id[0]
        people.update({name: value for name, value in traits.items() if name not in DEVICE})
        return people

    def _track(self, event: Track) -> BrowserCall:
        name = event.event
        if truthy(name) and not isinstance(name, str):
            raise RejectEvent(NAME_NOT_TEXT)
        metric = find_metric(name)
        if metric is not None:
            rename = self._metrics.get(metric)
            properties = (
                rename(event.properties) if rename else _rename_deployed(metric, event.payload, event.properties)
            )
            if not properties:
                raise SkipEvent(NO_PROPERTIES)
            return ["track", metric, properties]
        properties = dict(event.properties)
        if truthy(properties.get("revenue")):
            properties["$value"] = properties.pop("revenue")
        if self._fidelity.device_names_as_given:
            if not name:
                raise RejectEvent(NO_NAME)
            return ["track", name, properties]
        return ["track", trim(name).lower() if name else name, properties]

    def _page(self, event: Page) -> BrowserCall:
        if not self._settings.send_page_as_track:
            return ["track"]
        name, category = event.name, event.properties.get("category")
        if self._fidelity.device_plain_members and not truthy(category):
            category = event.category
        title = "Viewed a Page"
        if truthy(name):
            words = [to_string(word) for word in (category, name) if truthy(word)]
            title = f"Viewed {' '.join(words)} page"
        if self._settings.additional_page_info and isinstance(event.payload.get("properties"), dict):
            return ["track", title, dict(event.properties)]
        return ["track", title]

    def _identifiers(self, event: Event) -> JsonObject:
        """Return the people properties that identify the profile, which in a browser a cookie does."""
        message = self._message(event)
        people = _people_properties(message, paths=self._fidelity.dots_nest)
        found = {key: value for key, value in people.items() if key in ("$email", "$phone_number")}
        user_id = _either(message, _USER_ID)
        if user_id and not self._settings.enforce_email_as_primary:
            found["$id"] = user_id[0]
        return found

    def _message(self, event: Event) -> Mapping[str, Any]:
        """Return the payload in the browser SDK's form: traits of an identify call are in `context.traits`."""
        traits = event.payload.get("traits")
        if not (self._fidelity.device_plain_members and isinstance(event, Identify) and isinstance(traits, dict)):
            return event.payload
        own = event.context.get("traits")
        merged = {**traits, **own} if isinstance(own, dict) else traits
        return {**event.payload, "context": {**event.context, "traits": merged}}


def _notes(event: Event, calls: Sequence[BrowserCall]) -> list[str]:
    """Return notes about the traits of an identify call, or the properties of an event, that no call has."""
    if isinstance(event, Identify):
        traits, own = event.context.get("traits"), event.payload.get("traits")
        return [
            *note_unsent("traits", own, calls, NOT_READ),
            *note_unsent("context.traits", traits, calls, NOT_READ),
        ]
    return note_unsent("properties", event.properties, calls, NOT_READ) if isinstance(event, Track) else []


def _people_properties(message: Mapping[str, Any], *, paths: bool) -> JsonObject:
    """Return the people properties; where names are `paths`, a trait `address.city` is the city of the address."""
    traits = dig(message, "context", "traits")
    if paths and isinstance(traits, dict) and "address" not in traits:
        address = {name.removeprefix("address."): traits[name] for name in traits if name.startswith("address.")}
        message = {**message, "context": {**message["context"], "traits": {**traits, "address": address}}}
    people: JsonObject = {}
    for special, places in _PROFILE:
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


def _rename_deployed(metric: str, payload: JsonObject, properties: JsonObject) -> JsonObject:
    """Rename the properties of an ecommerce event as the browser code was observed to; only null is left out."""
    found: JsonObject = {}
    for name, renamed in PROPERTIES[metric].items():
        holder = payload if name == "item_names" and metric == _ITEM_NAMES_AT_ROOT else properties
        if holder.get(name) is not None:
            found[renamed] = holder[name]
    items = properties.get("items")
    if metric in _WITH_ITEMS and isinstance(items, list):
        found["Items"] = [item for item in map(_rename_item, items) if item]
    found.update({name: value for name, value in properties.items() if name not in DEVICE_OMITS})
    return found


def _rename_item(item: Any) -> JsonObject:
    if not isinstance(item, dict):
        return {}
    return {ITEM_DEVICE[name]: value for name, value in item.items() if name in ITEM_DEVICE and value is not None}
