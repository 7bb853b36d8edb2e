"""Warehouse rows as events."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from klavier import Event, EventError, UsageError, load_vendor, parse_line, rehearse
from klavier.cli.app import app
from klavier.streams.lines import Line
from klavier_segment_actions import events_from_rows, read_rows
from klavier_segment_actions.commands import MODES
from klavier_segment_actions.rows import NAMES, read_row_events

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
        ([{"ID": 1}], {"id_column": "id"}, "row 1: there is no column 'id'; the columns are ID; did you mean 'ID'?"),
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
        {"id": 1, "email": "a@b.io", "note": 'x, "y"'}, {"id": 2, "email": None, "note": "z"},
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n\n{"id": 2}\n')
    assert list(read_rows(str(tmp_path / "a.jsonl"))) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"id,email\n1\n", "row 1: has 1 cells, the header 2"),
        ("a.csv", b"id,email\n1,2\n1,2,3\n", "row 2: has 3 cells, the header 2"),
        ("a.csv", b"id\n\xff\n", "row 1: is not UTF-8"),
        ("a.csv", b'id\n"a"b\n', "row 1: is not CSV"),
        ("a.jsonl", b'{"id": 1}\n[1]\n', "row 2: a row must be an object, not an array"),
        ("a.jsonl", b"{\n", "row 1: not JSON"),
    ],
)
def test_invalid_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EventError, match=message):
        list(read_rows(tmp_path / name))


GUESTS = b'id,email\n1,a@shop.test\n,guest@shop.test\n3\n4,\xff\n5,"x"y\n6,f@shop.test\n'


def test_one_bad_row_is_one_outcome(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(GUESTS)
    found = list(read_row_events(tmp_path / "a.csv", id_column="id"))
    assert [isinstance(row, Line) for row in found] == [False, True, True, True, True, False]
    bad = [row for row in found if isinstance(row, Line)]
    assert [(row.number, row.text) for row in bad] == [
        (2, b",guest@shop.test"), (3, b"3"), (4, b"4,\xff"), (5, b'5,"x"y'),
    ]  # fmt: skip
    assert [row.problem.split(":")[0] for row in bad] == [
        "the column 'id' is empty, and it contains the user id",
        "has 1 cells, the header 2",
        "is not UTF-8",
        "is not CSV",
    ]


def test_bad_rows_of_json_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"id": 1}\n\n{"id": NaN}\n[]\n{"id": 2, "__mode": "moved"}\n{"id": 3}\n')
    found = list(read_row_events(tmp_path / "a.jsonl", id_column="id"))
    bad = [row for row in found if isinstance(row, Line)]
    assert [(row.number, row.text) for row in bad] == [
        (2, b'{"id": NaN}'),
        (3, b"[]"),
        (4, b'{"id": 2, "__mode": "moved"}'),
    ]
    assert len(found) - len(bad) == 2


@pytest.mark.parametrize(
    ("header", "id_column", "message"),
    [
        ("id,email,email", "id", "the column 'email' occurs twice; rename or remove one"),
        ("id,id", None, "the column 'id' occurs twice"),
        ("ID,EMAIL", "id", "there is no column 'id'; the columns are ID, EMAIL; did you mean 'ID'?"),
        ("id email", "id", "there is no column 'id'; the columns are id email"),
    ],
)
def test_wrong_headers_are_refused_before_any_row(
    tmp_path: Path, header: str, id_column: str | None, message: str
) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n1,2,3\n")
    with pytest.raises(UsageError) as caught:
        read_row_events(tmp_path / "a.csv", id_column=id_column)
    assert message in str(caught.value)


def test_types_are_those_of_the_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "id,age,zip,price,vip,mixed,empty,long\n"
        "1,30,01234,12.50,true,1,,12345678901234567890123\n"
        "2,,94103,7,false,x,,1\n"
        "3,-4,10115,0.5,,2,,2\n"
    )
    first, second, third = read_rows(tmp_path / "a.csv")
    assert first == {
        "id": 1, "age": 30, "zip": "01234", "price": 12.5, "vip": True, "mixed": "1", "empty": None,
        "long": "12345678901234567890123",
    }  # fmt: skip
    assert (second["age"], second["zip"], second["vip"], third["mixed"]) == (None, "94103", False, "2")
    (event, *_) = events_from_rows([first], id_column="id")
    assert event.payload["userId"] == 1


def test_the_id_column_is_a_string(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,age\n1,30\n")
    (event,) = read_row_events(tmp_path / "a.csv", id_column="id")
    assert isinstance(event, Event)
    assert (event.payload["userId"], event.payload["properties"]) == ("1", {"id": "1", "age": 30})


def test_the_command_reports_bad_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(GUESTS)
    run = CliRunner().invoke(app, ["rows", str(tmp_path / "a.csv"), "--id-column", "id"])
    assert run.exit_code == 1
    assert len(run.stdout.splitlines()) == 2
    assert "row 2: the column 'id' is empty" in run.stderr


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
