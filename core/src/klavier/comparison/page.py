"""A comparison as one web page that needs nothing else: no network, and no script either, except for its filters."""

from collections.abc import Iterable
from importlib.resources import files
from itertools import groupby
from typing import Any

from markupsafe import Markup

from klavier.comparison.frame import Frame, diff_frame
from klavier.comparison.report import KINDS, Comparison, Difference, DifferenceKind, Part, by_part
from klavier.comparison.wording import PART_TITLES, call_rows, count, written
from klavier.pages.environment import shared_style, template_environment

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
    left, right = found.left.name, found.right.name
    met = {row.kind for row in found.differences}
    own = files("klavier.comparison") / "static"
    return (
        template_environment("klavier.comparison")
        .get_template("page.html")
        .render(
            found=found,
            left=left,
            right=right,
            values=values,
            frame=frame,
            parts=list(by_part(found.differences)),
            kinds=[kind for kind in KINDS if kind in met],
            calls=list(call_rows(found.left, found.right)),
            titles=PART_TITLES,
            groups=_groups,
            word=lambda kind: frame.words.get(kind) or _KIND_WORDS[kind].format(left=left, right=right),
            count=count,
            counted=_counted,
            lines_of=_lines_of,
            number=lambda number: f"{number:,}",
            value=_value,
            style=Markup(shared_style() + (own / "page.css").read_text("utf-8")),  # noqa: S704 -- files of ours
            script=Markup((own / "page.js").read_text("utf-8")),  # noqa: S704 -- as above
        )
    )


def _groups(rows: Iterable[Difference]) -> list[tuple[str, list[Difference]]]:
    """Return neighboring rows that are about the same place, with that place."""
    return [(where, list(group)) for where, group in groupby(rows, lambda row: row.where)]


def _counted(part: Part, rows: Iterable[Difference]) -> str:
    noun = "event" if part in ("metrics", "outcomes") else "time"
    return count(sum(row.count for row in rows), noun)


def _lines_of(row: Difference) -> list[str]:
    """Return the numbers of the lines with a row's cases, each once."""
    return list(dict.fromkeys(str(case.line) for case in row.cases if case.line is not None))


def _value(value: Any) -> str:
    return "—" if value is None else written(value, _LONGEST_VALUE)
