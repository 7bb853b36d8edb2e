"""What events should have left in a Klaviyo account: the content of a sandbox after one vendor delivered them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from klavier.comparison.compare import title_of
from klavier.comparison.report import Note
from klavier.comparison.side import Side
from klavier.comparison.snapshot import Snapshot, StoredEvent, StoredProfile, read_snapshot
from klavier.sandbox.times import read_time

if TYPE_CHECKING:
    from klavier.events.model import Event
    from klavier.plugins import Plugins
    from klavier.sandbox.account import OptIn
    from klavier.vendor import Vendor

PREDICTED = "predicted"
"""The name of the side in reports."""

_PHONE_STARTS = frozenset("+(0123456789")

_TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
"""Members of a payload that name its time, the best first."""


@frozen
class AccountList:
    """A list of the account; its opt-in process decides whether a subscription holds at once."""

    id: str
    name: str
    opt_in: "OptIn"


@frozen(eq=False)
class Prediction:
    """The predicted content of the account; events refer to the numbers of their input events."""

    side: Side
    snapshot: Snapshot
    titles: dict[int, str]
    """The titles of the input events, by number."""
    times: dict[int, int]
    """When the input events happened, in seconds since 1970, by number."""
    texts: frozenset[int]
    """Hashes of the texts in the input events that may identify somebody."""
    out_of_span: int
    """How many input events were left out because of their time."""
    selected_from: int | None
    """How many tracks, pages and screens there are, where some people were selected before; None where all were."""
    unread: tuple[Note, ...]

    def knows(self, identifier: str) -> bool:
        """Return whether an identifier stands in any of the input events."""
        return _hash(identifier) in self.texts

    def events_by_person(self) -> dict[int, list[StoredEvent]]:
        """Return the events of each profile, by the identity of its `StoredProfile`."""
        found: dict[int, list[StoredEvent]] = {}
        for held in self.snapshot.events:
            found.setdefault(id(held.owner), []).append(held)
        return found


class Predicting:
    """A prediction in progress: add numbered events in order, then `finish` returns the result."""

    def __init__(  # noqa: PLR0913 -- the vendor, and how the account is set up
        self,
        vendor: "Vendor",
        plugins: "Plugins | None",
        lists: Sequence[AccountList],
        *,
        now: float,
        opt_in: "OptIn" = "double_opt_in",
        span: tuple[float | None, float | None] = (None, None),
    ) -> None:
        """Prepare to deliver into an account with these lists.

        `opt_in` is the process of subscriptions without a list. Events before or after `span`, in seconds since 1970,
        are left out; the end is excluded.
        """
        self._side = Side(PREDICTED, vendor, plugins, now, opt_in)
        for known in lists:
            self._side.sandbox.add_list(known.name, known.id, known.opt_in)
        self._span = span
        self._titles: dict[int, str] = {}
        self._times: dict[int, int] = {}
        self._texts: set[int] = set()
        self._unread: dict[str, Note] = {}
        self._out_of_span = 0

    @property
    def events(self) -> int:
        """How many events were taken so far, those out of the span included."""
        return len(self._titles) + self._out_of_span

    @property
    def unread(self) -> tuple[Note, ...]:
        """Why lines were no events, the most frequent reason first."""
        return tuple(sorted(self._unread.values(), key=lambda note: (-note.count, note.first, note.text)))

    def add(self, number: int, event: "Event") -> None:
        """Add an event under its number."""
        time = time_of(event)
        if not is_within(time, self._span):
            self._out_of_span += 1
            return
        if time is not None:
            self._times[number] = time
        self._titles[number] = title_of(event)
        self._texts.update(map(_hash, _texts_of(event)))
        self._side.add(number, event)

    def add_unread(self, number: int, reason: str) -> None:
        """Count a line that is no event."""
        seen = self._unread.get(reason)
        self._unread[reason] = Note(reason, seen.count + 1 if seen else 1, seen.first if seen else number)

    def finish(self, selected_from: int | None = None) -> Prediction:
        """Deliver the events that wait, and return the prediction; `selected_from` is as in `Prediction`."""
        self._side.flush()
        snapshot = read_snapshot(self._side)
        texts = frozenset(self._texts)
        return Prediction(
            self._side,
            snapshot,
            self._titles,
            self._times,
            texts,
            self._out_of_span,
            selected_from,
            self.unread,
        )


def is_within(time: float | None, span: tuple[float | None, float | None]) -> bool:
    """Return whether an input event is to be predicted; one without a time always is."""
    since, until = span
    return time is None or not ((since is not None and time < since) or (until is not None and time >= until))


def time_of(event: "Event") -> int | None:
    """Return when an input event happened, in whole seconds since 1970; None where no member says so."""
    found = (event.payload.get(name) for name in _TIMES)
    return next((time for text in found if isinstance(text, str) and (time := read_time(text)) is not None), None)


def is_findable(stored: StoredProfile, events: Sequence[StoredEvent]) -> bool:
    """Return whether Klaviyo's API can find a profile: by an identifier, or by an event with a time."""
    return bool(stored.strong) or any(held.event.dated for held in events)


def _texts_of(event: "Event") -> Iterator[str]:
    traits = getattr(event, "traits", None)
    for members in (traits, event.context.get("traits"), getattr(event, "properties", None), event.payload):
        if isinstance(members, dict):
            for value in members.values():
                if isinstance(value, str):
                    yield value
                elif isinstance(value, (int, float)) and not isinstance(value, bool):
                    yield str(value)


def _hash(text: str) -> int:
    """Return the same number for an identifier however it is written: in capital letters, or a phone number."""
    if text[:1] in _PHONE_STARTS and not text.isalnum():
        text = "".join(filter(str.isalnum, text))
    return hash(text.strip().casefold())
