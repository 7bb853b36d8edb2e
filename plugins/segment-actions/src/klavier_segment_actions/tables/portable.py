"""What Segment's Klaviyo (Actions) destination does whatever its mappings say, in the words of migrations.

Source: Segment's document of Klaviyo (Actions), and the tables of its fields.
"""

from typing import Any, Final

# fmt: off
BY_NATURE: Final[dict[str, Any]] = {
    "connection_mode": "cloud",
    "required":        "an identifier",
    "contact":         "a bad address or phone number rejects the event",
}
"""Said of every set of mappings."""

WITH: Final[dict[str, dict[str, Any]]] = {
    "value":          {"value_text": "text that is a number counts; else the event is rejected"},
    "order_value":    {},
    "order_name":     {"order_spellings": "Order Completed and Completed Order, exactly so", "order_repeats": True},
    "product_events": {"product_id": "made of the order's id", "product_shares": True},
    "renames":        {"renames_spellings": "exactly so", "renames_repeat": True},
}
"""Said where the first term has a value."""

WITH_SUBSCRIPTIONS: Final = {"source": "Segment (-59)", "channels_missing": "the event is rejected"}
"""Said where people are subscribed."""

ATTRIBUTES: Final = ("email", "phone_number", "first_name", "last_name", "organization", "title", "image")
"""The attributes that Upsert Profile has a field for."""

LOCATION: Final = ("address1", "city", "country", "latitude", "longitude", "region", "zip")
"""Those that its field `location` takes."""

ORDERS: Final = ("Order Completed", "Completed Order")
"""How a completed order is called before Segment says it."""

SUBSCRIBE_FLAG: Final = "traits.properties.subscribe"
GROUP_FLAG: Final = "traits.subscribe"
"""Where identify and group calls of other vendors say whether to subscribe."""

JOINS: Final = {"subscribes": "subscribeProfile", "asks for confirmation": "subscribeProfile", "unsubscribes": "unsubscribeProfile", "adds": "addProfileToList"}
"""The action that puts people on a list in each way."""

CASES: Final = {
    "subscribe = true":  "{flag} = true",
    "subscribe = false": "{flag} = false",
    "otherwise":         "{flag} != true and {flag} != false",
}
"""The trigger of each case of a flag."""

ENGAGE: Final = ({"action": "addProfileToList", "enabled": False}, {"action": "removeProfileFromList", "enabled": False})
"""The two Engage actions, which Segment left off when it migrated Segment Classic."""

SEGMENT: Final = "this mapping and the conditions of Track Event keep orders as the old vendor says them; Segment's own migration has neither, so that an order is an Order Completed: leave them out, or write preset = 'classic-migration' alone, to follow Segment"
"""What a person should know of a mapping that Segment's own migration does not make."""
# fmt: on
