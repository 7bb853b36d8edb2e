"""What the runs of Spark with killed processes share: a driver in a process of its own, and its executors."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.plugins.spark.conftest import start

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def start_cluster(**settings: Any) -> "SparkSession":
    """Start a session with two worker processes, each of which has one core."""
    own = {"spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"], "spark.task.maxFailures": "20"}
    return start("local-cluster[2,1,1024]", **own, **settings)


def start_driver(code: str, folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Run code in a new Python, with the folder and the arguments in `sys.argv`; its output goes to `folder/log`."""
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", code, str(folder), *arguments]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=log, stderr=log)  # noqa: S603 -- ours


def wait_until(driver: "subprocess.Popen[bytes]", is_reached: Callable[[], bool]) -> None:
    """Wait until something is so, or the driver has ended."""
    while driver.poll() is None and not is_reached():
        time.sleep(0.1)


def kill_executor(driver: int) -> int | None:
    """Kill one executor of a driver and return its process; None where there is none."""
    for pid in executors(driver):
        os.kill(pid, signal.SIGKILL)
        return pid
    return None


def kill_driver(driver: int) -> None:
    """Kill a driver with everything that it started, itself last."""
    for pid in [*executors(driver), *children(driver), driver]:
        os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """Return the processes that a process started, at any depth."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()  # noqa: S603, S607 -- a number
    return [process for child in found for process in (int(child), *children(int(child)))]


def executors(pid: int) -> list[int]:
    """Return the executors of a driver."""
    return [child for child in children(pid) if b"CoarseGrainedExecutorBackend" in _command_of(child)]


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:  # it has ended
        return b""
