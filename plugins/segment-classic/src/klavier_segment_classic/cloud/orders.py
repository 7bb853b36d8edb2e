"""Order Completed on the server: one event for the order, then one for each product.

Source: Segment's page on its Klaviyo destination, "Order Completed".
"""

from typing import Any

from klavier.events.model import JsonObject, Track
from klavier.klaviyo.legacy import LegacyCall, TrackCall
from klavier_segment_classic.facade.commerce import Order, quantity
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, nullable, present, truly, without
from klavier_segment_classic.message import Translation, track_email
from klavier_segment_classic.tables.orders import COMPLETED, PLACED, PRODUCT, SERVER_ITEM, SERVER_ORDER, SERVER_PRODUCT


def order(event: Track, how: Translation, notes: list[str]) -> list[LegacyCall]:
    """Give the calls of a completed order, the order's first; raises `Refused`."""
    placed = Order.of(event, how.points)
    common = {
        "token": how.settings.api_key,
        "time": how.time(event, notes),
        "customer_properties": _customer(event, placed.properties, how),
    }
    name = COMPLETED if how.settings.use_segment_spec else PLACED
    calls: list[LegacyCall] = [_call(common, name, _order(placed))]
    for product, event_id in placed.product_ids(notes):
        calls.append(_call(common, PRODUCT, _product(product, event_id)))
    return calls


def _call(common: JsonObject, name: str, properties: JsonObject) -> TrackCall:
    return TrackCall(present({**common, "event": name, "properties": present(properties)}))


def _customer(event: Track, properties: Keys, how: Translation) -> Any:
    """Give the customer properties; as deployed the user id alone, and none at all where e-mail is enforced."""
    if how.points.email_in_orders:
        return how.customer(event, track_email(event, properties))
    return UNDEFINED if how.settings.enforce_email else how.customer(event, UNDEFINED)


def _order(placed: Order) -> JsonObject:
    return {
        "$event_id": placed.event_id,
        "$value": placed.revenue,
        "Categories": [nullable(product.get("category")) for product in placed.products],
        "Item Names": [nullable(product.get("name")) for product in placed.products],
        "Items": [present(_item(product)) for product in placed.products],
        **without(placed.properties.members, SERVER_ORDER),
    }


def _item(product: Keys) -> JsonObject:
    return {
        "SKU": product.get("sku"),
        "Name": product.get("name"),
        "Quantity": quantity(product),
        "Item Price": product.get("price"),
        "Row Total": product.get("price"),
        "Categories": [nullable(product.get("category"))],
        **_urls(product),
        **without(product.members, SERVER_ITEM),
    }


def _product(product: Keys, event_id: str) -> JsonObject:
    return {
        "$value": product.get("price"),
        "Name": product.get("name"),
        "Quantity": quantity(product),
        "Product Categories": [nullable(product.get("category"))],
        "SKU": product.get("sku"),
        "$event_id": event_id,
        **without(product.members, SERVER_PRODUCT),
        **_urls(product),
    }


def _urls(product: Keys) -> JsonObject:
    found = {"Product URL": product.get("producturl"), "Image URL": product.get("imageurl")}
    return {name: value for name, value in found.items() if truly(value)}
