"""Segment Classic's settings in the vocabulary of migrations: what each of them sets, and what the vendor always does.

Source: Segment's page on its Klaviyo destination; the rows for `fidelity = "deployed"` are what was observed.
"""

from klavier.migration import Chooses, Does, Needs, Sets, Table
from klavier_segment_classic.settings import Settings
from klavier_segment_classic.tables.orders import COMPLETED, PLACED, PRODUCT

# fmt: off
_CLOUD, _DEVICE, _DEPLOYED = {"connection_mode": "cloud"}, {"connection_mode": "device"}, {"fidelity": "deployed"}
_ALWAYS = ("subscribe = true", "subscribe = false", "otherwise")
CONFIRMS, SUBSCRIBES, ADDS = (dict.fromkeys(_ALWAYS, how) for how in ("asks for confirmation", "subscribes", "adds"))
"""How identified profiles join the list, whatever the trait `properties.subscribe` of other vendors is."""

_ATTRIBUTES = {
    "email":        ("traits.email", "userId (an address)"),
    "phone_number": ("traits.phoneNumber", "traits.phone_number", "traits.phone", "traits.phones[0]"),
    "organization": ("traits.organization",),
    "first_name":   ("traits.firstName", "traits.first_name", "traits.name (the first word)"),
    "last_name":    ("traits.lastName", "traits.last_name", "traits.name (the other words)"),
    "title":        ("traits.title", "traits.position", "traits.jobTitle", "traits.job_title"),
    "city":         ("traits.address.city", "traits.city"),
    "region":       ("traits.address.region", "traits.region", "traits.address.state", "traits.state"),
    "country":      ("traits.address.country", "traits.country"),
    "timezone":     ("traits.timezone", "context.timezone"),
    "zip":          ("traits.address.postalCode", "traits.address.postal_code", "traits.postalCode", "traits.postal_code", "traits.address.zip", "traits.zip"),
}
_DEPLOYED_ATTRIBUTES = _ATTRIBUTES | {"phone_number": ("traits.phone", "traits.phones[0]"), "timezone": ("context.timezone",)}
_IN_BROWSER = {name: places for name, places in _ATTRIBUTES.items() if name in ("email", "phone_number", "first_name", "last_name")} | {"title": ("traits.title",), "_kx": ("traits.exchangeId",)}
_IN_EVENTS = {"email": ("context.traits.email", "properties.email", "userId (an address)")}

_ITEM = {"SKU": "sku", "Name": "name", "Quantity": "quantity, else 1", "Item Price": "price", "Row Total": "price", "Categories": "[category]", "Product URL": "productUrl", "Image URL": "imageUrl"}
_ITEM_IN_BROWSER = {"id": "id", "SKU": "sku", "Name": "name", "Quantity": "quantity, else 1", "ItemPrice": "price", "RowTotal": "price", "Categories": "[category]", "ProductURL": "productUrl", "ImageURL": "imageUrl"}
_ORDER = {"Categories": "category of each", "Item Names": "name of each", "Items": {"each of": "products", **_ITEM}}
_ORDER_IN_BROWSER = {"Categories": "category of each", "ItemNames": "name of each", "Items": {"each of": "products", **_ITEM_IN_BROWSER}}
_PRODUCT = {"Name": "name", "Quantity": "quantity, else 1", "Product Categories": "[category]", "SKU": "sku", "Product URL": "productUrl", "Image URL": "imageUrl"}
_PRODUCT_IN_BROWSER = {"Name": "name", "Quantity": "quantity, else 1", "ProductCategories": "[category]", "ProductURL": "productUrl", "ImageURL": "imageUrl", "SKU": "sku", "ProductID": "id"}

_ASKED = "with true, as it is where nothing is set, people confirm by e-mail before they are on the list; the old vendor did not ask that way"

