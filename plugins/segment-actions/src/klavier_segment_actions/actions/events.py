"""trackEvent and orderCompleted: events, alone or in bulk."""

import re
import uuid
from collections.abc import Sequence
from typing import Any

from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.redaction import redact_text
from klavier_segment_actions.actions.base import (
    Action,
    BatchSending,
    Item,
    Sending,
    names_somebody,
    outcome_of,
    with_phone,
)
from klavier_segment_actions.actions.profiles import event_profile
from klavier_segment_actions.actions.splitting import send_together

ACCEPTED = 202
WAITING = 429
_POINTER = re.compile(r"/data/attributes/events-bulk-create/data/([0-9]+)")
_PRODUCTS = uuid.UUID("5f1b6a52-8c4e-5d0f-9a57-3f3b8f0f6f3e")
"""The namespace of the ids of product events."""


class EventAction(Action):
    """What both actions about events share."""

    def attributes(
        self, payload: dict[str, Any], event: Event, metric: str
    ) -> tuple[dict[str, Any], tuple[str, ...]] | Outcome:
        """Make the attributes of an event, with notes on what was moved or left out."""
        profile = dict(payload["profile"])
        problem = with_phone(profile, leftovers=self.leftovers)
        if problem is not None:
            return problem
        if not names_somebody(profile, "email", "phone_number", "external_id", "anonymous_id"):
            return rejected("profile: needs one of external_id, anonymous_id, phone_number and email")
        notes: tuple[str, ...] = ()
        if self.rules.sendable:
            profile, notes = event_profile(profile)
        attributes: dict[str, Any] = {"properties": payload["properties"]}
        for name in ("time", "value", "unique_id"):
            if name in payload:
                attributes[name] = payload[name]
        if "unique_id" not in attributes and self.rules.sendable:
            attributes["unique_id"] = event.stable_id
        attributes["metric"] = {"data": {"type": "metric", "attributes": {"name": metric}}}
        attributes["profile"] = {"data": {"type": "profile", "attributes": profile}}
        return attributes, notes

    def request(self, attributes: dict[str, Any]) -> Request:
        """Send one event."""
        return self.calls.post(self.calls.events, {"data": {"type": "event", "attributes": attributes}})


class TrackEvent(EventAction):
    """Track Event: one event, or up to 1000 in one call."""

    def prepare(self, payload: dict[str, Any], event: Event) -> Item | Outcome:
        """Make the attributes of the event."""
        made = self.attributes(payload, event, payload["metric_name"])
        if isinstance(made, Outcome):
            return made
        attributes, notes = made
        return Item(attributes, identity=attributes.get("unique_id"), notes=notes)

    def single(self, item: Item) -> Sending:
        """POST /api/events."""
        return outcome_of((yield self.request(item.body)), item.notes)

    def batch(self, items: Sequence[Item]) -> BatchSending:
        """POST /api/event-bulk-create-jobs; an event that is there twice is sent once."""
        first: dict[Any, int] = {}
        places = [
            first.setdefault(_identity(item, index, self.rules.sendable), index) for index, item in enumerate(items)
        ]
        unique = sorted(set(places))
        sent = yield from send_together([items[index] for index in unique], self._request, _judge)
        found = dict(zip(unique, sent, strict=True))
        return [found[place] for place in places]

    def _request(self, items: Sequence[Item]) -> Request:
        return self.calls.post(
            self.calls.event_batches,
            {
                "data": {
                    "type": "event-bulk-create-job",
                    "attributes": {"events-bulk-create": {"data": [_bulk(item.body) for item in items]}},
                }
            },
        )


class OrderCompleted(EventAction):
    """Order Completed: an event for the order, then one for each product."""

    def prepare(self, payload: dict[str, Any], event: Event) -> Item | Outcome:
        """Make the attributes of the order and of its products."""
        made = self.attributes(payload, event, payload.get("event_name", ""))
        if isinstance(made, Outcome):
            return made
        attributes, notes = made
        return Item(attributes, notes=notes, options=self._products(payload, attributes, event))

    def single(self, item: Item) -> Sending:
        """POST /api/events for the order; once it is accepted, for each product."""
        reply = yield self.request(item.body)
        if reply.status != ACCEPTED:
            return outcome_of(reply, item.notes)
        problems = []
        for number, attributes in enumerate(item.options, 1):
            product_reply = yield self.request(attributes)
            if not product_reply.ok:
                problems.append((number, outcome_of(product_reply, item.notes)))
        if not problems:
            return delivered(item.notes)
        number, worst = next(((n, o) for n, o in problems if o.retryable), problems[0])
        reason = f"the order was accepted, product {number} of {len(item.options)} was not: {worst.reason}"
        return failed(reason, worst.status, retryable=worst.retryable, notes=item.notes)

    def _products(self, payload: dict[str, Any], order: dict[str, Any], event: Event) -> list[dict[str, Any]]:
        products = payload.get("products") or []
        shared = {name: value for name, value in payload["properties"].items() if name != "products"}
        base = order.get("unique_id") or event.stable_id
        metric = {"data": {"type": "metric", "attributes": {"name": payload.get("product_event_name", "")}}}
        made = []
        for index, product in enumerate(products):
            attributes = {
                "properties": {**shared, **product},
                "unique_id": str(uuid.uuid5(_PRODUCTS, f"{base}/{index}")),
                "metric": metric,
                "profile": order["profile"],
            }
            if "time" in order:
                attributes["time"] = order["time"]
            made.append(attributes)
        return made


def _identity(item: Item, index: int, once: bool) -> Any:  # noqa: FBT001 -- one call, two lines up
    """Tell events apart as Klaviyo does, by profile, metric and unique id; as deployed, each stands for itself."""
    if not once or item.identity is None:
        return index
    attributes = item.body
    return (
        item.identity,
        attributes["metric"]["data"]["attributes"]["name"],
        repr(attributes["profile"]["data"]["attributes"]),
    )


def _bulk(attributes: dict[str, Any]) -> dict[str, Any]:
    """Put an event the way the bulk call wants it: under its profile."""
    own = {name: value for name, value in attributes.items() if name != "profile"}
    return {
        "type": "event-bulk-create",
        "attributes": {"profile": attributes["profile"], "events": {"data": [{"type": "event", "attributes": own}]}},
    }


def _judge(reply: Response, items: Sequence[Item]) -> Sequence[Outcome]:
    """Give events that Klaviyo names their own error; the others of the batch may try again."""
    named = {} if reply.ok or reply.local else _named(reply, len(items))
    if not named:
        return [outcome_of(reply, item.notes) for item in items]
    waiting = failed("another event of the batch was refused; this one can be sent again", WAITING, retryable=True)
    return [named.get(index, waiting) for index in range(len(items))]


def _named(reply: Response, count: int) -> dict[int, Outcome]:
    named: dict[int, Outcome] = {}
    for error in reply.errors:
        found = _POINTER.search(error.pointer)
        if found and int(found[1]) < count:
            reason = redact_text(f"Klaviyo answered {reply.status}: {error.detail or error.code or 'no detail'}")
            named.setdefault(int(found[1]), failed(reason, reply.status))
    return named
