"""What a worker publishes about itself with each renewal of its lease, so that other processes can show it."""

from collections.abc import Mapping
from typing import Any

import orjson
from attrs import asdict, frozen
from cattrs import Converter
from cattrs.errors import BaseValidationError


@frozen
class Pause:
    """Why nothing is sent to the account, and the seconds until the next try."""

    reason: str
    seconds: float


@frozen
class OpenCircuit:
    """An endpoint that accepts no requests, and the seconds until it is tried again."""

    endpoint: str
    seconds: float


@frozen
class LimitUse:
    """The share of an endpoint's rate limit that was used in the last minute, from 0.0 to 1.0."""

    endpoint: str
    share: float


@frozen
class TypeCount:
    """How many events of one type, such as `track`, had one outcome; `type` is empty for what is no event."""

    type: str
    kind: str
    count: int


@frozen
class MinuteCount:
    """The outcomes by kind in the minute that begins at the Unix time `at`."""

    at: int
    outcomes: Mapping[str, int] = {}


@frozen
class WorkerReport:
    """The state of a worker that holds the lease; nothing in it is about a profile or an event's content.

    - `host`, `pid`, `version`, `vendor`: which process it is, and what it delivers with.
    - `started`: the Unix time since which it delivers.
    - `events_in_flight`, `requests_in_flight`: events that are taken from the outbox, requests that wait for replies.
    - `outcomes`: the outcomes by kind since the process began to deliver.
    - `last_minute`: the outcomes of the last sixty seconds, by type and kind; `minutes`: those of the last hour.
    - `paused`, `circuits`, `limits`: what holds requests back.
    - `parts`: what other parts of the process add, by name, such as `gateway` and `shadow`.
    """

    host: str = ""
    pid: int = 0
    version: str = ""
    vendor: str = ""
    started: float = 0.0
    events_in_flight: int = 0
    requests_in_flight: int = 0
    outcomes: Mapping[str, int] = {}
    last_minute: tuple[TypeCount, ...] = ()
    minutes: tuple[MinuteCount, ...] = ()
    paused: Pause | None = None
    circuits: tuple[OpenCircuit, ...] = ()
    limits: tuple[LimitUse, ...] = ()
    parts: Mapping[str, Any] = {}

    @property
    def delivered_last_minute(self) -> int:
        """How many events were delivered in the last sixty seconds; shown by the console."""
        return sum(item.count for item in self.last_minute if item.kind == "delivered")

    @property
    def refused(self) -> list[tuple[str, int]]:
        """The sources whose events the gateway of the process refused, with how many since it started."""
        try:
            rows = self.parts["gateway"]["events"]
            found = [(str(row["source"]), int(row["count"])) for row in rows if row["acceptance"] == "refused"]
        except (TypeError, KeyError, ValueError):  # there is no gateway, or one of another version
            return []
        return [row for row in found if row[1]]


def write_report(report: WorkerReport) -> bytes:
    """Return a report as JSON."""
    return orjson.dumps(asdict(report))


def read_report(text: bytes) -> WorkerReport | None:
    """Return the report of any version of klavier: what this one does not know is left out.

    None where there is none, or one that cannot be read.
    """
    try:
        return Converter().structure(orjson.loads(text), WorkerReport) if text else None
    except (orjson.JSONDecodeError, BaseValidationError):
        return None
