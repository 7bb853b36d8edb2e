"""Outcomes counted by kind and cause, in bounded memory however many there are."""

from attrs import define, field

from klavier.cli.wording import COLOURS, count, hanging, paint, plain
from klavier.delivery.pipeline import Result
from klavier.outcome import KINDS, Kind

_MOST_CAUSES = 50
_OTHER = "other reasons"


@define
class Cause:
    """How often one cause was met, and the place where it was met first."""

    first: str
    count: int = 0


@define
class Tally:
    """Counts of what became of the events of one run."""

    kinds: dict[Kind, int] = field(factory=lambda: dict.fromkeys(KINDS, 0))
    causes: dict[tuple[Kind, str], Cause] = field(factory=dict)
    notes: dict[str, Cause] = field(factory=dict)
    requests: int = 0
    browser_calls: int = 0

    def add(self, result: Result) -> None:
        """Count one result."""
        outcome, place = result.outcome, result.line.place
        self.kinds[outcome.kind] += 1
        self.requests += len(result.requests)
        self.browser_calls += len(result.browser_calls)
        if outcome.kind != "delivered" or result.cause:
            key = (outcome.kind, plain(result.cause or "no reason given"))
            if key not in self.causes and len(self.causes) >= _MOST_CAUSES:
                key = (outcome.kind, _OTHER)
            self.causes.setdefault(key, Cause(place)).count += 1
        for note in outcome.notes:
            key_of_note = plain(note) if note in self.notes or len(self.notes) < _MOST_CAUSES else "other notes"
            self.notes.setdefault(key_of_note, Cause(place)).count += 1

    @property
    def total(self) -> int:
        """How many lines were counted."""
        return sum(self.kinds.values())

    @property
    def exit_code(self) -> int:
        """0 where everything was delivered or skipped, 1 where something was rejected or failed."""
        return 1 if self.kinds["rejected"] or self.kinds["failed"] else 0

    def lines(self) -> list[str]:
        """Write the counts, each kind followed by its causes, the most frequent first."""
        shown = [paint(count(self.total, "event"), bold=True) + f", {count(self.requests, 'request')}" + self._calls()]
        for kind in KINDS:
            if self.kinds[kind]:
                shown.append(f"  {paint(f'{kind:<10}', COLOURS[kind])}{self.kinds[kind]:>9,}")
                shown += _told([(cause, seen) for (of, cause), seen in self.causes.items() if of == kind])
        if self.notes:
            shown.append("  with notes")
            shown += _told(list(self.notes.items()))
        return shown

    def _calls(self) -> str:
        return f", {count(self.browser_calls, 'browser call')}" if self.browser_calls else ""


def _told(causes: list[tuple[str, Cause]]) -> list[str]:
    most_first = sorted(causes, key=lambda item: -item[1].count)
    return [
        hanging(f"{cause} ({'first: ' if seen.count > 1 else ''}{plain(seen.first)})", f"    {seen.count:>9,}  ", 15)
        for cause, seen in most_first
    ]
