"""`diff`: compare two vendors over a whole history, in shards."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson
import pyarrow as pa  # type: ignore[import-untyped]  # PyArrow has no types
from attrs import evolve, field, frozen
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

import klavier
from klavier.comparison.compare import Comparing, OptIn
from klavier.comparison.identifiers import Components, marks_of
from klavier.comparison.report import Comparison, Note
from klavier.comparison.shard import read_comparison
from klavier.errors import UsageError
from klavier.events.reader import parse_line
from klavier.garbage import COMPARISON, rare_collection
from klavier.streams.result import Result
from klavier_spark.frames import check_columns, read_row, select

Side = tuple[str, Mapping[str, Any]]
"""The name of a vendor and its settings, as `klavier.load_vendor` takes them."""


@frozen
class _Sides:
    """What a task needs to compare a shard."""

    left: Side = field(repr=False)
    right: Side = field(repr=False)
    names: tuple[str, str] | None
    opt_in: OptIn
    shards: int
    most_cases: int | None

    def start(self) -> Comparing:
        left, right = klavier.load_vendor(*self.left), klavier.load_vendor(*self.right)
        return Comparing(left, right, names=self.names, opt_in=self.opt_in)


def diff(  # noqa: PLR0913 -- those of klavier.compare
    df: DataFrame,
    left: Side,
    right: Side,
    *,
    shards: int | None = None,
    names: tuple[str, str] | None = None,
    opt_in: OptIn = "double_opt_in",
    most_cases: int | None = 5,
    joined_by: Sequence[str] = (),
) -> Comparison:
    """Return what `klavier.compare` returns for the events of all rows, in the order of `timestamp` and `id`.

    `df` has the columns `id`, which no two rows share, and `payload`, an event as JSON; with `timestamp` it tells the
    order.  `left` and `right` are a vendor's name and settings, as `klavier.load_vendor` takes them.  The line of a
    case is the place of its row in that order, from 1.

    Each of `shards` is compared by one task, in about 4 KB of memory for each of its events; by default there are as
    many as Spark has cores.  The driver joins the identifiers that name one profile, in about 100 bytes for each.

    Raises `UsageError` for missing columns and `ConfigError` for wrong settings.
    """
    check_columns(df)
    count = df.sparkSession.sparkContext.defaultParallelism if shards is None else shards
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise UsageError("shards: must be an integer of at least 1")
    sides = _Sides(left, right, names, opt_in, count, most_cases)
    empty = sides.start()  # a mistake in the settings is raised here, not in a task
    ordered = _order(df).cache()
    try:
        parts, unread = _compare(_number(ordered), sides, joined_by)
    finally:
        ordered.unpersist()
    missing = set(range(count)) - {getattr(part.shard, "index", -1) for part in parts}
    parts += [(empty if i == min(missing) else sides.start()).finish(most_cases, shard=(i, count)) for i in missing]
    return evolve(Comparison.merge(parts), unread=unread)


def _compare(numbered: DataFrame, sides: _Sides, joined_by: Sequence[str]) -> tuple[list[Comparison], tuple[Note, ...]]:
    """Return the comparison of each shard that has events, and why rows are no events."""
    marked = numbered.mapInArrow(_marker(tuple(joined_by)), "number long, mark long, problem string").cache()
    try:
        sharded = numbered.join(_shards(marked, sides.shards), "number")
        rows = sharded.repartition(sides.shards, "shard").sortWithinPartitions("shard", "number")
        found = rows.select("shard", "number", "payload").mapInArrow(_comparer(sides), "part binary").collect()
        return [read_comparison(orjson.loads(row["part"])) for row in found], _unread(marked)
    finally:
        marked.unpersist()


def _order(df: DataFrame) -> DataFrame:
    """Return the rows in their order, each with a place that grows by one in a partition."""
    names = [name for name in ("timestamp", "id") if name in df.columns]
    return select(df.orderBy(*names)).withColumn("place", f.monotonically_increasing_id())


def _number(ordered: DataFrame) -> DataFrame:
    """Return the rows with their numbers, from 1."""
    in_partition = f.shiftright("place", 33)
    sizes = {row["p"]: row["count"] for row in ordered.groupBy(in_partition.alias("p")).count().collect()}
    before, starts = 0, []
    for part in sorted(sizes):
        starts.append((part, before))
        before += sizes[part]
    offsets = ordered.sparkSession.createDataFrame(starts or [(0, 0)], "part long, before long")
    numbered = ordered.withColumn("part", in_partition).join(f.broadcast(offsets), "part")
    in_part = f.col("place").bitwiseAND(2**33 - 1)
    return numbered.select("payload", (f.col("before") + in_part + 1).alias("number"))


def _marker(paths: Sequence[str]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what finds the identifiers of each row: one line for each, or one with the problem."""

    def mark(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        split = [path.split(".") for path in paths]
        for batch in batches:
            found: list[tuple[int, int | None, str | None]] = []
            for payload, number in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                event = read_row(payload)
                if isinstance(event, Result):
                    found.append((number, None, event.cause))
                    continue
                marks = sorted(marks_of(event, split))
                found += [(number, each, None) for each in marks] or [(number, None, None)]
            columns = zip(*found, strict=True) if found else ([], [], [])
            kinds = (pa.int64(), pa.int64(), pa.string())
            yield pa.RecordBatch.from_arrays(
                [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)],
                ["number", "mark", "problem"],
            )

    return mark


def _shards(marked: DataFrame, shards: int) -> DataFrame:
    """Return the shard of each row that is an event; the driver joins identifiers that one event has."""
    components = Components()
    sets = marked.where("mark is not null").groupBy("number").agg(f.sort_array(f.collect_list("mark")).alias("marks"))
    for row in sets.where(f.size("marks") > 1).select("marks").distinct().toLocalIterator():
        components.join(row["marks"])
    joined = list(components.roots())
    roots = pa.table(
        {
            "mark": pa.array([mark for mark, _ in joined], pa.int64()),
            "root": pa.array([root for _, root in joined], pa.int64()),
        }
    )
    first = marked.where("problem is null").groupBy("number").agg(f.min("mark").alias("mark"))
    found = first.join(marked.sparkSession.createDataFrame(roots), "mark", "left")
    root = f.coalesce("root", "mark", f.col("number") - 1)
    return found.select("number", f.pmod(root, f.lit(shards)).cast("int").alias("shard"))


def _comparer(sides: _Sides) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what compares the shards of a partition, whose rows come shard by shard."""

    def compare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = (row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
        for shard, events in groupby(rows, key=lambda row: row[0]):
            comparing = sides.start()
            with rare_collection(COMPARISON):
                for _, number, payload in events:
                    comparing.add(number, parse_line(payload))
                part = comparing.finish(sides.most_cases, shard=(shard, sides.shards))
            yield pa.RecordBatch.from_arrays([pa.array([orjson.dumps(part.as_json())], pa.binary())], ["part"])

    return compare


def _unread(marked: DataFrame) -> tuple[Note, ...]:
    """Return why rows are no events, the most frequent reason first."""
    problems = marked.where("problem is not null").groupBy("problem")
    found = problems.agg(f.count("*").alias("count"), f.min("number").alias("first")).collect()
    notes = [Note(row["problem"], row["count"], row["first"]) for row in found]
    return tuple(sorted(notes, key=lambda note: (-note.count, note.first, note.text)))
