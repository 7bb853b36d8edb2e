"""Compare a prediction with what was read of an account: the rows of a comparison, and a verdict."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from klavier.comparison.calls import count_calls
from klavier.comparison.diff_events import compare_events
from klavier.comparison.diff_lists import compare_consent, compare_lists
from klavier.comparison.diff_profiles import compare_profiles
from klavier.comparison.pairing import Pairing
from klavier.comparison.report import Case, Comparison, Difference, Note, SideReport
from klavier.comparison.rows import Rows
from klavier.comparison.snapshot import Snapshot, StoredEvent
from klavier.comparison.values import is_same
from klavier.outcome import KINDS
from klavier.verification.account_reader import AccountReader
from klavier.verification.gaps import Gap, find_gaps, gap_at
from klavier.verification.known import (
    ProfileGroup,
    concerned_lists,
    group_profiles,
    make_comparable,
    make_event_comparable,
)
from klavier.verification.match_rate import Fate, FateCount, Verdict, interval_of, rest_of
from klavier.verification.matching import Matching, match_events
from klavier.verification.prediction import PREDICTED, AccountList, Prediction
from klavier.verification.reading import AccountPart, OnProgress, Reading, Span
from klavier.verification.report import Lag, Verification
from klavier.verification.sampling import Sample

if TYPE_CHECKING:
    from klavier.comparison.side import Side
    from klavier.sandbox.account import List

ACTUAL = "Klaviyo"
"""The name of the account's side in reports."""

_OF_PROFILES = frozenset({"identifiers", "attributes", "properties", "lists", "consent"})
"""The parts in which only what was predicted is looked for: others write to profiles, too."""

PredictOthers = Callable[[frozenset[int]], Iterable[StoredEvent]]
"""Predicts the events of people out of the sample that happened at some times, in seconds since 1970."""

_AGAIN = "the same event again"
_UNPREDICTED = "nobody predicted it"
_MERGED_EVENTS = "events of merged profiles that nobody predicted"


def span_of(prediction: Prediction, sample: Sample) -> Span | None:
    """Return the time span that the predicted events of a sample are in; None for a sample without events.

    The time of an event whose sender names none is that of its arrival: such a span has no end.
    """
    events = [held for stored in sample.profiles for held in sample.events.get(id(stored), ())]
    if not events:
        return None
    dated = [held.event.time for held in events if held.event.dated]
    others = [prediction.times.get(held.line, 0) for held in events if not held.event.dated]
    return Span(min(dated + others), None if others else max(dated) + 1)


async def verify(  # noqa: PLR0913 -- what is read, and with what it is compared
    prediction: Prediction,
    sample: Sample,
    lists: Sequence[AccountList],
    reader: AccountReader,
    *,
    predict_others: PredictOthers = lambda _: (),
    on_progress: OnProgress = lambda *_: None,
) -> Verification:
    """Read what the account holds of the sample, and compare it with the prediction.

    `lists` are those of the account; `predict_others` predicts input events that were not, since they are about others.
    Raises as `AccountReader.get` does.
    """
    span = span_of(prediction, sample)
    wanted = _ids_of_lists(prediction, sample, lists)
    part = await Reading(reader, sample, prediction.snapshot.profiles, span, on_progress).read(sorted(wanted))
    return _Checking(prediction, sample, part, span or Span(0, 0), predict_others).finish(reader)


def _ids_of_lists(prediction: Prediction, sample: Sample, lists: Sequence[AccountList]) -> set[str]:
    """Return the account's ids of the lists that the sample is on; one that the vendor made is found by its name."""
    known = {found.id for found in lists}
    by_name = {found.name: found.id for found in lists}
    ids = concerned_lists(sample.profiles)
    names = {prediction.snapshot.list_name(found) for found in ids - known}
    return (ids & known) | {by_name[name] for name in names if name in by_name}


@frozen(eq=False)
class _Events:
    """The events of all people: the matched ones, the unpredicted ones, and the gaps in which predicted ones miss."""

    matching: Matching
    unpredicted: list[StoredEvent]
    gaps: list[Gap]


