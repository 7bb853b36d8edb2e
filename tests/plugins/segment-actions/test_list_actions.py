"""The actions about the members of lists, field by field, in documented fidelity on the newest revision."""

from typing import Any, ClassVar

import pytest

from tests.support.segment_actions import ATTRIBUTES, TRAITS, attributes_of, rejection, run


class TestAddProfileToList:
    ENTERED: ClassVar[dict[str, Any]] = {
        "type": "track",
        "event": "Audience Entered",
        "userId": "u-1",
        "context": {
            "traits": {"email": "ada@example.com", "phone": "+15005550006"},
            "personas": {"external_audience_id": "L1"},
        },
        "properties": TRAITS | {"properties": {"plan": "pro"}},
    }

    def test_defaults(self) -> None:
        requests, (outcome,) = run("addProfileToList", {}, self.ENTERED, replies=[(201, {"data": {"id": "P"}})])
        assert outcome.kind == "delivered"
        assert attributes_of(requests[0]) == ATTRIBUTES | {"properties": {"plan": "pro"}}
        assert (requests[1].path, requests[1].json) == (
            "/api/lists/L1/relationships/profiles",
            {"data": [{"type": "profile", "id": "P"}]},
        )

    @pytest.mark.parametrize(
        ("field", "given", "sent"),
        [
            ("email", "a@b.io", {"email": "a@b.io"}),
            ("phone_number", "+15005550009", {"phone_number": "+15005550009"}),
            ("external_id", "e", {"external_id": "e"}),
            ("first_name", "f", {"first_name": "f"}),
            ("last_name", "l", {"last_name": "l"}),
            ("image", "i", {"image": "i"}),
            ("title", "t", {"title": "t"}),
            ("organization", "o", {"organization": "o"}),
            ("location", {"city": "c"}, {"location": {"city": "c"}}),
            ("properties", {"p": 1}, {"properties": {"p": 1}}),
        ],
    )
    def test_fields(self, field: str, given: Any, sent: dict[str, Any]) -> None:
        requests, _ = run("addProfileToList", {field: given}, self.ENTERED)
        assert sent.items() <= attributes_of(requests[0]).items()

    def test_country_code(self) -> None:
        requests, _ = run("addProfileToList", {"phone_number": "415 555 2671", "country_code": "US"}, self.ENTERED)
        assert attributes_of(requests[0])["phone_number"] == "+14155552671"

    def test_email_needs_an_alphabetic_top_level_domain(self) -> None:
        assert "email:" in rejection("addProfileToList", {"email": "a@b.c1"}, self.ENTERED)

    def test_conflict_needs_no_patch(self) -> None:
        conflict = {"errors": [{"meta": {"duplicate_profile_id": "DUP"}}]}
        requests, (outcome,) = run("addProfileToList", {}, self.ENTERED, replies=[(409, conflict), (204, None)])
        assert [request.method for request in requests] == ["POST", "POST"]
        assert requests[1].json == {"data": [{"type": "profile", "id": "DUP"}]}
        assert outcome.kind == "delivered"

    def test_a_failed_profile_is_an_error(self) -> None:
        requests, (outcome,) = run("addProfileToList", {}, self.ENTERED, replies=[(500, None), (204, None)])
        assert (len(requests), outcome.kind, outcome.status) == (1, "failed", 500)

    def test_deployed_fidelity_reports_the_failure_too(self) -> None:
        settings = {"fidelity": "deployed", "wire": "native"}
        requests, (outcome,) = run(
            "addProfileToList", {"enable_batching": False}, self.ENTERED, replies=[(500, None), (204, None)], **settings
        )
        assert requests[1].json == {"data": [{"type": "profile"}]}
        assert (outcome.kind, outcome.status) == ("failed", 500)

    def test_batch(self) -> None:
        events = [self.ENTERED | {"userId": str(n), "messageId": str(n)} for n in range(3)]
        (request,), outcomes = run(
            "addProfileToList", {"enable_batching": True, "external_id": {"@path": "$.userId"}}, *events
        )
        assert len(attributes_of(request)["profiles"]["data"]) == 3
        assert request.json["data"]["relationships"] == {"lists": {"data": [{"type": "list", "id": "L1"}]}}
        assert [outcome.kind for outcome in outcomes] == ["delivered"] * 3


