"""Order Completed in the browser: one call for the order, then one for each product.

The browser spells keys without blanks: `ItemNames`, `ItemPrice`, `ProductURL`.
"""

from klavier.events.model import JsonObject, Track
from klavier.vendor import BrowserCall
from klavier_segment_classic.facade.commerce import Order, product_id, quantity
from klavier_segment_classic.facade.dates import dated
from klavier_segment_classic.facade.keys import Keys, nullable, present, without
from klavier_segment_classic.message import Translation
from klavier_segment_classic.tables.orders import CLIENT_ITEM, CLIENT_ORDER, CLIENT_PRODUCT, PRODUCT


def order(event: Track, how: Translation, notes: list[str]) -> list[BrowserCall]:
    """Give the calls of a completed order, the order's first."""
    placed = Order.of(event, how.points)
    name = how.points.order_name_in_browser or dated(event.event)
    calls: list[BrowserCall] = [["track", name, present(_order(placed))]]
    for product, event_id in placed.product_ids(notes):
        calls.append(["track", PRODUCT, present(_product(product, event_id))])
    return calls


def _order(placed: Order) -> JsonObject:
    return {
        "$event_id": placed.event_id,
        "$value": placed.revenue,
        "Categories": [nullable(product.get("category")) for product in placed.products],
        "ItemNames": [nullable(product.get("name")) for product in placed.products],
        "Items": [present(_item(product)) for product in placed.products],
        **without(placed.properties.members, CLIENT_ORDER),
    }


def _item(product: Keys) -> JsonObject:
    return {
        "id": product_id(product),
        "SKU": product.get("sku"),
        "Name": product.get("name"),
        "Quantity": quantity(product),
        "ItemPrice": product.get("price"),
        "RowTotal": product.get("price"),
        "Categories": [nullable(product.get("category"))],
        "ProductURL": product.get("producturl"),
        "ImageURL": product.get("imageurl"),
        **without(product.members, CLIENT_ITEM),
    }


def _product(product: Keys, event_id: str) -> JsonObject:
    return {
        "$value": product.get("price"),
        "Name": product.get("name"),
        "Quantity": quantity(product),
        "ProductCategories": [nullable(product.get("category"))],
        "ProductURL": product.get("producturl"),
        "ImageURL": product.get("imageurl"),
        "SKU": product.get("sku"),
        "ProductID": product_id(product),
        "$event_id": event_id,
        **without(product.members, CLIENT_PRODUCT),
    }
