"""What people do in a shop: event names, products, orders and the properties around them."""

from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from klavier.testing.strategies.members import some_of

EVENT_NAMES = (
    "Signed Up",
    "Product Viewed",
    "Product Clicked",
    "Product Added",
    "Checkout Started",
    "Order Completed",
    "completed order",
    " Product Added ",
    "User Subscribed",
    "User Unsubscribed",
    "Audience Entered",
    "Audience Exited",
    "Ordered Product",
)
"""The names that some vendor treats apart, and plain ones."""

_PRICES = (19.99, 0, "7.25", "$1,200.50", "5 USD", "free", None, True, -3, 1e6)
_PRODUCT: dict[str, tuple[Any, ...]] = {
    "product_id": ("507f1f77", 42, "p/1"),
    "sku": ("45790-32", "", None),
    "name": ("Monopoly", "Café set", 7),
    "price": _PRICES,
    "quantity": (1, "3", 0, None, 2.5),
    "category": ("Games", None),
    "categories": (["a", "b"], "c"),
    "url": ("https://shop.test/p?id=1&x=ü",),
    "image_url": ("https://shop.test/p.png",),
    "brand": ("Hasbro",),
    "custom": ({"deep": [1, None]}, "x"),
}
_ORDER: dict[str, tuple[Any, ...]] = {
    "order_id": ("50314b8e", 99, "o/1"),
    "orderId": ("O-2",),
    "eventId": ("ev-1",),
    "id": ("thing-9", 9),
    "revenue": _PRICES,
    "total": _PRICES,
    "value": _PRICES,
    "currency": ("USD", "eur", ""),
    "coupon": ("hasbros",),
    "email": ("props@shop.test", "nobody"),
    "categories": (["Games"], "Games"),
    "listId": ("XUepkK",),
    "subscribe": (True, False, "yes"),
}


@cache
def event_names() -> SearchStrategy[str]:
    """Return names of track events."""
    return st.sampled_from(EVENT_NAMES)


@cache
def products() -> SearchStrategy[dict[str, Any]]:
    """Return products as Segment's and RudderStack's ecommerce specifications describe them, some members odd."""
    return _some_of(_PRODUCT)


@cache
def properties() -> SearchStrategy[dict[str, Any]]:
    """Return the properties of a track event: an order's, with and without products."""
    return _some_of(_ORDER, products=st.lists(products(), max_size=3))


def _some_of(members: dict[str, tuple[Any, ...]], **more: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    values: dict[str, SearchStrategy[Any]] = {name: st.sampled_from(choices) for name, choices in members.items()}
    return some_of(values | more)
