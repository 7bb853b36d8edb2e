"""One attempt of a partition's next entries, in order.

Events that one bulk request can hold are sent together; anything else waits until the event before it has its outcome.
A failure that will be retried ends the attempt: the later entries wait for it.
"""

from collections.abc import Sequence

from klavier.klaviyo.response import Response
from klavier.outbox.entry import Entry
from klavier.outcome import Outcome
from klavier.retry import is_transient
from klavier.worker.batcher import Batcher
from klavier.worker.bulk.packing import BulkItem, ItemGroup
from klavier.worker.in_flight import Finished, InFlight, OnFinished, Result
from klavier.worker.translator import Translator


class Attempt:
    """One attempt of the entries of one partition; calls `on_finished` when it has ended."""

    __slots__ = (
        "_batcher",
        "_blocked_by",
        "_entries",
        "_in_flight",
        "_next",
        "_on_finished",
        "_results",
        "_set_aside",
        "_stopped",
        "_translator",
    )

    def __init__(
        self, entries: Sequence[Entry], translator: Translator, batcher: Batcher, on_finished: OnFinished
    ) -> None:
        """Prepare an attempt; nothing is translated before `start`."""
        self._entries = entries
        self._translator = translator
        self._batcher = batcher
        self._on_finished = on_finished
        self._results: list[Result] = []
        self._next = 0
        self._in_flight = 0
        self._set_aside: tuple[BulkItem, bool] | None = None
        self._stopped = False
        self._blocked_by = ""

    @property
    def remaining(self) -> int:
        """How many entries have not started."""
        return len(self._entries) - self._next

    def start(self) -> Sequence[ItemGroup]:
        """Start what may be sent now; returns its requests: none while a reply is awaited, and none at the end."""
        if self._in_flight:
            return ()
        group = None if self._stopped else self._next_group()
        if group is not None:
            return (group,)
        self._on_finished(Finished(self._entries, self._results, self._blocked_by))
        return ()

    def on_reply(self, in_flight: InFlight, reply: Response) -> Sequence[ItemGroup]:
        """Process the reply to a request; returns what to send next."""
        flow = in_flight.flow
        flow.reply(reply)
        if flow.request is not None:
            return (ItemGroup(self._batcher.item(flow.request, in_flight, flow.delivery)),)
        self._add_result(in_flight)
        self._in_flight -= 1
        return self.start()

    def on_unsent(self, in_flight: InFlight, endpoint: str) -> None:  # noqa: ARG002 -- as BatchAttempt's
        """Note that a request is not sent, since its endpoint is blocked: its entry and all later ones wait."""
        self._stopped = True
        self._blocked_by = endpoint
        self._in_flight -= 1
        self.start()

    def _next_group(self) -> ItemGroup | None:
        """Start entries until one has a request that cannot be sent together with those before it."""
        group: ItemGroup | None = None
        while not self._stopped and (started := self._next_item()) is not None:
            item, is_single = started
            if group is None:
                group = ItemGroup(item)
            elif not group.try_add(item):
                self._set_aside = started
                break
            self._in_flight += 1
            if not is_single or self._next == len(self._entries):
                break
        return group

    def _next_item(self) -> tuple[BulkItem, bool] | None:
        """Return the next entry's request, and whether it is the entry's only one, so that the next one may follow."""
        if self._set_aside is not None:
            set_aside, self._set_aside = self._set_aside, None
            return set_aside
        while self._next < len(self._entries) and not self._stopped:
            entry = self._entries[self._next]
            self._next += 1
            flow = self._translator.start(entry)
            if isinstance(flow, Outcome):
                self._results.append(Result(entry, flow))
                continue
            in_flight = InFlight(self, (entry,), flow)
            if flow.request is None:
                self._add_result(in_flight)
                continue
            delivery = flow.delivery
            return self._batcher.item(flow.request, in_flight, delivery), delivery.single_request
        return None

    def _add_result(self, in_flight: InFlight) -> None:
        flow = in_flight.flow
        outcome = flow.outcomes[0]
        self._results.append(
            Result(in_flight.entries[0], outcome, flow.sent, flow.delivery.events[0], in_flight.is_failing)
        )
        if is_transient(outcome):
            self._stopped = True
