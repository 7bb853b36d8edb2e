"""Vendors that reveal secrets, send without identifiers, send what Klaviyo refuses, or mix up events: one fault each.

The docstring of each tells the fault.  Most show only with some events, as faults do.
"""
# ruff: noqa: ARG002 -- each step is given what some faults need

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from attrs import evolve

from klavier import (
    Alias,
    Delivery,
    Event,
    Flow,
    Outcome,
    Request,
    Response,
    Track,
    parse_event,
)
from klavier.outcome import DELIVERED
from tests.support.sound import Wrapper

Members = dict[str, Any]
_log = logging.getLogger("klavier.faults")


def _keep(members: Members, wanted: Callable[[str, Any], bool]) -> Members:
    return {name: value for name, value in members.items() if wanted(name, value)}


def _personal(attributes: Members, person: Members) -> Members:
    """Return the attributes of a request with other identifiers, wherever these stand."""
    if "profile" not in attributes:
        return _keep(attributes, lambda name, _: name == "properties") | person
    profile = {"data": {"type": "profile", "attributes": person}}
    return {**attributes, "profile": profile}


# Safe -----------------------------------------------------------------------------------------------------------------


class UnquotedPath(Wrapper):
    """Puts a list's id into the path without quoting it."""

    def requests(self, request: Request, event: Event) -> list[Request]:
        if request.path.startswith("/api/lists/"):
            return [evolve(request, path=f"/api/lists/{self.settings.list_id}/relationships/profiles")]
        return super().requests(request, event)


class OtherHost(Wrapper):
    """Sends groups to another host."""

    def requests(self, request: Request, event: Event) -> list[Request]:
        found = super().requests(request, event)
        return [evolve(each, path=f"//elsewhere.test{each.path}") for each in found] if event.type == "group" else found


class KeyInBody(Wrapper):
    """Sends the private key in the body of an identify."""

    def members(self, members: Members, event: Event) -> Members:
        return members | {"auth": f"key {self.settings.private_api_key}"} if event.type == "identify" else members


class KeyInReason(Wrapper):
    """Names the private key in the reason of a refused event."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        if isinstance(outcome, Outcome) and outcome.kind == "failed":
            return evolve(outcome, reason=f"{outcome.reason} for {self.settings.private_api_key}")
        return outcome


class EmailInLog(Wrapper):
    """Logs the payload of an event that could not be sent."""

    def reply(self, reply: Response, event: Event) -> Response:
        if not reply.ok:
            _log.warning("not accepted: %s", event.payload)
        return reply


# Identified -----------------------------------------------------------------------------------------------------------


class EventsWithoutProfile(Wrapper):
    """Sends the events of pages without an identifier."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        return _personal(attributes, {}) if event.type == "page" else attributes


class FirstProfileForAll(Wrapper):
    """Sends all events of a batch for the profile of the first one."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        self.first = next((event.user_id for event in events), None)
        return list(super().deliveries(events))

    def attributes(self, attributes: Members, event: Event) -> Members:
        person = {"external_id": self.first}
        return _personal(attributes, person) if "profile" in attributes else attributes | person


# Sendable -------------------------------------------------------------------------------------------------------------


class SendsNan(Wrapper):
    """Sends NaN for an amount that is not a number."""

    def members(self, members: Members, event: Event) -> Members:
        unread = event.type == "track" and isinstance(members.get("revenue"), str)
        return members | {"revenue": float("nan")} if unread else members


class UnknownFields(Wrapper):
    """Adds an attribute to profiles that Klaviyo does not have."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        if "profile" in attributes:
            return attributes
        return attributes | {"nickname": next((each for each in attributes["properties"].values()), "")}


class WrongRevision(Wrapper):
    """Sends a revision that does not exist."""

    def requests(self, request: Request, event: Event) -> list[Request]:
        return [evolve(each, revision="2026-10-16") for each in super().requests(request, event)]


class OverTheLimit(Wrapper):
    """Returns `delivered` for an event that is too large for Klaviyo."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        return DELIVERED if isinstance(outcome, Outcome) and outcome.kind == "rejected" and event.user_id else outcome


# Total ----------------------------------------------------------------------------------------------------------------


class TrustsIds(Wrapper):
    """Raises an error where an anonymous id is not a string."""

    def event(self, event: Event) -> Event:
        if event.anonymous_id is not None:
            event.anonymous_id.strip()
        return event


class TrustsReplies(Wrapper):
    """Raises an error where a reply is not an object."""

    def reply(self, reply: Response, event: Event) -> Response:
        reply.json.get("data")
        return reply


class IgnoresReplies(Wrapper):
    """Returns `delivered` whatever the reply is."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        return DELIVERED if isinstance(outcome, Outcome) and outcome.kind == "failed" else outcome


class GivesUp(Wrapper):
    """Rejects an event when it is throttled (429)."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        return evolve(outcome, retryable=False) if isinstance(outcome, Outcome) and outcome.status == 429 else outcome


class NeverGivesUp(Wrapper):
    """Has refused events retried without end."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        return evolve(outcome, retryable=True) if isinstance(outcome, Outcome) and outcome.kind == "failed" else outcome


class DropsAliases(Wrapper):
    """Returns no delivery for an alias."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        return super().deliveries([event for event in events if not isinstance(event, Alias)])


class TooFewOutcomes(Wrapper):
    """Delivers three events together, and returns the outcomes of the first two."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        for start in range(0, len(events), 3):
            few = list(super().deliveries(events[start : start + 3]))
            keys = tuple(delivery.keys[0] for delivery in few)
            yield Delivery(tuple(events[start : start + 3]), keys, partial(self.all, few))

    def all(self, few: list[Delivery]) -> Flow:
        outcomes: list[Any] = []
        for delivery in few:
            outcomes.append((yield from delivery.flow()))  # noqa: PERF401 -- it yields
        return outcomes[:2]


# Idempotent, batch = singles, ordered ---------------------------------------------------------------------------------


class IdsFromNames(Wrapper):
    """Derives the unique id of an event from its name alone."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        named = "unique_id" in attributes and event.type == "track"
        return attributes | {"unique_id": str(event.payload.get("event"))} if named else attributes


class SendsTwice(Wrapper):
    """Sends every group twice, with two unique ids."""

    def requests(self, request: Request, event: Event) -> list[Request]:
        found = super().requests(request, event)
        if event.type != "group":
            return found
        data = found[0].json["data"]
        again = {**data, "attributes": data["attributes"] | {"unique_id": f"{event.stable_id}-1"}}
        return [*found, evolve(found[0], json={"data": again})]


class MergesABatch(Wrapper):
    """Sends the properties of a whole batch with its last event."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        tracks = [event for event in events if isinstance(event, Track)]
        if len(tracks) < 2:
            return super().deliveries(events)
        everything = {name: value for event in tracks for name, value in event.properties.items()}
        last = parse_event({**tracks[-1].payload, "properties": everything})
        found = list(super().deliveries([last if event is tracks[-1] else event for event in events]))
        return [evolve(each, events=(tracks[-1],)) if each.events == (last,) else each for each in found]


class IdentifiesFirst(Wrapper):
    """Delivers the identifies of a batch before its other events."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        return super().deliveries(sorted(events, key=lambda event: event.type != "identify"))


class ReversesLongBatches(Wrapper):
    """Reverses batches of more than five events."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        return super().deliveries(events if len(events) <= 5 else events[::-1])


class KeysByType(Wrapper):
    """Keeps the order only among events of the same type."""

    def key(self, event: Event) -> str:
        return f"{event.type} {super().key(event)}"
