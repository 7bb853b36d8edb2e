"""The sample calls of RudderStack's Klaviyo documents, as calls of an SDK's client."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

Sdk = Literal["segment", "rudderstack"]
Method = Literal["identify", "track", "page", "screen", "group", "alias"]


class Call(NamedTuple):
    """One call of an SDK's client."""

    sdk: Sdk
    method: Method
    arguments: dict[str, Any]


def documented_calls() -> list[Call]:
    """Return the calls with ids and times that are always the same.

    The first person comes by Segment's SDK, which posts traits at the top, the others by RudderStack's, which posts
    them in the context.
    """
    start = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    return [
        Call(sdk, method, {**arguments, "message_id": f"sample-{n}", "timestamp": start + timedelta(minutes=n)})
        for n, (sdk, method, arguments) in enumerate(_rows(), start=1)
    ]


def _rows() -> list[tuple[Sdk, Method, dict[str, Any]]]:
    alex = {"user_id": "1hKOmRA4el9Z"}
    known = alex | _with("alex@example.com")
    user2 = {"user_id": "user2"} | _with("user2@gmail.com")
    member = {"anonymous_id": "userId", "context": {"traits": _MEMBER}}
    return [
        ("segment", "identify", alex | {"traits": _TRAITS, "anonymous_id": "anon-alex"}),
        ("segment", "page", alex | {"category": "Cart", "name": "Cart Viewed", "properties": _PAGE}),
        ("segment", "track", known | {"event": "Product Viewed", "properties": _VIEWED}),
        ("segment", "track", known | {"event": "Product Added", "properties": _ADDED}),
        (
            "rudderstack",
            "track",
            known | {"event": "Checkout Started", "properties": STARTED},
        ),
        (
            "rudderstack",
            "track",
            known | {"event": "Checked Out", "properties": _CHECKED_OUT},
        ),
        ("rudderstack", "track", user2 | {"event": "Item Purchased", "properties": _BOUGHT}),
        (
            "rudderstack",
            "screen",
            user2 | {"name": "Sample Screen Name", "properties": _SCREEN},
        ),
        (
            "rudderstack",
            "group",
            member | {"group_id": "listId", "traits": {"subscribe": True}},
        ),
    ]


def _with(email: str) -> dict[str, Any]:
    """Return the context of a call: the person's address, and theirs on the network."""
    return {"context": {"traits": {"email": email}, "ip": "192.0.2.44"}}


_TRAITS = {
    "firstName": "Alex",
    "lastName": "Keener",
    "email": "alex@example.com",
    "phone": "+1 234 567 8900",
    "title": "Owner",
    "organization": "Company",
    "city": "Tokyo",
    "country": "JP",
    "zip": "100-0001",
    "Flagged": False,
    "Residence": "Shibuya",
    "properties": {"listId": "XUepkK", "subscribe": True, "consent": "email", "smsConsent": True},
}
_PAGE = {
    "path": "/cart",
    "referrer": "test.com",
    "search": "term",
    "title": "test_item",
    "url": "https://shop.example.com/cart",
}
_VIEWED = {
    "name": "T-Shirt",
    "product_id": "pId1",
    "sku": "sku1",
    "url": "https://shop.example.com/p/1",
    "image_url": "https://shop.example.com/p/1.png",
    "brand": "Acme",
    "price": 19.5,
    "compare_at_price": 24,
    "categories": ["Shirts", "Summer"],
}
_ADDED = {
    "value": 19.5,
    "name": "T-Shirt",
    "product_id": "pId1",
    "sku": "sku1",
    "price": 19.5,
    "quantity": 1,
    "categories": ["Shirts", "Summer"],
    "item_names": ["T-Shirt"],
    "checkout_url": "https://shop.example.com/checkout",
    "products": [
        {"product_id": "pId1", "sku": "sku1", "name": "T-Shirt", "quantity": 1, "price": 19.5, "total": 19.5},
    ],
}
STARTED = {
    "order_id": "1234",
    "value": 12.34,
    "categories": ["category1", "category2"],
    "checkout_url": "http://www.testcall.com",
    "item_names": ["item1", "item2"],
    "products": [
        {
            "product_id": f"pId{number}",
            "sku": f"sku{number}",
            "name": f"item{number}",
            "url": f"https://www.item{number}URL.com",
            "price": float(number),
            "quantity": 1,
            "image_url": f"https://www.item{number}Image.com",
            "categories": ["category1", "category2"],
            "row_total": float(number),
        }
        for number in (1, 2)
    ],
}
_CHECKED_OUT = {
    "Clicked_Rush_delivery_Button": True,
    "total_value": 2000,
    "Ordered": ["T-Shirt", "jacket"],
    "revenue": 2000,
}
_BOUGHT = {"revenue": 97.5, "products": [{"productId": "pro1", "price": 32.5, "quantity": 3}]}
_SCREEN = {"prop_key": "prop_value"}
_MEMBER = {
    "email": "user.test@gmail.com",
    "city": "city",
    "country": "country",
    "zip": "213456",
    "age": 23,
    "plan": "free",
    "consent": "email",
    "phone": "1-617-555-1333",
}
