"""A comparison as a table for a terminal: one row for each kind of difference."""

from collections.abc import Iterator
from itertools import groupby

from klavier.cli.wording import hanging, paint, plain
from klavier.comparison.frame import Frame, diff_frame
from klavier.comparison.report import Case, Comparison, Difference, Note, by_part
from klavier.comparison.wording import PART_TITLES, call_rows, how, what, written

_LONGEST_VALUE = 80
_LONGEST_NAME = 60
_COLOURS = {"only_left": "red", "only_right": "green"}


def table(
    found: Comparison, *, values: bool = False, coloured: bool = True, frame: Frame | None = None
) -> Iterator[str]:
    """Return the lines: what changes, both sides in figures, then each difference with how often it was met.

    People and values are shown on demand only. `frame` is that of `klavier diff` if None.
    """
    shown = _Shown(found, frame or diff_frame(found), values=values, coloured=coloured)
    yield from shown.head()
    for part, rows in by_part(found.differences):
        yield ""
        yield shown.bold(PART_TITLES[part])
        for where, group in groupby(rows, lambda row: row.where):
            if where:
                yield f"  {plain(where)}"
            for row in group:
                yield from shown.row(row)
    yield from shown.tail()


class _Shown:
    def __init__(self, found: Comparison, frame: Frame, *, values: bool, coloured: bool) -> None:
        self._found, self._frame, self._values, self._coloured = found, frame, values, coloured
        self._names = plain(found.left.name), plain(found.right.name)
        self._width = max((len(_often(row)) for row in found.differences), default=0)

    def bold(self, text: str) -> str:
        return paint(text, bold=True) if self._coloured else text

    def head(self) -> Iterator[str]:
        frame = self._frame
        yield self.bold(plain(frame.title))
        yield from (hanging(line, "- ", 2) for line in frame.headlines)
        yield ""
        rows = [("", *self._names), *frame.facts]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for title, one, other in rows:
            yield f"{title:<{widths[0]}}  {one:>{widths[1]}}  {other:>{widths[2]}}"

    def row(self, row: Difference) -> Iterator[str]:
        text = plain(how(row, *self._names, self._frame.words))
        if self._coloured:
            text = paint(text, _COLOURS.get(row.kind))
        yield f"  {_often(row):>{self._width}}  {plain(what(row), _LONGEST_NAME):<36}  {text}{self._lines(row)}"
        if self._values:
            yield from (f"{' ' * (self._width + 6)}{self._case(case)}" for case in row.cases)

    def tail(self) -> Iterator[str]:
        found = self._found
        calls = list(call_rows(found.left, found.right))
        if calls:
            yield ""
            yield self.bold("API calls")
            widths = [max(len(f"{row[place]:,}") for row in calls) for place in (1, 2)]
            for name, one, other in calls:
                yield f"  {one:>{widths[0]},}  {other:>{widths[1]},}  {plain(name)}"
        for title, notes in self._frame.notes:
            if notes:
                yield ""
                yield self.bold(plain(title))
            yield from (f"  {note.count:>9,}  {plain(note.text)}{_first(note)}" for note in notes)

    def _lines(self, row: Difference) -> str:
        lines = list(dict.fromkeys(str(case.line) for case in row.cases if case.line is not None))
        if not lines or self._values:
            return ""
        more = ", ..." if row.count > len(lines) else ""
        return f" (line {', '.join(lines[:3])}{more})"

    def _case(self, case: Case) -> str:
        where = "" if case.line is None else f"line {case.line}, "
        return f"{where}{plain(case.person)}: {_value(case.left)} | {_value(case.right)}"


def _first(note: Note) -> str:
    return f" (first: line {note.first})" if note.first else ""


def _often(row: Difference) -> str:
    return f"{row.count:,} of {row.of:,}" if row.of else f"{row.count:,}"


def _value(value: object) -> str:
    return "-" if value is None else plain(written(value, _LONGEST_VALUE))
