"""The ecommerce tables of RudderStack's documents, row by row."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from klavier_rudderstack.tables import ecommerce
from klavier_rudderstack.values import acceptable
from klavier_rudderstack.values.ecommerce import compile_item, find_metric
from tests.support.rudderstack import attributes, outcome, rehearsal

EVENTS = [
    ("Product Viewed", "Viewed Product"),
    ("Product Clicked", "Viewed Product"),
    ("Product Added", "Added to Cart"),
    ("Checkout Started", "Started Checkout"),
]
PRODUCT_VIEWED = [
    ("name", "ProductName", "Uno"),
    ("product_id", "ProductID", "p1"),
    ("sku", "SKU", "s1"),
    ("image_url", "ImageURL", "https://e.org/i.png"),
    ("url", "URL", "https://e.org/p"),
    ("brand", "Brand", "B"),
    ("price", "Price", 1.5),
    ("compare_at_price", "CompareAtPrice", 2),
    ("categories", "Categories", ["a", "b"]),
]
PRODUCT_ADDED = [
    ("value", "$value", 12.34),
    ("name", "AddedItemProductName", "Uno"),
    ("product_id", "AddedItemProductID", "p1"),
    ("sku", "AddedItemSKU", "s1"),
    ("image_url", "AddedItemImageURL", "https://e.org/i.png"),
    ("url", "AddedItemURL", "https://e.org/p"),
    ("price", "AddedItemPrice", 1.5),
    ("quantity", "AddedItemQuantity", 2),
    ("categories", "AddedItemCategories", ["a", "b"]),
    ("item_names", "ItemNames", ["Uno"]),
    ("checkout_url", "CheckoutURL", "https://e.org/c"),
]
CHECKOUT_STARTED = [
    ("order_id", "$event_id", "o1"),
    ("value", "$value", 12.34),
    ("categories", "Categories", ["a", "b"]),
    ("item_names", "ItemNames", ["Uno"]),
    ("checkout_url", "CheckoutURL", "https://e.org/c"),
]
ITEM = [
    ("product_id", "ProductID", "p1"),
    ("sku", "SKU", "s1"),
    ("name", "ProductName", "Uno"),
    ("quantity", "Quantity", 2),
    ("price", "Price", 1.5),
    ("total", "RowTotal", 3),
    ("url", "URL", "https://e.org/p"),
    ("image_url", "ImageURL", "https://e.org/i.png"),
    ("categories", "ProductCategories", ["a", "b"]),
]
ITEM_DEPLOYED = [
    ("product_id", "ProductID", "p1"),
    ("sku", "SKU", "s1"),
    ("name", "ProductName", "Uno"),
    ("quantity", "Quantity", 2),
    ("price", "ItemPrice", 1.5),
    ("row_total", "RowTotal", 3),
    ("url", "ProductURL", "https://e.org/p"),
    ("image_url", "ImageURL", "https://e.org/i.png"),
    ("categories", "ProductCategories", ["a", "b"]),
]
ROWS = [
    *(("Product Viewed", *row) for row in PRODUCT_VIEWED),
    *(("Product Clicked", *row) for row in PRODUCT_VIEWED),
    *(("Product Added", *row) for row in PRODUCT_ADDED),
    *(("Checkout Started", *row) for row in CHECKOUT_STARTED),
]
ON_TODAYS_WIRE = {"$value": "value", "$event_id": "unique_id"}
WITH_ITEMS = ("Product Added", "Checkout Started")


def track(event: str, /, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "messageId": "m1", "userId": "u1", "event": event, "properties": properties}


@pytest.mark.parametrize(("event", "metric"), EVENTS)
@pytest.mark.parametrize("spelling", [str, str.upper, str.lower, " {} ".format])
def test_event_names(event: str, metric: str, spelling: Any) -> None:
    assert attributes(track(spelling(event)))["metric"] == {"data": {"type": "metric", "attributes": {"name": metric}}}
    assert attributes(track(spelling(event)), wire="native")["metric"] == {"name": metric}


@pytest.mark.parametrize("event", ["Product Removed", "Order Completed", "product  viewed", "Viewed Product"])
def test_other_events_keep_their_names_and_properties(event: str) -> None:
    found = attributes(track(event, name="Uno", sku="s"))
    assert found["metric"]["data"]["attributes"]["name"] == event
    assert found["properties"] == {"name": "Uno", "sku": "s"}


@pytest.mark.parametrize(("event", "source", "target", "value"), ROWS)
def test_properties_on_the_current_wire(event: str, source: str, target: str, value: Any) -> None:
    found = attributes(track(event, **{source: value}))
    if target in ON_TODAYS_WIRE:
        assert (found[ON_TODAYS_WIRE[target]], found["properties"]) == (value, {})
    else:
        assert found["properties"] == {target: value}


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize(("event", "source", "target", "value"), ROWS)
def test_properties_on_the_native_wire(event: str, source: str, target: str, value: Any, fidelity: str) -> None:
    found = attributes(track(event, **{source: value}), wire="native", fidelity=fidelity)
    assert found["properties"] == {target: value}
    assert "value" not in found


@pytest.mark.parametrize(("event", "source", "target", "value"), ROWS)
def test_properties_in_device_mode(event: str, source: str, target: str, value: Any) -> None:
    (call,) = rehearsal(track(event, **{source: value}), connection_mode="device").browser_calls
    assert call[2] == {target: value}


@pytest.mark.parametrize(("source", "target", "value"), ITEM)
@pytest.mark.parametrize("event", WITH_ITEMS)
@pytest.mark.parametrize("place", ["items", "products"])
def test_items(event: str, place: str, source: str, target: str, value: Any) -> None:
    payload = track(event, **{place: [{source: value}, {"sku": "other"}]})
    expected = {"Items": [{target: value}, {"SKU": "other"}]}
    for wire in ("current", "native"):
        assert attributes(payload, wire=wire)["properties"] == expected
    (call,) = rehearsal(payload, connection_mode="device").browser_calls
    assert call[2] == expected


@pytest.mark.parametrize(("source", "target", "value"), ITEM_DEPLOYED)
@pytest.mark.parametrize("event", WITH_ITEMS)
@pytest.mark.parametrize("wire", ["current", "native"])
def test_items_as_deployed(event: str, wire: str, source: str, target: str, value: Any) -> None:
    payload = track(event, products=[{source: value, "colour": "red"}, {"colour": "blue"}])
    assert attributes(payload, fidelity="deployed", wire=wire)["properties"] == {"items": [{target: value}]}


def test_items_win_over_products() -> None:
    found = attributes(track("Product Added", items=[{"sku": "a"}], products=[{"sku": "b"}]))["properties"]
    assert found == {"Items": [{"SKU": "a"}], "products": [{"sku": "b"}]}


def test_products_are_used_where_items_are_empty() -> None:
    found = attributes(track("Product Added", items=[], products=[{"sku": "b"}]))["properties"]
    assert found == {"items": [], "Items": [{"SKU": "b"}]}


def test_the_row_total_of_the_sample_stands_in_for_a_total() -> None:
    found = attributes(track("Product Added", products=[{"row_total": 2}, {"row_total": 2, "total": 3}]))
    assert found["properties"]["Items"] == [{"RowTotal": 2}, {"RowTotal": 3, "row_total": 2}]


def test_items_keep_parameters_outside_the_table() -> None:
    assert attributes(track("Product Added", items=[{"sku": "a", "colour": "red"}]))["properties"] == {
        "Items": [{"SKU": "a", "colour": "red"}]
    }


def test_extra_properties_are_sent_as_documented_and_dropped_as_deployed() -> None:
    payload = track("Product Viewed", sku="s", colour="red", quantity=2)
    assert attributes(payload)["properties"] == {"SKU": "s", "colour": "red", "quantity": 2}
    assert attributes(payload, fidelity="deployed")["properties"] == {"SKU": "s"}


@pytest.mark.parametrize("value", ["12.5", 12.5])
@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
def test_values_are_numbers(value: Any, fidelity: str) -> None:
    assert attributes(track("Product Added", value=value), fidelity=fidelity)["value"] == 12.5


def test_value_that_is_not_a_number_stays_a_property() -> None:
    payload = track("Product Added", value="abc")
    assert attributes(payload)["properties"] == {"value": "abc"}
    assert outcome(payload).notes == ("value is not used as the event's value: a string that is no number",)
    assert outcome(payload, fidelity="deployed").reason == "Invalid float value"


def test_revenue_is_used_where_there_is_no_value() -> None:
    assert attributes(track("Product Viewed", revenue=5))["value"] == 5
    assert attributes(track("Product Added", revenue=5, value=7))["properties"] == {"revenue": 5}


def test_order_id_makes_the_event_unique() -> None:
    assert attributes(track("Checkout Started", order_id=42))["unique_id"] == "42"
    assert attributes(track("Checkout Started", order_id=""))["unique_id"] == "m1"
    assert attributes(track("Checkout Started", order_id={}))["unique_id"] == "m1"


def test_v2_and_v3_map_no_ecommerce_events() -> None:
    for version in ("v2", "v3"):
        found = attributes(track("Product Viewed", sku="s"), api_version=version)
        assert found["metric"]["data"]["attributes"]["name"] == "Product Viewed"
        assert found["properties"] == {"sku": "s"}


def test_empty_values_are_skipped_and_zero_and_false_kept() -> None:
    payload = track("Product Viewed", name="", sku=None, price=0, brand=False)
    for fidelity in ("documented", "deployed"):
        assert attributes(payload, fidelity=fidelity)["properties"] == {"Price": 0, "Brand": False}


def test_items_that_are_not_objects_stay_as_documented() -> None:
    payload = track("Product Added", items=["x", None, {"sku": "a"}, {}])
    assert attributes(payload)["properties"] == {"Items": ["x", {"SKU": "a"}]}
    assert attributes(payload, fidelity="deployed")["properties"] == {"items": [{"SKU": "a"}]}


_PARAMETERS = st.sampled_from([*ecommerce.ITEM, "row_total", "RowTotal", "SKU", "coupon"])


@given(item=st.dictionaries(_PARAMETERS, st.sampled_from(["a", 1, 0, "", None, False, [], ["b"], {}]), max_size=6))
def test_an_item_is_renamed_parameter_by_parameter(item: dict[str, Any]) -> None:
    rename = compile_item(ecommerce.ITEM, fallback=False, extras=True)
    expected: dict[str, Any] = {}
    for name, value in item.items():
        if name in ecommerce.ITEM:
            if value is not None and value != "":
                expected[ecommerce.ITEM[name]] = value
        else:
            expected.setdefault(name, value)
    assert list(rename(item).items()) == list(expected.items())


@given(text=st.text(max_size=4) | st.text(alphabet="ABUSDusd1 É", max_size=4))
@example("USD")
@example("\uff35\uff33\uff24")
def test_a_currency_is_three_capital_letters(text: str) -> None:
    code = text.strip().upper()
    assert acceptable.currency(text, []) == (code if re.fullmatch("[A-Z]{3}", code) else None)


def test_long_event_name_is_recognized() -> None:
    assert find_metric("Checkout Started" + " " * 1000) == find_metric("checkout started") is not None
