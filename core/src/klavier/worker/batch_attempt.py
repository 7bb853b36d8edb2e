"""One attempt of entries of several partitions that are translated together, as the vendor's own servers would."""

from collections import deque
from collections.abc import Iterable, Sequence

from klavier.klaviyo.response import Response
from klavier.outbox.entry import Entry
from klavier.retry import is_transient
from klavier.worker.batcher import Batcher
from klavier.worker.bulk.packing import ItemGroup
from klavier.worker.in_flight import Finished, InFlight, OnFinished, Result
from klavier.worker.translator import Translator


class KeyState:
    """The entries of one ordering key, and their flows that have not ended, the current one first."""

    __slots__ = ("blocked_by", "entries", "flows", "results")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.results: list[Result] = []
        self.flows: list[InFlight] = []
        self.blocked_by = ""


class BatchAttempt:
    """One attempt of entries of some partitions; each partition finishes when its own flows have ended.

    A flow starts when it is the next one of all its keys. After a failure that will be retried, the key's later entries
    wait; a flow that contains one of them is dropped as a whole, so its entries of other keys wait too.
    """

    remaining = 0
    """How many entries have not been translated: none."""

    def __init__(
        self, entries: Sequence[Entry], translator: Translator, batcher: Batcher, on_finished: OnFinished
    ) -> None:
        """Translate all entries together."""
        self._batcher = batcher
        self._on_finished = on_finished
        self._started: set[InFlight] = set()
        self._seen: set[int] = set()
        self._keys: dict[str, KeyState] = {}
        for entry in entries:
            self._keys.setdefault(entry.key, KeyState()).entries.append(entry)
        flows, known = translator.start_together(entries)
        for entry, outcome in known:
            self._keys[entry.key].results.append(Result(entry, outcome))
        self._flows = [InFlight(self, its_entries, flow) for flow, its_entries in flows]
        for in_flight in self._flows:
            for state in self._states(in_flight):
                state.flows.append(in_flight)

    def start(self) -> Sequence[ItemGroup]:
        """Start the first flow of each key; returns their requests."""
        for state in self._keys.values():
            if not state.flows:
                self._finish(state)
        return self._start(self._flows)

    def on_reply(self, in_flight: InFlight, reply: Response) -> Sequence[ItemGroup]:
        """Process the reply to a flow's request; returns what to send next."""
        in_flight.flow.reply(reply)
        if in_flight.flow.request is not None:
            return [self._group(in_flight)]
        return self._start(self._end(in_flight))

    def on_unsent(self, in_flight: InFlight, endpoint: str) -> None:
        """Note that a request is not sent, since its endpoint is blocked: its entries and all later ones wait."""
        for state in self._states(in_flight):
            state.blocked_by = endpoint
        self._drop([in_flight])

    def _start(self, flows: Iterable[InFlight]) -> list[ItemGroup]:
        """Start the flows whose turn it is, and what follows those that end at once."""
        groups: list[ItemGroup] = []
        waiting = deque(flows)
        while waiting:
            in_flight = waiting.popleft()
            is_next = all(state.flows[:1] == [in_flight] for state in self._states(in_flight))
            if in_flight in self._started or not is_next:
                continue
            self._started.add(in_flight)
            if in_flight.flow.request is None:
                waiting.extend(self._end(in_flight))
            else:
                groups.append(self._group(in_flight))
        return groups

    def _end(self, in_flight: InFlight) -> list[InFlight]:
        """Record the outcomes of a flow; returns the flows that may be next."""
        flow = in_flight.flow
        failed: list[KeyState] = []
        for entry, outcome, event in zip(in_flight.entries, flow.outcomes, flow.delivery.events, strict=True):
            if entry.seq in self._seen:  # a vendor that names an event twice: its first outcome counts
                continue
            self._seen.add(entry.seq)
            state = self._keys[entry.key]
            state.results.append(Result(entry, outcome, flow.sent, event, in_flight.is_failing))
            if is_transient(outcome):
                failed.append(state)
        states = self._states(in_flight)
        for state in states:
            self._shorten(state, [in_flight])
        for state in failed:
            self._drop(state.flows)
        return [state.flows[0] for state in states if state.flows]

    def _drop(self, flows: Iterable[InFlight]) -> None:
        """Drop flows that wait, and what comes after them for any of their keys."""
        for in_flight in list(flows):
            for state in self._states(in_flight):
                if in_flight in state.flows:
                    later = state.flows[state.flows.index(in_flight) :]
                    self._shorten(state, later)
                    self._drop(later[1:])

    def _shorten(self, state: KeyState, flows: list[InFlight]) -> None:
        state.flows = [in_flight for in_flight in state.flows if in_flight not in flows]
        if not state.flows:
            self._finish(state)

    def _finish(self, state: KeyState) -> None:
        self._on_finished(Finished(state.entries, state.results, state.blocked_by))

    def _states(self, in_flight: InFlight) -> list[KeyState]:
        """Return the states of a flow's keys, each once."""
        return [self._keys[key] for key in dict.fromkeys(entry.key for entry in in_flight.entries)]

    def _group(self, in_flight: InFlight) -> ItemGroup:
        request, delivery = in_flight.flow.request, in_flight.flow.delivery
        if request is None:
            raise AssertionError("a flow that has ended sends nothing")
        return ItemGroup(self._batcher.item(request, in_flight, delivery))
