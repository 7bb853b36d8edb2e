"""The requests that read an account, and what their replies mean.

Source: Klaviyo's references of get profiles, get events, get lists and get profiles for list; its guides to filtering,
sparse fieldsets and pagination.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import evolve

from klavier.errors import DeliveryError
from klavier.klaviyo.attributes import LOCATION_ATTRIBUTES, PROFILE_IDENTIFIERS, TEXT_ATTRIBUTES
from klavier.klaviyo.request import Request, quoted
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox.account import Metric
from klavier.sandbox.profile import Consent, Event, Profile
from klavier.sandbox.times import read_time

_LONGEST_FILTER = 3000
"""Bytes of a list of values in a filter: servers take addresses of 8,000, and quoting makes them longer."""
_MOST_VALUES = 100
"""Values in a filter: a page has at most as many profiles."""

_CHANNELS = {"mobile_push": "push"}
"""The names of channels in the attribute `subscriptions` where they differ from those of subscription calls."""

_API, _INTERNAL = "API", "Internal"
"""The integration of metrics that were created through the API, and the category of Klaviyo's own."""


# Requests ------------------------------------------------------------------------------------------------------------


def get_lists() -> Request:
    """GET /api/lists."""
    return _get("/api/lists", {"fields[list]": "name,opt_in_process"})


def get_profiles(kind: str, values: Sequence[str]) -> Request:
    """GET /api/profiles of those with one of these identifiers, with their consents."""
    params = {"additional-fields[profile]": "subscriptions", "filter": _any(kind, values), "page[size]": "100"}
    return _get("/api/profiles", params)


def get_events(profile_id: str | None, start: int, end: int | None) -> Request:
    """GET /api/events of a profile (of all for None) from `start` on and before `end`, in seconds since 1970."""
    conditions = [] if profile_id is None else [f"equals(profile_id,{_text(profile_id)})"]
    conditions.append(f"greater-or-equal(datetime,{_time(start)})")
    conditions += [] if end is None else [f"less-than(datetime,{_time(end)})"]
    params = {
        "filter": ",".join(conditions),
        "include": "metric",
        "fields[event]": "timestamp,event_properties",
        "fields[metric]": "name,integration",
        "page[size]": "1000",
    }
    return _get("/api/events", params)


def get_members(list_id: str, kind: str, values: Sequence[str]) -> Request:
    """GET the ids of those members of a list who have one of these identifiers."""
    params = {"filter": _any(kind, values), "page[size]": "100"}
    return _get(f"/api/lists/{quoted(list_id)}/relationships/profiles", params)


def get_list_ids(profile_id: str) -> Request:
    """GET the ids of the lists that a profile is on; for those without an address, since this call is slow."""
    return _get(f"/api/profiles/{quoted(profile_id)}/relationships/lists", None)


def next_page(request: Request, document: Mapping[str, Any]) -> Request | None:
    """Return the request of the next page; only the parameters of its link are used, never its server."""
    link = (document.get("links") or {}).get("next")
    return evolve(request, params=dict(parse_qsl(urlsplit(link).query))) if isinstance(link, str) and link else None


def in_batches(values: Sequence[str]) -> Iterator[list[str]]:
    """Split values into as many as one filter takes."""
    batch: list[str] = []
    size = 0
    for value in values:
        length = len(value.encode("utf-8", "surrogatepass")) + 3
        if batch and (size + length > _LONGEST_FILTER or len(batch) >= _MOST_VALUES):
            yield batch
            batch, size = [], 0
        batch.append(value)
        size += length
    if batch:
        yield batch


def _get(path: str, params: Mapping[str, str] | None) -> Request:
    return Request("GET", path, params, revision=CURRENT)


def _any(name: str, values: Sequence[str]) -> str:
    return f"any({name},[{','.join(map(_text, values))}])"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# Replies -------------------------------------------------------------------------------------------------------------


@contextmanager
def known_form() -> Iterator[None]:
    """Turn what a reply of another form makes the readers below raise into a `DeliveryError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DeliveryError(f"a reply is not of the form that Klaviyo documents ({type(error).__name__})") from None


def read_profile(resource: Mapping[str, Any]) -> Profile:
    """Return the profile of a resource, without Klaviyo's own properties, whose names begin with a dollar sign."""
    given = resource["attributes"]
    profile = Profile(str(resource["id"]), 0, 0)  # when it was made and changed is not compared
    profile.identifiers = {kind: given[kind] for kind in PROFILE_IDENTIFIERS if given.get(kind)}
    profile.attributes = {name: given[name] for name in TEXT_ATTRIBUTES if given.get(name) is not None}
    location = given.get("location") or {}
    profile.location = {name: location[name] for name in LOCATION_ATTRIBUTES if location.get(name) is not None}
    profile.properties = without_own(given.get("properties") or {})
    _read_subscriptions(profile, given.get("subscriptions") or {})
    return profile


def read_event(resource: Mapping[str, Any], metric: Metric, number: int) -> Event:
    """Return the event of a resource; the id, value and currency stand among its properties."""
    given = resource["attributes"]
    properties = given.get("event_properties") or {}
    value = properties.get("$value")
    return Event(
        number,
        metric.id,
        int(given["timestamp"]),
        dated=True,
        unique_id=_optional_text(properties.get("$event_id")),
        properties=without_own(properties),
        value=value if isinstance(value, (int, float)) else None,
        currency=_optional_text(properties.get("$currency_code")),
    )


def read_metrics(document: Mapping[str, Any]) -> Iterator[Metric]:
    """Yield the metrics that a reply includes; those of an integration have its name as their service."""
    for item in document.get("included") or ():
        if item.get("type") == "metric":
            given = item["attributes"]
            integration = given.get("integration") or {}
            name = integration.get("name") or _API
            is_own = integration.get("category") == _INTERNAL
            yield Metric(str(item["id"]), given["name"], None if name == _API else name, valued=True, is_own=is_own)


def owner_id(resource: Mapping[str, Any], kind: str) -> str:
    """Return the id of a related resource, such as the `profile` of an event."""
    return str(resource["relationships"][kind]["data"]["id"])


def without_own(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out Klaviyo's own properties."""
    return {name: value for name, value in properties.items() if not name.startswith("$")}


def _read_subscriptions(profile: Profile, subscriptions: Mapping[str, Any]) -> None:
    for name, kinds in subscriptions.items():
        for kind, held in (kinds or {}).items():
            if isinstance(held, dict):
                _read_consent(profile, _CHANNELS.get(name, name), kind, held)


def _read_consent(profile: Profile, channel: str, kind: str, held: Mapping[str, Any]) -> None:
    given = held.get("consent")
    if given in ("SUBSCRIBED", "UNSUBSCRIBED"):
        since = read_time(held.get("consent_timestamp") or "")
        changed = read_time(held.get("last_updated") or "") or since or 0
        profile.consents[channel, kind] = Consent(given, changed, since, held.get("custom_method_detail"))
    for item in held.get("suppression") or ():
        profile.suppressions[str(item.get("reason"))] = read_time(item.get("timestamp") or "") or 0
    for item in held.get("list_suppressions") or ():
        profile.list_suppressions[str(item.get("list_id"))] = read_time(item.get("timestamp") or "") or 0


def _optional_text(value: Any) -> str | None:
    return None if value is None else str(value)