class _Checking:
    """Compares both sides once everything was read."""

    def __init__(
        self, prediction: Prediction, sample: Sample, part: AccountPart, span: Span, predict_others: PredictOthers
    ) -> None:
        self._predict_others = predict_others
        self._prediction, self._sample, self._part, self._span = prediction, sample, part, span
        self._notes: Counter[str] = Counter(sample.skipped)
        self._groups = [
            make_comparable(
                predicted, [part.profiles[found] for found in ids if found in part.profiles], prediction, self._notes
            )
            for predicted, ids in group_profiles(sample.profiles, part)
        ]
        self._lists = _lists_of_both(prediction.snapshot.lists)

    def finish(self, reader: AccountReader) -> Verification:
        """Return what was found."""
        events = self._match()
        for ours, theirs in events.matching.pairs:
            make_event_comparable(ours, theirs)
        rows = Rows()
        self._compare_profiles(rows)
        self._compare_events(events, rows)
        counted, uncounted = _partition(rows.finish())
        self._note_uncounted(uncounted)
        comparison = Comparison(
            len(self._prediction.titles),
            self._report_predicted(),
            self._report_actual(events, reader),
            counted,
            self._prediction.unread,
        )
        return Verification(
            comparison=comparison,
            verdict=self._judge(events, counted),
            gaps=tuple(events.gaps),
            lag=self._measure_lag(events),
            notes=tuple(Note(text, count, 0) for text, count in self._notes.most_common()),
            undelivered=_undelivered(self._prediction.side),
            out_of_span=self._prediction.out_of_span,
        )

    def _match(self) -> _Events:
        pairs = [(self._predicted_of(group), self._actual_of(group)) for group in self._groups]
        matching = match_events(pairs, self._span)
        missing = {id(held) for held in matching.missing}
        dated = [held for group in self._groups for held in self._predicted_of(group) if held.event.dated]
        gaps = find_gaps((held.event.time, id(held) in missing) for held in dated)
        return _Events(matching, list(self._unpredicted(matching)), gaps)

    def _predicted_of(self, group: ProfileGroup) -> list[StoredEvent]:
        return [held for found in group.predicted for held in self._sample.events.get(id(found), ())]

    def _actual_of(self, group: ProfileGroup) -> list[StoredEvent]:
        return [held for found in group.actual for held in self._part.events.get(found.profile.id, ())]

    def _unpredicted(self, matching: Matching) -> Iterator[StoredEvent]:
        """Yield the events of the predicted metrics and times that nobody predicted, for whichever profile."""
        titles = {held.title for held in self._prediction.snapshot.events}
        found = [held for held in matching.extra if held.title in titles and self._span.contains(held.event.time)]
        elsewhere = {key for held in self._prediction.snapshot.events for key in _keys(held)}
        if found:  # of somebody who became part of a profile of the sample
            others = self._predict_others(frozenset(held.event.time for held in found))
            elsewhere.update(key for held in others for key in _keys(held))
        merged = {held.profile.id for group in self._groups if group.is_merged for held in group.actual}
        for held in found:
            if not elsewhere.isdisjoint(_keys(held)):
                continue
            if held.owner.profile.id in merged:
                self._notes[_MERGED_EVENTS] += 1
            else:
                yield held

    def _compare_profiles(self, rows: Rows) -> None:
        found = [group.match for group in self._groups if group.actual or group.match.left[0].strong]
        left = Snapshot([profile for match in found for profile in match.left], [], self._lists)
        right = Snapshot([profile for match in found for profile in match.right], [], self._lists)
        compare_profiles(found, (), rows)
        both = [match for match in found if match.right]  # of those that are missing one row is enough
        compare_lists(both, left, right, rows)
        compare_consent(both, left, right, rows)

    def _compare_events(self, events: _Events, rows: Rows) -> None:
        matching, titles = events.matching, self._prediction.titles
        compare_events(Pairing(matching.pairs), titles.__getitem__, rows)
        totals = Counter(held.title for group in self._groups for held in self._predicted_of(group))
        for held in matching.missing:
            gap = gap_at(events.gaps, held.event.time) if held.event.dated else None
            case = Case(held.line, held.owner.name, held.title, None)
            detail, where = gap.text if gap else "", titles[held.line]
            rows.add("metrics", "only_left", held.title, case, where=where, detail=detail, of=totals[held.title])
        for ours, _ in matching.doubled:
            case = Case(ours.line, ours.owner.name, ours.title, ours.title)
            where = titles[ours.line]
            rows.add("metrics", "doubled", ours.title, case, where=where, detail=_AGAIN, of=totals[ours.title])
        actual = Counter(held.title for found in self._part.events.values() for held in found)
        for held in events.unpredicted:
            case = Case(None, held.owner.name, None, {"time": held.written_time, **held.event.properties})
            rows.add("metrics", "only_right", held.title, case, detail=_UNPREDICTED, of=actual[held.title])

    def _judge(self, events: _Events, counted: Sequence[Difference]) -> Verdict:
        fates = self._fates(events.matching)
        clusters = [found.cluster for found in fates]
        differing = {case.person for row in counted if row.part in {*_OF_PROFILES, "people"} for case in row.cases}
        return Verdict(
            events=sum(count for _, count in clusters),
            matching=sum(matches for matches, _ in clusters),
            rest=rest_of(fates),
            interval=interval_of(clusters),
            is_sample=not self._sample.is_whole,
            profiles=len(self._sample.profiles),
            profiles_differing=len(differing),
            unpredicted=len(events.unpredicted),
            total_events=self._sample.total_events,
        )

    def _fates(self, matching: Matching) -> list[FateCount]:
        counts: dict[int, FateCount] = defaultdict(FateCount)
        doubled = {id(ours) for ours, _ in matching.doubled}
        for ours, theirs in matching.pairs:
            counts[id(ours.owner)].counts[_fate(ours, theirs, is_doubled=id(ours) in doubled)] += 1
        for held in matching.missing:
            counts[id(held.owner)].counts["missing"] += 1
        return list(counts.values())

    def _measure_lag(self, events: _Events) -> Lag:
        """Measure the time to arrival where events carry it, and how far the newest event lags behind."""
        waits = [
            theirs.event.time - self._prediction.times[ours.line]
            for ours, theirs in events.matching.pairs
            if not ours.event.dated and ours.line in self._prediction.times
        ]
        newest = max(
            (held.event.time for ours in self._groups for held in self._predicted_of(ours) if held.event.dated),
            default=None,
        )
        found = max((theirs.event.time for ours, theirs in events.matching.pairs if ours.event.dated), default=None)
        return Lag.of(waits, newest, found)

    def _note_uncounted(self, rows: Sequence[Difference]) -> None:
        words = {"lists": "list", "consent": "consent", "identifiers": "identifier"}
        for row in rows:
            self._notes[f"{words.get(row.part, 'property')} of profiles that nobody predicted: {row.name}"] += row.count

    def _report_predicted(self) -> SideReport:
        side = self._prediction.side
        events = [held for group in self._groups for held in self._predicted_of(group)]
        return evolve(
            _report(PREDICTED, sum(len(p.predicted) for p in self._groups), events, self._memberships("left")),
            vendor=side.vendor.name,
            outcomes={kind: side.outcomes.kinds[kind] for kind in KINDS},
            notes=side.outcomes.notes,
        )

    def _report_actual(self, events: _Events, reader: AccountReader) -> SideReport:
        matching = events.matching
        there = [theirs for _, theirs in (*matching.pairs, *matching.doubled)] + events.unpredicted
        found = _report(ACTUAL, len(self._part.profiles), there, self._memberships("right"))
        calls = count_calls(reader.calls)
        return evolve(found, calls=calls, minutes=max((row.minutes for row in calls), default=0.0))

    def _memberships(self, side: str) -> Counter[str]:
        profiles = [profile for group in self._groups for profile in getattr(group.match, side)]
        names = Snapshot([], [], self._lists)
        return Counter(names.list_name(found) for stored in profiles for found in stored.profile.lists)


