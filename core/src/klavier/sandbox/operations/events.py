"""Creating events, one or many."""

from typing import Any

from attrs import define

from klavier.jsvalues import parse_float, to_string
from klavier.sandbox.bodies.people import profile_attributes
from klavier.sandbox.exchange import ACCEPTED, Exchange, Reply
from klavier.sandbox.patches import usable, write_attributes, write_meta
from klavier.sandbox.profile import Event, Profile
from klavier.sandbox.profiles import identifiers_in
from klavier.sandbox.refused import Problem, RefusedError
from klavier.sandbox.resources import collection, event_resource
from klavier.sandbox.times import read_time

_YEAR = 366 * 86_400
_SINCE_2000 = 946_684_800
_SINCE_1990 = 631_152_000


@define
class Person:
    """The profile of an event call: its id where one was given, its attributes, its `meta`."""

    id: str
    attributes: dict[str, Any]
    meta: dict[str, Any] | None


def create_event(exchange: Exchange) -> Reply:
    """POST /api/events."""
    take_event(exchange, change=True)
    return ACCEPTED


def take_event(exchange: Exchange, *, change: bool) -> None:
    """Process the body of one event; `change` tells whether it may replace identifiers."""
    attributes = exchange.attributes
    time = event_time(exchange, attributes, "/data/attributes")
    if exchange.rules.has("profiles in jobs"):
        person = person_of(attributes["profile"]["data"])
        metric = attributes["metric"]["data"]["attributes"]
    else:
        person = Person("", profile_attributes(attributes["profile"]), None)
        metric = attributes["metric"]
        said = said_by_specials(attributes["properties"])
        attributes = {**attributes, **{name: it for name, it in said.items() if attributes.get(name) is None}}
        attributes["properties"] = said["properties"]
    profile = attributed(exchange, person, change=change)
    if profile is not None:
        store(exchange, profile, metric, attributes, time)


def said_by_specials(properties: dict[str, Any]) -> dict[str, Any]:
    """Say `$value` and `$event_id` among event properties as attributes, as Klaviyo took them until 2023.

    Source: its legacy track API, and RudderStack's document on revision 2023-02-22, which sends both there.
    """
    rest = dict(properties)
    unique, value = rest.pop("$event_id", None), parse_float(rest.pop("$value", None))
    is_none = unique in (None, "") or isinstance(unique, (dict, list))
    return {"properties": rest, "unique_id": None if is_none else to_string(unique), "value": value}


def bulk_create_events(exchange: Exchange) -> Reply:
    """POST /api/event-bulk-create-jobs; all or nothing."""
    place = "/data/attributes/events-bulk-create/data"
    groups = [group["attributes"] for group in exchange.attributes["events-bulk-create"]["data"]]
    times = [_group_times(exchange, group, f"{place}/{index}/attributes") for index, group in enumerate(groups)]
    if exchange.rules.has("unique_id once a body"):
        _refuse_repeats(groups, place)
    for group, dates in zip(groups, times, strict=True):
        take_group(exchange, group, dates, change=True)
    return ACCEPTED


def take_group(exchange: Exchange, group: dict[str, Any], times: list[int | None], *, change: bool) -> None:
    """Process one profile and its events."""
    profile = attributed(exchange, person_of(group["profile"]["data"]), change=change)
    if profile is None:
        return
    for item, time in zip(group["events"]["data"], times, strict=True):
        attributes = item["attributes"]
        if group.get("backfill"):
            attributes = {"backfill": True, **attributes}
        store(exchange, profile, attributes["metric"]["data"]["attributes"], attributes, time)


def _group_times(exchange: Exchange, group: dict[str, Any], place: str) -> list[int | None]:
    events = group["events"]["data"]
    return [
        event_time(exchange, item["attributes"], f"{place}/events/data/{index}/attributes")
        for index, item in enumerate(events)
    ]


def person_of(data: dict[str, Any]) -> Person:
    """Read a profile resource, wherever its `meta` is."""
    attributes = data["attributes"]
    return Person(data.get("id") or "", attributes, data.get("meta") or attributes.get("meta"))


def attributed(exchange: Exchange, person: Person, *, change: bool) -> Profile | None:
    """Find or make the profile of a call that never refuses one, and write its attributes.

    Gives None where the call names nobody but an id that nobody has: it was accepted, and is lost.
    """
    attributes = usable(person.attributes, exchange.partial)
    identifiers = identifiers_in(attributes)
    if not identifiers and person.id not in exchange.account.profiles.by_id:
        return None
    profile = exchange.account.profiles.attribute(identifiers, exchange.now, change=change, profile_id=person.id)
    if len(attributes) > 1 or person.meta:
        write_attributes(profile, attributes)
        write_meta(profile, person.meta)
    profile.updated = int(exchange.now)
    return profile


def store(
    exchange: Exchange, profile: Profile, metric: dict[str, Any], attributes: dict[str, Any], time: int | None
) -> None:
    """Keep one event; properties that are 0, null or empty are ignored, as Klaviyo does."""
    account = exchange.account
    found = account.metric(metric["name"], metric.get("service"))
    properties = attributes["properties"]
    event = Event(
        account.ids.count("event"),
        found.id,
        int(exchange.now) if time is None else time,
        time is not None,
        attributes.get("unique_id"),
        {key: value for key, value in properties.items() if value or value is False or value in ([], {})},
        attributes.get("value"),
        attributes.get("value_currency"),
        attributes.get("backfill") is True,
    )
    account.record(profile, found, event)


def event_time(exchange: Exchange, attributes: dict[str, Any], place: str) -> int | None:
    """Read when an event happened, in whole seconds; raises `RefusedError` for a time out of range."""
    given = attributes.get("time")
    if given is None:
        return None
    time = read_time(given)
    if time is None:
        raise RefusedError(400, "Invalid time: must be an ISO 8601 date and time.", pointer=f"{place}/time")
    earliest = _SINCE_1990 if exchange.rules.has("times since 1990") else _SINCE_2000
    if not earliest <= time <= exchange.now + _YEAR:
        year = "1990" if earliest == _SINCE_1990 else "2000"
        detail = f"Invalid time: must be after {year} and at most a year in the future."
        raise RefusedError(400, detail, pointer=f"{place}/time")
    return time


def _refuse_repeats(groups: list[dict[str, Any]], place: str) -> None:
    """Refuse a body that has a unique id twice for one profile and metric: Klaviyo then processes no event of it."""
    seen: set[tuple[str, str, str]] = set()
    problems = []
    for index, group in enumerate(groups):
        data = group["profile"]["data"]
        whose = data.get("id") or str(sorted(identifiers_in(data["attributes"]).items()))
        for number, item in enumerate(group["events"]["data"]):
            unique = item["attributes"].get("unique_id")
            key = (whose, item["attributes"]["metric"]["data"]["attributes"]["name"], unique or "")
            if unique is not None and key in seen:
                pointer = f"{place}/{index}/attributes/events/data/{number}/attributes/unique_id"
                problems.append(Problem("The same unique_id twice for one profile and metric.", pointer))
            seen.add(key)
    if problems:
        raise RefusedError(400, problems)


def get_events(exchange: Exchange) -> Reply:
    """GET /api/events; in the order of arrival."""
    account = exchange.account
    metrics = {metric.id: metric for metric in account.metrics.values()}
    found = [
        (event.number, event_resource(event, metrics[event.metric], profile.id))
        for profile in account.profiles
        for event in profile.events.values()
    ]
    found.sort(key=lambda pair: pair[0])
    return collection(exchange, [resource for _, resource in found], 200)
