"""Freshpaint's settings in the vocabulary of migrations: what each of them sets, and what Freshpaint always does.

Source: Freshpaint's Klaviyo destination; both fidelities follow it.
"""

from klavier.migration import Chooses, Does, Names, Needs, Sets, Table
from klavier_freshpaint.message import PAGE, SCREEN
from klavier_freshpaint.profile import TRAITS
from klavier_freshpaint.settings import Settings

# fmt: off
_ATTRIBUTES = {special.removeprefix("$"): tuple(f"traits.{name}" for name, goes in TRAITS if goes == special) for _, special in TRAITS if special != "$id"}
_OF_EVENTS = {name: tuple(f"context.{place}" for place in places) for name, places in _ATTRIBUTES.items()}
_HIPAA, _CLOUD, _DEVICE = {"hipaa_mode": True}, {"connection_mode": "cloud"}, {"connection_mode": "device"}
_BY_EMAIL = "with true, people who have an e-mail address are known by it alone, as Freshpaint has it by default; people known by their user id before become new profiles"

PORTABLE = Table(Settings, (
    # setting                        term                what it means there
    Sets("connection_mode",          "connection_mode"),
    Sets("wire",                     "wire"),
    Sets("fidelity",                 "fidelity"),
    Sets("tokens_by_property",       "accounts"),
    Needs("private_api_key",         when={**_CLOUD, "wire": "current", "tokens_by_property": None}),
    Needs("public_api_key",          when=_DEVICE),
    Needs("public_api_key",          when={"wire": "native", "tokens_by_property": None}),

    # which events
    Does("identifies",               value=True),
    Sets("enabled_events",           "tracks", without=(PAGE, SCREEN)),
    Names("enabled_events",          "page_name", PAGE, PAGE),
    Names("enabled_events",          "screen_name", SCREEN, SCREEN),
    Does("page_properties",          "its properties, name and category"),
    Does("screen_properties",        "its properties, name and category"),

    # what an event says
    Sets("allowed_properties",       "allowed", when=_HIPAA),
    Does("masks",                    value=True, when={**_HIPAA, "mask_ids": True}, by=("mask_secret",)),
    Does("event_id",                 ("properties.$event_id", "messageId")),

    # who it is about
    Chooses("use_email_as_identifier", "user_id", ((True, "external id without an e-mail address"), (False, "external id")), nearest=(
        ("external id and custom property id", False, ""),
        ("custom property id", True, _BY_EMAIL),
        ("custom property _id", True, _BY_EMAIL),
    )),
    Does("user_id_places",           ("userId", "traits.id", "context.traits.id")),
    Does("required",                 "an identifier"),
    Does("attributes",               {name: (*places, *_OF_EVENTS[name]) for name, places in _ATTRIBUTES.items()}),
    Does("event_attributes",         {name: _OF_EVENTS[name] for name in ("email", "phone_number")}, when=_DEVICE),
    Does("event_attributes",         _OF_EVENTS),
    Does("custom_from",              ("context.traits", "traits")),
    Does("custom_without",           tuple(sorted(name for name, _ in TRAITS))),
    Does("event_custom_from",        ("context.traits",), when=_CLOUD),
    Does("contact",                  "what is bad is left out"),
))
# fmt: on
"""Every setting of Freshpaint, and what it does with any settings."""
