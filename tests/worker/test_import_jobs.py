"""A bulk import is a job: its end is waited for, and its errors are read and assigned to their profiles."""

import asyncio
import itertools
from typing import Any
from urllib.parse import quote

import pytest
from attrs import evolve

import klavier
from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.outbox import SqliteOutbox
from klavier.retry import RetryPolicy
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import ScriptedVendor, Simulation, fill, import_request, numbers_in, refused
from tests.support.virtual_time import run_virtually

BULK = WorkerOptions(combine=True, window=10_000, run=100)
HALF_AN_HOUR = 1800.0
OPTIONS = [pytest.param(BULK, id="one by one"), pytest.param(evolve(BULK, batch=70), id="together")]


def identify(user: object) -> dict[str, Any]:
    return {"type": "identify", "userId": str(user), "traits": {}}


def job(status: str, failed_count: int = 0) -> klavier.Response:
    attributes = {"status": status, "failed_count": failed_count}
    return klavier.Response(200, {"data": {"type": "profile-bulk-import-job", "id": "J", "attributes": attributes}})


def import_errors(users: list[int], following: str | None, *, nested: bool = False) -> klavier.Response:
    """A page of errors; Klaviyo quotes a profile's attributes, or the whole of it."""
    errors = []
    for user in users:
        quoted: dict[str, Any] = {"external_id": str(user), "properties": {"n": user}}
        payload = {"type": "profile", "attributes": quoted} if nested else quoted
        source = {"pointer": f"/data/attributes/profiles/data/{user}"}
        attributes = {"code": "invalid", "detail": "bad zip", "source": source, "original_payload": payload}
        errors.append({"type": "import-error", "id": f"E{user}", "attributes": attributes})
    host = "https://a.klaviyo.com/api/profile-bulk-import-jobs/J/import-errors"
    after = None if following is None else f"{host}?page%5Bcursor%5D={quote(following)}&page%5Bsize%5D=100"
    return klavier.Response(200, {"data": errors, "links": {"self": host, "next": after}})


class Jobs:
    """Klaviyo's side of import jobs: answers polls from a script, and notes all calls with their moments."""

    def __init__(self, simulation: Simulation, polls: list[klavier.Response], pages: dict[str | None, Any]) -> None:
        self.calls: list[tuple[float, klavier.Request]] = []
        self._clock = simulation.clock
        self._polls = iter(polls)
        self._pages = pages
        simulation.klaviyo.fault = self.answer

    def answer(self, request: klavier.Request) -> klavier.Response | None:
        self.calls.append((self._clock(), request))
        if request.method != "GET":
            return None
        if request.path.endswith("/import-errors"):
            page: klavier.Response = self._pages[(request.params or {}).get("page[cursor]")]
            return page
        assert request.path == "/api/profile-bulk-import-jobs/J"
        return next(self._polls, None)

    def sent(self, method: str) -> list[klavier.Request]:
        return [request for _, request in self.calls if request.method == method]

    def moments(self, method: str) -> list[float]:
        return [at for at, request in self.calls if request.method == method]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("nested", [True, False])
def test_errors_on_two_pages_fail_their_profiles_and_no_other(options: WorkerOptions, *, nested: bool) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (identify(n) for n in range(10)))
        simulation = Simulation(outbox, options=options)
        pages = {
            None: import_errors([2, 7], "bmV4dA==", nested=nested),
            "bmV4dA==": import_errors([4], None, nested=nested),
        }
        polls = [job("queued"), job("processing"), job("complete", failed_count=3)]
        jobs = Jobs(simulation, polls, pages)
        await simulation.drain()
        assert simulation.outcomes == {"delivered": 7, "failed": 3}
        failed = {int(str(event.user_id)): outcome for event, outcome in simulation.ended if event and outcome.reason}
        assert failed.keys() == {2, 4, 7}
        assert {(each.status, each.retryable) for each in failed.values()} == {(400, False)}
        letters = outbox.dead_letters()
        assert {letter.message_id for letter in letters} == {"m2", "m4", "m7"}
        assert all('"code":"invalid"' in letter.requests for letter in letters)
        reads = jobs.sent("GET")
        assert [each.path.rsplit("/", 1)[1] for each in reads] == ["J"] * 3 + ["import-errors"] * 2
        assert {each.revision for each in reads} == {jobs.sent("POST")[0].revision}

    run_virtually(main())


