"""Rows of tables as payloads, cell by cell, and the queries that return rows."""

import io
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType
from typing import Any, Self

import orjson
import pytest

from klavier.errors import UsageError
from klavier.streams.queries import Query
from klavier.streams.tables import check_columns, find_delimiter, make_payload, read_csv, read_row


def payload(**row: Any) -> dict[str, Any]:
    return make_payload({name.replace("__", "."): value for name, value in row.items()}, lambda value, _: value)


def csv_rows(text: str, delimiter: str = ",") -> list[Any]:
    lines = read_csv(io.BytesIO(text.encode()), "a.csv", delimiter, lambda: 7)
    return [line.problem or orjson.loads(line.text) for line in lines]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("type,event", ","),
        ('"Event";price', ";"),
        (" user_id \tprice", "\t"),
        ("Anonymous ID|x", "|"),
        ("email,a;b", ","),
        ("type", None),
        ("price,color", None),
        ("type,type", None),
    ],
)
def test_a_header_names_a_column_of_events_and_another_one(line: str, expected: str | None) -> None:
    assert find_delimiter(line) == expected


def test_columns_are_members_properties_or_traits() -> None:
    assert payload(event="Sang", user_id="u1", price=3, empty="", none=None) == {
        "type": "track",
        "event": "Sang",
        "userId": "u1",
        "properties": {"price": 3},
    }
    for kind, member in (("identify", "traits"), ("group", "traits"), ("page", "properties")):
        assert payload(type=kind, plan="pro") == {"type": kind, member: {"plan": "pro"}}
    assert payload(plan="pro", email="a@b.c") == {"properties": {"plan": "pro", "email": "a@b.c"}}
    assert payload(event="Sang", properties={"distinct_id": "d"}) == {
        "event": "Sang",
        "properties": {"distinct_id": "d"},
    }


def test_dots_reach_into_objects() -> None:
    found = payload(type="track", context__page__url="u", context__page__title="t", properties__a__b=1, **{" x ": 2})
    assert found == {
        "type": "track",
        "context": {"page": {"url": "u", "title": "t"}},
        "properties": {"a": {"b": 1}, "x": 2},
    }
    assert payload(type="track", properties__a=1, properties__a__b=2)["properties"] == {"a": {"b": 2}}


def test_objects_are_merged_and_what_was_there_stays() -> None:
    found = payload(type="track", properties__a=1, properties='{"a": 2, "b": 3}', c=4)
    assert found["properties"] == {"a": 1, "b": 3, "c": 4}
    assert payload(type="track", properties="{no json")["properties"] == "{no json"
    assert payload(type="track", properties="text", a=1)["properties"] == {"a": 1}


def test_one_column_of_objects_is_the_payload() -> None:
    assert payload(event=' {"type": "page"}') == {"type": "page"}
    assert payload(event={"type": "page"}) == {"type": "page"}
    assert payload(event='["page"]') == {"type": "track", "event": '["page"]'}
    assert payload(event='{"a": 1}', b=1) == {"type": "track", "event": '{"a": 1}', "properties": {"b": 1}}


def test_cells_are_numbers_where_json_writes_them_so() -> None:
    header = "event,a,b,c,d,e,f,g,h,i\n"
    (found,) = csv_rows(header + 'x,1,1.5,-2,true,false,007,1e3,"{""q"": [1]}",[1\n')
    expected = {"a": 1, "b": 1.5, "c": -2, "d": True, "e": False, "f": "007", "g": "1e3", "h": {"q": [1]}, "i": "[1"}
    assert found["properties"] == expected
    (found,) = csv_rows("event,a,b\nx,null,nothing\n")
    assert found["properties"] == {"a": "null", "b": "nothing"}


