"""What monitors see over HTTP: health, readiness and metrics, and nothing else."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve
from starlette.applications import Starlette

import klavier
from klavier.monitoring.gauges import show_metrics
from klavier.monitoring.health import Health
from klavier.monitoring.reader import StatusReader
from klavier.outbox import DeadCause, SqliteOutbox
from klavier.worker.leased_worker import LeasedWorker, RelayConfig
from klavier.worker.report import LimitUse, OpenCircuit, Pause, WorkerReport
from klavier.worker.status import Holder, Status
from tests.support.little_vendor import LittleSettings, LittleVendor

TOKEN = "mt_0123456789"  # noqa: S105 -- of no real service
STATUS = Status(
    time=1.0,
    waiting=7,
    oldest_age=12.5,
    dead=3,
    dead_causes=(DeadCause("failed", 400, 2), DeadCause("rejected", None, 1)),
    used_bytes=4096,
    free_bytes=10**9,
    holder=Holder("h", 1.0, is_alive=True),
    worker=WorkerReport(
        events_in_flight=4,
        requests_in_flight=2,
        paused=Pause("the key", 3.0),
        circuits=(OpenCircuit("create_event", 9.0),),
        limits=(LimitUse("create_event", 0.25),),
    ),
)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[SqliteOutbox]:
    with closing(SqliteOutbox(tmp_path / "klavier.db")) as box:
        yield box


@pytest.fixture
def health(outbox: SqliteOutbox) -> Health:
    worker = LeasedWorker(RelayConfig(LittleVendor(LittleSettings()), klavier.Plugins(), outbox))
    return Health(StatusReader(worker), lambda: True, lambda: {("web", "accepted"): 5})


class Client:
    """Asks an application in the process."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def get(self, path: str, headers: Any = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://monitor") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())


def sample(text: str, name: str) -> float | None:
    found = [line for line in text.splitlines() if line.rpartition(" ")[0] == name]
    return float(found[0].rpartition(" ")[2]) if found else None


def test_a_working_process_is_healthy_and_ready(health: Health) -> None:
    client = Client(health.app())
    for path in ("/healthz", "/readyz"):
        reply = client.get(path)
        assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
        assert reply.headers["cache-control"] == "no-store"


def test_a_process_whose_work_has_ended_is_not(outbox: SqliteOutbox, health: Health) -> None:
    ended = Health(health.reader, lambda: False)
    client = Client(ended.app())
    assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [503, 503]
    assert outbox.status().problem == ""


def test_an_outbox_that_fails_is_not_ready_and_its_place_is_not_shown(
    outbox: SqliteOutbox, health: Health, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.close()
    client = Client(health.app())
    replies = [client.get(path) for path in ("/healthz", "/readyz", "/metrics")]
    assert [reply.status_code for reply in replies] == [200, 503, 503]
    assert not any(outbox.path in reply.text for reply in replies)
    logged = [record.getMessage() for record in caplog.records]
    assert [line.partition(":")[0] for line in logged] == ["not ready", "no metrics"]
    assert all(outbox.path in line for line in logged)
    assert [client.get(path).status_code for path in ("/readyz", "/metrics")] == [503, 503]
    assert len(caplog.records) == len(logged)  # monitors ask every few seconds


def test_an_outbox_that_can_accept_nothing_is_not_ready(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read() -> Status:
        return evolve(STATUS, problem="the disk is full")

    monkeypatch.setattr(health.reader, "read", read)
    assert Client(health.app()).get("/readyz").status_code == 503


def test_the_metrics_show_the_status(outbox: SqliteOutbox, health: Health) -> None:
    outbox.append([("m1", "k", b"{}")])
    reply = Client(health.app()).get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert sample(reply.text, "klavier_pending_events") == 1
    assert sample(reply.text, 'klavier_gateway_events_total{acceptance="accepted",source="web"}') == 5
    assert sample(reply.text, "klavier_lease_held") == 0


def test_each_part_of_the_status_is_a_metric() -> None:
    text = show_metrics(STATUS, {}).decode()
    expected = {
        "klavier_pending_events": 7,
        "klavier_oldest_event_age_seconds": 12.5,
        "klavier_dead_letters": 3,
        'klavier_dead_letters_by_cause{outcome="failed",status="400"}': 2,
        'klavier_dead_letters_by_cause{outcome="rejected",status=""}': 1,
        "klavier_outbox_refuses": 0,
        "klavier_outbox_bytes": 4096,
        "klavier_disk_free_bytes": 1e9,
        "klavier_lease_held": 1,
        "klavier_events_in_flight": 4,
        "klavier_requests_in_flight": 2,
        "klavier_paused": 1,
        'klavier_circuit_open{endpoint="create_event"}': 1,
        'klavier_rate_limit_used_ratio{endpoint="create_event"}': 0.25,
    }
    assert {name: sample(text, name) for name in expected} == expected
    silent = show_metrics(evolve(STATUS, holder=Holder("h", 99.0, is_alive=False)), {}).decode()
    assert sample(silent, "klavier_lease_held") == sample(silent, "klavier_paused") == 0


def test_what_the_shadow_found_is_a_metric() -> None:
    part = {
        "vendors": ["rudderstack", "segment-classic"],
        "events": 40,
        "passed_over": 2,
        "errors": 1,
        "differences": 9,
        "outcomes": [{"delivered": 40}, {"delivered": 30, "skipped": 10}],
    }
    assert STATUS.worker is not None
    text = show_metrics(evolve(STATUS, worker=evolve(STATUS.worker, parts={"shadow": part})), {}).decode()
    expected = {
        'klavier_shadow_events_total{result="compared"}': 40,
        'klavier_shadow_events_total{result="passed over"}': 2,
        'klavier_shadow_events_total{result="failed"}': 1,
        "klavier_shadow_differences_total": 9,
        'klavier_shadow_outcomes_total{outcome="skipped",vendor="segment-classic"}': 10,
    }
    assert {name: sample(text, name) for name in expected} == expected
    assert "klavier_shadow" not in show_metrics(STATUS, {}).decode()
    other = evolve(STATUS, worker=evolve(STATUS.worker, parts={"shadow": {"events": 1}}))
    assert "klavier_shadow" not in show_metrics(other, {}).decode()


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer mt_012345678", f"Basic {TOKEN}", "Bearer \xfc"])
def test_metrics_beside_events_need_the_token(health: Health, header: str | None) -> None:
    client = Client(Starlette(routes=list(health.routes(TOKEN))))
    headers: Any = {} if header is None else {"Authorization": header.encode("latin-1")}
    assert client.get("/metrics", headers=headers).status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/healthz").status_code == 200
    without = Client(Starlette(routes=list(health.routes())))
    assert without.get("/metrics").status_code == 404


def test_the_status_is_read_once_a_second_however_many_ask(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def read(*arguments: object) -> Status:
        calls.append(arguments)
        return STATUS

    monkeypatch.setattr("klavier.monitoring.reader.read_status", read)
    monkeypatch.setattr("klavier.monitoring.reader._SECONDS", 3600.0)

    async def ask() -> None:
        found = await asyncio.gather(*(health.reader.read() for _ in range(20)))
        assert found == [STATUS] * 20

    asyncio.run(ask())
    assert len(calls) == 1


def test_a_missing_extra_is_named(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "klavier.monitoring.gauges", None)
    reply = Client(health.app()).get("/metrics")
    assert (reply.status_code, "klavier[metrics]" in reply.text) == (501, True)
