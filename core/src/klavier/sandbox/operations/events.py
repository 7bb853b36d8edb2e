"""Events: create one or many, read them."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, frozen

from klavier.jsvalues import parse_float, to_string
from klavier.klaviyo.limits import YEAR_AHEAD
from klavier.sandbox.account import Metric
from klavier.sandbox.consent import SINCE_1990
from klavier.sandbox.errors import Problem, RefusedError
from klavier.sandbox.event_schema import bulk_events_schema, event_schema
from klavier.sandbox.exchange import ACCEPTED, Exchange, Reply, Served
from klavier.sandbox.filters import RANGE, Field
from klavier.sandbox.free_profiles import read_free_profile
from klavier.sandbox.patches import usable, write_attributes, write_meta
from klavier.sandbox.profile import Event, Profile
from klavier.sandbox.profiles import identifiers_in
from klavier.sandbox.queries import Query
from klavier.sandbox.replies import one, page
from klavier.sandbox.resources import (
    Resource,
    event_id,
    event_resource,
    identifier,
    metric_resource,
    profile_resource,
    read_event_number,
)
from klavier.sandbox.times import read_time

_YEAR = int(YEAR_AHEAD.total_seconds())
_SINCE_2000 = 946_684_800


@define
class EventProfile:
    """The profile of an event call: its id where one was given, its attributes, its `meta`."""

    id: str
    attributes: dict[str, Any]
    meta: dict[str, Any] | None


@frozen
class EventRow:
    """One event with its metric and profile, as reads select it."""

    event: Event
    metric: Metric
    profile: Profile


# Writes --------------------------------------------------------------------------------------------------------------


def create_event(exchange: Exchange) -> Reply:
    """POST /api/events."""
    add_event(exchange, change=True)
    return ACCEPTED


def add_event(exchange: Exchange, *, change: bool) -> None:
    """Process the body of one event; `change` is whether it may replace identifiers."""
    attributes = exchange.attributes
    time = event_time(exchange, attributes, "/data/attributes")
    if exchange.rules.has("profiles in jobs"):
        profile_data = read_profile(attributes["profile"]["data"])
        metric = attributes["metric"]["data"]["attributes"]
    else:
        profile_data = EventProfile("", read_free_profile(attributes["profile"]), None)
        metric = attributes["metric"]
        specials = read_specials(attributes["properties"])
        attributes = {**attributes, **{name: it for name, it in specials.items() if attributes.get(name) is None}}
        attributes["properties"] = specials["properties"]
    profile = attributed(exchange, profile_data, change=change)
    if profile is not None:
        store(exchange, profile, metric, attributes, time)


def read_specials(properties: dict[str, Any]) -> dict[str, Any]:
    """Return event properties with `$value` and `$event_id` as attributes, as Klaviyo read them until 2023.

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
        add_group(exchange, group, dates, change=True)
    return ACCEPTED


def add_group(exchange: Exchange, group: dict[str, Any], times: list[int | None], *, change: bool) -> None:
    """Process one profile and its events."""
    profile = attributed(exchange, read_profile(group["profile"]["data"]), change=change)
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


def read_profile(data: dict[str, Any]) -> EventProfile:
    """Read a profile resource, wherever its `meta` is."""
    attributes = data["attributes"]
    return EventProfile(data.get("id") or "", attributes, data.get("meta") or attributes.get("meta"))


def attributed(exchange: Exchange, data: EventProfile, *, change: bool, is_confirmed: bool = True) -> Profile | None:
    """Return the profile of a call that never refuses one, created if needed, and write its attributes.

    Returns None for a call that names only an id that no profile has: it was accepted, and is lost.  `is_confirmed` is
    False for a subscription that waits for its confirmation.
    """
    attributes = usable(data.attributes, exchange.partial)
    identifiers = identifiers_in(attributes)
    if not identifiers and exchange.account.profiles.find(data.id) is None:
        return None
    profile = exchange.account.profiles.attribute(
        identifiers, exchange.now, change=change, profile_id=data.id, is_confirmed=is_confirmed
    )
    if len(attributes) > 1 or data.meta:
        write_attributes(profile, attributes)
        write_meta(profile, data.meta)
    profile.updated = int(exchange.now)
    return profile


def store(
    exchange: Exchange, profile: Profile, metric: dict[str, Any], attributes: dict[str, Any], time: int | None
) -> None:
    """Keep one event; properties that are 0, null or an empty string are ignored, as Klaviyo does."""
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
    earliest = SINCE_1990 if exchange.rules.has("times since 1990") else _SINCE_2000
    if not earliest <= time <= exchange.now + _YEAR:
        year = "1990" if earliest == SINCE_1990 else "2000"
        detail = f"Invalid time: must be after {year} and at most a year in the future."
        raise RefusedError(400, detail, pointer=f"{place}/time")
    return time


