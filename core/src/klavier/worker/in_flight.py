"""What passes between attempts, the requests that they wait for, and settlement."""

from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import define

from klavier.events.model import Event
from klavier.flows.execution import FlowExecution
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox.entry import Entry
from klavier.outcome import Outcome
from klavier.worker.bulk.packing import ItemGroup


@define(eq=False)
class Result:
    """How one attempt of one entry ended.

    `sent` are its requests with their replies; `event` is None where the payload could not be read or a plugin dropped
    the event. `is_failing`: the endpoint failed for all requests at that time, so the event is not at fault.
    """

    entry: Entry
    outcome: Outcome
    sent: Sequence[tuple[Request, Response]] = ()
    event: Event | None = None
    is_failing: bool = False


@define(eq=False)
class Finished:
    """Entries of one partition whose attempt has ended, and the results of those that were tried.

    The others wait: for the entry that failed before them, or for the endpoint in `blocked_by`. When the results are
    settled, `waiting` is the first entry that is still in the outbox, and `due` when it may be tried again.
    """

    entries: Sequence[Entry]
    results: list[Result]
    blocked_by: str = ""
    waiting: Entry | None = None
    due: float = 0.0


OnFinished = Callable[[Finished], None]


class RunningAttempt(Protocol):
    """An attempt whose requests are sent: of the entries of one partition, or of several."""

    @property
    def remaining(self) -> int:
        """How many entries have not started."""

    def start(self) -> Sequence[ItemGroup]:
        """Start what may be sent now; returns its requests."""

    def on_reply(self, in_flight: "InFlight", reply: Response) -> Sequence[ItemGroup]:
        """Process the reply to a request; returns what to send next."""

    def on_unsent(self, in_flight: "InFlight", endpoint: str) -> None:
        """Note that a request is not sent, since its endpoint is blocked: its entries and all later ones wait."""


class InFlight:
    """The owner of a request that waits for its reply: an attempt, the entries that the request is for, their flow.

    `is_failing` is set before the reply is passed on, as in `Result`.
    """

    __slots__ = ("attempt", "entries", "flow", "is_failing")

    def __init__(self, attempt: RunningAttempt, entries: Sequence[Entry], flow: FlowExecution) -> None:
        self.attempt, self.entries, self.flow = attempt, entries, flow
        self.is_failing = False
