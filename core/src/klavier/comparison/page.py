"""A comparison as one web page that needs nothing else: no network, and no script either, except for its filters."""

from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import Any

from klavier.comparison.frame import Frame, diff_frame
from klavier.comparison.report import KINDS, Case, Comparison, Difference, DifferenceKind, Note, Part, by_part
from klavier.comparison.wording import PART_TITLES, call_rows, count, written

_LONGEST_VALUE = 160

_KIND_WORDS: dict[DifferenceKind, str] = {
    "only_left": "only {left}",
    "only_right": "only {right}",
    "renamed": "renamed",
    "changed": "differs",
    "merged": "merged with {right}",
    "doubled": "doubled with {right}",
}


def page(found: Comparison, *, values: bool = False, frame: Frame | None = None) -> str:
    """Write the page as HTML; people and values are in it on demand only. `frame` is that of `klavier diff` if None."""
    frame = frame or diff_frame(found)
    writer = _Writer(found, frame, values=values)
    assets = files("klavier.comparison") / "assets"
    return Template((assets / "page.html").read_text("utf-8")).substitute(
        command=_text(frame.command),
        lead=_text(frame.lead),
        footer=_text(frame.footer),
        title=f"{writer.left} → {writer.right}",
        left=writer.left,
        right=writer.right,
        headlines="".join(f"<li>{_text(line)}</li>\n" for line in frame.headlines),
        facts="".join(_fact(*row) for row in frame.facts),
        filters=writer.filters(),
        sections="".join(writer.sections()),
        more="".join(writer.more()),
        style=(assets / "page.css").read_text("utf-8"),
        script=(assets / "page.js").read_text("utf-8"),
    )


