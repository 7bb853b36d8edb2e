"""Write profiles, lists, events, metrics and jobs as Klaviyo's JSON:API resources.

Source: the response objects of Klaviyo's OpenAPI specification, and the models of its official Python SDK.
"""

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from klavier.klaviyo.attributes import LOCATION_ATTRIBUTES, PROFILE_IDENTIFIERS, TEXT_ATTRIBUTES
from klavier.sandbox.exchange import Exchange
from klavier.sandbox.profile import Consent, Event, Profile
from klavier.sandbox.times import write_time

if TYPE_CHECKING:
    from klavier.sandbox.account import Job, List, Metric

Resource = dict[str, Any]

_COLLECTIONS = {
    "account": "accounts",
    "event": "events",
    "list": "lists",
    "metric": "metrics",
    "profile": "profiles",
    "profile-bulk-import-job": "profile-bulk-import-jobs",
    "profile-suppression-bulk-create-job": "profile-suppression-bulk-create-jobs",
    "profile-suppression-bulk-delete-job": "profile-suppression-bulk-delete-jobs",
}
"""The path of each resource, below `/api/`."""

_API = {"object": "integration", "id": "7FtS4J", "name": "API", "category": "API"}
"""The integration of metrics that were created through the API without a service."""
_KLAVIYO = {"object": "integration", "id": "0rG4eQ", "name": "Klaviyo", "category": "Internal"}
"""The integration of Klaviyo's own metrics."""

_PREDICTIONS = (
    "historic_clv",
    "predicted_clv",
    "total_clv",
    "historic_number_of_orders",
    "predicted_number_of_orders",
    "average_days_between_orders",
    "average_order_value",
    "churn_probability",
    "expected_date_of_next_order",
    "ranked_channel_affinity",
)


def profile_resource(exchange: Exchange, profile: Profile) -> Resource:
    """Write a profile; `subscriptions` and `predictive_analytics` only where the request asks for them."""
    attributes: Resource = {name: profile.identifiers.get(name) for name in PROFILE_IDENTIFIERS}
    attributes |= {name: profile.attributes.get(name) for name in TEXT_ATTRIBUTES}
    attributes |= {
        "created": write_time(profile.created),
        "updated": write_time(profile.updated),
        "last_event_date": None if profile.newest_event is None else write_time(profile.newest_event),
        "location": {name: profile.location.get(name) for name in LOCATION_ATTRIBUTES},
        "properties": profile.properties,
    }
    if "subscriptions" in exchange.selection.additional:
        attributes["subscriptions"] = subscriptions(profile)
    if "predictive_analytics" in exchange.selection.additional:
        attributes["predictive_analytics"] = dict.fromkeys(_PREDICTIONS)
    included = exchange.selection.includes
    lists = list(profile.lists) if "lists" in included else None
    tokens: list[str] | None = [] if "push-tokens" in included else None
    found = _resource(exchange, "profile", profile.id, attributes)
    found["relationships"] = {
        "lists": _related(exchange, found, "lists", "list", lists),
        "segments": _related(exchange, found, "segments", "segment", [] if "segments" in included else None),
        "push-tokens": _related(exchange, found, "push-tokens", "push-token", tokens),
    }
    return found


def subscriptions(profile: Profile) -> Resource:
    """Write the consents of a profile: e-mail, SMS and push always, WhatsApp where there is one."""
    found: Resource = {
        "email": {"marketing": _email_marketing(profile)},
        "sms": {"marketing": _sms(profile, "marketing")},
        "mobile_push": {"marketing": _push_marketing(profile)},
    }
    for name in ("open_tracking", "click_tracking"):
        if ("email", name) in profile.consents:
            found["email"][name] = _channel(profile.consents["email", name])
    if ("sms", "transactional") in profile.consents:
        found["sms"]["transactional"] = _sms(profile, "transactional")
    for (channel, kind), consent in profile.consents.items():
        if channel == "whatsapp":
            phone = profile.identifiers.get("phone_number")
            found.setdefault("whatsapp", {})[kind] = {**_channel(consent), "phone_number": phone}
    return found


