"""Order Completed in the browser: one call for the order, then one for each product.

The browser spells keys without blanks: `ItemNames`, `ItemPrice`, `ProductURL`.
"""

from klavier.events.model import JsonObject, Track
from klavier.vendor import BrowserCall
from klavier_segment_classic.facade.commerce import Order, find_product_id, read_quantity
from klavier_segment_classic.facade.dates import read_dates
from klavier_segment_classic.facade.keys import Keys, drop_undefined, null_if_undefined, without
from klavier_segment_classic.rules import Rules
from klavier_segment_classic.tables.orders import CLIENT_ITEM, CLIENT_ORDER, CLIENT_PRODUCT, PRODUCT


def translate_order(event: Track, rules: Rules, notes: list[str]) -> list[BrowserCall]:
    """Return the calls of a completed order, the order's first."""
    placed = Order.read(event, rules.fidelity)
    name = rules.fidelity.order_name_in_browser or read_dates(event.event)
    calls: list[BrowserCall] = [["track", name, drop_undefined(_order(placed, notes))]]
    for product, event_id in placed.product_ids(notes):
        calls.append(["track", PRODUCT, drop_undefined(_product(product, event_id))])
    return calls


def _order(placed: Order, notes: list[str]) -> JsonObject:
    members = placed.members(CLIENT_ORDER, notes)
    return {
        "$event_id": placed.event_id,
        "$value": members["$value"],
        "Categories": [null_if_undefined(product.get("category")) for product in placed.products],
        "ItemNames": [null_if_undefined(product.get("name")) for product in placed.products],
        "Items": [drop_undefined(_item(product)) for product in placed.products],
        **members,
    }


def _item(product: Keys) -> JsonObject:
    return {
        "id": find_product_id(product),
        "SKU": product.get("sku"),
        "Name": product.get("name"),
        "Quantity": read_quantity(product),
        "ItemPrice": product.get("price"),
        "RowTotal": product.get("price"),
        "Categories": [null_if_undefined(product.get("category"))],
        "ProductURL": product.get("producturl"),
        "ImageURL": product.get("imageurl"),
        **without(product.members, CLIENT_ITEM),
    }


def _product(product: Keys, event_id: str) -> JsonObject:
    return {
        "$value": product.get("price"),
        "Name": product.get("name"),
        "Quantity": read_quantity(product),
        "ProductCategories": [null_if_undefined(product.get("category"))],
        "ProductURL": product.get("producturl"),
        "ImageURL": product.get("imageurl"),
        "SKU": product.get("sku"),
        "ProductID": find_product_id(product),
        "$event_id": event_id,
        **without(product.members, CLIENT_PRODUCT),
    }