def _fate(ours: StoredEvent, theirs: StoredEvent, *, is_doubled: bool) -> Fate:
    left, right = ours.event, theirs.event
    if ours.title != theirs.title:
        return "metric"
    if is_doubled:
        return "doubled"
    has_time = not left.dated or left.time == right.time
    has_value = is_same(left.value, right.value) or {left.value, right.value} == {None, 0}
    if not (has_time and has_value and left.unique_id == right.unique_id and left.currency == right.currency):
        return "fields"
    return "match" if is_same(left.properties, right.properties) else "properties"


def _keys(held: StoredEvent) -> Iterator[tuple[str, str | int]]:
    if held.event.unique_id is not None:
        yield held.title, held.event.unique_id
    if held.event.dated:
        yield held.title, held.event.time


def _partition(rows: Sequence[Difference]) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Split rows: those that count, and those of what only the account has of a profile."""
    counted: list[Difference] = []
    uncounted: list[Difference] = []
    for row in rows:
        (uncounted if row.part in _OF_PROFILES and row.kind == "only_right" else counted).append(row)
    return tuple(counted), tuple(uncounted)


def _undelivered(side: "Side") -> tuple[Note, ...]:
    """Return why input events were not delivered, the most frequent reason first."""
    found: dict[str, Note] = {}
    for number, outcome in side.outcomes.dropped.items():
        text = f"{outcome.kind}: {outcome.reason}" if outcome.reason else outcome.kind
        known = found.get(text)
        found[text] = Note(text, known.count + 1 if known else 1, known.first if known else number)
    return tuple(sorted(found.values(), key=lambda note: (-note.count, note.text)))


def _lists_of_both(predicted: "dict[str, List]") -> "dict[str, List]":
    """Return the lists by id: those of the account, and those that the vendor made, which are found by their names."""
    found = {list_id: copy(held) for list_id, held in predicted.items()}
    for held in found.values():
        held.has_given_id = True  # only memberships are compared
    return found


def _report(name: str, profiles: int, events: Sequence[StoredEvent], members: Counter[str]) -> SideReport:
    metrics = Counter(held.title for held in events)
    return SideReport(
        name=name,
        vendor="",
        people=profiles,
        events=len(events),
        metrics=dict(sorted(metrics.items(), key=lambda item: (-item[1], item[0]))),
        lists=dict(sorted(members.items())),
        outcomes=dict.fromkeys(KINDS, 0),
        notes=(),
        calls=(),
        minutes=0.0,
    )
