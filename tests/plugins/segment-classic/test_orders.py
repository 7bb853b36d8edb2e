"""Order Completed on the server: the document's sample, then the table of differences."""

from typing import Any

import pytest

from tests.support.segment_classic import document, documents, outcome

COMPLETED = (
    "order completed",
    "Order_Completed",
    "OrderCompleted",
    " order completed ",
    "Completed Order",
    "completed order again",
)
URL = "http://www.example.com/path/to/product"
ORDER: dict[str, Any] = {
    "type": "track",
    "userId": "019mr8mf4r",
    "event": "Order Completed",
    "properties": {
        "orderId": "50314b8e9bcf000000000000",
        "total": 30,
        "revenue": 25,
        "shipping": 3,
        "tax": 2,
        "discount": 2.5,
        "coupon": "hasbros",
        "currency": "USD",
        "repeat": True,
        "products": [
            {
                "id": "507f1f77bcf86cd799439011",
                "sku": "45790-32",
                "name": "Monopoly: 3rd Edition",
                "price": 19,
                "quantity": 1,
                "category": "Games",
                "productUrl": URL,
                "imageUrl": f"{URL}/image.png",
            },
            {
                "id": "505bd76785ebb509fc183733",
                "sku": "46493-32",
                "name": "Uno Card Game",
                "price": 3,
                "quantity": 2,
                "category": "Games",
            },
        ],
    },
}


