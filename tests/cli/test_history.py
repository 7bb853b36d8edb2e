"""`--backfill` and `--consent-import` of `klavier send` and `klavier plan`."""

import json
from pathlib import Path

import pytest

from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run

SUBSCRIBE = {"subscribe": True, "listId": "L1"}
EVENTS = [
    {"type": "track", "event": "Paid", "messageId": "m1", "userId": "u1", "timestamp": "2024-03-01T10:00:00Z"},
    {
        "type": "identify",
        "messageId": "m2",
        "userId": "u1",
        "timestamp": "2024-03-02T10:00:00Z",
        "traits": {"email": "ann@shop.test", "properties": SUBSCRIBE},
    },
]


@pytest.fixture
def history(folder: Path) -> None:
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))


@pytest.mark.usefixtures("history")
def test_history_is_sent_as_such(run: Run, folder: Path) -> None:
    with SandboxServer(Sandbox("pk_sandbox", unknown_lists="create")) as server:
        (folder / "klavier.toml").write_text(
            f'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\nbase_url = "{server.url}"\n'
        )
        result = run("send", "events.jsonl", "--backfill", "--consent-import", "--format", "json")
        assert result.exit_code == 0, result.output
        state = server.sandbox.state()
    assert [event["backfill"] for event in state["events"]] == [True]
    (profile,) = state["profiles"]
    assert profile["subscriptions"]["email"]["marketing"]["consented_at"].startswith("2024-03-02T10:00:00")
    notes = [json.loads(line)["outcome"]["notes"] for line in result.stdout.splitlines()]
    assert notes == [[], ["subscribed as a historical import: consented_at is the event's time"]]


@pytest.mark.usefixtures("history")
def test_a_plan_shows_what_would_be_sent(run: Run) -> None:
    plain = run("plan", "events.jsonl", "--vendor", "rudderstack", "--bodies").stdout
    assert "backfill" not in plain
    assert "historical_import" not in plain
    shown = run("plan", "events.jsonl", "--vendor", "rudderstack", "--bodies", "--backfill", "--consent-import").stdout
    assert '"backfill": true' in shown
    assert '"historical_import": true' in shown


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("option", ["--backfill", "--consent-import"])
def test_the_native_wire_is_refused_before_anything_is_sent(run: Run, folder: Path, option: str) -> None:
    (folder / "klavier.toml").write_text(
        'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_x"\nbase_url = "http://127.0.0.1:9"\n'
        '[vendors.rudderstack]\nwire = "native"\n'
    )
    result = run("send", "events.jsonl", option)
    assert result.exit_code == 2
    assert 'set wire = "current" under [vendors.rudderstack]' in result.output