PORTABLE = Table(Settings, (
    # setting                term                what it means there
    Sets("connection_mode",  "connection_mode"),
    Sets("wire",             "wire"),
    Sets("fidelity",         "fidelity"),
    Needs("public_api_key"),
    Needs("private_api_key", when=_CLOUD),

    # which events
    Does("identifies",       value=True),
    Does("tracks",           ("all",)),
    Does("group",            "organization from traits.name", when=_DEVICE),
    Does("switches",         "integrations.Klaviyo"),
    Does("libraries",        "servers", when={**_CLOUD, **_DEPLOYED}),
    Does("libraries",        "servers and mobile", when=_CLOUD),

    # completed orders
    Does("order_name",       None, when={**_DEVICE, **_DEPLOYED}),
    Does("order_name",       COMPLETED, when=_DEVICE),
    Chooses("use_segment_spec", "order_name", ((True, COMPLETED), (False, PLACED)), nearest=((None, True, ""),), when=_CLOUD),
    Does("order_spellings",  "Order Completed and Completed Order in any capitals, with blanks or underscores"),
    Does("order_properties", _ORDER_IN_BROWSER, when=_DEVICE),
    Does("order_properties", _ORDER),
    Does("product_events",   PRODUCT),
    Does("product_properties", _PRODUCT_IN_BROWSER, when=_DEVICE),
    Does("product_properties", _PRODUCT),
    Does("product_value",    "price"),
    Does("product_id",       "the order's id and the product's"),
    Does("order_value",      ("properties.revenue", "properties.total")),

    # what an event says
    Does("value",            ("properties.revenue",)),
    Does("value_text",       "the number it begins with, less $; else it has none"),
    Does("omits",            ("revenue",), when=_DEVICE),
    Does("event_id",         ("messageId", "properties.eventId and properties.orderId (of orders)"), when=_DEVICE),
    Does("event_id",         ("properties.id", "properties.orderId", "properties.order_id", "messageId"), when=_DEPLOYED),
    Does("event_id",         ("properties.eventId", "properties.orderId", "properties.order_id", "messageId")),
    Does("dates",            "text in ISO 8601 as 2014-05-06T00:00:00.000Z"),
    Does("nulls",            "left out of traits", when=_CLOUD),

    # who it is about
    Does("user_id",          "nothing", when={"enforce_email": True, **_DEPLOYED}),
    Does("user_id",          "external id", when=_DEVICE | {"enforce_email": False}),
    Chooses("enforce_email", "user_id", ((False, "external id and custom property id"), (True, "custom property id")), nearest=(
        ("external id", False, ""),
        ("external id without an e-mail address", False, "with true, people are known by their e-mail address alone, and events without one are rejected"),
        ("custom property _id", True, ""),
        ("nothing", True, ""),
    )),
    Does("user_id_places",   ("userId",)),
    Chooses("send_anonymous", "anonymous_id", ((False, None), (True, "stands in for a user id")), when=_CLOUD | {"enforce_email": False}, nearest=(
        ("stands in for a user id, and is an identifier of its own in events", True, ""),
        ("an identifier of its own", True, "with true, visitors without a user id are known by their anonymous id; their profiles may cost money"),
    )),
    Does("anonymous_id",     "an identifier of its own", when=_DEVICE),
    Does("anonymous_id",     None),
    Does("required",         "an e-mail address", when={"enforce_email": True, "fidelity": "documented"}, by=("send_anonymous",)),
    Chooses("send_anonymous", "required", ((True, "any payload"), (False, "a user id")), when={**_CLOUD, **_DEPLOYED}),
    Does("required",         "a user id in identify calls", when=_CLOUD | {"send_anonymous": False}),
    Does("required",         "an identifier"),
    Does("attributes",       _IN_BROWSER, when=_DEVICE),
    Does("attributes",       _DEPLOYED_ATTRIBUTES, when=_DEPLOYED),
    Does("attributes",       _ATTRIBUTES),
    Does("event_attributes", _IN_EVENTS),
    Does("custom_from",      ("traits",)),
    Does("custom_without",   ("email", "exchangeId", "firstName", "id", "lastName", "phone", "title"), when=_DEVICE),
    Does("spelling",         "free"),
    Does("contact",          "what is bad is left out"),

    # lists and consent
    Sets("list_id",          "list_id", when=_CLOUD),
    Does("list_places",      ("integrations.Klaviyo.listId",), when=_CLOUD),
    Does("list_needs",       "an e-mail address", when=_CLOUD),
    Chooses("confirm_optin", "joins", ((None, CONFIRMS), (True, CONFIRMS), (False, ADDS)), when=_CLOUD | {"wire": "native"}, nearest=((SUBSCRIBES, True, _ASKED),)),
    Chooses("confirm_optin", "joins", ((None, SUBSCRIBES), (True, SUBSCRIBES), (False, ADDS)), when=_CLOUD, nearest=(
        (CONFIRMS, True, ""),
        ({"subscribe = true": "subscribes", "subscribe = false": "adds", "otherwise": "adds"}, False, _ASKED),
        ({"subscribe = true": "subscribes", "subscribe = false": "unsubscribes", "otherwise": "adds"}, False, _ASKED),
        ({"subscribe = true": "subscribes", "subscribe = false": "unsubscribes"}, True, _ASKED),
        ({"subscribe = true": "subscribes"}, True, _ASKED),
    )),
    Does("confirm_place",    "integrations.Klaviyo.confirmOptin", when=_CLOUD),
    Does("consent",          ("email",), when=_CLOUD | {"confirm_optin": (None, True)}),
))
# fmt: on
"""Every setting of Segment Classic, and what it does with any settings."""
