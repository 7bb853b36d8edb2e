"""Payloads: events on the wire, in the format of Segment and RudderStack and in Freshpaint's own."""

from itertools import product
from typing import Any

import orjson
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from klavier.testing.strategies.members import some_of
from klavier.testing.strategies.mutation import spoilings
from klavier.testing.strategies.people import Person, people, traits
from klavier.testing.strategies.shop import event_names, properties

Payload = dict[str, Any]

TYPES = ("identify", "track", "page", "screen", "group", "alias")

_TIMES = ("2024-06-30T12:00:00.999Z", "2022-02-02T02:02:02.000+05:30", "2023-12-31T23:59:59Z", "2014-05-06", 1700000000)
_PAGES = ("Home", "Pricing", "", " Product Added ", None)
_CONSENTS: tuple[Any, ...] = ("email", "sms", ["email", "sms"], ["email"], [], "carrier pigeon", None)
_INTEGRATIONS: tuple[Any, ...] = (
    {"All": True},
    {"All": False},
    {"All": False, "Klaviyo": True},
    {"Klaviyo": {"listId": "XUepkK", "confirmOptin": False}},
    {"Klaviyo": {"fieldsToUnset": ["plan"], "fieldsToAppend": ["tags"], "fieldsToUnappend": ["old"]}},
    {},
)
_INTEGRATED: tuple[Payload, ...] = tuple({"integrations": each} for each in _INTEGRATIONS)
_CONTEXTS: tuple[tuple[str, Any], ...] = (
    ("ip", "14.5.67.21"),
    ("timezone", "Europe/Paris"),
    ("locale", "fr-FR"),
    ("page", {"url": "https://shop.test/p?a=b#c", "title": "Shop"}),
    ("device", {"type": "ios", "token": "abc"}),
    ("location", {"latitude": 48.85, "longitude": 2.35}),
    ("externalId", [{"type": "klaviyo-profileId", "id": "01GW3PHVY0MTCDGS0A1612HARX"}]),
    ("personas", {"computation_class": "audience", "external_audience_id": "XUepkK"}),
    ("active", True),
)
_FRESHPAINT_NAMES = ("$identify", "$page", "$screen")


@st.composite
def plain_payloads(draw: DrawFn, kind: str, person: Person | None = None) -> Payload:
    """Return events of one type as careful senders write them: every id known, members of the usual kinds."""
    person = draw(_people) if person is None else person
    context = draw(_contexts)
    if draw(_coins):
        context["traits"] = draw(traits(person))
    shared = {"messageId": f"m-{draw(_message_numbers)}", "userId": person.user_id, "anonymousId": person.anonymous_id}
    return _copied({"type": kind} | shared | draw(_extras) | {"context": context} | _body(draw, kind, person))


@st.composite
def freshpaint_payloads(draw: DrawFn, person: Person | None = None) -> Payload:
    """Return events in Freshpaint's own format."""
    person = draw(_people) if person is None else person
    name = draw(_freshpaint_names)
    found: Payload = {
        "distinct_id": person.user_id,
        "token": "environment",
        "time": draw(_epochs),
        "$insert_id": f"m-{draw(_message_numbers)}",
        "$device_id": person.anonymous_id,
    }
    if name == "$identify":
        found["$user_props"] = draw(traits(person))
    else:
        found |= draw(_properties)
        found["email"] = person.email
    return _copied({"event": name, "properties": found})


@st.composite
def payloads(draw: DrawFn, kind: str | None = None) -> Payload:
    """Return events as they come: plain ones, and ones with members missing, null, misspelt or of another kind.

    `kind` is one of `TYPES`, or None for any type and either wire format.
    """
    found = draw(_spoilings)
    chosen = draw(_formats) if kind is None else kind
    payload: Payload = draw(freshpaint_payloads() if chosen == "freshpaint" else plain_payloads(chosen))
    for spoiling in found:
        spoiling.spoil(payload)
    return payload


def _copied(payload: Payload) -> Payload:
    """Make sure that no part of a payload is one of the constants above, or stands in it twice."""
    copy: Payload = orjson.loads(orjson.dumps(payload))
    return copy


def _body(draw: DrawFn, kind: str, person: Person) -> Payload:
    """Return what one type has beside the members that all have."""
    if kind == "identify":
        return {"traits": draw(traits(person)) | draw(_consents)}
    if kind == "track":
        return {"event": draw(_event_names), "properties": draw(_properties)}
    if kind == "group":
        return {
            "groupId": draw(_group_ids),
            "traits": draw(_group_traits) | {"email": person.email, "phone": person.phone},
        }
    if kind == "alias":
        return {"previousId": person.anonymous_id}
    return {"name": draw(_page_names), "category": draw(_page_names), "properties": draw(_properties)}


# Built once: hypothesis validates a strategy at its first use, and most of the time would go there.
_people = people()
_properties = properties()
_event_names = event_names()
_coins = st.booleans()
_formats = st.sampled_from((*TYPES, "identify", "track", "freshpaint"))
_spoilings = spoilings()
_message_numbers = st.integers(0, 10**9)
_epochs = st.sampled_from((1700000000, 1700000000.5, "1700000000"))
_freshpaint_names = st.one_of(st.sampled_from(_FRESHPAINT_NAMES), event_names())
_page_names = st.sampled_from(_PAGES)
_group_ids = st.sampled_from(("XUepkK", "acme", 42))
_contexts = some_of({name: st.just(value) for name, value in _CONTEXTS})
_extras = st.sampled_from(
    [{"timestamp": time} | more for more, time in product((*[{}] * len(_INTEGRATIONS), *_INTEGRATED), _TIMES)]
)
_group_traits = some_of(
    {
        "subscribe": _coins,
        "name": st.just("Analytical Engines"),
        "plan": st.just("Gold"),
        "consent": st.sampled_from(_CONSENTS),
    },
)
_consents = some_of(
    {
        "consent": st.sampled_from(_CONSENTS),
        "properties": some_of(
            {
                "subscribe": st.sampled_from((True, False, "yes", None)),
                "listId": st.sampled_from(("XUepkK", "", 42)),
                "consent": st.sampled_from(_CONSENTS),
            },
        ),
    },
)
