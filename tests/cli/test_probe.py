import json
from pathlib import Path

import pytest

from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run

EVENT = b'{\n  "type": "track",\n  "event": "Signed Up",\n  "userId": "u1",\n  "messageId": "m1"\n}\n'
RUDDERSTACK = ("--vendor", "rudderstack")


@pytest.fixture
def keyed(folder: Path) -> Path:
    (folder / "klavier.toml").write_text('vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_secret_one"\n')
    return folder


def test_one_event_its_request_and_the_reply(run: Run, keyed: Path) -> None:
    (keyed / "event.json").write_bytes(EVENT)
    with SandboxServer(Sandbox(private_api_key="pk_secret_one")) as server:
        result = run("probe", "event.json", "--sandbox", server.url)
    assert result.exit_code == 0
    assert "→ POST /api/events  (revision " in result.stdout
    assert '"name": "Signed Up"' in result.stdout
    assert "← 202" in result.stdout
    assert result.stdout.rstrip().endswith("delivered")
    assert "pk_secret_one" not in result.output


def test_a_refusal_is_shown_with_klaviyos_message(run: Run, keyed: Path) -> None:
    with SandboxServer(Sandbox(private_api_key="pk_another")) as server:
        result = run("probe", "--sandbox", server.url, "--format", "jsonl", stdin=EVENT)
    assert keyed.exists()
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["exchanges"][0]["reply"]["status"] == 401
    assert found["exchanges"][0]["reply"]["json"]["errors"]
    assert found["outcome"]["kind"] == "failed"


def test_no_reply_is_reported(run: Run, keyed: Path) -> None:
    assert keyed.exists()
    result = run("probe", "--sandbox", "http://127.0.0.1:9", stdin=EVENT)
    assert result.exit_code == 1
    assert "← no reply: " in result.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [(b"", "not JSON"), (b"[]", "an event is a JSON object"), (b'{"type": "dance"}', "unknown event type")],
)
def test_what_is_no_event_is_wrong_use(run: Run, keyed: Path, text: bytes, words: str) -> None:
    assert keyed.exists()
    result = run("probe", *RUDDERSTACK, stdin=text)
    assert (result.exit_code, words in result.stderr) == (2, True)


def test_several_events_are_too_many(run: Run, keyed: Path) -> None:
    assert keyed.exists()
    result = run("probe", *RUDDERSTACK, stdin=EVENT.rstrip() + b"\n" + EVENT)
    assert (result.exit_code, "sends one event: pass one JSON object" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    "words",
    [["probe"], ["send", "-"], ["verify", "-"], ["init", "--vendor", "little", "--output", "new.toml"]],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("address", ["localhost:8765", "127.0.0.1", "http://", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_named_by_its_option(run: Run, words: list[str], address: str) -> None:
    result = run(*words, "--sandbox", address, stdin=EVENT)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--sandbox': must be a web address without path or query, such as http" in result.stderr


def test_a_file_that_is_missing_is_named(run: Run, keyed: Path) -> None:
    assert keyed.exists()
    result = run("probe", "nowhere.json")
    assert result.exit_code == 2
    assert "nowhere.json: cannot be read: No such file" in result.stderr
