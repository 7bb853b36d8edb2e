"""Time slices: long work on an event loop that other tasks use as well."""

import asyncio
import math

SLICE_SECONDS = 0.01
"""How long work goes on before other tasks run. Without slices a worker in the event loop of a web application stops it
for 50 to 100 ms at a time, measured with bulk requests of 1,000 events. A slice ends with one look at the sockets,
30 us: longer ones save nothing that can be measured."""


class TimeSlice:
    """The time for which a task may go on working; belongs to the task that makes it."""

    def __init__(self, *, own_loop: bool) -> None:
        """In its `own_loop`, where nobody else waits, a task works to its end."""
        self._loop = asyncio.get_running_loop()
        self._end = math.inf if own_loop else self._loop.time() + SLICE_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether other tasks should run now."""
        return self._end < math.inf and self._loop.time() >= self._end

    async def let_others_run(self) -> None:
        """Run the other tasks of the loop that are ready, then begin a new slice."""
        await asyncio.sleep(0)
        self._end = self._loop.time() + SLICE_SECONDS
