"""Plan and compare a history with Spark while executors and drivers are killed; compare with one process.

    .venv/bin/python -m tests.benchmarks.spark_history --events 1000000

Needs PySpark and Java. The cluster is `local-cluster` with two worker processes. Of each step, plan and diff, the first
driver loses an executor and is then killed; the second loses an executor and ends. Prints how many rows have the plan
that `klavier plan` prints for their line, and how many differences and cases are those of `klavier diff`.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tests.benchmarks.spark_cluster import executors, kill_driver, kill_executor, start_cluster, start_driver
from tests.benchmarks.spark_events import write_events

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_DRIVER = "import sys\nfrom tests.benchmarks.spark_history import run_step\nrun_step(*sys.argv[1:])\n"
_SIDES: dict[str, tuple[str, dict[str, str]]] = {
    "from": ("rudderstack", {"private_api_key": "pk_any", "api_version": "v2"}),
    "to": ("segment-actions", {"api_key": "pk_any"}),
}
_FILES = 16
_IN_SHARD = 20_000
"""Events of a shard, in runs of a million and more; smaller ones have 40 shards."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--profiles", type=int, default=500)
    parser.add_argument("--cases", type=int, help="cases of each difference that are kept and compared; all by default")
    parser.add_argument("--single-shards", type=int, default=1, help="shards of the comparison in one process")
    parser.add_argument("--step", choices=("plan", "diff"), help="the one step to run; both by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_events(folder, options.events, options.profiles, _FILES)
        (folder / "options.json").write_bytes(orjson.dumps(vars(options)))
        for side, (_, settings) in _SIDES.items():
            (folder / f"{side}.json").write_bytes(orjson.dumps(settings))
        if options.step != "diff":
            _plan(folder)
        if options.step != "plan":
            _diff(folder, options.cases, options.single_shards)


def _show(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)  # noqa: T201 -- the result


def run_step(name: str, step: str, kills: str) -> None:
    """Run one step in this process, the driver, which `kills` an executor, or an executor and then itself."""
    import klavier_spark  # noqa: PLC0415 -- needs PySpark

    folder = Path(name)
    options = orjson.loads((folder / "options.json").read_bytes())
    settings = {"spark.driver.memory": "3g", "spark.driver.maxResultSize": "0", "spark.sql.shuffle.partitions": "8"}
    spark = start_cluster(**settings, **{"spark.sql.files.minPartitionNum": str(_FILES)})
    rows = spark.read.schema("id long, payload string, timestamp string").json(f"{folder}/rows")
    shards = max(40, options["events"] // _IN_SHARD)
    tasks = _FILES if step == "plan" else shards
    threading.Thread(target=partial(_kill, spark, tasks, is_driver_killed=kills == "both"), daemon=True).start()
    if step == "plan":
        vendor, own = _SIDES["from"]
        klavier_spark.plan(rows, {"vendor": vendor, "vendors": {vendor: own}}).write.mode("overwrite").parquet(
            f"{folder}/plan"
        )
    else:
        found = klavier_spark.diff(rows, *_SIDES.values(), shards=shards, most_cases=options["cases"])
        (folder / "spark.json").write_bytes(orjson.dumps(found.as_json()))
    spark.stop()


def _kill(spark: "SparkSession", tasks: int, *, is_driver_killed: bool) -> None:
    """Kill an executor when a third of a stage's tasks is done, and the driver when the executor was replaced."""
    while not _is_under_way(spark, tasks):
        time.sleep(0.1)
    lost = kill_executor(os.getpid())
    print(f"killed executor {lost}", flush=True)  # noqa: T201 -- the log
    while is_driver_killed:
        time.sleep(0.1)
        if len(set(executors(os.getpid())) - {lost}) > 1:
            print("killing the driver", flush=True)  # noqa: T201 -- the log
            kill_driver(os.getpid())


def _is_under_way(spark: "SparkSession", tasks: int) -> bool:
    """Return whether a third of the tasks is done of a stage that has so many, or some more where files were split."""
    tracker = spark.sparkContext.statusTracker()
    infos = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    found = [info for info in infos if info and tasks <= info.numTasks < tasks + _FILES]
    return any(info.numCompletedTasks >= info.numTasks // 3 for info in found)


def _run_in_spark(folder: Path, step: str) -> None:
    """Run a step until its driver is killed, then again until it ends; raises `SystemExit` for a failure."""
    (folder / "log").unlink(missing_ok=True)
    began = time.monotonic()
    killed = start_driver(_DRIVER, folder, step, "both").wait()
    ended = start_driver(_DRIVER, folder, step, "one").wait()
    kills = (folder / "log").read_text("utf-8", "replace").count("killed executor")
    seconds = time.monotonic() - began
    _show(f"{step}: drivers ended with {killed} and {ended}, executors killed {kills}, {seconds:,.0f} s")
    if ended:
        raise SystemExit((folder / "log").read_text("utf-8", "replace")[-3000:])


def _plan(folder: Path) -> None:
    """Plan in Spark and in one process, and compare the rows by their digests."""
    _run_in_spark(folder, "plan")
    of_spark, rows = {}, 0
    for row in _read_plan(folder / "plan"):
        rows += 1
        requests = [[*list(request.values())[:3], orjson.loads(request["body"])] for request in row["requests"]]
        of_spark[row["id"]] = _digest(row, row["reason"], requests)
    equal, kinds, unequal = 0, Counter[str](), 0
    arguments = ["--vendor", _SIDES["from"][0], "--settings=from.json", "--format=json", "--batch-size=1"]
    with _klavier(folder, "plan", *arguments, stdout=subprocess.PIPE) as single:
        for number, line in enumerate(single.stdout or (), 1):
            found = orjson.loads(line)
            kinds[found["outcome"]["kind"]] += 1
            if of_spark.get(number) == _digest(found["outcome"], _reason(found), _requests(found)):
                equal += 1
            else:
                unequal = unequal or number
    _show(f"plan: {rows:,} rows, {len(of_spark):,} ids; {kinds.total():,} lines: {dict(kinds)}")
    _show(f"plan: equal {equal:,}, first line that is not {unequal or None}")


def _read_plan(folder: Path) -> Iterator[dict[str, Any]]:
    from pyarrow import parquet  # type: ignore[import-untyped]  # noqa: PLC0415 -- as everywhere

    for file in sorted(folder.glob("*.parquet")):
        for batch in parquet.ParquetFile(file).iter_batches(10_000):
            yield from batch.to_pylist()


def _reason(found: dict[str, Any]) -> str:
    """Return the reason without the place of the line."""
    return str(found["outcome"]["reason"]).removeprefix(f"{found['source']} line {found['line']}: ")


def _requests(found: dict[str, Any]) -> list[list[Any]]:
    return [
        [request["method"], request["path"], request.get("revision"), request.get("json", request.get("form"))]
        for request in found["requests"]
    ]


def _digest(outcome: dict[str, Any], reason: str, requests: list[list[Any]]) -> bytes:
    found = [outcome["kind"], reason, outcome["status"], outcome["retryable"], outcome["notes"], requests]
    return hashlib.sha256(orjson.dumps(found, option=orjson.OPT_SORT_KEYS)).digest()


def _diff(folder: Path, cases: int | None, shards: int) -> None:
    """Compare in Spark and in one process, and compare the two comparisons."""
    _run_in_spark(folder, "diff")
    sides = [
        f"--{side}{option}"
        for side, (vendor, _) in _SIDES.items()
        for option in (f"={vendor}", f"-settings={side}.json")
    ]
    kept = [] if cases is None else [f"--cases={cases}"]
    with _klavier(folder, "diff", *sides, *kept, f"--shards={shards}", "--format=json", "--output=single.json") as run:
        run.wait()
    of_spark, single = (orjson.loads((folder / name).read_bytes()) for name in ("spark.json", "single.json"))
    equal = sum(mine == its for mine, its in zip(of_spark["differences"], single["differences"], strict=False))
    found = [len(each["differences"]) for each in (of_spark, single)]
    shown = sum(len(row["cases"]) for row in single["differences"])
    _show(f"diff: {single['events']:,} events; differences {found}, equal {equal:,}, with {shown:,} cases")
    for name in ("events", "unread", "left", "right"):
        _show(f"diff: {name} equal: {_comparable(of_spark[name]) == _comparable(single[name])}")


def _comparable(part: Any) -> Any:
    """Leave out the calls: vendors with batches may make more of them in shards."""
    return {**part, "calls": (), "minutes": 0} if isinstance(part, dict) else part


def _klavier(folder: Path, command: str, *arguments: str, stdout: int | None = None) -> "subprocess.Popen[bytes]":
    """Start the command in one process, for the same events."""
    program = [str(Path(sys.executable).with_name("klavier")), command, "events.jsonl", *arguments]
    return subprocess.Popen(program, cwd=folder, stdout=stdout)  # noqa: S603 -- ours


if __name__ == "__main__":
    main()
