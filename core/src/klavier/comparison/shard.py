"""The comparison of one shard, with what is needed to merge it with the others, also as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import cattrs
from attrs import field, frozen

from klavier.comparison.merge import merge_notes, merge_sides, sort_notes
from klavier.comparison.properties import Counted, PropertyTally
from klavier.comparison.report import Case, Comparison, Difference, Note, SideReport
from klavier.comparison.rows import Rows
from klavier.errors import UsageError
from klavier.strictjson import kind_of


@frozen
class Shard:
    """The number of a shard, from 0, out of how many, and its rows before anything is decided about them."""

    index: int
    of: int
    rows: Rows = field(repr=False, eq=False)

    def merge(self, parts: Sequence[Comparison]) -> Comparison:
        """Return the comparison of all shards; see `Comparison.merge`."""
        _check(parts)
        shards = [part.shard for part in parts if isinstance(part.shard, Shard)]
        rows = Rows(self.rows.most)
        for shard in sorted(shards, key=lambda shard: shard.index):
            rows.merge(shard.rows)
        return Comparison(
            sum(part.events for part in parts),
            merge_sides([part.left for part in parts]),
            merge_sides([part.right for part in parts]),
            rows.finish(),
            sort_notes(merge_notes(part.unread for part in parts), by_line=True),
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"index": self.index, "of": self.of, "rows": _write_rows(self.rows)}


def _check(parts: Sequence[Comparison]) -> None:
    """Raise `UsageError` where parts do not belong together, one is missing, or is there twice."""
    remedy = "pass the comparison of each shard of the same events once"
    shards = [part.shard for part in parts if isinstance(part.shard, Shard)]
    sides = {(part.left.name, part.right.name) for part in parts}
    if len(sides) > 1 or len({(shard.of, shard.rows.most) for shard in shards}) > 1:
        raise UsageError(f"merge: the shards belong to several comparisons; {remedy}")
    met = Counter(shard.index for shard in shards)
    twice = [index for index, count in met.items() if count > 1]
    missing = [index for index in range(shards[0].of) if index not in met]
    if twice or missing:
        problem = f"{twice[0]} is there twice" if twice else f"{missing[0]} is missing"
        raise UsageError(f"merge: shard {problem}, of {shards[0].of} counted from 0; {remedy}")


def read_comparison(data: Mapping[str, Any]) -> Comparison:
    """Return what `Comparison.as_json` wrote; raises `UsageError` for other data."""
    if not isinstance(data, Mapping):
        raise UsageError(f"a comparison is a JSON object as Comparison.as_json returns it, not {kind_of(data)}")
    try:
        shard = data.get("shard")
        return Comparison(
            int(data["events"]),
            cattrs.structure(data["left"], SideReport),
            cattrs.structure(data["right"], SideReport),
            cattrs.structure(data["differences"], tuple[Difference, ...]),
            cattrs.structure(data["unread"], tuple[Note, ...]),
            None if shard is None else Shard(int(shard["index"]), int(shard["of"]), _read_rows(shard["rows"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError, cattrs.BaseValidationError):
        raise UsageError("no comparison: pass the JSON object that Comparison.as_json returned, unchanged") from None


def _write_rows(rows: Rows) -> dict[str, Any]:
    return {
        "most": rows.most,
        "counts": [
            [*key, count, rows.wholes[key], rows.unless.get(key, ""), _write_cases(rows.cases.get(key, []))]
            for key, count in rows.counts.items()
        ],
        "totals": dict(rows.totals),
        "tallies": {where: _write_tally(tally) for where, tally in rows.tallies.items()},
        "lists": [rows.lists.left, rows.lists.right, sorted(rows.lists.members)],
    }


def _read_rows(data: Mapping[str, Any]) -> Rows:
    rows = Rows(data["most"])
    for *key, count, whole, unless, cases in data["counts"]:
        place: Any = tuple(key)
        rows.counts[place] = count
        rows.wholes[place] = whole if isinstance(whole, int) else tuple(whole)
        rows.cases[place] = _read_cases(cases)
        if unless:
            rows.unless[place] = unless
    rows.totals.update(data["totals"])
    rows.tallies.update({where: _read_tally(tally) for where, tally in data["tallies"].items()})
    rows.lists.left, rows.lists.right, members = data["lists"]
    rows.lists.members.update(members)
    return rows


def _write_tally(tally: PropertyTally) -> dict[str, Any]:
    return {
        "most": tally.most,
        "objects": tally.objects,
        "shapes": [[*shape, count] for shape, count in tally.shapes.items()],
        "telling": sorted(tally.telling),
        **{
            name: [[*key, counted.count, _write_cases(counted.cases)] for key, counted in getattr(tally, name).items()]
            for name in ("lefts", "rights", "changed")
        },
        "inside": {name: _write_tally(inner) for name, inner in tally.inside.items()},
    }


def _read_tally(data: Mapping[str, Any]) -> PropertyTally:
    tally = PropertyTally(data["most"])
    tally.objects = data["objects"]
    tally.shapes.update({(tuple(left), tuple(right)): count for left, right, count in data["shapes"]})
    tally.telling.update((ours, theirs) for ours, theirs in data["telling"])
    for counts, rows in ((tally.lefts, data["lefts"]), (tally.rights, data["rights"])):
        counts.update({(name, tuple(same)): Counted(count, _read_cases(cases)) for name, same, count, cases in rows})
    tally.changed.update(
        {(name, how): Counted(count, _read_cases(cases)) for name, how, count, cases in data["changed"]}
    )
    tally.inside.update({name: _read_tally(inner) for name, inner in data["inside"].items()})
    return tally


def _write_cases(cases: list[Case]) -> list[list[Any]]:
    return [[case.line, case.person, case.left, case.right] for case in cases]


def _read_cases(data: list[list[Any]]) -> list[Case]:
    return [Case(line, person, left, right) for line, person, left, right in data]
