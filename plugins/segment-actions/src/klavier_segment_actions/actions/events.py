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
from klavier_segment_actions.actions.profiles import event_profile, is_plain_person
from klavier_segment_actions.actions.splitting import same_for_all, send_together

ORDER, PRODUCT = "Order Completed", "Ordered Product"
ACCEPTED = 202
WAITING = 429
_POINTER = re.compile(r"/data/attributes/events-bulk-create/data/([0-9]+)")
_PRODUCTS = uuid.UUID("5f1b6a52-8c4e-5d0f-9a57-3f3b8f0f6f3e")
"""The namespace of the ids of product events."""


class EventAction(Action):
    """What both actions about events share."""

    def profile(self, profile: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]] | Outcome:
        """Make the attributes of an event's profile, with notes on what was moved."""
        if "phone_number" in profile or "country_code" in profile:
            problem = with_phone(profile, leftovers=self.leftovers)
            if problem is not None:
                return problem
        if not names_somebody(profile, "external_id", "email", "anonymous_id", "phone_number"):
            return rejected("profile: needs one of external_id, anonymous_id, phone_number and email")
        return event_profile(profile) if self.rules.sendable else (profile, ())

    def complete(self, attributes: dict[str, Any], event: Event, metric: str) -> None:
        """Give attributes that were made for this event alone their metric, and an id where they have none."""
        if "unique_id" not in attributes and self.rules.sendable:
            attributes["unique_id"] = event.stable_id
        attributes["metric"] = _metric(metric)

    def request(self, attributes: dict[str, Any]) -> Request:
        """Send one event."""
        return self.calls.post(self.calls.events, {"data": {"type": "event", "attributes": attributes}})


class TrackEvent(EventAction):
    """Track Event: one event, or up to 1000 in one call."""

    bulkable = True

    def prepare(self, payload: dict[str, Any], event: Event) -> Item | Outcome:
        """Make the event: the attributes of one, or a member of the bulk call."""
        profile = payload.pop("profile")
        notes: tuple[str, ...] = ()
        if not is_plain_person(profile):
            made = self.profile(profile)
            if isinstance(made, Outcome):
                return made
            profile, notes = made
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
        return SendOne(self.request(item.body), notes, partial(outcome_of, notes=notes) if notes else outcome_of)

    def single(self, item: Item) -> Sending:
        """Do the same as a generator."""
        one = self.flow(item)
        return one.settle((yield one.request))

    def batch(self, items: Sequence[Item]) -> BatchSending:
        """POST /api/event-bulk-create-jobs; an event that is there twice is sent once."""
        if not self.rules.sendable or len({item.identity for item in items}) == len(items):
            return (yield from send_together(items, self._request, _judge))
        first: dict[Any, int] = {}
        places = [first.setdefault(_identity(item), index) for index, item in enumerate(items)]
        unique = sorted(set(places))
        sent = yield from send_together([items[index] for index in unique], self._request, _judge)
        found = dict(zip(unique, sent, strict=True))
        return [found[place] for place in places]

    def _request(self, items: Sequence[Item]) -> Request:
        attributes = {"events-bulk-create": {"data": [item.body for item in items]}}
        return self.calls.post(
            self.calls.event_batches, {"data": {"type": "event-bulk-create-job", "attributes": attributes}}
        )


class OrderCompleted(EventAction):
    """Order Completed: an event for the order, then one for each product."""

    def prepare(self, payload: dict[str, Any], event: Event) -> Item | Outcome:
        """Make the attributes of the order and of its products."""
        made = self.profile(payload.pop("profile"))
        if isinstance(made, Outcome):
            return made
        profile, notes = made
        products, metric = payload.pop("products", ()), payload.pop("product_event_name", None) or PRODUCT
        self.complete(payload, event, payload.pop("event_name", None) or ORDER)
        payload["profile"] = {"data": {"type": "profile", "attributes": profile}}
        return Item(payload, notes, options=self._products(products, metric, payload, event))

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
    """Name a metric; events of one name share what is made here, and nobody changes it."""
    return {"data": {"type": "metric", "attributes": {"name": name}}}


def _identity(item: Item) -> tuple[Any, ...]:
    """Tell events apart as Klaviyo does: by profile, metric and unique id."""
    attributes = item.body["attributes"]
    metric = attributes["events"]["data"][0]["attributes"]["metric"]
    return item.identity, metric["data"]["attributes"]["name"], repr(attributes["profile"])


def _judge(reply: Response, items: Sequence[Item]) -> Sequence[Outcome]:
    """Give events that Klaviyo names their own error; the others of the batch may try again."""
    named = {} if reply.ok or reply.local else _named(reply, len(items))
    if not named:
        return same_for_all(reply, items)
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