def test_a_job_without_failures_is_not_asked_for_errors() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(n) for n in range(10)))
        simulation = Simulation(outbox, options=BULK)
        jobs = Jobs(simulation, [job("complete")], {})
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert len(jobs.sent("GET")) == 1

    run_virtually(main())


@pytest.mark.parametrize(
    "odd",
    [
        klavier.Response(200, {"data": [{"id": "E1"}, None, {"attributes": {"original_payload": "text"}}]}),
        klavier.Response(200, {"data": None, "links": {"next": "https://a.klaviyo.com/elsewhere"}}),
    ],
)
def test_errors_without_identifiers_fail_no_event_and_are_read_up_to_a_bound(odd: klavier.Response) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(n) for n in range(10)))
        simulation = Simulation(outbox, options=BULK)
        jobs = Jobs(simulation, [job("complete", failed_count=1)], {None: odd})
        await simulation.drain()
        assert sum(simulation.outcomes.values()) == count
        assert len(jobs.sent("GET")) == 2

    run_virtually(main())


@pytest.mark.parametrize("unreadable", [klavier.Response(404, {"errors": []}), klavier.Response(200, [], {})])
def test_a_job_whose_errors_cannot_be_read_is_sent_again(unreadable: klavier.Response) -> None:
    """Klaviyo counts a failure and does not name it: no profile may be called delivered."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(n) for n in range(10)))
        simulation = Simulation(outbox, options=BULK)
        jobs = Jobs(simulation, [job("complete", failed_count=1)], {None: unreadable})
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        imports = [number for each in jobs.sent("POST") for _, number in numbers_in(each.json)]
        assert sorted(imports) == sorted([*range(10)] * 2)

    run_virtually(main())


def test_a_job_that_klaviyo_does_not_know_is_sent_again() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(n) for n in range(10)))
        simulation = Simulation(outbox, options=BULK)
        jobs = Jobs(simulation, [klavier.Response(404, {"errors": []})], {})
        took = await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        imports = [number for each in jobs.sent("POST") for _, number in numbers_in(each.json)]
        assert sorted(imports) == sorted([*range(10)] * 2)
        assert took < 30

    run_virtually(main())


@pytest.mark.parametrize("options", OPTIONS)
def test_a_cancelled_job_is_sent_again(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(n) for n in range(10)))
        simulation = Simulation(outbox, options=options)
        jobs = Jobs(simulation, [job("processing"), job("cancelled")], {})
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        imports = [number for each in jobs.sent("POST") for _, number in numbers_in(each.json)]
        assert sorted(imports) == sorted([*range(10)] * 2)
        assert outbox.dead_letters() == []

    run_virtually(main())


def test_a_cancelled_job_is_a_failure_with_its_reason_when_no_try_is_left() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(n) for n in range(10)))
        simulation = Simulation(outbox, options=BULK, policy=RetryPolicy(tries=1))
        Jobs(simulation, [job("cancelled")], {})
        await simulation.drain()
        assert simulation.outcomes == {"failed": count}
        assert all(outcome.retryable and outcome.status in (None, 0) for _, outcome in simulation.ended)
        assert all("cancelled" in letter.requests for letter in outbox.dead_letters())

    run_virtually(main())


@pytest.mark.parametrize("unending", [job("processing"), klavier.Response(200, {"data": {}})])
def test_a_job_without_an_end_is_given_up_after_half_an_hour(unending: klavier.Response) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(n) for n in range(10)))
        simulation = Simulation(outbox, options=BULK, policy=RetryPolicy(tries=1), latency=0.0)
        jobs = Jobs(simulation, [unending] * 1000, {})
        took = await simulation.drain()
        assert simulation.outcomes == {"failed": count}
        assert 0.75 * HALF_AN_HOUR < took < 1.25 * HALF_AN_HOUR
        polls = jobs.moments("GET")
        waits = [later - earlier for earlier, later in itertools.pairwise(polls)]
        assert len(polls) <= 100
        assert waits[0] == pytest.approx(0.5)
        assert all(later > earlier - 1e-6 for earlier, later in itertools.pairwise(waits))
        assert waits[-1] == pytest.approx(30.0)

    run_virtually(main())


def test_events_of_other_profiles_are_delivered_while_a_job_runs() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (identify(n) for n in range(10)))
        simulation = Simulation(outbox, options=BULK)
        Jobs(simulation, [job("processing")] * 20, {})
        running = simulation.start()
        await asyncio.sleep(1.0)
        simulation.accept(({"type": "track", "userId": f"t{n}", "event": "Event"} for n in range(10)), first=100)
        await asyncio.sleep(1.0)
        assert simulation.outcomes == {"delivered": 10}
        await asyncio.sleep(HALF_AN_HOUR)
        assert simulation.outcomes == {"delivered": 20}
        simulation.stop()
        await running

    run_virtually(main())


def one_profile(event: Event) -> SendOne:
    """All events are about one profile, under an ordering key each: no two of them share a body."""
    return SendOne(import_request(str(event.user_id).split("-", maxsplit=1)[0], event.payload["n"]), failure=refused)


def test_polls_and_pages_of_errors_are_sent_within_the_limits() -> None:
    """Replies take no time; thirty jobs are polled at once, each with thirty pages of errors."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(f"{user}-{job}") for job in range(30) for user in "ab"))
        simulation = Simulation(outbox, options=BULK, vendor=ScriptedVendor(one_profile), latency=0.0)
        pages = {str(page or "") or None: import_errors([], str(page + 1)) for page in range(30)}
        jobs = Jobs(
            simulation,
            [job("processing")] * 30 + [job("complete", failed_count=1)] * 30,
            {**pages, "30": import_errors([], None)},
        )
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert simulation.klaviyo.throttled == []
        for end in ("profile-bulk-import-jobs", "J", "import-errors"):
            moments = [at for at, each in jobs.calls if each.path.endswith(f"/{end}")]
            assert len(moments) >= 30
            assert all(later - earlier > 1 for earlier, later in zip(moments, moments[10:], strict=False))

    run_virtually(main())


