"""`klavier send --resume`: interrupted at any moment, it goes on where it was, and tells of each line once."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import klavier
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run, Start
from tests.support.counting_server import counting_server
from tests.support.memory import run_watched
from tests.support.waiting import LONG

LINES = 200
SEND = [sys.executable, "-m", "klavier", "send", "events.jsonl", "--rejects", "rejects.jsonl"]
CONFIG = """
vendor = "rudderstack"
[klaviyo]
private_api_key = "pk_sandbox"
base_url = "{url}"
[delivery]
connections = 4
batch_size = 1
"""


def line_of(number: int) -> bytes:
    """Every tenth line says who somebody is, every hundredth is no event, the others say what somebody did."""
    if number % 100 == 99:
        return b"nonsense %d\n" % number
    person = f"u{number * 7919 % 50}"
    about = {
        "userId": person,
        "messageId": f"m{number}",
        "timestamp": f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z",
    }
    what: dict[str, Any] = {"type": "track", "event": "Counted", "properties": {"n": number}}
    if number % 10 == 1:
        what = {"type": "identify", "traits": {"email": f"{person}@shop.test", "n": number}}
    return json.dumps({**what, **about}).encode() + b"\n"


@pytest.fixture
def server(folder: Path) -> Iterator[SandboxServer]:
    (folder / "klavier_plugin.py").unlink()
    (folder / "events.jsonl").write_bytes(b"".join(map(line_of, range(1, LINES + 1))))
    with SandboxServer(klavier.Sandbox("pk_sandbox")) as found:
        (folder / "klavier.toml").write_text(CONFIG.format(url=found.url))
        yield found


def send(folder: Path, *options: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([*SEND, *options], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603 -- our own command


@pytest.fixture(scope="module")
def known() -> dict[str, tuple[Any, bytes, bytes]]:
    return {}


@pytest.fixture
def uninterrupted(folder: Path, server: SandboxServer, known: dict[str, Any]) -> Callable[[str], Any]:  # noqa: ARG001 -- it makes the files
    """Tell what one run leaves, prints and rejects; it is the same for every test."""

    def run(bulk: str) -> Any:
        if bulk not in known:
            with SandboxServer(klavier.Sandbox("pk_sandbox")) as other:
                output, _ = send(folder, "--bulk", bulk, "--sandbox", other.url).communicate(timeout=LONG)
                known[bulk] = other.sandbox.comparable(), output, (folder / "rejects.jsonl").read_bytes()
        return known[bulk]

    return run


def counts_of(output: bytes) -> list[bytes]:
    """Return the summary but for the number of requests, which is larger after a kill."""
    return [line for line in output.splitlines() if b"request" not in line]


@pytest.mark.parametrize("bulk", ["vendor", "max"])
def test_killed_and_resumed_it_leaves_what_one_run_leaves(
    folder: Path, server: SandboxServer, bulk: str, uninterrupted: Callable[[str], Any]
) -> None:
    state, summary, rejects = uninterrupted(bulk)
    rng = random.Random(5)  # noqa: S311 -- a repeatable test, not a secret
    kills = 0
    while True:
        process = send(folder, "--bulk", bulk, "--resume")
        before = len(server.sandbox.calls)
        deadline = time.monotonic() + LONG
        while len(server.sandbox.calls) == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if kills < (1 if bulk == "vendor" else 2):
            time.sleep(rng.random() * 0.4)
            process.kill()
            kills += 1
        output, _ = process.communicate(timeout=LONG)
        if process.returncode != -signal.SIGKILL:
            break
    assert process.returncode == 1
    assert counts_of(output) == counts_of(summary)
    assert server.sandbox.comparable() == state
    assert (folder / "rejects.jsonl").read_bytes() == rejects


def test_stopped_and_resumed_it_sends_nothing_twice(
    folder: Path, server: SandboxServer, uninterrupted: Callable[[str], Any]
) -> None:
    state, summary, _ = uninterrupted("vendor")
    first = send(folder, "--bulk", "vendor", "--resume")
    while len(server.sandbox.calls) < 40 and first.poll() is None:
        time.sleep(0.005)
    first.send_signal(signal.SIGTERM)
    output, told = first.communicate(timeout=LONG)
    assert first.returncode == 128 + signal.SIGTERM
    assert b"stopping: finishing in-flight requests" in told
    assert b"to deliver the rest, run the same command again" in told
    done = int(output.split()[0].replace(b",", b""))
    assert 0 < done < LINES
    process = send(folder, "--bulk", "vendor", "--resume")
    output, told = process.communicate(timeout=LONG)
    assert f"events.jsonl.progress: {done} lines are done; continuing after them".encode() in told
    assert output == summary  # the number of requests too: none was made twice
    assert server.sandbox.comparable() == state


def test_what_was_appended_since_is_sent_alone(run: Run, folder: Path, server: SandboxServer) -> None:
    assert run("send", "events.jsonl", "--resume").exit_code == 1
    calls = len(server.sandbox.calls)
    again = run("send", "events.jsonl", "--resume")
    assert (again.exit_code, again.stdout.startswith(f"{LINES} events")) == (1, True)
    assert len(server.sandbox.calls) == calls
    with (folder / "events.jsonl").open("ab") as file:
        file.write(line_of(LINES + 3))
    assert run("send", "events.jsonl", "--resume").stdout.startswith(f"{LINES + 1} events")
    assert len(server.sandbox.calls) == calls + 1
    assert oct((folder / "events.jsonl.progress").stat().st_mode)[-3:] == "600"
    assert "u1" not in (folder / "events.jsonl.progress").read_text()


def test_standard_input_goes_on_too(run: Run, folder: Path, server: SandboxServer) -> None:
    content = (folder / "events.jsonl").read_bytes()
    part = b"".join(content.splitlines(keepends=True)[:100])
    assert run("send", "--progress", "kept", stdin=part).stdout.startswith("100 events")
    calls = len(server.sandbox.calls)
    assert run("send", "--progress", "kept", stdin=content).stdout.startswith(f"{LINES} events")
    assert len(server.sandbox.calls) < 2 * LINES - calls
    result = run("send", "--resume", stdin=content)
    assert (result.exit_code, "--resume: standard input has no name" in result.stderr) == (2, True)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("shorter", "200 lines are done, and the input has fewer"),
        ("other", "events.jsonl line 200 has changed"),
        ("damaged", "not a progress file of klavier send, or damaged"),
        ("address", "belongs to another address"),
        ("input", "belongs to another input (events.jsonl)"),
    ],
)
def test_progress_that_does_not_fit_is_refused_before_anything_is_sent(
    run: Run, folder: Path, server: SandboxServer, change: str, problem: str
) -> None:
    run("send", "events.jsonl", "--progress", "kept")
    calls = len(server.sandbox.calls)
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    arguments = ["events.jsonl", "--progress", "kept"]
    if change == "shorter":
        (folder / "events.jsonl").write_bytes(b"".join(lines[:-1]))
    elif change == "other":
        (folder / "events.jsonl").write_bytes(b"".join([*lines[:-1], line_of(7)]))
    elif change == "damaged":
        (folder / "kept").write_text('{"version": 1}')
    elif change == "address":
        arguments += ["--sandbox", "http://127.0.0.1:9"]
    else:
        (folder / "more.jsonl").write_bytes(b"")
        arguments.insert(1, "more.jsonl")
    result = run("send", *arguments)
    assert result.exit_code == 2
    assert f"kept: {problem}" in result.stderr
    assert "delete that file to send everything from the beginning" in result.stderr
    assert len(server.sandbox.calls) == calls


def test_progress_that_cannot_be_written_is_refused_before_anything_is_sent(run: Run, server: SandboxServer) -> None:
    result = run("send", "events.jsonl", "--progress", "nowhere/events.progress")
    assert (result.exit_code, server.sandbox.calls) == (2, [])
    assert "nowhere/events.progress.new: cannot be written: No such file or directory" in result.stderr


def test_a_signal_ends_a_wait_for_standard_input(start: Start, server: SandboxServer) -> None:
    process = start("send", "--progress", "kept", "--format", "jsonl")
    assert process.stdin is not None
    process.stdin.write(b"".join(line_of(number) for number in range(100)))
    process.stdin.flush()
    while len(server.sandbox.calls) < 99 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    output, told = process.communicate(timeout=LONG)
    assert (process.returncode, output.count(b"\n")) == (143, 100)
    assert b"stopped after standard input line 100" in told


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count memory in other units")
@pytest.mark.parametrize("bulk", ["vendor", "max"])
def test_memory_stays_flat(folder: Path, bulk: str) -> None:
    sizes = (300, 900) if bulk == "vendor" else (6_000, 15_000)
    (folder / "klavier_plugin.py").unlink()
    peaks = []
    with counting_server() as url:
        (folder / "klavier.toml").write_text(CONFIG.format(url=url))
        for size in sizes:
            with (folder / "events.jsonl").open("wb") as file:
                file.writelines(line_of(number * 10) for number in range(size))
            code, peak = run_watched([*SEND, "--bulk", bulk, "--progress", f"progress-{size}"], folder)
            assert code in (0, 1)
            peaks.append(peak)
    assert max(peaks) < 120
    assert peaks[1] < peaks[0] * 1.05
