"""What a comparison found, as data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, get_args

from attrs import asdict, field, fields, frozen

from klavier.errors import UsageError
from klavier.strictjson import kind_of

Part = Literal[
    "consent",
    "event_fields",
    "outcomes",
    "metrics",
    "people",
    "lists",
    "identifiers",
    "attributes",
    "properties",
    "event_properties",
]
"""What a difference is about, in the order in which reports show it: consent and revenue first.

`attributes` and `properties` are those of people, standard and custom; `event_fields` are an event's time, value,
currency, unique id and backfill mark; `outcomes` are events that only one side delivers.
"""

PARTS: tuple[Part, ...] = get_args(Part)

DifferenceKind = Literal["only_left", "only_right", "renamed", "changed", "merged", "doubled"]
"""How the sides differ: `merged` people are several on the left and fewer on the right, `doubled` the reverse."""

KINDS: tuple[DifferenceKind, ...] = get_args(DifferenceKind)


@frozen
class Case:
    """One instance of a difference: the number of its input event or line, its profile, and both values."""

    line: int | None
    person: str = field(repr=False)
    left: Any = field(default=None, repr=False)
    right: Any = field(default=None, repr=False)


@frozen
class Difference:
    """All differences of one kind.

    `name` is what differs: a property, a metric, a list, a channel; `other` what it is called on the right where it is
    renamed. `where` narrows it down: the metric of an event property, the input event of a metric. `detail` is how
    values differ, or why one side drops an event. `count` is how often it was met, `of` out of how many.
    """

    part: Part
    kind: DifferenceKind
    name: str
    other: str = ""
    where: str = ""
    detail: str = ""
    count: int = 0
    of: int = 0
    cases: tuple[Case, ...] = field(default=(), repr=False)


@frozen
class Calls:
    """The calls of one endpoint, and the least minutes that they take under its rate limits."""

    operation: str
    method: str
    path: str
    count: int
    minutes: float


@frozen
class Note:
    """A text with how many events or lines it is about, and the number of the first."""

    text: str
    count: int
    first: int


@frozen
class Amount:
    """The sum of the values of a metric's events in one currency, None for the account's own."""

    metric: str
    currency: str | None
    total: float


@frozen
class SideReport:
    """The data in Klaviyo after one side, and the calls that it took.

    `minutes` are the least that the calls take under Klaviyo's rate limits, which each endpoint has for itself.
    """

    name: str
    vendor: str
    people: int
    events: int
    metrics: Mapping[str, int]
    """Events of each metric."""
    lists: Mapping[str, int]
    """Members of each list."""
    outcomes: Mapping[str, int]
    notes: tuple[Note, ...]
    calls: tuple[Calls, ...]
    minutes: float
    browser_calls: int = 0
    amounts: tuple[Amount, ...] = ()
    """What revenue reports add up, by metric and currency, the largest first."""


class Mergeable(Protocol):
    """What the comparison of one shard keeps for `Comparison.merge`."""

    def merge(self, parts: "Sequence[Comparison]") -> "Comparison":
        """Return the comparison of all shards, each of which has such an object."""
        ...

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        ...


@frozen
class Comparison:
    """The differences between the data in Klaviyo after the left side and after the right side.

    `events` counts the input events. `differences` are all rows by part, the most frequent of each part first.
    Notes, calls and minutes belong to each side; they are no differences of the data.
    """

    events: int
    left: SideReport
    right: SideReport
    differences: tuple[Difference, ...]
    unread: tuple[Note, ...] = ()
    """Why lines were no events, and so are compared nowhere."""
    shard: Mergeable | None = field(default=None, repr=False, eq=False)
    """What `merge` needs, where this is the comparison of one shard."""

    @staticmethod
    def merge(parts: "Iterable[Comparison]") -> "Comparison":
        """Return the comparison of all events from those of their shards, each made with `shard=(i, n)`, in any order.

        It is the comparison that `klavier.compare` returns for the same events without shards, except that vendors with
        batches may make more calls. Raises `UsageError` where a shard is missing, is there twice or belongs to another
        comparison.
        """
        found = list(parts)
        for part in found:
            if not isinstance(part, Comparison) or part.shard is None:
                kind = "a comparison of all events" if isinstance(part, Comparison) else kind_of(part)
                raise UsageError(
                    f"merge: {kind} is no comparison of a shard; pass those of klavier.compare(shard=(i, n))"
                )
        if not found or found[0].shard is None:
            raise UsageError("merge: there is no comparison; pass those of klavier.compare(shard=(i, n))")
        return found[0].shard.merge(found)

    @property
    def differs(self) -> bool:
        """Whether the data differs, or one side drops an event that the other delivers."""
        return bool(self.differences)

    def part(self, part: Part) -> tuple[Difference, ...]:
        """Return the differences of one part."""
        return tuple(row for row in self.differences if row.part == part)

    @property
    def people(self) -> tuple[Difference, ...]:
        """People that one side has and the other has not, or that are merged or doubled."""
        return self.part("people")

    @property
    def identifiers(self) -> tuple[Difference, ...]:
        """E-mail addresses, phone numbers, ids and devices of people."""
        return self.part("identifiers")

    @property
    def attributes(self) -> tuple[Difference, ...]:
        """Standard attributes of people, the location among them."""
        return self.part("attributes")

    @property
    def properties(self) -> tuple[Difference, ...]:
        """Custom properties of people."""
        return self.part("properties")

    @property
    def metrics(self) -> tuple[Difference, ...]:
        """Klaviyo events that are missing, or stand under another metric."""
        return self.part("metrics")

    @property
    def event_properties(self) -> tuple[Difference, ...]:
        """Properties of events."""
        return self.part("event_properties")

    @property
    def event_fields(self) -> tuple[Difference, ...]:
        """Times, values, currencies, unique ids and backfill marks of events."""
        return self.part("event_fields")

    @property
    def lists(self) -> tuple[Difference, ...]:
        """Lists and who is on them."""
        return self.part("lists")

    @property
    def consent(self) -> tuple[Difference, ...]:
        """Consent, suppressions and push tokens."""
        return self.part("consent")

    @property
    def outcomes(self) -> tuple[Difference, ...]:
        """Events that one side delivers and the other does not, and why."""
        return self.part("outcomes")

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data, each case included; it contains personal data.

        The comparison of one shard has a member `shard` too: `klavier.read_comparison` returns what `merge` takes.
        """
        own = {} if self.shard is None else {"shard": self.shard.as_json()}
        return {
            "differs": self.differs,
            "events": self.events,
            "left": asdict(self.left),
            "right": asdict(self.right),
            "differences": [
                _shallow(row) | {"cases": [_shallow(case) for case in row.cases]} for row in self.differences
            ],
            "unread": [asdict(note) for note in self.unread],
            **own,
        }


def _shallow(value: Case | Difference) -> dict[str, Any]:
    """Return the fields, and no copies of what is in them: cases are many."""
    return {field.name: getattr(value, field.name) for field in fields(type(value))}


def by_part(differences: tuple[Difference, ...]) -> Iterator[tuple[Part, tuple[Difference, ...]]]:
    """Return the rows of each part that has some."""
    for part in PARTS:
        rows = tuple(row for row in differences if row.part == part)
        if rows:
            yield part, rows
