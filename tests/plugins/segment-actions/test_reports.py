"""Kinds of faults that users reported about rows of a warehouse, each with several examples."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klavier import Event, UsageError
from klavier.streams.lines import Line
from klavier_segment_actions.rows import read_row_events, read_rows


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("guests.csv", b"id,email\n1,a@shop.test\n,guest@shop.test\n3,c@shop.test\n4,d@shop.test\n"),
        ("cells.csv", b"id,email\n1,a@shop.test\n2,b@shop.test,x\n3,c@shop.test\n4,d@shop.test\n"),
        ("bytes.csv", b"id,email\n1,a@shop.test\n2,\xe9@shop.test\n3,c@shop.test\n4,d@shop.test\n"),
        ("lines.jsonl", b'{"id":1}\n{"id":2\n{"id":3}\n{"id":4}\n'),
        ("numbers.jsonl", b'{"id":1}\n{"id":2,"score":1e999}\n{"id":3}\n{"id":4}\n'),
        ("nulls.jsonl", b'{"id":1}\n{"id":null}\n{"id":3}\n{"id":4}\n'),
    ],
)
def test_a_bad_row_is_one_outcome_and_the_others_are_read(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = list(read_row_events(tmp_path / name, "updated", id_column="id"))
    assert [isinstance(row, Event) for row in found] == [True, False, True, True]
    bad = found[1]
    assert isinstance(bad, Line)
    lines = content.split(b"\n")[1 if name.endswith(".csv") else 0 :]
    assert (bad.number, bad.text) == (2, lines[1])


@pytest.mark.parametrize(
    ("name", "header", "repeated"),
    [
        ("a.csv", "id,email,email", "email"),
        ("a.csv", "id;plan;id", "id"),
        ("a.tsv", "name\tid\tname", "name"),
        ("a.csv", 'id,"created, at","created, at"', "created, at"),
    ],
)
def test_a_column_that_occurs_twice_is_refused(tmp_path: Path, name: str, header: str, repeated: str) -> None:
    (tmp_path / name).write_text(f"{header}\n")
    with pytest.raises(UsageError, match=f"the column '{repeated}' occurs twice"):
        read_row_events(tmp_path / name, id_column="id")


@pytest.mark.parametrize(
    ("header", "asked", "meant"),
    [("ID,EMAIL", "id", "ID"), ("user_id;email", "userid", "user_id"), ("Key,b", "key", "Key")],
)
def test_a_column_that_is_not_there_is_not_called_empty(tmp_path: Path, header: str, asked: str, meant: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n1,2\n")
    with pytest.raises(UsageError, match=f"there is no column '{asked}'.*did you mean '{meant}'"):
        read_row_events(tmp_path / "a.csv", id_column=asked)


def plain(content: bytes) -> bytes:
    return content


@pytest.mark.parametrize(
    ("name", "delimiter", "compress"),
    [
        ("a.tsv", "\t", plain),
        ("a.csv", ";", plain),
        ("a.csv", "|", plain),
        ("a.csv.gz", ",", gzip.compress),
        ("a.TSV.bz2", "\t", bz2.compress),
        ("a.csv", ",", gzip.compress),
    ],
)
def test_tables_are_read_whatever_their_delimiter_and_compression(
    tmp_path: Path, name: str, delimiter: str, compress: Callable[[bytes], bytes]
) -> None:
    rows = [["id", "email"], ["1", "a@shop.test"], ["2", "b@shop.test"]]
    (tmp_path / name).write_bytes(compress("\n".join(delimiter.join(row) for row in rows).encode()))
    assert list(read_rows(tmp_path / name)) == [{"id": 1, "email": "a@shop.test"}, {"id": 2, "email": "b@shop.test"}]


def test_compressed_json_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1}\n{"id": 2}\n'))
    assert list(read_rows(tmp_path / "a.jsonl.gz")) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("a.json", b'[\n{"id": 1},\n{"id": 2}\n]\n', "jq -c '.[]'"),
        ("a.txt", b"id,email\n1,a@shop.test\n", "ends in .csv"),
        ("a.csv", "id,email\n1,a@shop.test\n".encode("utf-16"), "CSV in UTF-8"),
        ("a.parquet", b"PAR1....PAR1", "export the rows as CSV"),
    ],
)
def test_another_format_is_refused_once_with_the_remedy(tmp_path: Path, name: str, content: Any, remedy: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_row_events(tmp_path / name)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("damage", [lambda data: data[:-12], lambda data: data[:20] + b"\0" * 20 + data[40:]])
def test_damaged_data_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    content = b"id,email\n" + b"".join(b"%d,u%d@shop.test\n" % (n, n * 7919) for n in range(500))
    (tmp_path / "a.csv.gz").write_bytes(damage(gzip.compress(content)))
    with pytest.raises(Exception, match="damaged: write the file again"):
        list(read_rows(tmp_path / "a.csv.gz"))
