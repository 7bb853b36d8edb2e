"""Outcomes counted by kind and cause, in bounded memory however many there are."""

from typing import Any

from attrs import define, evolve, field

from klavier.cli.wording import COLORS, count, hanging, paint, plain
from klavier.outcome import KINDS, Kind
from klavier.streams.lines import Line
from klavier.streams.result import Result

_MOST_CAUSES = 50
_OTHER = "other reasons"
"""Counts all further causes once a run has met `_MOST_CAUSES` of a kind, so that memory is bounded."""


@define
class Cause:
    """How often one cause occurred, and the line where it occurred first."""

    first: Line
    count: int = 0


@define
class Summary:
    """The outcomes of one run, counted by kind and cause; `requests` and `browser_calls` are counted by the caller."""

    kinds: dict[Kind, int] = field(factory=lambda: dict.fromkeys(KINDS, 0))
    causes: dict[Kind, dict[str, Cause]] = field(factory=lambda: {kind: {} for kind in KINDS})
    notes: dict[str, Cause] = field(factory=dict)
    requests: int = 0
    browser_calls: int = 0
    last: str = ""
    """The place of the last counted line."""
    _source: str = ""
    _has_many_sources: bool = False

    def add(self, result: Result) -> None:
        """Count one result."""
        outcome, line = result.outcome, result.line
        self.kinds[outcome.kind] += 1
        self._has_many_sources = self._has_many_sources or self._source not in ("", line.source)
        self._source = line.source
        self.last = line.place
        if outcome.kind != "delivered" or result.cause:
            _count(self.causes[outcome.kind], result.cause or "no reason given", line)
        for note in outcome.notes:
            _count(self.notes, note, line)

    def as_data(self) -> dict[str, Any]:
        """Return the counts as JSON data, for `from_data`."""
        return {
            "kinds": self.kinds,
            "causes": {kind: _to_rows(causes) for kind, causes in self.causes.items()},
            "notes": _to_rows(self.notes),
            "requests": self.requests,
            "browser_calls": self.browser_calls,
            "last": self.last,
            "source": self._source,
            "has_many_sources": self._has_many_sources,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Summary":
        """Return the summary that `as_data` described; raises for any other data."""
        return cls(
            kinds={kind: int(data["kinds"][kind]) for kind in KINDS},
            causes={kind: _from_rows(data["causes"][kind]) for kind in KINDS},
            notes=_from_rows(data["notes"]),
            requests=int(data["requests"]),
            browser_calls=int(data["browser_calls"]),
            last=str(data["last"]),
            source=str(data["source"]),
            has_many_sources=bool(data["has_many_sources"]),
        )

    @property
    def total(self) -> int:
        """How many lines were counted."""
        return sum(self.kinds.values())

    @property
    def is_all_skipped(self) -> bool:
        """Whether there were events, and the vendor ignores every one of them."""
        return 0 < self.total == self.kinds["skipped"]

    @property
    def exit_code(self) -> int:
        """0 where events were delivered and none was rejected or failed, else 1; 0 where there were no events."""
        return 1 if self.kinds["rejected"] or self.kinds["failed"] or self.is_all_skipped else 0

    def skip_reason(self) -> str:
        """Return why nothing was delivered, in one line."""
        causes = self.causes["skipped"]
        reason = max(causes, key=lambda cause: causes[cause].count)
        return f"nothing was delivered: all {count(self.total, 'event')} skipped, most of them since {plain(reason)}"

    def to_json(self) -> dict[str, Any]:
        """Return the counts and causes as JSON data for other programs."""
        return {
            "events": self.total,
            "requests": self.requests,
            "browser_calls": self.browser_calls,
            "outcomes": self.kinds,
            "causes": {
                kind: [
                    {"reason": cause, "count": seen.count, "first": seen.first.place} for cause, seen in found.items()
                ]
                for kind, found in self.causes.items()
            },
            "notes": [{"note": note, "count": seen.count} for note, seen in self.notes.items()],
        }

    def lines(self) -> list[str]:
        """Return the counts as text, each kind followed by its causes, the most frequent first."""
        shown = [
            paint(count(self.total, "event"), bold=True) + f", {count(self.requests, 'request')}" + self._call_count()
        ]
        for kind in KINDS:
            if self.kinds[kind]:
                shown.append(f"  {paint(f'{kind:<10}', COLORS[kind])}{self.kinds[kind]:>9,}")
                shown += self._cause_lines(self.causes[kind])
        if self.notes:
            shown.append("  with notes")
            shown += self._cause_lines(self.notes)
        return shown

    def _call_count(self) -> str:
        return f", {count(self.browser_calls, 'browser call')}" if self.browser_calls else ""

    def _cause_lines(self, causes: dict[str, Cause]) -> list[str]:
        most_first = sorted(causes.items(), key=lambda item: -item[1].count)
        return [hanging(f"{cause} ({self._place(seen)})", f"    {seen.count:>9,}  ", 15) for cause, seen in most_first]

    def _place(self, cause: Cause) -> str:
        place = cause.first.place if self._has_many_sources else f"{cause.first.unit} {cause.first.number}"
        return f"first: {place}" if cause.count > 1 else place


def _to_rows(causes: dict[str, Cause]) -> list[list[str | int]]:
    return [[cause, seen.count, seen.first.source, seen.first.number] for cause, seen in causes.items()]


def _from_rows(rows: list[list[Any]]) -> dict[str, Cause]:
    return {str(cause): Cause(Line(str(source), int(line), b""), int(count)) for cause, count, source, line in rows}


def _count(causes: dict[str, Cause], cause: str, line: Line) -> None:
    if cause not in causes and len(causes) >= _MOST_CAUSES:
        cause = _OTHER
    if cause not in causes:
        causes[cause] = Cause(evolve(line, text=b""))  # its place is what counts, and it may be large
    causes[cause].count += 1
