"""In which parts two Klaviyo accounts differ that were told one event by two vendors."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from klavier import Sandbox, Vendor
from klavier.events.model import Event
from klavier.flows.drivers import deliver, plan

_OF_PROFILE = {
    "identifiers": ("identifiers",),
    "attributes": ("attributes",),
    "location": ("location",),
    "properties": ("properties",),
    "lists": ("lists", "list_suppressions"),
    "consent": ("subscriptions", "pending", "suppressions"),
}
_OF_EVENT = {
    "event properties": ("properties",),
    "value": ("value",),
    "currency": ("value_currency",),
    "unique id": ("unique_id",),
    "time": ("time",),
}


def account_of(vendor: Vendor, events: list[Event]) -> tuple[list[bool], dict[str, Any]]:
    """Deliver events to a Klaviyo of their own; gives which were delivered and what it then holds."""
    sandbox = Sandbox(unknown_lists="create")
    outcomes = [outcome for delivery in plan(vendor, events) for outcome in deliver(delivery, sandbox.send)]
    return [outcome.kind == "delivered" for outcome in outcomes], sandbox.comparable()


def differing_parts(old: tuple[list[bool], dict[str, Any]], new: tuple[list[bool], dict[str, Any]]) -> set[str]:
    """Name the parts in which two accounts differ; people are matched by name, events by metric."""
    (sent_before, before), (sent_after, after) = old, new
    if before == after:  # whatever was said about it, nothing differs in Klaviyo
        return set()
    found = {"outcomes"} if sent_before != sent_after else set()
    names = [[profile["name"] for profile in account["profiles"]] for account in (before, after)]
    if names[0] != names[1]:
        found.add("people")
    pairs = list(zip(before["profiles"], after["profiles"], strict=False))
    found |= _parts(pairs, _OF_PROFILE)
    metrics = [Counter(event["metric"] for event in account["events"]) for account in (before, after)]
    if metrics[0] != metrics[1]:
        found.add("metrics")
    of_metric = [
        (event, other)
        for metric in metrics[0] & metrics[1]
        for event, other in zip(_events(before, metric), _events(after, metric), strict=False)
    ]
    return found | _parts(of_metric, _OF_EVENT)


def _events(account: dict[str, Any], metric: str) -> list[dict[str, Any]]:
    return [event for event in account["events"] if event["metric"] == metric]


def _parts(pairs: list[tuple[dict[str, Any], dict[str, Any]]], places: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {
        part
        for one, other in pairs
        for part, members in places.items()
        if any(one.get(member) != other.get(member) for member in members)
    }
