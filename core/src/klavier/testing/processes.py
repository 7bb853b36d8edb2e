"""Child processes of a test that may end in any way."""

import os
import time
import warnings
from collections.abc import Callable

PATIENCE = 60.0
"""How long a test waits for what must happen, in seconds: on a busy machine a fork may take seconds."""


def fork(work: Callable[[], object]) -> int:
    """Run `work` in a child that ends without any cleaning up; returns its process id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of threads, which these tests are about
        child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def wait_for(child: int) -> int:
    """Return the exit code of a child; kills it, and fails, where it does not end."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -9


def exit_code(work: Callable[[], object]) -> int:
    """Run `work` in a child; returns its exit code."""
    return wait_for(fork(work))
