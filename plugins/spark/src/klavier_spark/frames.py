"""What klavier needs of a data frame: its columns, its rows as events, and a session that it can work in."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.types import BinaryType, DataType, StringType, StructField, StructType, TimestampType

from klavier.errors import UsageError
from klavier.streams.lines import Line
from klavier.streams.result import Result, read_event

if TYPE_CHECKING:
    from klavier.events.model import Event
    from klavier.plugins import Plugins

OUTCOME = "kind string, reason string, status int, retryable boolean, notes array<string>"
"""The columns of an outcome."""


def check_columns(frame: DataFrame, wanted: Sequence[str] = ("id", "payload")) -> None:
    """Raise `UsageError` for columns that are missing or of another type, naming each with its remedy."""
    types: dict[str, DataType] = {field.name: field.dataType for field in frame.schema.fields}
    for name in wanted:
        if name not in types:
            raise UsageError(
                f"{name}: the data frame has no such column; select it, such as .withColumn({name!r}, ...)"
            )
    if not isinstance(types["payload"], StringType | BinaryType):
        raise UsageError(
            f"payload: must be JSON as a string or binary, not {types['payload'].simpleString()}; use to_json"
        )
    if "timestamp" in types and not isinstance(types["timestamp"], TimestampType | StringType):
        raise UsageError(
            f"timestamp: must be a timestamp or a string that sorts by time, not {types['timestamp'].simpleString()}"
        )


def check_session(session: SparkSession) -> None:
    """Raise `UsageError` for a session in which two attempts of one task may run at the same time."""
    if not hasattr(session, "sparkContext") or type(session).__module__.startswith("pyspark.sql.connect"):
        raise UsageError("klavier_spark needs a session on the driver: Spark Connect has no place that tasks can ask")
    if str(session.conf.get("spark.speculation", "false")).lower() == "true":
        raise UsageError(
            "spark.speculation is on: Spark would run two attempts of a task at once, and each would send; "
            "set spark.speculation=false for this session"
        )


def id_field(frame: DataFrame) -> str:
    """Return the column `id` as part of a schema."""
    return f"id {frame.schema['id'].dataType.simpleString()}"


def select(frame: DataFrame, names: Sequence[str] = ("id", "payload")) -> DataFrame:
    """Return these columns, the payload as a string of bytes."""
    return frame.select(*(f.col(name).cast("binary") if name == "payload" else f.col(name) for name in names))


def read_row(payload: bytes | None, plugins: "Plugins | None" = None) -> "Event | Result":
    """Return the event of a row, or the result of a row that is none, as `klavier.deliver` reads it."""
    return read_event(Line("row", 0, payload or b""), plugins)


def in_order(frame: DataFrame) -> DataFrame:
    """Sort each partition by time, and rows of one time by id."""
    names = [name for name in ("timestamp", "id") if name in frame.columns]
    return frame.sortWithinPartitions(*names)


def schema_of(*fields: tuple[str, DataType]) -> StructType:
    """Return a schema."""
    return StructType([StructField(name, kind) for name, kind in fields])
