"""Signals and standard streams of the commands that run for long: nothing about them stops delivery."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

import klavier
from klavier.cli.signals import StopSignals, handle_signals
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Start
from tests.cli.test_run import CONFIG, accept, wait_until_empty, waiting
from tests.support.servers import raw_server
from tests.support.waiting import LONG

KEYS = ("wk_0123456789", "wk_9876543210")
SOURCE = '[gateway.sources.web]\nwrite_key = "{}"\n'


@pytest.fixture
def sandbox(folder: Path) -> Iterator[klavier.Sandbox]:
    with SandboxServer(klavier.Sandbox()) as server:
        (folder / "klavier.toml").write_text(CONFIG.format(url=server.url) + SOURCE.format(KEYS[0]))
        yield server.sandbox


def end(process: "subprocess.Popen[bytes]") -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(LONG)


def read_until(process: "subprocess.Popen[bytes]", text: bytes) -> bytes:
    """Return what was printed on standard error up to a line with a text."""
    assert process.stderr is not None
    told = b""
    while text not in told:
        line = process.stderr.readline()
        assert line, told
        told += line
    return told


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("command", [("run",), ("serve", "--port", "0")])
def test_a_hangup_after_the_signal_to_stop_is_ignored(start: Start, command: tuple[str, ...]) -> None:
    """Supervisors send both, such as systemd with SendSIGHUP, and a terminal that is closed."""
    accept("one")
    process = start(*command)
    wait_until_empty()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGHUP)
    assert process.wait(LONG) == 0


def send(url: str, write_key: str, name: str) -> int:
    event = {"type": "track", "event": name, "messageId": name, "userId": "u1", "writeKey": write_key}
    return httpx.post(f"{url}/v1/track", json=event, auth=(write_key, "")).status_code


def test_a_hangup_reads_the_configuration_of_a_gateway_again(
    start: Start, folder: Path, sandbox: klavier.Sandbox
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config, url = folder / "klavier.toml", f"http://127.0.0.1:{port}"
    good = config.read_text()
    config.write_text(good.replace("pk_sandbox", "pk_revoked"))
    process = start("serve", "--port", str(port))
    read_until(process, b"accepting events")
    assert send(url, KEYS[0], "one") == 200
    while not sandbox.calls:  # refused
        time.sleep(0.02)
    config.write_text("this is no TOML")
    process.send_signal(signal.SIGHUP)
    read_until(process, b"the configuration was not read again, the one before stays in use")
    assert send(url, KEYS[0], "two") == 200
    config.write_text(good.replace(KEYS[0], KEYS[1]))
    process.send_signal(signal.SIGHUP)
    read_until(process, b"the configuration was read again")
    assert send(url, KEYS[1], "three") == 200  # it waits for the socket, which stays open
    assert send(url, KEYS[0], "four") == 401
    wait_until_empty()
    assert waiting() == 0
    assert end(process) == 0
    assert {event["metric"] for event in sandbox.state()["events"]} == {"one", "two", "three"}


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("command", [("run",), ("serve", "--port", "0")])
@pytest.mark.parametrize("stream", ["a pipe without a reader", "a full disk"])
def test_delivery_goes_on_when_standard_error_cannot_be_written(
    start: Start, command: tuple[str, ...], stream: str
) -> None:
    if stream == "a full disk":
        number = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, number = os.pipe()
        os.close(reader)
    accept("one")
    process = start(*command, stderr=number)
    os.close(number)
    wait_until_empty()
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    accept("two")
    wait_until_empty()
    assert (waiting(), process.poll()) == (0, None)
    assert end(process) == 0


def test_a_signal_that_arrives_twice_is_one(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """GNU `timeout` sends it to its process group, and once more to the command in that group."""
    monkeypatch.setattr("klavier.cli.signals._SAME_SECONDS", LONG)
    ends: list[object] = []

    async def run() -> None:
        handle_signals(ends.append, lambda: pytest.fail("there is no SIGHUP"))
        for _ in range(2):
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0.05)

    asyncio.run(run())
    with StopSignals() as stop:
        for _ in range(2):
            signal.raise_signal(signal.SIGTERM)
    assert (ends, stop.exit_code) == ([None], 143)
    assert capfd.readouterr().err.count("stopping") == 2


@pytest.mark.parametrize("command", [("run",), ("serve", "--port", "0")])
def test_a_second_interrupt_ends_at_once_without_a_traceback(
    start: Start, folder: Path, command: tuple[str, ...]
) -> None:
    asked = threading.Event()

    def never_answer(_: socket.socket, over: threading.Event) -> None:
        asked.set()
        over.wait()

    with raw_server(never_answer) as url:
        (folder / "klavier.toml").write_text(CONFIG.format(url=url) + SOURCE.format(KEYS[0]))
        accept("one")
        process = start(*command)
        assert asked.wait(LONG)
        process.send_signal(signal.SIGINT)
        read_until(process, b"signal again to stop now")
        while process.poll() is None:
            time.sleep(1.0)  # a signal that comes at once is the first one once more
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
        assert process.returncode == 130
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert waiting() == 1


@pytest.mark.usefixtures("sandbox")
def test_a_gateway_without_files_left_says_so_once_and_goes_on(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / "log"
    command = f"ulimit -n 64; exec {sys.executable} -m klavier serve --port {port} 2>{log}"
    process = subprocess.Popen(["/bin/sh", "-c", command], cwd=folder)  # noqa: S603 -- our own command
    try:
        while b"accepting events" not in (log.read_bytes() if log.exists() else b""):
            time.sleep(0.05)
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        time.sleep(2.5)
        for client in clients:
            client.close()
        give_up = time.monotonic() + 30.0
        while send(f"http://127.0.0.1:{port}", KEYS[0], "one") != 200:  # until it has noticed that they are gone
            assert time.monotonic() < give_up
            time.sleep(0.2)
        assert end(process) == 0
    finally:
        process.kill()
        process.wait()
    assert log.read_bytes().count(b"too many open files: new connections wait") == 1
    assert log.stat().st_size < 2000


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_standard_stream_may_be_closed(folder: Path, number: int) -> None:
    """No file may get its number: what is printed would be written into it."""
    accept("one")
    command = f"exec {sys.executable} -m klavier run --until-empty {number}{'<' if number == 0 else '>'}&-"
    result = subprocess.run(["/bin/sh", "-c", command], cwd=folder, capture_output=True, timeout=LONG, check=False)  # noqa: S603 -- our own command
    assert (result.returncode, result.stderr.replace(b"note: loading the plugin file klavier_plugin.py\n", b"")) == (
        0,
        b"",
    )
    assert waiting() == 0
