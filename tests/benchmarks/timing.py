"""Events per CPU-second: one process, one core, in the best of many short slices.

On a machine that is shared the same work takes up to twice the CPU time from one second to the next, since caches and
clocks are shared too; other work makes a slice slower and never faster, so the best one is what the code itself takes.
"""

import time
from collections.abc import Callable

from klavier import Vendor, parse_line
from klavier.flows.drivers import plan
from klavier.flows.send_one import SendOne

_SLICE = 0.02
"""CPU-seconds of one slice, at least: long beside the clock's steps."""

FACES = (("documented", "current"), ("deployed", "native"))
"""The two ways in which each case is measured: fidelity and wire."""


def translate(vendor: Vendor, line: bytes) -> int:
    """Parse one line, translate it and serialize each request that needs no reply to another; returns the bytes."""
    written = 0
    for delivery in plan(vendor, [parse_line(line)]):
        one = delivery.flow
        written += len((one.request if isinstance(one, SendOne) else next(one())).body)
    return written


def best(run: Callable[[], None], events: int, seconds: float) -> float:
    """Return the events per CPU-second of the best slice in about `seconds` of CPU time; one run is `events` events."""
    run()  # warms up
    found, began = 0.0, time.process_time()
    while (start := time.process_time()) - began < seconds:
        runs = 0
        while (spent := time.process_time() - start) < _SLICE:
            run()
            runs += 1
        found = max(found, runs * events / spent)
    return found
