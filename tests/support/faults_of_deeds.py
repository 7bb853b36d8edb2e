"""Vendors that tell secrets, name nobody, send what cannot be sent or go astray: each a sound one with one step spoilt.

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
    """Puts a list's id into the path as it is."""

    def requests(self, request: Request, event: Event) -> list[Request]:
        if request.path.startswith("/api/lists/"):
            return [evolve(request, path=f"/api/lists/{self.settings.list_id}/relationships/profiles")]
        return super().requests(request, event)


class OtherHost(Wrapper):
    """Sends groups to a host of its own."""

    def requests(self, request: Request, event: Event) -> list[Request]:
        found = super().requests(request, event)
        return [evolve(each, path=f"//elsewhere.test{each.path}") for each in found] if event.type == "group" else found


class KeyInBody(Wrapper):
    """Sends the private key along with identifies."""

    def members(self, members: Members, event: Event) -> Members:
        return members | {"auth": f"key {self.settings.private_api_key}"} if event.type == "identify" else members


class KeyInReason(Wrapper):
    """Says the private key when Klaviyo refuses an event."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        if isinstance(outcome, Outcome) and outcome.kind == "failed":
            return evolve(outcome, reason=f"{outcome.reason} for {self.settings.private_api_key}")
        return outcome


class EmailInLog(Wrapper):
    """Logs what could not be sent, whole."""

    def reply(self, reply: Response, event: Event) -> Response:
        if not reply.ok:
            _log.warning("not accepted: %s", event.payload)
        return reply


# Identified -----------------------------------------------------------------------------------------------------------


class NobodysEvents(Wrapper):
    """Sends the events of pages without a person."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        return _personal(attributes, {}) if event.type == "page" else attributes


class SomebodyElse(Wrapper):
    """Takes the first person of a batch for everybody in it."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        self.first = next((event.user_id for event in events), None)
        return list(super().deliveries(events))

    def attributes(self, attributes: Members, event: Event) -> Members:
        person = {"external_id": self.first}
        return _personal(attributes, person) if "profile" in attributes else attributes | person


# Sendable -------------------------------------------------------------------------------------------------------------


class SendsNan(Wrapper):
    """Makes NaN of an amount that it cannot read."""

    def members(self, members: Members, event: Event) -> Members:
        unread = event.type == "track" and isinstance(members.get("revenue"), str)
        return members | {"revenue": float("nan")} if unread else members


class UnknownFields(Wrapper):
    """Adds a field to profiles that Klaviyo does not know."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        if "profile" in attributes:
            return attributes
        return attributes | {"nickname": next((each for each in attributes["properties"].values()), "")}


class WrongRevision(Wrapper):
    """Names a revision that never was."""

    def requests(self, request: Request, event: Event) -> list[Request]:
        return [evolve(each, revision="2026-10-16") for each in super().requests(request, event)]


class OverTheLimit(Wrapper):
    """Calls an event delivered that is too large for Klaviyo."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        return DELIVERED if isinstance(outcome, Outcome) and outcome.kind == "rejected" and event.user_id else outcome


# Total ----------------------------------------------------------------------------------------------------------------


class TrustsIds(Wrapper):
    """Raises where an anonymous id is no text."""

    def event(self, event: Event) -> Event:
        if event.anonymous_id is not None:
            event.anonymous_id.strip()
        return event


class TrustsReplies(Wrapper):
    """Raises where a reply is no object."""

    def reply(self, reply: Response, event: Event) -> Response:
        reply.json.get("data")
        return reply


class SwallowsErrors(Wrapper):
    """Calls everything delivered that was sent."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        return DELIVERED if isinstance(outcome, Outcome) and outcome.kind == "failed" else outcome


class GivesUp(Wrapper):
    """Takes being throttled for a refusal."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        return evolve(outcome, retryable=False) if isinstance(outcome, Outcome) and outcome.status == 429 else outcome


class NeverGivesUp(Wrapper):
    """Has refused events sent again and again."""

    def outcome(self, outcome: Outcome | Sequence[Outcome], event: Event) -> Outcome | Sequence[Outcome]:
        return evolve(outcome, retryable=True) if isinstance(outcome, Outcome) and outcome.kind == "failed" else outcome


class ForgetsAliases(Wrapper):
    """Makes no delivery of an alias."""

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


class OneIdForAll(Wrapper):
    """Makes the unique id of an event of its name."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        named = "unique_id" in attributes and event.type == "track"
        return attributes | {"unique_id": str(event.payload.get("event"))} if named else attributes


class SendsTwice(Wrapper):
    """Says every group a second time, under another unique id."""

    def requests(self, request: Request, event: Event) -> list[Request]:
        found = super().requests(request, event)
        if event.type != "group":
            return found
        data = found[0].json["data"]
        again = {**data, "attributes": data["attributes"] | {"unique_id": f"{event.stable_id}-1"}}
        return [*found, evolve(found[0], json={"data": again})]


class MergesABatch(Wrapper):
    """Gives the last of many events the properties of all."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        tracks = [event for event in events if isinstance(event, Track)]
        if len(tracks) < 2:
            return super().deliveries(events)
        everything = {name: value for event in tracks for name, value in event.properties.items()}
        last = parse_event({**tracks[-1].payload, "properties": everything})
        found = list(super().deliveries([last if event is tracks[-1] else event for event in events]))
        return [evolve(each, events=(tracks[-1],)) if each.events == (last,) else each for each in found]


class PeopleFirst(Wrapper):
    """Delivers the identifies of a batch before all else."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        return super().deliveries(sorted(events, key=lambda event: event.type != "identify"))


class LongBatchesBackwards(Wrapper):
    """Turns batches of more than five events around."""

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        return super().deliveries(events if len(events) <= 5 else events[::-1])


class KeysByType(Wrapper):
    """Keeps the order among a person's events of one type only."""

    def key(self, event: Event) -> str:
        return f"{event.type} {super().key(event)}"
