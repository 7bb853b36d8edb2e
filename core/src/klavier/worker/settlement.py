"""Settlement: what follows from an attempt (removed, tried again later, or a dead letter), written to the outbox."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from attrs import evolve

from klavier.errors import LeaseLostError, OutboxError
from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox.base import EntryQueue
from klavier.outbox.entry import DeadLetter, Entry, Settlement
from klavier.outcome import Outcome
from klavier.redaction import redact_json, redact_text
from klavier.retry import RetryPolicy
from klavier.worker.alerts import Alerts
from klavier.worker.in_flight import Finished, Result
from klavier.worker.time_slice import TimeSlice

Observer = Callable[[Event | None, Entry, Outcome], None]
"""Called with the final outcome of each event, once it is written down."""

Watcher = Callable[[Result, float | None], None]
"""Called with how each attempt ended, once it is written down, and with the Unix time at which the event is tried
again: None for a final outcome. Must not raise."""

_TOGETHER = 6
"""How many finished attempts a connection are settled in one transaction: neighbours in the outbox leave it at little
cost. More save no processor time; fewer cost up to a third of that of a single delivery."""

_LINGER = 0.1
"""How long a finished attempt waits for others to be settled with, in seconds. Nobody notices it, and at 350 events a
second it saves nine transactions of ten."""

_MOST_ERRORS = 100
"""How many errors of a reply a dead letter holds: more than anybody reads, and at most some 30 kB."""

_DISK_PAUSE = 1.0
_STOP_SECONDS = 5.0
"""How long a worker that stops tries to write to a disk that fails: less than the 10 s after which supervisors kill."""

_REMOVED = frozenset({"delivered", "skipped"})
"""The kinds of outcomes after which an entry leaves the outbox and leaves nothing else behind."""

_log = logging.getLogger("klavier.worker")


class Settler:
    """Collects finished attempts and writes what follows from them to the outbox."""

    def __init__(  # noqa: PLR0913 -- the parts it works with
        self,
        outbox: EntryQueue,
        policy: RetryPolicy,
        observe: Observer,
        *,
        now: Callable[[], float],
        own_loop: bool,
        connections: int,
        vendor: str = "",
        watch: Watcher | None = None,
    ) -> None:
        """`now` returns Unix seconds; `vendor` is named in dead letters.

        In its `own_loop` it writes at once, else in a thread, which takes longer.
        """
        self._outbox = outbox
        self._policy = policy
        self._report = _combine(observe, watch)
        self._now = now
        self._vendor = vendor
        self._own_loop = own_loop
        self._most = _TOGETHER * connections
        self._finished: list[Finished] = []
        self._settle_at: float | None = None
        self._stop_at: float | None = None
        self._observing_from: int | None = None
        self._alerts = Alerts(_log, time.monotonic)

    def add(self, finished: Finished, *, is_urgent: bool) -> None:
        """Add an attempt that has ended; an urgent one is settled at once."""
        self._finished.append(finished)
        if is_urgent or len(self._finished) >= self._most:
            self._settle_at = 0.0
        elif self._settle_at is None:
            self._settle_at = asyncio.get_running_loop().time() + _LINGER

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be settled."""
        return not self._finished

    @property
    def wait(self) -> float | None:
        """The seconds until the next settlement; None where nothing waits for one."""
        if self._settle_at is None:
            return None
        return max(0.0, self._settle_at - asyncio.get_running_loop().time())

    def is_observing(self, seq: int) -> bool:
        """Return whether an outcome up to this position may be stored and not yet observed; safe from other threads."""
        first = self._observing_from
        return first is not None and first <= seq

    def stop(self) -> None:
        """Give up after some seconds where the outbox fails."""
        if self._stop_at is None:
            self._stop_at = asyncio.get_running_loop().time() + _STOP_SECONDS

    async def settle(self) -> list[Finished]:
        """Write down what follows from the finished attempts, then call the observers; returns these attempts.

        While the outbox fails it waits, so that nothing goes on that is not written down. Raises `OutboxError` where it
        still fails some seconds after `stop`, `LeaseLostError` where another worker has taken over.
        """
        finished, self._finished, self._settle_at = self._finished, [], None
        now = self._now()
        results = [result for each in finished for result in each.results]
        done = [result.entry.seq for result in results if result.outcome.kind in _REMOVED]
        settlements = [
            settle(result, self._policy, now, random.random, self._vendor)
            for result in results
            if result.outcome.kind not in _REMOVED
        ]
        self._observing_from = min([result.entry.seq for result in results], default=None)
        await self._write(settlements, done)
        due = {item.entry.seq: item.due for item in settlements if item.due is not None}
        await self._report_all(results, due)
        for each in finished:
            if due or len(each.results) < len(each.entries):
                left = {result.entry.seq for result in each.results if result.entry.seq not in due}
                each.waiting = next((entry for entry in each.entries if entry.seq not in left), None)
                each.due = 0.0 if each.waiting is None else due.get(each.waiting.seq, 0.0)
        return finished

    async def _report_all(self, results: Sequence[Result], due: Mapping[int, float]) -> None:
        """Call the observers with results that are written down, also where this task is cancelled meanwhile."""
        waiting = iter(results)
        time_slice = TimeSlice(own_loop=self._own_loop)
        try:
            for result in waiting:
                self._report(result, due.get(result.entry.seq))
                if time_slice.is_over:
                    await time_slice.let_others_run()
        finally:
            for result in waiting:
                self._report(result, due.get(result.entry.seq))
            self._observing_from = None

    async def _write(self, settlements: list[Settlement], done: list[int]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                if self._own_loop:
                    self._outbox.settle(settlements, done)
                else:
                    await asyncio.to_thread(self._outbox.settle, settlements, done)
            except LeaseLostError:
                raise
            except OutboxError as error:
                self._alerts.report("disk", f"{error}; nothing is sent until it can be written", logging.ERROR)
                if self._stop_at is not None and loop.time() >= self._stop_at:
                    raise
                await asyncio.sleep(_DISK_PAUSE)
            else:
                self._alerts.resolve("disk", "the outbox can be written again: delivery goes on")
                return


def _combine(observe: Observer, watch: Watcher | None) -> Watcher:
    def report(result: Result, due: float | None) -> None:
        if due is None:
            observe(result.event, result.entry, result.outcome)
        if watch is not None:
            watch(result, due)

    return report


def settle(
    result: Result, policy: RetryPolicy, now: float, random: Callable[[], float], vendor: str = ""
) -> Settlement:
    """Decide what follows from one attempt; `now` is in Unix seconds, `random` returns numbers from 0.0 up to 1.0.

    `vendor` is named in a dead letter.
    """
    entry, outcome, is_failing = result.entry, result.outcome, result.is_failing
    if outcome.kind in _REMOVED:
        return Settlement(entry)
    tries, first_try = entry.tries, entry.first_try
    if not policy.is_free(outcome, is_failing=is_failing):
        tries, first_try = tries + 1, first_try or now
    pause = policy.next_try(outcome, tries, now - first_try, random, is_failing=is_failing)
    if pause is not None:
        return Settlement(entry, now + pause, tries, first_try)
    return Settlement(entry, dead_letter=evolve(dead_letter(entry, outcome, result.sent, tries, now), vendor=vendor))


def dead_letter(
    entry: Entry, outcome: Outcome, sent: Sequence[tuple[Request, Response]], tries: int, now: float
) -> DeadLetter:
    """Return the dead letter of an event that is not tried again; `sent` are the last attempt's calls.

    Every value in their bodies is replaced by its kind.
    """
    return DeadLetter(
        seq=entry.seq,
        message_id=entry.message_id,
        key=entry.key,
        payload=entry.payload,
        accepted=entry.accepted,
        died=now,
        tries=tries,
        kind=outcome.kind,
        status=outcome.status,
        reason=redact_text(outcome.reason),
        requests=orjson.dumps([_redacted_call(request, reply) for request, reply in sent]).decode(),
    )


def _redacted_call(request: Request, reply: Response) -> dict[str, Any]:
    errors = [
        {"code": error.code, "pointer": error.pointer, "detail": redact_text(error.detail)}
        for error in reply.errors[:_MOST_ERRORS]
    ]
    body = request.form if request.json is None else request.json
    return {
        "request": {
            "method": request.method,
            "path": request.path,
            "revision": request.revision,
            "params": redact_json(dict(request.params or {})),
            "body": redact_json(dict(body) if body is request.form and body is not None else body),
        },
        "reply": {"status": reply.status, "problem": redact_text(reply.problem), "errors": errors},
    }
