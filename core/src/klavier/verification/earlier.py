"""Compare a verification with an earlier one: whether the account still receives what it received then.

Where the platform delivered at the time of the first one, and klavier at that of the second, this proves that klavier
does what the platform did.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import orjson
from attrs import frozen

from klavier.comparison.report import Comparison
from klavier.errors import UsageError
from klavier.verification.match_rate import Interval, wilson
from klavier.verification.report import FORMAT, Verification

_Key = tuple[str, str, str, str, str, str]

Change = Literal["new", "more", "fewer", "gone", "same"]


@frozen
class RowChange:
    """A kind of difference in both runs: how often it was met, out of how many.

    `is_certain` is whether the shares differ by more than chance explains: their intervals have nothing in common.
    """

    change: Change
    part: str
    kind: str
    name: str
    other: str
    where: str
    before: tuple[int, int]
    after: tuple[int, int]
    is_certain: bool


@frozen
class Earlier:
    """An earlier run beside this one."""

    checked_at: str
    vendor: str
    before: Interval
    after: Interval
    events_before: int
    changes: tuple[RowChange, ...]

    @property
    def is_worse(self) -> bool:
        """Whether something differs more often than in the earlier run, by more than chance explains."""
        is_less = self.after.high < self.before.low
        return is_less or any(row.is_certain and row.change in ("new", "more") for row in self.changes)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "checked_at": self.checked_at,
            "vendor": self.vendor,
            "events": self.events_before,
            "before": _written(self.before),
            "after": _written(self.after),
            "is_worse": self.is_worse,
            "changes": [
                {
                    "change": row.change,
                    "part": row.part,
                    "kind": row.kind,
                    "name": row.name,
                    "other": row.other,
                    "where": row.where,
                    "before": list(row.before),
                    "after": list(row.after),
                    "is_certain": row.is_certain,
                }
                for row in self.changes
            ],
        }


def read_earlier(text: bytes, name: str) -> Mapping[str, Any]:
    """Read the JSON of an earlier run; raises `UsageError` for what is none."""
    remedy = "pass what `klavier verify --format json` wrote"
    try:
        found = orjson.loads(text)
        version = found["verification"]["format"]
        _interval(found["verification"]["verdict"]["interval"])
        _counts(found["differences"])
        dict(found["left"]["metrics"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise UsageError(f"{name}: is no result of klavier verify; {remedy}") from None
    if version != FORMAT:
        raise UsageError(f"{name}: was written by another version of klavier; {remedy}, of this version")
    return dict(found)


def compare_runs(earlier: Mapping[str, Any], now: Verification) -> Earlier:
    """Compare an earlier run, as `read_earlier` returns it, with this one."""
    facts = earlier["verification"]
    verdict = facts["verdict"]
    before, after = _counts(earlier["differences"]), _counts(_rows(now.comparison))
    wholes = (
        _Wholes(earlier["left"]["metrics"], int(verdict["profiles"])),
        _Wholes(now.comparison.left.metrics, now.verdict.profiles),
    )
    changes = [
        _change(key, before.get(key) or (0, wholes[0].of(key)), after.get(key) or (0, wholes[1].of(key)))
        for key in dict.fromkeys([*after, *before])
    ]
    return Earlier(
        checked_at=str(facts.get("checked_at", "")),
        vendor=str(facts.get("vendor", "")),
        before=_interval(verdict["interval"]),
        after=now.verdict.interval,
        events_before=int(verdict["events"]),
        changes=tuple(changes),
    )


@frozen
class _Wholes:
    """How many events of each metric, and how many profiles a run looked at."""

    metrics: Mapping[str, int]
    profiles: int

    def of(self, key: _Key) -> int:
        """Return out of how many a row would have been met that was not."""
        part, _, name, _, where, _ = key
        if part == "metrics":
            return self.metrics.get(name, 0)
        return self.metrics.get(where.partition(" → ")[0], 0) if part.startswith("event_") else self.profiles


def _rows(found: Comparison) -> list[dict[str, Any]]:
    names = ("part", "kind", "name", "other", "where", "detail", "count", "of")
    return [{name: getattr(row, name) for name in names} for row in found.differences]


def _counts(rows: Iterable[Mapping[str, Any]]) -> dict[_Key, tuple[int, int]]:
    """Return how often each row was met; missing events are one row of their metric, whenever they are missing."""
    found: dict[_Key, tuple[int, int]] = {}
    for row in rows:
        is_missing = row["part"] == "metrics" and row["kind"] == "only_left"
        detail = "" if is_missing else row["detail"]
        key = (row["part"], row["kind"], row["name"], row["other"], row["where"], detail)
        count, of = found.get(key, (0, 0))
        found[key] = (count + int(row["count"]), max(of, int(row["of"])))
    return found


def _change(key: _Key, before: tuple[int, int], after: tuple[int, int]) -> RowChange:
    one, other = wilson(*before), wilson(*after)
    is_certain = one.high < other.low or other.high < one.low
    change: Change
    if not before[0] or not after[0]:
        change = "new" if after[0] else "gone"
    elif not is_certain:
        change = "same"
    else:
        change = "more" if other.share > one.share else "fewer"
    part, kind, name, second, where, _ = key
    return RowChange(change, part, kind, name, second, where, before, after, is_certain)


def _interval(found: Mapping[str, Any]) -> Interval:
    return Interval(float(found["share"]), float(found["low"]), float(found["high"]))


def _written(interval: Interval) -> dict[str, float]:
    return {"share": interval.share, "low": interval.low, "high": interval.high}
