"""`klavier send --from`: the rows of a query are sent as events; an incremental run continues after the last one."""

import json
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from klavier.cli.queries import Cursor
from klavier.errors import UsageError
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from klavier.streams import queries
from klavier.streams.lines import Line
from klavier.streams.queries import Query
from klavier.streams.result import Result as LineResult
from tests.cli.conftest import invoke

duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")

SQL = (
    "SELECT 'track' AS type, 'Ordered' AS event, 'o' || id AS messageId, customer AS user_id, placed AS timestamp, "
    "total, {'city': city} AS context FROM orders"
)
CONFIG = """
vendor = "rudderstack"
[klaviyo]
private_api_key = "pk_sandbox"
base_url = "{url}"
[vendors.rudderstack]
api_version = "v2"
"""
INCREMENTAL = ("--cursor", "timestamp", "--incremental", "orders.state")


def add_orders(numbers: range) -> None:
    with duckdb.connect("shop.db") as shop:
        shop.execute(
            "CREATE TABLE IF NOT EXISTS orders (id INTEGER, customer VARCHAR, placed TIMESTAMP, total DECIMAL(9, 2), "
            "city VARCHAR)"
        )
        for number in reversed(numbers):  # the database sorts
            values = [number, f"u{number % 3}", f"2026-11-02 10:{number:02}:00", f"{number}.50", "Paris"]
            shop.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", values)


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Stand in a folder with a database of orders and a configuration that sends to a sandbox."""
    monkeypatch.chdir(tmp_path)
    for name in ("KLAVIYO_PRIVATE_API_KEY", "KLAVIYO_PUBLIC_API_KEY", "KLAVIER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    sandbox = Sandbox()
    add_orders(range(1, 8))
    with SandboxServer(sandbox) as server:
        Path("klavier.toml").write_text(CONFIG.format(url=server.url))
        yield sandbox


def send(*options: str) -> Result:
    return invoke("send", "--from", "duckdb:///shop.db", "--query", SQL, *options)


def orders_in(sandbox: Sandbox) -> list[str]:
    return [event["unique_id"] for event in sandbox.state()["events"]]


def test_rows_are_sent_in_the_order_of_their_times(sandbox: Sandbox) -> None:
    assert send().exit_code == 0
    assert sorted(orders_in(sandbox)) == [f"o{number}" for number in range(1, 8)]
    for user in range(3):
        mine = [order for order in orders_in(sandbox) if int(order[1:]) % 3 == user]
        assert mine == sorted(mine)
    (first,) = (event for event in sandbox.state()["events"] if event["unique_id"] == "o1")
    assert first["value"] == 1.5
    assert first["time"] == "2026-11-02T10:01:00+00:00"


def test_an_incremental_run_sends_what_came_after_the_last(sandbox: Sandbox) -> None:
    assert "7 events" in send(*INCREMENTAL).output
    assert Path("orders.state").stat().st_mode & 0o077 == 0
    add_orders(range(10, 12))
    again = send(*INCREMENTAL)
    assert "2 events" in again.output
    assert "sending the rows that came after the last run" in again.output
    assert sorted(orders_in(sandbox)[7:]) == ["o10", "o11"]
    assert "0 events" in send(*INCREMENTAL).output


def test_a_database_that_breaks_off_ends_the_run_with_what_was_sent(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = queries._duckdb_rows

    def broken(query: Query, columns: list[str]) -> Generator[tuple[Any, ...]]:
        yield from islice(whole(query, columns), 3)
        raise UsageError("--from: the connection was lost")

    with monkeypatch.context() as patched:
        patched.setattr(queries, "_duckdb_rows", broken)
        for options, remedy in (
            ((), "send the input again: no event is doubled\n"),
            (INCREMENTAL, "run the same command again\n"),
        ):
            first = send(*options)
            assert first.exit_code == 2
            assert "Error: --from: the connection was lost\n" in first.stderr
            assert f"stopped after duckdb query row 3; to deliver the rest, {remedy}" in first.stderr
            assert "3 events, 3 requests\n  delivered         3\n" in first.stdout
    assert "5 events" in send(*INCREMENTAL).output  # the third value may have had further rows
    assert {*orders_in(sandbox)} == {f"o{number}" for number in range(1, 8)}


def test_nothing_is_sent_whose_state_cannot_be_written(sandbox: Sandbox) -> None:
    refused = send("--cursor", "timestamp", "--incremental", "no/such/folder")
    assert (refused.exit_code, orders_in(sandbox)) == (2, [])
    assert "cannot be written" in refused.stderr


def test_a_query_may_stand_in_a_file_and_read_files(sandbox: Sandbox) -> None:
    Path("orders.csv").write_text("type,event,userId,total\ntrack,Ordered,u1,2.5\n")
    Path("orders.sql").write_text("SELECT * FROM 'orders.csv';\n")
    assert invoke("send", "--from", "duckdb:", "--query", "@orders.sql").exit_code == 0
    assert len(orders_in(sandbox)) == 1


def test_a_column_that_occurs_twice_keeps_both_values(sandbox: Sandbox) -> None:
    sql = "SELECT 'track' AS type, 'Ordered' AS event, 'u1' AS userId, 1 AS price, 2 AS price"
    assert invoke("send", "--from", "duckdb:", "--query", sql).exit_code == 0
    (event,) = sandbox.state()["events"]
    assert event["properties"] == {"price": 1, "price_1": 2}


def test_a_dry_run_sends_nothing(sandbox: Sandbox) -> None:
    shown = send("--dry-run", "--format", "json")
    assert len(shown.stdout.splitlines()) == 7
    assert orders_in(sandbox) == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--from", "mysql://x/y", "--query", "SELECT 1"), "--from: pass an address such as duckdb:///shop.db"),
        (("--from", "duckdb:///none.db", "--query", "SELECT 1"), "none.db: there is no such database"),
        (("--from", "duckdb:", "--query", "SELECT nope"), "--from: Binder Error"),
        (("--from", "duckdb:", "--query", "SELECT 1 AS a; SELECT 2 AS a"), "--from: Parser Error"),
        (("--from", "duckdb:"), "pass the rows to send by --query"),
        (("--query", "SELECT 1"), "pass --from too"),
        (("--from", "duckdb:", "--query", "SELECT 1", "events.jsonl"), "pass no FILE"),
        (("--from", "duckdb:", "--query", "@none.sql"), "none.sql: cannot be read: No such file"),
        (("--from", "duckdb:", "--query", "SELECT 1", "--cursor", "x"), "pass both"),
        (("--from", "duckdb:", "--query", "SELECT 1", "--resume"), "--from goes on where it was by --incremental"),
        (
            ("--from", "duckdb:", "--query", "SELECT 1 AS a", "--cursor", "b", "--incremental", "s"),
            "--cursor: the query has no such column; it has a",
        ),
        (("--from", "postgresql://u:secret@127.0.0.1:9/x", "--query", "SELECT 1"), "--from: connection failed"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_sent(
    sandbox: Sandbox, arguments: tuple[str, ...], problem: str
) -> None:
    refused = invoke("send", *arguments)
    assert refused.exit_code == 2
    assert problem in refused.output
    assert "secret" not in refused.output
    assert orders_in(sandbox) == []


@pytest.mark.parametrize("state", [b"", b"[]", b'{"version": 1, "query": "another", "after": "1"}'])
def test_a_state_that_is_damaged_or_another_querys_is_refused(sandbox: Sandbox, state: bytes) -> None:
    Path("orders.state").write_bytes(state)
    refused = send(*INCREMENTAL)
    assert refused.exit_code == 2
    assert "delete that file to send every row again" in refused.output
    assert orders_in(sandbox) == []


@pytest.mark.parametrize(
    ("outcomes", "is_complete", "after"),
    [
        ([delivered()] * 4, True, "3"),
        ([delivered()] * 4, False, "2"),
        ([delivered(), rejected("bad"), failed("refused", 400), delivered()], True, "3"),
        ([delivered(), failed("no answer", retryable=True), delivered(), delivered()], True, "1"),
        ([failed("no answer", retryable=True), *[delivered()] * 3], True, ""),
    ],
)
def test_a_value_counts_when_all_its_rows_are_done(
    tmp_path: Path, outcomes: list[Outcome], after: str, *, is_complete: bool
) -> None:
    query = Query("duckdb:", "SELECT 1", "n")
    query.read.extend(["1", "2", "2", "3"])
    cursor = Cursor(tmp_path / "state", query)
    for outcome in outcomes:
        cursor.add(LineResult(Line("x", 1, b""), None, outcome))
    cursor.write(is_complete=is_complete)
    found = json.loads((tmp_path / "state").read_bytes())["after"] if after else ""
    assert (found, cursor.done) == (after, after)