def _email_marketing(profile: Profile) -> Resource:
    consent = profile.consents.get(("email", "marketing"))
    return {
        "can_receive_email_marketing": not profile.suppressions,
        **_dated(consent),
        **_method(consent),
        "custom_method_detail": consent.source if consent else None,
        "double_optin": consent.double_optin if consent else None,
        "suppression": [
            {"reason": reason, "timestamp": write_time(since)} for reason, since in profile.suppressions.items()
        ],
        "list_suppressions": [
            {"list_id": found, "reason": "UNSUBSCRIBE", "timestamp": write_time(since)}
            for found, since in profile.list_suppressions.items()
        ],
    }


def _sms(profile: Profile, kind: str) -> Resource:
    consent = profile.consents.get(("sms", kind))
    return {f"can_receive_sms_{kind}": is_subscribed(consent), **_dated(consent), **_method(consent)}


def _push_marketing(profile: Profile) -> Resource:
    consent = profile.consents.get(("push", "marketing"))
    dated = _dated(consent)
    return {
        "can_receive_push_marketing": is_subscribed(consent) and bool(profile.tokens),
        "consent": dated["consent"],
        "consent_timestamp": dated["consent_timestamp"],
    }


def _channel(consent: Consent) -> Resource:
    dated = _dated(consent)
    return {
        **dated,
        "created_timestamp": dated["consent_timestamp"],
        "metadata": {},
        "can_receive": is_subscribed(consent),
        "valid_until": None,
    }


def _dated(consent: Consent | None) -> Resource:
    if consent is None:
        return {"consent": "NEVER_SUBSCRIBED", "consent_timestamp": None, "last_updated": None}
    when = consent.changed if consent.since is None else consent.since
    return {
        "consent": consent.consent,
        "consent_timestamp": write_time(when),
        "last_updated": write_time(consent.changed),
    }


def _method(consent: Consent | None) -> Resource:
    return {"method": "API" if consent else None, "method_detail": "" if consent else None}


def is_subscribed(consent: Consent | None) -> bool:
    """Return whether a consent is given, not withdrawn."""
    return consent is not None and consent.consent == "SUBSCRIBED"


def list_resource(exchange: Exchange, found: "List") -> Resource:
    """Write a list; `profile_count` only where the request asks for it."""
    attributes: Resource = {
        "name": found.name,
        "created": write_time(found.created),
        "updated": write_time(found.updated),
        "opt_in_process": found.opt_in_process,
    }
    if "profile_count" in exchange.selection.additional:
        attributes["profile_count"] = len(exchange.account.members(found.id))
    resource = _resource(exchange, "list", found.id, attributes)
    included = exchange.selection.includes
    resource["relationships"] = {
        "profiles": _related(exchange, resource, "profiles", "profile"),
        "tags": _related(exchange, resource, "tags", "tag", [] if "tags" in included else None),
        "flow-triggers": _related(
            exchange, resource, "flow-triggers", "flow", [] if "flow-triggers" in included else None
        ),
    }
    return resource


def event_resource(exchange: Exchange, event: Event, metric: "Metric", profile: Profile) -> Resource:
    """Write an event; `$event_id` and `$value` stand among its properties, as Klaviyo shows them."""
    shown = dict(event.properties)
    if event.unique_id is not None:
        shown["$event_id"] = event.unique_id
    value = 0 if event.value is None and metric.valued else event.value
    if value is not None:
        shown["$value"] = value
    if event.currency is not None:
        shown["$currency_code"] = event.currency
    attributes = {
        "timestamp": event.time,
        "event_properties": shown,
        "datetime": write_time(event.time),
        "uuid": _event_uuid(event),
    }
    resource = _resource(exchange, "event", event_id(event), attributes)
    resource["relationships"] = {
        "profile": _related_one(exchange, resource, "profile", profile.id),
        "metric": _related_one(exchange, resource, "metric", metric.id),
        "attributions": {"data": []},
    }
    return resource


def event_id(event: Event) -> str:
    """Return the id of an event, from which `read_event_number` finds its number again."""
    return f"3sandbx{event.number:09d}"


def read_event_number(text: str) -> int | None:
    """Return the number of an event by its id; None for what is no id."""
    number = text.removeprefix("3sandbx")
    return int(number) if number != text and number.isascii() and number.isdecimal() else None


