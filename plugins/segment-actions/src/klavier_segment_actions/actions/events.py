"""trackEvent and orderCompleted: events, alone or in bulk."""

import re
import uuid
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed
from klavier.redaction import redact_text
from klavier.vendor import RejectEvent
from klavier_segment_actions.actions.base import (
    Action,
    BatchFlow,
    Item,
    SingleFlow,
    has_identifier,
    settle_reply,
)
from klavier_segment_actions.actions.bulk import send_together, settle_alike
from klavier_segment_actions.actions.profiles import build_event_profile, has_only_identifiers
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Fidelity
from klavier_segment_actions.payload.formats import is_e164, is_sendable_phone

ORDER, PRODUCT = "Order Completed", "Ordered Product"
ACCEPTED = 202
TOO_MANY_REQUESTS = 429
_POINTER = re.compile(r"/data/attributes/events-bulk-create/data/([0-9]+)")
_PRODUCTS = uuid.UUID("5f1b6a52-8c4e-5d0f-9a57-3f3b8f0f6f3e")
"""The namespace of the ids of product events."""


class EventAction(Action):
    """What both event actions share."""

    def __init__(self, calls: Calls, fidelity: Fidelity, *, batched: bool) -> None:
        super().__init__(calls, fidelity, batched=batched)
        self.is_phone = is_sendable_phone if fidelity.safe_readings else is_e164

    def profile(self, profile: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Build the attributes of an event's profile, with notes on what was left out; raises `RejectEvent`."""
        if "phone_number" in profile or "country_code" in profile:
            self.normalize_phone(profile)
        if not has_identifier(profile, "external_id", "email", "anonymous_id", "phone_number"):
            raise RejectEvent("profile: needs one of external_id, anonymous_id, phone_number and email")
        return build_event_profile(profile) if self.fidelity.fits_profile else (profile, ())

    def complete(self, attributes: dict[str, Any], event: Event, metric: str) -> None:
        """Add the metric, in place, and a derived id where the event has none."""
        if "unique_id" not in attributes and self.fidelity.derives_ids:
            attributes["unique_id"] = event.stable_id
        attributes["metric"] = _metric(metric)

    def request(self, attributes: dict[str, Any]) -> Request:
        """Send one event."""
        return self.calls.post(self.calls.events, {"data": {"type": "event", "attributes": attributes}})


class TrackEvent(EventAction):
    """Track Event: one event, or up to 1000 in one call."""

    bulkable = True

    def prepare(self, payload: dict[str, Any], event: Event) -> Item:
        """Build the attributes of one event, or a member of the bulk call."""
        profile = payload.pop("profile")
        notes: tuple[str, ...] = ()
        if not has_only_identifiers(profile, self.is_phone):
            profile, notes = self.profile(profile)
        self.complete(payload, event, payload.pop("metric_name"))
        who = {"data": {"type": "profile", "attributes": profile}}
        if not self.batched:
            payload["profile"] = who
            return Item(payload, notes)
        events = {"data": [{"type": "event", "attributes": payload}]}
        body = {"type": "event-bulk-create", "attributes": {"profile": who, "events": events}}
        return Item(body, notes, payload.get("unique_id"))

    def flow(self, item: Item) -> SendOne:
        """POST /api/events."""
        notes = item.notes
        return SendOne(self.request(item.body), notes, partial(settle_reply, notes=notes) if notes else settle_reply)

    def single(self, item: Item) -> SingleFlow:
        """POST /api/events, as a generator."""
        one = self.flow(item)
        return one.settle((yield one.request))

    def batch(self, items: Sequence[Item]) -> BatchFlow:
        """POST /api/event-bulk-create-jobs; an event that occurs twice is sent once."""
        if not self.fidelity.derives_ids or len({item.identity for item in items}) == len(items):
            return (yield from self._send(items))
        first: dict[Any, int] = {}
        places = [first.setdefault(_identity(item), index) for index, item in enumerate(items)]
        unique = sorted(set(places))
        sent = yield from self._send([items[index] for index in unique])
        found = dict(zip(unique, sent, strict=True))
        return [found[place] for place in places]

    def _send(self, items: Sequence[Item]) -> BatchFlow:
        return send_together(items, self._request, _settle_batch, self.fidelity)

    def _request(self, items: Sequence[Item]) -> Request:
        attributes = {"events-bulk-create": {"data": [item.body for item in items]}}
        return self.calls.post(
            self.calls.event_batches, {"data": {"type": "event-bulk-create-job", "attributes": attributes}}
        )


class OrderCompleted(EventAction):
    """Order Completed: an event for the order, then one for each product."""

    def prepare(self, payload: dict[str, Any], event: Event) -> Item:
        """Build the attributes of the order and of its products."""
        profile, notes = self.profile(payload.pop("profile"))
        products, metric = payload.pop("products", ()), payload.pop("product_event_name", None) or PRODUCT
        self.complete(payload, event, payload.pop("event_name", None) or ORDER)
        payload["profile"] = {"data": {"type": "profile", "attributes": profile}}
        return Item(payload, notes, options=self._products(products, metric, payload, event))

    def single(self, item: Item) -> SingleFlow:
        """POST /api/events for the order; once it is accepted, for each product."""
        reply = yield self.request(item.body)
        if reply.status != ACCEPTED:
            return settle_reply(reply, item.notes)
        problems = []
        for number, attributes in enumerate(item.options, 1):
            product_reply = yield self.request(attributes)
            if not product_reply.ok:
                problems.append((number, settle_reply(product_reply, item.notes)))
        if not problems:
            return delivered(item.notes)
        number, worst = next(((n, o) for n, o in problems if o.retryable), problems[0])
        reason = f"the order was accepted, product {number} of {len(item.options)} was not: {worst.reason}"
        return failed(reason, worst.status, retryable=worst.retryable, notes=item.notes)

    def _products(
        self, products: Sequence[dict[str, Any]], name: str, order: dict[str, Any], event: Event
    ) -> list[dict[str, Any]]:
        shared = {key: value for key, value in order["properties"].items() if key != "products"}
        base = order.get("unique_id") or event.stable_id
        metric = _metric(name)
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


@lru_cache(maxsize=1024)
def _metric(name: str) -> dict[str, Any]:
    """Build the reference to a metric; events of one name share the object, which is never changed."""
    return {"data": {"type": "metric", "attributes": {"name": name}}}


def _identity(item: Item) -> tuple[Any, ...]:
    """Return what identifies an event at Klaviyo: unique id, metric and profile."""
    attributes = item.body["attributes"]
    metric = attributes["events"]["data"][0]["attributes"]["metric"]
    return item.identity, metric["data"]["attributes"]["name"], repr(attributes["profile"])


def _settle_batch(reply: Response, items: Sequence[Item]) -> Sequence[Outcome]:
    """Return the error of each event that Klaviyo names; the other events of the batch can be retried."""
    named = {} if reply.ok or reply.local else _named_events(reply, len(items))
    if not named:
        return settle_alike(reply, items)
    retry = failed("another event of the batch was refused; this one can be retried", TOO_MANY_REQUESTS, retryable=True)
    return [named.get(index, retry) for index in range(len(items))]


def _named_events(reply: Response, count: int) -> dict[int, Outcome]:
    named: dict[int, Outcome] = {}
    for error in reply.errors:
        found = _POINTER.search(error.pointer)
        if found and int(found[1]) < count:
            reason = redact_text(f"Klaviyo answered {reply.status}: {error.detail or error.code or 'no detail'}")
            named.setdefault(int(found[1]), failed(reason, reply.status))
    return named
