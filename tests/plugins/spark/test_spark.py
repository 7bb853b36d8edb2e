"""klavier in Spark, on a session of two cores: plan, deliver, compare, and a stream with a checkpoint.

All that needs the session is in this file, so that one process has it. The page "Work on a lake" is run as well.
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

import klavier
from klavier import Sandbox, UsageError, compare, load_vendor, parse_event
from klavier.outcome import Outcome, skipped
from klavier.plugins import Plugins
from klavier.sandbox.server import SandboxServer
from tests.support.repository import ROOT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

klavier_spark = pytest.importorskip("klavier_spark", reason="PySpark is not installed: requirements-spark.txt")
planning = pytest.importorskip("klavier_spark.planning")

TOO_LONG = "userId has more than 1000 characters; send a shorter id"
PAGE = ROOT / "docs" / "how-to" / "work-on-a-lake.md"
_PATHS = re.compile(r'(?<!option\()"((?:events|outcomes|incoming|checkpoint)[\w./*-]*)"')
"""Relative paths in the blocks of the page."""


def payload(number: int, profiles: int = 5) -> dict[str, Any]:
    person = number % profiles
    return {
        "type": "track" if number % 3 else "identify",
        "event": "Ordered",
        "userId": f"u{person}",
        "messageId": f"m{number}",
        "timestamp": f"2026-11-01T10:{number // 60:02d}:{number % 60:02d}Z",
        "properties": {"n": number, "total": number / 2},
        "traits": {"n": number},
        "context": {"traits": {"email": f"p{person}@shop.test"}},
    }


def rows(count: int) -> list[tuple[int, str, str, str]]:
    return [
        (number, json.dumps(found), found["userId"], found["timestamp"])
        for number, found in ((number, payload(number)) for number in range(count))
    ]


def frame(spark: "SparkSession", count: int) -> "DataFrame":
    """Return rows in no order, in several partitions."""
    found = rows(count)
    return spark.createDataFrame(found[::-1], "id long, payload string, key string, timestamp string").repartition(3)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Sandbox, str]]:
    found = Sandbox(rate_limits=False)
    with SandboxServer(found) as server:
        yield found, server.url


@pytest.fixture
def config(sandbox: tuple[Sandbox, str]) -> dict[str, Any]:
    sandbox[0].reset()
    return {
        "vendor": "rudderstack",
        "klaviyo": {"private_api_key": "pk_sandbox", "base_url": sandbox[1]},
        "vendors": {"rudderstack": {"api_version": "v2"}},
    }


def numbers_by_profile(sandbox: Sandbox) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for event in sandbox.state()["events"]:
        found.setdefault(event["profile"], []).append(event["properties"]["n"])
    return found


@pytest.mark.slow
def test_plan_shows_the_requests_of_each_row(spark: "SparkSession", config: dict[str, Any]) -> None:
    planned = {row["id"]: row for row in klavier_spark.plan(frame(spark, 30), config).collect()}
    assert sorted(planned) == list(range(30))
    for number in (1, 3):
        vendor = load_vendor("rudderstack", {"private_api_key": "pk_1", "api_version": "v2"})
        wanted = klavier.rehearse(vendor, [parse_event(payload(number))]).requests
        assert [(request.path, json.loads(request.body)) for request in planned[number]["requests"]] == [
            (request.path, request.json) for request in wanted
        ]
        assert planned[number]["kind"] == "delivered"
    odd = spark.createDataFrame([("a", "{"), ("b", None)], "id string, payload string")
    assert {(row["id"], row["kind"]) for row in klavier_spark.plan(odd, config).collect()} == {
        ("a", "rejected"),
        ("b", "rejected"),
    }


def test_plan_refuses_what_a_delivery_refuses(spark: "SparkSession", config: dict[str, Any]) -> None:
    long = json.dumps({**payload(1), "userId": "u" * 2000})
    [row] = klavier_spark.plan(spark.createDataFrame([("a", long)], "id string, payload string"), config).collect()
    assert (row["kind"], row["reason"]) == ("rejected", TOO_LONG)


class DropTests:
    """Drops every event."""

    @klavier.hookimpl
    def klavier_transform_event(self) -> Outcome:
        return skipped("a test")


def test_plan_runs_the_transformations_of_plugins() -> None:
    plugins = Plugins()
    plugins.register(DropTests(), "shop")
    vendor = load_vendor("rudderstack", {"private_api_key": "pk_1", "api_version": "v2"})
    text = json.dumps(payload(1)).encode()
    assert planning.plan_row(text, vendor, Plugins())["kind"] == "delivered"
    planned = planning.plan_row(text, vendor, plugins)
    assert (planned["kind"], planned["reason"], planned["requests"]) == ("skipped", "a test", [])


@pytest.mark.parametrize("share", [None, 0.5])
def test_deliver_gives_each_row_an_outcome_and_keeps_the_order(
    spark: "SparkSession", sandbox: tuple[Sandbox, str], config: dict[str, Any], share: float | None
) -> None:
    found = klavier_spark.deliver(frame(spark, 60), config, share=share).collect()
    assert sorted(row["id"] for row in found) == list(range(60))
    assert {row["kind"] for row in found} == {"delivered"}
    numbers = numbers_by_profile(sandbox[0])
    assert len(numbers) == 5
    assert sum(map(len, numbers.values())) == 40
    assert all(events == sorted(events) for events in numbers.values())


@pytest.mark.slow
def test_diff_is_that_of_one_process(spark: "SparkSession") -> None:
    left = ("rudderstack", {"private_api_key": "pk_1", "api_version": "v2"})
    right = ("segment-actions", {"api_key": "pk_1"})
    found = klavier_spark.diff(frame(spark, 60), left, right, shards=3, most_cases=None)
    events = [parse_event(payload(number)) for number in range(60)]
    whole = compare(events, load_vendor(*left), load_vendor(*right))
    assert found.differences == whole.differences
    assert evolve(found.left, calls=(), minutes=0) == evolve(whole.left, calls=(), minutes=0)
    assert (found.events, found.unread) == (60, ())


def test_diff_refuses_what_the_command_refuses(spark: "SparkSession") -> None:
    left = ("rudderstack", {"private_api_key": "pk_1", "api_version": "v2"})
    texts = ['{"a', json.dumps({**payload(1), "userId": "u" * 2000}), json.dumps(payload(1)), '{"type": "track", "b']
    odd = spark.createDataFrame(list(enumerate(texts)), "id long, payload string")
    found = klavier_spark.diff(odd, left, left, shards=2)
    assert found.events == 1
    assert [(note.count, note.first) for note in found.unread] == [(2, 1), (1, 2)]
    assert (found.unread[0].text, found.unread[1].text) == ("not JSON: Unterminated string starting at", TOO_LONG)


def test_diff_leaves_nothing_in_the_cache(spark: "SparkSession") -> None:
    left = ("rudderstack", {"private_api_key": "pk_1", "api_version": "v2"})
    cached: Any = spark.sparkContext._jsc
    before = cached.getPersistentRDDs().size()
    klavier_spark.diff(frame(spark, 10), left, left, shards=2)
    assert cached.getPersistentRDDs().size() == before


def test_what_is_no_event_is_counted(spark: "SparkSession") -> None:
    left = ("rudderstack", {"private_api_key": "pk_1", "api_version": "v2"})
    odd = spark.createDataFrame([(1, "{"), (2, json.dumps(payload(1)))], "id long, payload string")
    found = klavier_spark.diff(odd, left, left, shards=2)
    assert (found.events, [(note.count, note.first) for note in found.unread]) == (1, [(1, 1)])
    assert not found.differs


def stream(spark: "SparkSession", folder: Path, config: dict[str, Any]) -> Any:
    """Deliver what is in the folder `in`, up to 20 files a micro-batch, and end."""
    klavier_spark.register(spark, config)
    reader = spark.readStream.schema("id long, payload string, key string, timestamp string")
    source = reader.option("maxFilesPerTrigger", "1").json(str(folder / "in"))
    writer = klavier_spark.for_stream(source).writeStream.format("klavier").trigger(availableNow=True)
    writer = writer.option("outcomes", str(folder / "out")).option("checkpointLocation", str(folder / "checkpoint"))
    query = writer.start()
    query.awaitTermination(120)
    return query


def write_rows(folder: Path, name: str, numbers: range) -> None:
    found = [dict(zip(("id", "payload", "key", "timestamp"), row, strict=True)) for row in rows(numbers.stop)]
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / name).write_text("".join(json.dumps(row) + "\n" for row in found[numbers.start :][::-1]))


@pytest.mark.slow
def test_a_stream_continues_after_its_checkpoint(
    spark: "SparkSession", sandbox: tuple[Sandbox, str], config: dict[str, Any], tmp_path: Path
) -> None:
    write_rows(tmp_path, "1.json", range(20))
    stream(spark, tmp_path, config)
    first = len(sandbox[0].calls)
    write_rows(tmp_path, "2.json", range(20, 30))
    stream(spark, tmp_path, config)
    assert 0 < len(sandbox[0].calls) - first <= 10
    written = spark.read.parquet(*map(str, (tmp_path / "out").glob("batch-*.parquet"))).collect()
    assert Counter(row["id"] for row in written) == Counter(range(30))
    assert {row["kind"] for row in written} == {"delivered"}
    assert all(events == sorted(events) for events in numbers_by_profile(sandbox[0]).values())
    assert list((tmp_path / "out" / "_attempts").iterdir()) == []


def test_wrong_frames_and_sessions_are_refused_by_name(spark: "SparkSession", config: dict[str, Any]) -> None:
    cases: list[tuple[str, Any]] = [
        ("payload: the data frame has no such column", lambda: klavier_spark.plan(spark.range(3), config)),
        (
            "payload: must be JSON as a string or binary, not bigint",
            lambda: klavier_spark.plan(spark.range(3).selectExpr("id", "id as payload"), config),
        ),
        (
            "key: the data frame has no such column",
            lambda: klavier_spark.deliver(spark.range(3).selectExpr("id", "'' as payload"), config, share=0.5),
        ),
        ("share: must be a number above 0", lambda: klavier_spark.deliver(frame(spark, 3), config, share=2)),
        ("config: must be the path", lambda: klavier_spark.plan(frame(spark, 3), 3)),
        ("shards: must be an integer", lambda: klavier_spark.diff(frame(spark, 3), ("a", {}), ("b", {}), shards=0)),
    ]
    for message, call in cases:
        with pytest.raises(UsageError, match=message):
            call()


def test_speculation_is_refused(spark: "SparkSession", config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    session: Any = spark
    conf = session.conf.__class__
    given = conf.get

    def get(self: Any, key: str, *rest: Any) -> Any:
        return "true" if "speculation" in key else given(self, key, *rest)

    monkeypatch.setattr(conf, "get", get)
    calls: list[Any] = [
        lambda: klavier_spark.deliver(frame(spark, 3), config),
        lambda: klavier_spark.register(spark, config),
    ]
    for call in calls:
        with pytest.raises(UsageError, match=r"spark\.speculation is on"):
            call()


@pytest.mark.slow
def test_the_blocks_of_the_page_run(spark: "SparkSession", tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```py\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 6
    with SandboxServer(Sandbox()) as server, contextlib.chdir(tmp_path):
        account = f'private_api_key = "pk_sandbox"\nbase_url = "{server.url}"\n'
        Path("klavier.toml").write_text(f'vendor = "rudderstack"\n[klaviyo]\n{account}', "utf-8")
        for folder in ("events.parquet", "incoming"):
            frame(spark, 30).write.parquet(str(tmp_path / folder))
        namespace: dict[str, Any] = {}
        for block in blocks:
            # Java stays in the folder in which it was started.
            absolute = _PATHS.sub(lambda found: repr(str(tmp_path / found[1])), block)
            exec(absolute, namespace)  # noqa: S102 -- the page
        for folder in ("outcomes.parquet", "outcomes-of-two.parquet", "outcomes/batch-*.parquet"):
            found = spark.read.parquet(str(tmp_path / folder)).collect()
            assert Counter(row["id"] for row in found) == Counter(range(30))
    shown = capfd.readouterr().out
    assert "/api/events" in shown
    assert re.search(r"metrics renamed|people|event_properties", shown)
