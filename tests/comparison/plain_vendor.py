"""A vendor whose ways can be bent one by one, so that a test knows what a comparison must find."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from attrs import field, frozen

import klavier
from klavier.klaviyo.revisions import CURRENT
from klavier.outcome import delivered, rejected


def _same(value: Any) -> Any:
    return value


def _by_id(event: klavier.Event) -> dict[str, Any]:
    return {"external_id": str(event.user_id), "email": f"{event.user_id}@shop.test"}


@frozen(kw_only=True)
class Ways:
    """How this vendor does things; each can be bent."""

    person: Callable[[klavier.Event], dict[str, Any]] = _by_id
    traits: Callable[[dict[str, Any]], dict[str, Any]] = _same
    metric: Callable[[str], str] = _same
    properties: Callable[[dict[str, Any]], dict[str, Any]] = _same
    event: Callable[[dict[str, Any]], dict[str, Any]] = _same
    drops: Callable[[klavier.Event], bool] = field(default=lambda _: False)
    more: Callable[[klavier.Event], Iterable[klavier.Request]] = field(default=lambda _: ())
    batch_size: int = 1


class PlainVendor(klavier.Vendor):
    """Tracks become events, identifies become profiles with their traits as custom properties."""

    name = "plain"

    def __init__(self, **ways: Any) -> None:
        self.settings = self.ways = Ways(**ways)
        self.batch_size = self.ways.batch_size

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterable[klavier.Delivery]:
        yield klavier.Delivery(tuple(events), tuple(map(self.key, events)), partial(self._flow, events))

    def _flow(self, events: Sequence[klavier.Event]) -> klavier.Flow:
        outcomes = []
        for event in events:
            if self.ways.drops(event):
                outcomes.append(rejected("not wanted here"))
                continue
            yield self._request(event)
            for request in self.ways.more(event):  # noqa: UP028 -- a list takes no replies
                yield request
            outcomes.append(delivered())
        return outcomes

    def _request(self, event: klavier.Event) -> klavier.Request:
        person: dict[str, Any] = self.ways.person(event)
        if isinstance(event, klavier.Identify):
            profile = {"type": "profile", "attributes": person | {"properties": self.ways.traits(event.traits)}}
            return post("/api/profile-import", profile)
        name, given = getattr(event, "event", "?"), getattr(event, "properties", {})
        attributes = {
            "properties": self.ways.properties(given),
            "unique_id": event.stable_id,
            "time": event.timestamp,
            "metric": {"data": {"type": "metric", "attributes": {"name": self.ways.metric(name)}}},
            "profile": {"data": {"type": "profile", "attributes": person}},
        }
        return post("/api/events", {"type": "event", "attributes": self.ways.event(attributes)})


def post(path: str, data: dict[str, Any]) -> klavier.Request:
    """Make a request of today's revision."""
    return klavier.Request("POST", path, json={"data": data}, revision=CURRENT)


def subscribe(event: klavier.Event, list_id: str = "XUepkK") -> klavier.Request:
    """Ask for the person's consent to e-mail, on a list."""
    email = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
    profile = {"type": "profile", "attributes": {"email": f"{event.user_id}@shop.test", "subscriptions": email}}
    job = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {"profiles": {"data": [profile]}},
        "relationships": {"list": {"data": {"type": "list", "id": list_id}}},
    }
    return post("/api/profile-subscription-bulk-create-jobs", job)
