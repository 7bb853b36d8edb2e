"""The destination for dlt: a pipeline's rows are delivered in order, and a batch that may succeed later is retried."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

import klavier

dlt = pytest.importorskip("dlt", reason="dlt is not installed")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

CONFIG = {
    "vendor": "rudderstack",
    "klaviyo": {"private_api_key": "pk_sandbox"},
    "vendors": {"rudderstack": {"api_version": "v2"}},
}
ROWS = [
    {
        "type": "track",
        "event": "Ordered",
        "messageId": f"o{number}",
        "userId": f"u{number % 3}",
        "timestamp": datetime(2026, 11, 2, number, tzinfo=UTC),
        "total": Decimal("1.5"),
        "properties": {"n": number, "nested": {"a": [1, 2]}},
    }
    for number in range(1, 10)
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.chdir(tmp_path)

    def run(rows: list[dict[str, Any]], **options: Any) -> None:
        from klavier.dlt import destination  # noqa: PLC0415 -- imports dlt, which may be absent

        pipeline = dlt.pipeline("orders", destination=destination(CONFIG, **options), pipelines_dir=str(tmp_path))
        pipeline.run(rows, table_name="orders")

    yield run
    dlt.common.configuration.container.Container()[dlt.common.pipeline.PipelineContext].deactivate()


def test_rows_become_events_in_their_order(run: Any) -> None:
    sandbox = klavier.Sandbox()
    run(ROWS, transport=sandbox.transport(), batch_size=4)
    events = sandbox.state()["events"]
    assert sorted(event["unique_id"] for event in events) == [f"o{number}" for number in range(1, 10)]
    for user in range(3):
        mine = [event["properties"]["n"] for event in events if event["properties"]["n"] % 3 == user]
        assert mine == sorted(mine)
    assert events[0]["value"] == 1.5
    assert events[0]["properties"]["nested"] == {"a": [1, 2]}


def test_rejected_rows_are_passed_on_and_stop_nothing(run: Any) -> None:
    sandbox, seen = klavier.Sandbox(), []
    rows = [ROWS[0], {"type": "page", "userId": "u1"}, ROWS[1]]
    run(rows, transport=sandbox.transport(), on_outcome=lambda row, outcome: seen.append((row["type"], outcome.kind)))
    assert seen == [("track", "delivered"), ("page", "rejected"), ("track", "delivered")]


def test_a_batch_is_retried_where_klaviyo_did_not_answer(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("klavier.streams.run.TRIES", 1)
    sandbox, statuses = klavier.Sandbox(), iter([503])
    accept = sandbox.transport()

    class Flaky(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            status = next(statuses, None)
            return httpx.Response(status) if status else await accept.handle_async_request(request)

    seen: list[str] = []
    run(ROWS[:1], transport=Flaky(), on_outcome=lambda _, outcome: seen.append(outcome.kind))
    assert seen == ["failed", "delivered"]
    assert len(sandbox.state()["events"]) == 1


def test_a_row_that_klaviyo_refused_for_good_is_not_retried(run: Any) -> None:
    error = {"detail": "bad", "source": {"pointer": "/data/attributes"}}
    calls: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(400, json={"errors": [error]})

    run(ROWS[:1], transport=httpx.MockTransport(refuse))
    assert len(calls) == 1
