"""What a verification found, as data."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from attrs import asdict, field, frozen

from klavier.comparison.report import Comparison, Note
from klavier.verification.gaps import Gap
from klavier.verification.match_rate import Verdict

FORMAT = 1
"""The version of the JSON form."""


@frozen
class Lag:
    """How late events are in Klaviyo, in seconds; None for what cannot be known.

    `usual` and `longest` are the times from an event to its arrival, known where the sender named no time. `behind` is
    how far the newest event that is there lags behind the newest predicted one.
    """

    usual: int | None = None
    longest: int | None = None
    behind: int | None = None

    @classmethod
    def of(cls, waits: Sequence[int], newest: int | None, found: int | None) -> "Lag":
        """Return the lag for the `waits` of events, in seconds, and the Unix times of two of them.

        `newest` is the time of the newest predicted event, `found` that of the newest one in Klaviyo.
        """
        behind = None if newest is None or found is None else max(0, newest - found)
        return cls(int(median(waits)) if waits else None, max(waits, default=None), behind)


@frozen
class Verification:
    """The result: a comparison of the prediction with the account, and a verdict.

    `notes` are known differences, which are not counted; `undelivered` are the reasons why the vendor did not deliver
    some input events.
    `out_of_span` is how many input events were left out because of their time.
    """

    comparison: Comparison
    verdict: Verdict
    gaps: tuple[Gap, ...]
    lag: Lag
    notes: tuple[Note, ...] = field(repr=False)
    undelivered: tuple[Note, ...] = field(repr=False)
    out_of_span: int = 0

    @property
    def differs(self) -> bool:
        """Whether anything was found that is not as predicted."""
        return self.comparison.differs

    def as_json(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return it as plain data; `facts` say how it was made, such as the vendor and the time."""
        return {
            "verification": {
                "format": FORMAT,
                **facts,
                "verdict": self.verdict.as_json(),
                "gaps": [asdict(gap) | {"text": gap.text} for gap in self.gaps],
                "lag": asdict(self.lag),
                "not_counted": [{"text": note.text, "count": note.count} for note in self.notes],
                "undelivered": [asdict(note) for note in self.undelivered],
                "out_of_span": self.out_of_span,
            },
            **self.comparison.as_json(),
        }
