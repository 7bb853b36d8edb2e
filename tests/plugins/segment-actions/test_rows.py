"""Warehouse rows as events."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from klavier import EventError, load_vendor, parse_line, rehearse
from klavier.cli.app import app
from klavier_segment_actions import events_from_rows, read_rows
from klavier_segment_actions.commands import MODES
from klavier_segment_actions.rows import NAMES

ROWS: list[dict[str, Any]] = [
    {"id": 1, "email": "a@b.io", "plan": "pro"},
    {"id": 2, "email": None, "__mode": "deleted"},
]


def test_modes() -> None:
    first, second = events_from_rows(ROWS, "updated", id_column="id")
    assert first.payload | {"messageId": ""} == {
        "type": "track", "event": "updated", "userId": 1, "messageId": "",
        "properties": {"id": 1, "email": "a@b.io", "plan": "pro"},
    }  # fmt: skip
    assert second.payload["event"] == "deleted"
    assert second.payload["properties"] == {"id": 2, "email": None}
    assert [event.payload["event"] for event in events_from_rows([{}])] == ["new"]


def test_message_ids_are_derived_from_the_row() -> None:
    ids = [event.message_id for event in events_from_rows([*ROWS, *ROWS])]
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2
    assert [e.message_id for e in events_from_rows(ROWS, "added")] != [
        e.message_id for e in events_from_rows(ROWS, "updated")
    ]


def test_mappings_read_rows() -> None:
    mapping = {"action": "upsertProfile", "trigger": 'event = "new" or event = "updated"', "fields": {
        "email": {"@path": "$.properties.email"}, "external_id": {"@path": "$.userId"}}}  # fmt: skip
    removal = {"action": "removeProfile", "trigger": 'event = "deleted"', "fields": {
        "external_id": {"@path": "$.userId"}, "list_id": "L1"}}  # fmt: skip
    vendor = load_vendor("segment-actions", {"api_key": "k", "mappings": [mapping, removal]})
    requests = rehearse(vendor, list(events_from_rows(ROWS, id_column="id"))).requests
    assert [(request.method, request.path) for request in requests] == [
        ("POST", "/api/profiles"),
        ("GET", "/api/profiles"),
    ]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([{"id": 1}, 5], {}, "row 2: a row must be an object"),
        ([{"__mode": "moved"}], {}, "row 1: the mode must be one of added, updated, deleted"),
        ([{"__mode": []}], {}, "row 1: the mode must be one of"),
        ([{"id": ""}], {"id_column": "id"}, "row 1: the column 'id' is empty"),
        ([{"a": float("nan")}], {}, "row 1, properties.a: "),
    ],
)
def test_invalid_rows(rows: Any, options: Any, message: str) -> None:
    with pytest.raises(EventError) as caught:
        list(events_from_rows(rows, **options))
    assert str(caught.value).startswith(message)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('\ufeffid,email,note\n1,a@b.io,"x, ""y"""\n2,,z\n', "utf-8")
    assert list(read_rows(tmp_path / "a.csv")) == [
        {"id": "1", "email": "a@b.io", "note": 'x, "y"'}, {"id": "2", "email": None, "note": "z"},
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n\n{"id": 2}\n')
    assert list(read_rows(str(tmp_path / "a.jsonl"))) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"id,email\n1\n", "line 2: has more or fewer cells"),
        ("a.csv", b"id,email\n1,2,3\n", "line 2: has more or fewer cells"),
        ("a.csv", b"id\n\xff\n", "cannot be read as CSV in UTF-8"),
        ("a.jsonl", b'{"id": 1}\n[1]\n', "line 2: a row must be an object, not an array"),
        ("a.jsonl", b"{\n", "line 1: not JSON"),
    ],
)
def test_invalid_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EventError, match=message):
        list(read_rows(tmp_path / name))


def test_the_command_writes_events(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,email\n1,a@b.io\n")
    run = CliRunner().invoke(app, ["rows", str(tmp_path / "a.csv"), "--mode", "deleted", "--id-column", "id"])
    assert run.exit_code == 0, run.output
    (line,) = run.output.splitlines()
    event = parse_line(line)
    assert (event.user_id, event.payload["event"]) == ("1", "deleted")
    assert json.loads(line)["properties"] == {"id": "1", "email": "a@b.io"}


def test_the_command_names_a_missing_file(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["rows", str(tmp_path / "none.csv")])
    assert run.exit_code == 2
    assert "there is no such file" in run.output


def test_the_command_knows_every_mode() -> None:
    """Its own list spares the list of commands the import of this module."""
    assert tuple(NAMES) == MODES
