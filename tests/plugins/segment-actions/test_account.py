"""Engage audiences, lists, deletions and the authentication test."""

from collections.abc import Generator
from typing import Any

import pytest

from klavier import Outcome, Request, Response, Sandbox, load_vendor, parse_event, rehearse
from klavier.flows.drivers import deliver, plan
from klavier_segment_actions.account import ListChoice, run
from tests.support.schemas import assert_valid


def vendor(**more: Any) -> Any:
    return load_vendor("segment-actions", {"api_key": "pk_sandbox", **more})


def finish(steps: Generator[Request, Response, Any], *replies: Response) -> tuple[list[Request], Any]:
    """Run a generator to its end with these replies; return its requests and its result."""
    requests: list[Request] = []
    answers = iter(replies)

    def send(request: Request) -> Response:
        requests.append(request)
        return next(answers)

    return requests, run(steps, send)


def entered(event: str = "Audience Entered", **personas: Any) -> Any:
    return parse_event(
        {
            "type": "track",
            "event": event,
            "userId": "u1",
            "messageId": event,
            "properties": {},
            "context": {"traits": {"email": "ada@shop.test"}, "personas": {"computation_class": "audience"} | personas},
        }
    )  # fmt: skip


class TestEngage:
    def test_the_first_sync_creates_the_list(self) -> None:
        sandbox, audience = Sandbox(private_api_key="pk_sandbox"), vendor()
        for event in (entered(computation_key="vip"), entered(computation_key="vip")):
            for delivery in plan(audience, [event]):
                (outcome,) = deliver(delivery, sandbox.send)
                assert outcome.kind == "delivered", outcome.reason
        (found,) = sandbox.state()["lists"]
        assert found["name"] == "vip"
        assert len(found["profiles"]) == 1
        for delivery in plan(audience, [entered("Audience Exited", computation_key="vip")]):
            (outcome,) = deliver(delivery, sandbox.send)
        assert outcome.kind == "delivered"
        assert sandbox.state()["lists"][0]["profiles"] == []

    def test_batched(self) -> None:
        sandbox = Sandbox(private_api_key="pk_sandbox")
        audience = vendor(mappings=[{"action": "addProfileToList", "fields": {"enable_batching": True}}])
        events = [
            parse_event(entered(computation_key="vip").payload | {"userId": str(n), "messageId": str(n), "context": {
                "traits": {"email": f"{n}@shop.test"}, "personas": {"computation_key": "vip"}}})
            for n in range(3)
        ]  # fmt: skip
        outcomes = [o for delivery in plan(audience, events) for o in deliver(delivery, sandbox.send)]
        assert [outcome.kind for outcome in outcomes] == ["delivered"] * 3
        assert [call.path for call in sandbox.calls] == ["/api/lists", "/api/lists", "/api/profile-bulk-import-jobs"]
        assert len(sandbox.state()["lists"][0]["profiles"]) == 3

    def test_list_precedence(self) -> None:
        """The audience's own setting overrides the vendor's, which overrides the list's id at Segment."""
        own = {"audience_settings": {"listId": "OWN"}, "external_audience_id": "EXT"}
        for personas, settings, path in (
            (own, {}, "OWN"), ({"external_audience_id": "EXT"}, {}, "EXT"),
            ({"external_audience_id": "EXT"}, {"list_id": "SET"}, "SET"), (own, {"list_id": "SET"}, "OWN"),
        ):  # fmt: skip
            requests = rehearse(vendor(**settings), [entered(**personas)]).requests
            assert requests[-1].path == f"/api/lists/{path}/relationships/profiles"

    def test_removing_from_an_audience_without_a_list_is_rejected(self) -> None:
        (outcome,) = rehearse(vendor(), [entered("Audience Exited", computation_key="vip")]).outcomes
        assert (outcome.kind, outcome.reason) == (
            "rejected", "the audience has no list in Klaviyo yet, so the profile cannot be removed from it",
        )  # fmt: skip

    def test_no_list_and_no_audience(self) -> None:
        (outcome,) = rehearse(vendor(), [entered()]).outcomes
        assert outcome.reason.startswith("list_id: required")
        deployed = vendor(fidelity="deployed", mappings=[{"action": "addProfileToList"}])
        (outcome,) = rehearse(deployed, [entered(computation_key="vip")]).outcomes
        assert outcome.reason == "list_id: required, and the mapping resolves to nothing"

    @pytest.mark.parametrize(
        "replies",
        [
            [Response(500)],
            [Response(200, {"data": []}), Response(400)],
            [Response(200, {"data": []}), Response(201, {})],
        ],
    )
    def test_a_list_that_cannot_be_created(self, replies: list[Response]) -> None:
        result = rehearse(vendor(), [entered(computation_key="vip")], replies)
        assert len(result.requests) == len(replies)
        assert result.outcomes[0].kind == "failed"


