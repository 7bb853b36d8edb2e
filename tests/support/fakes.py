"""A small vendor that keeps every promise, and one for each way to break one."""

import logging
import re
import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from attrs import frozen

from klavier import Delivery, Event, Flow, Identify, Outcome, Request, Track, Vendor, VendorSpec, setting
from klavier.klaviyo.revisions import CURRENT
from klavier.outcome import DELIVERED, delivered, failed, rejected, skipped

SECRET = "pk_0123456789abcdef"  # noqa: S105 -- made up, to look for it


@frozen
class Settings:
    private_api_key: str = setting(doc="Klaviyo's private key.", klaviyo="private_api_key", secret=True)
    list_id: str = setting("", doc="A list that identified people are added to.")


class GoodVendor(Vendor):
    """Sends identify and track on the current wire, skips the rest."""

    name: str = "good"
    constants: frozenset[str | float] = frozenset({"Unnamed"})

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        for event in events:
            yield Delivery((event,), (self.key(event),), partial(self.flow, event))

    def flow(self, event: Event) -> Flow:
        if not isinstance(event, (Identify, Track)):
            return skipped(f"{event.type} events are not supported")
        if not self.identifiers(event):
            return rejected("userId: give a string, so that Klaviyo knows who it is")
        path, body = self.profile(event) if isinstance(event, Identify) else self.event(event)
        response = yield Request("POST", path, json=body, revision=CURRENT)
        if response.local:
            return rejected(response.problem)
        if not response.ok:
            return failed(f"Klaviyo answered {response.status}", response.status, retryable=response.retryable)
        if isinstance(event, Identify) and self.settings.list_id and response.data_id:
            member = {"data": [{"type": "profile", "id": response.data_id}]}
            response = yield Request("POST", self.list_path(event), json=member, revision=CURRENT)
            if not response.ok:
                return failed("the list refused", response.status, retryable=response.retryable)
        return self.outcome(event)

    def outcome(self, event: Event) -> Outcome | Sequence[Outcome]:
        return delivered(["properties: not an object"]) if event.payload.get("properties") == [] else DELIVERED

    def identifiers(self, event: Event) -> dict[str, Any]:
        known = isinstance(event.user_id, str) and event.user_id
        return {"external_id": event.user_id} if known else {}

    def members(self, event: Identify | Track) -> dict[str, Any]:
        return event.traits if isinstance(event, Identify) else event.properties

    def unique_id(self, event: Event) -> str:
        return event.stable_id[:255]

    def list_path(self, event: Event) -> str:  # noqa: ARG002 -- a broken one needs it
        return f"/api/lists/{quote(self.settings.list_id, safe='')}/relationships/profiles"

    def profile(self, event: Identify) -> tuple[str, Any]:
        attributes = {**self.identifiers(event), "properties": self.members(event)}
        return "/api/profile-import", {"data": {"type": "profile", "attributes": attributes}}

    def event(self, event: Track) -> tuple[str, Any]:
        name = event.event if isinstance(event.event, str) and event.event else "Unnamed"
        attributes = {
            "metric": {"data": {"type": "metric", "attributes": {"name": name}}},
            "profile": {"data": {"type": "profile", "attributes": self.identifiers(event)}},
            "properties": self.members(event),
            "unique_id": self.unique_id(event),
        }
        return "/api/events", {"data": {"type": "event", "attributes": attributes}}


class Raises(GoodVendor):
    def flow(self, event: Event) -> Flow:
        event.payload["userId"].strip()
        return (yield from super().flow(event))


class RaisesOnOddReplies(GoodVendor):
    def flow(self, event: Event) -> Flow:
        flow = super().flow(event)
        try:
            request = next(flow)
            while True:
                response = yield request
                response.json.get("data")
                request = flow.send(response)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # what the flow returned


class DoublesOutcomes(GoodVendor):
    def outcome(self, event: Event) -> Sequence[Outcome]:  # noqa: ARG002 -- the same for all
        return (DELIVERED, DELIVERED)


class DeliversTwice(GoodVendor):
    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        return [*super().deliveries(events), *super().deliveries(events)]


class Forgets(GoodVendor):
    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        return super().deliveries([event for event in events if event.type != "page"])


class RandomIds(GoodVendor):
    def unique_id(self, event: Event) -> str:  # noqa: ARG002 -- the fault
        return str(uuid.uuid4())


class Remembers(GoodVendor):
    """Sends another value the second time."""

    seen: int = 0

    def members(self, event: Identify | Track) -> dict[str, Any]:
        self.seen += 1
        return super().members(event) if self.seen % 2 else {**super().members(event), "again": "event"}


class ChangesInput(GoodVendor):
    def members(self, event: Identify | Track) -> dict[str, Any]:
        members = super().members(event)
        members.pop("email", None)
        return members


class InventsId(GoodVendor):
    def unique_id(self, event: Event) -> str:  # noqa: ARG002 -- the fault
        return "a-made-up-id"


class InventsHash(GoodVendor):
    def unique_id(self, event: Event) -> str:  # noqa: ARG002 -- the fault
        return "0f8fad5b-d9cb-469f-a165-70867728950e"


class InventsNumber(GoodVendor):
    def members(self, event: Identify | Track) -> dict[str, Any]:
        return {**super().members(event), "score": 97.31}


