"""How often Python looks for garbage while hundreds of thousands of objects without a cycle are held."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

WORKER, COMPARISON = (10_000, 1_000, 50), (200_000, 50, 100)
"""The thresholds while a worker runs, and while accounts are compared. With Python's own, the collector walks through
all that is in flight again and again: 45 % of the processor time of delivery in bulk (tests/benchmarks/delivery.py), a
fifth of a comparison's. A comparison keeps nearly all that it makes, and ends with it. A worker's passes are short, or
all threads wait: one through 10,000 new objects takes up to 10 ms; one through all that is in flight takes 260 ms, and
comes after a thousand short ones."""


@contextmanager
def rare_collection(thresholds: tuple[int, int, int]) -> Iterator[None]:
    """Collect cyclic garbage less often until the end of the block, unless the program does so more rarely."""
    before = gc.get_threshold()
    if before[0] == 0 or before[0] >= thresholds[0]:
        yield
        return
    gc.set_threshold(*thresholds)
    try:
        yield
    finally:
        gc.set_threshold(*before)