class _Writer:
    """Writes the pieces of one page."""

    def __init__(self, found: Comparison, frame: Frame, *, values: bool) -> None:
        self._found, self._frame, self._values = found, frame, values
        self.left, self.right = _text(found.left.name), _text(found.right.name)

    def filters(self) -> str:
        """Write the form that chooses rows; it shows itself where scripts run."""
        parts = [(part, len(rows)) for part, rows in by_part(self._found.differences)]
        if not parts:
            return ""
        met = {row.kind for row in self._found.differences}
        kinds = "".join(f'<option value="{kind}">{self._word(kind)}</option>' for kind in KINDS if kind in met)
        chips = "".join(
            f'<label><input type="checkbox" value="{part}"> {_text(PART_TITLES[part])} {number:,}</label>\n'
            for part, number in parts
        )
        return (
            '<form class="filters" hidden>\n'
            '<input type="search" name="text" placeholder="Search, for example a property" aria-label="Search">\n'
            f'<select name="kind" aria-label="Kind"><option value="">All kinds</option>{kinds}</select>\n'
            f'<output class="showing"></output>\n<div class="chips">\n{chips}</div>\n</form>\n'
        )

    def sections(self) -> Iterator[str]:
        """Write a table for each part that has differences."""
        for part, rows in by_part(self._found.differences):
            bodies = "".join(self._body(where, list(group)) for where, group in groupby(rows, lambda row: row.where))
            yield (
                f'<section class="part" id="{part}">\n'
                f"<h2>{_text(PART_TITLES[part])}<small>{_counted(part, rows)}</small></h2>\n"
                f'<table class="rows">\n<thead><tr><th scope="col" class="left">{self.left}</th>'
                f'<th scope="col" class="right">{self.right}</th><th scope="col" class="how">how</th>'
                f'<th scope="col" class="count">how often</th><th scope="col" class="cases">for example</th>'
                f"</tr></thead>\n{bodies}</table>\n</section>\n"
            )

    def more(self) -> Iterator[str]:
        """Write calls, notes, and lines that were no events."""
        calls = list(call_rows(self._found.left, self._found.right))
        if calls:
            rows = "".join(
                f'<tr><td><code>{_text(name)}</code></td><td class="figure">{one:,}</td>'
                f'<td class="figure">{other:,}</td></tr>\n'
                for name, one, other in calls
            )
            yield (
                '<section class="extra"><h2>API calls</h2>\n'
                '<table class="rows">\n<thead><tr><th scope="col">endpoint</th>'
                f'<th scope="col" class="figure left">{self.left}</th><th scope="col" class="figure right">{self.right}'
                f"</th></tr></thead>\n<tbody>\n{rows}</tbody></table></section>\n"
            )
        for title, notes in self._frame.notes:
            yield _notes(title, notes)

    def _body(self, where: str, rows: list[Difference]) -> str:
        head = f'<tr class="where"><th colspan="5" scope="rowgroup">{_text(where)}</th></tr>\n' if where else ""
        return f"<tbody>\n{head}{''.join(map(self._row, rows))}</tbody>\n"

    def _row(self, row: Difference) -> str:
        left = '<span class="none">—</span>' if row.kind == "only_right" else f"<code>{_text(row.name)}</code>"
        theirs = row.other or row.name
        right = '<span class="none">—</span>' if row.kind == "only_left" else f"<code>{_text(theirs)}</code>"
        detail = f'<span class="detail">{_text(row.detail)}</span>' if row.detail else ""
        of = f"<small> of {row.of:,}</small>" if row.of else ""
        return (
            f'<tr data-kind="{row.kind}" data-part="{row.part}" data-where="{_text(row.where)}">'
            f"<td>{left}</td><td>{right}</td>"
            f'<td><span class="badge {row.kind}">{self._word(row.kind)}</span>{detail}</td>'
            f'<td class="count">{row.count:,}{of}</td><td class="cases">{self._cases(row)}</td></tr>\n'
        )

    def _cases(self, row: Difference) -> str:
        if self._values:
            cases = "".join(map(_case, row.cases))
            return f"<details><summary>{count(len(row.cases), 'case')}</summary><ul>{cases}</ul></details>"
        lines = list(dict.fromkeys(str(case.line) for case in row.cases if case.line is not None))
        more = ", …" if row.count > len(lines) else ""
        return f'<span class="lines">line {", ".join(lines)}{more}</span>' if lines else ""

    def _word(self, kind: DifferenceKind) -> str:
        return self._frame.words.get(kind) or _KIND_WORDS[kind].format(left=self.left, right=self.right)


def _fact(title: str, left: str, right: str) -> str:
    unlike = ' class="unlike"' if left != right else ""
    return f'<tr{unlike}><th scope="row">{title}</th><td>{left}</td><td>{right}</td></tr>\n'


def _counted(part: Part, rows: Iterable[Difference]) -> str:
    noun = "event" if part in ("metrics", "outcomes") else "time"
    return count(sum(row.count for row in rows), noun)


def _notes(title: str, notes: tuple[Note, ...]) -> str:
    if not notes:
        return ""
    rows = "".join(
        f'<tr><td>{_text(note.text)}{_first(note)}</td><td class="figure">{note.count:,}</td></tr>\n' for note in notes
    )
    table = f'<table class="rows"><tbody>\n{rows}</tbody></table>'
    return f'<section class="extra"><h2>{_text(title)}</h2>\n{table}</section>\n'


def _first(note: Note) -> str:
    return f' <span class="lines">first: line {note.first}</span>' if note.first else ""


def _case(case: Case) -> str:
    where = "" if case.line is None else f"line {case.line}, "
    return (
        f'<li><span class="who">{where}{_text(case.person)}</span><code class="was">{_value(case.left)}</code> → '
        f'<code class="is">{_value(case.right)}</code></li>'
    )


def _value(value: Any) -> str:
    return "—" if value is None else _text(written(value, _LONGEST_VALUE))


def _text(text: str) -> str:
    """Write a text as HTML: markup and quotes escaped, what cannot be seen shown as its escape."""
    return escape("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))
