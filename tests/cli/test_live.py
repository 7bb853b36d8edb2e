"""What `klavier run` and `klavier send` show on a terminal while they work, and how they stop there."""

import json
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import klavier
from klavier.klaviyo.operations import RateLimit
from klavier.outbox import SqliteOutbox
from klavier.sandbox.server import SandboxServer
from tests.support.terminal import Terminal

CONFIG = 'vendor = "little"\n[klaviyo]\nprivate_api_key = "{key}"\nbase_url = "{url}"\n[delivery]\nconnections = 2\n'


def track(number: int) -> dict[str, str]:
    """The first event is nobody's, so that it is rejected."""
    user = {"userId": f"u{number}"} if number else {}
    return {"type": "track", "event": "Sang", "messageId": f"m{number}", **user}


@pytest.fixture
def slow(folder: Path) -> Iterator[SandboxServer]:
    """Let Klaviyo take five events a second."""
    sandbox = klavier.Sandbox("pk_sandbox", rate_limits={"create_event": RateLimit(5, 1000)})
    with SandboxServer(sandbox) as server:
        (folder / "klavier.toml").write_text(CONFIG.format(url=server.url, key="pk_sandbox"))
        yield server


def accept(count: int) -> None:
    with closing(SqliteOutbox("klavier.db")) as outbox:
        outbox.append([(f"m{n}", f"user:u{n}", json.dumps(track(n)).encode()) for n in range(count)])


@pytest.mark.usefixtures("slow")
def test_run_shows_counts_rate_limit_and_dead_letters_and_stops_cleanly(folder: Path) -> None:
    accept(500)
    with Terminal(["run"], folder) as terminal:
        terminal.wait_for("1 rejected, 0 failed, ")
        terminal.wait_for(" events/s, create_event at ")
        terminal.wait_for("% of its limit, 1 dead letter: klavier dead list")
        terminal.signal(signal.SIGTERM)
        assert terminal.end() == 1
    assert "stopping: finishing in-flight requests" in terminal.text
    last = terminal.text.strip().splitlines()[-1]
    assert last.endswith(" waiting")
    with closing(SqliteOutbox("klavier.db")) as outbox:
        assert last.split(", ")[-1] == f"{outbox.status().waiting} waiting"
        delivered = int(last.split()[0])
        assert (delivered > 0, delivered + outbox.status().waiting) == (True, 499)


@pytest.mark.usefixtures("slow")
def test_run_reports_a_key_that_is_not_accepted(folder: Path) -> None:
    text = (folder / "klavier.toml").read_text()
    (folder / "klavier.toml").write_text(text.replace("pk_sandbox", "pk_wrong_key"))
    accept(3)
    with Terminal(["run"], folder) as terminal:
        terminal.wait_for("paused: Klaviyo does not accept the private")
        terminal.signal(signal.SIGINT)
        terminal.end()
    assert "2 waiting" in terminal.text
    assert "pk_wrong_key" not in terminal.raw


@pytest.mark.usefixtures("slow")
def test_send_shows_progress_rate_and_limit_and_stops_cleanly(folder: Path) -> None:
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(track(n))}\n" for n in range(500)))
    with Terminal(["send", "events.jsonl", "--resume"], folder, columns=140) as terminal:
        terminal.wait_for("sending")
        terminal.wait_for("/s, 1 rejected, create_event at ")
        terminal.wait_for("% of its limit")
        terminal.signal(signal.SIGTERM)
        assert terminal.end() == 143
    assert "stopping: finishing in-flight requests" in terminal.text
    assert "stopped after events.jsonl line " in terminal.text
    assert "  delivered  " in terminal.text
    assert (folder / "events.jsonl.progress").is_file()