def _event_uuid(event: Event) -> str:
    """Return a UUID of version 1 from the event's time and number, as Klaviyo derives it from time."""
    ticks = (event.time + 12_219_292_800) * 10_000_000
    parts = (ticks & 0xFFFFFFFF, (ticks >> 32) & 0xFFFF, (ticks >> 48) & 0x0FFF | 0x1000, 0x80, 0x01)
    return str(uuid.UUID(fields=(*parts, event.number)))


def metric_resource(exchange: Exchange, metric: "Metric") -> Resource:
    """Write a metric."""
    created = write_time(metric.created)
    attributes = {"name": metric.name, "created": created, "updated": created, "integration": integration(metric)}
    resource = _resource(exchange, "metric", metric.id, attributes)
    triggers: list[str] | None = [] if "flow-triggers" in exchange.selection.includes else None
    resource["relationships"] = {
        "flow-triggers": _related(exchange, resource, "flow-triggers", "flow", triggers),
    }
    return resource


def integration(metric: "Metric") -> Resource:
    """Return the integration of a metric: the API, the service that the sender named, or Klaviyo itself."""
    if metric.service is not None:
        return {**_API, "id": metric.id, "name": metric.service}
    return _KLAVIYO if metric.is_own else _API


def job_resource(exchange: Exchange, job: "Job", attributes: Resource | None = None) -> Resource:
    """Write an asynchronous job; `attributes` stand in for those of the finished one."""
    resource = _resource(exchange, job.kind, job.id, job.attributes if attributes is None else attributes)
    if job.kind != "profile-bulk-import-job":
        resource["relationships"] = {
            "lists": {"data": [{"type": "list", "id": found} for found in job.lists]},
            "segments": {"data": []},
        }
        return resource
    listed = list(job.lists) if "lists" in exchange.selection.includes else None
    resource["relationships"] = {
        "lists": _related(exchange, resource, "lists", "list", listed),
        "profiles": _related(exchange, resource, "profiles", "profile"),
        "import-errors": {"links": {"related": exchange.url(f"{_path(job.kind, job.id)}/import-errors")}},
    }
    return resource


def account_resource(exchange: Exchange) -> Resource:
    """Write the account."""
    key = account_id(exchange)
    address = dict.fromkeys(("address1", "address2", "city", "region", "country", "zip"), "")  # older SDKs want text
    contact = {
        "default_sender_name": "klavier sandbox",
        "default_sender_email": "sandbox@klavier.example",
        "website_url": None,
        "organization_name": "klavier sandbox",
        "street_address": address,
    }
    attributes = {
        "test_account": True,
        "contact_information": contact,
        "industry": None,
        "timezone": "UTC",
        "preferred_currency": "USD",
        "public_api_key": key,
        "locale": "en-US",
    }
    return _resource(exchange, "account", key, attributes)


def account_id(exchange: Exchange) -> str:
    """Return the account's id, which is its public key."""
    return exchange.account.public_api_key or "SNDBX1"


def identifier(kind: str, found: str) -> Resource:
    """Write a resource identifier, as relationship endpoints return it."""
    return {"type": kind, "id": found}


def _resource(exchange: Exchange, kind: str, found: str, attributes: Resource) -> Resource:
    links = {"self": exchange.url(_path(kind, found))}
    return {"type": kind, "id": found, "attributes": attributes, "links": links}


def _path(kind: str, found: str) -> str:
    return f"/api/{_COLLECTIONS[kind]}/{quote(found, safe='')}"


def _related(exchange: Exchange, resource: Resource, name: str, kind: str, ids: list[str] | None = None) -> Resource:
    """Write a relationship to several resources; its data only where it is included."""
    path = _path(resource["type"], resource["id"])
    links = {"self": exchange.url(f"{path}/relationships/{name}"), "related": exchange.url(f"{path}/{name}")}
    return {"links": links} if ids is None else {"data": [identifier(kind, found) for found in ids], "links": links}


def _related_one(exchange: Exchange, resource: Resource, kind: str, found: str) -> Resource:
    return {"data": identifier(kind, found), **_related(exchange, resource, kind, kind)}
