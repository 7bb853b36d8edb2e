"""The legacy track and identify calls.

Source: Klaviyo's legacy API, `GET /api/track` and `GET /api/identify`, both also as POST.
"""

import base64
from typing import ClassVar, Literal

import orjson
from attrs import field, frozen

from klavier.events.model import Event, JsonObject
from klavier.klaviyo.legacy.translation import (
    CannotTranslate,
    Translation,
    post,
    translate_event,
    translate_profile,
)
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.klaviyo.special_properties import TRANSLATED_IDENTIFIERS

Method = Literal["GET", "POST"]


@frozen
class _DataCall:
    """A call that is one JSON document in a parameter named `data`."""

    path: ClassVar[str]

    document: JsonObject = field(repr=False)
    method: Method = "GET"

    def native(self) -> Request:
        """Return the call exactly: GET carries the document as base64, POST as a form with plain JSON."""
        written = orjson.dumps(self.document)
        if self.method == "GET":
            return Request("GET", self.path, params={"data": base64.b64encode(written).decode()})
        return Request("POST", self.path, form={"data": written.decode()})

    def native_error(self, response: Response) -> str:
        """Return an error unless the body is the text 1: these calls answer 0, with status 200, for a refusal."""
        accepted = response.json in (1, "1") and response.json is not True
        return "" if accepted else "bad response"


@frozen
class TrackCall(_DataCall):
    """`/api/track`: `document` is `{token, event, properties, customer_properties, time}`, time in seconds."""

    path = "/api/track"

    def current(self, event: Event) -> Translation:
        """Translate it to POST /api/events."""
        notes: list[str] = []
        try:
            resource = translate_event(self.document, event, notes)
        except CannotTranslate as reason:
            return Translation(refusal=str(reason))
        return Translation((post("/api/events", {"data": resource}),), tuple(notes))


@frozen
class IdentifyCall(_DataCall):
    """`/api/identify`: `document` is `{token, properties}`."""

    path = "/api/identify"

    def current(self, _: Event) -> Translation:
        """Translate it to POST /api/profile-import, which creates or updates."""
        notes: list[str] = []
        try:
            attributes = translate_profile(self.document.get("properties"), notes)
        except CannotTranslate as reason:
            return Translation(refusal=str(reason))
        return Translation((_upsert(attributes),), tuple(notes), without_phone=_without_phone(attributes))


def _upsert(attributes: JsonObject) -> Request:
    return post("/api/profile-import", {"data": {"type": "profile", "attributes": attributes}})


def _without_phone(attributes: JsonObject) -> Request | None:
    """Return the same request without the phone number; None unless another identifier remains."""
    others = {name: value for name, value in attributes.items() if name != "phone_number"}
    named = len(others) < len(attributes) and not others.keys().isdisjoint(TRANSLATED_IDENTIFIERS.values())
    return _upsert(others) if named else None