class TestAccount:
    def test_authentication(self) -> None:
        (request,), outcome = finish(vendor().account.authentication_test(), Response(200, {"data": []}))
        assert (request.method, request.path, outcome.kind) == ("GET", "/api/accounts", "delivered")
        _, outcome = finish(vendor().account.authentication_test(), Response(401))
        assert (outcome.kind, outcome.status, outcome.retryable) == ("failed", 401, False)

    def test_list_choices(self) -> None:
        def page(name: str, following: Any) -> Response:
            return Response(
                200,
                {
                    "data": [{"id": name, "attributes": {"name": name * 2}}, {"id": 5}, "x"],
                    "links": {"next": following},
                },
            )

        address = "https://a.klaviyo.com/api/lists?page%5Bcursor%5D=c2"
        requests, choices = finish(vendor().account.list_choices(), page("A", address), page("B", None))
        assert choices == [ListChoice("A", "AA"), ListChoice("B", "BB")]
        assert [request.params for request in requests] == [None, {"page[cursor]": "c2"}]
        requests, choices = finish(vendor(wire="native").account.list_choices(), page("A", address))
        assert ([request.path for request in requests], len(choices)) == (["/api/lists/"], 1)
        assert isinstance(finish(vendor().account.list_choices(), Response(403))[1], Outcome)

    def test_create_audience(self) -> None:
        (request,), found = finish(vendor().account.create_audience("VIP"), Response(201, {"data": {"id": "L"}}))
        assert found == "L"
        assert_valid("create_list", "2026-10-15", request.json)
        assert finish(vendor(list_id="SET").account.create_audience("VIP")) == ([], "SET")
        assert finish(vendor().account.create_audience(""))[1].kind == "rejected"
        assert finish(vendor().account.create_audience("VIP"), Response(500))[1].retryable

    def test_get_audience_compares_the_id(self) -> None:
        (request,), found = finish(vendor().account.get_audience("L/1"), Response(200, {"data": {"id": "L/1"}}))
        assert (request.path, found) == ("/api/lists/L%2F1", "L/1")
        assert finish(vendor().account.get_audience("L"), Response(200, {"data": {"id": "M"}}))[1].kind == "rejected"
        assert finish(vendor().account.get_audience("L"), Response(404))[1].status == 404
        (request,), found = finish(
            vendor(list_id="SET").account.get_audience("L"), Response(200, {"data": {"id": "SET"}})
        )
        assert (request.path, found) == ("/api/lists/SET", "SET")
        assert finish(vendor().account.get_audience(""))[1].kind == "rejected"

    def test_connect_list(self) -> None:
        reply = Response(200, {"data": {"id": "L", "attributes": {"name": "News"}}})
        (request,), found = finish(vendor().account.connect_list(list_id="L"), reply)
        assert (request.method, found) == ("GET", ListChoice("L", "News"))
        (request,), found = finish(vendor().account.connect_list(name="New"), Response(201, {"data": {"id": "N"}}))
        assert (request.method, found) == ("POST", ListChoice("N", "New"))
        assert finish(vendor().account.connect_list())[1].kind == "rejected"
        assert finish(vendor().account.connect_list(list_id="M"), reply)[1].kind == "rejected"

    def test_delete_profile(self) -> None:
        replies = [Response(200, {"data": [{"id": "01P"}]}), Response(202)]
        requests, outcome = finish(vendor().account.delete_profile(user_id="u1"), *replies)
        assert requests[0].params == {"filter": 'any(external_id,["u1"])'}
        assert requests[1].json["data"]["attributes"]["profile"]["data"]["id"] == "01P"
        assert_valid("request_profile_deletion", "2026-10-15", requests[1].json)
        assert outcome.kind == "delivered"
        (request,), _ = finish(vendor().account.delete_profile(user_id="u1", email="a@b.io"), Response(202))
        assert_valid("request_profile_deletion", "2026-10-15", request.json)
        _, outcome = finish(vendor().account.delete_profile(user_id="u1"), Response(200, {"data": []}))
        assert outcome.notes == ("no profile has this external id, so there is nothing to delete",)
        assert finish(vendor().account.delete_profile())[1].kind == "rejected"

    def test_deployed_deletion_sends_the_user_id_as_the_profile_id(self) -> None:
        deployed = vendor(fidelity="deployed", wire="native")
        (request,), _ = finish(deployed.account.delete_profile(user_id="u1"), Response(202))
        assert request.path == "/api/data-privacy-deletion-jobs/"
        assert request.json["data"]["attributes"]["profile"]["data"] == {"type": "profile", "id": "u1"}
