"""Every command that reads events takes files as people have them, and refuses what it cannot read before it acts."""

import gzip
import json
from pathlib import Path

import pytest

import klavier
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run

TRACK = {"type": "track", "event": "Sold", "userId": "u1", "messageId": "m1"}
COMMANDS = {
    "plan": ["plan", "--format", "jsonl"],
    "send": ["send"],
    "demo": ["demo", "--vendor", "rudderstack"],
    "diff": ["diff", "--to", "segment-classic", "--format", "json"],
    "migrate": ["migrate", "--to", "segment-classic", "--format", "json", "--sample"],
}


@pytest.fixture
def server(folder: Path) -> klavier.Sandbox:
    (folder / "klavier_plugin.py").unlink()
    (folder / "klavier.toml").write_text('vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_secret_one"\n')
    (folder / "parts/2026").mkdir(parents=True)
    for number in range(3):
        events = [{**TRACK, "messageId": f"m{number}-{place}"} for place in range(2)]
        (folder / f"parts/2026/part-{number}.json.gz").write_bytes(gzip.compress(json.dumps(events).encode()))
    return klavier.Sandbox("pk_secret_one")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_of_compressed_arrays_is_read(command: str, run: Run, server: klavier.Sandbox) -> None:
    with SandboxServer(server) as found:
        result = run(*COMMANDS[command], "parts", *(["--sandbox", found.url] if command == "send" else []))
    assert result.exit_code in (0, 1), result.stderr
    if command == "plan":
        assert len(result.stdout.splitlines()) == 6
    elif command == "send":
        assert result.stdout.startswith("6 events, 6 requests\n")
        assert len(server.state()["events"]) == 6
    elif command == "diff":
        assert json.loads(result.stdout)["events"] == 6
    elif command == "migrate":
        assert json.loads(result.stdout)["comparison"]["events"] == 6
    else:
        assert "6 events, 6 requests" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_not_readable_is_refused_once_and_nothing_is_sent(
    command: str, run: Run, folder: Path, server: klavier.Sandbox
) -> None:
    (folder / "parts/2026/part-9.xlsx").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    with SandboxServer(server) as found:
        result = run(*COMMANDS[command], "parts", *(["--sandbox", found.url] if command == "send" else []))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: parts/2026/part-9.xlsx: is a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV\n"
    )
    assert server.calls == []


def test_rejected_rows_are_json_lines_that_can_be_sent_again(run: Run, folder: Path, server: klavier.Sandbox) -> None:
    (folder / "events.csv").write_text("type,event,user_id\ntrack,Sold,u1\ndance,Sold,u1\n")
    with SandboxServer(server) as found:
        result = run("send", "events.csv", "--rejects", "again.jsonl", "--sandbox", found.url)
    assert result.exit_code == 1
    assert "(row 2)" in result.stdout
    assert json.loads((folder / "again.jsonl").read_text()) == {"type": "dance", "event": "Sold", "userId": "u1"}


def test_rows_that_cannot_be_read_are_named_among_the_rejects(run: Run, folder: Path, server: klavier.Sandbox) -> None:
    rows = ["track,Sold,u1,1", "track,Sold,u1,1,2", 'track,Sold,u1,"{""a"":1,""a"":2}"', "dance,Sold,u1,1"]
    (folder / "events.csv").write_text("\n".join(["type,event,user_id,plan", *rows]))
    with SandboxServer(server) as found:
        result = run("send", "events.csv", "--rejects", "again.jsonl", "--sandbox", found.url)
        again = [json.loads(line) for line in (folder / "again.jsonl").read_text().splitlines()]
        resent = run("send", "again.jsonl", "--rejects", "third.jsonl", "--sandbox", found.url)
    assert (result.exit_code, resent.exit_code) == (1, 1)
    problem = "has 5 cells, the header 4; quote cells that contain the delimiter"
    assert again[0] == {"unreadable": "events.csv row 2", "problem": problem}
    assert again[1] == {
        "unreadable": "events.csv row 3",
        "problem": "plan.a: the same key twice in one object; keep one of them",
    }
    assert again[2:] == [{"type": "dance", "event": "Sold", "userId": "u1", "properties": {"plan": 1}}]
    assert (folder / "third.jsonl").read_bytes() == (folder / "again.jsonl").read_bytes()


def test_every_line_that_cannot_be_read_is_named_among_the_rejects(
    run: Run, folder: Path, server: klavier.Sandbox
) -> None:
    (folder / "events.jsonl.gz").write_bytes(gzip.compress(json.dumps(TRACK).encode() + b"\n")[:-4])
    with SandboxServer(server) as found:
        run("send", "events.jsonl.gz", "--rejects", "again.jsonl", "--sandbox", found.url)
    (line,) = (folder / "again.jsonl").read_text().splitlines()
    problem = "the gzip data is cut off or damaged; nothing after it was read"
    assert json.loads(line) == {"unreadable": "events.jsonl.gz line 1", "problem": problem}
