"""What browsers may do, with the public key: they cannot change identifiers that a profile has."""

from typing import Any

from klavier.sandbox.bodies.consent import consents
from klavier.sandbox.exchange import ACCEPTED, Exchange, Reply
from klavier.sandbox.operations.events import attributed, event_time, person_of, take_event, take_group
from klavier.sandbox.operations.lists import known_list
from klavier.sandbox.operations.subscriptions import Granted, list_in, subscribe
from klavier.sandbox.profile import Consent


def create_client_event(exchange: Exchange) -> Reply:
    """POST /client/events."""
    take_event(exchange, change=False)
    return ACCEPTED


def bulk_create_client_events(exchange: Exchange) -> Reply:
    """POST /client/event-bulk-create."""
    group = exchange.attributes
    place = "/data/attributes/events/data"
    times = [
        event_time(exchange, item["attributes"], f"{place}/{index}/attributes")
        for index, item in enumerate(group["events"]["data"])
    ]
    take_group(exchange, group, times, change=False)
    return ACCEPTED


def create_client_profile(exchange: Exchange) -> Reply:
    """POST /client/profiles."""
    attributed(exchange, person_of(exchange.data), change=False)
    return ACCEPTED


def create_client_subscription(exchange: Exchange) -> Reply:
    """POST /client/subscriptions; without `subscriptions` the identifiers name the channels."""
    if exchange.rules.has("profiles in jobs"):
        found = list_in(exchange)
        data = exchange.attributes["profile"]["data"]
    else:
        flat = exchange.attributes
        found = known_list(exchange, flat["list_id"], "/data/attributes/list_id")
        members = {key: flat[key] for key in ("email", "phone_number", "properties") if key in flat}
        data = {"attributes": members}
    profile = attributed(exchange, person_of(data), change=False)
    if profile is not None:
        subscribe(exchange, profile, found, _granted(exchange, data["attributes"]))
    return ACCEPTED


def _granted(exchange: Exchange, attributes: dict[str, Any]) -> Granted:
    source, now = exchange.attributes.get("custom_source"), int(exchange.now)
    given = attributes.get("subscriptions")
    if given is not None:
        keys = [(channel, kind) for channel, kind, _ in consents(given)]
    else:
        named = (("email", "email"), ("sms", "phone_number"))
        keys = [(channel, "marketing") for channel, kind in named if attributes.get(kind)]
    return {key: Consent("SUBSCRIBED", now, None, source) for key in keys}
