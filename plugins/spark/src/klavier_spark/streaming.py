"""The data source `klavier`, to which a stream is written: each micro-batch is delivered, its outcomes are Parquet."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]  # PyArrow has no types
import pyarrow.fs as pafs  # type: ignore[import-untyped]  # PyArrow has no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # PyArrow has no types
from attrs import field, frozen
from pyspark import TaskContext
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.datasource import DataSource, DataSourceStreamWriter, WriterCommitMessage
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import StructType

from klavier.errors import UsageError
from klavier_spark.configuration import Configuration, read_configuration
from klavier_spark.coordinator import Ticket, coordinator
from klavier_spark.delivering import count_tasks, deliver_rows, partition
from klavier_spark.frames import check_session
from klavier_spark.planning import batch_of

if TYPE_CHECKING:
    from os import PathLike

_COLUMNS = ("kind", "reason", "status", "retryable", "notes")


@frozen
class Setup:
    """What the data source works with."""

    configuration: Configuration = field(repr=False)
    ticket: Ticket
    share: float | None


@frozen
class Written(WriterCommitMessage):
    """Where a task wrote its outcomes, and for which partition; no path for one without rows."""

    path: str
    partition: int


def register(
    spark: SparkSession, config: "Mapping[str, Any] | str | PathLike[str]", share: float | None = None
) -> None:
    """Make the data source `klavier` known to a session, for one configuration and one stream.

    `df.writeStream.format("klavier")` then delivers each micro-batch of `for_stream(df, share)`, in order of the column
    `timestamp` where there is one.  Its option `outcomes` is a folder, or the URL of one, in which each micro-batch
    leaves Parquet files of `id` and the columns of the outcome; `checkpointLocation` is Spark's own.  A micro-batch
    that is repeated after a failure sends its rows again, under the same ids, and replaces its files: each row has one
    outcome.

    Raises `UsageError` for a session with speculation, and `ConfigError` for the configuration.
    """
    check_session(spark)
    ticket = coordinator(spark).ticket(count_tasks(share))
    spark.dataSource.register(_source(Setup(read_configuration(config), ticket, share)))


def for_stream(df: DataFrame, share: float | None = None) -> DataFrame:
    """Return a stream with the rows of one profile in one partition: all in one without `share`, else by `key`.

    Raises `UsageError` for missing columns.
    """
    return partition(df, count_tasks(share))


def _source(setup: Setup) -> type[DataSource]:
    """Return the data source, a class of its own for each configuration, which is no option that Spark would show."""

    class KlavierDataSource(DataSource):
        """Delivers what is written to it."""

        @classmethod
        def name(cls) -> str:
            return "klavier"

        def streamWriter(self, schema: StructType, overwrite: bool) -> DataSourceStreamWriter:  # noqa: ARG002, FBT001, N802 -- Spark's
            if "outcomes" not in self.options:
                raise UsageError('outcomes: required; add .option("outcomes", FOLDER), where the outcomes are written')
            return _Writer(setup, schema, str(self.options["outcomes"]))

    return KlavierDataSource


class _Writer(DataSourceStreamWriter):
    def __init__(self, setup: Setup, schema: StructType, folder: str) -> None:
        self._setup, self._schema, self._folder = setup, schema, folder
        self._kind = to_arrow_type(schema["id"].dataType)

    def write(self, iterator: Iterator[Row]) -> Written:
        """Deliver the rows of one task, and write their outcomes."""
        setup, task = self._setup, TaskContext.get()
        number, attempt = (task.partitionId(), task.taskAttemptId()) if task else (0, 0)
        rows = [(row["id"], row["payload"], row["timestamp"] if self._is_timed else None) for row in iterator]
        if self._is_timed:
            rows.sort(key=lambda row: (row[2] is not None, row[2]))
        payloads = ((row_id, _bytes(payload)) for row_id, payload, _ in rows)
        outcomes = list(deliver_rows(payloads, setup.configuration, setup.ticket, setup.share))
        if not outcomes:
            return Written("", number)
        ids = pa.array([row_id for row_id, _ in outcomes], self._kind)
        batch = batch_of(ids, [outcome for _, outcome in outcomes], _COLUMNS)
        system, folder = _open(self._folder)
        system.create_dir(f"{folder}/_attempts", recursive=True)
        path = f"{folder}/_attempts/{setup.ticket.job}-{attempt}.parquet"
        pq.write_table(pa.Table.from_batches([batch]), path, filesystem=system)
        return Written(path, number)

    def commit(self, messages: "list[WriterCommitMessage | None]", batchId: int) -> None:  # noqa: N803 -- Spark's
        """Name the files of a micro-batch, so that a repeated one replaces them."""
        system, folder = _open(self._folder)
        for message in messages:
            if isinstance(message, Written) and message.path:
                system.move(message.path, f"{folder}/batch-{batchId:09d}-{message.partition:05d}.parquet")

    def abort(self, messages: "list[WriterCommitMessage | None]", batchId: int) -> None:  # noqa: ARG002, N803 -- Spark's
        """Delete the files of a micro-batch that failed."""
        system, _ = _open(self._folder)
        for message in messages:
            if isinstance(message, Written) and message.path:
                system.delete_file(message.path)

    @property
    def _is_timed(self) -> bool:
        return "timestamp" in self._schema.fieldNames()


def _open(folder: str) -> tuple[pafs.FileSystem, str]:
    """Return the file system of a folder or URL, and the path in it."""
    return pafs.FileSystem.from_uri(folder) if "://" in folder else (pafs.LocalFileSystem(), folder)


def _bytes(payload: "str | bytes | bytearray | None") -> bytes:
    return payload.encode(errors="surrogatepass") if isinstance(payload, str) else bytes(payload or b"")
