"""`klavier run`: deliver from the outbox until it is empty, or until a signal."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

import klavier
from klavier.outbox import SqliteOutbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run, Start
from tests.support.waiting import LONG

CONFIG = """
vendor = "little"
[klaviyo]
private_api_key = "pk_sandbox"
base_url = "{url}"
[delivery]
outbox = "klavier.db"
"""


@pytest.fixture
def sandbox(folder: Path) -> Iterator[klavier.Sandbox]:
    with SandboxServer(klavier.Sandbox()) as server:
        (folder / "klavier.toml").write_text(CONFIG.format(url=server.url))
        yield server.sandbox


def accept(*names: str, user: str | None = "u1") -> None:
    """Accept events and leave their delivery to others."""
    with closing(SqliteOutbox("klavier.db")) as outbox:
        for name in names:
            payload = {"type": "track", "event": name, "messageId": name, **({"userId": user} if user else {})}
            event = klavier.parse_event(payload)
            outbox.append([(event.stable_id, "user:u1", json.dumps(payload).encode())])


def waiting() -> int:
    with closing(SqliteOutbox("klavier.db")) as outbox:
        return outbox.status().waiting


def wait_until_empty() -> None:
    deadline = time.monotonic() + LONG
    while waiting() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_it_ends_when_nothing_waits(run: Run, sandbox: klavier.Sandbox) -> None:
    accept("one", "two")
    result = run("run", "--until-empty")
    assert (result.exit_code, result.stdout) == (0, "2 delivered, 0 skipped, 0 rejected, 0 failed, 0 waiting\n")
    assert [call.path for call in sandbox.calls] == ["/api/events"] * 2


@pytest.mark.usefixtures("sandbox")
def test_its_exit_code_is_1_after_rejected_events(run: Run) -> None:
    accept("one", user=None)
    result = run("run", "--until-empty")
    assert (result.exit_code, result.stdout) == (1, "0 delivered, 0 skipped, 1 rejected, 0 failed, 0 waiting\n")


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_delivers_what_others_accept_until_a_signal(start: Start, number: signal.Signals) -> None:
    accept("before")
    process = start("run")
    wait_until_empty()
    accept("after")
    wait_until_empty()
    process.send_signal(number)
    output, told = process.communicate(timeout=LONG)
    assert (process.returncode, output) == (0, b"2 delivered, 0 skipped, 0 rejected, 0 failed, 0 waiting\n")
    assert b"stopping" in told


@pytest.mark.usefixtures("sandbox")
def test_it_needs_a_key(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "little"\n')
    result = run("run")
    assert result.exit_code == 2
    assert "no key is configured" in result.output


def test_an_outbox_in_memory_is_refused_by_run(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text(CONFIG.format(url="http://127.0.0.1:9").replace("klavier.db", "memory"))
    result = run("run")
    assert result.exit_code == 2
    assert "is in memory" in result.output


def test_it_ends_with_1_when_nothing_can_be_delivered(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text(CONFIG.format(url="http://127.0.0.1:9"))
    accept("one", "two")
    result = run("run", "--until-empty", "--timeout", "0.3", "--format", "json")
    assert result.exit_code == 1
    assert "warning: nothing could be delivered for 0.3 s: 0 delivered, " in result.stderr
    assert json.loads(result.stdout) == {
        "delivered": 0,
        "skipped": 0,
        "rejected": 0,
        "failed": 0,
        "waiting": 2,
        "dead": 0,
    }
    assert waiting() == 2


@pytest.mark.parametrize("quiet", [(), ("-q",)])
@pytest.mark.parametrize("command", [("send", "-"), ("run", "--until-empty", "--timeout", "0.3")])
def test_problems_reach_standard_error_in_every_command(
    command: tuple[str, ...], quiet: tuple[str, ...], run: Run, folder: Path
) -> None:
    with SandboxServer(klavier.Sandbox("pk_other")) as server:
        (folder / "klavier.toml").write_text(CONFIG.format(url=server.url))
        accept("one")
        line = b'{"type": "track", "event": "Sang", "userId": "secret-user"}'
        result = run(*command, *quiet, stdin=line)
    assert result.exit_code == 1
    assert "warning: Klaviyo does not accept the private key (401)" in result.stderr
    assert "secret-user" not in result.stderr


def test_a_hangup_reads_the_configuration_and_the_key_again(start: Start, folder: Path) -> None:
    with SandboxServer(klavier.Sandbox("pk_rotated")) as server:
        config = folder / "klavier.toml"
        config.write_text(CONFIG.format(url=server.url))
        process = start("run")
        accept("one")
        while not server.sandbox.calls:  # refused: the key is the one of before
            assert process.poll() is None
            time.sleep(0.02)
        config.write_text("this is no TOML")
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        told = b""
        while b"the configuration was not read again, the one before stays in use" not in told:
            told += process.stderr.readline()
        config.write_text(CONFIG.format(url=server.url).replace("pk_sandbox", "pk_rotated"))
        process.send_signal(signal.SIGHUP)
        wait_until_empty()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=LONG)
    assert (process.returncode, output) == (0, b"1 delivered, 0 skipped, 0 rejected, 0 failed, 0 waiting\n")


@pytest.mark.usefixtures("sandbox")
def test_counts_go_on_after_a_hangup(start: Start) -> None:
    accept("one")
    process = start("run")
    wait_until_empty()
    process.send_signal(signal.SIGHUP)
    accept("two")
    wait_until_empty()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=LONG)
    assert (process.returncode, output) == (0, b"2 delivered, 0 skipped, 0 rejected, 0 failed, 0 waiting\n")


@pytest.mark.usefixtures("sandbox")
def test_delivery_goes_on_after_the_outbox_was_deleted(start: Start, folder: Path) -> None:
    accept("one")
    process = start("run")
    wait_until_empty()
    for file in folder.glob("klavier.db*"):
        file.unlink()
    accept("two")
    wait_until_empty()
    assert (waiting(), process.poll()) == (0, None)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=LONG)
    assert process.returncode == 0
    assert b"error: outbox klavier.db: the file was deleted or replaced" in told


def test_monitors_ask_at_an_address_of_their_own(start: Start, sandbox: klavier.Sandbox) -> None:
    accept("one")
    process = start("run", "--health", "127.0.0.1:0")
    assert process.stderr is not None
    lines = (line.decode() for line in process.stderr)
    address = next(line for line in lines if "health and metrics at" in line).split()[-1]
    wait_until_empty()
    assert len(sandbox.calls) == 1
    assert httpx.get(f"{address}/readyz").json() == {"status": "ok"}
    expected = 'klavier_outcomes_total{outcome="delivered",status="",type="track",vendor="little"} 1.0'
    deadline = time.monotonic() + LONG  # an outcome is counted a moment after it was stored
    while expected not in (text := httpx.get(f"{address}/metrics").text):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "klavier_lease_held 1.0" in text
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG) == 0


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("address", ["9090", "localhost:", ":9090", "localhost:http", "localhost:70000"])
def test_an_address_for_monitors_that_is_none_is_wrong_use(run: Run, address: str) -> None:
    result = run("run", "--health", address)
    assert result.exit_code == 2
    assert "--health: must be HOST:PORT, such as 127.0.0.1:9090" in result.output