def test_the_one_profile_of_a_body_is_sent_by_the_single_call() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, [identify("ada")])
        simulation = Simulation(outbox, options=BULK, vendor=ScriptedVendor(one_profile))
        jobs = Jobs(simulation, [], {})
        await simulation.drain()
        assert simulation.outcomes == {"delivered": 1}
        assert [request.path for _, request in jobs.calls] == ["/api/profile-import"]

    run_virtually(main())


def job_per_window(*, list_id: str) -> klavier.Vendor:
    """Return a vendor that makes the jobs itself: RudderStack's bulk upload."""
    return klavier.load_vendor("rudderstack", {"private_api_key": "pk_x", "bulk_upload": True, "list_id": list_id})


def row(number: int) -> dict[str, Any]:
    """Return a row of reverse ETL."""
    return {"type": "identify", "userId": str(number), "traits": {"external_id": str(number), "n": number}}


@pytest.mark.parametrize("options", [WorkerOptions(batch=70), evolve(BULK, batch=70)], ids=["vendor", "max"])
def test_a_profile_that_a_vendors_own_job_refuses_is_failed(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (row(number) for number in range(10)))
        simulation = Simulation(outbox, options=options, vendor=job_per_window(list_id="L1"))
        jobs = Jobs(
            simulation, [job("processing"), job("complete", failed_count=2)], {None: import_errors([3, 8], None)}
        )
        await simulation.drain()
        failed = {str(event.user_id): outcome for event, outcome in simulation.ended if event and outcome.reason}
        assert simulation.outcomes == {"delivered": 8, "failed": 2}
        assert {user: (each.status, each.retryable) for user, each in failed.items()} == {
            "3": (400, False),
            "8": (400, False),
        }
        assert all("bad zip" in each.reason for each in failed.values())
        assert [each.path for each in jobs.sent("POST")] == ["/api/profile-bulk-import-jobs"]

    run_virtually(main())


def test_a_vendors_own_job_without_an_end_is_no_reply() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (row(number) for number in range(3)))
        options = WorkerOptions(batch=70)
        vendor = job_per_window(list_id="L1")
        simulation = Simulation(outbox, options=options, vendor=vendor, policy=RetryPolicy(tries=1))
        Jobs(simulation, [job("cancelled")], {})
        await simulation.drain()
        assert simulation.outcomes == {"failed": 3}
        assert all(outcome.retryable and "cancelled" in outcome.reason for _, outcome in simulation.ended)

    run_virtually(main())
