"""RudderStack's settings in the terms of migrations: what each of them sets, and what RudderStack always does.

Source: RudderStack's Klaviyo documents; the rows for `fidelity = "deployed"` are its observed behavior.
"""

from typing import Any

from klavier.migration import Asks, Chooses, Does, Needs, Sets, Table
from klavier_rudderstack.settings import Settings
from klavier_rudderstack.tables import device, ecommerce, profile, traits

# fmt: off
_NO_ATTRIBUTES = ("external_id", "anonymous_id", "consent")
_SPELLED = {"product viewed": "Product Viewed", "product clicked": "Product Clicked", "product added": "Product Added", "checkout started": "Checkout Started"}
RENAMES = {_SPELLED[name]: metric for name, metric in ecommerce.EVENTS.items()}


def _attributes(*tables: profile.Table) -> dict[str, tuple[str, ...]]:
    return {row[0]: tuple(row[1:]) for table in tables for row in table if row[0] not in _NO_ATTRIBUTES}


def _renamed(items: str, item: ecommerce.Names) -> dict[str, Any]:
    """Return the properties of each metric by their new names, the items as a table of their own."""
    found: dict[str, Any] = {}
    for metric, names in ecommerce.PROPERTIES.items():
        found[metric] = {new: old for old, new in names.items()}
        found[metric][items] = {"each of": "products", **{new: old for old, new in item.items()}}
    return found


_ANY_CLOUD, _DEVICE, _DEPLOYED = {"connection_mode": "cloud"}, {"connection_mode": "device"}, {"fidelity": "deployed"}
_CLOUD, _BULK = {**_ANY_CLOUD, "bulk_upload": False}, {**_ANY_CLOUD, "bulk_upload": True}
_V1, _IMPORTS = {**_CLOUD, "api_version": "v1"}, {**_CLOUD, "api_version": ("v2", "v3")}
_OMITS_V1, _OMITS = tuple(sorted(ecommerce.V1_OMITS)), tuple(sorted(ecommerce.IMPORT_OMITS))
_IN_BROWSER = {special.removeprefix("$"): places for special, places in device.PROFILE.items()}
_IN_EVENTS_OF_BROWSER = {name: _IN_BROWSER[name] for name in ("email", "phone_number")}

_V3 = "v3 is RudderStack's newest version and keeps the names of events; v1 calls Product Viewed, Product Added and Checkout Started by Klaviyo's names"
_ID_TOO = "RudderStack sends the user id beside the e-mail address; with true it sends none, and keeps it as the custom property _id"

