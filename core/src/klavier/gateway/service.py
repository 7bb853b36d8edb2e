"""Turn the requests of SDKs into stored events: authenticate, limit, complete, check, store."""

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Literal

from attrs import define, field

from klavier.errors import EventError, OutboxError
from klavier.gateway.addresses import Proxies
from klavier.gateway.archive import Archive
from klavier.gateway.bodies import LargeBodies, Refusal, decompress, read_json
from klavier.gateway.intake import Intake, Message
from klavier.gateway.messages import Client, complete, read_messages
from klavier.gateway.sources import Source, Sources, seconds_to_wait
from klavier.relay.intake import accept
from klavier.strictjson import write_marked
from klavier.worker.activity import Activity
from klavier.worker.alerts import Alerts
from klavier.worker.translator import REJECTED_KEY

if TYPE_CHECKING:
    from klavier.config.model import Config
    from klavier.worker.leased_worker import RelayConfig

Acceptance = Literal["accepted", "rejected", "refused"]
"""Stored to be delivered; stored as a dead letter, since it is no event; or answered with an error, and not stored."""

MOST_EVENTS = 10_000
"""Events of one request: SDKs send at most some thousand of the smallest. Without a bound one request of `max_body`
bytes could hold a million of what is no event, and each would become a dead letter."""

_RETRY_SECONDS = 5
"""After a failed write; the disk is tried again as often by the worker."""

_log = logging.getLogger("klavier.gateway")


@define(eq=False)
class Collected:
    """One request with events, read so far."""

    raw: bytes = field(repr=False)
    event_type: str | None
    keys: Sequence[str] = field(repr=False)
    """Write keys outside the body, the first one given counts."""
    content_encoding: str = ""
    signature: str = ""
    """The signature over the body, for sources that have a secret."""
    client: Client = field(factory=Client, repr=False)


