"""`klavier send --from postgresql://...`: rows of PostgreSQL, sorted by it, in a transaction that can only read."""

import psycopg
import pytest

from klavier.errors import UsageError
from klavier.streams.queries import Query
from tests.support.postgres import Server

SQL = (
    "SELECT 'identify' AS type, 'u' || n AS \"userId\", now() - n * interval '1 day' AS timestamp, "
    "json_build_object('city', 'Paris') AS \"context\", n AS points, NULL AS nothing FROM generate_series(1, 2500) n"
)


def test_rows_are_read_in_the_order_of_their_times(server: Server) -> None:
    lines = list(Query(server.url, SQL).lines())
    assert [line.number for line in lines] == list(range(1, 2501))
    assert b'"userId":"u2500"' in lines[0].text
    assert b'"traits":{"points":1}' in lines[-1].text
    assert b'"context":{"city":"Paris"}' in lines[-1].text


def test_an_incremental_run_reads_the_rows_after_a_value(server: Server) -> None:
    query = Query(server.url, SQL, "points", "2498")
    assert len(list(query.lines())) == 2
    assert list(query.read) == ["2499", "2500"]


def test_a_query_can_only_read(server: Server) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    with pytest.raises(UsageError, match="--from:"):
        list(Query(server.url, "SELECT 1) AS x; DROP TABLE kept; SELECT (1").lines())
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
