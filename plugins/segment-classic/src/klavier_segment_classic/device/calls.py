"""The browser calls of a message, and whose it is.

Source: Segment's page on its Klaviyo destination, "Client-side Identify" and "Client-side Track".
"""

from typing import Any

from klavier.events.model import Event, Group, Identify, JsonObject, Track
from klavier.vendor import BrowserCall
from klavier_segment_classic.cloud.identify import BOTH_IDS, person_of
from klavier_segment_classic.device.orders import order
from klavier_segment_classic.facade.commerce import is_order_completed, revenue
from klavier_segment_classic.facade.dates import dated
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, normalise, truly, without
from klavier_segment_classic.facade.people import is_text, trimmed
from klavier_segment_classic.message import Skipped, Translation, track_email
from klavier_segment_classic.tables.people import CLIENT


def calls_of(event: Event, how: Translation, notes: list[str]) -> tuple[BrowserCall, ...]:
    """Give the browser calls of a message; raises `Skipped`."""
    match event:
        case Identify():
            return (["identify", _people(event, how)],)
        case Group():
            return (["identify", {"$organization": _company(event)}],)
        case Track():
            if is_order_completed(event.event):
                return tuple(order(event, how, notes))
            return (["track", dated(event.event), _properties(event)],)
    raise Skipped(f"the destination does nothing for {event.type}")


def visitor_of(event: Event, how: Translation) -> JsonObject:
    """Give the people properties that tell whose message it is, as the browser's cookie would."""
    email = track_email(event, Keys(getattr(event, "properties", {})))
    visitor: JsonObject = {} if email is UNDEFINED else {"$email": email}
    if truly(event.user_id) and not how.settings.enforce_email:
        visitor["$id"] = event.user_id
    return visitor


def _people(event: Identify, how: Translation) -> JsonObject:
    """Give the traits, those of the table under their special names."""
    person = person_of(event, how)
    people = dict(person.traits.members)
    for name, special, rule in CLIENT:
        value: Any = rule(person, normalise(name))
        if value is not UNDEFINED and value is not None:
            people[special] = value
            if not how.points.unused_kept or _says(people.get(name), value):
                people.pop(name, None)
    if not truly(person.user_id) and not truly(people.get("$email")) and not truly(people.get("$exchange_id")):
        raise Skipped("identify needs a userId, an email or an exchangeId")
    return _enforced(people, person.user_id, how) if how.settings.enforce_email else people


def _says(given: Any, value: Any) -> bool:
    """Tell whether a trait says no more than its special name, which has it trimmed."""
    return given in (None, "", value) or (is_text(given) and trimmed(given) == value)


def _enforced(people: JsonObject, user_id: Any, how: Translation) -> JsonObject:
    """Leave the e-mail address as the only identifier; raises `Skipped` without one."""
    if not how.points.custom_id:
        people = without(people, BOTH_IDS)
    else:
        people.pop("$id", None)
        if truly(user_id):
            people["id"] = user_id
    if not truly(people.get("$email")):
        raise Skipped("enforce_email is on and the event has no e-mail address")
    return people


def _company(event: Group) -> Any:
    """Give the group's name, a key that must be spelled exactly; raises `Skipped` without one."""
    given = event.payload
    members = given.get("traits") if truly(given.get("traits")) else given.get("properties")
    name = dated(members.get("name")) if isinstance(members, dict) else None
    if not truly(name):
        raise Skipped("group needs the trait 'name'")
    return name


def _properties(event: Track) -> JsonObject:
    """Give the properties; `revenue` in this spelling is moved to `$value` where it is a number."""
    properties: JsonObject = dict(dated(event.properties))
    amount = revenue(Keys(properties), order=False)
    if amount is not UNDEFINED:
        properties["$value"] = amount
        properties.pop("revenue", None)
    return properties
