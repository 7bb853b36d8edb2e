"""What a migration keeps, loses and leaves to decide, as plain text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klavier.migration.model import Migration, NotCarried


def report_lines(migration: "Migration") -> Iterator[str]:
    """Write the lists: what was carried over, what a person must decide, what cannot be carried over, what to set."""
    main = [each for each in migration.not_carried if not each.fine]
    fine = [each for each in migration.not_carried if each.fine]
    kept = [each for each in migration.carried if not each.is_idle]
    yield from _list("Carried over", [each.setting for each in kept])
    yield from _list(
        "Without effect beside the other settings, so not carried over",
        [each.setting for each in migration.carried if each.is_idle],
    )
    yield from _list("You must decide", [f"{each.place}: {each.text}" for each in migration.decisions])
    title_of_main = "What changes" if migration.source == migration.target else "Cannot be carried over"
    for title, some in ((title_of_main, main), ("Small print", fine)):
        if some:
            yield f"{title} ({len(some)})"
            for each in some:
                yield from _difference(each)
            yield ""
    yield from _list("Set in the environment", list(migration.to_set))
    if migration.is_complete:
        yield "All was carried over."


def _list(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{title} ({len(lines)})"
        yield from (f"  - {line}" for line in lines)
        yield ""


def _difference(each: "NotCarried") -> Iterator[str]:
    by = f" (set by {', '.join(each.settings)})" if each.settings else ""
    yield f"  - {each.about}{by}"
    yield from (f"      {line}" for line in each.lines)
    yield f"      {each.consequence}"
