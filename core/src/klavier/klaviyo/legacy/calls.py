"""The legacy track and identify calls.

Source: Klaviyo's legacy API, `GET /api/track` and `GET /api/identify`, both also as POST.
"""

import base64
from typing import ClassVar, Literal

import orjson
from attrs import field, frozen

from klavier.events.model import Event, JsonObject
from klavier.klaviyo.legacy.event import Unsayable, event_of, person_of
from klavier.klaviyo.legacy.said import Said, post
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.klaviyo.specials import IDENTIFIERS

Method = Literal["GET", "POST"]


@frozen
class _DataCall:
    """A call that is one JSON document in a parameter named `data`."""

    path: ClassVar[str]

    document: JsonObject = field(repr=False)
    method: Method = "GET"

    def native(self) -> Request:
        """Give the call to the letter: GET carries the document as base64, POST as a form with plain JSON."""
        written = orjson.dumps(self.document)
        if self.method == "GET":
            return Request("GET", self.path, params={"data": base64.b64encode(written).decode()})
        return Request("POST", self.path, form={"data": written.decode()})

    def complaint(self, response: Response) -> str:
        """Say what is wrong with a good status: these calls answer the text 1 for accepted, 0 for not."""
        accepted = response.json in (1, "1") and response.json is not True
        return "" if accepted else "bad response"


@frozen
class TrackCall(_DataCall):
    """`/api/track`: `document` is `{token, event, properties, customer_properties, time}`, time in seconds."""

    path = "/api/track"

    def current(self, event: Event) -> Said:
        """Say it as POST /api/events."""
        notes: list[str] = []
        try:
            resource = event_of(self.document, event, notes)
        except Unsayable as reason:
            return Said(refusal=str(reason))
        return Said((post("/api/events", {"data": resource}),), tuple(notes))


@frozen
class IdentifyCall(_DataCall):
    """`/api/identify`: `document` is `{token, properties}`."""

    path = "/api/identify"

    def current(self, _: Event) -> Said:
        """Say it as POST /api/profile-import, which creates or updates."""
        notes: list[str] = []
        try:
            attributes = person_of(self.document.get("properties"), notes)
        except Unsayable as reason:
            return Said(refusal=str(reason))
        return Said((_upsert(attributes),), tuple(notes), without_phone=_without_phone(attributes))


def _upsert(attributes: JsonObject) -> Request:
    return post("/api/profile-import", {"data": {"type": "profile", "attributes": attributes}})


def _without_phone(attributes: JsonObject) -> Request | None:
    """Say the same of whoever the other identifiers name; None where the phone number is not one of several."""
    others = {name: value for name, value in attributes.items() if name != "phone_number"}
    named = len(others) < len(attributes) and not others.keys().isdisjoint(IDENTIFIERS.values())
    return _upsert(others) if named else None
