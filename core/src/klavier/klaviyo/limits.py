"""Klaviyo's published limits on one request, checked before it is sent.

Source: Klaviyo's API overview and the descriptions of create event, bulk create events and create profile; as of
revision 2026-10-15.  Every request is checked, so the check of a request within the limits must cost next to nothing:
strings and profiles are measured only in bodies that are large enough, and places are written only for a breach.
The sandbox uses the same definitions, so that a plan and a delivery agree.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import orjson
from attrs import frozen

from klavier.events.model import JsonObject
from klavier.klaviyo.attributes import IDENTIFIERS
from klavier.klaviyo.operations import OPERATIONS, Limits, find_operation
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.values import read_phone
from klavier.values.emails import LONGEST, is_email
from klavier.values.times import EARLIEST, TOO_EARLY

BODY_BYTES = 5_000_000
STRING_BYTES = 100_000
PROFILE_BYTES = 100_000
EVENT_PROFILE_BYTES = 95_000
PROPERTIES = 400
ARRAY_ITEMS = 4000
NESTING = 10
"""Levels of objects and arrays inside an event's `properties`."""
METRIC_NAME = 127
UNIQUE_ID = 255
EMAIL = LONGEST
INTEGERS = range(-(2**63), 2**63)
"""The integers of 64 bits with a sign."""
YEAR_AHEAD = timedelta(days=365)
"""How far in the future an event may be."""

Breach = tuple[str, str]
"""What goes past which limit, and where: a JSON pointer."""

_LARGE = min(STRING_BYTES, EVENT_PROFILE_BYTES)
"""Up to this size no string and no profile can go beyond its limit."""

_HANDFUL = 100
"""How many profiles are measured together."""

_AROUND = 10
"""The objects around the properties of an event, and inside its metric and profile."""

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * len(str(INTEGERS.stop))
"""The digits of an integer that may be beyond 64 bits, once all are zeros."""

_THIS_YEAR = str(datetime.now(UTC).year)
"""The year of the start: a time of this year or an earlier one is never a year ahead."""

_OTHER_IDENTIFIERS = tuple(name for name in IDENTIFIERS if name != "phone_number")

_HOLDERS = frozenset({dict, list, tuple})
_is_flat = _HOLDERS.isdisjoint


def refusal(request: Request) -> Response | None:
    """Return the 400 that Klaviyo would answer to a request beyond its limits, naming the place; None for a fit one."""
    body = request.body
    if request.json is None:
        return None
    if len(body) > BODY_BYTES:
        return Response.refusal(f"the request has {len(body)} bytes, Klaviyo takes {BODY_BYTES}; send smaller events")
    check, items = _CHECKS.get(request.path) or _check_of(request)
    try:
        found = check(request.json["data"], body, items)
    except (KeyError, TypeError, AttributeError, IndexError):
        return None  # not the shape that the limits are about: Klaviyo will say what it is
    if found is None and _LONG_NUMBER in body.translate(_DIGITS):
        found = _huge_integer(request.json, "")
    return None if found is None else Response.refusal(*found)


def is_too_late(time: str, now: datetime | None = None) -> bool:
    """Return whether an RFC 3339 time is more than a year ahead of `now`, by default the present time."""
    if time[:4] <= _THIS_YEAR and now is None:
        return False
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) > (now or datetime.now(UTC)) + YEAR_AHEAD


def _huge_integer(value: Any, place: str) -> Breach | None:
    """Find an integer beyond 64 bits: JSON has them, Klaviyo does not take them."""
    if isinstance(value, int):
        return None if value in INTEGERS else ("an integer beyond 64 bits: send it as a string", place)
    if not isinstance(value, (dict, list, tuple)):
        return None
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return _first(_huge_integer(item, f"{place}/{_pointer_step(key)}") for key, item in members)


