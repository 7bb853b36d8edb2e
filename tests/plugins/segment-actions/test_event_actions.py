"""Track Event and Order Completed, field by field, in documented fidelity on the newest revision."""

from typing import Any, ClassVar

import pytest

from klavier import parse_event
from klavier_segment_actions import resolve_mapping
from tests.support.segment_actions import TIME, TRACK, attributes_of, only, person, rejection, run


class TestTrackEvent:
    def test_defaults(self) -> None:
        assert only("trackEvent", {}, TRACK) == {
            "properties": {"laces": 2},
            "time": TIME,
            "unique_id": "m-1",
            "metric": {"data": {"type": "metric", "attributes": {"name": "Shoe Tied"}}},
            "profile": {
                "data": {"type": "profile", "attributes": {"external_id": "u-1", "anonymous_id": "a-1"}},
            },
        }

    @pytest.mark.parametrize(
        ("field", "mapping", "sent"),
        [
            ("email", {"@path": "$.properties.mail"}, {"email": "x@y.io"}),
            ("phone_number", "+15005550006", {"phone_number": "+15005550006"}),
            ("external_id", 7, {"external_id": "7"}),
            ("anonymous_id", {"@template": "{{anonymousId}}!"}, {"anonymous_id": "a-1!"}),
            ("first_name", "Ada", {"first_name": "Ada"}),
            ("shoe_size", 38, {"properties": {"shoe_size": 38}}),
        ],
    )
    def test_profile(self, field: str, mapping: Any, sent: dict[str, Any]) -> None:
        event = TRACK | {"properties": {"mail": "x@y.io"}}
        assert sent.items() <= person(only("trackEvent", {"profile": {field: mapping}}, event)).items()

    @pytest.mark.parametrize("path", ["$.userId", "userId", "user$.Id", "$.$.a", "a$.", "a$", "[a]", "$.", "", "$.b.c"])
    def test_a_text_read_at_once_is_what_its_path_resolves_to(self, path: str) -> None:
        event = TRACK | {"a": "1", "a$": "2", "$": {"a": "3"}, "b": {"c": "4"}, "email": "x@y.io"}
        resolved = resolve_mapping({"@path": path}, event)
        profile = {"email": "x@y.io", "anonymous_id": {"@path": path}}
        if isinstance(resolved, dict):
            assert "must be a string" in rejection("trackEvent", {"profile": profile}, event)
        else:
            assert person(only("trackEvent", {"profile": profile}, event)).get("anonymous_id") == resolved

    def test_profile_country_code(self) -> None:
        found = person(only("trackEvent", {"profile": {"phone_number": "0207 183 8750", "country_code": "GB"}}, TRACK))
        assert found == {"external_id": "u-1", "anonymous_id": "a-1", "phone_number": "+442071838750"}

    def test_profile_can_be_a_directive(self) -> None:
        event = TRACK | {"properties": {"email": "x@y.io", "plan": {"a": 1}, "location": {"city": "B", "lane": 1}}}
        (request,), (outcome,) = run("trackEvent", {"profile": {"@path": "$.properties"}}, event)
        assert person(attributes_of(request)) == {
            "email": "x@y.io",
            "properties": {"plan": {"a": 1}},
            "location": {"city": "B"},
        }
        assert outcome.notes == ("profile.location.lane left out: Klaviyo has no such member",)

    def test_metric_name(self) -> None:
        attributes = only("trackEvent", {"metric_name": {"@case": {"operator": "upper", "value": "seen"}}}, TRACK)
        assert attributes["metric"]["data"]["attributes"]["name"] == "SEEN"
        assert "metric_name: required" in rejection("trackEvent", {"metric_name": {"@path": "$.nope"}}, TRACK)
        assert "at most 127 characters, not 128" in rejection("trackEvent", {"metric_name": "n" * 128}, TRACK)
        long = {"metric_name": "n" * 128, "profile": {"external_id": "u"}}
        requests, (outcome,) = run("trackEvent", long, TRACK, fidelity="deployed", wire="native")
        assert (len(requests), outcome.kind) == (1, "delivered")

    @pytest.mark.parametrize("batched", [False, True])
    @pytest.mark.parametrize("fidelity", ["documented", "deployed"])
    def test_an_empty_text_is_no_number(self, fidelity: str, *, batched: bool) -> None:
        fields = {"value": "", "profile": {"external_id": "u"}, "enable_batching": batched}
        _, (outcome,) = run("trackEvent", fields, TRACK, fidelity=fidelity)
        assert outcome.kind == "delivered"

    def test_an_empty_time_is_left_out(self) -> None:
        assert "time" not in only("trackEvent", {"time": ""}, TRACK)

    def test_properties_in_an_array_are_no_object(self) -> None:
        assert "must be an object, not an array" in rejection("trackEvent", {"properties": [{"a": 1}]}, TRACK)

    def test_properties(self) -> None:
        assert only("trackEvent", {"properties": {"a": {"@path": "$.userId"}}}, TRACK)["properties"] == {"a": "u-1"}
        assert "properties: required" in rejection("trackEvent", {}, TRACK | {"properties": None})
        assert "properties: must be an object, not a string" in rejection("trackEvent", {"properties": "x"}, TRACK)

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            (1709288430123, TIME),
            ("2024-03-01T12:20:30.123999+02:00", TIME),
            ("2024-03-01T10:20:30", "2024-03-01T10:20:30.000Z"),
            ("2024/3/1", "2024-03-01T00:00:00.000Z"),
            ("Fri, 01 Mar 2024 10:20:30 GMT", "2024-03-01T10:20:30.000Z"),
            ("1709288430123", TIME),
            ("1709288430", "2024-03-01T10:20:30.000Z"),
            ("March 1, 2024", "2024-03-01T00:00:00.000Z"),
            ("3/1/2024 10:20 AM", "2024-03-01T10:20:00.000Z"),
            ("2024-02-30T00:00:00Z", "2024-03-01T00:00:00.000Z"),
            ("2024-03-01T24:00:00Z", "2024-03-02T00:00:00.000Z"),
            ("2024-02-06 13:46:34.123 UTC", "2024-02-06T13:46:34.123Z"),
            ("20240301", "2024-03-01T00:00:00.000Z"),
        ],
    )
    def test_time(self, given: Any, sent: str) -> None:
        assert only("trackEvent", {"time": given}, TRACK)["time"] == sent

    def test_invalid_times(self) -> None:
        assert "time" not in only("trackEvent", {"time": 0}, TRACK)
        assert "time: is no ISO 8601 time and no epoch number" in rejection("trackEvent", {"time": "soon"}, TRACK)
        assert "time: is a time before 1990" in rejection("trackEvent", {"time": 1709288430}, TRACK)
        assert "time: is a time beyond the year 9999" in rejection("trackEvent", {"time": 10**15}, TRACK)
        assert "time: must be a time, not an object" in rejection("trackEvent", {"time": {"a": 1}}, TRACK)

    @pytest.mark.parametrize(("given", "sent"), [("12.5", 12.5), (True, 1), ([3], 3), ("1e3", 1000)])
    def test_value(self, given: Any, sent: float) -> None:
        assert only("trackEvent", {"value": given}, TRACK)["value"] == sent

    def test_invalid_values(self) -> None:
        assert (
            rejection("trackEvent", {"value": "abc"}, TRACK)
            == "value: must be a number, not a string that is no number"
        )

    def test_unique_id(self) -> None:
        assert only("trackEvent", {"unique_id": {"@path": "$.properties.laces"}}, TRACK)["unique_id"] == "2"
        without = {key: value for key, value in TRACK.items() if key != "messageId"}
        assert only("trackEvent", {}, without)["unique_id"] == parse_event(without).stable_id

    def test_an_identifier_is_required(self) -> None:
        assert "one of external_id, anonymous_id" in rejection(
            "trackEvent", {}, {"type": "track", "event": "E", "properties": {}}
        )

    def test_all_problems_are_reported(self) -> None:
        fields = {"profile": {"email": "no", "phone_number": {"x": 1}}, "value": "x"}
        assert rejection("trackEvent", fields, TRACK) == (
            "profile.email: must be an ASCII email address with a dotted domain; "
            "profile.phone_number: must be a string, not an object; "
            "value: must be a number, not a string that is no number"
        )


