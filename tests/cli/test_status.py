"""`klavier status`: what an operator and a monitor see."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from klavier.outbox import DeadLetter, Settlement, SqliteOutbox
from klavier.worker.report import LimitUse, OpenCircuit, Pause, TypeCount, WorkerReport, write_report
from tests.cli.conftest import Run

REPORT = WorkerReport(
    host="shop-1",
    pid=77,
    vendor="little",
    events_in_flight=12,
    requests_in_flight=1,
    outcomes={"delivered": 900},
    last_minute=(TypeCount("identify", "skipped", 2), TypeCount("track", "delivered", 340)),
    limits=(LimitUse("create_event", 0.41),),
    parts={
        "gateway": {
            "events": [
                {"source": "unknown", "acceptance": "refused", "count": 1234, "last_minute": 0},
                {"source": "web", "acceptance": "accepted", "count": 9, "last_minute": 9},
            ]
        },
        "shadow": {"vendors": ["little", "other"], "events": 900, "differences": 1234},
    },
)


@pytest.fixture
def outbox(folder: Path) -> Iterator[SqliteOutbox]:
    with closing(SqliteOutbox(folder / "klavier.db")) as box:
        yield box


def test_a_quiet_outbox_is_fine(run: Run, outbox: SqliteOutbox) -> None:
    assert outbox.status().waiting == 0
    result = run("status", "--min-free", "0")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "waiting       0 events"
    assert lines[2] == "delivered by  nobody at this moment"


def test_what_the_worker_reports_is_shown(run: Run, outbox: SqliteOutbox) -> None:
    outbox.append([("m1", "k", b"{}")])
    lease = outbox.acquire("somebody", 3600.0)
    assert lease is not None
    lease.renew(write_report(REPORT))
    lines = run("status", "--min-free", "0").stdout.splitlines()
    assert lines[:6] == [
        "waiting       1 event, the oldest for 0 s",
        "in flight     12 events in 1 request",
        "last minute   340 delivered, 2 skipped, 0 rejected, 0 failed",
        "refused       1,234 of unknown, since the start: its log says why",
        "dead letters  0",
        "delivered by  process 77 on shop-1, as little, heard of 0 s ago",
    ]
    assert lines[6] == "rate limits   create_event 41%"
    assert lines[7] == "shadow        other: 900 events compared, 1,234 differences"
    assert lines[8].startswith("outbox        0.")
    found = json.loads(run("status", "--format", "json").stdout)
    assert found["waiting"] == 1
    assert found["oldest_age"] >= 0
    assert found["worker"]["last_minute"][1] == {"type": "track", "kind": "delivered", "count": 340}
    assert found["holder"]["is_alive"] is True


def test_what_calls_for_attention_exits_with_1(run: Run, outbox: SqliteOutbox) -> None:
    outbox.append([("m1", "k", b"{}"), ("m2", "k", b"{}")], 5.0)
    entry = outbox.read(0, 1)[0]
    letter = DeadLetter(entry.seq, "m1", "k", b"{}", 5.0, 6.0, 1, "failed", 400, "refused")
    outbox.settle([Settlement(entry, dead_letter=letter)])
    lease = outbox.acquire("somebody", 3600.0)
    assert lease is not None
    report = WorkerReport(paused=Pause("the key is refused", 7.0), circuits=(OpenCircuit("create_event", 9.0),))
    lease.renew(write_report(report))
    result = run("status", "--min-free", "0")
    assert result.exit_code == 1
    assert "dead letters  1 (1 failed with 400)\n" in result.stdout
    problems = [line.split(maxsplit=1)[1] for line in result.stdout.splitlines() if line.startswith("attention")]
    starts = ("the oldest event has", "delivery is paused", "create_event accepts no requests", "1 dead letter")
    assert [problem.startswith(start) for problem, start in zip(problems, starts, strict=True)] == [True] * 4
    found = json.loads(run("status", "--format", "json", "--max-age", "1e11", "--max-dead", "1").stdout)
    assert [problem[:20] for problem in found["problems"]] == ["delivery is paused: ", "create_event accepts"]


def test_it_is_wrong_use_where_there_is_no_outbox(run: Run, folder: Path) -> None:
    result = run("status")
    assert result.exit_code == 2
    assert "there is no outbox yet" in result.output
    assert not (folder / "klavier.db").exists()


def test_what_is_no_outbox_is_named_as_such(run: Run, folder: Path) -> None:
    (folder / "klavier.db").mkdir()
    result = run("status")
    assert result.exit_code == 1
    assert "klavier.db: cannot be opened; check the folder and the rights" in result.output


def test_nothing_from_another_process_controls_the_terminal(run: Run, outbox: SqliteOutbox) -> None:
    lease = outbox.acquire("evil\x1b[2J", 3600.0)
    assert lease is not None
    assert "\x1b" not in run("status").output
    lease.renew(write_report(WorkerReport(host="evil\x1b[2J", circuits=(OpenCircuit("\x1b[2J", 1.0),))))
    for words in (["status"], ["status", "--format", "json"]):
        assert "\x1b" not in run(*words).output
