"""The calls of browsers, with the public key: they cannot change identifiers that a profile has."""

from collections.abc import Mapping
from typing import Any

from klavier.klaviyo.attributes import DEVICE_IDENTIFIERS, IDENTIFIERS, PROFILE_IDENTIFIERS
from klavier.sandbox.consent import Granted, consents_in, is_dropped, is_immediate, keys_by_identifier, subscribe
from klavier.sandbox.event_schema import bulk_client_events_schema, client_event_schema
from klavier.sandbox.exchange import ACCEPTED, Exchange, Reply, Served
from klavier.sandbox.operations.events import add_event, add_group, attributed, event_time, read_profile
from klavier.sandbox.operations.lists import known_list, list_in_body
from klavier.sandbox.operations.subscriptions import job_with_list, subscriptions_schema
from klavier.sandbox.profile import Consent
from klavier.sandbox.profile_schema import attributes, email, identified, maybe_null, meta
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import Check, both, nullable, of_type, record, resource, text, wrapped


def client_profile_schema(rules: Rules) -> Check:
    """POST /client/profiles."""
    extra = DEVICE_IDENTIFIERS if rules.has("_kx") else ("anonymous_id",)
    known = record("profile", attributes(rules, *extra))
    members = {"id": nullable(text())} if rules.has("profiles in jobs") else {}
    shape = resource("profile", known, **members, **meta(rules))
    return wrapped(both(shape, identified(rules, (*PROFILE_IDENTIFIERS, *extra))), "document")


def client_subscription_schema(rules: Rules) -> Check:
    """POST /client/subscriptions."""
    if not rules.has("profiles in jobs"):
        flat = {
            "list_id": text(),
            "custom_source": text(),
            "email": email(rules),
            "phone_number": text(),
            "properties": of_type(dict),
        }
        return wrapped(resource("subscription", record("subscription", flat, ("list_id",))), "document")
    extra = ("_kx",) if rules.has("anonymous_id of events only") else DEVICE_IDENTIFIERS
    known = attributes(rules, *extra)
    inside = rules.has("event meta inside attributes") and rules.has("subscriptions required")
    if rules.has("subscriptions required"):
        known["subscriptions"] = nullable(subscriptions_schema(rules, "SUBSCRIBED"))
    known |= meta(rules) if inside else {}
    shape = resource("profile", record("profile", known), id=nullable(text()), **({} if inside else meta(rules)))
    fields = {
        "profile": wrapped(both(shape, identified(rules, IDENTIFIERS)), "profile"),
        "custom_source": maybe_null(rules, text()),
    }
    checked = record("subscription", fields, ("profile",))
    return job_with_list("subscription", checked, required=rules.has("client list required"))


def create_client_event(exchange: Exchange) -> Reply:
    """POST /client/events."""
    add_event(exchange, change=False)
    return ACCEPTED


def bulk_create_client_events(exchange: Exchange) -> Reply:
    """POST /client/event-bulk-create."""
    group = exchange.attributes
    place = "/data/attributes/events/data"
    times = [
        event_time(exchange, item["attributes"], f"{place}/{index}/attributes")
        for index, item in enumerate(group["events"]["data"])
    ]
    add_group(exchange, group, times, change=False)
    return ACCEPTED


def create_client_profile(exchange: Exchange) -> Reply:
    """POST /client/profiles."""
    attributed(exchange, read_profile(exchange.data), change=False)
    return ACCEPTED


def create_client_subscription(exchange: Exchange) -> Reply:
    """POST /client/subscriptions; without `subscriptions` the identifiers name the channels."""
    if exchange.rules.has("profiles in jobs"):
        found = list_in_body(exchange)
        data = exchange.attributes["profile"]["data"]
    else:
        flat = exchange.attributes
        found = known_list(exchange, flat["list_id"], "/data/attributes/list_id")
        members = {key: flat[key] for key in ("email", "phone_number", "properties") if key in flat}
        data = {"attributes": members}
    granted = _granted(exchange, data["attributes"])
    is_confirmed = not granted or is_immediate(exchange.account, found)
    profile = attributed(exchange, read_profile(data), change=False, is_confirmed=is_confirmed)
    if profile is not None:
        subscribe(exchange.account, profile, found, granted)
    return ACCEPTED


def _granted(exchange: Exchange, given: dict[str, Any]) -> Granted:
    source, now = exchange.attributes.get("custom_source"), int(exchange.now)
    subscriptions = given.get("subscriptions")
    if subscriptions is None:
        keys = keys_by_identifier(given)
    else:
        keys = [(channel, kind) for channel, kind, _ in consents_in(subscriptions) if not is_dropped(channel, given)]
    return {key: Consent("SUBSCRIBED", now, None, source) for key in keys}


SERVED: Mapping[str, Served] = {
    "create_client_event": Served(create_client_event, client_event_schema),
    "bulk_create_client_events": Served(bulk_create_client_events, bulk_client_events_schema),
    "create_client_profile": Served(create_client_profile, client_profile_schema),
    "create_client_subscription": Served(create_client_subscription, client_subscription_schema),
}
