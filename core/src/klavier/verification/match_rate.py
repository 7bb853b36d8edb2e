"""The verdict: how many of the predicted events are there as predicted, with a confidence interval.

The interval is Wilson's, for 95 %. Profiles are chosen as wholes, so their events are not independent: the interval is
that of as many independent events as say the same (the design effect of a cluster sample).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from attrs import asdict, field, frozen

Fate = Literal["match", "missing", "metric", "doubled", "fields", "properties"]
"""What became of a predicted event; `metric` is one under another metric, `fields` are time, value and ids."""

FATES: Mapping[Fate, str] = {
    "missing": "missing",
    "metric": "under another metric",
    "doubled": "there more than once",
    "fields": "with another time, value or id",
    "properties": "with other properties",
}
"""Each fate but `match` in words, the gravest first."""

_Z = 1.959964
"""The quantile of the normal distribution for 95 %."""


@frozen
class Interval:
    """A share with the bounds of its confidence interval, each from 0 to 1."""

    share: float
    low: float
    high: float


@frozen
class Verdict:
    """How many predicted events of the sample are there as predicted, and what became of the others.

    `profiles` counts the predicted profiles, `profiles_differing` those that differ in anything but their events;
    `unpredicted` the events of these profiles, metrics and times that nobody predicted.
    """

    events: int
    matching: int
    rest: Mapping[str, int]
    interval: Interval
    is_sample: bool
    profiles: int
    profiles_differing: int
    unpredicted: int
    total_events: int = 0
    """All predicted events, those out of the sample included."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def wilson(matching: float, count: float) -> Interval:
    """Return a share and its Wilson interval.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    if count <= 0:
        return Interval(0.0, 0.0, 1.0)
    share, square = matching / count, _Z * _Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return Interval(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def interval_of(clusters: Sequence[tuple[int, int]]) -> Interval:
    """Return the interval of a share over clusters, each with its number of matches and of events."""
    clusters = [cluster for cluster in clusters if cluster[1]]
    matching, count = (sum(cluster[place] for cluster in clusters) for place in (0, 1))
    if not count:
        return wilson(0, 0)
    effective = count / _design_effect(clusters, matching / count, count)
    found = wilson(matching / count * effective, effective)
    return Interval(matching / count, found.low, found.high)


def _design_effect(clusters: Sequence[tuple[int, int]], share: float, count: int) -> float:
    """Return how many times the variance is that of independent events.

    Source: the variance of a ratio estimator, W. G. Cochran, Sampling Techniques, section 9A.
    """
    number = len(clusters)
    if number <= 1 or share in (0.0, 1.0):
        return 1.0
    squares = sum((matches - share * events) ** 2 for matches, events in clusters)
    variance = number / (number - 1) * squares / count**2
    return max(1.0, variance / (share * (1 - share) / count))


@frozen
class FateCount:
    """The fates of the events of one person."""

    counts: Counter[Fate] = field(factory=Counter)

    @property
    def cluster(self) -> tuple[int, int]:
        """The matching events, and all."""
        return self.counts["match"], self.counts.total()


def rest_of(profiles: Iterable[FateCount]) -> dict[str, int]:
    """Return the fates of the events that do not match, by their words, the gravest first."""
    total: Counter[Fate] = Counter()
    for counts in profiles:
        total.update(counts.counts)
    return {words: total[fate] for fate, words in FATES.items() if total[fate]}