class GatewayService:
    """Accepts the events of requests into an outbox; knows nothing of HTTP but statuses."""

    def __init__(
        self, config: "Config", relay_config: "RelayConfig", folder: Path, on_stored: Callable[[], None]
    ) -> None:
        """Accept into the outbox of `relay_config`; `on_stored` is called from a thread after each write.

        A relative path of the archive begins in `folder`.
        """
        section = config.gateway
        self.section = section
        self.sources = Sources(section.sources)
        self.proxies = Proxies(section.trusted_proxies)
        self.counts: Counter[tuple[str, Acceptance]] = Counter()
        """Events by source and acceptance; without a known key the source is `unknown`.

        A refused request whose events were not read, such as for a wrong key or a body that is no JSON, counts as one
        event.
        """
        self.activity: Activity[tuple[str, Acceptance]] = Activity(time)
        """The same of the last hour."""
        self.watch: Callable[[list[tuple[str, str]]], None] = lambda _: None
        """Called from a thread with the message id and the source of each event that was stored for the first time."""
        self.bodies = LargeBodies()
        self._alerts = Alerts(_log, monotonic)
        self.intake = Intake(self._store)
        self._relay_config = relay_config
        self._archive = None if section.archive is None else Archive(folder / section.archive)
        self._on_stored = on_stored

    async def collect(self, request: Collected) -> int:
        """Store the events of a request; return how many there were, once they are stored durably.

        What is no event becomes a dead letter, and the others are stored all the same. Raises `Refusal`.
        """
        source, messages = self._open(request)
        with _refusing(source, len(messages)):
            await self.intake.add(messages)
        accepted = sum(message.is_event for message in messages)
        self._count(source.name, "accepted", accepted)
        self._count(source.name, "rejected", len(messages) - accepted)
        return len(messages)

    def _open(self, request: Collected) -> tuple[Source, list[Message]]:
        """Return the source of a request, and its events; nothing else of the request is kept."""
        text = decompress(request.raw, request.content_encoding, self.section.max_body)
        request.raw = b""
        body = read_json(text)
        source = self._authenticate(request, body, text)
        messages = list(islice(read_messages(body, request.event_type), MOST_EVENTS + 1))
        with _refusing(source, len(messages)):
            if len(messages) > MOST_EVENTS:
                raise Refusal(413, "too_many_events", f"the request has more than {MOST_EVENTS} events")
            self.intake.check_room(len(text))
            wait = source.limit.take(len(messages), monotonic())
            if wait:
                raise Refusal(429, "rate_limited", "too many events a second from this source", seconds_to_wait(wait))
        return source, self._read_all(source, messages, request.client)

    def _read_all(self, source: Source, messages: list[Any], client: Client) -> list[Message]:
        """Return events as they will be stored; empties `messages`: as objects they take ten times the memory."""
        now = datetime.now(UTC)
        messages.reverse()
        found = []
        while messages:
            found.append(self._read(source, messages.pop(), now, client))
        return found

    def find_source(self, keys: Iterable[str]) -> Source:
        """Return the source of the first key that is given; raises `Refusal` (401)."""
        source = self._find(keys)
        if source is None:
            raise Refusal(401, "invalid_write_key", "the write key is not known; set it up under [gateway.sources]")
        return source

    def knows(self, keys: Iterable[str]) -> bool:
        """Return whether the first key that is given belongs to a source."""
        return self._find(keys) is not None

    def _find(self, keys: Iterable[str]) -> Source | None:
        return self.sources.find(next((key for key in keys if key), None))

    def report_refusal(self, refusal: Refusal, keys: Iterable[str]) -> None:
        """Count the events of a refused request, and log why; `keys` are its write keys outside the body.

        Many libraries drop what is refused, so its operator has to know: each cause is logged once, then rarely.
        """
        known = self._find(keys)
        source = refusal.source or ("unknown" if known is None else known.name)
        self._count(source, "refused", refusal.events)
        why = refusal.cause or refusal.message
        self._alerts.report(
            f"{source} {refusal.code}", f"events of source {source} are refused with {refusal.status}: {why}"
        )

    def summarize(self) -> dict[str, Any]:
        """Return how many events arrived, since the start and in the last minute, for the status."""
        last = self.activity.last_minute()
        return {
            "events": [
                {"source": source, "acceptance": acceptance, "count": number, "last_minute": last[source, acceptance]}
                for (source, acceptance), number in sorted(self.counts.items())
            ]
        }

    def _count(self, source: str, acceptance: Acceptance, number: int = 1) -> None:
        if not number:
            return
        self.counts[source, acceptance] += number
        self.activity.add((source, acceptance), number)

    def _authenticate(self, request: Collected, body: Any, text: bytes) -> Source:
        source = self.find_source([*request.keys, *_keys_inside(body)])
        if not source.verify_signature(text, request.signature):
            message = "the signature does not match the source's webhook_secret"
            raise Refusal(401, "invalid_signature", message, source=source.name)
        return source

    def _read(self, source: Source, message: Any, now: datetime, client: Client) -> Message:
        """Return an event as it will be stored."""
        payload = complete(message, now, client) if isinstance(message, dict) else {}
        try:
            message_id, key, written = accept(payload or message, self._relay_config.vendor, self._relay_config.plugins)
        except EventError:
            known = payload.get("messageId")
            message_id = known if isinstance(known, str) and known.isprintable() else f"klavier-{uuid.uuid4()}"
            written = write_marked(payload or message)
            return Message(source.name, message_id, REJECTED_KEY, written, is_event=False)
        return Message(source.name, message_id, key, written)

    def _store(self, messages: Sequence[Message]) -> None:
        """Store events, those that are no events too: the worker makes dead letters of them when their turn comes."""
        is_new = self._relay_config.outbox.append(
            [(message.message_id, message.key, message.payload) for message in messages]
        )
        self.watch([(message.message_id, message.source) for message, new in zip(messages, is_new, strict=True) if new])
        if self._archive is not None:
            self._archive.write([message for message in messages if message.is_event])
        self._on_stored()


@contextmanager
def _refusing(source: Source, events: int) -> Iterator[None]:
    """Complete a refusal with whose events it refuses, and how many; an outbox that fails refuses them too."""
    try:
        yield
    except Refusal as refusal:
        refusal.source, refusal.events = source.name, events
        raise
    except Exception as error:  # noqa: BLE001 -- the outbox of a plugin may raise anything
        message = "events cannot be stored now; send them again"
        cause = str(error) if isinstance(error, OutboxError) else f"{type(error).__name__} while they were stored"
        raise Refusal(503, "unavailable", message, _RETRY_SECONDS, cause, source.name, events) from None


def _keys_inside(body: Any) -> Iterable[str]:
    """Return the write keys in a body: of the batch, of its first event, or Freshpaint's token."""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return
    batch = first.get("batch")
    inner = batch[0] if isinstance(batch, list) and batch else None
    for place in (first, inner):
        if isinstance(place, dict):
            properties = place.get("properties")
            token = properties.get("token") if isinstance(properties, dict) and "type" not in place else None
            yield from (key for key in (place.get("writeKey"), token) if isinstance(key, str))