class TestOrderCompleted:
    ORDER: ClassVar[dict[str, Any]] = TRACK | {
        "properties": {"order_id": "o-1", "total": 30, "products": [{"sku": "s1"}, {"sku": "s2", "total": 5}]}
    }

    def test_order_then_products(self) -> None:
        fields = {"products": {"@path": "$.properties.products"}, "value": {"@path": "$.properties.total"}}
        requests, (outcome,) = run("orderCompleted", fields, self.ORDER)
        assert outcome.kind == "delivered"
        order, *products = map(attributes_of, requests)
        assert (order["value"], order["properties"]) == (30, self.ORDER["properties"])
        assert order["metric"]["data"]["attributes"]["name"] == "Order Completed"
        assert [product["properties"] for product in products] == [
            {"order_id": "o-1", "total": 30, "sku": "s1"},
            {"order_id": "o-1", "total": 5, "sku": "s2"},
        ]
        assert all(product["metric"]["data"]["attributes"]["name"] == "Ordered Product" for product in products)
        assert all((p["time"], p["profile"]) == (order["time"], order["profile"]) for p in products)
        assert all("value" not in product for product in products)
        assert len({order["unique_id"], *(product["unique_id"] for product in products)}) == 3

    def test_product_ids_stay_the_same(self) -> None:
        fields = {"products": {"@path": "$.properties.products"}}
        first, second = (run("orderCompleted", fields, self.ORDER)[0] for _ in range(2))
        assert [request.json for request in first] == [request.json for request in second]

    def test_names(self) -> None:
        fields = {"event_name": "Placed Order", "product_event_name": "Bought", "products": [{"sku": 1}]}
        requests, _ = run("orderCompleted", fields, self.ORDER)
        names = [attributes_of(request)["metric"]["data"]["attributes"]["name"] for request in requests]
        assert names == ["Placed Order", "Bought"]

    @pytest.mark.parametrize("fidelity", ["documented", "deployed"])
    def test_empty_names_are_the_defaults(self, fidelity: str) -> None:
        fields = {"event_name": "", "product_event_name": {"@path": "$.nope"}, "products": [{}]}
        fields |= {"profile": {"external_id": "u"}}
        requests, _ = run("orderCompleted", fields, self.ORDER, fidelity=fidelity)
        names = [attributes_of(request)["metric"]["data"]["attributes"]["name"] for request in requests]
        assert names == ["Order Completed", "Ordered Product"]

    def test_no_products_without_a_202(self) -> None:
        requests, (outcome,) = run("orderCompleted", {"products": [{}]}, self.ORDER, replies=[(500, None)])
        assert (len(requests), outcome.kind, outcome.status, outcome.retryable) == (1, "failed", 500, True)

    def test_a_product_that_fails(self) -> None:
        replies: list[tuple[int, Any]] = [(202, {}), (202, {}), (429, None)]
        requests, (outcome,) = run("orderCompleted", {"products": [{}, {}]}, self.ORDER, replies=replies)
        assert (len(requests), outcome.kind, outcome.status, outcome.retryable) == (3, "failed", 429, True)
        assert outcome.reason.startswith("the order was accepted, product 2 of 2 was not")

    def test_products_must_be_objects(self) -> None:
        assert (
            rejection("orderCompleted", {"products": [1]}, self.ORDER) == "products[0]: must be an object, not a number"
        )

    def test_empty_products_are_ignored(self) -> None:
        requests, _ = run("orderCompleted", {"products": [None, {"sku": "s"}, ""]}, self.ORDER)
        assert len(requests) == 2
        assert len(run("orderCompleted", {"products": ""}, self.ORDER)[0]) == 1

    def test_a_single_product_object(self) -> None:
        requests, _ = run("orderCompleted", {"products": {"sku": "s"}}, self.ORDER)
        assert len(requests) == 2

    def test_email_is_checked_as_klaviyo_does_only(self) -> None:
        """Track Event asks for an ASCII address; Order Completed takes what Klaviyo takes."""
        odd = {"profile": {"email": "zoë@example.com"}}
        assert person(only("orderCompleted", odd, self.ORDER))["email"] == "zoë@example.com"
        assert rejection("trackEvent", odd, self.ORDER).startswith("profile.email: must be an ASCII email address")
        assert "e-mail address" in rejection("orderCompleted", {"profile": {"email": "odd"}}, self.ORDER)
