"""Upsert Profile, field by field, in documented fidelity on the newest revision."""

from typing import Any, ClassVar

import pytest

from tests.support.segment_actions import ATTRIBUTES, TRAITS, attributes_of, only, rejection, run


class TestUpsertProfile:
    IDENTIFY: ClassVar[dict[str, Any]] = {
        "type": "identify",
        "userId": "u-1",
        "messageId": "m",
        "traits": TRAITS,
        "context": {"traits": {"phone": "+15005550006"}},
        "properties": {"plan": "pro"},
    }

    def test_defaults(self) -> None:
        assert only("upsertProfile", {}, self.IDENTIFY) == ATTRIBUTES | {"properties": {"plan": "pro"}}

    @pytest.mark.parametrize(
        ("field", "given", "sent"),
        [
            ("email", "new@example.com", {"email": "new@example.com"}),
            ("external_id", {"@path": "$.userId"}, {"external_id": "u-1"}),
            ("first_name", 5, {"first_name": "5"}),
            ("last_name", ["L"], {"last_name": "L"}),
            ("organization", "O", {"organization": "O"}),
            ("title", True, {"title": "true"}),
            ("image", "i", {"image": "i"}),
            ("properties", {"a": None}, {"properties": {"a": None}}),
            (
                "location",
                {"latitude": 35.5, "longitude": None, "moon": 1},
                {"location": {"latitude": "35.5", "longitude": None}},
            ),
        ],
    )
    def test_fields(self, field: str, given: Any, sent: dict[str, Any]) -> None:
        assert sent.items() <= only("upsertProfile", {field: given}, self.IDENTIFY).items()

    def test_phone_and_country(self) -> None:
        fields = {"phone_number": "(415) 555-2671", "country_code": "US"}
        assert only("upsertProfile", fields, self.IDENTIFY)["phone_number"] == "+14155552671"
        assert "in upper case" in rejection("upsertProfile", {"country_code": "us"}, self.IDENTIFY)
        assert rejection("upsertProfile", {"phone_number": "(415) 555-2671"}, self.IDENTIFY) == (
            "phone_number: is not in E.164 form, such as +15005550006: it has no country code; map country_code"
        )

    def test_empty_and_null_are_left_out(self) -> None:
        event = self.IDENTIFY | {
            "traits": {"email": "ada@example.com", "firstName": "", "lastName": None},
            "properties": None,
        }
        assert only("upsertProfile", {"phone_number": None}, event) == {"email": "ada@example.com", "location": {}}

    def test_external_id_may_have_255_utf16_units(self) -> None:
        assert only("upsertProfile", {"external_id": "x" * 255}, self.IDENTIFY)["external_id"] == "x" * 255
        assert "at most 255 characters, not 256" in rejection(
            "upsertProfile", {"external_id": "😀" * 128}, self.IDENTIFY
        )

    def test_lists(self) -> None:
        """A connected list overrides the event's own, which overrides the mapping's."""
        event = self.IDENTIFY | {"integrations": {"Klaviyo": {"listId": "L/2"}}}
        fields = {"list_id": "L1"}
        for mapping, given, path in (
            ({}, self.IDENTIFY, "L1"),
            ({}, event, "L%2F2"),
            ({"connected_list_id": "L3"}, event, "L3"),
            ({"fields": {**fields, "retlOnMappingSave": {"outputs": {"id": "L4", "name": "N"}}}}, event, "L4"),
        ):
            requests, (outcome,) = run(
                "upsertProfile", fields, given, mapping=mapping, replies=[(201, {"data": {"id": "P"}})]
            )
            assert [request.path for request in requests] == [
                "/api/profiles",
                f"/api/lists/{path}/relationships/profiles",
            ]
            assert requests[1].json == {"data": [{"type": "profile", "id": "P"}]}
            assert outcome.kind == "delivered"

    def test_conflict(self) -> None:
        conflict = {"errors": [{"code": "duplicate_profile", "meta": {"duplicate_profile_id": "01/DUP"}}]}
        replies = [(409, conflict), (200, {"data": {"id": "01/DUP"}}), (204, None)]
        requests, (outcome,) = run("upsertProfile", {"list_id": "L1"}, self.IDENTIFY, replies=replies)
        assert [(r.method, r.path) for r in requests] == [
            ("POST", "/api/profiles"),
            ("PATCH", "/api/profiles/01%2FDUP"),
            ("POST", "/api/lists/L1/relationships/profiles"),
        ]
        assert requests[1].json["data"] == requests[0].json["data"] | {"id": "01/DUP"}
        assert outcome.kind == "delivered"

    def test_conflict_of_the_list_call(self) -> None:
        """Segment answers it like one of the profile."""
        conflict = {"errors": [{"code": "duplicate_profile", "meta": {"duplicate_profile_id": "P2"}}]}
        replies = [(201, {"data": {"id": "P1"}}), (409, conflict), (200, None), (204, None)]
        requests, (outcome,) = run("upsertProfile", {"list_id": "L1"}, self.IDENTIFY, replies=replies)
        assert [(r.method, r.path) for r in requests][2:] == [
            ("PATCH", "/api/profiles/P2"),
            ("POST", "/api/lists/L1/relationships/profiles"),
        ]
        assert outcome.kind == "delivered"

    @pytest.mark.parametrize(
        "reply", [None, {}, [], {"errors": "x"}, {"errors": [{"meta": {"duplicate_profile_id": 5}}]}]
    )
    def test_conflict_without_an_id(self, reply: Any) -> None:
        requests, (outcome,) = run("upsertProfile", {}, self.IDENTIFY, replies=[(409, reply)])
        assert (len(requests), outcome.kind, outcome.status, outcome.retryable) == (1, "failed", 409, False)

    def test_a_profile_without_an_id_is_added_to_no_list(self) -> None:
        requests, (outcome,) = run("upsertProfile", {"list_id": "L"}, self.IDENTIFY, replies=[(201, {"data": {}})])
        assert (len(requests), outcome.kind) == (1, "failed")

    def test_batch(self) -> None:
        fields = {"enable_batching": True, "list_id": {"@path": "$.traits.list"}}
        events = [
            {"type": "identify", "userId": str(n), "messageId": str(n), "traits": {"email": f"{n}@e.io", "list": at}}
            for n, at in enumerate(["A", "B", "A", None])
        ]
        requests, outcomes = run("upsertProfile", fields, *events)
        assert [outcome.kind for outcome in outcomes] == ["delivered"] * 4
        sent = [
            (
                request.json["data"].get("relationships"),
                [p["attributes"]["email"] for p in attributes_of(request)["profiles"]["data"]],
            )
            for request in requests
        ]
        assert sent == [
            ({"lists": {"data": [{"type": "list", "id": "A"}]}}, ["0@e.io", "2@e.io"]),
            ({"lists": {"data": [{"type": "list", "id": "B"}]}}, ["1@e.io"]),
            (None, ["3@e.io"]),
        ]

    def test_an_import_contains_a_profile_once(self) -> None:
        events = [
            {"type": "identify", "userId": "u", "traits": {"email": "a@e.io", "firstName": name}} for name in "AB"
        ]
        requests, _ = run("upsertProfile", {"enable_batching": True}, *events)
        assert [len(attributes_of(request)["profiles"]["data"]) for request in requests] == [1, 1]
        together, _ = run("upsertProfile", {"enable_batching": True}, *events, fidelity="deployed")
        assert [len(attributes_of(request)["profiles"]["data"]) for request in together] == [2]
