"""Deliver a stream of events with Spark while an executor, and then the driver, is killed; count what arrived.

    .venv/bin/python -m tests.benchmarks.spark_kills --events 1000000

Needs PySpark and Java. The cluster is `local-cluster` with two worker processes, Klaviyo is a sandbox in this process.
Prints how many rows have one outcome, how many events the sandbox holds, and whether their order was kept.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

from klavier import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.benchmarks.spark_cluster import kill_driver, kill_executor, start_driver, wait_until

_DRIVER = """
import sys
from tests.benchmarks.spark_cluster import start_cluster
import klavier_spark
folder = sys.argv[1]
spark = start_cluster()
klavier_spark.register(spark, folder + "/klavier.toml")
reader = spark.readStream.schema("id long, payload string, key string, timestamp string")
stream = reader.option("maxFilesPerTrigger", "1").json(folder + "/in")
writer = klavier_spark.for_stream(stream).writeStream.format("klavier").trigger(availableNow=True)
writer = writer.option("outcomes", folder + "/out").option("checkpointLocation", folder + "/checkpoint")
writer.start().awaitTermination()
"""
_MOST_IN_BATCH = 10_000
"""Rows of a micro-batch, in runs of a hundred thousand and more; small ones have eight."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--profiles", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, SandboxServer(sandbox := Sandbox()) as server:
        folder = Path(name)
        _prepare(folder, options.events, options.profiles, server.url)
        began = time.monotonic()
        _run_with_kills(folder, sandbox, options.events)
        print(f"{time.monotonic() - began:,.0f} s")  # noqa: T201 -- the result
        _report(folder, sandbox, options.events)


def _prepare(folder: Path, events: int, profiles: int, url: str) -> None:
    account = f'private_api_key = "pk_sandbox"\nbase_url = "{url}"\n'
    delivery = '[delivery]\nbulk = "max"\n'
    (folder / "klavier.toml").write_text(f'vendor = "rudderstack"\n[klaviyo]\n{account}{delivery}', "utf-8")
    (folder / "in").mkdir()
    size = max(1, min(_MOST_IN_BATCH, events // 8))
    for first in range(0, events, size):
        lines = [_row(number, profiles) for number in range(first, min(first + size, events))]
        (folder / "in" / f"{first:012d}.json").write_text("".join(lines), "utf-8")


def _row(number: int, profiles: int) -> str:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_790_000_000 + number))
    user = f"u{number % profiles}"
    event = {"type": "track", "event": "Ordered", "userId": user, "messageId": f"m{number}", "timestamp": at}
    payload = json.dumps({**event, "properties": {"n": number}})
    return json.dumps({"id": number, "payload": payload, "key": user, "timestamp": at}) + "\n"


def _run_with_kills(folder: Path, sandbox: Sandbox, events: int) -> None:
    """Kill an executor after a quarter of the events, the driver after the half, and let the third run end."""
    driver = start_driver(_DRIVER, folder)
    wait_until(driver, lambda: _arrived(sandbox) > events // 4)
    kill_executor(driver.pid)
    print(f"killed an executor after {_arrived(sandbox):,} events")  # noqa: T201 -- the course
    wait_until(driver, lambda: _arrived(sandbox) > events // 2)
    kill_driver(driver.pid)
    driver.wait()
    print(f"killed the driver after {_arrived(sandbox):,} events")  # noqa: T201 -- the course
    start_driver(_DRIVER, folder).wait()


def _arrived(sandbox: Sandbox) -> int:
    return sum(len(profile.events) for profile in list(sandbox.account.profiles))


def _report(folder: Path, sandbox: Sandbox, events: int) -> None:
    from pyarrow import parquet  # type: ignore[import-untyped]  # noqa: PLC0415 -- as everywhere

    files = sorted((folder / "out").glob("batch-*.parquet"))
    rows = [row for file in files for row in parquet.read_table(file).to_pylist()]
    ids = Counter(row["id"] for row in rows)
    once = sum(count == 1 for count in ids.values())
    print(f"rows with one outcome: {once:,} of {events:,}; {dict(Counter(row['kind'] for row in rows))}")  # noqa: T201 -- as above
    kept, total = 0, 0
    for profile in sandbox.account.profiles:
        times = [event.time for event in profile.events.values()]
        kept += times == sorted(times)
        total += len(times)
    print(f"events: {total:,}; profiles in order: {kept:,} of {len(sandbox.account.profiles):,}")  # noqa: T201 -- as above


if __name__ == "__main__":
    main()
