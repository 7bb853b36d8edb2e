"""Send one bulk request to its end, with the replies of a script: refusals, halves, import jobs."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from klavier import Request, Response
from klavier.worker.bulk.endpoints import BULK_ENDPOINTS
from klavier.worker.bulk.import_job import MOST_ERRORS, follow_job, follow_own_job
from klavier.worker.bulk.job import send_bulk, send_single
from klavier.worker.bulk.packing import BulkItem, combine
from tests.support.simulation import event_request, import_request
from tests.support.virtual_time import run_virtually

EVENTS = BULK_ENDPOINTS["bulk_create_events"]
IMPORTS = BULK_ENDPOINTS["bulk_import_profiles"]
JOB = "/api/profile-bulk-import-jobs/J"
ACCEPTED = Response(202, {"data": {"id": "J"}})


class Script:
    """Sends by a function of the request, and keeps what was sent."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        self.sent: list[Request] = []
        self.moments: list[float] = []

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        self.moments.append(asyncio.get_running_loop().time())
        return self.answer(request)

    @property
    def sizes(self) -> list[int]:
        return [len(numbers(request)) for request in self.sent]


def numbers(request: Request) -> list[int]:
    attributes = request.json["data"]["attributes"]
    if "events-bulk-create" not in attributes:
        return [attributes["properties"]["n"]]
    rows = attributes["events-bulk-create"]["data"]
    return [row["attributes"]["events"]["data"][0]["attributes"]["properties"]["n"] for row in rows]


def events(count: int) -> list[BulkItem]:
    return [BulkItem(event_request(f"u{n}", n), None, bulkable=True) for n in range(count)]


def imports(count: int, **options: bool) -> list[BulkItem]:
    return [BulkItem(import_request(f"u{n}", n), None, bulkable=True, **options) for n in range(count)]


def send(items: list[BulkItem], script: Script) -> list[Response]:
    return run_virtually(send_bulk(EVENTS, items, script.send))


def refusal(*pointers: object, status: int = 400) -> Response:
    return Response(status, {"errors": [{"code": "invalid", "source": {"pointer": pointer}} for pointer in pointers]})


def at(place: object, rest: str = "") -> str:
    return f"{EVENTS.pointer}{place}{rest}"


def test_items_that_a_refusal_names_get_it_and_the_others_are_sent_again() -> None:
    replies = iter([refusal(at(1, "/attributes"), at(3), at(3, "/type")), ACCEPTED])
    script = Script(lambda _: next(replies))
    found = send(events(5), script)
    assert [reply.status for reply in found] == [202, 400, 202, 400, 202]
    assert [numbers(request) for request in script.sent] == [[0, 1, 2, 3, 4], [0, 2, 4]]
    assert [[error.pointer for error in reply.errors] for reply in found[1::2]] == [
        [f"{EVENTS.pointer}0/attributes"],
        [f"{EVENTS.pointer}0", f"{EVENTS.pointer}0/type"],
    ]


def test_where_all_items_are_named_nothing_is_sent_again() -> None:
    script = Script(lambda _: refusal(at(0), at(1), status=422))
    assert [reply.status for reply in send(events(2), script)] == [422, 422]
    assert script.sizes == [2]


@pytest.mark.parametrize(
    "pointers",
    [(), (at(5),), (at("x"),), (at(""),), (at("1234567890"),), (at("\u0662"),), ("/data",), (None,), (7,)],
)
def test_where_no_item_is_named_the_halves_are_sent(pointers: tuple[object, ...]) -> None:
    script = Script(lambda request: refusal(*pointers) if 3 in numbers(request) else ACCEPTED)
    found = send(events(5), script)
    assert [reply.status for reply in found] == [202, 202, 202, 400, 202]
    assert [numbers(request) for request in script.sent] == [[0, 1, 2, 3, 4], [0, 1], [2, 3, 4], [2], [3, 4], [3], [4]]
    assert {request.path for request in script.sent if len(numbers(request)) == 1} == {"/api/events"}


def test_the_last_item_may_be_named_and_the_longest_index_read() -> None:
    script = Script(lambda request: refusal(at("000000002")) if 2 in numbers(request) else ACCEPTED)
    assert [reply.status for reply in send(events(3), script)] == [202, 202, 400]
    assert script.sizes == [3, 2]


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503, 0])
def test_a_failure_of_the_whole_request_is_every_items(status: int) -> None:
    script = Script(lambda _: Response(status))
    assert [reply.status for reply in send(events(4), script)] == [status] * 4
    assert script.sizes == [4]


