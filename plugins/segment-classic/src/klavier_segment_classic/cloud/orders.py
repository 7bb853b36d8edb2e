"""Order Completed on the server: one event for the order, then one for each product.

Source: Segment's page on its Klaviyo destination, "Order Completed".
"""

from typing import Any

from klavier.events.model import JsonObject, Track
from klavier.klaviyo.legacy import LegacyCall, TrackCall
from klavier_segment_classic.facade.commerce import Order, read_quantity
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, drop_undefined, is_truthy, null_if_undefined, without
from klavier_segment_classic.rules import Rules, track_email
from klavier_segment_classic.tables.orders import COMPLETED, PLACED, PRODUCT, SERVER_ITEM, SERVER_ORDER, SERVER_PRODUCT


def translate_order(event: Track, rules: Rules, notes: list[str]) -> list[LegacyCall]:
    """Return the calls of a completed order, the order's first; raises `RejectEvent`."""
    placed = Order.read(event, rules.fidelity)
    common = {
        "token": rules.settings.api_key,
        "time": rules.read_time(event, notes),
        "customer_properties": _customer(event, placed.properties, rules),
    }
    name = COMPLETED if rules.settings.use_segment_spec else PLACED
    calls: list[LegacyCall] = [_call(common, name, _order(placed, notes))]
    for product, event_id in placed.product_ids(notes):
        calls.append(_call(common, PRODUCT, _product(product, event_id)))
    return calls


def _call(common: JsonObject, name: str, properties: JsonObject) -> TrackCall:
    return TrackCall(drop_undefined({**common, "event": name, "properties": drop_undefined(properties)}))


def _customer(event: Track, properties: Keys, rules: Rules) -> Any:
    """Return the customer properties; as deployed the user id alone, and none at all where e-mail is enforced."""
    if rules.fidelity.email_in_orders:
        return rules.customer_properties(event, track_email(event, properties))
    return UNDEFINED if rules.settings.enforce_email else rules.customer_properties(event, UNDEFINED)


def _order(placed: Order, notes: list[str]) -> JsonObject:
    members = placed.members(SERVER_ORDER, notes)
    return {
        "$event_id": placed.event_id,
        "$value": members["$value"],
        "Categories": [null_if_undefined(product.get("category")) for product in placed.products],
        "Item Names": [null_if_undefined(product.get("name")) for product in placed.products],
        "Items": [drop_undefined(_item(product)) for product in placed.products],
        **members,
    }


def _item(product: Keys) -> JsonObject:
    return {
        "SKU": product.get("sku"),
        "Name": product.get("name"),
        "Quantity": read_quantity(product),
        "Item Price": product.get("price"),
        "Row Total": product.get("price"),
        "Categories": [null_if_undefined(product.get("category"))],
        **_urls(product),
        **without(product.members, SERVER_ITEM),
    }


def _product(product: Keys, event_id: str) -> JsonObject:
    return {
        "$value": product.get("price"),
        "Name": product.get("name"),
        "Quantity": read_quantity(product),
        "Product Categories": [null_if_undefined(product.get("category"))],
        "SKU": product.get("sku"),
        "$event_id": event_id,
        **without(product.members, SERVER_PRODUCT),
        **_urls(product),
    }


def _urls(product: Keys) -> JsonObject:
    found = {"Product URL": product.get("producturl"), "Image URL": product.get("imageurl")}
    return {name: value for name, value in found.items() if is_truthy(value)}
