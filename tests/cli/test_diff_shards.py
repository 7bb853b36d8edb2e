"""`klavier diff --shards`: the same differences, from several processes and files."""

import errno
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

SIDES = ("--from", "rudderstack", "--to", "segment-actions")


def lines(people: int) -> bytes:
    """Return three events of each person: the second names it by its device, which the first joins to its address."""
    found: list[dict[str, Any]] = []
    for number in range(people):
        base = {"anonymousId": f"a{number}", "timestamp": "2026-11-01T10:00:00Z"}
        user = {"userId": f"u{number}", "context": {"traits": {"email": f"p{number}@shop.test"}}}
        bought = {"order_id": f"o{number}", "total": number}
        found += [
            {**base, **user, "messageId": f"i{number}", "type": "identify", "traits": {"plan": "pro"}},
            {**base, "messageId": f"s{number}", "type": "track", "event": "Seen"},
            {**base, **user, "messageId": f"b{number}", "type": "track", "event": "Bought", "properties": bought},
        ]
    return b"".join(json.dumps(event).encode() + b"\n" for event in found)


@pytest.fixture(autouse=True)
def without_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "klavier.toml").unlink()
    (folder / "events.jsonl").write_bytes(lines(6) + b"no event\n")
    (folder / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "temporary"))


def test_shards_and_workers_do_not_change_the_result(run: Run, folder: Path) -> None:
    whole = run("diff", "events.jsonl", *SIDES, "--format", "json")
    parts = run(
        "diff", "-", *SIDES, "--format", "json", "--workers", "2", "--shards", "3", stdin=lines(6) + b"no event\n"
    )
    assert (whole.exit_code, parts.exit_code) == (1, 1), parts.output
    assert json.loads(parts.stdout) == json.loads(whole.stdout)
    assert json.loads(whole.stdout)["unread"][0]["first"] == 19
    assert list((folder / "temporary").iterdir()) == []


def test_cases_are_as_many_as_wanted(run: Run) -> None:
    for options in ((), ("--shards", "2")):
        found = json.loads(run("diff", "events.jsonl", *SIDES, "--format", "json", "--cases", "2", *options).stdout)
        counts = {(row["count"], len(row["cases"])) for row in found["differences"]}
        assert (6, 2) in counts
        assert all(cases <= 2 for _, cases in counts)


def test_a_file_without_events_is_wrong_use(run: Run, folder: Path) -> None:
    (folder / "events.jsonl").write_bytes(b"[]\nno event\n\n")
    result = run("diff", "events.jsonl", *SIDES, "--shards", "2")
    assert result.exit_code == 2
    assert "no line of it is an event" in result.stderr


def test_further_identifiers_are_named_by_their_place(run: Run) -> None:
    result = run("diff", "events.jsonl", *SIDES, "--shards", "2", "--joined-by", "properties.customer.number")
    assert result.exit_code == 1, result.output


def test_a_killed_process_is_an_error_with_a_remedy(run: Run, folder: Path) -> None:
    (folder / "klavier_plugin.py").write_text(
        "import os, signal\n"
        "from klavier import hookimpl\n"
        "@hookimpl\n"
        "def klavier_transform_event(event, vendor):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (folder / "klavier.toml").write_text('vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_1"\n')
    result = run("diff", "events.jsonl", *SIDES, "--shards", "2")
    assert result.exit_code == 2
    assert "a process that compared a shard was ended" in result.stderr
    assert list((folder / "temporary").iterdir()) == []


def test_a_full_temporary_folder_is_named_with_the_remedy(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object, *__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("klavier.comparison.identifiers.Components.add", full)
    result = run("diff", "events.jsonl", *SIDES, "--shards", "2")
    assert result.exit_code == 2
    assert str(folder / "temporary") in result.stderr
    assert "TMPDIR" in result.stderr
    assert list((folder / "temporary").iterdir()) == []