PORTABLE = Table(Settings, (
    # setting                    term                what it means there
    Sets("connection_mode",      "connection_mode"),
    Sets("wire",                 "wire"),
    Sets("fidelity",             "fidelity"),
    Chooses("bulk_upload",       "batches", ((False, None), (True, "rows of reverse ETL, as the profiles of import jobs")), when=_ANY_CLOUD),
    Needs("private_api_key",     when=_ANY_CLOUD),
    Needs("public_api_key",      when=_DEVICE),

    # which version, and what it renames
    Does("renames",              RENAMES, when=_DEVICE),
    Chooses("api_version",       "renames", (("v3", None), ("v2", None), ("v1", RENAMES)), nearest=(({}, "v3", ""),)),
    Asks("api_version",          "v3", _V3),
    Does("renamed_properties",   _renamed("Items", ecommerce.ITEM_DEVICE), when={**_DEVICE, **_DEPLOYED}),
    Does("renamed_properties",   _renamed("items", ecommerce.ITEM_DEPLOYED), when={**_V1, **_DEPLOYED}),
    Does("renamed_properties",   _renamed("Items", ecommerce.ITEM), when=_DEVICE),
    Does("renamed_properties",   _renamed("Items", ecommerce.ITEM), when=_V1),
    Does("renames_spellings",    "capitals and spaces around are forgiven", when=_DEVICE),
    Does("renames_spellings",    "capitals and spaces around are forgiven", when=_V1),

    # which events
    Does("identifies",           value=True),
    Does("tracks",               ("all",), when={"bulk_upload": False}),
    Chooses("send_page_as_track", "page_name", ((True, "Viewed {category} {name} page"), (False, None)), when=_DEVICE),
    Chooses("additional_page_info", "page_properties", ((False, None), (True, "its properties")), when={**_DEVICE, "send_page_as_track": True}, nearest=(("its properties, name and category", True, ""),)),
    Does("screen_name",          "{event}", when={**_V1, **_DEPLOYED}),
    Does("screen_name",          "{name}", when=_CLOUD),
    Does("screen_properties",    "its properties", when=_CLOUD),
    Does("group",                "the list groupId", when=_CLOUD),
    Does("switches",             "integrations.Klaviyo"),

    # what an event says
    Chooses("flatten_properties", "flatten", ((False, None), (True, "as a.b and c[0].d")), when=_CLOUD, nearest=(("as a.b and c.0.d", True, ""),)),
    Does("value",                ("properties.revenue",), when=_DEVICE),
    Does("value",                tuple(f"properties.{name}" for name in ecommerce.VALUE)),
    Does("order_value",          ("properties.revenue",), when=_DEVICE),
    Does("order_value",          tuple(f"properties.{name}" for name in ecommerce.VALUE)),
    Does("value_text",           "the number it begins with; else the event is rejected", when=_IMPORTS),
    Does("value_text",           "a number as text counts; anything else stays a property"),
    Does("currency",             "properties.currency", when=_IMPORTS),
    Does("omits",                ("revenue",), when=_DEVICE),
    Does("omits",                _OMITS_V1, when=_V1),
    Does("omits",                _OMITS, when=_IMPORTS),
    Does("event_id",             ("messageId",)),

    # who it is about
    Chooses("enforce_email_as_primary", "user_id", ((False, "external id"), (True, "custom property _id")), nearest=(
        ("external id without an e-mail address", False, _ID_TOO),
        ("custom property id", True, ""),
    )),
    Does("user_id_places",       device.USER_ID[:2], when=_DEVICE),
    Does("user_id_places",       profile.USER_ID[1:]),
    Does("anonymous_id",         "stands in for a user id", when=_DEVICE),
    Does("anonymous_id",         "stands in for a user id", when={"api_version": "v1"}),
    Does("anonymous_id",         "an identifier of its own", when=_DEPLOYED),
    Does("anonymous_id",         "stands in for a user id, and is an identifier of its own in events"),
    Does("required",             "any payload", when={**_CLOUD, **_DEPLOYED}),
    Does("required",             "an e-mail address or phone number", when={**_V1, "enforce_email_as_primary": True}),
    Does("required",             "an identifier"),
    Does("attributes",           _IN_BROWSER, when=_DEVICE),
    Does("attributes",           _attributes(profile.V1_IDENTIFY), when=_V1),
    Does("attributes",           _attributes(profile.IMPORT)),
    Does("event_attributes",     _IN_EVENTS_OF_BROWSER, when=_DEVICE),
    Does("event_attributes",     _attributes(profile.V1_EVENT_DEPLOYED), when={**_V1, **_DEPLOYED}),
    Does("event_attributes",     _attributes(profile.V1_EVENT), when=_V1),
    Does("event_attributes",     _attributes(profile.IMPORT)),
    Does("custom_from",          ("traits", "context.traits")),
    Does("custom_without",       tuple(sorted(traits.DEVICE)), when=_DEVICE),
    Does("custom_without",       tuple(sorted(traits.V1)), when=_V1),
    Does("custom_without",       tuple(sorted(traits.IMPORT)), when=_IMPORTS),
    Does("event_custom_from",    ("traits", "context.traits"), when=_CLOUD),
    Does("nulls",                "left out of traits", when=_CLOUD),
    Does("contact",              "a bad phone number rejects the event", when=_IMPORTS),
    Does("contact",              "what is bad is left out"),
    Does("patches",              "integrations.Klaviyo.fieldsToUnset, fieldsToAppend, fieldsToUnappend", when=_IMPORTS),

    # lists and consent
    Sets("list_id",              "list_id", when=_ANY_CLOUD),
    Does("joins",                {"otherwise": "adds"}, when=_BULK),
    Does("list_places",          ("traits.properties.listId",), when=_CLOUD),
    Does("joins",                {"subscribe = true": "subscribes"}, when={**_V1, **_DEPLOYED}),
    Does("joins",                {"subscribe = true": "subscribes", "subscribe = false": "unsubscribes"}, when={**_IMPORTS, **_DEPLOYED}),
    Does("joins",                {"subscribe = true": "subscribes", "subscribe = false": "adds", "otherwise": "adds"}, when=_V1),
    Does("joins",                {"subscribe = true": "subscribes", "subscribe = false": "unsubscribes", "otherwise": "adds"}, when=_CLOUD),
    Does("group_joins",          {"subscribe = true": "subscribes"}, when={**_V1, **_DEPLOYED}),
    Does("group_joins",          {"subscribe = true": "subscribes", "subscribe = false": "unsubscribes"}, when={**_IMPORTS, **_DEPLOYED}),
    Does("group_joins",          {"subscribe = true": "subscribes", "subscribe = false": "adds", "otherwise": "adds"}, when=_V1),
    Does("group_joins",          {"subscribe = true": "subscribes", "subscribe = false": "unsubscribes", "otherwise": "adds"}, when=_CLOUD),
    Sets("consent",              "consent", when=_CLOUD, as_list=True),
    Chooses("sms_consent",       "sms_consent", ((None, None), (True, "always"), (False, "never")), when={**_CLOUD, "fidelity": "documented"}),
    Does("consent_places",       ("traits.properties.consent",), when={**_V1, **_DEPLOYED}),
    Does("consent_places",       ("context.traits.consent", "traits.consent", "traits.properties.consent"), when=_CLOUD),
    Does("channels_missing",     "the event is rejected", when={**_CLOUD, "api_version": "v3"}),
    Does("channels_missing",     "every channel that an identifier is known for", when=_CLOUD),
))
# fmt: on
"""Every setting of RudderStack, and what it does whatever the settings are."""
