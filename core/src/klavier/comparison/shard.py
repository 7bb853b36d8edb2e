"""The comparison of one shard, with what is needed to merge it with the others, also as JSON."""

from collections.abc import Mapping
from typing import Any

import cattrs
from attrs import field, frozen

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

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"index": self.index, "of": self.of, "rows": _write_rows(self.rows)}


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
