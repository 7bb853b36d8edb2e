"""`deliver`: send the rows of a data frame, with one outcome for each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]  # PyArrow has no types
from pyspark.sql import DataFrame

import klavier
from klavier.errors import UsageError
from klavier_spark.configuration import Configuration, read_configuration
from klavier_spark.coordinator import Ticket, coordinator, fence_of_task
from klavier_spark.frames import OUTCOME, check_columns, check_session, id_field, in_order, select
from klavier_spark.planning import batch_of, outcome_row

if TYPE_CHECKING:
    from os import PathLike

_ROWS = 1000
"""Outcomes that are returned to Spark together."""
_COLUMNS = ("kind", "reason", "status", "retryable", "notes")


def deliver(df: DataFrame, config: "Mapping[str, Any] | str | PathLike[str]", share: float | None = None) -> DataFrame:
    """Deliver each row; returns `id` and the columns of its outcome.

    `df` has the columns `id` and `payload`, an event as JSON; with `timestamp` rows are delivered in its order.
    Without `share` one task delivers, since one process sends more than Klaviyo lets an account receive.  With `share`,
    above 0 and up to 1, as many tasks deliver at once as have that share of the rate limits, and a column `key` names
    the profile, so that the events of one stay in order.

    As every data frame the result is lazy: events are sent when it is written, and again whenever it is computed again.
    Write it once.  A task that Spark repeats sends its rows again, under the same ids; the attempt before it sends
    nothing any more.

    Raises `UsageError` for missing columns and a session with speculation, `ConfigError` for the configuration.
    """
    check_session(df.sparkSession)
    tasks = count_tasks(share)
    rows = partition(df, tasks)
    ticket = coordinator(df.sparkSession).ticket(tasks)
    task = _delivery(read_configuration(config), ticket, share)
    return select(in_order(rows)).mapInArrow(task, f"{id_field(df)}, {OUTCOME}")


def count_tasks(share: float | None) -> int:
    """Return how many tasks deliver at the same time; raises `UsageError` for what is no share."""
    if share is None:
        return 1
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise UsageError("share: must be a number above 0 and up to 1, the part of the rate limits that each task uses")
    return max(1, int(1 / share + 1e-9))


def partition(df: DataFrame, tasks: int) -> DataFrame:
    """Put the rows of one profile into one partition."""
    check_columns(df, ("id", "payload", "key") if tasks > 1 else ("id", "payload"))
    return df.repartition(tasks, "key") if tasks > 1 else df.repartition(1)


def _delivery(
    configuration: Configuration, ticket: Ticket, share: float | None
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def deliver_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        kinds: list[pa.DataType] = []

        def rows() -> Iterator[tuple[Any, bytes]]:
            for batch in batches:
                kinds[:] = [batch.column(0).type]
                yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)

        for some in chunks(deliver_rows(rows(), configuration, ticket, share)):
            ids = pa.array([row_id for row_id, _ in some], kinds[0])
            yield batch_of(ids, [outcome for _, outcome in some], _COLUMNS)

    return deliver_batches


def deliver_rows(
    rows: Iterable[tuple[Any, bytes | None]], configuration: Configuration, ticket: Ticket, share: float | None
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Deliver the rows of this task, as long as no newer attempt of it begins."""
    first = next(iter(rows := iter(rows)), None)
    if first is None:
        return
    fence = fence_of_task(ticket)
    try:
        payloads = ((row_id, payload or b"") for row_id, payload in chain([first], rows))
        outcomes = klavier.deliver(payloads, configuration.load(), share=share, may_send=fence.may_send)
        for row_id, outcome in outcomes:
            yield row_id, outcome_row(outcome)
    finally:
        fence.close()


def chunks(outcomes: Iterable[tuple[Any, dict[str, Any]]]) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """Return outcomes in lists of some."""
    some: list[tuple[Any, dict[str, Any]]] = []
    for outcome in outcomes:
        some.append(outcome)
        if len(some) == _ROWS:
            yield some
            some = []
    if some:
        yield some