def _pointer_step(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


@frozen
class _Large:
    """What has to be looked for in a large body only."""

    body: bytes

    @cached_property
    def has_long_string(self) -> bool:
        """Whether a string may be too long, found without reading all of the text.

        A string that long covers a multiple of the limit, and its quotes are the nearest ones that no backslash
        escapes.
        """
        return any(
            _next_quote(self.body, middle) - _previous_quote(self.body, middle) > STRING_BYTES
            for middle in range(STRING_BYTES, len(self.body), STRING_BYTES)
        )


def _large(body: bytes) -> _Large | None:
    return _Large(body) if len(body) > _LARGE else None


def _event(data: Any, body: bytes, _: int) -> Breach | None:
    """Check a document that is one event: create event, create client event."""
    attributes = data["attributes"]
    if len(body) <= _LARGE and _is_plain(attributes, attributes["profile"], body):
        return None
    large = _large(body)
    return _event_attributes(attributes, "/data/attributes", large) or _event_profile(
        attributes["profile"], "/data/attributes/profile", large
    )


def _is_plain(attributes: Any, profile: Any, body: bytes | None = None) -> bool:
    """Return whether an event is far from every limit except that of its texts, as most are.

    `body` is the document where it holds this one event.  All is in one place, since it is asked for every event.
    """
    metric, properties = attributes["metric"], attributes["properties"]
    return (
        "data" in metric
        and "data" in profile
        and len(metric["data"]["attributes"]["name"]) <= METRIC_NAME
        and len(attributes.get("unique_id") or "") <= UNIQUE_ID
        and ((email := profile["data"]["attributes"].get("email")) is None or is_email(email))
        and EARLIEST <= (attributes.get("time") or EARLIEST)[:4] <= _THIS_YEAR
        and len(properties) <= PROPERTIES
        and (
            _is_flat(map(type, properties.values()))
            or (body is not None and is_small(body))
            or is_plainly_nested(properties)
        )
    )


def is_small(body: bytes) -> bool:
    """Return whether a body is too short for a long string, array or profile and has too few brackets for a deep one.

    That holds for the bodies of today's calls, which have all the objects of `_AROUND`.
    """
    return len(body) <= 2 * ARRAY_ITEMS and body.count(b"{") + body.count(b"[") <= NESTING + _AROUND


def is_plainly_nested(properties: JsonObject) -> bool:
    """Return whether nothing inside is nested too deep and no array is too long; checks level by level."""
    level: list[Any] = [properties]
    for _ in range(NESTING + 1):
        level = [
            item
            for holder in level
            for item in (holder.values() if holder.__class__ is dict else holder)
            if item.__class__ in _HOLDERS
        ]
        if not level:
            return True
        if max(map(len, level)) > ARRAY_ITEMS:
            return False
    return False


def _bulk_events(data: Any, body: bytes, items: int) -> Breach | None:
    """Check the groups of bulk create events: each one profile and its events."""
    large = _large(body)
    groups, place = data["attributes"]["events-bulk-create"]["data"], "/data/attributes/events-bulk-create/data"
    # The limit counts events: one profile may have many in its group.
    count = sum([len(group["attributes"]["events"]["data"]) for group in groups])
    if count <= items and not (large and large.has_long_string) and _are_plain(groups):
        return None
    return _too_many(count, items, "events", place) or _first(
        _group(group["attributes"], f"{place}/{i}/attributes", large) for i, group in enumerate(groups)
    )


def _are_plain(groups: Any) -> bool:
    """Return whether the groups of a bulk call are each within their limits and their profiles small, as nearly all."""
    inner = [group["attributes"] for group in groups]
    profiles = [group["profile"] for group in inner]
    # A handful that is small together holds none that is large.
    handfuls = (profiles[start : start + _HANDFUL] for start in range(0, len(profiles), _HANDFUL))
    return (
        all(group["events"]["data"] for group in inner)
        and all(
            _is_plain(event["attributes"], group["profile"]) for group in inner for event in group["events"]["data"]
        )
        and all(len(orjson.dumps(handful)) <= EVENT_PROFILE_BYTES for handful in handfuls)
    )


def _client_bulk_events(data: Any, body: bytes, items: int) -> Breach | None:
    """Check client bulk events: one profile and its events."""
    large = _large(body)
    attributes, place = data["attributes"], "/data/attributes"
    events = attributes["events"]["data"]
    return _too_many(len(events), items, "events", f"{place}/events/data") or _group(attributes, place, large)


def _group(attributes: Any, place: str, large: _Large | None) -> Breach | None:
    return _event_profile(attributes["profile"], f"{place}/profile", large) or _first(
        _event_attributes(event["attributes"], f"{place}/events/data/{i}/attributes", large)
        for i, event in enumerate(attributes["events"]["data"])
    )


def _profile(data: Any, body: bytes, _: int) -> Breach | None:
    """Check a document that is one profile: upsert, create, update, client profile."""
    large = _large(body)
    place = "/data/attributes"
    return _profile_attributes(data["attributes"], place, large, PROFILE_BYTES) or _lone_phone(data, place)


def _client_subscription(data: Any, body: bytes, _: int) -> Breach | None:
    large = _large(body)
    return _event_profile(data["attributes"]["profile"], "/data/attributes/profile", large)


def _bulk_profiles(data: Any, body: bytes, items: int) -> Breach | None:
    """Check a job over profiles: import, subscribe, unsubscribe, suppress, unsuppress."""
    large = _large(body)
    profiles, place = data["attributes"]["profiles"]["data"], "/data/attributes/profiles/data"
    return _too_many(len(profiles), items, "profiles", place) or _first(
        _profile_attributes(profile["attributes"], f"{place}/{i}/attributes", large, PROFILE_BYTES)
        or _lone_phone(profile, f"{place}/{i}/attributes")
        for i, profile in enumerate(profiles)
    )


def _members(data: Any, _: bytes, items: int) -> Breach | None:
    """Check what is added to a list or removed from it."""
    return _too_many(len(data), items, "profiles", "/data") if isinstance(data, list) else None


def _anything(*_: Any) -> Breach | None:
    """Check nothing more: calls that only the size of the body bounds."""
    return None


def _event_attributes(attributes: Any, place: str, large: _Large | None) -> Breach | None:
    metric, properties = attributes["metric"], attributes["properties"]
    is_resource = "data" in metric  # a plain object in the oldest revision
    name = metric["data"]["attributes"]["name"] if is_resource else metric["name"]
    unique_id = attributes.get("unique_id") or ""
    if len(name) > METRIC_NAME:
        where = "data/attributes/name" if is_resource else "name"
        return f"the metric name has {len(name)} characters, Klaviyo takes {METRIC_NAME}", f"{place}/metric/{where}"
    if len(unique_id) > UNIQUE_ID:
        return f"the unique id has {len(unique_id)} characters, Klaviyo takes {UNIQUE_ID}", f"{place}/unique_id"
    if isinstance(time := attributes.get("time"), str) and (time[:4] < EARLIEST or is_too_late(time)):
        what = TOO_EARLY if time[:4] < EARLIEST else "a time more than a year ahead"
        return f"{what}: send the time at which the event happened", f"{place}/time"
    if len(properties) > PROPERTIES:
        return f"the event has {len(properties)} properties, Klaviyo takes {PROPERTIES}", f"{place}/properties"
    strings = large is not None and large.has_long_string
    if not strings and _is_flat(map(type, properties.values())):
        return None
    found = _inside(properties, 0, strings=strings)
    return found and (found[0], f"{place}/properties{found[1]}")


def _inside(value: Any, depth: int, *, strings: bool) -> Breach | None:
    """Find a breach within an object or array; the pointer is put together on the way back, so a fit one costs none."""
    if depth > NESTING:
        return f"nested deeper than Klaviyo's {NESTING} levels; flatten it", ""
    is_object = isinstance(value, dict)
    if not is_object and len(value) > ARRAY_ITEMS:
        return f"an array of {len(value)} items, Klaviyo takes {ARRAY_ITEMS}", ""
    if not strings and _is_flat(map(type, value.values() if is_object else value)):
        return None
    for key, item in value.items() if is_object else enumerate(value):
        found = None
        if isinstance(item, (dict, list, tuple)):
            found = _inside(item, depth + 1, strings=strings)
        elif strings and isinstance(item, str) and len(item.encode()) > STRING_BYTES:
            found = f"a string of {len(item.encode())} bytes, Klaviyo takes {STRING_BYTES}", ""
        if found is not None:
            return found[0], f"/{_pointer_step(key)}{found[1]}"
    return None


def _next_quote(body: bytes, start: int) -> int:
    found = body.find(b'"', start)
    while found >= 0 and _is_escaped(body, found):
        found = body.find(b'"', found + 1)
    return len(body) if found < 0 else found


def _previous_quote(body: bytes, end: int) -> int:
    found = body.rfind(b'"', 0, end)
    while found >= 0 and _is_escaped(body, found):
        found = body.rfind(b'"', 0, found)
    return found


def _is_escaped(body: bytes, quote: int) -> bool:
    before = quote - 1
    while body[before] == ord("\\"):
        before -= 1
    return (quote - 1 - before) % 2 == 1


def _event_profile(profile: Any, place: str, large: _Large | None) -> Breach | None:
    """Check the profile inside an event: today a resource, in the oldest revision a plain object."""
    if "data" in profile:
        inner = profile["data"]["attributes"]
        return _profile_attributes(inner, f"{place}/data/attributes", large, EVENT_PROFILE_BYTES)
    return _profile_attributes(profile, place, large, EVENT_PROFILE_BYTES)


def _profile_attributes(attributes: Any, place: str, large: _Large | None, largest: int) -> Breach | None:
    name = "email" if "email" in attributes else "$email"
    email = attributes.get(name)
    if email is not None and len(email) > EMAIL:
        return f"the e-mail address has {len(email)} characters, Klaviyo takes {EMAIL}", f"{place}/{name}"
    if email is not None and not is_email(email):
        return "no e-mail address that Klaviyo takes: send one such as ada@example.com", f"{place}/{name}"
    if large is not None:
        own = len(orjson.dumps(attributes))
        if own > largest:
            return f"the profile has {own} bytes, Klaviyo takes {largest}", place
    return None


def _lone_phone(profile: Any, place: str) -> Breach | None:
    """Check a phone number that alone identifies a profile; a wrong one beside another identifier is left out."""
    attributes = profile["attributes"]
    phone = attributes.get("phone_number")
    if phone is None or profile.get("id") or any(attributes.get(name) for name in _OTHER_IDENTIFIERS):
        return None
    number, reason = read_phone(phone)
    if number == phone:
        return None
    return f"the phone number is {reason or 'not in E.164 form'}", f"{place}/phone_number"


def _too_many(count: int, most: int, what: str, place: str) -> Breach | None:
    return (f"the request has {count} {what}, Klaviyo takes {most}", place) if count > most else None


def _first(found: Iterable[Breach | None]) -> Breach | None:
    return next((breach for breach in found if breach is not None), None)


Check = Callable[[Any, bytes, int], Breach | None]

_BY_LIMITS: dict[Limits, Check] = {
    "": _anything,
    "event": _event,
    "events": _bulk_events,
    "client events": _client_bulk_events,
    "profile": _profile,
    "profiles": _bulk_profiles,
    "client subscription": _client_subscription,
    "members": _members,
}
_CHECKS: dict[str, tuple[Check, int]] = {
    row.path + slash: (_BY_LIMITS[row.limits], row.items)
    for row in OPERATIONS
    if row.limits and "{" not in row.path
    for slash in ("", "/")
}
"""By path, with the trailing slash of old revisions too."""


def _check_of(request: Request) -> tuple[Check, int]:
    """Return the check of a call that has an id in its path."""
    row = find_operation(request.method, request.path)
    return (_anything, 0) if row is None else (_BY_LIMITS[row.limits], row.items)
