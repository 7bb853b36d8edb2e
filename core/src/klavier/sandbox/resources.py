"""Profiles, lists, events and jobs as Klaviyo's JSON:API resources, and pages of them."""

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from klavier.klaviyo.attributes import LOCATION_ATTRIBUTES, PROFILE_IDENTIFIERS, TEXT_ATTRIBUTES
from klavier.sandbox.exchange import Exchange, Reply
from klavier.sandbox.profile import Consent, Event, Profile
from klavier.sandbox.refused import RefusedError
from klavier.sandbox.times import write_time

if TYPE_CHECKING:
    from klavier.sandbox.account import Metric
    from klavier.sandbox.lists import List

_HOST = "https://a.klaviyo.com"


def profile_resource(profile: Profile) -> dict[str, Any]:
    """Write a profile."""
    attributes: dict[str, Any] = {
        kind: profile.identifiers.get(kind) for kind in (*PROFILE_IDENTIFIERS, "anonymous_id")
    }
    attributes |= {name: profile.attributes.get(name) for name in TEXT_ATTRIBUTES}
    attributes |= {
        "created": write_time(profile.created),
        "updated": write_time(profile.updated),
        "location": {name: profile.location.get(name) for name in LOCATION_ATTRIBUTES},
        "properties": profile.properties,
        "subscriptions": subscriptions(profile),
    }
    return _resource("profile", "/api/profiles", profile.id, attributes)


def subscriptions(profile: Profile) -> dict[str, Any]:
    """Write what a profile consented to, by channel and kind."""
    found: dict[str, Any] = {}
    for (channel, kind), consent in sorted(profile.consents.items()):
        found.setdefault(channel, {})[kind] = _consent(consent)
    if profile.suppressions:
        email = found.setdefault("email", {}).setdefault("marketing", {"consent": "NEVER_SUBSCRIBED"})
        email["suppression"] = [{"reason": reason} for reason in sorted(profile.suppressions)]
    return found


def _consent(consent: Consent) -> dict[str, Any]:
    when = consent.changed if consent.since is None else consent.since
    return {"consent": consent.consent, "consent_timestamp": write_time(when), "custom_method_detail": consent.source}


def list_resource(found: "List") -> dict[str, Any]:
    """Write a list."""
    attributes = {
        "name": found.name,
        "created": write_time(found.created),
        "updated": write_time(found.created),
        "opt_in_process": found.opt_in_process,
    }
    return _resource("list", "/api/lists", found.id, attributes)


def event_resource(event: Event, metric: "Metric", profile_id: str) -> dict[str, Any]:
    """Write an event; `$event_id` and `$value` stand among its properties, as Klaviyo shows them."""
    shown = dict(event.properties)
    if event.unique_id is not None:
        shown["$event_id"] = event.unique_id
    value = 0 if event.value is None and metric.valued else event.value
    if value is not None:
        shown["$value"] = value
    attributes = {"timestamp": event.time, "datetime": write_time(event.time), "event_properties": shown}
    resource = _resource("event", "/api/events", f"event{event.number}", attributes)
    resource["relationships"] = {
        "metric": {"data": {"type": "metric", "id": metric.id}},
        "profile": {"data": {"type": "profile", "id": profile_id}},
    }
    return resource


def job_resource(job_id: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Write a bulk import job."""
    return _resource("profile-bulk-import-job", "/api/profile-bulk-import-jobs", job_id, attributes)


def metric_resource(metric: "Metric") -> dict[str, Any]:
    """Write a metric."""
    return _resource("metric", "/api/metrics", metric.id, {"name": metric.name, "service": metric.service})


def _resource(kind: str, path: str, found: str, attributes: dict[str, Any]) -> dict[str, Any]:
    link = f"{_HOST}{path}/{quote(found, safe='')}"
    return {"type": kind, "id": found, "attributes": attributes, "links": {"self": link}}


def collection(exchange: Exchange, items: list[dict[str, Any]], size: int, most: int = 100) -> Reply:
    """Give one page of resources; `size` is the usual and `most` the greatest length of a page."""
    length = _page_size(exchange.incoming.params.get("page[size]"), size, max(size, most))
    start = _read_cursor(exchange.incoming.params.get("page[cursor]"))
    page = items[start : start + length]
    links = {
        "self": _link(exchange, start) if start else _link(exchange, None),
        "prev": _link(exchange, max(0, start - length)) if start else None,
        "next": _link(exchange, start + length) if start + length < len(items) else None,
    }
    return Reply(200, {"data": page, "links": links})


def _page_size(given: str | None, usual: int, most: int) -> int:
    if given is None:
        return usual
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise RefusedError(400, f"Invalid page size: must be between 1 and {most}.", parameter="page[size]")
    return int(given)


def _read_cursor(given: str | None) -> int:
    if not given:
        return 0
    try:
        return int(base64.urlsafe_b64decode(given.encode()).decode().removeprefix("next::"))
    except ValueError:
        raise RefusedError(400, "Invalid cursor.", parameter="page[cursor]") from None


def _link(exchange: Exchange, start: int | None) -> str:
    params = {key: value for key, value in exchange.incoming.params.items() if key != "page[cursor]"}
    if start is not None:
        params["page[cursor]"] = base64.urlsafe_b64encode(f"next::{start}".encode()).decode()
    query = urlencode(params, safe="[]")
    return f"{_HOST}{exchange.incoming.path}{'?' + query if query else ''}"
