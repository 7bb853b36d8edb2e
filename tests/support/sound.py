"""A vendor that keeps every promise for all six types of events, and a wrapper in which each step can be replaced."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from attrs import evolve, frozen

from klavier import Delivery, Event, Flow, Identify, Outcome, Request, Response, Vendor, setting
from klavier.klaviyo import CURRENT, klaviyo_time
from klavier.outcome import delivered, failed, rejected

NAMES = {"page": "Viewed Page", "screen": "Viewed Screen", "group": "Joined Group", "alias": "Became Known"}


@frozen
class Settings:
    private_api_key: str = setting(doc="Klaviyo's private key.", klaviyo="private_api_key", secret=True)
    list_id: str = setting("", doc="A list that identified people are added to.")


class Sound(Vendor):
    """Sends an identify as a profile on a list, all else as an event; profiles are identified by user id."""

    name = "sound"
    constants = frozenset({*NAMES.values(), "Unnamed"})

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        return (Delivery((event,), (self.key(event),), partial(self.flow, event)) for event in events)

    def flow(self, event: Event) -> Flow:
        if not isinstance(event.user_id, str) or not event.user_id:
            return rejected("userId: pass a string, which identifies the profile")
        reply = yield _post(*(self._profile(event) if isinstance(event, Identify) else self._event(event)))
        if reply.ok and isinstance(event, Identify) and self.settings.list_id:
            if not reply.data_id:
                return failed("Klaviyo named no profile", reply.status)
            members = [{"type": "profile", "id": reply.data_id}]
            path = f"/api/lists/{quote(self.settings.list_id, safe='')}/relationships/profiles"
            reply = yield _post(path, members)
        if reply.local:
            return rejected(reply.reason)
        return delivered() if reply.ok else failed(reply.reason, reply.status, retryable=reply.retryable)

    def _profile(self, event: Identify) -> tuple[str, Any]:
        attributes = {"external_id": event.user_id, "properties": dict(event.traits)}
        return "/api/profile-import", {"type": "profile", "attributes": attributes}

    def _event(self, event: Event) -> tuple[str, Any]:
        name = NAMES.get(event.type) or getattr(event, "event", None) or "Unnamed"
        properties = getattr(event, "traits" if event.type == "group" else "properties", {})
        attributes = {
            "metric": {"data": {"type": "metric", "attributes": {"name": str(name)}}},
            "profile": {"data": {"type": "profile", "attributes": {"external_id": event.user_id}}},
            "properties": dict(properties),
            "unique_id": event.stable_id,
        }
        time = klaviyo_time(event.timestamp)
        return "/api/events", {"type": "event", "attributes": attributes | ({"time": time} if time else {})}


class Wrapper(Vendor):
    """Does what the vendor inside does; a broken vendor changes one step."""

    def __init__(self, settings: Settings) -> None:
        self.inner = Sound(settings)
        self.settings = settings
        self.name = self.inner.name
        self.constants = self.inner.constants

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        for event in events:
            for delivery in self.inner.deliveries([self.event(event)]):
                flow = partial(self.flow, delivery, event)
                yield evolve(delivery, events=(event,), keys=(self.key(event),), flow=flow)

    def flow(self, delivery: Delivery, event: Event) -> Flow:
        flow = delivery.flow()
        try:
            request = next(flow)
            while True:
                reply = None
                for each in self.requests(request, event):
                    reply = yield each
                assert reply is not None
                request = flow.send(self.reply(reply, event))
        except StopIteration as stop:
            return self.outcome(stop.value, event)

    def event(self, event: Event) -> Event:
        return event

    def requests(self, request: Request, event: Event) -> list[Request]:
        data = request.json["data"]
        if isinstance(data, list):
            return [request]
        attributes = data["attributes"]
        attributes = {**attributes, "properties": self.members(attributes["properties"], event)}
        return [evolve(request, json={"data": {**data, "attributes": self.attributes(attributes, event)}})]

    def members(self, members: dict[str, Any], event: Event) -> dict[str, Any]:  # noqa: ARG002 -- for those that ask
        return members

    def attributes(self, attributes: dict[str, Any], event: Event) -> dict[str, Any]:  # noqa: ARG002 -- as above
        return attributes

    def reply(self, reply: Response, event: Event) -> Response:  # noqa: ARG002 -- as above
        return reply

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:  # noqa: ARG002 -- as above
        return outcome


def _post(path: str, data: Any) -> Request:
    return Request("POST", path, json={"data": data}, revision=CURRENT)