def test_after_a_passing_failure_of_one_half_the_other_waits_too() -> None:
    replies = iter([Response(400), ACCEPTED, Response(503), ACCEPTED])
    script = Script(lambda _: next(replies))
    assert [reply.status for reply in send(events(4), script)] == [202, 202, 503, 503]
    assert script.sizes == [4, 2, 2]
    replies = iter([Response(400), Response(503), ACCEPTED])
    assert [reply.status for reply in send(events(4), Script(lambda _: next(replies)))] == [503] * 4


def test_no_more_errors_are_read_than_a_request_has_records() -> None:
    errors = [{"source": {"pointer": "/elsewhere"}}] * MOST_ERRORS + [{"source": {"pointer": at(0)}}]
    script = Script(lambda request: Response(400, {"errors": errors}) if len(numbers(request)) > 1 else ACCEPTED)
    assert [reply.status for reply in send(events(2), script)] == [202, 202]
    assert script.sizes == [2, 1, 1]
    assert [reply.status for reply in send(events(2), Script(lambda _: Response(400, {"errors": errors[1:]})))] == [
        400,
        400,
    ]


class Jobs:
    """Klaviyo's import jobs: polls return `statuses`, then pages of errors and profiles follow."""

    def __init__(self, statuses: Iterable[object], errors: list[list[Any]] | None = None) -> None:
        self.statuses = iter(statuses)
        self.pages = {"import-errors": errors or [[]], "profiles": [[]]}
        self.script = Script(self.answer)

    def answer(self, request: Request) -> Response:
        if request.method != "GET":
            return Response(200, {"single": True})
        if request.path == JOB:
            status = next(self.statuses)
            if isinstance(status, int):
                return Response(status)
            return Response(200, {"data": {"attributes": {"status": status, "failed_count": 2}}})
        pages = self.pages[request.path.rsplit("/", 1)[1]]
        place = int((request.params or {}).get("page[cursor]", "0"))
        following = f"https://x/y?page%5Bcursor%5D={place + 1}" if place + 1 < len(pages) else None
        return Response(200, {"data": pages[place], "links": {"next": following}})

    def follow(self, items: list[BulkItem], reply: Response = ACCEPTED) -> list[Response]:
        return run_virtually(follow_job(IMPORTS, items, reply, self.script.send))

    @property
    def paths(self) -> list[str]:
        return [request.path.removeprefix(JOB) for request in self.script.sent]


def quoted(user: str, code: str = "invalid") -> dict[str, Any]:
    return {"attributes": {"code": code, "original_payload": {"attributes": {"external_id": user}}}}


def profile(user: str, profile_id: object) -> dict[str, Any]:
    return {"id": profile_id, "attributes": {"external_id": user}}


def test_a_job_is_polled_after_longer_and_longer_pauses_until_it_has_ended() -> None:
    jobs = Jobs(["queued", 503, "processing", "complete"])
    assert jobs.follow(imports(2)) == [ACCEPTED] * 2
    assert jobs.script.moments == [0.0, 0.5, 1.25, 2.375, 2.375]
    assert jobs.paths == ["", "", "", "", "/import-errors"]


def test_a_job_is_polled_every_half_minute_at_last_and_given_up() -> None:
    jobs = Jobs(["queued"] * 100)

    async def follow() -> tuple[list[Response], float]:
        found = await follow_job(IMPORTS, imports(2), ACCEPTED, jobs.script.send)
        return found, asyncio.get_running_loop().time()

    found, ended = run_virtually(follow())
    assert [(reply.status, reply.problem) for reply in found] == [(0, "the import job did not end in half an hour")] * 2
    moments = jobs.script.moments
    assert len(moments) == 69
    assert moments[-1] - moments[-2] == 30.0
    assert 1750 < moments[-1] < 1850
    assert ended == moments[-1]


def test_a_job_of_one_or_without_an_id_is_not_followed() -> None:
    for items, reply in ((imports(1), ACCEPTED), (imports(2), Response(202, {})), (imports(2), Response(503))):
        jobs = Jobs([])
        assert jobs.follow(items, reply) == [reply] * len(items)
        assert jobs.script.sent == []


