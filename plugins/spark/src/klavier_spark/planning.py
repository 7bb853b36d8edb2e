"""`plan`: the requests of each row, without sending any."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa  # type: ignore[import-untyped]  # PyArrow has no types
from pyspark.sql import DataFrame

from klavier.flows.rehearsal import rehearse
from klavier.outcome import Outcome, rejected
from klavier.streams.result import Result
from klavier_spark.configuration import Configuration, read_configuration
from klavier_spark.frames import OUTCOME, check_columns, id_field, read_row, select

if TYPE_CHECKING:
    from os import PathLike

_REQUESTS = "requests array<struct<method: string, path: string, revision: string, body: string>>"


def plan(df: DataFrame, config: "Mapping[str, Any] | str | PathLike[str]") -> DataFrame:
    """Return what the configured vendor would send for each row, and its outcome if Klaviyo accepts everything.

    `df` has the columns `id`, of any type, and `payload`, an event as JSON.  The result has `id`, the columns of the
    outcome (`kind`, `reason`, `status`, `retryable`, `notes`) and `requests`: method, path, revision and body as JSON.
    Each row is planned alone, so rows keep their partitions, and nothing is shuffled.
    Transformations of plugins run before the vendor translates.

    Raises `UsageError` for missing columns and `ConfigError` for what is wrong in the configuration.
    """
    check_columns(df)
    schema = f"{id_field(df)}, {OUTCOME}, {_REQUESTS}"
    return select(df).mapInArrow(_planner(read_configuration(config)), schema)


def _planner(configuration: Configuration) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def plan_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        config = configuration.load()
        vendor, plugins = config.build_vendor(), config.known_plugins()
        for batch in batches:
            rows = [plan_row(payload, vendor, plugins) for payload in batch.column(1).to_pylist()]
            yield batch_of(batch.column(0), rows, ("kind", "reason", "status", "retryable", "notes", "requests"))

    return plan_batches


def plan_row(payload: bytes | None, vendor: Any, plugins: Any) -> dict[str, Any]:
    """Return the columns of the outcome and `requests` for one row."""
    event = read_row(payload, plugins)
    if isinstance(event, Result):
        return {**outcome_row(rejected(event.reason)), "requests": []}
    changed = plugins.transform(event, vendor.name)
    if isinstance(changed, Outcome):
        return {**outcome_row(changed), "requests": []}
    rehearsal = rehearse(vendor, [changed])
    requests = [
        {
            "method": request.method,
            "path": request.path,
            "revision": request.revision,
            "body": orjson.dumps(request.form if request.json is None else request.json).decode(),
        }
        for request in rehearsal.requests
    ]
    return {**outcome_row(rehearsal.outcomes[0]), "requests": requests}


def outcome_row(outcome: Any) -> dict[str, Any]:
    """Return the columns of an outcome."""
    return {
        "kind": outcome.kind,
        "reason": outcome.reason,
        "status": outcome.status,
        "retryable": outcome.retryable,
        "notes": list(outcome.notes),
    }


_TYPES: Mapping[str, pa.DataType] = {
    "kind": pa.string(),
    "reason": pa.string(),
    "status": pa.int32(),
    "retryable": pa.bool_(),
    "notes": pa.list_(pa.string()),
    "requests": pa.list_(pa.struct([(name, pa.string()) for name in ("method", "path", "revision", "body")])),
}


def batch_of(ids: pa.Array, rows: list[dict[str, Any]], names: Iterable[str]) -> pa.RecordBatch:
    """Return rows as Arrow, beside their ids."""
    columns = {name: pa.array([row.get(name) for row in rows], _TYPES[name]) for name in names}
    return pa.RecordBatch.from_arrays([ids, *columns.values()], ["id", *columns])
