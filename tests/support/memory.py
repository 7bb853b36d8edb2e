"""How much memory a command takes at most."""

import subprocess
import sys
from pathlib import Path

_WATCH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def run_watched(command: list[str], folder: Path) -> tuple[int, float]:
    """Run a command in a folder; gives its exit code and the most that it kept in memory, in MiB.

    A small process of its own starts it: Linux counts what the parent held at the fork, too, and a test runner holds
    much.
    """
    watcher = [sys.executable, "-c", _WATCH, *command]
    told = subprocess.run(watcher, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603 -- our own command
    code, kibibytes = map(int, told.stdout.split())
    return code, kibibytes / 1024
