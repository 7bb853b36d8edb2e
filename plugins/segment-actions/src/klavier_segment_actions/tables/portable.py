"""The behavior of Segment's Klaviyo (Actions) destination that no mapping changes, in the vocabulary of migrations.

Source: Segment's document of Klaviyo (Actions), and the tables of its fields.
"""

from typing import Any, Final

# fmt: off
BY_NATURE: Final[dict[str, Any]] = {
    "connection_mode": "cloud",
    "required":        "an identifier",
    "contact":         "a bad address or phone number rejects the event",
}
"""True of every set of mappings."""

WITH: Final[dict[str, dict[str, Any]]] = {
    "value":          {"value_text": "text that is a number counts; else the event is rejected"},
    "order_value":    {},
    "order_name":     {"order_spellings": "Order Completed and Completed Order, exactly so", "order_repeats": True},
    "product_events": {"product_id": "made of the order's id", "product_shares": True},
    "renames":        {"renames_spellings": "exactly so", "renames_repeat": True},
}
"""Added where the first term has a value."""

WITH_SUBSCRIPTIONS: Final = {"source": "Segment (-59)", "channels_missing": "the event is rejected"}
"""Added where a mapping subscribes profiles."""

ATTRIBUTES: Final = ("email", "phone_number", "first_name", "last_name", "organization", "title", "image")
"""The attributes for which Upsert Profile has a field."""

LOCATION: Final = ("address1", "city", "country", "latitude", "longitude", "region", "zip")
"""The members of its field `location`."""

ORDERS: Final = ("Order Completed", "Completed Order")
"""The event names of a completed order."""

SUBSCRIBE_FLAG: Final = "traits.properties.subscribe"
GROUP_FLAG: Final = "traits.subscribe"
"""The trait by which identify and group calls of other vendors ask for a subscription."""

JOINS: Final = {"subscribes": "subscribeProfile", "asks for confirmation": "subscribeProfile", "unsubscribes": "unsubscribeProfile", "adds": "addProfileToList"}
"""The action for each way of adding profiles to a list."""

CASES: Final = {
    "subscribe = true":  "{flag} = true",
    "subscribe = false": "{flag} = false",
    "otherwise":         "{flag} != true and {flag} != false",
}
"""The trigger of each case of a flag."""

ENGAGE: Final = ({"action": "addProfileToList", "enabled": False}, {"action": "removeProfileFromList", "enabled": False})
"""The two Engage actions, which Segment left disabled when it migrated Segment Classic."""

SEGMENT: Final = "this mapping and the conditions of Track Event keep orders as the old vendor sends them; Segment's own migration has neither, so an order becomes an Order Completed: remove them, or use preset = 'classic-migration' alone, to follow Segment"
"""The decision that a migration reports for a mapping that Segment's own migration does not create."""
# fmt: on