def _refuse_repeats(groups: list[dict[str, Any]], place: str) -> None:
    """Refuse a body that has a unique id twice for one profile and metric: Klaviyo then processes no event of it."""
    seen: set[tuple[str, str, str]] = set()
    problems = []
    for index, group in enumerate(groups):
        data = group["profile"]["data"]
        owner = data.get("id") or str(sorted(identifiers_in(data["attributes"]).items()))
        for number, item in enumerate(group["events"]["data"]):
            unique = item["attributes"].get("unique_id")
            key = (owner, item["attributes"]["metric"]["data"]["attributes"]["name"], unique or "")
            if unique is not None and key in seen:
                pointer = f"{place}/{index}/attributes/events/data/{number}/attributes/unique_id"
                problems.append(Problem("The same unique_id twice for one profile and metric.", pointer))
            seen.add(key)
    if problems:
        raise RefusedError(400, problems)


# Reads ---------------------------------------------------------------------------------------------------------------


def get_events(exchange: Exchange) -> Reply:
    """GET /api/events; in the order of arrival unless sorted."""
    metrics = {metric.id: metric for metric in exchange.account.metrics.values()}
    rows = (
        EventRow(event, metrics[event.metric], profile)
        for profile in _candidates(exchange)
        for event in profile.events.values()
    )
    return page(
        exchange,
        rows,
        lambda row: event_resource(exchange, row.event, row.metric, row.profile),
        lambda row: event_id(row.event),
        lambda row: _included(exchange, row),
    )


def get_event(exchange: Exchange) -> Reply:
    """GET /api/events/{id}."""
    row = _event_in_path(exchange)
    resource = event_resource(exchange, row.event, row.metric, row.profile)
    return one(exchange, resource, included=_included(exchange, row))


def get_metric_for_event(exchange: Exchange) -> Reply:
    """GET /api/events/{id}/metric."""
    return one(exchange, metric_resource(exchange, _event_in_path(exchange).metric))


def get_metric_id_for_event(exchange: Exchange) -> Reply:
    """GET /api/events/{id}/relationships/metric."""
    return one(exchange, identifier("metric", _event_in_path(exchange).metric.id))


def get_profile_for_event(exchange: Exchange) -> Reply:
    """GET /api/events/{id}/profile."""
    return one(exchange, profile_resource(exchange, _event_in_path(exchange).profile))


def get_profile_id_for_event(exchange: Exchange) -> Reply:
    """GET /api/events/{id}/relationships/profile."""
    return one(exchange, identifier("profile", _event_in_path(exchange).profile.id))


def _candidates(exchange: Exchange) -> Iterable[Profile]:
    """Return the profile that the filter names; without one all."""
    wanted = exchange.selection.values("profile_id")
    if not wanted:
        return exchange.account.profiles.visible()
    found = exchange.account.profiles.find(str(wanted[0]))
    return () if found is None else (found,)


def _included(exchange: Exchange, row: EventRow) -> Iterable[Resource]:
    if "metric" in exchange.selection.includes:
        yield metric_resource(exchange, row.metric)
    if "profile" in exchange.selection.includes:
        yield profile_resource(exchange, row.profile)


def _event_in_path(exchange: Exchange) -> EventRow:
    number = read_event_number(exchange.path_id)
    for event, profile in exchange.account.events():
        if event.number == number:
            metric = next(m for m in exchange.account.metrics.values() if m.id == event.metric)
            return EventRow(event, metric, profile)
    raise RefusedError(404, f"An event with id {exchange.path_id} does not exist.", pointer="/data/")


# Queries -------------------------------------------------------------------------------------------------------------

_EQUALS, _HAS = frozenset({"equals"}), frozenset({"has"})
_INCLUDED: dict[str, Any] = {
    "fields": ("event", "metric", "profile", "attribution"),
    "includes": ("metric", "profile", "attributions"),
}
_SINCE = {"fields[attribution]": "2026-07-15"}

SERVED: Mapping[str, Served] = {
    "create_event": Served(create_event, event_schema),
    "bulk_create_events": Served(bulk_create_events, bulk_events_schema),
    "get_events": Served(
        get_events,
        query=Query(
            **_INCLUDED,
            filters={
                "metric_id": Field("text", _EQUALS, lambda row: row.metric.id),
                "profile_id": Field("text", _EQUALS, lambda row: row.profile.id),
                "profile": Field("relationship", _HAS, lambda row: row.profile.id),
                "metric": Field("relationship", _HAS, lambda row: row.metric.id, "2026-07-15"),
                "datetime": Field("time", RANGE, lambda row: row.event.time),
                "timestamp": Field("number", RANGE, lambda row: row.event.time),
            },
            sorts={"datetime": lambda row: row.event.time, "timestamp": lambda row: row.event.time},
            size=(200, 1000),
            sizes_since="2026-01-15",
            since=_SINCE,
        ),
    ),
    "get_event": Served(get_event, query=Query(**_INCLUDED, since=_SINCE)),
    "get_metric_for_event": Served(get_metric_for_event, query=Query(fields=("metric",))),
    "get_metric_id_for_event": Served(get_metric_id_for_event),
    "get_profile_for_event": Served(
        get_profile_for_event,
        query=Query(fields=("profile",), additional={"profile": ("subscriptions", "predictive_analytics")}),
    ),
    "get_profile_id_for_event": Served(get_profile_id_for_event),
}
