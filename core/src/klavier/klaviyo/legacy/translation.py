"""Translate the documents of the legacy calls to requests and resources of the newest revision.

Source: Klaviyo's legacy track API, and the event object of POST /api/events.
"""

import hashlib
from typing import Any

from attrs import frozen

from klavier.events.model import Event, JsonObject
from klavier.jsvalues import to_string
from klavier.klaviyo.limits import UNIQUE_ID
from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT
from klavier.klaviyo.special_properties import TRANSLATED_IDENTIFIERS, event_attributes, profile_attributes
from klavier.values import read_epoch_seconds, read_time

NO_IDENTIFIER = "no identity: an id, an e-mail address or a phone number in E.164 form is needed"


class CannotTranslate(Exception):  # noqa: N818 -- no error to the caller: it becomes the event's `rejected` outcome
    """The newest revision has no request for a legacy call; the message is the reason, without personal data."""


@frozen(repr=False)
class Translation:
    """The requests of the newest revision that replace one legacy call, in order, and a note for each omitted value.

    Where `refusal` is not empty the call cannot be translated, and there are no requests.  `without_phone` replaces the
    first request where Klaviyo answers 409, since another profile owns the phone number.
    """

    requests: tuple[Request, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str = ""
    without_phone: Request | None = None


def post(path: str, document: Any) -> Request:
    """Build a request of the newest revision; all its writes are POST with one JSON:API document."""
    return Request("POST", path, json=document, revision=CURRENT)


def translate_profile(properties: Any, notes: list[str]) -> JsonObject:
    """Return the profile attributes of legacy profile properties; raises `CannotTranslate` without an identifier."""
    attributes = profile_attributes(properties if isinstance(properties, dict) else {}, notes)
    if attributes.keys().isdisjoint(TRANSLATED_IDENTIFIERS.values()):
        raise CannotTranslate(NO_IDENTIFIER)
    return attributes


def translate_event(document: JsonObject, event: Event, notes: list[str]) -> JsonObject:
    """Return the event resource of a legacy track document; raises `CannotTranslate`.

    An event without a usable `$event_id` gets the id of `event`, so that Klaviyo counts a repeated delivery once.
    """
    name = document.get("event")
    if name is None or name == "" or isinstance(name, (dict, list)):
        raise CannotTranslate("the event has no name")
    profile = translate_profile(document.get("customer_properties"), notes)
    properties = document.get("properties")
    attributes = event_attributes(properties if isinstance(properties, dict) else {}, notes)
    attributes["unique_id"] = shorten_id(attributes.get("unique_id") or event.stable_id)
    attributes["metric"] = {"data": {"type": "metric", "attributes": {"name": to_string(name)}}}
    attributes["profile"] = {"data": {"type": "profile", "attributes": profile}}
    if "time" in document:
        seconds = document["time"]
        time, reason = (read_time if isinstance(seconds, str) else read_epoch_seconds)(seconds)
        if time is not None:
            attributes["time"] = time
        elif reason:
            notes.append(f"time left out: {reason}; Klaviyo uses the time of arrival")
    return {"type": "event", "attributes": attributes}


def shorten_id(text: str) -> str:
    """Return an id within Klaviyo's limit: longer ones become a hash, the same one each time."""
    return text if len(text) <= UNIQUE_ID else "klavier-" + hashlib.sha256(text.encode()).hexdigest()