class DropsProperties(GoodVendor):
    def members(self, event: Identify | Track) -> dict[str, Any]:
        return {key: value for key, value in super().members(event).items() if "." not in key}


class DropsLists(GoodVendor):
    def members(self, event: Identify | Track) -> dict[str, Any]:
        return {key: value for key, value in super().members(event).items() if not isinstance(value, list)}


class UnsendableForm(GoodVendor):
    def flow(self, event: Event) -> Flow:
        if isinstance(event, Track):
            yield Request("POST", "/api/track", form={"count": len(event.properties)})  # type: ignore[dict-item]  # the fault
        return (yield from super().flow(event))


class NotANumber(GoodVendor):
    def members(self, event: Identify | Track) -> dict[str, Any]:
        return {**super().members(event), "total": float("nan")}


class DeliversTheRefused(GoodVendor):
    """Returns `delivered` for an event that was not sent, since it exceeds Klaviyo's limits."""

    def flow(self, event: Event) -> Flow:
        flow = super().flow(event)
        try:
            request = next(flow)
            while True:
                request = flow.send((yield request))
        except StopIteration as stop:
            refused = isinstance(stop.value, Outcome) and stop.value.kind == "rejected" and self.identifiers(event)
            return DELIVERED if refused else stop.value


class ProfileWithoutId(GoodVendor):
    def event(self, event: Track) -> tuple[str, Any]:
        path, body = super().event(event)
        body["data"]["attributes"]["profile"]["data"]["attributes"] = {}
        return path, body


class OtherProfile(GoodVendor):
    def identifiers(self, event: Event) -> dict[str, Any]:
        return {"external_id": "somebody-else"} if super().identifiers(event) else {}


class UnquotedPath(GoodVendor):
    def list_path(self, event: Event) -> str:
        return f"/api/lists/{event.user_id}/relationships/profiles"


class UnknownPath(GoodVendor):
    def list_path(self, event: Event) -> str:  # noqa: ARG002 -- the fault
        return "//elsewhere.test/api/lists/relationships/profiles"


class KeyInBody(GoodVendor):
    def members(self, event: Identify | Track) -> dict[str, Any]:
        return {**super().members(event), "key": f"Klaviyo-API-Key {self.settings.private_api_key}"}


class KeyInRepr(GoodVendor):
    def __repr__(self) -> str:
        return f"<vendor with {self.settings.private_api_key}>"


class KeyInOutcome(GoodVendor):
    def outcome(self, event: Event) -> Outcome:  # noqa: ARG002 -- the fault
        return delivered([f"sent with {self.settings.private_api_key}"])


class Backtracks(GoodVendor):
    """Tests user ids with a pattern that takes cubic time."""

    def flow(self, event: Event) -> Flow:
        if isinstance(event.user_id, str) and re.search(r".+@.+\..+", event.user_id):
            return rejected("user ids are no addresses")
        return (yield from super().flow(event))


class RepeatsTheEvent(GoodVendor):
    """Writes a body that is many times as large as its event."""

    def members(self, event: Identify | Track) -> dict[str, Any]:
        return {**super().members(event), "copies": [event.payload] * 80}


class EmailInReason(GoodVendor):
    def flow(self, event: Event) -> Flow:
        if isinstance(event, Identify) and event.traits.get("email"):
            return rejected(f"{event.traits['email']} is not known")
        return (yield from super().flow(event))


class EmailInLog(GoodVendor):
    def members(self, event: Identify | Track) -> dict[str, Any]:
        logging.getLogger("klavier.fakes").debug("members %s", super().members(event))
        return super().members(event)


class CreatesLists(GoodVendor):
    """Creates a list for each profile."""

    def profile(self, event: Identify) -> tuple[str, Any]:
        return "/api/lists", {"data": {"type": "list", "attributes": {"name": str(event.user_id)}}}


class NewIds(GoodVendor):
    """Sends a new unique id each time."""

    calls: int = 0

    def unique_id(self, event: Event) -> str:
        self.calls += 1
        return f"{event.stable_id} {self.calls}"


class GivesUpTheSecondTime(GoodVendor):
    """Fails where the profile exists already."""

    def profile(self, event: Identify) -> tuple[str, Any]:
        return "/api/profiles", super().profile(event)[1]


class BatchesTheFirstOnly(GoodVendor):
    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        yield Delivery(tuple(events), tuple(map(self.key, events)), partial(self.first, events))

    def first(self, events: Sequence[Event]) -> Flow:
        return (yield from self.flow(events[0]))


class WrongOrder(GoodVendor):
    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        return reversed(list(super().deliveries(events)))


class TracksFirst(GoodVendor):
    """Sends all events in one delivery, tracks before profiles."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        yield Delivery(tuple(events), tuple(map(self.key, events)), lambda: self.all(events))

    def all(self, events: Sequence[Event]) -> Flow:
        outcomes = {}
        for event in sorted(events, key=lambda event: event.type == "identify"):
            outcomes[id(event)] = yield from self.flow(event)
        return [outcomes[id(event)] for event in events]  # type: ignore[misc]  # one outcome each, by construction


class TwoKeys(GoodVendor):
    def key(self, event: Event) -> str:
        return f"{event.type}:{event.user_id}"


GOOD = VendorSpec("good", "Keeps every promise.", Settings, GoodVendor)
