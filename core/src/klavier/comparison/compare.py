"""Run the same events through two vendors and compare the resulting data in Klaviyo."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from klavier.comparison.calls import count_calls
from klavier.comparison.diff_events import compare_events
from klavier.comparison.diff_lists import compare_consent, compare_lists
from klavier.comparison.diff_profiles import compare_profiles
from klavier.comparison.identifiers import Components
from klavier.comparison.matching import match_profiles
from klavier.comparison.merge import add_amounts
from klavier.comparison.pairing import pair_events
from klavier.comparison.report import Case, Comparison, DifferenceKind, Note, SideReport
from klavier.comparison.rows import Rows
from klavier.comparison.shard import Shard
from klavier.comparison.side import Side
from klavier.comparison.snapshot import Snapshot, read_snapshot
from klavier.errors import UsageError
from klavier.events.model import Event
from klavier.outcome import KINDS
from klavier.strictjson import kind_of
from klavier.vendor import Vendor

if TYPE_CHECKING:
    from klavier.plugins import Plugins

OptIn = Literal["single_opt_in", "double_opt_in"]


def compare(  # noqa: PLR0913 -- two sides, and how they are set up
    events: Iterable[Event],
    left: Vendor,
    right: Vendor,
    *,
    names: tuple[str, str] | None = None,
    plugins: "Plugins | None" = None,
    opt_in: OptIn = "double_opt_in",
    most_cases: int | None = None,
    shard: tuple[int, int] | None = None,
    joined_by: Sequence[str] = (),
) -> Comparison:
    """Deliver the same events by two vendors, each into a sandbox of its own, and compare the sandboxes.

    The vendors may be one vendor with two settings, wires or fidelities. Nothing is sent over the network, and keys are
    not used.
    Each vendor receives the events in the batches of its own servers.

    - `names`: what to call the sides; by default the vendors' names.
    - `plugins`: plugins whose transformations run before each vendor translates; none by default.
    - `opt_in`: whether people confirm before they are on a list, as the account of the sandbox is set up.
    - `most_cases`: how many cases each difference keeps, the first ones; all by default.
    - `shard`: compare only the events of shard `i` of `n`, `(i, n)` with `i` from 0, in memory for as many;
      `Comparison.merge` makes one comparison of all shards. A first pass over `events` puts those that may concern one
      profile into one shard, so they must be iterable twice.
    - `joined_by`: where else in a payload an identifier of profiles is, besides the usual places, such as
      `properties.customer.number`; for shards.

    Events are numbered from 1 in cases. Raises `UsageError` for what is no vendor or no event.
    """
    for place, vendor in (("left", left), ("right", right)):
        if not isinstance(vendor, Vendor):
            raise UsageError(f"{place}: must be a vendor as klavier.load_vendor returns it, not {kind_of(vendor)}")
    if not isinstance(events, Iterable):
        raise UsageError(f"events: must be a list of events, not {kind_of(events)}")
    comparing = Comparing(left, right, names=names, plugins=plugins, opt_in=opt_in)
    if shard is None:
        for number, event in enumerate(events, 1):
            comparing.add(number, event)
        return comparing.finish(most_cases)
    wanted, shards = check_shard(shard)
    components = _components(events, joined_by)
    for number, event in enumerate(events, 1):
        if components.shard(number - 1, shards) == wanted:
            comparing.add(number, event)
    return comparing.finish(most_cases, shard=(wanted, shards))


def check_shard(shard: object) -> tuple[int, int]:
    """Return the number of a shard and of how many it is; raises `UsageError` for other values."""
    parts = list(shard) if isinstance(shard, tuple | list) else []
    if [type(part) for part in parts] == [int, int] and 0 <= parts[0] < parts[1]:
        return parts[0], parts[1]
    raise UsageError("shard: must be two integers (i, n) with i from 0 to n - 1, such as (0, 8)")


def _components(events: Iterable[Event], joined_by: Sequence[str]) -> Components:
    """Put events that may concern one profile together."""
    if iter(events) is events:
        raise UsageError(
            "events: shards need them twice; pass a list, or an object whose iteration begins anew each time"
        )
    components = Components(joined_by)
    for event in events:
        components.add(event)
    return components


class Comparing:
    """A comparison in progress: add numbered events in order, then `finish` returns the result."""

    def __init__(
        self,
        left: Vendor,
        right: Vendor,
        *,
        names: tuple[str, str] | None = None,
        plugins: "Plugins | None" = None,
        opt_in: OptIn = "double_opt_in",
    ) -> None:
        names = names or (left.name, right.name)
        now = time.time()
        self.left = Side(names[0], left, plugins, now, opt_in)
        self.right = Side(names[1], right, plugins, now, opt_in)
        self._titles: dict[int, str] = {}
        self._known: dict[str, str] = {}
        self._unread: dict[str, Note] = {}

    @property
    def events(self) -> int:
        """How many events were taken so far."""
        return len(self._titles)

    @property
    def unread(self) -> tuple[Note, ...]:
        """Why lines were no events, the most frequent reason first."""
        return tuple(sorted(self._unread.values(), key=lambda note: (-note.count, note.first, note.text)))

    def add(self, number: int, event: Event) -> None:
        """Add an event under its number; raises `UsageError` for what is no event."""
        if not isinstance(event, Event):
            raise UsageError(
                f"events: number {number} is {kind_of(event)}, not an event; klavier.parse_event makes one"
            )
        title = title_of(event)
        self._titles[number] = self._known.setdefault(title, title)
        self.left.add(number, event)
        self.right.add(number, event)

    def add_unread(self, number: int, reason: str) -> None:
        """Count a line that is no event."""
        seen = self._unread.get(reason)
        self._unread[reason] = Note(reason, seen.count + 1 if seen else 1, seen.first if seen else number)

    def finish(self, most_cases: int | None = None, *, shard: tuple[int, int] | None = None) -> Comparison:
        """Deliver the events that wait, and return the comparison; with `shard`, what is needed to merge it too."""
        self.left.flush()
        self.right.flush()
        left, right = read_snapshot(self.left), read_snapshot(self.right)
        rows = Rows(most_cases)
        matches = match_profiles(left.profiles, right.profiles)
        pairing = pair_events(left.events, right.events)
        compare_profiles(matches, pairing.pairs, rows)
        compare_events(pairing, self._titles.__getitem__, rows)
        compare_lists(matches, left, right, rows)
        compare_consent(matches, left, right, rows)
        self._compare_outcomes(rows)
        return Comparison(
            len(self._titles),
            _report(self.left, left),
            _report(self.right, right),
            rows.finish(),
            self.unread,
            None if shard is None else Shard(*shard, rows),
        )

    def _compare_outcomes(self, rows: Rows) -> None:
        """Add a row for the events that one side delivers and the other does not."""
        ours, theirs = self.left.outcomes.dropped, self.right.outcomes.dropped
        for title, count in Counter(self._titles.values()).items():
            rows.total(f"input {title}", count)
        for number in sorted(ours.keys() ^ theirs.keys()):
            outcome, title = ours.get(number) or theirs[number], self._titles[number]
            detail = f"{outcome.kind}: {outcome.reason}" if outcome.reason else outcome.kind
            values = (outcome.kind, "delivered") if number in ours else ("delivered", outcome.kind)
            kind: DifferenceKind = "only_right" if number in ours else "only_left"
            rows.add("outcomes", kind, title, Case(number, "", *values), detail=detail, of=(f"input {title}",))


def title_of(event: Event) -> str:
    """Name an event by type and name, such as `track Order Completed`."""
    name: Any = getattr(event, "event", None) or getattr(event, "name", None)
    return f"{event.type} {name}" if isinstance(name, str) and name.strip() else event.type


def _report(side: Side, snapshot: Snapshot) -> SideReport:
    metrics = Counter(held.title for held in snapshot.events)
    members: Counter[str] = Counter({found.name: 0 for found in snapshot.lists.values()})
    members.update(snapshot.list_name(each) for stored in snapshot.profiles for each in stored.profile.lists)
    calls = count_calls(side.calls)
    return SideReport(
        name=side.name,
        vendor=side.vendor.name,
        people=len(snapshot.profiles),
        events=len(snapshot.events),
        metrics=dict(sorted(metrics.items(), key=lambda item: (-item[1], item[0]))),
        lists=dict(sorted(members.items())),
        outcomes={kind: side.outcomes.kinds[kind] for kind in KINDS},
        notes=side.outcomes.notes,
        calls=calls,
        minutes=max((row.minutes for row in calls), default=0.0),
        browser_calls=side.browser_calls,
        amounts=add_amounts((held.title, held.event.currency, held.event.value) for held in snapshot.events),
    )
