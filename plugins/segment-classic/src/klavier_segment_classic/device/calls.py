"""The browser calls of a message, and whose profile it is about.

Source: Segment's page on its Klaviyo destination, "Client-side Identify" and "Client-side Track".
"""

from typing import Any

from klavier.events.model import Event, Group, Identify, JsonObject, Track
from klavier.vendor import BrowserCall, SkipEvent
from klavier_segment_classic.cloud.identify import BOTH_IDS, read_profile
from klavier_segment_classic.device.orders import translate_order
from klavier_segment_classic.facade.commerce import is_order_completed, read_revenue
from klavier_segment_classic.facade.dates import read_dates
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, is_truthy, normalize, without
from klavier_segment_classic.facade.profile import find_email, is_text, trim
from klavier_segment_classic.rules import Rules, track_email
from klavier_segment_classic.tables.profile import CLIENT


def browser_calls(event: Event, rules: Rules, notes: list[str]) -> tuple[BrowserCall, ...]:
    """Return the browser calls of a message; raises `SkipEvent`."""
    match event:
        case Identify():
            return (["identify", _profile_properties(event, rules)],)
        case Group():
            return (["identify", {"$organization": _company(event)}],)
        case Track():
            if is_order_completed(event.event):
                return tuple(translate_order(event, rules, notes))
            return (["track", read_dates(event.event), _properties(event, rules, notes)],)
    raise SkipEvent(f"the destination does nothing for {event.type}")


def visitor_properties(event: Event, rules: Rules) -> JsonObject:
    """Return the properties that identify the visitor, as the browser's cookie would."""
    email = track_email(event, Keys(getattr(event, "properties", {})))
    visitor: JsonObject = {} if email is UNDEFINED else {"$email": email}
    if is_truthy(event.user_id) and not rules.settings.enforce_email:
        visitor["$id"] = event.user_id
    return visitor


def _profile_properties(event: Identify, rules: Rules) -> JsonObject:
    """Return the traits, those of the table under their special names."""
    profile = read_profile(event, rules)
    properties = dict(profile.traits.members)
    for name, special, find in CLIENT:
        value: Any = find(profile, normalize(name))
        if value is not UNDEFINED and value is not None:
            properties[special] = value
            if not rules.fidelity.unused_kept or _is_same(properties.get(name), value):
                properties.pop(name, None)
    if (
        not is_truthy(profile.user_id)
        and not is_truthy(find_email(profile))
        and not is_truthy(properties.get("$exchange_id"))
    ):
        raise SkipEvent("no identity: send a userId, or traits with an email or exchangeId")
    return _enforced(properties, profile.user_id, rules) if rules.settings.enforce_email else properties


def _is_same(trait: Any, value: Any) -> bool:
    """Return whether a trait has no more than its special property, whose value is trimmed."""
    return trait in (None, "", value) or (is_text(trait) and trim(trait) == value)


def _enforced(properties: JsonObject, user_id: Any, rules: Rules) -> JsonObject:
    """Leave the e-mail address as the only identifier; raises `SkipEvent` without one."""
    if not rules.fidelity.custom_id:
        properties = without(properties, BOTH_IDS)
    else:
        properties.pop("$id", None)
        if is_truthy(user_id):
            properties["id"] = user_id
    if not is_truthy(properties.get("$email")):
        raise SkipEvent("no e-mail address, which enforce_email requires: send traits.email")
    return properties


def _company(event: Group) -> Any:
    """Return the group's name, a key that must be spelled exactly; raises `SkipEvent` without one."""
    traits, properties = event.payload.get("traits"), event.payload.get("properties")
    members = traits if is_truthy(traits) else properties
    name = read_dates(members.get("name")) if isinstance(members, dict) else None
    if not is_truthy(name):
        raise SkipEvent("no company: send the trait 'name'")
    return name


def _properties(event: Track, rules: Rules, notes: list[str]) -> JsonObject:
    """Return the properties; `revenue` in this spelling is moved to `$value` where it is a number."""
    properties: JsonObject = dict(read_dates(event.properties))
    amount = read_revenue(Keys(properties), rules.fidelity, notes, order=False)
    if amount is not UNDEFINED:
        properties["$value"] = amount
        properties.pop("revenue", None)
    return properties