REMOVALS: dict[str, dict[str, Any]] = {
    "removeProfileFromList": {"context": {"traits": {"email": "ada@example.com", "phone": "+15005550006"}}},
    "removeProfile": {"traits": {"email": "ada@example.com", "phone": "+15005550006"}},
}


@pytest.mark.parametrize("action", REMOVALS)
class TestRemove:
    def test_defaults_and_sequence(self, action: str) -> None:
        event = {"type": "track", "event": "Audience Exited", "userId": 'u"1', **REMOVALS[action]}
        fields = {"list_id": "L1", "external_id": {"@path": "$.userId"}}
        replies = [
            (200, {"data": [{"id": "A"}]}),
            (200, {"data": [{"id": "B"}, {"id": "A"}]}),
            (200, {"data": []}),
            (204, None),
        ]
        requests, (outcome,) = run(action, fields, event, replies=replies)
        assert [request.params for request in requests[:3]] == [
            {"filter": 'any(external_id,["u\\"1"])'},
            {"filter": 'any(email,["ada@example.com"])'},
            {"filter": 'any(phone_number,["+15005550006"])'},
        ]
        assert (requests[3].method, requests[3].path) == ("DELETE", "/api/lists/L1/relationships/profiles")
        assert requests[3].json == {"data": [{"type": "profile", "id": "A"}, {"type": "profile", "id": "B"}]}
        assert outcome.kind == "delivered"

    def test_country_code(self, action: str) -> None:
        fields = {"list_id": "L", "email": None, "phone_number": "415 555 2671", "country_code": "US"}
        requests, _ = run(action, fields, {"type": "identify"})
        assert requests[0].params == {"filter": 'any(phone_number,["+14155552671"])'}

    def test_no_profile_found(self, action: str) -> None:
        event = {"type": "identify", **REMOVALS[action]}
        requests, (outcome,) = run(action, {"list_id": "L1"}, event)
        assert [request.method for request in requests] == ["GET", "GET"]
        assert (outcome.kind, outcome.reason) == ("rejected", "no profile has these identifiers, so none was removed")
        _, outcomes = run(action, {"list_id": "L1", "enable_batching": True}, event, event | {"messageId": "2"})
        assert [(o.kind, o.notes) for o in outcomes] == [("delivered", ("no profile has these identifiers",))] * 2

    def test_requirements(self, action: str) -> None:
        assert "needs one of external_id" in rejection(action, {"list_id": "L"}, {"type": "identify"})
        assert "list_id: required" in rejection(action, {}, {"type": "identify", **REMOVALS[action]})

    def test_batch_looks_up_together(self, action: str) -> None:
        events = [{"type": "identify", "messageId": str(n), "userId": str(n)} for n in range(30)]
        fields = {"list_id": "L", "enable_batching": True, "external_id": {"@path": "$.userId"}}
        replies = [(200, {"data": [{"id": f"P{n}"} for n in range(30)]}), (204, None)]
        (look_up, removal), outcomes = run(action, fields, *events, replies=replies)
        assert look_up.params is not None
        assert look_up.params["page[size]"] == "100"
        assert look_up.params["filter"].count('"') == 60
        assert len(removal.json["data"]) == 30
        assert {outcome.kind for outcome in outcomes} == {"delivered"}

    def test_a_failed_look_up_fails_all(self, action: str) -> None:
        events = [{"type": "identify", "messageId": str(n), **REMOVALS[action]} for n in range(2)]
        requests, outcomes = run(action, {"list_id": "L", "enable_batching": True}, *events, replies=[(429, None)])
        assert len(requests) == 1
        assert [(o.kind, o.status, o.retryable) for o in outcomes] == [("failed", 429, True)] * 2
