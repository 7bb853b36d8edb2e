"""`klavier send`, through HTTP to a sandbox on this machine."""

import json
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from klavier.klaviyo.operations import RateLimit
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run, Start
from tests.support.waiting import LONG

KEYS = {"KLAVIYO_PRIVATE_API_KEY": "pk_sandbox", "KLAVIYO_PUBLIC_API_KEY": "SNDBX1"}


def track(user: str, name: str = "Sang") -> bytes:
    payload = {"type": "track", "userId": user, "event": name, "messageId": f"{user}-{name}"}
    return json.dumps(payload).encode() + b"\n"


@pytest.fixture
def server(folder: Path) -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox("pk_sandbox", "SNDBX1")) as found:
        (folder / "klavier.toml").write_text(
            f'vendor = "little"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\nbase_url = "{found.url}"\n'
        )
        yield found


def events_of(server: SandboxServer) -> int:
    return len(server.sandbox.state()["events"])


def test_events_reach_klaviyo_and_are_counted(run: Run, folder: Path, server: SandboxServer) -> None:
    (folder / "a.jsonl").write_bytes(track("u1") + track("u2"))
    (folder / "b.jsonl").write_bytes(b'{"type": "page", "userId": "u1"}\n' + track("u3"))
    result = run("send", "a.jsonl", "b.jsonl")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == (
        "4 events, 3 requests\n"
        "  delivered         3\n"
        "  skipped           1\n"
        "            1  page calls have no meaning here (b.jsonl line 1)\n"
    )
    assert events_of(server) == 3


def test_standard_input_is_read_without_a_file_and_for_a_dash(run: Run, server: SandboxServer) -> None:
    assert run("send", stdin=track("u1")).stdout.startswith("1 event, 1 request\n")
    assert run("send", "-", stdin=track("u2")).stdout.startswith("1 event, 1 request\n")
    assert events_of(server) == 2


def test_sending_twice_leaves_one(run: Run, server: SandboxServer) -> None:
    for _ in range(2):
        assert run("send", stdin=track("u1") * 3).exit_code == 0
    assert events_of(server) == 1


def test_what_fails_does_not_stop_the_rest(run: Run, folder: Path, server: SandboxServer) -> None:
    content = b"nonsense\n" + track("u1") + track("") + track("u2", "Explode") + track("u3")
    (folder / "events.jsonl").write_bytes(content)
    result = run("send", "events.jsonl", "--rejects", "again.jsonl")
    assert result.exit_code == 1
    assert result.stdout == (
        "5 events, 2 requests\n"
        "  delivered         2\n"
        "  rejected          2\n"
        "            1  not JSON: Expecting value (line 1)\n"
        "            1  userId is missing; give it (line 3)\n"
        "  failed            1\n"
        "            1  the vendor raised RuntimeError (line 4)\n"
    )
    assert (folder / "again.jsonl").read_bytes() == b"nonsense\n" + track("") + track("u2", "Explode")
    assert events_of(server) == 2


def test_json_lines_give_an_outcome_for_each_event(run: Run, server: SandboxServer) -> None:
    result = run("send", "--format", "jsonl", stdin=track("u1") + b"nonsense")
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first == {
        "source": "standard input",
        "line": 1,
        "type": "track",
        "name": "Sang",
        "message_id": "u1-Sang",
        "outcome": {"kind": "delivered", "reason": "", "status": None, "retryable": False, "notes": []},
    }
    assert second["outcome"]["kind"] == "rejected"
    assert second["outcome"]["reason"].startswith("standard input line 2: not JSON at column 1")
    assert result.stderr.startswith("2 events, 1 request\n")
    assert events_of(server) == 1


def test_the_address_and_the_keys_may_come_from_outside(
    run: Run, folder: Path, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "klavier.toml").unlink()
    (folder / "elsewhere").mkdir()
    (folder / "klavier_plugin.py").rename(folder / "elsewhere" / "klavier_plugin.py")
    (folder / "elsewhere" / "klavier.toml").write_text(
        'vendor = "little"\n[klaviyo]\nprivate_api_key = "${KLAVIYO_PRIVATE_API_KEY}"'
    )
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KLAVIER_CONFIG", "elsewhere/klavier.toml")
    assert run("send", "--sandbox", server.url, stdin=track("u1")).exit_code == 0
    assert events_of(server) == 1


def test_a_key_that_klaviyo_refuses_fails_each_event_at_once(run: Run, folder: Path, server: SandboxServer) -> None:
    text = (folder / "klavier.toml").read_text()
    (folder / "klavier.toml").write_text(text.replace("pk_sandbox", "pk_wrong_key"))
    result = run("send", stdin=track("u1") + track("u2"))
    assert result.exit_code == 1
    assert "  failed            2\n            2  Klaviyo answered 401 (first: line 1)\n" in result.stdout
    assert "pk_wrong_key" not in result.output
    assert events_of(server) == 0


