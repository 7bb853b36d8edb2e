"""Empty the outbox: lanes to legs, legs' requests to parcels, replies back, outcomes into the outbox.

One coroutine does all of it but the sending: it starts what may start, sends what may be sent, writes down what ended,
and sleeps until something changes.  Nothing waits for a quota while holding a place that another could use.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence

from attrs import frozen

from klavier.errors import LeaseLostError, OutboxError
from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox import Entry, EntryQueue, Settlement
from klavier.outcome import Outcome
from klavier.retry import RetryPolicy
from klavier.worker.attempt import Attempt, Finished
from klavier.worker.batch_attempt import BatchAttempt
from klavier.worker.batcher import Parcel, Pool
from klavier.worker.bulk import BulkKind, Row, Sending, Unit, Wait, send_rows
from klavier.worker.fair_queue import HEAVY
from klavier.worker.partitions import Partitions
from klavier.worker.sender import Sender
from klavier.worker.settlement import PLAIN_ENDS, verdict
from klavier.worker.translator import Translator

Observer = Callable[[Event | None, Entry, Outcome], None]
"""Sees the final outcome of each event, once it is written down."""


_HELD = 20_000
"""How many events are held in memory before they are under way."""

_AHEAD = 5000
"""How many of them may go next at least, so that who has many events is known early."""

_CHUNK = 1000
"""How many are read from the outbox at once."""

_STEP = 1000
"""How many events are translated before what is ready is sent."""

_TOGETHER = 6
"""How many events a connection are written down together while more can be sent: neighbours leave at little cost."""

_MOMENT = 0.1
"""How long one event that ended waits for others to be written down with, in seconds."""

_SHORTEST_SLEEP = 0.001
_DISK_PAUSE = 1.0

_log = logging.getLogger("klavier.worker")


@frozen
class Pace:
    """How a dispatcher works: `combine` for the fewest calls, else each request as the vendor sends it.

    `connections` is how many calls are under way at once, `window` how many events, `run` how many of one person,
    `batch` how many events the vendor is given together, `linger` how long a body waits to be filled, in seconds.
    """

    combine: bool = False
    connections: int = 32
    window: int = 256
    run: int = 1
    batch: int = 1
    linger: float = 0.05


class Worker:
    """Delivers what is in an outbox through one vendor, in order, within Klaviyo's limits."""

    def __init__(  # noqa: PLR0913 -- the parts it puts to work, each made and tested by itself
        self,
        outbox: EntryQueue,
        translator: Translator,
        courier: Sender,
        *,
        policy: RetryPolicy,
        pace: Pace,
        now: Callable[[], float],
        observe: Observer,
        own_loop: bool = False,
    ) -> None:
        """Put the parts together; in its `own_loop`, which runs nothing else, what ended is written down at once.

        In a loop that others use too it is written down in a thread beside it, which takes more time in all.
        """
        self._outbox = outbox
        self._own_loop = own_loop
        self._translator = translator
        self._courier = courier
        self._policy = policy
        self._pace = pace
        self._together = _TOGETHER * pace.connections
        self._now = now
        self._observe = observe
        self._lanes = Partitions(outbox.read_key)
        self._pool = Pool(combine=pace.combine, linger=pace.linger)
        self._cursor = 0
        self._flights: set[asyncio.Task[None]] = set()
        self._underway = 0
        self._landed: list[Finished] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._has_more = True
        self._telling_from: int | None = None
        self._changed = asyncio.Event()
        self._stopping = False

    def notify(self) -> None:
        """Tell that the outbox has more."""
        self._has_more = True
        self._changed.set()

    def stop(self) -> None:
        """Finish what is under way, start nothing more."""
        self._stopping = True
        self._changed.set()

    def is_telling(self, seq: int) -> bool:
        """Tell whether an outcome up to this place may be on the disk and not yet observed; asked by other threads."""
        first = self._telling_from
        return first is not None and first <= seq

    async def run(self, *, until_empty: bool) -> None:
        """Deliver until `stop`, or until nothing is left that waits."""
        woken = True
        try:
            while True:
                started = self._start()
                rests = not started and self._outbox.coming != "at once"
                self._dispatch(starved=rests and self._room > 0, idle=rests and not self._flights)
                if self._landed and (woken or not self._flights or len(self._landed) >= self._together):
                    await self._write_down()
                    woken = False
                    continue
                if self._finished(until_empty=until_empty):
                    return
                await (asyncio.sleep(0) if started else self._sleep())
                woken = not started or self._changed.is_set()
        finally:
            for flight in self._flights:
                flight.cancel()
            await asyncio.gather(*self._flights, return_exceptions=True)

    def _finished(self, *, until_empty: bool) -> bool:
        if self._landed or self._flights or (self._underway and not self._stopping):
            return False
        return self._stopping or (until_empty and self._lanes.idle)

    def _start(self) -> bool:
        """Start some voyages if there is room, no more than make a body; gives whether any could start.

        Then what is there can be sent before more is translated: the network is busy early, and memory is used again
        while it is still in the processor's cache.
        """
        if self._stopping:
            return False
        self._fill()
        run = 1 if self._courier.is_down else self._pace.run
        taken = self._lanes.take(self._now(), min(self._room, _STEP), run, spare=min(self._spare, _STEP))
        self._set_out(taken)
        return bool(taken)

    @property
    def _room(self) -> int:
        """How many more events may be under way; while Klaviyo is down one asks for all."""
        return max(0, (1 if self._courier.is_down else self._pace.window) - self._underway)

    @property
    def _spare(self) -> int:
        """How many more of people with many events, who are not to wait for a place behind all the others."""
        window = 0 if self._courier.is_down else self._pace.window
        return max(0, window + window // 4 - max(self._underway, window))

    def _set_out(self, taken: list[list[Entry]]) -> None:
        if self._pace.batch <= 1:
            for run in taken:
                self._begin(run, Attempt(run, self._translator, self._pool, self._landed))
            return
        batch: list[Entry] = []
        for index, run in enumerate(taken):
            batch += run
            if len(batch) >= self._pace.batch or index == len(taken) - 1:
                self._begin(batch, BatchAttempt(batch, self._translator, self._pool, self._landed))
                batch = []

    def _begin(self, entries: list[Entry], voyage: Attempt | BatchAttempt) -> None:
        self._underway += len(entries)
        self._send_out(voyage, voyage.depart())

    def _fill(self) -> None:
        """Read on in the outbox until enough may go next, or enough is held, or there is no more."""
        lanes = self._lanes
        # Nobody told of more, but who is about to sleep or to end looks all the same.
        self._has_more = self._has_more or lanes.idle
        while self._has_more and lanes.waiting < max(_AHEAD, self._pace.window) and lanes.loaded < _HELD:
            found = self._outbox.read(self._cursor, _CHUNK)
            self._has_more = len(found) == _CHUNK
            if found:
                self._cursor = found[-1].seq
                lanes.add(found)
        if lanes.grown:
            grown, lanes.grown = lanes.grown, {}
            self._pool.reweigh(lambda unit: max(grown.get(entry.key, 0) for entry in unit.rows[0].sender.owned))

    def _send_out(self, voyage: Attempt | BatchAttempt, units: Sequence[Unit]) -> None:
        now, rest = self._now(), voyage.rest
        for unit in units:
            unit.weight = rest + self._lanes.behind(unit.rows[0].sender.owned)
            self._pool.add(unit, now)

    def _dispatch(self, *, starved: bool, idle: bool) -> None:
        gate = _Slots(self._courier, self._pace.connections - len(self._flights))
        last = self._outbox.coming == "no"
        for parcel in self._pool.ready(self._now(), gate, starved=starved, idle=idle, last=last):
            kind = parcel.kind
            flying = self._fly_singly(parcel) if kind is None else self._fly_together(kind, parcel.rows)
            flight = asyncio.get_running_loop().create_task(flying)
            self._flights.add(flight)
            flight.add_done_callback(self._arrived)

    async def _fly_together(self, kind: BulkKind, rows: Sequence[Row]) -> None:
        """Send rows in a body and hand each its reply."""
        replies = await self._fly_body(send_rows(kind, rows))
        self._land(rows, replies)

    async def _fly_singly(self, parcel: Parcel) -> None:
        """Send rows one after the other, then those of whatever may go next, so that no connection waits for us.

        Where bodies are made, what goes next is for the dispatcher to say, who sees them all.
        """
        following: Parcel | None = parcel
        while following is not None:
            first = following.rows[0]
            for row in following.rows:
                voyage = row.sender.voyage
                if row is not first and voyage.broken:  # what comes after one that is tried again stays behind it
                    self._send_out(voyage, voyage.leave())
                else:
                    self._land((row,), (await self._courier.send(row.request, admitted=row is first),))
            self._have_written_down(soon=following.weight >= HEAVY)
            following = None if self._pace.combine else self._pool.one_alone(self._now(), self._courier)

    def _have_written_down(self, *, soon: bool) -> None:
        """Wake the dispatcher for what landed: when it is enough, when much waits behind it, else in a moment."""
        landed = len(self._landed)
        if soon or landed >= self._together:
            self._changed.set()
        elif landed == 1:
            self._alarm = asyncio.get_running_loop().call_later(_MOMENT, self._changed.set)

    def _land(self, rows: Sequence[Row], replies: Sequence[Response]) -> None:
        """Hand each row its reply, and send what goes next."""
        for row, reply in zip(rows, replies, strict=True):
            sender = row.sender
            units = sender.voyage.land(sender, reply)
            if units:
                self._send_out(sender.voyage, units)

    async def _fly_body(self, sending: Sending) -> list[Response]:
        """Send one body to its end; gives one reply for each row."""
        step, admitted = _next(sending, None), True
        while not isinstance(step, list):
            if isinstance(step, Wait):
                await asyncio.sleep(step.seconds)
                step = _next(sending, None)
            else:
                step = _next(sending, await self._courier.send(step, admitted=admitted))
                admitted = False
        return step

    def _arrived(self, flight: "asyncio.Task[None]") -> None:
        self._flights.discard(flight)
        self._changed.set()

    async def _write_down(self) -> None:
        """Settle what ended, on the disk first; only then may the lanes go on and the observers see it."""
        landed = list(self._landed)
        self._landed.clear()
        if self._alarm is not None:
            self._alarm.cancel()
        now, hold = self._now(), self._courier.hold
        results = [result for each in landed for result in each.results]
        left = {result.entry.seq for result in results}
        gone = [result.entry.seq for result in results if result.outcome.kind in PLAIN_ENDS]
        settled = [
            verdict(result, self._policy, now, random.random, hold)
            for result in results
            if result.outcome.kind not in PLAIN_ENDS
        ]
        self._telling_from = min(left, default=None)
        if not await self._settle(settled, gone):
            self._landed[:0] = landed
            return
        again = {item.entry.seq: item.due for item in settled if item.due is not None}
        left.difference_update(again)
        for result in results:
            if result.entry.seq in left:
                self._observe(result.event, result.entry, result.outcome)
        self._telling_from = None
        for each in landed:
            self._underway -= len(each.entries)
            self._release(each, left, again)

    async def _settle(self, settled: list[Settlement], gone: list[int]) -> bool:
        """Write to the outbox; where the disk fails, wait, so that nothing goes on before it is written down."""
        try:
            if self._own_loop:
                self._outbox.settle(settled, gone)
            else:
                await asyncio.to_thread(self._outbox.settle, settled, gone)
        except LeaseLostError:
            raise
        except OutboxError as error:
            _log.error("%s; trying again in %s s", error, _DISK_PAUSE)
            await asyncio.sleep(_DISK_PAUSE)
            return False
        return True

    def _release(self, each: Finished, left: set[int], again: dict[int, float]) -> None:
        """Let a lane go on, or park it at its first entry that is tried again or was not tried."""
        entries = each.entries
        if again or len(each.results) < len(entries):
            for entry in entries:
                if entry.seq not in left:
                    self._lanes.park(entry, again.get(entry.seq, 0.0))
                    return
        self._lanes.finish(entries[0].key)

    async def _sleep(self) -> None:
        """Sleep until something changes, or the next moment at which something may go."""
        now = self._now()
        moments = [self._lanes.next_due() if self._room > 0 else None, self._pool.next_linger(now)]
        waits = [moment - now for moment in moments if moment is not None and moment > now]
        waits += [_MOMENT] if self._landed else []
        if len(self._flights) < self._pace.connections:
            starved = self._room > 0 or not self._flights
            held = self._pool.calls(now, starved=starved)
            waits += [self._courier.wait(call, modest=modest) for call, modest in held]
        alarm = None
        if waits:
            pause = max(min(waits), _SHORTEST_SLEEP)
            alarm = asyncio.get_running_loop().call_later(pause, self._changed.set)
        await self._changed.wait()
        self._changed.clear()
        if alarm is not None:
            alarm.cancel()


def _next(sending: Sending, reply: Response | None) -> Request | Wait | list[Response]:
    """Go on with a body; gives what it asks for, at its end the replies."""
    try:
        return next(sending) if reply is None else sending.send(reply)
    except StopIteration as stop:
        found: list[Response] = stop.value
        return found


class _Slots:
    """The gate of one dispatch: as many calls as there are free connections, each when the courier may send it."""

    def __init__(self, courier: Sender, free: int) -> None:
        self._courier = courier
        self._free = free

    def is_open(self, request: Request) -> bool:
        """Tell whether a connection is free and the request's time has come."""
        return self._free > 0 and self._courier.wait(request) <= 0

    def wait(self, request: Request) -> float:
        """Give the seconds until the request's time comes, were a connection free."""
        return self._courier.wait(request)

    def admit(self, request: Request, *, modest: bool) -> bool:
        """Count the request as sent now; False where it may not be."""
        if self._free <= 0 or not self._courier.admit(request, modest=modest):
            return False
        self._free -= 1
        return True