def order(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": "u", "event": "Order Completed", "properties": properties, **more}


def test_the_order_of_the_sample() -> None:
    placed, *_ = documents(ORDER)
    assert placed == {
        "token": "PUBKEY",
        "event": "Placed Order",
        "time": 1709288430,
        "customer_properties": {"$id": "019mr8mf4r"},
        "properties": {
            "$event_id": "50314b8e9bcf000000000000",
            "$value": 25,
            "Categories": ["Games", "Games"],
            "Item Names": ["Monopoly: 3rd Edition", "Uno Card Game"],
            "Items": [
                {
                    "id": "507f1f77bcf86cd799439011",
                    "SKU": "45790-32",
                    "Name": "Monopoly: 3rd Edition",
                    "Quantity": 1,
                    "Item Price": 19,
                    "Row Total": 19,
                    "Categories": ["Games"],
                    "Product URL": URL,
                    "Image URL": f"{URL}/image.png",
                },
                {
                    "id": "505bd76785ebb509fc183733",
                    "SKU": "46493-32",
                    "Name": "Uno Card Game",
                    "Quantity": 2,
                    "Item Price": 3,
                    "Row Total": 3,
                    "Categories": ["Games"],
                },
            ],
            "shipping": 3,
            "tax": 2,
            "discount": 2.5,
            "coupon": "hasbros",
            "currency": "USD",
            "repeat": True,
        },
    }


def test_the_products_of_the_sample() -> None:
    _, monopoly, uno = documents(ORDER)
    assert monopoly == {
        "token": "PUBKEY",
        "event": "Ordered Product",
        "time": 1709288430,
        "customer_properties": {"$id": "019mr8mf4r"},
        "properties": {
            "$event_id": "50314b8e9bcf000000000000_507f1f77bcf86cd799439011",
            "$value": 19,
            "Name": "Monopoly: 3rd Edition",
            "Quantity": 1,
            "Product Categories": ["Games"],
            "SKU": "45790-32",
            "Product URL": URL,
            "Image URL": f"{URL}/image.png",
        },
    }
    assert uno["properties"]["$event_id"] == "50314b8e9bcf000000000000_505bd76785ebb509fc183733"


def test_the_setting_keeps_the_name() -> None:
    assert [found["event"] for found in documents(ORDER, use_segment_spec=True)] == [
        "Order Completed",
        "Ordered Product",
        "Ordered Product",
    ]


@pytest.mark.parametrize("name", COMPLETED)
def test_names_of_a_completed_order(name: str) -> None:
    assert document(order({}, event=name))["event"] == "Placed Order"


@pytest.mark.parametrize("name", ["Order Completed!", "My Order Completed", "Order  Completed", "Order Updated", 5])
def test_other_names_are_no_orders(name: object) -> None:
    assert document(order({}, event=name))["event"] == name


def test_the_total_is_the_value_without_revenue() -> None:
    assert document(order({"total": "$31"}))["properties"]["$value"] == 31
    assert document(order({"revenue": 0, "total": 31}))["properties"]["$value"] == 31


@pytest.mark.parametrize(
    ("product", "own"),
    [
        ({"productId": "p", "id": "i", "sku": "s"}, "p"),
        ({"product_id": "p", "sku": "s"}, "p"),
        ({"id": 3, "sku": "s"}, "3"),
        ({"sku": "s"}, "s"),
        ({"productId": "", "sku": "s"}, "s"),
    ],
)
def test_the_id_of_a_product(product: dict[str, Any], own: str) -> None:
    _, found = documents(order({"orderId": 99, "products": [product]}))
    assert found["properties"]["$event_id"] == f"99_{own}"


def test_custom_members_of_a_product_are_kept() -> None:
    placed, found = documents(order({"orderId": "o", "products": [{"id": 1, "row_total": 7, "brand": "B", "x": None}]}))
    assert placed["properties"]["Items"] == [{"id": 1, "Quantity": 1, "Categories": [None], "brand": "B", "x": None}]
    assert found["properties"] == {
        "$event_id": "o_1",
        "Quantity": 1,
        "Product Categories": [None],
        "row_total": 7,
        "brand": "B",
        "x": None,
    }


def test_a_product_without_any_id_has_no_event() -> None:
    event = order({"orderId": "o", "products": [{"name": "Uno"}, {"sku": "s"}, "text"]})
    _, found = documents(event)
    assert found["properties"]["$event_id"] == "o_s"
    assert [note.split()[0] for note in outcome(event).notes] == ["products[0]", "products[2]"]
    ids = [each["properties"]["$event_id"] for each in documents(event, fidelity="deployed")[1:]]
    assert ids == ["o_undefined", "o_s", "o_undefined"]


def test_an_order_without_id_uses_the_message_id() -> None:
    event = order({"products": [{"sku": "s"}]})
    placed, found = documents(event)
    assert "$event_id" not in placed["properties"]
    assert found["properties"]["$event_id"] == "m-1_s"
    assert documents(event, fidelity="deployed")[1]["properties"]["$event_id"] == "undefined_s"


def test_the_event_id_goes_first() -> None:
    event = order({"eventId": "e", "orderId": "o", "products": [{"sku": "s"}]})
    placed, found = documents(event)
    assert (placed["properties"]["$event_id"], found["properties"]["$event_id"]) == ("e", "o_s")
    assert documents(event, fidelity="deployed")[0]["properties"]["$event_id"] == "o"


def test_a_date_as_order_id_is_joined_as_deployed() -> None:
    event = order({"orderId": "2014-05-06", "products": [{"sku": "s"}]})
    found = documents(event, fidelity="deployed")[1]["properties"]["$event_id"]
    assert found == "Tue May 06 2014 00:00:00 GMT+0000 (Coordinated Universal Time)_s"


def test_the_profile_of_an_order() -> None:
    event = order({"email": "a@b.co", "products": [{"sku": "s"}]})
    both = {"$email": "a@b.co", "$id": "u"}
    assert [found["customer_properties"] for found in documents(event)] == [both, both]
    assert documents(event, fidelity="deployed")[0]["customer_properties"] == {"$id": "u"}


def test_the_profile_of_an_order_with_enforced_email() -> None:
    event = order({"email": "a@b.co", "products": [{"sku": "s"}]})
    assert documents(event, enforce_email=True)[1]["customer_properties"] == {"$email": "a@b.co", "id": "u"}
    assert "customer_properties" not in documents(event, enforce_email=True, fidelity="deployed")[0]


@pytest.mark.parametrize("amounts", [{"revenue": "99 or so", "total": 120}, {"revenue": "1,234"}, {"total": "12,5"}])
def test_revenue_that_is_no_number_stays_a_property_with_a_note(amounts: dict[str, Any]) -> None:
    found = document(order(amounts))["properties"]
    assert "$value" not in found
    assert {name: found[name] for name in amounts} == amounts
    name = next(iter(amounts))
    (note,) = outcome(order(amounts)).notes
    assert note.startswith(f"{name} is not the event's value: a string")
    assert (
        outcome(order(amounts), fidelity="deployed").notes[0].startswith(f"{name} is not the event's value: a string")
    )


def test_an_amount_with_its_currency_is_the_value() -> None:
    assert document(order({"revenue": "\u20ac99", "total": 120}))["properties"]["$value"] == 99


@pytest.mark.parametrize(
    "products",
    [
        [{"product_id": "p1", "size": "S"}, {"product_id": "p1", "size": "M"}],
        [{"sku": "p1"}, {"id": "p1"}],
        [{"productId": 1, "size": "S"}, {"id": "1", "size": "M"}],
    ],
)
@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
def test_products_that_share_an_id_are_noted(products: list[dict[str, Any]], fidelity: str) -> None:
    event = order({"orderId": "o1", "products": [*products, {"sku": "other"}]})
    first, second = (found["properties"]["$event_id"] for found in documents(event, fidelity=fidelity)[1:3])
    assert first == second
    assert outcome(event, fidelity=fidelity).notes == (
        "products[1] has the id of products[0]: Klaviyo keeps one event of the two",
    )


def test_a_second_spelling_of_the_id_is_noted() -> None:
    event = order({"order_id": "o1", "orderId": "o2"})
    assert document(event)["properties"] == {"$event_id": "o1", "Categories": [], "Item Names": [], "Items": []}
    assert outcome(event).notes == ("orderId left out: another id is the order's",)


def test_an_order_id_that_another_id_replaces_is_noted_as_deployed() -> None:
    event = order({"id": "i1", "orderId": "o2"})
    assert outcome(event, fidelity="deployed").notes == ("orderId left out: another id is the order's",)
    assert outcome(event).notes == ()


def test_a_second_spelling_is_kept() -> None:
    found = document(order({"categories": 1, "Categories": 2}), fidelity="deployed")["properties"]
    assert found["Categories"] == 2
    assert "categories" not in found
