"""The seam: what a vendor is, and what it gives back for events.

A vendor is a pure function from events to deliveries. A delivery's flow is a generator that yields requests, is
sent replies, and returns outcomes; it does no I/O, so the same flow runs under the synchronous driver, the
asynchronous one, a rehearsal, a property test and the sandbox.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from attrs import define, field, frozen

from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier.retry import RetryPolicy

if TYPE_CHECKING:
    from klavier.migration.portable import Portable

Wire = Literal["current", "native"]
"""Which of Klaviyo's APIs is used: the newest revision, or the endpoints and revision the vendor itself uses."""

FidelityName = Literal["documented", "deployed"]
"""What is followed: the vendor's documents, or what its implementation was observed to do."""

ConnectionMode = Literal["cloud", "device"]
"""Where the vendor would act: on its servers, or in the browser."""

Flow = Generator[Request, Response, Outcome | Sequence[Outcome]]
"""Yields requests, is sent replies, returns one outcome for all its events or one for each of them, in order."""

BrowserCall = list[Any]
"""One call of Klaviyo's browser object: its name, then its arguments, such as `["track", "Signed Up", {}]`."""

T = TypeVar("T")


@frozen
class FidelityTable(Generic[T]):
    """The two columns of a vendor's table of differences: one instance of the vendor's `Fidelity` class each.

    `table["deployed"]` returns the column of a fidelity.
    """

    documented: T
    deployed: T

    def __getitem__(self, name: FidelityName) -> T:
        """Return the column of a fidelity."""
        return self.deployed if name == "deployed" else self.documented


class RejectEvent(Exception):  # noqa: N818 -- no error: the vendor turns it into the event's `rejected` outcome
    """Raised while an event is translated: the vendor refuses it. The message is the reason of the outcome."""


class SkipEvent(Exception):  # noqa: N818 -- no error: the vendor turns it into the event's `skipped` outcome
    """Raised while an event is translated: the vendor ignores it. The message is the reason of the outcome."""


@define(eq=False)  # nobody changes it; frozen it would take twice as long to make, and there is one for every event
class Delivery:
    """Some events, the ordering key of each, and the flow that delivers them.

    `flow` starts the flow anew at each call. `browser_calls` is what the vendor's browser code would have called
    (device mode only). `exact` marks requests that must be sent exactly, even where Klaviyo's published limits
    say that it will refuse them (deployed fidelity on the native wire). `bulkable` promises that the flow reads of a
    reply only whether it is a success, its errors, and with `needs_profile_ids` the id of a profile that it upserted,
    so that its requests may be sent in bulk with others, one step of the flow after the other; `single_request`
    promises that it makes at most one request, so that the profile's next event may be in the same bulk request.
    `follows_jobs` asks for the end of import jobs that the flow makes: the reply to one is a success whose `errors`
    are those of the profiles that the job could not import, each with a pointer as a refusal of the request has. Such a
    job is sent by itself, also where the delivery is `bulkable`.
    """

    events: tuple[Event, ...]
    keys: tuple[str, ...] = field(repr=False)  # a key may be an e-mail address
    flow: Callable[[], Flow] = field(repr=False)
    browser_calls: tuple[BrowserCall, ...] = field(default=(), repr=False)
    exact: bool = False
    bulkable: bool = False
    single_request: bool = False
    needs_profile_ids: bool = False
    follows_jobs: bool = False


class Vendor(ABC):
    """One vendor's behavior bound to its settings. Subclasses do no I/O and keep no state between calls."""

    name: str
    settings: Any
    batch_size: int = 1
    """How many events the vendor's own servers would hand over together."""
    bulk_size: int = 1
    """How many events to hand over together where the fewest calls are wanted: above 1 for a vendor with bulk calls of
    its own; the others' requests are combined after translation."""
    constants: frozenset[str | float] = frozenset()
    """Values that the vendor adds by itself, such as the event name `Placed Order`; tests expect no others."""

    @abstractmethod
    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        """Return the deliveries of these events, in order; each event belongs to exactly one of them."""

    def key(self, event: Event) -> str:
        """Return the ordering key of an event: requests about one key follow the order of their events."""
        return ordering_key(event)

    def excludes(self, event: Event) -> frozenset[str]:  # noqa: ARG002 -- most vendors exclude the same of all events
        """Return the traits and properties that the vendor's documents say are not sent for this event.

        Each is a place such as `properties.currency`; `traits.*` stands for all traits. Names that are sent under
        another name, or that a note of the outcome names, need not be listed.
        """
        return frozenset()


_KLAVIERS_OWN = RetryPolicy()


@frozen
class VendorSpec:
    """What a plugin registers: a vendor's one spelling, its settings and how to build it from them.

    `settings` is a frozen attrs class whose fields are made with `klavier.setting`; `build` takes an instance of it
    and raises `ConfigError` where settings do not go together. `retry` says when a failed event is tried again;
    without it klavier's own policy applies. `portable`, called by migrations, returns what reads the settings into the
    vocabulary of migrations and writes them from it, such as a `klavier.migration.Table`; without it
    `klavier migrate` carries over the keys alone.
    """

    name: str
    summary: str
    settings: type[Any]
    build: Callable[[Any], Vendor]
    retry: RetryPolicy = _KLAVIERS_OWN
    portable: "Callable[[], Portable] | None" = field(default=None, repr=False)


def ordering_key(event: Event) -> str:
    """Name the person of an event: by user id, else e-mail trait, else anonymous id, else nobody."""
    if event.user_id not in (None, ""):
        return f"user:{event.user_id}"
    traits = getattr(event, "traits", None) or event.context.get("traits")
    email = traits.get("email") if isinstance(traits, dict) else None
    if isinstance(email, str) and email:
        return f"email:{email.strip().lower()}"
    return "nobody" if event.anonymous_id in (None, "") else f"anonymous:{event.anonymous_id}"