def test_rows_that_cannot_be_read_are_named_and_numbered() -> None:
    lines = list(read_csv(io.BytesIO(b'event,a\nx,1\ny,2,3\n,\n\nz\n"open'), "a.csv", ",", lambda: 7))
    assert [line.number for line in lines] == [1, 2, 5, 6]
    assert [line.unit for line in lines] == ["row"] * 4
    assert [line.end for line in lines] == [7] * 4
    assert lines[1].problem == "has 3 cells, the header 2; quote cells that contain the delimiter"
    assert lines[3].problem.startswith("not CSV: ")
    assert orjson.loads(lines[2].text) == {"type": "track", "event": "z"}
    assert csv_rows("") == []
    problems = [line.problem for line in read_csv(io.BytesIO(b"event,a\nx,1\ny,\xff\nz,1\n"), "a.csv", ",", lambda: 0)]
    assert problems == ["", "not UTF-8; save the file as UTF-8", ""]
    stream = io.BytesIO(b"event,a\nx,1\n")
    list(read_csv(stream, "a.csv", ",", lambda: 0))
    assert not stream.closed


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ('{"id": 123456789012345678901234}', "a.id: an integer beyond 64 bits; send it as a string"),
        ('[{"b": 1, "b": 2}]', "a[0].b: the same key twice in one object; keep one of them"),
    ],
)
def test_json_in_a_cell_keeps_its_values_or_the_row_is_refused(cell: str, problem: str) -> None:
    quoted = cell.replace('"', '""')
    assert csv_rows(f'event,a\nx,"{quoted}"\n') == [problem]
    if cell.startswith("{"):
        line = read_row("t", 3, {"event": "x", "properties": cell})
        assert line.problem == problem.replace("a.", "properties.")
        assert read_row("t", 3, {"a": cell}).problem == problem  # the only column, which holds whole events