def test_a_limit_is_waited_out(run: Run, folder: Path) -> None:
    with SandboxServer(Sandbox("pk_sandbox", "SNDBX1", rate_limits={"create_event": RateLimit(2, 1000)})) as server:
        (folder / "klavier.toml").write_text(
            f'vendor = "little"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\nbase_url = "{server.url}"\n'
        )
        result = run("send", stdin=b"".join(track(f"u{number}") for number in range(5)))
        assert result.exit_code == 0
        assert events_of(server) == 5


@pytest.mark.parametrize("by", ["option", "configuration"])
def test_a_large_file_takes_few_calls_in_bulk(by: str, run: Run, folder: Path, server: SandboxServer) -> None:
    if by == "configuration":
        with (folder / "klavier.toml").open("a") as file:
            file.write('[delivery]\nbulk = "max"\n')
    source = (
        Path("klavier_plugin.py")
        .read_text()
        .replace("partial(self._flow, part), calls)", "partial(self._flow, part), calls, bulkable=True)")
    )
    (folder / "klavier_plugin.py").write_text(source)
    (folder / "events.jsonl").write_bytes(b"".join(track(f"u{number}") for number in range(200)) + b"nonsense\n")
    result = run("send", "events.jsonl", *(["--bulk", "max"] if by == "option" else []))
    assert result.exit_code == 1
    assert result.stdout.startswith("201 events, 1 request\n  delivered       200\n  rejected          1\n")
    assert events_of(server) == 200


def test_bulk_needs_a_key_as_well(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "little"')
    result = run("send", "--bulk", "max", stdin=track("u1"))
    assert (result.exit_code, "no key is configured" in result.stderr) == (2, True)


def test_without_any_key_nothing_is_sent(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "little"')
    result = run("send", stdin=track("u1"))
    assert result.exit_code == 2
    assert "no key is configured: set private_api_key or access_token under [klaviyo] in klavier.toml" in result.stderr
    assert "KLAVIYO_PRIVATE_API_KEY" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-", "-"], "standard input can be read only once: pass - once"),
        (["none.jsonl"], "none.jsonl: there is no such file"),
        (["."], "klavier.toml: is no file of events"),
        (["-", "--sandbox", "localhost:1"], "'--sandbox': must be a web address without path or query"),
        (["-", "--vendor", "nobody"], "'nobody' is not known"),
        (["-", "--rejects", "no/such/folder.jsonl"], "no/such/folder.jsonl: there is no such folder; make it"),
        (
            ["klavier.toml", "--rejects", "./klavier.toml"],
            "klavier.toml: is an input file as well; pass another name to --rejects",
        ),
        (["-", "--frobnicate"], "No such option"),
    ],
)
def test_wrong_use_exits_with_2(arguments: list[str], problem: str, run: Run, server: SandboxServer) -> None:
    result = run("send", *arguments, stdin=b"nonsense\n")
    assert result.exit_code == 2
    assert problem in result.stderr
    assert events_of(server) == 0


def test_one_unreadable_file_stops_it_before_anything_is_sent(run: Run, folder: Path, server: SandboxServer) -> None:
    (folder / "good.jsonl").write_bytes(track("u1"))
    assert run("send", "good.jsonl", "none.jsonl").exit_code == 2
    assert events_of(server) == 0


def test_an_interrupt_prints_how_many_events_were_sent(start: Start, server: SandboxServer) -> None:
    process = start("send", "--format", "jsonl")
    assert process.stdin is not None
    assert process.stdout is not None
    number = 0
    while not select.select([process.stdout], [], [], 0.1)[0]:  # outcomes come as further lines do
        number += 1
        process.stdin.write(track(f"u{number}"))
        process.stdin.flush()
        assert number < 300
    process.send_signal(signal.SIGINT)
    _, problems = process.communicate(timeout=LONG)
    assert process.returncode == 130
    assert b"stopped after standard input line " in problems
    assert b"to deliver the rest, send the input again: no event is doubled" in problems
    assert b"  delivered " in problems
    assert b"Traceback" not in problems
    assert events_of(server) >= 1


def test_what_trickles_in_is_sent_in_bulk_as_it_comes(start: Start, server: SandboxServer) -> None:
    process = start("send", "--bulk", "max", "--format", "jsonl")
    assert process.stdin is not None
    assert process.stdout is not None
    for number in range(3):
        process.stdin.write(track(f"u{number}") + track(f"v{number}"))
        process.stdin.flush()
        told = b""
        while told.count(b"\n") < 2:  # their outcomes come while nothing follows
            assert select.select([process.stdout], [], [], 60)[0], "no outcome came"
            told += os.read(process.stdout.fileno(), 10_000)
        assert events_of(server) == 2 * (number + 1)
    process.communicate(timeout=LONG)
    assert process.returncode == 0


def test_progress_is_printed_as_lines_where_there_is_no_terminal(
    run: Run, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server
    monkeypatch.setattr("klavier.cli.progress._LOG_EVERY", 0.0)
    content = b"".join(track(f"u{number}") for number in range(5))
    lines = run("send", stdin=content).stderr.splitlines()
    assert [line.split(": ")[1].split(",")[0] for line in lines] == [f"{n} event{'s'[: n != 1]}" for n in range(1, 6)]
    assert lines[-1].endswith(", at standard input line 5")
    assert run("send", "-q", stdin=content).stderr == ""
