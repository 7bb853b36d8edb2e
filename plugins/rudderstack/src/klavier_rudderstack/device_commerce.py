"""The ecommerce events of device mode, as RudderStack's code in the browser was observed to send them."""

from typing import Any

from klavier.events.model import JsonObject
from klavier_rudderstack.tables.ecommerce import DEVICE_OMITS, ITEM_DEVICE, PROPERTIES

_WITH_ITEMS = ("Added to Cart", "Started Checkout")
_NAMES_AT_ROOT = "Started Checkout"
"""The metric whose `item_names` the browser code looks up in the wrong place, at the root of the message."""


def observed(metric: str, payload: JsonObject, properties: JsonObject) -> JsonObject:
    """Rename the properties of an ecommerce event and send the others as they are; only null is left out."""
    found: JsonObject = {}
    for name, renamed in PROPERTIES[metric].items():
        holder = payload if name == "item_names" and metric == _NAMES_AT_ROOT else properties
        if holder.get(name) is not None:
            found[renamed] = holder[name]
    items = properties.get("items")
    if metric in _WITH_ITEMS and isinstance(items, list):
        found["Items"] = [item for item in map(_item, items) if item]
    found.update({name: value for name, value in properties.items() if name not in DEVICE_OMITS})
    return found


def _item(item: Any) -> JsonObject:
    if not isinstance(item, dict):
        return {}
    return {ITEM_DEVICE[name]: value for name, value in item.items() if name in ITEM_DEVICE and value is not None}