def test_values_of_databases_are_written_as_json() -> None:
    values: dict[Any, Any] = {"a": Decimal("3.0"), "b": Decimal("2.5"), "c": b"\xff\x41", "d": date(2026, 1, 2)}
    values |= {"e": None, "f": {5: (1, None, Decimal(7))}}
    line = read_row("t", 3, {"type": "track", **values, "at": datetime(2026, 1, 2)})  # noqa: DTZ001 -- without a zone on purpose
    assert (line.number, line.unit, line.problem) == (3, "row", "")
    assert orjson.loads(line.text)["properties"] == {
        "a": 3, "b": 2.5, "c": "\\xffA", "d": "2026-01-02", "f": {"5": [1, None, 7]}, "at": "2026-01-02T00:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (2**70, "an integer beyond 64 bits"),
        (Decimal("1e30"), "an integer beyond 64 bits"),
        (float("nan"), "NaN or infinity is not JSON"),
        (Decimal("NaN"), "NaN or infinity is not JSON"),
        (Decimal("-Infinity"), "NaN or infinity is not JSON"),
    ],
)
def test_what_json_has_not_is_refused_with_its_place(value: object, problem: str) -> None:
    for cell, place in ((value, "properties.a"), ({"b": [value]}, "properties.a.b[0]")):
        line = read_row("t", 3, {"type": "track", "a": cell})
        assert (line.text, line.problem[: len(place) + 2 + len(problem)]) == (b"", f"{place}: {problem}")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (["total", "event", "total"], "t: the column 'total' occurs twice; rename or remove one"),
        (["user_id", "userId"], "t: the columns 'user_id' and 'userId' are the same; rename or remove one"),
        (["user_id", " userid"], "t: the columns 'user_id' and ' userid' are the same; rename or remove one"),
    ],
)
def test_two_columns_for_one_member_are_refused(columns: list[str], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_columns("t", columns)
    assert str(caught.value) == problem


def test_columns_that_differ_may_stand_beside_each_other() -> None:
    check_columns("t", ["total", "Total", "properties.total", "properties", "context.ip", "context.IP", "", ""])


def test_a_query_is_sorted_by_its_cursor_or_by_the_events_times() -> None:
    plain = Query("duckdb:", "SELECT 1; ")
    assert plain.sorted_sql(["a"], "?") == "SELECT * FROM (SELECT 1\n) AS klavier_rows"
    assert plain.sorted_sql(["a", "Sent_At", "timestamp"], "?").endswith(' ORDER BY "Sent_At" NULLS FIRST')
    cursor = Query("duckdb:", "SELECT 1", 'i"d')
    assert cursor.sorted_sql(['i"d'], "?") == 'SELECT * FROM (SELECT 1\n) AS klavier_rows ORDER BY "i""d" NULLS FIRST'
    later = Query("duckdb:", "SELECT 1", "id", "5")
    assert later.sorted_sql(["id"], "?") == (
        'SELECT * FROM (SELECT 1\n) AS klavier_rows WHERE "id" > ? ORDER BY "id" NULLS FIRST'
    )
    with pytest.raises(UsageError, match="no such column; it has a, b"):
        later.sorted_sql(["a", "b"], "?")


def test_a_query_is_known_by_its_address_text_and_cursor() -> None:
    queries = [Query("duckdb:", "a"), Query("duckdb:", "b"), Query("duckdb:///x", "a"), Query("duckdb:", "a", "id")]
    assert len({query.identity for query in queries}) == 4
    assert Query("duckdb:", "a", None, "5").identity == queries[0].identity
    assert (queries[0].names, queries[0].size, queries[0].asked) == (["duckdb query"], None, None)
    with pytest.raises(UsageError, match="--from: pass an address"):
        Query("mysql://host", "a")


class FakePsycopg(ModuleType):
    """psycopg, as far as klavier uses it: a connection to a database of three rows."""

    class Error(Exception):
        """What psycopg raises."""

    def __init__(self, error: str = "") -> None:
        super().__init__("psycopg")
        self.error = error
        self.log: list[Any] = []
        self.itersize = 0
        self.columns = ["id", "event"]

    def connect(self, url: str, options: str) -> "FakePsycopg":
        self.log.append((url, options))
        if self.error:
            raise self.Error(self.error)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("closed")

    def execute(self, sql: str, values: Any = None) -> "FakePsycopg":
        self.log.append((sql, values))
        return self

    @property
    def description(self) -> list[Any]:
        return [Column(name) for name in self.columns]

    def cursor(self, name: str) -> "FakePsycopg":
        self.log.append(name)
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter([(1, "a"), (datetime(2026, 1, 2, tzinfo=UTC), "b"), (None, "c")])


class Column:
    def __init__(self, name: str) -> None:
        self.name = name


URL = "postgresql://host/db"


@pytest.mark.parametrize(("after", "values"), [(None, None), ("0", {"after": "0"})])
def test_rows_of_postgresql_are_read_on_the_server_and_read_only(
    monkeypatch: pytest.MonkeyPatch, after: str | None, values: Any
) -> None:
    fake = FakePsycopg()
    monkeypatch.setitem(sys.modules, "psycopg", fake)
    query = Query(URL, "SELECT * FROM e;", "id", after)
    lines = list(query.lines())
    assert [line.number for line in lines] == [1, 2, 3]
    assert [orjson.loads(line.text)["event"] for line in lines] == ["a", "b", "c"]
    assert list(query.read) == ["1", "2026-01-02T00:00:00+00:00", ""]
    assert fake.itersize == 1000
    assert fake.log == [
        (URL, "-c TimeZone=UTC -c default_transaction_read_only=on"),
        ("SELECT * FROM (SELECT * FROM e\n) AS klavier_rows LIMIT 0", None),
        "klavier",
        (query.sorted_sql(["id", "event"], "%(after)s"), values),
        "closed",
        "closed",
    ]


def test_what_postgresql_refuses_is_told_in_its_first_line_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", FakePsycopg("\nsyntax error\nLINE 1: secret"))
    with pytest.raises(UsageError) as caught:
        Query("postgres://host/db", "SELECT").lines()
    assert str(caught.value) == "--from: syntax error"
    monkeypatch.setitem(sys.modules, "psycopg", FakePsycopg(" \n"))
    with pytest.raises(UsageError, match="--from: Error"):
        Query(URL, "SELECT").lines()
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match="needs psycopg"):
        Query(URL, "SELECT").lines()


def test_a_query_without_rows_has_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePsycopg()
    monkeypatch.setattr(FakePsycopg, "__iter__", lambda _: iter([]))
    monkeypatch.setitem(sys.modules, "psycopg", fake)
    assert list(Query(URL, "SELECT * FROM e").lines()) == []


def test_a_query_with_a_column_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePsycopg()
    fake.columns = ["id", "id"]
    monkeypatch.setitem(sys.modules, "psycopg", fake)
    with pytest.raises(UsageError, match="--query: the column 'id' occurs twice; rename or remove one"):
        Query(URL, "SELECT * FROM a, b").lines()