def test_errors_of_all_pages_find_their_profiles() -> None:
    pages: list[list[Any]] = [
        [quoted("u2")],
        [quoted("u0"), quoted("unknown"), {"attributes": {"code": "no profile"}}, None],
    ]
    jobs = Jobs(["complete"], pages)
    assert [reply.status for reply in jobs.follow(imports(4))] == [400, 202, 400, 202]
    assert jobs.paths == ["", "/import-errors", "/import-errors"]
    assert [request.params for request in jobs.script.sent] == [None, None, {"page[cursor]": "1"}]


def test_a_profile_whose_identifiers_belong_to_several_is_sent_singly() -> None:
    jobs = Jobs(["complete"], [[quoted("u1", "duplicate_profile")]])
    found = jobs.follow(imports(3))
    assert [reply.json for reply in found] == [ACCEPTED.json, {"single": True}, ACCEPTED.json]


def test_ids_are_read_where_they_are_needed() -> None:
    jobs = Jobs(["complete"], [[quoted("u3")]])
    jobs.pages["profiles"] = [[profile("U0", "p0"), profile("u1", None)], [profile("u0", "later"), profile("u2", "p2")]]
    found = jobs.follow(imports(4, needs_id=True))
    assert [reply.data_id for reply in found] == ["p0", None, "p2", None]
    assert [reply.status for reply in found] == [201, 0, 201, 400]
    assert found[1].problem == "the import job did not return the profile's id"
    assert [request.params for request in jobs.script.sent[-2:]] == [
        {"page[size]": "100"},
        {"page[size]": "100", "page[cursor]": "1"},
    ]


def test_no_more_profiles_are_read_than_twice_the_items() -> None:
    jobs = Jobs(["complete"])
    jobs.pages["profiles"] = [[profile("x", f"p{n}")] for n in range(9)]
    jobs.follow(imports(3, needs_id=True))
    assert jobs.paths.count("/profiles") == 6
    jobs = Jobs(["complete"])
    jobs.pages["profiles"] = [[]] * 9  # empty pages count as well: their number has an end
    jobs.follow(imports(2, needs_id=True))
    assert jobs.paths.count("/profiles") == 4


@pytest.mark.parametrize(
    ("statuses", "problem"),
    [(["cancelled"], "Klaviyo cancelled the import job"), ([404], "the import job could not be read (status 404)")],
)
def test_a_job_whose_end_nobody_knows_is_no_reply(statuses: list[object], problem: str) -> None:
    found = Jobs(statuses).follow(imports(2))
    assert [(reply.status, reply.problem) for reply in found] == [(0, problem)] * 2


def test_a_page_that_cannot_be_read_is_no_reply() -> None:
    jobs = Jobs(["complete"])
    answer = jobs.answer
    jobs.script.answer = lambda request: Response(500) if "errors" in request.path else answer(request)
    assert {reply.problem for reply in jobs.follow(imports(2))} == {"import-errors of the import job could not be read"}


def test_a_vendors_own_job_gets_the_errors_of_its_profiles() -> None:
    own = combine(IMPORTS, imports(3))
    jobs = Jobs(["complete"], [[quoted("u1"), quoted("u0")]])
    reply = run_virtually(follow_own_job(own, ACCEPTED, jobs.script.send))
    assert reply.status == 202
    assert reply.data_id == "J"
    assert [error["source"]["pointer"] for error in reply.json["errors"]] == [f"{IMPORTS.pointer}{n}" for n in (0, 1)]


@pytest.mark.parametrize("follows_job", [True, False])
def test_a_single_request_is_followed_where_its_errors_count(*, follows_job: bool) -> None:
    item = BulkItem(combine(IMPORTS, imports(2)), None, bulkable=False, follows_job=follows_job)
    replies = iter([ACCEPTED, Response(404)])
    script = Script(lambda _: next(replies))
    assert run_virtually(send_single(item, script.send)).status == (0 if follows_job else 202)
    assert len(script.sent) == 1 + follows_job


def test_other_replies_of_a_single_request_are_not_followed() -> None:
    own = combine(IMPORTS, imports(2))
    for request, reply in ((own, Response(400)), (own, Response(202, {})), (import_request("u", 1), ACCEPTED)):
        script = Script(lambda _: Response(404))
        assert run_virtually(follow_own_job(request, reply, script.send)) is reply
        assert script.sent == []
