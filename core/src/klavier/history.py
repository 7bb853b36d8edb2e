"""Delivering history: events that trigger no flows, and consents that were given before.

Source: Klaviyo's create events and bulk create events (`backfill`, since revision 2026-04-15), and bulk subscribe
(`historical_import` with `consented_at`, since 2024-07-15).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from attrs import evolve

from klavier.errors import ConfigError
from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier.values import read_time
from klavier.vendor import Delivery, Flow, Vendor

IMPORTED = "subscribed as a historical import: consented_at is the event's time"
"""The note of an event whose subscription was imported."""

_BACKFILL_SINCE, _IMPORT_SINCE = "2026-04-15", "2024-07-15"
_EVENTS = frozenset({"/api/events", "/client/events"})
_EVENT_GROUP = "/client/event-bulk-create"
_EVENT_JOBS = "/api/event-bulk-create-jobs"
_SUBSCRIBE = "/api/profile-subscription-bulk-create-jobs"

Json = dict[str, Any]


class HistoryVendor(Vendor):
    """A vendor whose requests are made for history.

    With `backfill` its events trigger no flows.  With `imports_consent` its subscriptions are historical imports, in
    which the consent has the event's time and Klaviyo sends no opt-in message; subscriptions that are such imports
    already stay as they are.
    """

    def __init__(self, vendor: Vendor, *, backfill: bool, imports_consent: bool) -> None:
        """Wrap a vendor; raises `ConfigError` where its wire has neither."""
        if getattr(vendor.settings, "wire", "current") != "current":
            option = "backfill" if backfill else "consent_import"
            raise ConfigError(
                f"delivery.{option}: needs Klaviyo's newest API; "
                f'set wire = "current" under [vendors.{vendor.name}], or remove it'
            )
        self._vendor = vendor
        self._backfill, self._imports_consent = backfill, imports_consent
        self.name, self.settings = vendor.name, vendor.settings
        self.constants = vendor.constants | {True}
        # A consent needs the time of its own event, so no two share a delivery; bulk delivery combines their requests.
        self.batch_size = 1 if imports_consent else vendor.batch_size
        self.bulk_size = 1 if imports_consent else vendor.bulk_size

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        """Return the vendor's deliveries, with their requests changed as they are made."""
        groups = ([event] for event in events) if self._imports_consent else [events]
        return (self._changed(delivery) for group in groups for delivery in self._vendor.deliveries(group))

    def key(self, event: Event) -> str:
        """Return the vendor's ordering key."""
        return self._vendor.key(event)

    def excludes(self, event: Event) -> frozenset[str]:
        """Return what the vendor does not send."""
        return self._vendor.excludes(event)

    def _changed(self, delivery: Delivery) -> Delivery:
        flow, event = delivery.flow, delivery.events[0]

        def changed() -> Flow:  # unlike a partial, its repr contains no personal data
            return self._run(flow, event)

        return evolve(delivery, flow=changed)

    def _run(self, flow: Callable[[], Flow], event: Event) -> Flow:
        """Run a flow with changed requests; a refusal of one is the flow's reply."""
        running = flow()
        notes: list[str] = []
        try:
            request = next(running)
            while True:
                changed = self._change(request, event, notes)
                reply = changed if isinstance(changed, Response) else (yield changed)
                request = running.send(reply)
        except StopIteration as stop:
            return _with_notes(stop.value, tuple(dict.fromkeys(notes)))

    def _change(self, request: Request, event: Event, notes: list[str]) -> Request | Response:
        """Return the request for history, or the refusal of one that cannot be made so."""
        if request.revision is None or not isinstance(request.json, dict):
            return request
        if self._backfill and request.revision >= _BACKFILL_SINCE:
            if request.path in _EVENTS or request.path == _EVENT_GROUP:
                return _with_json(request, {"data": _marked(request.json["data"])})
            if request.path == _EVENT_JOBS:
                return _with_json(request, _mark_groups(request.json))
        if self._imports_consent and request.path == _SUBSCRIBE and request.revision >= _IMPORT_SINCE:
            return _import_consents(request, event, notes)
        return request


def _with_json(request: Request, json: Json) -> Request:
    return Request(request.method, request.path, request.params, json, request.form, request.revision)


def _marked(resource: Json) -> Json:
    return {**resource, "attributes": {"backfill": True, **resource["attributes"]}}


def _mark_groups(document: Json) -> Json:
    """Mark each profile's group of events."""
    job = document["data"]
    groups = job["attributes"]["events-bulk-create"]["data"]
    attributes = {**job["attributes"], "events-bulk-create": {"data": [_marked(group) for group in groups]}}
    return {"data": {**job, "attributes": attributes}}


def _import_consents(request: Request, event: Event, notes: list[str]) -> Request | Response:
    """Return the subscription as a historical import at the event's time."""
    job = request.json["data"]
    attributes = job["attributes"]
    if attributes.get("historical_import") is True:
        return request
    given = event.timestamp if event.timestamp not in (None, "") else event.payload.get("originalTimestamp")
    time, reason = read_time(given)
    if time is None:
        return Response.refusal(f"consent_import: the consent has no time: timestamp is {reason or 'missing'}")
    profiles = [_dated(profile, time) for profile in attributes["profiles"]["data"]]
    notes.append(IMPORTED)
    changed = {**attributes, "historical_import": True, "profiles": {"data": profiles}}
    return _with_json(request, {"data": {**job, "attributes": changed}})


def _dated(profile: Json, time: str) -> Json:
    """Return a profile whose consents have a time."""
    attributes = profile["attributes"]
    subscriptions = {
        channel: {kind: {"consented_at": time, **consent} for kind, consent in kinds.items()}
        for channel, kinds in attributes.get("subscriptions", {}).items()
    }
    return {**profile, "attributes": {**attributes, "subscriptions": subscriptions}}


def _with_notes(result: Outcome | Sequence[Outcome], notes: tuple[str, ...]) -> Outcome | Sequence[Outcome]:
    if isinstance(result, Outcome):
        return next(_noted([result], notes))
    return list(_noted(result, notes))


def _noted(outcomes: Iterable[Outcome], notes: tuple[str, ...]) -> Iterator[Outcome]:
    for outcome in outcomes:
        yield evolve(outcome, notes=(*outcome.notes, *notes)) if notes and outcome.kind == "delivered" else outcome
