"""The status of a running system, read from its outbox: by the process that delivers, and by any other one."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from attrs import asdict, frozen

from klavier.outbox.base import Outbox
from klavier.outbox.entry import DeadCause
from klavier.worker.leased_worker import LEASE_SECONDS
from klavier.worker.report import WorkerReport, read_report


@frozen
class Holder:
    """Who holds the lease of the outbox, and how many seconds ago it was heard of.

    It `is_alive` unless it has not renewed the lease in time; one that was killed seems alive for as long.
    """

    name: str
    age: float
    is_alive: bool


@frozen
class Status:
    """What waits, what is dead, who delivers, and what holds it back.

    - `time`: the Unix time of this status.
    - `waiting`, `oldest_age`: events in the outbox, and the seconds since the oldest was accepted; None for none.
    - `dead`, `dead_causes`: dead letters, and how many there are of each outcome.
    - `problem`: why nothing can be accepted, such as a full disk; empty while all is well.
    - `used_bytes`, `free_bytes`: what the outbox takes, and what its disk still has; None where that is not known.
    - `holder`, `worker`: who delivers, and what that process reported last; None where nobody does, or has not yet.
    """

    time: float
    waiting: int
    oldest_age: float | None
    dead: int
    dead_causes: tuple[DeadCause, ...] = ()
    problem: str = ""
    used_bytes: int = 0
    free_bytes: int | None = None
    holder: Holder | None = None
    worker: WorkerReport | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the status as JSON data with the same names."""
        return asdict(self)


@frozen
class Limits:
    """From where on a status calls for attention.

    - `max_age`: seconds that the oldest event may wait.
    - `max_dead`: dead letters that may be there.
    - `min_free`: bytes that the disk must have.
    """

    max_age: float = 900.0
    max_dead: int = 0
    min_free: int = 100_000_000


def read_status(outbox: Outbox, report: WorkerReport | None = None, now: Callable[[], float] = time.time) -> Status:
    """Return the status; takes some milliseconds of reading the outbox, so call it in a thread where a loop runs.

    `report` is the present one of a worker in this process, where it holds the lease (`LeasedWorker.report`); without
    it the last report that the holder stored is read. Raises `OutboxError`.
    """
    found, details = outbox.status(), outbox.details()
    holder = details.holder
    return Status(
        time=now(),
        waiting=found.waiting,
        oldest_age=None if found.oldest is None else max(0.0, now() - found.oldest),
        dead=found.dead,
        dead_causes=details.dead_causes,
        problem=found.problem,
        used_bytes=details.used_bytes,
        free_bytes=details.free_bytes,
        holder=None if holder is None else Holder(holder.name, holder.age, holder.age < LEASE_SECONDS),
        worker=report or (None if holder is None else read_report(holder.report)),
    )


def find_problems(status: Status, limits: Limits) -> Iterator[str]:
    """Yield what calls for attention, each as a sentence with its remedy."""
    if status.problem:
        yield status.problem
    if status.free_bytes is not None and status.free_bytes < limits.min_free:
        yield f"the disk has {status.free_bytes:,} bytes left, fewer than {limits.min_free:,}: free some space"
    age = status.oldest_age or 0.0
    is_alive = status.holder is not None and status.holder.is_alive
    if status.waiting and not is_alive and age > LEASE_SECONDS:
        yield "events wait and no process delivers: start klavier run, klavier serve or your program"
    if status.waiting and age > limits.max_age:
        yield f"the oldest event has waited for {age:,.0f} s, longer than {limits.max_age:,.0f} s"
    if is_alive and status.worker is not None:
        yield from _held_back(status.worker)
    if status.dead > limits.max_dead:
        letters = "dead letter" if status.dead == 1 else "dead letters"
        yield f"{status.dead:,} {letters}: klavier dead list shows why"


def _held_back(worker: WorkerReport) -> Iterator[str]:
    if worker.paused is not None:
        yield f"delivery is paused: {worker.paused.reason}; the next try is in {worker.paused.seconds:.0f} s"
    for circuit in worker.circuits:
        retry = f"; the next try is in {circuit.seconds:.0f} s" if circuit.seconds > 0 else ""
        yield f"{circuit.endpoint} accepts no requests: its events wait{retry}"
