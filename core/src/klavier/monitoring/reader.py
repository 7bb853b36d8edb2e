"""Read the status for many askers: at most once a second, in a thread."""

import asyncio
import time
from typing import TYPE_CHECKING

from klavier.worker.status import Status, read_status

if TYPE_CHECKING:
    from klavier.worker.leased_worker import LeasedWorker

_SECONDS = 1.0
"""How long a status is shown again: whoever asks in a loop costs the outbox one reading a second, of some 10 ms with a
million events."""


class StatusReader:
    """The status of the outbox of a worker, which need not hold the lease; belongs to one event loop."""

    def __init__(self, worker: "LeasedWorker") -> None:
        self.worker = worker
        self._found: Status | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    def watch(self, worker: "LeasedWorker") -> None:
        """Read the status of this worker's outbox from now on, after the configuration was read again."""
        self.worker = worker
        self._found = None

    async def read(self) -> Status:
        """Return the status, at most a second old; raises `OutboxError` where the outbox cannot be read."""
        async with self._lock:
            if self._found is None or time.monotonic() - self._read_at >= _SECONDS:
                worker = self.worker
                report = await worker.fetch_report()
                found = await asyncio.to_thread(read_status, worker.config.outbox, report)
                self._found, self._read_at = found, time.monotonic()
            return self._found
