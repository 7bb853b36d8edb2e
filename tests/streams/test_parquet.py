"""Parquet as other programs write it: maps, values that Python has not, a column twice, damage after the schema."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from klavier.errors import UsageError
from klavier.streams.lines import Line
from klavier.streams.sources import Sources

pyarrow: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")


def write(path: Path, rows: int = 3, **columns: Any) -> str:
    members = {"type": ["track"] * rows, "event": ["Sold"] * rows, "userId": [f"u{number}" for number in range(rows)]}
    parquet.write_table(pyarrow.table({**members, **columns}), path)
    return str(path)


def read(name: str) -> list[Line]:
    return list(Sources([name]).lines())


def payloads(name: str) -> list[Any]:
    return [orjson.loads(line.text) for line in read(name)]


def test_parquet_rows_are_events(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "type": ["track", "identify"],
            "event": ["Sold", None],
            "user_id": ["u1", "u2"],
            "properties": [{"price": 9.5, "plan": None}, None],
            "context": ['{"ip": "192.0.2.1"}', None],
            "email": [None, "ada@shop.test"],
            "timestamp": pyarrow.array([0, None], pyarrow.timestamp("ms", "UTC")),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    first, second = payloads(str(tmp_path / "a.parquet"))
    assert first == {
        "type": "track",
        "event": "Sold",
        "userId": "u1",
        "properties": {"price": 9.5, "plan": None},
        "context": {"ip": "192.0.2.1"},
        "timestamp": "1970-01-01T00:00:00+00:00",
    }
    assert second == {"type": "identify", "userId": "u2", "traits": {"email": "ada@shop.test"}}


def test_a_column_of_json_holds_whole_events(tmp_path: Path) -> None:
    events = [{"type": "track", "event": "Sold", "userId": f"u{number}"} for number in range(3)]
    parquet.write_table(
        pyarrow.table({"raw": [orjson.dumps(event).decode() for event in events]}), tmp_path / "a.parquet"
    )
    assert payloads(str(tmp_path / "a.parquet")) == events


def test_a_map_is_an_object(tmp_path: Path) -> None:
    kind = pyarrow.map_(pyarrow.string(), pyarrow.int64())
    columns = {"properties": pyarrow.array([[("price", 3)]], kind), "tags": pyarrow.array([[("b", 1)]], kind)}
    (line,) = read(write(tmp_path / "a", 1, **columns))
    assert orjson.loads(line.text)["properties"] == {"price": 3, "tags": {"b": 1}}


NOT_UTF_8 = [None, pyarrow.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pyarrow.py_buffer(b"a\xffb")]
TWO_INTEGERS = pyarrow.struct([("x", pyarrow.int64())])


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        (pyarrow.Array.from_buffers(pyarrow.string(), 3, NOT_UTF_8), "a string that is not UTF-8"),
        (pyarrow.array([0, 10**18, 5], pyarrow.timestamp("us")), "a date or time beyond the years 1 to 9999"),
        (pyarrow.array([0, 2**30, 5], pyarrow.date32()), "a date or time beyond the years 1 to 9999"),
        (pyarrow.array([[], [({"x": 1}, 2)], []], pyarrow.map_(TWO_INTEGERS, pyarrow.int64())), "a map whose keys"),
    ],
)
def test_a_value_that_python_has_not_is_one_rejected_row(tmp_path: Path, column: Any, problem: str) -> None:
    first, bad, last = read(write(tmp_path / "a", odd=column))
    assert (bad.number, bad.unit, bad.text) == (2, "row", b"")
    assert bad.problem.startswith(f"odd: {problem}")
    assert [orjson.loads(line.text)["userId"] for line in (first, last)] == ["u0", "u2"]


def test_damage_after_the_first_rows_ends_with_a_problem(tmp_path: Path) -> None:
    table = pyarrow.table({"type": ["page"] * 4000, "userId": [f"u{number}" for number in range(4000)]})
    parquet.write_table(table, tmp_path / "a", row_group_size=1000, use_dictionary=False, compression="gzip")
    data = bytearray((tmp_path / "a").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = b"\xaa" * 200
    (tmp_path / "a").write_bytes(data)
    *rows, last = read(str(tmp_path / "a"))
    assert rows
    assert not any(row.problem for row in rows)
    assert (last.number, last.text) == (len(rows) + 1, b"")
    assert last.problem.endswith("; nothing after it was read")


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the columns 'userId' and 'user_id' are the same"):
        Sources([write(tmp_path / "a", user_id=["a", "b", "c"])])
