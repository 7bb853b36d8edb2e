"""From a legacy track document to the event resource of today.

Source: Klaviyo's legacy track API, and the event object of POST /api/events.
"""

import hashlib
from typing import Any

from klavier.events.model import Event, JsonObject
from klavier.jsvalues import to_string
from klavier.klaviyo.limits import UNIQUE_ID
from klavier.klaviyo.specials import IDENTIFIERS, event_attributes, profile_attributes
from klavier.klaviyo.times import klaviyo_time

NOBODY = "nothing identifies the person; give an id, an e-mail address or a phone number in E.164 form"


class Unsayable(Exception):  # noqa: N818 -- no error to anybody: it becomes the event's `rejected` outcome
    """A call that the newest revision cannot say at all; the message says why, without personal data."""


def person_of(people: Any, notes: list[str]) -> JsonObject:
    """Give the attributes of the profile that people properties tell of; raises `Unsayable` where nobody is named."""
    attributes = profile_attributes(people if isinstance(people, dict) else {}, notes)
    if attributes.keys().isdisjoint(IDENTIFIERS.values()):
        raise Unsayable(NOBODY)
    return attributes


def event_of(document: JsonObject, event: Event, notes: list[str]) -> JsonObject:
    """Give the event resource that means what a legacy track document meant; raises `Unsayable`.

    An event without a usable `$event_id` gets the id of `event`, so that delivering it twice counts once.
    """
    name = document.get("event")
    if name is None or name == "" or isinstance(name, (dict, list)):
        raise Unsayable("the event has no name")
    profile = person_of(document.get("customer_properties"), notes)
    properties = document.get("properties")
    attributes = event_attributes(properties if isinstance(properties, dict) else {}, notes)
    attributes["unique_id"] = fitting_id(attributes.get("unique_id") or event.stable_id)
    attributes["metric"] = {"data": {"type": "metric", "attributes": {"name": to_string(name)}}}
    attributes["profile"] = {"data": {"type": "profile", "attributes": profile}}
    if "time" in document:
        time = klaviyo_time(document["time"])
        if time is None:
            notes.append("time left out: no time after 1990; Klaviyo takes the time of arrival")
        else:
            attributes["time"] = time
    return {"type": "event", "attributes": attributes}


def fitting_id(text: str) -> str:
    """Shorten an id that is longer than Klaviyo takes: the same id, the same short one."""
    return text if len(text) <= UNIQUE_ID else "klavier-" + hashlib.sha256(text.encode()).hexdigest()
